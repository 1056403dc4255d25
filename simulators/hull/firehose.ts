import { isObject, textReply, type Reply } from "../loopback/call";
import type { Books } from "./books";
import type { Profile, Profiles, Subject } from "./profiles";
import { readItemToken, TokenRefused, type ItemToken } from "./token";

/** An item as the firehose received it, with the claims of its token. */
export interface FirehoseItem {
  readonly type: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly token: ItemToken;
}

/** Tracked events, in the order of arrival; the same `event_id` again overwrites the former (sheet 7.1). */
export interface TrackedEvent {
  readonly userId: string;
  readonly event: Readonly<Record<string, unknown>>;
}

/** Makes the firehose refuse batches. */
export interface Refusal {
  readonly matches: (item: FirehoseItem) => boolean;
  readonly status: number;
}

export interface FirehoseDeps {
  readonly profiles: Profiles;
  readonly books: Books;
  readonly refusals: ReadonlySet<Refusal>;
  readonly events: Map<string, TrackedEvent>;
}

function readItem(value: unknown, connectorId: string, secret: string): FirehoseItem {
  if (!isObject(value) || typeof value["type"] !== "string") throw new TokenRefused("An item has no type.", 400);
  const headers = isObject(value["headers"]) ? value["headers"] : {};
  const token = readItemToken(headers["Hull-Access-Token"], connectorId, secret);
  return { type: value["type"], body: isObject(value["body"]) ? value["body"] : {}, token };
}

/** Applies one item and answers whether it told Hull anything new. */
function applyItem({ type, body, token }: FirehoseItem, { profiles, books, events }: FirehoseDeps): boolean {
  const resolve = (subject: Subject) => {
    const claims = token[subject];
    return claims === undefined ? undefined : profiles.resolve(subject, claims);
  };
  const user = resolve("user");
  const account = resolve("account");
  const subject = token.subject === "user" ? user : account;
  if (subject === undefined) {
    books.count("unresolvedItems");
    return false;
  }
  let news = (user?.changed ?? false) || (account?.changed ?? false);
  if (user !== undefined && account !== undefined && link(user.profile, account.profile)) {
    books.count("links");
    news = true;
  }
  if (type === "traits") {
    if (Object.keys(body).length > 0) books.count(token.subject === "user" ? "userTraits" : "accountTraits");
    return profiles.merge(subject.profile, body) || news;
  }
  if (type === "track") {
    books.count("tracks");
    const eventId = typeof body["event_id"] === "string" ? body["event_id"] : `event-${events.size + 1}`;
    const isNew = !events.has(eventId);
    events.set(eventId, { userId: subject.profile.id, event: body });
    return isNew;
  }
  if (type === "alias" && typeof body["anonymous_id"] === "string") {
    const { anonymous_ids: known } = subject.profile;
    if (known.includes(body["anonymous_id"])) return news;
    known.push(body["anonymous_id"]);
    return true;
  }
  return news;
}

function link(user: Profile, account: Profile): boolean {
  if (user.account_id === account.id) return false;
  user.account_id = account.id;
  return true;
}

/**
 * Takes one firehose request (sheet 7). Tokens are checked first and for all items: one bad item refuses the whole
 * batch, of which nothing is applied.
 */
export function takeFirehose(body: unknown, connectorId: string, secret: string, deps: FirehoseDeps): Reply {
  const { books, refusals } = deps;
  books.count("firehoseRequests");
  const refuse = (status: number, message: string): Reply => {
    books.count("refusedRequests");
    return textReply(status, message);
  };
  if (!isObject(body) || !Array.isArray(body["batch"])) return refuse(400, "A batch is expected.");
  const batch: readonly unknown[] = body["batch"];
  let items: readonly FirehoseItem[];
  try {
    items = batch.map((value) => readItem(value, connectorId, secret));
  } catch (error) {
    if (error instanceof TokenRefused) return refuse(error.status, error.message);
    throw error;
  }
  for (const refusal of refusals) if (items.some(refusal.matches)) return refuse(refusal.status, "Refused");

  books.count("firehoseItems", items.length);
  for (const item of items) if (!applyItem(item, deps)) books.count("noOpItems");
  return { status: 200, body: {} };
}

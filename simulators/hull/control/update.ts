/** A change in Hull and the notification that follows from it, in one order. */
import { z } from "zod";
import type { ConnectorObject, Segment } from "../connectors";
import type { HullSimulator } from "../face";
import type { Attributes, Claims, Profile, Subject } from "../profiles";
import type { SendReport } from "../sender";

const claim = z.string().min(1).optional();
const attributes = z.record(z.string(), z.unknown()).default({});
const names = z.array(z.string()).optional();

const orderSchema = z
  .strictObject({
    connector: z.string().optional(),
    target: z.url().optional(),
    user: z.strictObject({ external_id: claim, email: claim, attributes }).optional(),
    account: z.strictObject({ external_id: claim, domain: claim, attributes }).optional(),
    segments: names,
    account_segments: names,
  })
  .refine(({ user, account }) => user !== undefined || account !== undefined, "send a user, an account, or both");

export interface UpdateOrder {
  readonly connector: ConnectorObject;
  readonly target: string;
  readonly user?: Wanted;
  readonly account?: Wanted;
}

interface Wanted {
  readonly claims: Claims;
  readonly attributes: Attributes;
  /** Those that the profile is in from now on; undefined: as before. */
  readonly segments?: readonly string[] | undefined;
}

export interface UpdateAnswer {
  readonly entity: Subject;
  readonly hull_id: string;
  readonly account_id: string | null;
  readonly message_id: string;
  readonly report: SendReport;
}

/** @returns the order, or a sentence that says what is wrong and what is allowed */
export function readUpdateOrder(input: unknown, hull: HullSimulator): UpdateOrder | string {
  const read = orderSchema.safeParse(input);
  if (!read.success) {
    const problems = read.error.issues.map(({ path, message }) => `${path.join(".") || "the order"}: ${message}`);
    return `${problems.join("; ")}. GET /__sim/ shows an example.`;
  }
  const { connector: id, target, user, account, segments, account_segments: accountSegments } = read.data;
  const [first] = hull.connectors.keys();
  const connector = hull.connectors.get(id ?? first ?? "");
  if (connector === undefined)
    return `There is no connector ${id ?? ""}; there are ${[...hull.connectors.keys()].join(", ")}.`;
  const users = idsOf(segments, hull.segments.users, "user");
  const accounts = idsOf(accountSegments, hull.segments.accounts, "account");
  if (typeof users === "string") return users;
  if (typeof accounts === "string") return accounts;
  return {
    connector,
    target: target ?? new URL("smart-notifier", String(connector["source_url"])).href,
    ...(user && { user: wantedOf(user, users) }),
    ...(account && { account: wantedOf(account, accounts) }),
  };
}

function wantedOf(
  { attributes: changed, ...claims }: Claims & { readonly attributes: Attributes },
  segments: readonly string[] | undefined,
): Wanted {
  return { claims, attributes: changed, segments };
}

function idsOf(
  wanted: readonly string[] | undefined,
  all: readonly Segment[],
  of: Subject,
): readonly string[] | string | undefined {
  const unknown = wanted?.find((name) => !all.some((segment) => segment.name === name));
  if (unknown !== undefined) {
    return `There is no ${of} segment ${JSON.stringify(unknown)}; there are ${all.map(({ name }) => name).join(", ")}.`;
  }
  return wanted && all.filter(({ name }) => wanted.includes(name)).map(({ id }) => id);
}

/** @returns changes what is ordered and sends what follows; resolves when the connector has answered for good */
export function createUpdate(hull: HullSimulator): (order: UpdateOrder) => Promise<UpdateAnswer> {
  let sequence = 0;

  function changed(subject: Subject, wanted: Wanted) {
    // Nobody is looked for by an id here, so somebody is always found or created.
    const resolved = hull.profiles.resolve(subject, wanted.claims);
    if (resolved === undefined) throw new Error(`There is no ${subject} of that id.`);
    const { profile } = resolved;
    const pairs = Object.entries(wanted.attributes).map(
      ([name, value]) => [name, [profile.attributes[name] ?? null, value] as const] as const,
    );
    hull.profiles.merge(profile, wanted.attributes);
    if (wanted.segments !== undefined) profile.segment_ids = [...wanted.segments];
    return { profile, changes: Object.fromEntries(pairs.filter(([, [before, after]]) => before !== after)) };
  }

  return async ({ connector, target, user, account }) => {
    sequence += 1;
    const ofAccount = account && changed("account", account);
    const ofUser = user && changed("user", user);
    if (ofUser !== undefined && ofAccount !== undefined) ofUser.profile.account_id = ofAccount.profile.id;
    const own = ofUser ?? ofAccount;
    if (own === undefined) throw new Error("An order names a user or an account.");
    // Hull notifies of what it has indexed anew, so each message is newer than the one before.
    hull.profiles.touch(own.profile);
    const entity: Subject = ofUser === undefined ? "account" : "user";
    const message = messageOf(hull, entity, own.profile, {
      sequence,
      changes: { user: ofUser?.changes ?? {}, account: ofAccount?.changes ?? {} },
    });
    const report = await hull.send(target, {
      connectorId: connector.id,
      channel: `${entity}:update`,
      messages: [message],
      // A person waits for the answer, and Hull may be told to wait for minutes.
      maxAttempts: 1,
    });
    const { id, account_id: accountId } = own.profile;
    return { entity, hull_id: id, account_id: accountId ?? null, message_id: message.message_id, report };
  };
}

function messageOf(
  hull: HullSimulator,
  entity: Subject,
  profile: Profile,
  parts: Parameters<HullSimulator["accountMessage"]>[1],
) {
  return entity === "user" ? hull.userMessage(profile, parts) : hull.accountMessage(profile, parts);
}

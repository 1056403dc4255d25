// Firehose items as text, and how many of them go into one request. Pure.
import type { Attributes } from "../protocol/shapes";
import { EmptyClaimsError, signSubject, type AccountClaims, type SubjectOptions, type UserClaims } from "../auth/token";

/** An event; the same `id` again overwrites it. */
export interface HullEvent {
  readonly id: string;
  readonly name: string;
  /** The service. */
  readonly source: string;
  /** Milliseconds since 1970; undefined: now. */
  readonly atMs?: number | undefined;
  readonly properties: Attributes;
}

/** One thing to tell Hull. A link connects a user to an account and sets no attribute. */
export type FirehoseItem =
  | { readonly type: "traits"; readonly subject: "user"; readonly user: UserClaims; readonly attributes: Attributes }
  | {
      readonly type: "traits";
      readonly subject: "account";
      readonly account: AccountClaims;
      readonly attributes: Attributes;
    }
  | { readonly type: "link"; readonly user: UserClaims; readonly account: AccountClaims }
  /** Hull has events of users alone. */
  | { readonly type: "track"; readonly user: UserClaims; readonly account: AccountClaims; readonly event: HullEvent };

/** An item ready to be sent; `index` is its place in the caller's list. */
export interface EncodedItem {
  readonly index: number;
  readonly json: string;
  readonly bytes: number;
}

export type Signer = Pick<SubjectOptions, "id" | "secret">;

/** @param now milliseconds since the epoch, for token and timestamp */
export function encodeItem(
  item: FirehoseItem,
  index: number,
  { id, secret }: Signer,
  now: number,
): { readonly ok: true; readonly item: EncodedItem } | { readonly ok: false; readonly reason: string } {
  // The official client makes the account the subject of a link; since the body is empty, nothing else depends on it.
  const subject = item.type === "link" ? "account" : item.type === "track" ? "user" : item.subject;
  const user = "user" in item ? item.user : undefined;
  const account = "account" in item ? item.account : undefined;
  try {
    const json = JSON.stringify({
      type: item.type === "track" ? "track" : "traits",
      timestamp: new Date(now).toISOString(),
      body: item.type === "link" ? {} : item.type === "track" ? bodyOf(item.event, now) : checked(item.attributes),
      headers: { "Hull-Access-Token": signSubject({ id, secret, subject, user, account, now }) },
    });
    return { ok: true, item: { index, json, bytes: Buffer.byteLength(json) } };
  } catch (error) {
    if (error instanceof EmptyClaimsError || error instanceof UnsendableError || error instanceof TypeError) {
      return { ok: false, reason: error.message }; // TypeError: a cycle or a BigInt, from JSON.stringify
    }
    throw error;
  }
}

/** Nobody's browser did it, so there is neither an address nor a page. */
function bodyOf({ id, name, source, atMs, properties }: HullEvent, now: number): object {
  const nowhere = { ip: null, url: null, referer: null };
  const createdAt = new Date(atMs ?? now).toISOString();
  return { ...nowhere, source, created_at: createdAt, event_id: id, event: name, properties: checked(properties) };
}

class UnsendableError extends Error {}

/** JSON turns NaN and infinities into null, which would clear the attribute in Hull. */
function checked(attributes: Attributes): Attributes {
  for (const name in attributes) {
    const value = attributes[name];
    if (typeof value === "number" && !Number.isFinite(value)) {
      throw new UnsendableError(`The attribute ${name} is not a finite number.`);
    }
  }
  return attributes;
}

/** Cuts a list into batches of at most `maxItems` and about `maxBytes`; a bigger item goes alone. Keeps the order. */
export function intoBatches(items: readonly EncodedItem[], maxItems: number, maxBytes: number): EncodedItem[][] {
  const batches: EncodedItem[][] = [];
  let bytes = 0;
  for (const item of items) {
    const current = batches.at(-1);
    const grown = bytes + 1 + item.bytes; // with the comma
    if (current === undefined || current.length >= maxItems || grown > maxBytes) {
      batches.push([item]);
      bytes = item.bytes;
    } else {
      current.push(item);
      bytes = grown;
    }
  }
  return batches;
}

export function batchBody(items: readonly EncodedItem[], now: number): string {
  const at = JSON.stringify(new Date(now).toISOString());
  return `{"batch":[${items.map((item) => item.json).join(",")}],"timestamp":${at},"sentAt":${at}}`;
}

/**
 * Reading Hull attributes. A user's own attributes come with or without the prefix `traits_`, an account's without;
 * grouped ones are flat keys with a slash. Absent and null are two different things.
 */
import { hash } from "node:crypto";
import memoize from "lodash/memoize";
import type { Attributes, EntityMessage } from "../message";
import { digitsOf } from "../../json";
import type { Json } from "../../record";

/** A Hull attribute as a settings row names it. */
export interface AttributeReference {
  /** As written in the settings, for messages to people. */
  readonly text: string;
  readonly from: "user" | "account";
  /** Keys under which it may be found, best first. */
  readonly candidates: readonly string[];
  /** It stands for the names of segments, which are no attribute. */
  readonly names?: "segmentNames" | "accountSegmentNames";
}

const TRAITS = "traits_";
const ACCOUNT = "account.";
/** As Hull's own connectors write it; the brackets may be missing. */
const SEGMENTS = /^(account[_.])?segments\.name(?:\[\])?$/;

/** How rows of the settings name them, in one spelling. */
const SEGMENT_NAMES = ["segments.name[]", "account_segments.name[]"] as const;

/**
 * @param text such as `name`, `traits_planhat/id`, `account.domain`, `segments.name[]`
 * @param entity whose table the row belongs to
 * @returns undefined when the text consists of blanks and prefixes only
 */
export function attributeReference(text: string, entity: "user" | "account"): AttributeReference | undefined {
  const trimmed = text.trim();
  const [isSegments, ofAccounts] = SEGMENTS.exec(trimmed) ?? [];
  if (isSegments !== undefined) return segmentNames(trimmed, ofAccounts === undefined ? entity : "account");
  const ofAccount = trimmed.startsWith(ACCOUNT);
  const written = ofAccount ? trimmed.slice(ACCOUNT.length) : trimmed;
  const bare = written.startsWith(TRAITS) ? written.slice(TRAITS.length) : written;
  if (bare === "") return undefined;
  const other = written === bare ? TRAITS + bare : bare;
  return { text: trimmed, from: ofAccount ? "account" : entity, candidates: [written, other] };
}

/** Whether a settings row means the names of segments. */
export const namesSegments = (text: string): boolean => SEGMENTS.test(text);

function segmentNames(text: string, from: AttributeReference["from"]): AttributeReference {
  const [ofUser, ofAccount] = SEGMENT_NAMES;
  return from === "user"
    ? { text, from, candidates: [ofUser], names: "segmentNames" }
    : { text, from, candidates: [ofAccount], names: "accountSegmentNames" };
}

/** The canonical spelling of all that name the same attribute: without prefixes, except `account.`. */
export function spellingOf({ from, candidates }: AttributeReference): string {
  const [bare = ""] = candidates.toSorted((left, right) => left.length - right.length);
  return `${from}.${bare}`;
}

/** An own property, never an inherited one: attribute names come from outside. */
export function own(attributes: Attributes, key: string): Json | undefined {
  return Object.hasOwn(attributes, key) ? attributes[key] : undefined;
}

/** @returns undefined when the message does not have the attribute (names of segments where it has ids alone); `null` when Hull says that it is empty */
export function readAttribute(message: EntityMessage, reference: AttributeReference): Json | undefined {
  // In whatever order Hull lists them, they are the same.
  if (reference.names !== undefined) return message[reference.names]?.toSorted();
  const source = reference.from === "user" ? message.user : message.account;
  for (const key of reference.candidates) {
    const value = own(source, key);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** The attributes that a message's changes show as cleared: computed once for all mapped fields. */
const clearedIn = memoize((changes: Attributes): ReadonlySet<string> => {
  const names = new Set<string>();
  for (const key of Object.keys(changes)) {
    const change = own(changes, key);
    if (isPair(change) && change[0] !== null && change[1] === null) names.add(key).add(key.replace(/\[\d+\]$/, ""));
  }
  return names;
});
clearedIn.cache = new WeakMap();

/**
 * Whether the message's changes show that the attribute had a value and has none now. Elements of a list
 * change under indexed keys: `tags[0]: ["a", null]`.
 */
export function wasCleared(message: EntityMessage, reference: AttributeReference): boolean {
  const names = clearedIn(reference.from === "user" ? message.changes.user : message.changes.account);
  return reference.candidates.some((candidate) => names.has(candidate));
}

function isPair(change: Json | undefined): change is readonly [Json, Json] {
  return Array.isArray(change) && change.length === 2 && change[0] !== undefined;
}

/** A non-empty text; numbers count, since external ids come in both forms, unless their digits are not certain. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === "number") return digitsOf(value);
  return typeof value === "string" && value.trim() !== "" ? value : undefined;
}

/** Keys of the store have a limited length; a longer id is represented by its hash. */
export function shortened(id: string): string {
  return Buffer.byteLength(id) <= 150 ? id : `#${hash("sha256", id, "base64url")}`;
}

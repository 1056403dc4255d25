/**
 * The answer to a bulk upsert. Its counters and lists are documented, the shape of its error elements is not, so those
 * are kept unchanged and searched for what we know (planhat.com/developers/api/bulk-upsert, …/http-response-codes).
 */
import { isObject } from "../../../json";

export interface Envelope {
  /** Undefined when the answer does not count them. */
  readonly created: number | undefined;
  readonly updated: number | undefined;
  readonly nonupdates: number;
  readonly createdErrors: readonly unknown[];
  readonly updatedErrors: readonly unknown[];
  readonly permissionErrors: readonly unknown[];
  /** Errors in lists whose names we do not know. */
  readonly otherErrors: readonly unknown[];
  /** Keys of the records that were created or updated, including `_id`. */
  readonly inserts: readonly Readonly<Record<string, unknown>>[];
  readonly updates: readonly Readonly<Record<string, unknown>>[];
}

const KNOWN = [
  "created",
  "updated",
  "nonupdates",
  "createdErrors",
  "updatedErrors",
  "permissionErrors",
  "insertsKeys",
  "updatesKeys",
];

/** @returns undefined when the answer is something else: a text, a page, another object */
export function readEnvelope(body: unknown): Envelope | undefined {
  if (!isObject(body) || !KNOWN.some((name) => Object.hasOwn(body, name))) return undefined;
  const others = Object.keys(body).filter((name) => /errors?$/i.test(name) && !KNOWN.includes(name));
  return {
    created: counter(body["created"]),
    updated: counter(body["updated"]),
    nonupdates: counter(body["nonupdates"]) ?? 0,
    createdErrors: elements(body["createdErrors"]),
    updatedErrors: elements(body["updatedErrors"]),
    permissionErrors: elements(body["permissionErrors"]),
    otherErrors: others.flatMap((name) => elements(body[name])),
    inserts: keyed(body["insertsKeys"], body["upsertedIds"]),
    updates: keyed(body["updatesKeys"], body["modified"]),
  };
}

/** A whole number from 0, or undefined. */
export function counter(value: unknown): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 ? value : undefined;
}

function elements(value: unknown): readonly unknown[] {
  if (value === undefined || value === null || value === "") return [];
  return Array.isArray(value) ? value : [value];
}

/** Key objects, and bare ids that are not among them. */
function keyed(keys: unknown, ids: unknown): readonly Readonly<Record<string, unknown>>[] {
  const objects = elements(keys)
    .map((entry) => (typeof entry === "string" ? { _id: entry } : entry))
    .filter(isObject);
  const named = new Set(objects.map((entry) => entry["_id"]));
  const bare = elements(ids).map((entry) => (isObject(entry) ? entry["_id"] : entry));
  return [...objects, ...bare.flatMap((id) => (typeof id === "string" && !named.has(id) ? [{ _id: id }] : []))];
}

const MESSAGE_PROPERTIES = ["message", "error", "errmsg", "msg", "reason", "text", "description"];
/** How much of Planhat's words is kept, in characters. */
export const MAX_MESSAGE = 500;

/**
 * Planhat's own words from an error of any shape; the whole element when no words can be found. They may be long, and
 * may repeat the token: a redactor must cut them, since half of a secret would not be recognised any more.
 */
export function messageOf(element: unknown): string {
  if (element === undefined || element === null || element === "") return "No reason was given.";
  return wordsOf(element, 0) ?? JSON.stringify(element);
}

/** How much of Planhat's words is kept after secrets were removed. */
export function shortened(message: string): string {
  return message.slice(0, MAX_MESSAGE);
}

function wordsOf(element: unknown, depth: number): string | undefined {
  if (typeof element === "string") return element.trim() === "" ? undefined : element.trim();
  if (!isObject(element) || depth > 3) return undefined;
  for (const name of MESSAGE_PROPERTIES) {
    const words = wordsOf(element[name], depth + 1);
    if (words !== undefined) return words;
  }
  return undefined;
}

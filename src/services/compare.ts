/**
 * When are two values of a field the same? Values are converted into a canonical text by field type; texts are
 * compared, or stored as short fingerprints. The reason: what a service stores may differ in form (case of
 * names, order of tags, precision of instants) without being a change.
 */
import { hash } from "node:crypto";
import { parseInstant, readDay, writtenInstant } from "../instant";
import { isList, isSafe } from "../json";
import type { Json } from "../record";
import type { FieldType } from "./model";

/**
 * Exactly, a text of digits and the number that it names are two values; loosely they are one. Where a field's type is
 * not known, the difference counts: a text that was stored instead of a number must be mended.
 */
type Reading = "exact" | "loose";

const readingOf = (type: FieldType): Reading => (type === "any" ? "exact" : "loose");

function stable(value: Json, reading: Reading): string {
  if (value === null || typeof value !== "object") return scalar(value, reading);
  if (isList(value)) return `[${value.map((each) => stable(each, reading)).join(",")}]`;
  const parts = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${stable(value[key] ?? null, reading)}`);
  return `{${parts.join(",")}}`;
}

/** An instant compares equal in any notation where the field's type is not known. */
function scalar(value: string | number | boolean | null, reading: Reading): string {
  if (value === null) return "∅";
  if (typeof value !== "string") return String(value);
  // Bare digits are not an instant here: a counter must not be mistaken for a date.
  const instant = writtenInstant(value);
  if (instant !== undefined) return `@${instant}`;
  return reading === "loose" && /^-?\d+(?:\.\d+)?$/.test(value) ? value : JSON.stringify(value);
}

/**
 * The canonical text of a value. Equal texts mean: nothing to send.
 * @param value any JSON value; `null` stands for "holds nothing"
 */
export function canonical(value: Json, type: FieldType, reading = readingOf(type)): string {
  if (value === null) return "∅";
  const plain = (each: Json): string => stable(each, reading);
  switch (type) {
    case "name":
      return typeof value === "string" ? JSON.stringify(value.toLowerCase()) : plain(value);
    case "text":
      return typeof value === "object" ? plain(value) : JSON.stringify(String(value));
    case "number": {
      const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
      // Beyond this two different numbers can look alike, so their digits decide.
      return typeof number === "number" && isSafe(number) ? String(number) : plain(value);
    }
    case "boolean":
      return value === "true" ? "true" : value === "false" ? "false" : plain(value);
    case "instant": {
      const ms = parseInstant(value);
      return ms === undefined ? plain(value) : `@${ms}`;
    }
    case "day":
      return (typeof value === "string" ? readDay(value) : undefined) ?? plain(value);
    case "set":
      return `<${[...new Set((isList(value) ? value : [value]).map(plain))].sort().join(",")}>`;
    case "any":
      return isList(value) ? canonical(value, "set", reading) : plain(value);
  }
}

/** 66 bits of the canonical text: enough to distinguish values, small enough to remember millions. */
export function fingerprint(value: Json, type: FieldType, reading = readingOf(type)): string {
  return shortened(canonical(value, type, reading));
}

/**
 * Whether a remembered value is good enough: it is the same, or the number or boolean that a text names. Not the other
 * way round: a text does not stand for its number. Earlier versions stored the number's fingerprint for both, and that
 * remains good enough for either.
 */
export function agrees(known: string | null, value: Json, type: FieldType): boolean {
  if (known === null) return false;
  const exact = canonical(value, type);
  if (known === shortened(exact)) return true;
  if (value === "true" || value === "false") return type === "any" && known === value;
  const loose = canonical(value, type, "loose");
  return loose !== exact && known === shortened(loose);
}

function shortened(text: string): string {
  return text.length <= 10 ? text : hashOf(text);
}

/** The same value is compared several times in a row: with what is there, what was sent, and what was told. */
const recent = new Map<string, string>();
const MOST_RECENT = 2_000;
/** Longer texts are not cached: there is no limit to their length. */
const MAX_KEPT = 200;

function hashOf(text: string): string {
  const known = recent.get(text);
  if (known !== undefined) return known;
  const mark = hash("md5", text, "base64url").slice(0, 11);
  if (text.length <= MAX_KEPT) {
    if (recent.size >= MOST_RECENT) recent.clear();
    recent.set(text, mark);
  }
  return mark;
}

/** The fingerprint of "holds nothing". */
export const NOTHING = "∅";

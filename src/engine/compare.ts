/**
 * When are two values of a field the same? Values are brought into a canonical text by field type; texts are
 * compared or kept as short fingerprints. Rule and reasons: what a service stores may differ in form (casing of
 * names, order of tags, precision of instants) without being a change.
 */
import { hash } from "node:crypto";
import { parseInstant, writtenInstant } from "../instant";
import { isSafe } from "../json";
import type { Json } from "../record";
import type { FieldType } from "../services/service";

function stable(value: Json): string {
  if (value === null || typeof value !== "object") return scalar(value);
  if (isList(value)) return `[${value.map(stable).join(",")}]`;
  const parts = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${stable(value[key] ?? null)}`);
  return `{${parts.join(",")}}`;
}

/** A number, its text, and an instant in any notation compare equal where the field's type is not known. */
function scalar(value: string | number | boolean | null): string {
  if (value === null) return "∅";
  if (typeof value !== "string") return String(value);
  // Bare digits are no instant here: a counter must not be taken for a date.
  const instant = writtenInstant(value);
  if (instant !== undefined) return `@${instant}`;
  return /^-?\d+(?:\.\d+)?$/.test(value) ? value : JSON.stringify(value);
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/**
 * The canonical text of a value. Equal texts mean: nothing to send.
 * @param value any JSON value; `null` stands for "holds nothing"
 */
export function canonical(value: Json, type: FieldType): string {
  if (value === null) return "∅";
  switch (type) {
    case "name":
      return typeof value === "string" ? JSON.stringify(value.toLowerCase()) : stable(value);
    case "text":
      return typeof value === "object" ? stable(value) : JSON.stringify(String(value));
    case "number": {
      const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
      // Beyond that two numbers can look alike, and their digits decide.
      return typeof number === "number" && isSafe(number) ? String(number) : stable(value);
    }
    case "boolean":
      return value === "true" ? "true" : value === "false" ? "false" : stable(value);
    case "instant": {
      const ms = parseInstant(value);
      return ms === undefined ? stable(value) : `@${ms}`;
    }
    case "set":
      return `<${[...new Set((isList(value) ? value : [value]).map(stable))].sort().join(",")}>`;
    case "any":
      return isList(value) ? canonical(value, "set") : stable(value);
  }
}

/** 66 bits of the canonical text: enough to tell values apart, small enough to remember millions. */
export function fingerprint(value: Json, type: FieldType): string {
  const text = canonical(value, type);
  return text.length <= 10 ? text : hashOf(text);
}

/** The same value is looked at several times in a row: against what is there, what was sent, and what was told. */
const recent = new Map<string, string>();
const MOST_RECENT = 2_000;
/** Longer texts are not kept: nobody knows how long they are. */
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

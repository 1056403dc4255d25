/**
 * JSON from outside, in which no integer loses a digit. `JSON.parse` rounds what is beyond 2^53, and two people whose
 * numbers end in …992 and …993 become one (docs/decisions/27-numbers.md). And which values can be sent on and stored.
 */
import type { Json } from "./record";

/** What may be a number that large: most texts hold none, and are parsed as they are. */
const CANDIDATE = /(?:^|[ \t\n\r:,[-])[1-9]\d{15}/;

/** A whole such number as it stands in JSON, without exponent, and what stands before it. */
const LARGE = /(^|[ \t\n\r:,[])(-?[1-9]\d{15,}(?:\.\d+)?)(?=[ \t\n\r]*(?:[,\]}]|$))/g;

/**
 * Like `JSON.parse`, but a number beyond ±(2^53 − 1) that is written without exponent becomes the text of its digits.
 *
 * @throws SyntaxError when it is no JSON
 */
export function parseJson(text: string): unknown {
  return JSON.parse(CANDIDATE.test(text) ? withLargeNumbersQuoted(text) : text) as unknown;
}

/** One pass over the text: what looks like a number inside a string is left alone. */
function withLargeNumbersQuoted(text: string): string {
  let quoted = "";
  let done = 0;
  let inString = false;
  let quote = text.indexOf('"');
  for (const { index, 0: match, 1: before = "", 2: digits = "" } of text.matchAll(LARGE)) {
    for (; quote !== -1 && quote < index; quote = text.indexOf('"', quote + 1)) {
      if (!inString || !isEscaped(text, quote)) inString = !inString;
    }
    if (inString || isSafe(Number(digits))) continue;
    quoted += `${text.slice(done, index)}${before}"${digits}"`;
    done = index + match.length;
  }
  return quoted + text.slice(done);
}

/** Whether an odd number of backslashes stands before a place in a string. */
function isEscaped(text: string, at: number): boolean {
  let from = at;
  while (text[from - 1] === "\\") from -= 1;
  return (at - from) % 2 === 1;
}

/** Whether a number is certain to the last digit before the point; beyond it, nobody knows what was written. */
export function isSafe(number: number): boolean {
  return Math.abs(number) <= Number.MAX_SAFE_INTEGER;
}

/** The digits of a number; undefined when they are not certain, or when only an exponent could write them. */
export function digitsOf(number: number): string | undefined {
  const written = String(number);
  return isSafe(number) && !written.includes("e") ? written : undefined;
}

/** Half of a character pair, or a NUL: JSON carries both, no database does. */
const UNSTORABLE = /\p{Cs}|\0/u;

/** Whether no database takes a text. */
export function isUnstorable(value: Json): boolean {
  return typeof value === "string" && UNSTORABLE.test(value);
}

/** Whether a database takes all texts and numbers in a value, those in its depth too. */
export function storable(value: Json): boolean {
  if (typeof value === "number") return isSafe(value);
  if (value === null || typeof value !== "object") return !isUnstorable(value);
  if (Array.isArray(value)) return value.every(storable);
  return Object.entries(value).every(([key, each]) => !UNSTORABLE.test(key) && storable(each));
}

/** Deeper values are taken for broken ones: working through them could exhaust the stack. */
const MAX_DEPTH = 50;

/** JSON as we can send it on: finite numbers, and not nested without end. */
export function isJson(value: unknown, depth = 0): value is Json {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || depth >= MAX_DEPTH) return false;
  return Object.values(value).every((each) => isJson(each, depth + 1));
}

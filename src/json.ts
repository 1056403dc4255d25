/**
 * JSON from outside, in which no integer loses a digit. `JSON.parse` rounds what is beyond 2^53, so two people whose
 * numbers end in …992 and …993 would become one (docs/decisions/27-numbers.md). And which values can be sent and
 * stored.
 */
import type { Json } from "./record";

/** What may be a number that large: most texts contain none, and are parsed directly. */
const CANDIDATE = /(?:^|[ \t\n\r:,[-])[1-9]\d{15}/;

/** An integer that large as written in JSON, without exponent, and what comes before it. */
const LARGE = /(^|[ \t\n\r:,[])(-?[1-9]\d{15,}(?:\.\d+)?)(?=[ \t\n\r]*(?:[,\]}]|$))/g;

/**
 * Like `JSON.parse`, but a number beyond ±(2^53 − 1) that is written without exponent becomes the text of its digits.
 *
 * @throws SyntaxError when it is not JSON
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

/** Whether an odd number of backslashes comes before a place in a string. */
function isEscaped(text: string, at: number): boolean {
  let from = at;
  while (text[from - 1] === "\\") from -= 1;
  return (at - from) % 2 === 1;
}

/** Whether every digit before the point is certain; beyond that size nobody knows what was written. */
export function isSafe(number: number): boolean {
  return Math.abs(number) <= Number.MAX_SAFE_INTEGER;
}

/** The digits of a number; undefined when they are not certain, or when only an exponent could write them. */
export function digitsOf(number: number): string | undefined {
  const written = String(number);
  return isSafe(number) && !written.includes("e") ? written : undefined;
}

/** Half of a surrogate pair, or a NUL: JSON allows both, databases do not. */
const UNSTORABLE = /\p{Cs}|\0/u;

/** Whether no database accepts a text. */
export function isUnstorable(value: Json): boolean {
  return typeof value === "string" && UNSTORABLE.test(value);
}

/** Whether a database accepts all texts and numbers in a value, nested ones too. */
export function storable(value: Json): boolean {
  if (typeof value === "number") return isSafe(value);
  if (value === null || typeof value !== "object") return !isUnstorable(value);
  if (Array.isArray(value)) return value.every(storable);
  return Object.entries(value).every(([key, each]) => !UNSTORABLE.test(key) && storable(each));
}

/** `Array.isArray`, which makes changeable lists of read-only ones. */
export function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** Deeper values count as broken: processing them could exhaust the stack. */
const MAX_DEPTH = 50;

/** JSON that can be sent: finite numbers, and bounded nesting. */
export function isJson(value: unknown, depth = 0): value is Json {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || depth >= MAX_DEPTH) return false;
  return Object.values(value).every((each) => isJson(each, depth + 1));
}

/** An object, and no list. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What a text says in JSON; undefined when it is none. */
export function jsonIn(text: unknown): unknown {
  try {
    return parseJson(String(text));
  } catch {
    return undefined; // not JSON: that is the answer
  }
}

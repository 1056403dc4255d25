/**
 * Keys as bytes, in whose order Redis has the members of a sorted set (`ZRANGEBYLEX`). The order is that of all databases
 * (`compareKeys`), the bytes are few, and none of them is zero: behind the key a zero can follow, and the value.
 *
 * A part begins with a byte that says what it is, which is also the end of the part before: those bytes are lower than
 * any byte inside of a part. A number is written to the base of 128, its digits above 0x80; the first byte tells the sign
 * and how many they are. Of texts, control characters are escaped.
 */
import type { Key } from "../rows";

/** Behind a key, before its value. */
export const END = "\0";
/** Behind everything that begins with a row's key and its `END`, before all keys that are longer. */
export const AFTER_END = "\x01";
/** Behind every key that begins with the same parts. */
const AFTER_PARTS = "\x18";

const TEXT = 0x17;
/** The first byte of a zero: that of other whole numbers is as much higher, or lower, as they have digits. */
const ZERO = 0x0d;
/** No number has as many: infinity, which bounds of walks may contain. */
const MOST_DIGITS = 9;
const ESCAPE = 0x1f;
const ESCAPED_FROM = 0x40;

const DIGIT = 0x80;
const BASE = 128;

const isPlain = (text: string): boolean => /^[ -~]*$/.test(text);

/**
 * @returns bytes as a text of as many characters (`latin1`)
 * @throws Error when a part cannot be stored: a number that is not safe, or below zero and not whole
 */
export function encodeKey(key: Key): string {
  const wrong = key.find(
    (part) => typeof part === "number" && !Number.isSafeInteger(part < 0 ? part : Math.floor(part)),
  );
  if (wrong !== undefined) throw new Error(`${wrong} cannot be a part of a key.`);
  return boundOf(key);
}

/** The same for keys that only bound a walk. */
function boundOf(key: Key): string {
  let bytes = "";
  for (const part of key) bytes += typeof part === "number" ? numberBytes(part) : textBytes(part);
  return bytes;
}

function textBytes(text: string): string {
  const head = String.fromCharCode(TEXT);
  if (isPlain(text)) return head + text;
  const bytes = Buffer.from(text, "utf8").toString("latin1");
  return (
    head +
    // eslint-disable-next-line no-control-regex -- they are what is escaped
    bytes.replace(/[\0-\x1f]/g, (each) => String.fromCharCode(ESCAPE, ESCAPED_FROM + each.charCodeAt(0)))
  );
}

function numberBytes(number: number): string {
  const whole = Math.floor(number);
  if (!Number.isSafeInteger(whole)) {
    return String.fromCharCode(number > 0 ? ZERO + MOST_DIGITS : ZERO - MOST_DIGITS + 1);
  }
  const isNegative = whole < 0;
  const digits: number[] = [];
  for (let rest = Math.abs(whole); rest > 0; rest = Math.floor(rest / BASE)) {
    const digit = rest % BASE;
    digits.unshift(DIGIT + (isNegative ? BASE - 1 - digit : digit));
  }
  const length = digits.length;
  for (let rest = number - whole; rest > 0;) {
    const digit = Math.floor(rest * BASE);
    digits.push(DIGIT + digit);
    rest = rest * BASE - digit;
  }
  return String.fromCharCode(isNegative ? ZERO - length : ZERO + length, ...digits);
}

/** @returns the key at the beginning of some bytes, and where its value begins */
export function decodeKey(bytes: Buffer): { readonly key: Key; readonly valueAt: number } {
  const key: (string | number)[] = [];
  let at = 0;
  for (;;) {
    const head = bytes[at];
    if (head === undefined || head === 0) return { key, valueAt: at + 1 };
    let end = at + 1;
    while ((bytes[end] ?? 0) >= ESCAPE) end += 1;
    key.push(head === TEXT ? textIn(bytes, at + 1, end) : numberIn(bytes, at + 1, end, head - ZERO));
    at = end;
  }
}

function textIn(bytes: Buffer, from: number, to: number): string {
  const text = bytes.toString("utf8", from, to);
  // eslint-disable-next-line no-control-regex -- the escape is one
  return text.replace(/\x1f(.)/g, (_, escaped: string) => String.fromCharCode(escaped.charCodeAt(0) - ESCAPED_FROM));
}

function numberIn(bytes: Buffer, from: number, to: number, size: number): number {
  const length = Math.abs(size);
  let whole = 0;
  for (let at = from; at < from + length; at += 1) {
    const digit = (bytes[at] ?? 0) - DIGIT;
    whole = whole * BASE + (size < 0 ? BASE - 1 - digit : digit);
  }
  let fraction = 0;
  for (let at = to - 1; at >= from + length; at -= 1) fraction = (fraction + (bytes[at] ?? 0) - DIGIT) / BASE;
  return (size < 0 ? -whole : whole) + fraction;
}

/** Where a row is, as bounds of `ZRANGEBYLEX`. */
export function rowBounds(key: Key): readonly [min: string, max: string] {
  const bytes = encodeKey(key);
  return [`[${bytes}${END}`, `(${bytes}${AFTER_END}`];
}

/** The bounds of a walk. */
export function walkBounds(prefix: Key, after?: Key, end?: Key): readonly [min: string, max: string] {
  const bytes = boundOf(prefix);
  return [
    after === undefined ? `[${bytes}` : `[${boundOf(after)}${AFTER_END}`,
    `(${end === undefined ? bytes + AFTER_PARTS : boundOf(end)}`,
  ];
}

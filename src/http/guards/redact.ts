// Secrets get out in two ways: under a telling name (a header, a setting) and as a bare value in the middle of a text
// (an error message, an echoed body). Both are covered here, and everything that is logged passes through.
import { types } from "node:util";

export const REDACTED = "[redacted]";

/** Shorter values would blank out ordinary words; they are still covered by name. */
const MIN_SECRET_LENGTH = 4;
const MAX_LEARNT_SECRETS = 50;
const MAX_DEPTH = 10;
/** How far a text is read beyond its cut, so that a secret across the cut is recognised. */
const OVERLAP = 4_096;
/** The end of a signed token, an authorization scheme or userinfo that the cut left open, however long it is. */
const CLOSING = ".-.-@";

const SECRET_NAME =
  /authorization|token|secret|password|passwd|passphrase|cookie|credential|apikey|accesskey|privatekey|signature|jwt/;
const SECRET_EXACT_NAMES = new Set(["auth", "pass", "pwd", "sig"]);

/**
 * Tells whether a header, setting, field or query parameter of this name holds a secret. Case, `-`, `_`, `.` and
 * spaces do not matter, so `Hull-Access-Token` and `personal_acccess_token` are both recognised.
 */
export function isSecretName(name: string): boolean {
  const plain = name.toLowerCase().replaceAll(/[-_.\s]/g, "");
  return SECRET_NAME.test(plain) || SECRET_EXACT_NAMES.has(plain);
}

/** How much may still be shown, and what was not. Everything shown uses some of it, which limits the work. */
interface Room {
  left: number;
  /** Characters. */
  leftOut: number;
  /** Something was not looked at, so nobody knows how long it is. */
  unseen: boolean;
}

const roomFor = (maxChars: number): Room => ({ left: maxChars, leftOut: 0, unseen: false });

/** @param secrets values known from the start (tokens, connector secrets). */
export function createRedactor(secrets: readonly string[] = []) {
  const fixed = new Set(secrets.filter((secret) => secret.length >= MIN_SECRET_LENGTH));
  const learnt = new Set<string>();
  let spellings = allSpellings();

  function allSpellings(): string[] {
    // Longest first: a secret that contains another one must not leave its tail behind.
    return [...new Set([...fixed, ...learnt].flatMap(spellingsOf))].sort((a, b) => b.length - a.length);
  }

  /** Remembers values met on the way, such as rotated tokens; beyond a small limit the oldest are forgotten. */
  function learn(...values: readonly string[]): void {
    const news = values.filter((value) => value.length >= MIN_SECRET_LENGTH && !fixed.has(value) && !learnt.has(value));
    if (news.length === 0) return;
    for (const value of news) learnt.add(value);
    for (const oldest of learnt) {
      if (learnt.size <= MAX_LEARNT_SECRETS) break;
      learnt.delete(oldest);
    }
    spellings = allSpellings();
  }

  /** The text without known secrets, authorization schemes, signed tokens, userinfo and secret query values. */
  function text(input: string): string {
    let result = input;
    for (const spelling of spellings) result = result.replaceAll(spelling, REDACTED);
    return stripPatterns(result);
  }

  /** The first index from which a text can be cut without leaving half of a known secret. */
  function cutFrom(input: string, index: number): number {
    let end = index;
    for (;;) {
      const next = Math.max(end, ...spellings.map((spelling) => endAcross(input, spelling, end)));
      if (next === end) return end;
      end = next;
    }
  }

  /** Shows what there is room for. A text that must be cut takes all of it. */
  function shown(input: string, room: Room): string {
    const { left } = room;
    const isWhole = input.length <= left + OVERLAP;
    const safe = text(isWhole ? input : input.slice(0, cutFrom(input, left + OVERLAP)) + CLOSING);
    const result = safe.slice(0, isWhole ? left : Math.min(left, safe.length - CLOSING.length));
    room.leftOut += (isWhole ? safe.length : input.length) - result.length;
    room.left = isWhole && safe.length <= left ? left - result.length : 0;
    return result;
  }

  function walk(value: unknown, room: Room, depth: number, ancestors: readonly object[]): unknown {
    if (room.left <= 0) {
      room.unseen = true;
      return "…";
    }
    room.left -= 1;
    if (typeof value === "string") return shown(value, room);
    if (typeof value !== "object" || value === null) return typeof value === "function" ? undefined : value;
    if (ancestors.includes(value)) return "[circular]";
    if (depth >= MAX_DEPTH) return "[too deep]";
    const path = [...ancestors, value];
    const inside = (item: unknown): unknown => walk(item, room, depth + 1, path);
    if (Array.isArray(value)) return upTo(room, value, inside);
    if (value instanceof Date) return value;
    if (Buffer.isBuffer(value)) return `[${value.length} bytes]`;
    const entries = entriesOf(value);
    // Sockets, requests, agents: an axios error contains them, including raw headers.
    if (entries === undefined) return `[${value.constructor.name}]`;
    return Object.fromEntries(upTo(room, entries, ([name, item]) => entry(String(name), item, room, inside)));
  }

  function entry(name: string, item: unknown, room: Room, inside: (item: unknown) => unknown): [string, unknown] {
    const safeName = shown(name, room);
    // Without room the name may be too long to be looked at, and `inside` shows nothing.
    const isSecret = room.left > 0 && item !== null && item !== undefined && isSecretName(name);
    if (isSecret) room.left -= REDACTED.length;
    return [safeName, isSecret ? REDACTED : inside(item)];
  }

  /**
   * Like `value`, but at most about `maxChars` long when printed: anything bigger becomes a cut text. The work is
   * bounded by `maxChars` too, however big the value is.
   */
  function excerpt(value: unknown, maxChars = 2_000): unknown {
    // Every item costs one more than its text, for quotes or a comma; a text by itself does not.
    const room = roomFor(maxChars + 1);
    const safe = walk(value, room, 0, []);
    // `JSON.stringify` answers undefined for undefined, whatever its declared type says.
    const printed = typeof safe === "string" ? safe : ((JSON.stringify(safe) as string | undefined) ?? "");
    if (!room.unseen && room.leftOut === 0 && printed.length <= maxChars) return safe;
    const size = `${room.unseen ? "more than " : ""}${printed.length + room.leftOut}`;
    return `${printed.slice(0, maxChars)}… (${size} characters)`;
  }

  return {
    learn,
    text,
    /** The first characters of such a text. What lies far beyond them is not even read. */
    opening: (input: string, maxChars: number): string => shown(input, roomFor(maxChars)),
    /** A copy of any value, nested objects and errors included, that is safe to log. Never changes its argument. */
    value: (value: unknown): unknown => walk(value, roomFor(Infinity), 0, []),
    excerpt,
  };
}

/** As many of the items as fit. */
function upTo<T, R>(room: Room, items: Iterable<T>, shownItem: (item: T) => R): R[] {
  const result: R[] = [];
  for (const item of items) {
    if (room.left <= 0) {
      room.unseen = true;
      break;
    }
    result.push(shownItem(item));
  }
  return result;
}

/** The end of the last word that crosses an index, or else the index. */
function endAcross(text: string, word: string, index: number): number {
  const from = Math.max(0, index - word.length + 1);
  const at = text.slice(from, index + word.length - 1).lastIndexOf(word);
  return at === -1 ? index : from + at + word.length;
}

/** How a secret may be written inside a text: unchanged, in a URL, in JSON, in base64 as a Basic user name. */
function spellingsOf(secret: string): string[] {
  return [
    secret,
    percentEncoded(secret),
    JSON.stringify(secret).slice(1, -1),
    Buffer.from(secret).toString("base64"),
    Buffer.from(`${secret}:`).toString("base64"),
  ].filter((spelling) => !REDACTED.includes(spelling));
}

function percentEncoded(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    return text; // a lone surrogate cannot be encoded, so it cannot occur in a URL either
  }
}

/** Every expression looks at each character only a few times, whatever the text, since it comes from outside. */
function stripPatterns(text: string): string {
  if (!/[ :=.]/.test(text)) return text;
  return text
    .replaceAll(
      /((?<=\w-)(?:token|secret|key|password|signature)|\b(?:authorization|cookie)): *[^\r\n]+/gi,
      `$1: ${REDACTED}`,
    )
    .replaceAll(/\b(bearer|basic)\s+[\w+/=.~-]{6,}/gi, `$1 ${REDACTED}`)
    .replaceAll(SIGNED_TOKEN, (found) => found.slice(0, found.search(TOKEN_START)) + REDACTED)
    .replaceAll(USERINFO, `$1${REDACTED}@`)
    .replaceAll(/([?&;])([^=&?;#\s]+)=([^&#\s"']*)/g, (whole, mark: string, name: string) =>
      isSecretParameter(percentDecoded(name)) ? `${mark}${name}=${REDACTED}` : whole,
    );
}

/** A password may hold an @ as well; the last one ends it. */
const USERINFO = /(:\/\/)[^/?#\s@]*@(?:[^/?#\s@"'<>,]*@)*/g;

/** Begins where its first part does, even inside a word, since `eyJeyJ…` must not be tried at every `eyJ`. */
const SIGNED_TOKEN = /(?<![\w-])(?=[\w-]*\beyJ[\w-])[\w-]+\.[\w-]+\.[\w-]*/g;
const TOKEN_START = /\beyJ[\w-]/;

/** In a query even a plain `key` is an API key; in an object it is mostly just a key. */
function isSecretParameter(name: string): boolean {
  return isSecretName(name) || name.toLowerCase() === "key";
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** What to print of a value that is data; `undefined` for anything else. */
function entriesOf(value: object): Iterable<readonly [unknown, unknown]> | undefined {
  if (value instanceof Map) return value;
  if (isError(value)) {
    // Name and message are not enumerable; the stack repeats the message and is left out.
    const own = Object.entries(value).filter(([name]) => name !== "stack");
    const cause: [string, unknown][] = value.cause === undefined ? [] : [["cause", value.cause]];
    return [["name", value.name], ["message", value.message], ...own, ...cause];
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
  return isPlain ? ownEntries(value) : undefined;
}

/** One by one, because there may be a million of them but room for only ten. */
function* ownEntries(value: object): Generator<readonly [string, unknown]> {
  for (const name of Object.keys(value)) yield [name, (value as Readonly<Record<string, unknown>>)[name]];
}

function isError(value: unknown): value is Error {
  return value instanceof Error || types.isNativeError(value);
}

/** Errors of sockets, parsers and axios contain packets and whole requests; only name, code and a clean message go on. */
export function bareError(error: unknown, clean = (message: string): string => message): Error | undefined {
  if (!isError(error)) return undefined;
  const bare: Error & { code?: string } = new Error(clean(error.message));
  bare.name = error.name;
  if ("code" in error && typeof error.code === "string") bare.code = error.code;
  return bare;
}

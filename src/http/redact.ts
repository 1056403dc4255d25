// Secrets leave by two doors: under a telling name (a header, a setting) and as a bare value in the middle of a text
// (an error message, an echoed body). Both are closed here, and everything loggable passes through.
import { types } from "node:util";

export const REDACTED = "[redacted]";

/** Shorter values would blank out ordinary words; they stay covered by name. */
const MIN_SECRET_LENGTH = 4;
const MAX_LEARNT_SECRETS = 50;
const MAX_DEPTH = 10;

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

export interface Redactor {
  /** Remembers values met on the way, such as rotated tokens; the oldest are forgotten beyond a small limit. */
  learn(...secrets: readonly string[]): void;
  /** The text without known secrets, authorization schemes, signed tokens, userinfo and secret query values. */
  text(text: string): string;
  /** A copy of any value, nested objects and errors included, that is safe to log. Never changes its argument. */
  value(value: unknown): unknown;
  /** Like `value`, but at most about `maxChars` long when printed: anything bigger becomes a cut text. */
  excerpt(value: unknown, maxChars?: number): unknown;
}

/** @param secrets values known from the start (tokens, connector secrets). */
export function createRedactor(secrets: readonly string[] = []): Redactor {
  const fixed = new Set(secrets.filter((secret) => secret.length >= MIN_SECRET_LENGTH));
  const learnt = new Set<string>();
  let spellings = allSpellings();

  function allSpellings(): string[] {
    // Longest first: a secret that contains another one must not leave its tail behind.
    return [...new Set([...fixed, ...learnt].flatMap(spellingsOf))].sort((a, b) => b.length - a.length);
  }

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

  function text(input: string): string {
    let result = input;
    for (const spelling of spellings) result = result.replaceAll(spelling, REDACTED);
    return stripPatterns(result);
  }

  function walk(value: unknown, depth: number, ancestors: readonly object[]): unknown {
    if (typeof value === "string") return text(value);
    if (typeof value !== "object" || value === null) return typeof value === "function" ? undefined : value;
    if (ancestors.includes(value)) return "[circular]";
    if (depth >= MAX_DEPTH) return "[too deep]";
    const path = [...ancestors, value];
    if (Array.isArray(value)) return value.map((item) => walk(item, depth + 1, path));
    if (value instanceof Date) return value;
    if (Buffer.isBuffer(value)) return `[${value.length} bytes]`;
    const entries = entriesOf(value);
    // Sockets, requests, agents: an axios error drags them along, raw header lines included.
    if (entries === undefined) return `[${value.constructor.name}]`;
    return Object.fromEntries(
      entries.map(([name, item]) => [
        text(String(name)),
        isSecretName(String(name)) && item !== null && item !== undefined ? REDACTED : walk(item, depth + 1, path),
      ]),
    );
  }

  function excerpt(value: unknown, maxChars = 2_000): unknown {
    const safe = walk(value, 0, []);
    const printed = typeof safe === "string" ? safe : JSON.stringify(safe);
    // `JSON.stringify` answers undefined for undefined, whatever its declared type says.
    return (printed as string | undefined) === undefined || printed.length <= maxChars
      ? safe
      : `${printed.slice(0, maxChars)}… (${printed.length} characters)`;
  }

  return { learn, text, value: (value) => walk(value, 0, []), excerpt };
}

/** How a secret may be spelled inside a text: as it is, in a URL, in JSON, in base64 as a Basic user name. */
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
    return text; // a lone surrogate cannot be encoded, hence cannot stand in a URL either
  }
}

function stripPatterns(text: string): string {
  if (!/[ :=.]/.test(text)) return text;
  return text
    .replaceAll(
      /\b((?:\w+-)+(?:token|secret|key|password|signature)|authorization|cookie): *[^\r\n]+/gi,
      `$1: ${REDACTED}`,
    )
    .replaceAll(/\b(bearer|basic)\s+[\w+/=.~-]{6,}/gi, `$1 ${REDACTED}`)
    .replaceAll(/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, REDACTED)
    .replaceAll(/(:\/\/)[^/?#\s@]*@/g, `$1${REDACTED}@`)
    .replaceAll(/([?&;])([^=&?;#\s]+)=([^&#\s"']*)/g, (whole, mark: string, name: string) =>
      isSecretParameter(percentDecoded(name)) ? `${mark}${name}=${REDACTED}` : whole,
    );
}

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

/** What to print of a value that is data; `undefined` for machinery. */
function entriesOf(value: object): [unknown, unknown][] | undefined {
  if (value instanceof Map) return [...value.entries()];
  if (isError(value)) {
    // Name and message are not enumerable; the stack repeats the message and stays out.
    const own = Object.entries(value).filter(([name]) => name !== "stack");
    const cause: [string, unknown][] = value.cause === undefined ? [] : [["cause", value.cause]];
    return [["name", value.name], ["message", value.message], ...own, ...cause];
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
  return isPlain ? Object.entries(value) : undefined;
}

function isError(value: object): value is Error {
  return value instanceof Error || types.isNativeError(value);
}

// How long the server asks us to stay away. Nobody agrees on the header or its unit, so every spelling is read
// defensively; a wait that makes no sense is ignored rather than obeyed.

/** A misread number must not stop a tenant for days. */
const MAX_NAMED_WAIT_MS = 3_600_000;

const RESET_HEADERS = ["x-rate-limit-reset", "x-ratelimit-reset", "ratelimit-reset"];

/** Response headers with lower-case names; several values of one name are joined with a comma. */
export type ResponseHeaders = Readonly<Record<string, string>>;

/**
 * The longest wait in milliseconds that an answer names, at most one hour; `undefined` when it names none.
 * `Retry-After` (RFC 9110 §10.2.3) counts for every answer; the reset headers only with 429, because elsewhere they
 * merely describe the window.
 */
export function namedWaitMs(status: number, headers: ResponseHeaders, nowMs: number): number | undefined {
  const waits = [
    parseRetryAfter(headers["retry-after"], nowMs),
    ...(status === 429 ? RESET_HEADERS.map((name) => parseReset(headers[name], nowMs)) : []),
  ].filter((wait) => wait !== undefined);
  return waits.length === 0 ? undefined : Math.min(MAX_NAMED_WAIT_MS, Math.max(...waits));
}

/** `Retry-After` in milliseconds: a number of seconds or an HTTP date. */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  const seconds = parseNumber(value);
  if (seconds !== undefined) return seconds * 1_000;
  const at = parseHttpDate(value);
  return at === undefined ? undefined : Math.max(0, at - nowMs);
}

/** An HTTP date, as `Date` and `Retry-After` have it, in milliseconds since the epoch. */
export function parseHttpDate(value = ""): number | undefined {
  // Only a real date has letters in it; Date.parse would also take "1,5" or "-3" for some year.
  if (!/^[A-Za-z]{3}/.test(value.trim())) return undefined;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : at;
}

/** A reset header in milliseconds from now: seconds to go, or an instant in unix seconds or milliseconds. */
export function parseReset(value: string | undefined, nowMs: number): number | undefined {
  const number = value === undefined ? undefined : parseNumber(value);
  if (number === undefined) return undefined;
  if (number > 1e12) return Math.max(0, number - nowMs);
  if (number > 1e9) return Math.max(0, number * 1_000 - nowMs);
  return number * 1_000;
}

function parseNumber(text: string): number | undefined {
  return /^\s*\d{1,15}(\.\d+)?\s*$/.test(text) ? Number(text) : undefined;
}

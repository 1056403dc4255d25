/**
 * The one reader of dates, whoever wrote them: attributes, events, `indexed_at`, Hull's connector, Planhat's answers,
 * and values that are compared (docs/decisions/26-dates.md). Without a zone UTC is meant, never the zone of this
 * machine.
 */

/** Other clocks may be this far ahead of ours; a later date is not believed. */
export const MAX_AHEAD_MS = 5 * 60_000;

/** `2018-03-30`, with a time also `2018-03-30 14:38:02.5 +0200`; a colon before the zone is a slip that some make. */
const ISO =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?::?\s*(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?))?)?$/i;

/** `20180330`, `20180330143802`, `20180330T143802Z`. */
const COMPACT = /^(\d{4})(\d\d)(\d\d)(?:T?(\d\d)(\d\d)(\d\d)Z?)?$/i;

/** `Fri, 30 Mar 2018 14:38:02 GMT` (RFC 1123), as HTTP and e-mail write it. */
const RFC_1123 = /^(?:[a-z]{3}, )?(\d{1,2}) ([a-z]{3}) (\d{4}) (\d\d):(\d\d):(\d\d) (Z|UTC|GMT|[+-]\d{4})$/i;
const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/** What nearly all of them look like, and what `Date.parse` reads correctly: no 29 February, no 24:00. */
const USUAL =
  /^(?!00)\d{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{3})?(?:Z|\+00:00)$/;

/** Characters of a date that is not just digits, including a few blanks before the zone. */
const [SHORTEST, LONGEST] = [10, 40];

const DIGITS = /^\d+(?:\.\d+)?$/;

/** Digits that mean no instant between these two are a counter or an id. */
const EARLIEST_UNIX_MS = Date.UTC(1990, 0);
const LATEST_UNIX_MS = Date.UTC(2100, 0);
/** Years that ISO writes with four digits, and that JavaScript does not take for one of the last century. */
const FIRST_MS = Date.UTC(100, 0);
const LAST_MS = Date.UTC(10_000, 0) - 1;

/**
 * Reads an instant: ISO 8601 with or without time and zone, RFC 1123, Unix seconds and milliseconds from 1990 to 2100
 * (a number or digits), `20180330` and `20180330143802` from 1900 to 2099.
 *
 * @param rules `seconds: false` where digits of that size may be a counter as well as Unix seconds
 * @returns milliseconds since 1970, or `undefined` for everything else (2021-02-30 included)
 */
export function parseInstant(value: unknown, rules: { readonly seconds?: boolean } = {}): number | undefined {
  if (typeof value === "number") return fromDigits(String(value), rules.seconds);
  if (typeof value !== "string") return undefined;
  return writtenInstant(value) ?? writtenInstant(value.trim()) ?? fromDigits(value.trim(), rules.seconds);
}

/**
 * Reads what cannot be mistaken for a number: the forms of `parseInstant` except mere digits.
 *
 * @returns milliseconds since 1970, or `undefined`
 */
export function writtenInstant(text: string): number | undefined {
  // Most texts are not dates, and every compared value passes through here.
  if (text.length < SHORTEST || text.length > LONGEST) return undefined;
  if (text[4] === "-") return USUAL.test(text) ? Date.parse(text) : fromIso(text);
  return text[8] === "T" || text[8] === "t" ? fromCompact(text) : fromRfc1123(text);
}

/** `2006-06-13`, also with a time behind it, `2006/06/13` and `06/13/2006`. */
const DAY = /^(?:(\d{4})([-/])(\d\d)\2(\d\d)(?:[T ]\d\d:\d\d[\d:.,+\- a-z]{0,25})?|(\d\d)\/(\d\d)\/(\d{4}))$/i;

/**
 * Reads a day as it is written, whatever its time and zone: a day of birth is the same everywhere.
 *
 * @returns `CCYY-MM-DD`, or undefined for everything else (2021-02-30 included)
 */
export function readDay(text: string): string | undefined {
  const found = DAY.exec(text.trim());
  if (found === null) return undefined;
  const [, isoYear, , isoMonth, isoDay, month, day, year] = found;
  const written = `${isoYear ?? year}-${isoMonth ?? month}-${isoDay ?? day}`;
  return fromIso(written) === undefined ? undefined : written;
}

function fromDigits(text: string, seconds = true): number | undefined {
  if (!DIGITS.test(text)) return undefined;
  const number = Number(text);
  if (seconds && isPlausible(number * 1_000)) return Math.round(number * 1_000);
  return isPlausible(number) ? Math.round(number) : fromCompact(text);
}

function isPlausible(ms: number): boolean {
  return ms >= EARLIEST_UNIX_MS && ms < LATEST_UNIX_MS;
}

function fromIso(text: string): number | undefined {
  const found = ISO.exec(text);
  if (found === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction = "0", zone] = found;
  return instantOf([year, month, day, hour, minute, second], Math.floor(Number(`0.${fraction}`) * 1_000), zone);
}

function fromCompact(text: string): number | undefined {
  const found = COMPACT.exec(text);
  const year = Number(found?.[1]);
  return found !== null && year >= 1900 && year < 2100 ? instantOf(found.slice(1)) : undefined;
}

function fromRfc1123(text: string): number | undefined {
  const found = RFC_1123.exec(text);
  if (found === null) return undefined;
  const [, day, name = "", year, hour, minute, second, zone] = found;
  const month = String(MONTHS.indexOf(name.toLowerCase()) + 1);
  return instantOf([year, month, day, hour, minute, second], 0, zone);
}

/** @param parts from the year to the second, as written; absent ones count as 0 */
function instantOf(parts: readonly (string | undefined)[], ms = 0, zone = ""): number | undefined {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.map((part) => Number(part ?? 0));
  const local = Date.UTC(year, month - 1, day, hour, minute, second, ms);
  const read = new Date(local);
  // Date.UTC rolls 30 February and 25:00 over instead of refusing them.
  const isReal = read.getUTCFullYear() === year && read.getUTCMonth() === month - 1 && read.getUTCDate() === day;
  const offset = offsetMs(zone);
  if (!isReal || hour > 23 || minute > 59 || second > 59 || offset === undefined) return undefined;
  const instant = local - offset;
  return instant >= FIRST_MS && instant <= LAST_MS ? instant : undefined;
}

/** No time zone on earth is further than 14 hours from UTC. */
function offsetMs(zone: string): number | undefined {
  const [, sign, hours = "0", minutes = "0"] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? [];
  if (Number(hours) > 14 || Number(minutes) > 59) return undefined;
  const size = (Number(hours) * 60 + Number(minutes)) * 60_000;
  return sign === "-" ? -size : size;
}

const ISO =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s*(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?)?$/i;

/** What nearly all of them look like, and `Date.parse` reads right: no 30 February, no 24:00. */
const USUAL = /^(?!00)\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{3})?Z$/;

/** Below this a number is unix seconds (until the year 5138), above it milliseconds (since 1973). */
const SECONDS_BELOW = 1e11;
const MAX_DATE_MS = 8.64e15;

/**
 * Reads an instant as Hull writes it: ISO 8601 with or without offset, `2018-03-30 14:38:02 UTC`, a date, unix seconds
 * or milliseconds (as number or digits). Without a zone UTC is meant, never the zone of this machine.
 *
 * @returns milliseconds since the epoch, or `undefined` for everything else (2021-02-30 included)
 */
export function parseInstant(value: unknown): number | undefined {
  if (typeof value === "number") return fromNumber(value);
  if (value instanceof Date) return inRange(value.getTime());
  if (typeof value !== "string") return undefined;
  if (USUAL.test(value)) return Date.parse(value);
  const text = value.trim();
  // Fewer digits are a year or a counter rather than an instant.
  if (/^\d{9,14}(\.\d+)?$/.test(text)) return fromNumber(Number(text));
  return fromIso(text);
}

function fromNumber(value: number): number | undefined {
  return inRange(Math.round(Math.abs(value) < SECONDS_BELOW ? value * 1_000 : value));
}

function inRange(ms: number): number | undefined {
  return Math.abs(ms) <= MAX_DATE_MS ? ms : undefined; // NaN fails the comparison
}

function fromIso(text: string): number | undefined {
  const found = ISO.exec(text);
  if (found === null) return undefined;
  const [, ...parts] = found;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts
    .slice(0, 6)
    .map((part?: string) => Number(part ?? 0));
  const ms = Number(`0.${parts[6] ?? "0"}`) * 1_000;
  const local = Date.UTC(year, month - 1, day, hour, minute, second, Math.floor(ms));
  // Date.UTC rolls 30 February and 25:00 over instead of refusing them.
  const same = new Date(local).toISOString().startsWith(`${parts[0] ?? ""}-${parts[1] ?? ""}-${parts[2] ?? ""}`);
  if (!same || hour > 23 || minute > 59 || second > 59) return undefined;
  return local - offsetMs(parts[7]);
}

function offsetMs(zone: string | undefined): number {
  const [, sign, hours = "0", minutes = "0"] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone ?? "") ?? [];
  const size = (Number(hours) * 60 + Number(minutes)) * 60_000;
  return sign === "-" ? -size : size;
}

/** The moment since which an export is asked for, as PlanningPME wants it written. Pure. */

const HOUR_MS = 3_600_000;
/** Clocks are set back by less, and at a quarter of an hour. */
const MOST_SET_BACK_MS = 3 * HOUR_MS;
const QUARTER_MS = HOUR_MS / 4;

/**
 * `yyyyMMddHHmmss` in a zone. In the hours around a moment at which clocks are set back a time comes twice, and nobody can
 * tell which is meant: an earlier one is named then.
 *
 * @param atMs milliseconds since 1970 @param zone an IANA name @param overlapHours how much earlier, since clocks and zones
 *   may differ
 */
export function sinceText(atMs: number, zone: string, overlapHours: number): string {
  const write = writerIn(zone);
  const fromMs = atMs - overlapHours * HOUR_MS;
  const text = write(fromMs);
  return comesTwice(fromMs, text, write) ? write(fromMs - MOST_SET_BACK_MS) : text;
}

function comesTwice(atMs: number, text: string, write: (atMs: number) => string): boolean {
  for (let byMs = QUARTER_MS; byMs <= MOST_SET_BACK_MS; byMs += QUARTER_MS) {
    if (write(atMs + byMs) <= text || write(atMs - byMs) >= text) return true;
  }
  return false;
}

function writerIn(zone: string): (atMs: number) => string {
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
  return (atMs) => {
    const parts = format.formatToParts(new Date(atMs));
    const part = (type: string): string => parts.find((each) => each.type === type)?.value ?? "";
    return ["year", "month", "day", "hour", "minute", "second"].map(part).join("");
  };
}

/** The moment since which an export is asked for, as PlanningPME wants it written. Pure. */

const HOUR_MS = 3_600_000;

/**
 * `yyyyMMddHHmmss` in a zone.
 *
 * @param atMs milliseconds since 1970 @param zone an IANA name @param overlapHours how much earlier, since clocks and zones
 *   may differ
 */
export function sinceText(atMs: number, zone: string, overlapHours: number): string {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  }).formatToParts(new Date(atMs - overlapHours * HOUR_MS));
  const part = (type: string): string => parts.find((each) => each.type === type)?.value ?? "";
  return ["year", "month", "day", "hour", "minute", "second"].map(part).join("");
}

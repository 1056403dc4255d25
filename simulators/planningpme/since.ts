/** The date from which an export tells (sheet 1, 9). */
import type { PlanningPmeSwitches } from "./switches";

type Zone = PlanningPmeSwitches["sinceZone"];

const formats = new Map<Zone, Intl.DateTimeFormat>();

/** The instant as clocks of the zone show it: `yyyyMMddHHmmss`. Such texts are in the order of time. */
export function stampOf(ms: number, zone: Zone): string {
  const format =
    formats.get(zone) ??
    new Intl.DateTimeFormat("en-GB", { timeZone: zone, dateStyle: "short", timeStyle: "medium", hourCycle: "h23" });
  formats.set(zone, format);
  // 31/12/2018, 04:58:03
  const [day, month, year, ...time] = format.format(ms).match(/\d+/g) ?? [];
  return [year, month, day, ...time].join("");
}

/** True for `yyyyMMddHHmmss` of a day that exists. */
export function isStamp(text: string): boolean {
  const parts = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})$/.exec(text);
  if (parts === null) return false;
  const [, year, month, day, hour, minute, second] = parts.map(Number);
  const ms = Date.UTC(year ?? 0, (month ?? 0) - 1, day, hour, minute, second);
  return stampOf(ms, "UTC") === text;
}

/** True for a change that an export since then tells. */
export function isSince(changedAt: number, since: string, switches: Readonly<PlanningPmeSwitches>): boolean {
  const stamp = stampOf(changedAt, switches.sinceZone);
  if (stamp !== since) return stamp > since;
  return switches.sinceEdge === "from" || (switches.sinceEdge === "instant" && changedAt % 1_000 > 0);
}

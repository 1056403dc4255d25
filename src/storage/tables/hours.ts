/** How many records ended how, hour by hour: the data of the chart of the last day. */
import type { HourCount } from "../port/figures";
import type { Tables } from "./tables";

const HOUR_MS = 3_600_000;
/** A week and a day: on Monday you can still see last Monday. */
const KEPT_HOURS = 8 * 24;

const hourOf = (ms: number): number => Math.floor(ms / HOUR_MS);

/** Counts some outcomes in the current hour. */
export function countHour(tables: Tables, tenant: string, name: string, by: number): void {
  const key = [tenant, hourOf(tables.now()), name];
  tables.hours.put(key, (tables.hours.get(key) ?? 0) + by);
}

/** @param fromMs hours that ended before it are left out */
export function hourCounts(tables: Tables, tenant: string, fromMs: number): readonly HourCount[] {
  // A key of two parts sorts before every row of its hour.
  const rows = tables.hours.range([tenant], { after: [tenant, hourOf(fromMs)] });
  return [...rows].map(([[, hour, name], count]) => ({ atMs: Number(hour) * HOUR_MS, name: String(name), count }));
}

/** Whether a tenant has hours that have expired. */
export function hasOldHours(tables: Tables, tenant: string): boolean {
  return oldHours(tables, tenant, 1).length > 0;
}

/** Removes up to `limit` of them; returns how many. */
export function forgetOldHours(tables: Tables, tenant: string, limit: number): number {
  const keys = oldHours(tables, tenant, limit);
  for (const key of keys) tables.hours.remove(key);
  return keys.length;
}

function oldHours(tables: Tables, tenant: string, limit: number) {
  const end = [tenant, hourOf(tables.now()) - KEPT_HOURS];
  return [...tables.hours.range([tenant], { end, limit })].map(([key]) => key);
}

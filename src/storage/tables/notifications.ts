/** Ids of notifications: whoever used one first has it. */
import type { RowChange, Rows, Work } from "../database/rows";
import { connectorOf } from "../port/lane";
import { dayOf, daysBack } from "./documents";
import { NOTIFICATIONS } from "./tables";

const NONE: readonly RowChange[] = [];

/** Whether the id is the tenant's, or nobody's; and what makes it the tenant's. */
export function claim(rows: Rows, id: string, tenant: string, nowMs: number): Work<boolean> {
  const table = NOTIFICATIONS.name;
  const connector = connectorOf(tenant);
  const [owner] = daysBack(nowMs).flatMap((day) => rows.get(table, [day, id]) ?? []);
  if (owner !== undefined) return { result: owner === connector, changes: NONE };
  return { result: true, changes: [{ table, key: [dayOf(nowMs), id], value: connector }] };
}

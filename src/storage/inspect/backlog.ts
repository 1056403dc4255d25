/** What waits and what is paused of one service: read from the heads of lists, so it is quick however much waits. */
import { serviceOf } from "../port/lane";
import type { Backlog } from "../port/store";
import type { Tables } from "../tables/tables";

export function backlogOf(tables: Tables, service: string): Backlog {
  const isOwn = (tenant: unknown): boolean => serviceOf(String(tenant)) === service;
  const own = [...tables.depth.range([])].filter(([[, tenant]]) => isOwn(tenant));
  const lanes = own.filter(([, { outbox, tells: hullUpdates }]) => outbox > 0 || hullUpdates > 0);
  const oldest = lanes.flatMap(([lane]) => [...tables.ages.range(lane, { limit: 1 })].map(([key]) => Number(key[2])));
  const pauses = [...tables.pauses.range([])].filter(
    ([[, tenant], row]) => isOwn(tenant) && row.untilMs > tables.now(),
  );
  return {
    lanes: lanes.length,
    outbox: lanes.reduce((sum, [, { outbox }]) => sum + outbox, 0),
    hullUpdates: lanes.reduce((sum, [, { tells: hullUpdates }]) => sum + hullUpdates, 0),
    oldestAtMs: oldest.length === 0 ? undefined : Math.min(...oldest),
    pauses: pauses.map(([, { kind }]) => kind),
    deadLetters: own.reduce((sum, [lane]) => sum + tables.dead.size(lane), 0),
  };
}

/** Removing what is old and belongs to no record: runs, ids of messages, hours. A bounded step at a time. */
import map from "lodash/map";
import sumBy from "lodash/sumBy";
import type { Database, Key } from "../database/rows";
import type { Stored } from "../port/stored";
import { forgetHistory, hasHistory } from "../history/read";
import { firstHour } from "../tables/counts";
import { dayOf } from "../tables/documents";
import { forgetLosses } from "../tables/eras";
import { isOldRun, removeRuns } from "../tables/runs";
import { HOURS, NOTIFICATIONS, RECORDS, RUNS, SEEN, TENANTS } from "../tables/tables";
import { forgetKeyedCalls, remoteNumbered } from "../tables/tenants";
import { commit, dropSums, read, removeRows, type Table, type View } from "../tables/view";

/** Commits of one tenant's history per step: many processes write it. */
const HISTORY_SLICES = 5;
/** Rows of one table per step. */
const WALK = 1_000;

/** @returns `step` looks at the next runs, and removes what is older than this; returns how many rows */
export function createHousekeeping(
  database: Database,
  now: () => number,
): { readonly step: Stored["housekeep"]; readonly nextRecords: Stored["nextRecords"] } {
  const nextRuns = createRound(database, RUNS);
  const nextRecords = createRound(database, RECORDS);
  /** Some rows of each tenant, each time in commits of their own. */
  const removeHistory = async (beforeMs: number): Promise<number> => {
    const tenants = await read(database, (view) => [...view.range(TENANTS, [])].map(([key]) => String(key[0])));
    let removed = 0;
    for (const tenant of tenants) {
      for (let slices = 0; slices < HISTORY_SLICES; slices += 1) {
        if (!(await read(database, (view) => hasHistory(view, tenant, beforeMs)))) break;
        removed += await commit(database, (view) => forgetHistory(view, tenant, beforeMs));
      }
    }
    return removed;
  };
  return {
    step: async (olderThanMs, historyMs = olderThanMs) => {
      const keys = await nextRuns(WALK);
      const nowMs = now();
      const removed = await commit(database, (view) => {
        const rows = keys.flatMap((key) => view.get(RUNS, key) ?? []);
        const old = rows.filter((row) => isOldRun(view, row, nowMs - olderThanMs));
        return removeRuns(view, map(old, "id"), WALK) + removeExpired(view, nowMs);
      });
      return removed + (await removeHistory(nowMs - historyMs));
    },
    nextRecords: async (limit) => {
      const keys = await nextRecords(limit);
      return read(database, (view) =>
        keys.flatMap(([number = 0, type, hullId]) => {
          const remote = remoteNumbered(view, number);
          return remote === undefined ? [] : [{ remote, type: String(type), hullId: String(hullId) }];
        }),
      );
    },
  };
}

/** What is kept for a time of its own: ids of messages, answers, losses, and the hours of each tenant. */
function removeExpired(view: View, nowMs: number): number {
  const ids = { end: [dayOf(nowMs) - 1], limit: WALK };
  const removeHours = (tenant: Key[number]): number =>
    dropSums(view, HOURS, [tenant], { end: [tenant, firstHour(nowMs)], limit: WALK });
  return (
    removeRows(view, SEEN, [], ids) +
    removeRows(view, NOTIFICATIONS, [], ids) +
    forgetKeyedCalls(view, nowMs, WALK) +
    forgetLosses(view, nowMs) +
    sumBy([...view.range(TENANTS, [])], ([[tenant = ""]]) => removeHours(tenant))
  );
}

/** Walks a table, some keys at a time. */
function createRound<V, I extends string>(
  database: Database,
  table: Table<V, I>,
): (limit: number) => Promise<readonly Key[]> {
  let after: Key | undefined;
  return async (limit) => {
    const from = after;
    const keys = await read(database, (view) => [...view.range(table, [], { after: from, limit })].map(([key]) => key));
    after = keys.length < limit ? undefined : keys.at(-1);
    return keys;
  };
}

/** Removing what is old and belongs to no record: runs, ids of messages, hours. A bounded step at a time. */
import type { Database, Key } from "../database/rows";
import type { DeadLetterKey } from "../port/store";
import { firstHour } from "../tables/counts";
import { dayOf } from "../tables/documents";
import { isOldRun, removeRuns } from "../tables/runs";
import { HOURS, NOTIFICATIONS, RECORDS, RUNS, SEEN, TENANTS } from "../tables/tables";
import { remoteNumbered } from "../tables/tenants";
import { commit, read, type Reader, type Table, type View } from "../tables/view";

/** Rows of one table per step. */
const WALK = 1_000;

export interface Housekeeping {
  /** Looks at the next rows, and removes those that are older than this; returns how many. */
  readonly step: (olderThanMs: number) => Promise<number>;
  /** Some records, each time those behind the ones before; round and round. */
  readonly nextRecords: (limit: number) => Promise<readonly Omit<DeadLetterKey, "tenant">[]>;
}

export function createHousekeeping(database: Database, now: () => number): Housekeeping {
  const nextRuns = createRound(database, RUNS);
  const nextRecords = createRound(database, RECORDS);
  return {
    step: async (olderThanMs) => {
      const keys = await nextRuns(WALK);
      const nowMs = now();
      const isAny = await read(
        database,
        (view) => oldRuns(view, keys, nowMs - olderThanMs).length > 0 || expired(view, nowMs, 1).length > 0,
      );
      if (!isAny) return 0;
      return commit(database, (view) => {
        // Checked once more: since then they may have been written again.
        const removed = removeRuns(view, oldRuns(view, keys, nowMs - olderThanMs), WALK);
        const remove = expired(view, nowMs, WALK);
        for (const each of remove) each(view);
        return removed + remove.length;
      });
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

function oldRuns(view: Reader, keys: readonly Key[], beforeMs: number): string[] {
  return keys
    .flatMap((key) => view.get(RUNS, key) ?? [])
    .flatMap((row) => (isOldRun(view, row, beforeMs) ? [row.id] : []));
}

/** What is kept for a time of its own: ids of messages and the hours of each tenant. @param limit rows of each kind */
function expired(view: Reader, nowMs: number, limit: number): readonly ((view: View) => void)[] {
  const end = [dayOf(nowMs) - 1];
  const ids = [SEEN, NOTIFICATIONS].flatMap((table) =>
    [...view.range(table, [], { end, limit })].map(
      ([key]) =>
        (to: View) =>
          to.remove(table, key),
    ),
  );
  const hours = [...view.range(TENANTS, [])].flatMap(([[tenant = ""]]) =>
    [...view.sums(HOURS, [tenant], { end: [tenant, firstHour(nowMs)], limit })].map(
      ([key]) =>
        (to: View) =>
          to.drop(HOURS, key),
    ),
  );
  return [...ids, ...hours];
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

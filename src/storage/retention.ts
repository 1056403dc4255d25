/** Forgetting what is old: dead letters, how messages ended, ids of messages. A bounded step at a time. */
import type { Key, KeyValue, Table } from "./kv";
import { closeLetter } from "./letters";
import type { RecordRow } from "./rows";
import { forgetOld, hasOld, isWaiting, type Tables } from "./tables";

/** Rows of one table that one step looks at. */
const WALK = 1_000;

/**
 * @returns a step that looks at the next rows, from the beginning again after the last one, and removes those that are
 * older than the given milliseconds; it answers how many
 */
export function createHousekeeping(tables: Tables): (olderThanMs: number) => Promise<number> {
  const { kv, now } = tables;
  const letters = createRound(kv, tables.dead, ({ ending }) => ending.atMs);
  const records = createRound(kv, tables.records, ({ last }) => last?.atMs);

  return async (olderThanMs) => {
    const beforeMs = now() - olderThanMs;
    const oldLetters = letters(beforeMs);
    const oldRecords = records(beforeMs);
    const ids = [tables.seen, tables.notifications] as readonly Table<unknown>[];
    const stale = kv.read(() => ids.filter((table) => hasOld(table, now())));
    if (oldLetters.length + oldRecords.length + stale.length === 0) return 0;
    return kv.transact(() => {
      let removed = 0;
      for (const key of oldLetters) {
        // Since they were looked at, they may have been refused anew.
        const row = tables.dead.get(key);
        if (row !== undefined && row.ending.atMs < beforeMs && closeLetter(tables, row) !== undefined) removed += 1;
      }
      for (const key of oldRecords) removed += forgetLast(tables, key, beforeMs) ? 1 : 0;
      for (const table of stale) removed += forgetOld(table, now(), WALK);
      return removed;
    });
  };
}

/** Walks a table, some rows at a time, and names those whose time has passed. */
function createRound<V>(kv: KeyValue, table: Table<V>, timeOf: (row: V) => number | undefined) {
  let after: Key | undefined;
  return (beforeMs: number): readonly Key[] =>
    kv.read(() => {
      const old: Key[] = [];
      let walked = 0;
      let last: Key | undefined;
      for (const [key, row] of table.range([], { limit: WALK, ...(after === undefined ? {} : { after }) })) {
        walked += 1;
        last = key;
        const atMs = timeOf(row);
        if (atMs !== undefined && atMs < beforeMs) old.push(key);
      }
      after = walked < WALK ? undefined : last;
      return old;
    });
}

/** The record stays, since its version and its link count; one that has neither, such as an event, goes as a whole. */
function forgetLast(tables: Tables, key: Key, beforeMs: number): boolean {
  const record = tables.records.get(key);
  if (record?.last === undefined || record.last.atMs >= beforeMs) return false;
  if (isEmpty(record) && !isWaiting(tables, key)) tables.records.remove(key);
  else {
    const { last: _, ...rest } = record;
    tables.records.put(key, rest);
  }
  return true;
}

function isEmpty({ version, remoteId, doubt }: RecordRow): boolean {
  return version === 0 && remoteId === undefined && doubt === undefined;
}

/** Removing what is old: dead letters, rivals, last outcomes, ids of messages and events. A bounded step at a time. */
import type { Key, Table } from "../database/kv";
import { forgetOldHours, hasOldHours } from "../tables/hours";
import { reindex } from "../tables/claim-index";
import { closeDeadLetter } from "../tables/dead-letters";
import { dropRival } from "../outbox/rivals";
import type { RecordRow } from "../port/rows";
import { oldRuns, removeRuns } from "../tables/runs";
import { forgetOld, hasOld, isWaiting, type Tables } from "../tables/tables";

/** Rows of one table per step. */
const WALK = 1_000;
/** An event that comes once more within this time after its end is not sent again, whatever else is forgotten. */
const EVENTS_MS = 30 * 86_400_000;

/**
 * @returns a step that checks the next rows, starting again after the last one, and removes those that are
 * older than the given milliseconds; it returns how many
 */
export function createHousekeeping(tables: Tables): (olderThanMs: number) => Promise<number> {
  const { kv, now } = tables;
  const nextDeadLetters = createRound(tables.dead);
  const nextRivals = createRound(tables.rivals);
  const nextRecords = createRound(tables.records);
  const nextRuns = createRound(tables.runs);
  const ids: readonly Table<unknown>[] = [tables.seen, tables.notifications];

  return async (olderThanMs) => {
    const nowMs = now();
    const isOldDeadLetter = (key: Key): boolean => (tables.dead.get(key)?.ending.atMs ?? nowMs) < nowMs - olderThanMs;
    const isOldRival = (key: Key): boolean => (tables.rivals.get(key)?.atMs ?? nowMs) < nowMs - olderThanMs;
    const isOldRecord = (key: Key): boolean => {
      const record = tables.records.get(key);
      const keptMs = record !== undefined && isEmpty(record) ? Math.max(olderThanMs, EVENTS_MS) : olderThanMs;
      return (record?.last?.atMs ?? nowMs) < nowMs - keptMs;
    };
    const { deadLetters, rivals, records, runs, tired, owners } = kv.read(() => ({
      owners: [...tables.tenants.range([])].flatMap(([, { key }]) => (hasOldHours(tables, key) ? [key] : [])),
      runs: oldRuns(tables, nextRuns(), nowMs - olderThanMs),
      deadLetters: nextDeadLetters().filter(isOldDeadLetter),
      rivals: nextRivals().filter(isOldRival),
      records: nextRecords().filter(isOldRecord),
      tired: ids.filter((table) => hasOld(table, nowMs)),
    }));
    if (deadLetters.length + rivals.length + records.length + runs.length + tired.length + owners.length === 0)
      return 0;
    return kv.transact(() => {
      // Checked once more: since then they may have been written again.
      const oldDeadLetters = deadLetters.filter(isOldDeadLetter);
      for (const key of oldDeadLetters) forgetDeadLetter(tables, key);
      const oldRivals = rivals.filter(isOldRival);
      for (const key of oldRivals) forgetRival(tables, key);
      const oldRecords = records.filter(isOldRecord);
      for (const key of oldRecords) forgetLast(tables, key);
      const runRows = removeRuns(tables, runs, WALK);
      const oldIds = tired.reduce((sum, table) => sum + forgetOld(table, nowMs, WALK), 0);
      const oldHours = owners.reduce((sum, tenant) => sum + forgetOldHours(tables, tenant, WALK), 0);
      return oldDeadLetters.length + oldRivals.length + oldRecords.length + runRows + oldIds + oldHours;
    });
  };
}

/** Walks a table, some keys at a time. */
function createRound(table: Table<unknown>): () => readonly Key[] {
  let after: Key | undefined;
  return () => {
    const options = after === undefined ? { limit: WALK } : { after, limit: WALK };
    const keys = [...table.range([], options)].map(([key]) => key);
    after = keys.length < WALK ? undefined : keys.at(-1);
    return keys;
  };
}

function forgetDeadLetter(tables: Tables, key: Key): void {
  const deadLetter = tables.dead.get(key);
  if (deadLetter !== undefined) closeDeadLetter(tables, deadLetter);
}

function forgetRival(tables: Tables, key: Key): void {
  const [remote = "", tenant = "", type = "", hullId = ""] = key.map(String);
  dropRival(tables, { remote, tenant, type, hullId });
}

/** The record stays, since its version and its link count; one without either, such as an event, is removed. */
function forgetLast(tables: Tables, key: Key): void {
  const record = tables.records.get(key);
  if (record === undefined) return;
  if (isEmpty(record) && !isWaiting(tables, key)) {
    const [remote = "", type = "", hullId = ""] = key.map(String);
    reindex(tables, [remote, type, hullId], record.claims);
    tables.records.remove(key);
  } else {
    const { last: _, ...rest } = record;
    tables.records.put(key, rest);
  }
}

function isEmpty({ version, remoteId, unconfirmed }: RecordRow): boolean {
  return version === 0 && remoteId === undefined && unconfirmed === undefined;
}

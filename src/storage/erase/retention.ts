/** Removing what is old: dead letters, rivals, last outcomes, ids of messages and events. A bounded step at a time. */
import type { Key, Table } from "../database/kv";
import { firstHour } from "../tables/ledger";
import { closeDeadLetter } from "../tables/dead-letters";
import { dropRival } from "../outbox/rivals";
import type { RecordRow } from "../port/rows";
import { oldRuns, removeRuns } from "../tables/runs";
import { dayOf, isWaiting, keyOf, reindex, type Tables } from "../tables/tables";

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
  const nextRuns = createRound(tables.runs);
  const age = (atMs = Infinity): number => now() - atMs;
  const rounds: readonly Round[] = [
    {
      next: createRound(tables.dead),
      isOld: (key, olderThanMs) => age(tables.dead.get(key)?.ending.atMs) > olderThanMs,
      forget: (key) => closeDeadLetter(tables, keyOf(key)),
    },
    {
      next: createRound(tables.rivals),
      isOld: (key, olderThanMs) => age(tables.rivals.get(key)?.atMs) > olderThanMs,
      forget: (key) => dropRival(tables, keyOf(key)),
    },
    {
      next: createRound(tables.records),
      isOld: (key, olderThanMs) => {
        const record = tables.records.get(key);
        const keptMs = record !== undefined && isEmpty(record) ? Math.max(olderThanMs, EVENTS_MS) : olderThanMs;
        return age(record?.last?.atMs) > keptMs;
      },
      forget: (key) => forgetLast(tables, key),
    },
  ];

  return async (olderThanMs) => {
    const { found, runs, expired } = kv.read(() => ({
      found: rounds.map((round) => ({ round, keys: round.next().filter((key) => round.isOld(key, olderThanMs)) })),
      runs: oldRuns(tables, nextRuns(), now() - olderThanMs),
      expired: expiring(tables).filter((part) => keysIn(part, 1).length > 0),
    }));
    if (found.every(({ keys }) => keys.length === 0) && runs.length + expired.length === 0) return 0;
    return kv.transact(() => {
      let removed = removeRuns(tables, runs, WALK);
      for (const { round, keys } of found) {
        // Checked once more: since then they may have been written again.
        const old = keys.filter((key) => round.isOld(key, olderThanMs));
        old.forEach(round.forget);
        removed += old.length;
      }
      for (const part of expired) {
        const keys = keysIn(part, WALK);
        for (const key of keys) part.table.remove(key);
        removed += keys.length;
      }
      return removed;
    });
  };
}

/** A table whose rows say themselves when they are old: some of them are looked at in each step. */
interface Round {
  readonly next: () => readonly Key[];
  readonly isOld: (key: Key, olderThanMs: number) => boolean;
  readonly forget: (key: Key) => void;
}

/** Rows whose keys begin with their time. */
interface Part {
  readonly table: Table<unknown>;
  readonly prefix: Key;
  readonly end: Key;
}

/** What is kept for a time of its own: ids of messages and the hours of each tenant. */
function expiring(tables: Tables): readonly Part[] {
  const yesterday = dayOf(tables.now()) - 1;
  const tenants = [...tables.tenants.range([])].map(([, { key }]) => key);
  return [
    ...[tables.seen, tables.notifications].map((table) => ({ table, prefix: [], end: [yesterday] })),
    ...tenants.map((tenant) => ({ table: tables.hours, prefix: [tenant], end: [tenant, firstHour(tables)] })),
  ];
}

function keysIn({ table, prefix, end }: Part, limit: number): readonly Key[] {
  return [...table.range(prefix, { end, limit })].map(([key]) => key);
}

/** Walks a table, some keys at a time. */
function createRound(table: Table<unknown>): () => readonly Key[] {
  let after: Key | undefined;
  return () => {
    const keys = [...table.range([], { after, limit: WALK })].map(([key]) => key);
    after = keys.length < WALK ? undefined : keys.at(-1);
    return keys;
  };
}

/** The record stays, since its version and its link count; one without either, such as an event, is removed. */
function forgetLast(tables: Tables, key: Key): void {
  const record = tables.records.get(key);
  if (record === undefined) return;
  if (isEmpty(record) && !isWaiting(tables, key)) {
    reindex(tables.claimIndex, key, record.claims);
    tables.records.remove(key);
  } else {
    tables.records.put(key, { ...record, last: undefined });
  }
}

function isEmpty({ version, remoteId, unconfirmed }: RecordRow): boolean {
  return version === 0 && remoteId === undefined && unconfirmed === undefined;
}

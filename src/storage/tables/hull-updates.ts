/** The write-back queue: what Hull has not been told yet. */
import type { Key } from "../database/kv";
import type { HullUpdateRow } from "../port/rows";
import type { Lane, RecordOutcome } from "../port/store";
import { confirmFacts } from "./mirror";
import { countOutcome, type Ledger } from "./ledger";
import { remoteRow, type Tables } from "./tables";
import type { Outcome } from "../port/rows";
import { notTooMany } from "../port/weight";

/** Due rows, oldest first. */
export function dueHullUpdates(tables: Tables, lane: Lane, limit: number): HullUpdateRow[] {
  const end = [lane.remote, lane.tenant, tables.now() + 1];
  function* due(): Generator<HullUpdateRow> {
    for (const [, [type, hullId]] of tables.hullUpdateQueue.range([lane.remote, lane.tenant], { end, limit })) {
      const row = tables.hullUpdates.get([lane.remote, lane.tenant, type, hullId]);
      if (row !== undefined) yield row;
    }
  }
  return notTooMany(due());
}

/** Hull confirmed, or refused for good: either way the record is done, unless more was written meanwhile. */
export function confirmHullUpdate(
  tables: Tables,
  ledger: Ledger,
  lane: Lane,
  row: HullUpdateRow,
  refused: Outcome | undefined,
): RecordOutcome[] {
  const key = [lane.remote, lane.tenant, row.type, row.hullId];
  const current = tables.hullUpdates.get(key);
  if (current === undefined) return [];
  const remote = remoteRow(tables, lane.remote);
  if (refused === undefined) confirmFacts(tables, remote, row.type, row.remoteId, row.facts);

  const outcomes = row.outcomes.map((outcome): Outcome => {
    if (refused === undefined) return outcome;
    return { ...outcome, outcome: refused.outcome, code: refused.code, text: refused.text, atMs: refused.atMs };
  });
  const last = outcomes.at(-1);
  const recordKey = [lane.remote, row.type, row.hullId];
  const record = tables.records.get(recordKey);
  if (record !== undefined) {
    tables.records.put(recordKey, {
      ...record,
      confirmedAtMs: refused === undefined ? tables.now() : record.confirmedAtMs,
      last: last ?? record.last,
    });
  }
  for (const outcome of outcomes) countOutcome(ledger, lane.tenant, row.type, row.hullId, outcome);

  tables.hullUpdateQueue.remove([lane.remote, lane.tenant, current.notBeforeMs, current.seq]);
  if (current.seq === row.seq) {
    tables.hullUpdates.remove(key);
    ledger.depth(lane, { tells: -1 });
  } else {
    // Written again while Hull was being told: the rest waits for the next cycle.
    const rest = { ...current, outcomes: current.outcomes.slice(row.outcomes.length), notBeforeMs: 0, attempts: 0 };
    tables.hullUpdates.put(key, rest);
    tables.hullUpdateQueue.put([lane.remote, lane.tenant, 0, rest.seq], [row.type, row.hullId]);
  }
  return outcomes.map((outcome) => ({
    type: row.type,
    hullId: row.hullId,
    claims: row.claims,
    outcome,
  }));
}

export function deferHullUpdate(tables: Tables, lane: Lane, row: HullUpdateRow, notBeforeMs: number): void {
  reschedule(tables, lane, row, notBeforeMs, row.attempts + 1);
}

/**
 * What Hull could not be told is tried again now, a slice at a time.
 *
 * @returns the key to continue after, or undefined at the end
 */
export function retryHullUpdatesNow(
  tables: Tables,
  lane: Lane,
  after: Key | undefined,
  limit: number,
): Key | undefined {
  const nowMs = tables.now();
  const slice = [...tables.hullUpdateQueue.range([lane.remote, lane.tenant], { limit, after })];
  for (const [key, [type, hullId]] of slice) {
    const row = tables.hullUpdates.get([lane.remote, lane.tenant, type, hullId]);
    if (row !== undefined && Number(key[2]) > nowMs) reschedule(tables, lane, row, nowMs, 0);
  }
  return slice.length < limit ? undefined : slice.at(-1)?.[0];
}

function reschedule(tables: Tables, lane: Lane, row: HullUpdateRow, notBeforeMs: number, attempts: number): void {
  const key = [lane.remote, lane.tenant, row.type, row.hullId];
  const current = tables.hullUpdates.get(key);
  if (current === undefined) return;
  tables.hullUpdateQueue.remove([lane.remote, lane.tenant, current.notBeforeMs, current.seq]);
  tables.hullUpdates.put(key, { ...current, notBeforeMs, attempts });
  tables.hullUpdateQueue.put([lane.remote, lane.tenant, notBeforeMs, current.seq], [row.type, row.hullId]);
}

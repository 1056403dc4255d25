/** The write-back queue: what Hull has not been told yet. */
import pick from "lodash/pick";
import type { Key } from "../database/kv";
import { walk } from "../database/slices";
import type { HullUpdateRow, Outcome } from "../port/rows";
import type { Lane, RecordOutcome } from "../port/store";
import { confirmFacts } from "./mirror";
import { countOutcome, type Ledger } from "./ledger";
import { dueRows, patchRecord, pathOf, remoteRow, type Tables } from "./tables";

export function dueHullUpdates(tables: Tables, { remote, tenant }: Lane, limit: number): HullUpdateRow[] {
  return dueRows(tables, tables.hullUpdateQueue, [remote, tenant], limit, ([type, hullId]) =>
    tables.hullUpdates.get([remote, tenant, type, hullId]),
  );
}

/** Hull confirmed, or refused for good: either way the record is done, unless more was written meanwhile. */
export function confirmHullUpdate(
  tables: Tables,
  ledger: Ledger,
  lane: Lane,
  row: HullUpdateRow,
  refused: Outcome | undefined,
): RecordOutcome[] {
  const current = tables.hullUpdates.get(pathOf({ ...row, ...lane }));
  if (current === undefined) return [];
  const remote = remoteRow(tables, lane.remote);
  if (refused === undefined) confirmFacts(tables, remote, row.type, row.remoteId, row.facts);

  const outcomes = row.outcomes.map((outcome): Outcome => {
    // What was refused or skipped was told of the rest, and stays what it is.
    if (refused === undefined || !hasArrived(outcome)) return outcome;
    return { ...outcome, ...pick(refused, "outcome", "code", "text", "atMs") };
  });
  const last = outcomes.at(-1);
  patchRecord(tables, [lane.remote, row.type, row.hullId], {
    ...(refused === undefined && { confirmedAtMs: tables.now() }),
    ...(last !== undefined && { last }),
  });
  for (const outcome of outcomes) countOutcome(ledger, lane.tenant, row.type, row.hullId, outcome);

  if (current.seq === row.seq) removeHullUpdate(tables, ledger, lane, current);
  else {
    // Written again while Hull was being told: the rest waits for the next cycle.
    const outcomes = current.outcomes.slice(row.outcomes.length);
    putHullUpdate(tables, lane.remote, current, { ...current, outcomes, notBeforeMs: 0, attempts: 0 });
  }
  const { type, hullId, claims } = row;
  return outcomes.map((outcome) => ({ type, hullId, claims, outcome }));
}

function hasArrived({ outcome }: Outcome): boolean {
  return outcome === "sent" || outcome === "unchanged";
}

function queueKey(remote: string, { tenant, notBeforeMs, seq }: HullUpdateRow): Key {
  return [remote, tenant, notBeforeMs, seq];
}

/** Stores a row in its place in the queue. @param before the row that is there now */
export function putHullUpdate(
  tables: Tables,
  remote: string,
  before: HullUpdateRow | undefined,
  row: HullUpdateRow,
): void {
  if (before !== undefined) tables.hullUpdateQueue.remove(queueKey(remote, before));
  tables.hullUpdates.put(pathOf({ ...row, remote }), row);
  tables.hullUpdateQueue.put(queueKey(remote, row), [row.type, row.hullId]);
}

export function removeHullUpdate(tables: Tables, ledger: Ledger, lane: Lane, row: HullUpdateRow): void {
  tables.hullUpdates.remove(pathOf({ ...row, ...lane }));
  tables.hullUpdateQueue.remove(queueKey(lane.remote, row));
  ledger.depth(lane, { tells: -1 });
}

export function deferHullUpdate(tables: Tables, lane: Lane, row: HullUpdateRow, notBeforeMs: number): void {
  reschedule(tables, lane, row, notBeforeMs, row.attempts + 1);
}

/** What Hull could not be told is tried again now. */
export function retryHullUpdatesNow(tables: Tables, lane: Lane): Promise<void> {
  return walk(tables.kv, tables.hullUpdateQueue, [lane.remote, lane.tenant], (key, [type, hullId]) => {
    const row = tables.hullUpdates.get(pathOf({ ...lane, type, hullId }));
    if (row !== undefined && Number(key[2]) > tables.now()) reschedule(tables, lane, row, tables.now(), 0);
  });
}

function reschedule(tables: Tables, lane: Lane, row: HullUpdateRow, notBeforeMs: number, attempts: number): void {
  const current = tables.hullUpdates.get(pathOf({ ...row, ...lane }));
  if (current !== undefined) putHullUpdate(tables, lane.remote, current, { ...current, notBeforeMs, attempts });
}

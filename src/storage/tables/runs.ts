/** Runs: batches, fetches and drains, with counts, progress and an end. */
import omitBy from "lodash/omitBy";
import isUndefined from "lodash/isUndefined";
import sum from "lodash/sum";
import type { Key } from "../database/rows";
import type { RunRow } from "../port/rows";
import { failureIn } from "../port/runs";
import type { BegunRun, NewRun, RunChange, RunQuery } from "../port/store";
import { sumsOf } from "./counts";
import { DEPTH, LAST_RUNS, REPORTS, RUN_COUNTS, RUNS } from "./tables";
import { lanesOf } from "./tenants";
import { dropSums, removeRows, type Reader, type View } from "./view";

/** A run with what was counted in it. */
export function runIn(view: Reader, id: string): RunRow | undefined {
  const row = view.get(RUNS, [id]);
  if (row === undefined) return undefined;
  const counts = sumsOf(view, RUN_COUNTS, id, "counts");
  const leftOut = sumsOf(view, RUN_COUNTS, id, "leftOut");
  const met = view.sum(RUN_COUNTS, [id, "total", ""]);
  return {
    ...row,
    counts,
    done: sum(Object.values(counts)),
    ...((met > 0 || row.total !== undefined) && { total: (row.total ?? 0) + met }),
    ...(Object.keys(leftOut).length > 0 && { leftOut }),
  };
}

/**
 * Begins a run. An exclusive one begins only if no other of its tenant, kind and type is in progress; otherwise that
 * one is returned.
 *
 * @param since what was the last one that ended well when it was decided to begin another; if it is not any more, the
 *   one that is now is returned
 */
export function beginRun(
  view: View,
  run: NewRun,
  exclusive: boolean,
  since: { readonly last: string | undefined } | undefined,
  nowMs: number,
): BegunRun {
  const rivals = exclusive ? openRunsOf(view, [run.tenant, run.kind, run.type]).filter(isUnderway) : [];
  // A dry run only conflicts with another dry run.
  const underway = rivals.find(({ options }) => options.simulate === run.options.simulate);
  if (underway !== undefined) return { run: underway, begun: false };
  const last = since && lastRun(view, run.tenant, run.kind, run.type);
  if (last !== undefined && last.id !== since?.last) return { run: last, begun: false };
  const row: RunRow = { ...run, state: "waiting", createdAtMs: nowMs, done: 0, counts: {} };
  view.put(RUNS, [row.id], row);
  return { run: row, begun: true };
}

/** Changes a run that has not ended; undefined when there is none. */
export function changeRun(view: View, id: string, change: RunChange, nowMs: number): RunRow | undefined {
  const row = view.get(RUNS, [id]);
  if (row === undefined || (!isUnderway(row) && change.announced !== true)) return undefined;
  const { counts = {}, ...rest } = omitBy(change, isUndefined) as RunChange;
  for (const [name, by] of Object.entries(counts)) view.add(RUN_COUNTS, [id, "counts", name], by);
  if (rest.total !== undefined) view.drop(RUN_COUNTS, [id, "total", ""]);
  return saveRun(view, row, { ...row, ...rest }, nowMs);
}

function saveRun(view: View, before: RunRow, row: RunRow, nowMs: number): RunRow {
  const after: RunRow = isUnderway(row) || row.endedAtMs !== undefined ? row : { ...row, endedAtMs: nowMs };
  view.put(RUNS, [row.id], after);
  if (before.state !== "success" && after.state === "success" && after.options.simulate !== true) {
    view.put(LAST_RUNS, [row.tenant, row.kind, row.type], row.id);
  }
  return after;
}

/**
 * A run whose records all have their outcome has ended. What was counted must be in the store by now.
 *
 * @param looks whether to look, too, if nothing of its tenant waits: nobody knows the run of a record that was damaged
 */
export function endIfDone(view: View, id: string, nowMs: number, looks: boolean): void {
  if (!mayBeDone(view, id)) return;
  const row = view.get(RUNS, [id]);
  const counted = runIn(view, id);
  if (row === undefined || counted === undefined) return;
  if (counted.done < (counted.total ?? 0) && (!looks || isWaiting(view, row.tenant))) return;
  saveRun(view, row, { ...row, ...endOf(counted) }, nowMs);
}

/** Whether anything of a tenant waits, wherever. */
function isWaiting(view: Reader, tenant: string): boolean {
  const depths = lanesOf(view, tenant).flatMap(({ remote }) => [...view.sums(DEPTH, [remote, tenant])]);
  return depths.some(([, depth]) => depth > 0);
}

export function mayBeDone(view: Reader, id: string): boolean {
  const row = view.get(RUNS, [id]);
  return row?.state === "running" && row.complete === true;
}

function endOf({ options, counts }: RunRow): Pick<RunRow, "state" | "error"> {
  const failure = failureIn(counts);
  if (options.stopOnError !== true || failure === undefined) return { state: "success" };
  return { state: "stopped", error: `Some records failed (${failure}) after every row had been read.` };
}

/** Whether it waits or runs. */
export function isUnderway({ state }: RunRow): boolean {
  return state === "waiting" || state === "running";
}

const runsAt = (view: Reader, places: Iterable<Key>): RunRow[] =>
  [...places].flatMap((place) => runIn(view, String(place.at(-1))) ?? []);

/** Runs in progress, or whose end was not logged yet; oldest first. @param prefix tenant, kind, type */
export function openRunsOf(view: Reader, prefix: Key): RunRow[] {
  return runsAt(view, view.places(RUNS, "open", prefix)).toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/** The last run of its kind that ended well and was no dry run. */
export function lastRun(view: Reader, tenant: string, kind: string, type: string): RunRow | undefined {
  const id = view.get(LAST_RUNS, [tenant, kind, type]);
  return id === undefined ? undefined : runIn(view, id);
}

/** Newest first. */
export function listRuns(view: Reader, { tenant, limit, before }: RunQuery): RunRow[] {
  const last = before === undefined ? undefined : view.get(RUNS, [before]);
  const after = last === undefined ? undefined : [last.tenant, -last.createdAtMs, last.id];
  return runsAt(view, view.places(RUNS, "time", [tenant], { after, limit }));
}

/** Runs that ended before the given time; the last good one of its kind stays, since the next one counts from it. */
export function isOldRun(view: Reader, row: RunRow, beforeMs: number): boolean {
  return (
    !isUnderway(row) &&
    (row.endedAtMs ?? row.createdAtMs) < beforeMs &&
    view.get(LAST_RUNS, [row.tenant, row.kind, row.type]) !== row.id
  );
}

/** Removes some runs with their reports, long ones in part; returns how many rows were removed. @param limit of them */
export function removeRuns(view: View, ids: readonly string[], limit: number): number {
  let removed = 0;
  for (const id of ids) if (removed < limit) removed += removeRun(view, id, limit - removed);
  return removed;
}

function removeRun(view: View, id: string, limit: number): number {
  const lines = removeRows(view, REPORTS, [id], { limit });
  // Its report may go on.
  if (lines === limit) return lines;
  dropSums(view, RUN_COUNTS, [id]);
  view.remove(RUNS, [id]);
  return lines + 1;
}

/** Removes some of what is stored about a tenant's runs; returns how many rows were removed. */
export function forgetRunsOf(view: View, tenant: string, limit: number): number {
  const last = removeRows(view, LAST_RUNS, [tenant]);
  const ids = [...view.places(RUNS, "time", [tenant], { limit })].map((place) => String(place.at(-1)));
  return removeRuns(view, ids, limit) + last;
}

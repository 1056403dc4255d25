/** Runs: batches, fetches and drains, with counts, progress and an end. */
import countBy from "lodash/countBy";
import { leftOutKey } from "../../record";
import { withoutAbsent } from "../database/absent";
import type { Key } from "../database/kv";
import type { RunRow } from "../port/rows";
import { failureIn } from "../port/runs";
import type { BegunRun, NewRun, ReportLine, RunChange, RunQuery } from "../port/store";
import type { Tables } from "./tables";

/** Lines that are read together. */
const REPORT_PAGE = 1_000;

/** Most lines in one run's report; counts continue. */
const MOST_LINES = 1_000_000;

/**
 * Begins a run. An exclusive one begins only if no other of its tenant, kind and type is in progress; otherwise that
 * one is returned.
 *
 * @param since what was the last one that ended well when it was decided to begin another; if it is not any more, the
 *   one that is now is returned
 */
export function beginRun(
  tables: Tables,
  run: NewRun,
  exclusive: boolean,
  since?: { readonly last: string | undefined },
): BegunRun {
  const rivals = exclusive ? openRunsOf(tables, [run.tenant, run.kind, run.type]).filter(isUnderway) : [];
  // A dry run only conflicts with another dry run.
  const underway = rivals.find(({ options }) => options.simulate === run.options.simulate);
  if (underway !== undefined) return { run: underway, begun: false };
  const last = since && lastRun(tables, run.tenant, run.kind, run.type);
  if (last !== undefined && last.id !== since?.last) return { run: last, begun: false };
  const row: RunRow = { ...run, state: "waiting", createdAtMs: tables.now(), done: 0, counts: {} };
  tables.runs.put([row.id], row);
  tables.runsByTime.put(timeKey(row), 1);
  tables.openRuns.put([row.tenant, row.kind, row.type, row.id], 1);
  return { run: row, begun: true };
}

/** Changes a run that has not ended; undefined when there is none. */
export function changeRun(tables: Tables, id: string, change: RunChange): RunRow | undefined {
  const row = tables.runs.get([id]);
  if (row === undefined || (!isUnderway(row) && change.announced !== true)) return undefined;
  const { counts = {}, ...rest } = withoutAbsent(change);
  return saveRun(tables, row, { ...row, ...rest, ...added(row, counts) });
}

/**
 * Counts records that a run found, and outcomes of them. A run whose records all have their outcome has ended.
 *
 * @param seq number of the last row that was written; returns the number of the last one now
 */
export function countInRun(tables: Tables, id: string, met: number, lines: readonly ReportLine[], seq: number): number {
  const row = tables.runs.get([id]);
  if (row === undefined) return seq;
  const counts = countBy(lines, ({ type, outcome, code }) => `${type}/${outcome}/${code}`);
  const total = met === 0 ? row.total : (row.total ?? 0) + met;
  saveRun(tables, row, { ...row, ...added(row, counts), ...leftOutWith(row, lines), total });
  return report(tables, row, lines, seq);
}

/** Names that are counted one by one; custom fields that keep changing must not fill the row. */
const MOST_LEFT_OUT = 200;

function leftOutWith({ leftOut }: RunRow, lines: readonly ReportLine[]): Pick<RunRow, "leftOut"> {
  const all = lines.flatMap((line) => line.leftOut ?? []);
  if (all.length === 0) return {};
  const sums: Record<string, number> = { ...leftOut };
  for (const value of all) {
    const own = leftOutKey(value);
    const isCounted = own in sums || Object.keys(sums).length < MOST_LEFT_OUT;
    const name = isCounted ? own : leftOutKey({ ...value, field: "(others)" });
    sums[name] = (sums[name] ?? 0) + 1;
  }
  return { leftOut: sums };
}

function added(row: RunRow, counts: RunRow["counts"]): Pick<RunRow, "counts" | "done"> {
  const sums: Record<string, number> = { ...row.counts };
  let { done } = row;
  for (const [name, by] of Object.entries(counts)) {
    sums[name] = (sums[name] ?? 0) + by;
    done += by;
  }
  return { counts: sums, done };
}

function saveRun(tables: Tables, before: RunRow, changed: RunRow): RunRow {
  const complete = changed.state === "running" && changed.complete === true && changed.done >= (changed.total ?? 0);
  const row: RunRow = complete ? { ...changed, ...endOf(changed) } : changed;
  const after: RunRow = isUnderway(row) || row.endedAtMs !== undefined ? row : { ...row, endedAtMs: tables.now() };
  tables.runs.put([row.id], after);
  if (after.announced === true) tables.openRuns.remove([row.tenant, row.kind, row.type, row.id]);
  if (before.state !== "success" && after.state === "success" && after.options.simulate !== true) {
    tables.lastRuns.put([row.tenant, row.kind, row.type], row.id);
  }
  return after;
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

/** Runs in progress, or whose end was not logged yet; oldest first. */
export function openRunsOf(tables: Tables, prefix: Key): RunRow[] {
  return [...tables.openRuns.range(prefix)]
    .flatMap(([key]) => tables.runs.get([key[3] ?? ""]) ?? [])
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/** The last run of its kind that ended well and was no dry run. */
export function lastRun(tables: Tables, tenant: string, kind: string, type: string): RunRow | undefined {
  const id = tables.lastRuns.get([tenant, kind, type]);
  return id === undefined ? undefined : tables.runs.get([id]);
}

/** Newest first. */
export function listRuns(tables: Tables, { tenant, limit, before }: RunQuery): RunRow[] {
  const last = before === undefined ? undefined : tables.runs.get([before]);
  const after = last === undefined ? undefined : timeKey(last);
  return [...tables.runsByTime.range([tenant], { after, limit })].flatMap(
    ([key]) => tables.runs.get([key[2] ?? ""]) ?? [],
  );
}

/** The newest come first. */
function timeKey({ tenant, createdAtMs, id }: RunRow): [string, number, string] {
  return [tenant, -createdAtMs, id];
}

/** Writes lines of a verbose run's report. */
function report(tables: Tables, run: RunRow, lines: readonly ReportLine[], seq: number): number {
  if (run.options.verbose !== true || run.done > MOST_LINES) return seq;
  let last = seq;
  for (const line of lines) tables.reports.put([run.id, (last += 1)], line);
  return last;
}

/** Runs that ended before the given time; the last good one of its kind stays, since the next one counts from it. */
export function oldRuns(tables: Tables, keys: readonly Key[], beforeMs: number): RunRow[] {
  return keys
    .flatMap((key) => tables.runs.get(key) ?? [])
    .filter(
      (row) =>
        !isUnderway(row) &&
        (row.endedAtMs ?? row.createdAtMs) < beforeMs &&
        tables.lastRuns.get([row.tenant, row.kind, row.type]) !== row.id,
    );
}

/** Removes runs with their reports, a part of a long report at a time; returns how many rows were removed. */
export function removeRuns(tables: Tables, runs: readonly RunRow[], limit: number): number {
  let removed = 0;
  for (const row of runs) {
    const lines = [...tables.reports.range([row.id], { limit })];
    for (const [key] of lines) tables.reports.remove(key);
    removed += lines.length;
    if (lines.length === limit) continue;
    tables.runs.remove([row.id]);
    tables.runsByTime.remove(timeKey(row));
    tables.openRuns.remove([row.tenant, row.kind, row.type, row.id]);
    removed += 1;
  }
  return removed;
}

/** Removes the lines about a Hull entity from the reports of a tenant's runs, page by page. */
export async function forgetReportLines(tables: Tables, tenant: string, hullId: string): Promise<void> {
  const { kv } = tables;
  const runs = kv.read(() => listRuns(tables, { tenant, limit: Number.MAX_SAFE_INTEGER }));
  for (const { id, options } of runs) {
    if (options.verbose !== true) continue;
    for (let after: Key | undefined, full = true; full;) {
      const from = after;
      const lines = kv.read(() => [...tables.reports.range([id], { after: from, limit: REPORT_PAGE })]);
      const own = lines.filter(([, line]) => line.hullId === hullId);
      if (own.length > 0) await kv.transact(() => own.forEach(([key]) => tables.reports.remove(key)));
      after = lines.at(-1)?.[0];
      full = lines.length === REPORT_PAGE;
    }
  }
}

/** Removes some of what is stored about a tenant's runs; returns how many rows were removed. */
export function forgetRunsOf(tables: Tables, tenant: string, limit: number): number {
  const last = [...tables.lastRuns.range([tenant])];
  for (const [key] of last) tables.lastRuns.remove(key);
  return removeRuns(tables, listRuns(tables, { tenant, limit }), limit) + last.length;
}

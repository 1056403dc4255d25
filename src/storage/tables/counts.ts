/**
 * Counts messages and outcomes of a connector, what a run found, and keeps what became of each record. All of it is added to,
 * and read by nobody in the same commit.
 */
import memoize from "lodash/memoize";
import sum from "lodash/sum";
import { leftOutKey, type LeftOut } from "../../record";
import { rowNumber, type StoredLine } from "../history/row";
import type { HourCount, ReportLine, Tally } from "../port/store";
import { HISTORY, HOURS, REPORTS, RUN_COUNTS, RUNS, TALLY } from "./tables";
import type { Counter, Reader, View } from "./view";

export interface Counts {
  add(tenant: string, family: "messages" | "outcomes" | "derived", name: string, by?: number): void;
  /**
   * @param line of a record that the run settled; `met`: it found one
   * @param by how many such records, without a line each
   */
  run(id: string, line: ReportLine | "met", by?: number): void;
  /** Number of the row for lines of a tenant; undefined: none are kept. */
  historyRow(tenant: string): number | undefined;
  note(tenant: string, line: StoredLine): void;
  /** To be called at the end of the commit: writes the lines. */
  end(): void;
  /** Runs that were counted in: they may be done now. */
  readonly runs: ReadonlySet<string>;
}

/** Lines of a report at the most; counts continue. */
const MOST_LINES = 1_000_000;
/** Names that are counted one by one; custom fields that keep changing must not grow without end. */
const MOST_LEFT_OUT = 200;

const HOUR_MS = 3_600_000;
/** A week and a day: on Monday you can still see last Monday. */
const KEPT_HOURS = 8 * 24;

const hourOf = (ms: number): number => Math.floor(ms / HOUR_MS);

/** @param nextRow tells rows of history apart; undefined: what becomes of each record is not kept */
export function countsOf(view: View, nowMs: number, nextSeq: () => number, nextRow?: () => number): Counts {
  const runs = new Set<string>();
  const history = new Map<string, { readonly number: number; readonly lines: StoredLine[] }>();
  const historyOf = (tenant: string) => {
    if (nextRow === undefined) return undefined;
    const known = history.get(tenant) ?? { number: rowNumber(nowMs, nextRow()), lines: [] };
    history.set(tenant, known);
    return known;
  };
  /** A report is as long as its run counted records before this commit: nobody counts its lines. */
  const hasRoom = memoize((id: string) => sum(Object.values(sumsOf(view, RUN_COUNTS, id, "counts"))) < MOST_LINES);
  return {
    runs,
    historyRow: (tenant) => historyOf(tenant)?.number,
    note: (tenant, line) => void historyOf(tenant)?.lines.push(line),
    end: () => {
      for (const [tenant, { number, lines }] of history)
        if (lines.length > 0) view.put(HISTORY, [tenant, -number], { atMs: nowMs, lines });
    },
    add: (tenant, family, name, by = 1) => {
      view.add(TALLY, [tenant, family, name], by);
      if (family === "outcomes") view.add(HOURS, [tenant, hourOf(nowMs), name], by);
    },
    run: (id, line, by = 1) => {
      // A run that was forgotten meanwhile would never be erased.
      const run = view.get(RUNS, [id]);
      if (run === undefined) return;
      runs.add(id);
      if (line === "met") {
        view.add(RUN_COUNTS, [id, "total", ""], by);
        return;
      }
      const { type, outcome, code, leftOut = [] } = line;
      view.add(RUN_COUNTS, [id, "counts", `${type}/${outcome}/${code}`], by);
      for (const value of leftOut) view.add(RUN_COUNTS, [id, "leftOut", leftOutName(view, id, value)], 1);
      if (run.options.verbose === true && by === 1 && hasRoom(id)) view.put(REPORTS, [id, nextSeq()], line);
    },
  };
}

function leftOutName(view: Reader, run: string, value: LeftOut): string {
  const own = leftOutKey(value);
  const isCounted =
    view.sum(RUN_COUNTS, [run, "leftOut", own]) > 0 || view.sumsCount(RUN_COUNTS, [run, "leftOut"]) < MOST_LEFT_OUT;
  return isCounted ? own : leftOutKey({ ...value, field: "(others)" });
}

/** What was counted of a family, by name. */
export function sumsOf(
  view: Reader,
  counter: Counter,
  owner: string,
  family: string,
): Readonly<Record<string, number>> {
  return Object.fromEntries([...view.sums(counter, [owner, family])].map(([[, , name], sum]) => [String(name), sum]));
}

export function tallyOf(view: Reader, tenant: string): Tally {
  const messages = sum(Object.values(sumsOf(view, TALLY, tenant, "messages")));
  const [outcomes, derived] = [sumsOf(view, TALLY, tenant, "outcomes"), sumsOf(view, TALLY, tenant, "derived")];
  return { messages, outcomes, derived };
}

/** @param fromMs hours that ended before it are left out */
export function hourCounts(view: Reader, tenant: string, fromMs: number): readonly HourCount[] {
  // A key of two parts sorts before every row of its hour.
  const rows = view.sums(HOURS, [tenant], { after: [tenant, hourOf(fromMs)] });
  return [...rows].map(([[, hour, name], count]) => ({ atMs: Number(hour) * HOUR_MS, name: String(name), count }));
}

/** Earlier hours have expired. */
export const firstHour = (nowMs: number): number => hourOf(nowMs) - KEPT_HOURS;

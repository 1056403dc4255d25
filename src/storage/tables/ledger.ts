/** What one transaction does besides its rows: number contents, count outcomes, update depths. Flushed at its end. */
import type { Outcome } from "../port/rows";
import { countInRun } from "./runs";
import type { HourCount, Lane, ReportLine } from "../port/store";
import type { Depth, Tables } from "./tables";

export interface Ledger {
  nextSeq(): number;
  count(tenant: string, family: "messages" | "outcomes" | "derived", name: string): void;
  depth(lane: Lane, change: Partial<Depth>): void;
  /** Counts an outcome of a run, or a record that it found. */
  run(id: string, line: ReportLine | "met"): void;
  flush(): void;
}

export function openLedger(tables: Tables): Ledger {
  let seq = tables.meta.get(["seq"]) ?? 0;
  const counts = new Map<string, { key: [string, string, string]; by: number }>();
  const depths = new Map<string, { lane: Lane; outbox: number; hullUpdates: number }>();
  const runs = new Map<string, { met: number; lines: ReportLine[] }>();
  return {
    nextSeq: () => (seq += 1),
    count: (tenant, family, name) => {
      const id = `${tenant}\n${family}\n${name}`;
      const entry = counts.get(id) ?? { key: [tenant, family, name], by: 0 };
      entry.by += 1;
      counts.set(id, entry);
    },
    depth: (lane, change) => {
      const id = `${lane.remote}\n${lane.tenant}`;
      const entry = depths.get(id) ?? { lane, outbox: 0, hullUpdates: 0 };
      entry.outbox += change.outbox ?? 0;
      entry.hullUpdates += change.tells ?? 0;
      depths.set(id, entry);
    },
    run: (id, line) => {
      const run = runs.get(id) ?? { met: 0, lines: [] };
      if (line === "met") run.met += 1;
      else run.lines.push(line);
      runs.set(id, run);
    },
    flush: () => {
      for (const [id, { met, lines }] of runs) seq = countInRun(tables, id, met, lines, seq);
      tables.meta.put(["seq"], seq);
      for (const { key, by } of counts.values()) {
        tables.tally.put(key, (tables.tally.get(key) ?? 0) + by);
        const [tenant, family, name] = key;
        if (family === "outcomes") countHour(tables, tenant, name, by);
      }
      for (const { lane, outbox, hullUpdates } of depths.values()) {
        const key = [lane.remote, lane.tenant];
        const before = tables.depth.get(key) ?? { outbox: 0, tells: 0 };
        tables.depth.put(key, { outbox: before.outbox + outbox, tells: before.tells + hullUpdates });
      }
    },
  };
}

/** Runs `work` with a ledger in one durable transaction. */
export function transact<T>(tables: Tables, work: (ledger: Ledger) => T): Promise<T> {
  return tables.kv.transact(() => {
    const ledger = openLedger(tables);
    const result = work(ledger);
    ledger.flush();
    return result;
  });
}

/** Counts an outcome; derived records are counted apart, redelivered messages not at all. */
export function countOutcome(ledger: Ledger, tenant: string, type: string, hullId: string, ended: Outcome): void {
  const { counted, outcome, code, text, derived, run } = ended;
  if (!counted) return;
  ledger.count(tenant, derived === true ? "derived" : "outcomes", `${type}/${outcome}/${code}`);
  if (run !== undefined && derived !== true) ledger.run(run, { type, hullId, outcome, code, text });
}

const HOUR_MS = 3_600_000;
/** A week and a day: on Monday you can still see last Monday. */
const KEPT_HOURS = 8 * 24;

const hourOf = (ms: number): number => Math.floor(ms / HOUR_MS);

/** Counts some outcomes in the current hour. */
function countHour(tables: Tables, tenant: string, name: string, by: number): void {
  const key = [tenant, hourOf(tables.now()), name];
  tables.hours.put(key, (tables.hours.get(key) ?? 0) + by);
}

/** @param fromMs hours that ended before it are left out */
export function hourCounts(tables: Tables, tenant: string, fromMs: number): readonly HourCount[] {
  // A key of two parts sorts before every row of its hour.
  const rows = tables.hours.range([tenant], { after: [tenant, hourOf(fromMs)] });
  return [...rows].map(([[, hour, name], count]) => ({ atMs: Number(hour) * HOUR_MS, name: String(name), count }));
}

/** Earlier hours have expired. */
export function firstHour(tables: Tables): number {
  return hourOf(tables.now()) - KEPT_HOURS;
}

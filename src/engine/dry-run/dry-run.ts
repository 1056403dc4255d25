/**
 * Dry runs: the same code as a real run, on a store whose writes are discarded, with a service and a Hull to which
 * nothing is written. What is only read is read for real.
 */
import mapValues from "lodash/mapValues";
import { setTimeout as sleep } from "node:timers/promises";
import type { Firehose } from "../../hull/firehose/firehose";
import type { Applied, Connection, Intent, Result } from "../../services/connection";
import type { Service } from "../../services/service";
import type { Json } from "../../record";
import type { RunRow } from "../../storage/port/rows";
import type { Store } from "../../storage/port/store";
import { deliverType } from "../delivery/cycle";
import { NO_RESULT } from "../delivery/work";
import type { Stop } from "../rules/retry";
import { typeNamed } from "../../services/types";
import { sendHullUpdates } from "../hull-updates/write-back";

/** A store whose writes are discarded with it. */
export interface DryStore {
  readonly store: Store;
  close(): Promise<void>;
}

/** A write that was not made. */
export interface DryWrite extends Intent {
  readonly type: string;
}

/**
 * Answers as a write would have been answered; of types that can, the service itself says how.
 *
 * @param onWrite called with each write, write-only values hidden
 * @param onReport called with what the service itself says of some writes
 */
export function dryConnection(
  connection: Connection,
  { types, field: specOf }: Pick<Service<unknown>, "types" | "field">,
  onWrite: (write: DryWrite) => void = () => undefined,
  onReport: (report: Json) => void = () => undefined,
): Connection {
  let made = 0;
  const named = (result: Result, { kind }: Intent): Result =>
    kind === "create" && (result.kind === "created" || result.kind === "accepted")
      ? { ...result, remoteId: `simulated-${(made += 1)}` }
      : result;
  return {
    ...connection,
    apply: async (type, chunk, options) => {
      for (const intent of chunk) {
        const hide = (value: Json, name: string): Json => (specOf(type, name).writeOnly === true ? "hidden" : value);
        onWrite({ type, ...intent, fields: mapValues(intent.fields, hide) });
      }
      const asks = typeNamed({ types }, type)?.writes?.dryRun === true;
      const {
        results,
        reports = [],
        ...rest
      }: Applied = asks
        ? await connection.apply(type, chunk, { ...options, dryRun: true })
        : {
            results: chunk.map((each): Result => ({
              kind: DONE[each.kind],
              record: connection.foretell?.(type, each),
            })),
          };
      reports.forEach(onReport);
      return { ...rest, results: chunk.map((intent, index) => named(results[index] ?? NO_RESULT, intent)) };
    },
  };
}

const DONE = { create: "created", update: "updated", end: "ended", restart: "restarted" } as const;

/** Accepts everything and sends nothing. */
export const dryFirehose: Firehose = {
  send: (items) => Promise.resolve(items.map(() => ({ state: "accepted" }))),
  close: () => undefined,
};

type CycleOptions<S> = Parameters<typeof deliverType<S>>[0];

/**
 * One cycle of every type, and of what Hull is to be told.
 *
 * @param cycle on the store of the dry run, with a dry connection
 */
export async function dryCycle<S>(
  cycle: CycleOptions<S>,
): Promise<{ readonly worked: boolean; readonly problem: string | undefined }> {
  let worked = false;
  let problem: string | undefined;
  for (const type of cycle.service.types) {
    const result = await deliverType(cycle, type.name);
    worked ||= result.worked && result.problem === undefined;
    problem = result.problem?.message ?? problem;
  }
  const { types, name: serviceName } = cycle.service;
  const told = await sendHullUpdates({ ...cycle, types, serviceName, firehose: dryFirehose, unauthorisedMs: 0 });
  return { worked: worked || told.more, problem };
}

type DrainOptions<S> = Omit<CycleOptions<S>, "onOutcomes" | "stopOnError"> & {
  readonly run: RunRow;
  readonly signal: AbortSignal;
  /** Called with what the service itself says of some writes. */
  readonly onReport: (report: Json) => void;
};

/** Cycles without any outcome after which the rest counts as undecided. */
const MOST_IDLE = 30;
const LOOK_MS = 1_000;

/** Delivers within the dry run until every record of the run has its outcome. */
export async function drainDryRun<S>(options: DrainOptions<S>): Promise<Stop | undefined> {
  const { store, lane, signal, timing, run } = options;
  const connection = dryConnection(options.connection, options.service, undefined, options.onReport);
  const { stopOnError } = run.options;
  const cycle = { ...options, connection, stopOnError, onOutcomes: () => undefined };
  let problem = "";
  // What is in flight for real gets no answer here: it is looked for, or written, once more.
  await store.recover(lane, timing.settleMs);
  for (let idle = 0, before = -1; ;) {
    const { done = 0, total = 0 } = (await store.run(run.id)) ?? {};
    if (done >= total) return undefined;
    if (signal.aborted) return { state: "interrupted" };
    idle = done > before ? 0 : idle + 1;
    if (idle > MOST_IDLE) return { state: "error", error: `${total - done} records could not be decided. ${problem}` };
    before = done;
    const result = await dryCycle(cycle);
    problem = result.problem ?? problem;
    if (!result.worked) await sleep(Math.min(LOOK_MS, Math.max(timing.settleMs, 1)));
  }
}

/** Copies the dry run's counts to the real store, where people look for them. */
export async function copyFigures(from: Store, to: Store, id: string): Promise<void> {
  const [dryRun, row] = [await from.run(id), await to.run(id)];
  if (dryRun === undefined || row === undefined) return;
  const names = new Set([...Object.keys(dryRun.counts), ...Object.keys(row.counts)]);
  const counts = Object.fromEntries(
    [...names].map((name) => [name, (dryRun.counts[name] ?? 0) - (row.counts[name] ?? 0)]),
  );
  const { total, leftOut } = dryRun;
  await to.changeRun(id, { counts, total, leftOut });
}

/** Lines that are copied at once. */
const PAGE = 500;

/** The place of the last line of a run's report; 0 without any. */
export async function endOfReport(store: Store, id: string): Promise<number> {
  for (let after = 0; ;) {
    const last = (await store.reportLines(id, after, PAGE)).at(-1);
    if (last === undefined) return after;
    after = last.at;
  }
}

/**
 * The report of a verbose dry run.
 *
 * @param behind where the real report ended when the dry run began: a killed try may have copied lines, and the dry run's
 *   store shows those as well
 */
export async function copyReport(from: Store, to: Store, id: string, behind: number): Promise<void> {
  for (let after = behind; ;) {
    const lines = await from.reportLines(id, after, PAGE);
    const last = lines.at(-1);
    if (last === undefined) return;
    const copied = lines.map(({ at: _, ...line }) => line);
    await to.report(id, copied);
    after = last.at;
  }
}

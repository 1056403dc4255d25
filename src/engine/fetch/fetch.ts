/**
 * One full fetch of an object type: page by page through the service's list; Hull is told what it does not know yet.
 * The checkpoint is what is durable on both sides, so a killed fetch continues from there.
 */
import memoize from "lodash/memoize";
import { z } from "zod";
import type { Connection, ListPage } from "../../services/connection";
import type { Service } from "../../services/service";
import type { RunRow } from "../../storage/port/rows";
import type { Lane, Store } from "../../storage/port/store";
import { openPage, type PageWork } from "./page";
import type { StepContext } from "./step";
import { withRetry, type Try, type RetryOptions, type Stop } from "../rules/retry";
import { numberOf } from "../hull-updates/what-hull-knows";
import { markMissing } from "./missing";
import { typeContext } from "../delivery/work";
import { typeNamed } from "../../services/types";

export interface FetchOptions<S>
  extends RetryOptions, Pick<StepContext, "store" | "firehose" | "type" | "settleMs" | "onRows"> {
  readonly service: Service<S>;
  readonly connection: Connection;
  readonly settings: S;
  readonly lane: Lane;
  readonly now: () => number;
  /** After each page. */
  readonly onProgress: (run: RunRow) => void;
}

/** The position of a fetch; stored as the run's checkpoint. */
const checkpoint = z.object({
  /** Place in the service's list; null at its beginning. */
  next: z.string().nullable(),
  /** When the first page was asked for, milliseconds since 1970. */
  scanStartedAtMs: z.number(),
  /** When everything was compared last, regardless of its age at the service. */
  comparedAllAtMs: z.number(),
  /** Number of the settings under which it began: others may list other records. Earlier versions did not store it. */
  settings: z.number().optional(),
  /** Fields that rows have shown, in this fetch and in earlier ones; earlier versions did not store them. */
  shown: z.array(z.string()).default([]),
  /** The list was read to its end. */
  ended: z.boolean(),
  /** The list may have left out records. */
  partial: z.literal(true).optional(),
  /** Missing records are marked up to this id. */
  vanishedAfter: z.string().nullable(),
});
type Checkpoint = z.output<typeof checkpoint>;

/** The clocks of the service and ours may differ, and lists may lag behind. */
const OVERLAP_MS = 10 * 60_000;
/** One fetch a week compares everything. */
const COMPARE_ALL_MS = 7 * 86_400_000;
/** Runs among which the last fetch of a type is looked for. */
const LOOK_BACK = 50;
/** A list that lost more than half of its records was more likely cut short. */
const LEAST_SHARE = 0.5;
const SMALL = 100;

/**
 * Runs a fetch from its checkpoint to its end. Throws only when the store fails.
 *
 * @param last the last fetch of the same type that ended well
 * @returns undefined when it is done
 */
export async function runFetch<S>(
  options: FetchOptions<S>,
  run: RunRow,
  last: RunRow | undefined,
): Promise<Stop | undefined> {
  const { store, service, lane, type, now } = options;
  const before = checkpoint.safeParse(last?.checkpoint).data;
  const settings = numberOf(JSON.stringify(options.settings));
  const isOther = before?.settings !== settings;
  const began = begin(before, now(), run.options.trust === true || isOther);
  let at = checkpoint.safeParse(run.checkpoint).data ?? { ...began, settings };
  // A page that failed here failed for Hull as well.
  const failed = at.next === null && !at.ended ? await shownLately(store, run) : [];
  at = { ...at, shown: [...new Set([...at.shown, ...failed])] };
  /** Undefined when the run is gone: its tenant was erased meanwhile. */
  const remember = (change: Partial<Checkpoint>): Promise<RunRow | undefined> => {
    at = { ...at, ...change };
    return store.changeRun(run.id, { checkpoint: at });
  };
  const context = stepContext(options, run, passBefore(options, at, before), at.shown);
  const sinceMs = at.comparedAllAtMs === at.scanStartedAtMs ? undefined : before?.scanStartedAtMs;
  let reading = at.ended ? undefined : readAhead(options, context, at.next, sinceMs);
  while (reading !== undefined) {
    const opened: Opened | Stop = await reading.then(async (read) => {
      if ("state" in read) return read;
      const { rows, next, partial } = read.value.page;
      // The next page is requested while this one is processed.
      const ahead = next === undefined ? undefined : readAhead(options, context, next, sinceMs);
      return { work: await openPage(context, rows, read.value.readAtMs), next, ahead, partial };
    });
    if ("state" in opened) return opened;
    const { work, next, partial } = opened;
    reading = opened.ahead;
    const told = await withRetry(options, () => work.attempt());
    if ("state" in told) return told;
    const row = await remember({
      ...{ next: next ?? null, ended: next === undefined, shown: [...context.shown] },
      partial: partial ?? at.partial,
    });
    if (row === undefined) return { state: "interrupted" };
    options.onProgress(row);
  }
  const read = await store.run(run.id);
  if (read === undefined) return { state: "interrupted" };
  const size = read.done;
  const scan = { startedAtMs: at.scanStartedAtMs, size, partial: at.partial };
  if (at.partial === true) {
    await store.noteScan(lane.remote, type.name, scan);
    return undefined;
  }
  const lastSize = last?.done ?? 0;
  if (run.options.trust !== true && lastSize >= SMALL && size < lastSize * LEAST_SHARE) {
    const error =
      `The list held ${size} records, the previous one ${lastSize}; it was probably cut short, so nothing counts as deleted. ` +
      "If so many were really deleted, fetch all by hand once.";
    return { state: "error", error };
  }
  await store.noteScan(lane.remote, type.name, scan);
  const { deletedAttribute, marksDeleted } = service.fetchPolicy(options.settings);
  const { scanStartedAtMs } = at;
  return markMissing(
    { ...options, ...context, scanStartedAtMs, deletedAttribute: marksDeleted ? deletedAttribute : undefined },
    at.vanishedAfter ?? undefined,
    async (after) => (await remember({ vanishedAfter: after })) !== undefined,
  );
}

/** Fields that the rows of the last fetch of this type have shown, however it ended. */
async function shownLately(store: Store, { id, tenant, kind, type }: RunRow): Promise<readonly string[]> {
  const runs = await store.runs({ tenant, limit: LOOK_BACK });
  const latest = runs.find((each) => each.id !== id && each.kind === kind && each.type === type);
  return checkpoint.safeParse(latest?.checkpoint).data?.shown ?? [];
}

/** @param all compare everything now, because a person asked or the settings changed; otherwise once a week */
function begin(before: Checkpoint | undefined, nowMs: number, all: boolean): Checkpoint {
  const { shown = [], comparedAllAtMs: beforeMs = -Infinity } = before ?? {};
  // Where no field is known by name, comparing makes them known.
  const due = all || shown.length === 0 || nowMs - beforeMs >= COMPARE_ALL_MS;
  const comparedAllAtMs = due ? nowMs : beforeMs;
  return { next: null, scanStartedAtMs: nowMs, comparedAllAtMs, shown, ended: false, vanishedAfter: null };
}

/** Rows that the service says are older than this need no comparison; undefined: all are compared. */
function passBefore<S>(
  { settleMs }: FetchOptions<S>,
  at: Checkpoint,
  before: Checkpoint | undefined,
): number | undefined {
  const all = at.comparedAllAtMs === at.scanStartedAtMs;
  return before === undefined || all ? undefined : before.scanStartedAtMs - OVERLAP_MS - settleMs;
}

/** A page without its rows, which are released as soon as they are processed. */
interface Opened {
  readonly work: PageWork;
  readonly next: string | undefined;
  readonly ahead: Promise<PageRead> | undefined;
  readonly partial: true | undefined;
}

type PageRead = { readonly value: { readonly page: ListPage; readonly readAtMs: number } } | Stop;

/** Requests a page; its failure may never be awaited. */
function readAhead<S>(
  options: FetchOptions<S>,
  context: StepContext,
  next: string | null,
  sinceMs: number | undefined,
): Promise<PageRead> {
  const reading = readPage(options, context, next, sinceMs);
  reading.catch(() => undefined);
  return reading;
}

function readPage<S>(
  options: FetchOptions<S>,
  { mapped, shown }: StepContext,
  next: string | null,
  sinceMs: number | undefined,
): Promise<PageRead> {
  const { connection, type, now } = options;
  return withRetry(options, async (): Promise<Try<{ page: ListPage; readAtMs: number }>> => {
    const readAtMs = now();
    const page = await connection.list?.(type.name, mapped, next ?? undefined, [...shown], sinceMs);
    if (page === undefined) return { kind: "failed", message: `${type.name} cannot be listed.` };
    const { problem } = page;
    if (problem === undefined) return { kind: "done", value: { page, readAtMs } };
    const { message, waitMs } = problem;
    return problem.kind === "transient" ? { kind: "later", message, waitMs } : { kind: "failed", message };
  });
}

function stepContext<S>(
  options: FetchOptions<S>,
  run: RunRow,
  passBeforeMs: number | undefined,
  shown: readonly string[],
): StepContext {
  const { service, settings, lane, type, now } = options;
  const { types, linkToParent, deletedAttribute } = service.fetchPolicy(settings);
  const parent = typeNamed(service, type.parent?.type);
  const context = typeContext(service, type, settings, now());
  return {
    ...options,
    ...lane,
    ...context,
    nameOf: memoize(numberOf),
    run: run.id,
    serviceName: service.name,
    parent,
    link: linkToParent && type.entity === "user",
    claimed: new Set(types.filter(({ isClaimed }) => isClaimed).map((each) => each.type)),
    passBeforeMs,
    shown: new Set(shown),
    verbose: run.options.verbose === true,
    ownFacts: new Set(context.mapped),
    mapping: numberOf(JSON.stringify(settings)),
    deletedAttribute,
    idField: type.idField,
  };
}

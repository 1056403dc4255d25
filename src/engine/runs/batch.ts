/**
 * One batch: an extract is downloaded and its rows are taken in like messages of an export. The place in the file is
 * stored together with the rows, so a killed batch downloads again and skips what was taken in.
 */
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { ExtractError, type ExtractReader, type ExtractRow } from "../../hull/extract/extract";
import type { RunRow } from "../../storage/port/rows";
import { failureIn } from "../../storage/port/runs";
import type { Store } from "../../storage/port/store";
import { batchRow, groupsOf } from "./batch-rows";
import type { Intake } from "../intake/intake";
import { withRetry, type Try, type RetryOptions, type Stop } from "../rules/retry";
import type { BatchOrder } from "./orders";
import type { Tenant } from "../tenants";
import { mapYielding } from "../../yielding";

export interface BatchOptions<S> extends RetryOptions {
  readonly store: Store;
  readonly intake: Intake<S>;
  readonly reader: ExtractReader;
  readonly tenant: Tenant<S>;
  /** Entries that may wait; above this limit the file is not read any further. */
  readonly maxWaiting: number;
  /** After each group of rows. */
  readonly onProgress: (run: RunRow) => void;
}

/** Rows that are done; stored as the run's checkpoint. */
const checkpoint = z.object({ rows: z.number().int().min(0) });

/** How a run's work ends; undefined: it is done, and a batch's records are on their way. */
export type End = Stop | { readonly state: "stopped"; readonly error: string } | undefined;

const INTERRUPTED: Stop = { state: "interrupted" };

/**
 * Unreadable rows in succession after which the file is not taken for an extract: a list of people has no such stretch,
 * while single bad rows may occur anywhere.
 */
const MOST_UNREADABLE = 1_000;
/** How often a full outbox is looked at, milliseconds. */
const LOOK_MS = 200;

/**
 * Reads a batch from its checkpoint to its end; its rows are delivered at the same time and afterwards. Throws only if
 * the store fails.
 */
export async function runBatch<S>(options: BatchOptions<S>, run: RunRow, order: BatchOrder): Promise<End> {
  const { store, signal } = options;
  let rows = checkpoint.safeParse(run.checkpoint).data?.rows ?? 0;
  /** Rejected rows in succession, up to the last group. */
  let unreadable = 0;
  /** What is wrong with the first of them, if that can be said without its values. */
  let problem: string | undefined;

  /** Why it ends after the rows that were taken in, if it does. */
  async function endHere(): Promise<End> {
    if (signal.aborted) return INTERRUPTED;
    const failure = await failureOf(options, run);
    return failure === undefined ? undefined : { state: "stopped", error: `${failure} ${rows} rows had been read.` };
  }

  async function readOn(): Promise<End> {
    for await (const group of groupsOf(options.reader.rows({ ...order, skipRows: rows }, signal))) {
      // Yields to requests, even if nothing had to be waited for.
      await setImmediate();
      await waitForOutbox(options);
      const end = await endHere();
      if (end !== undefined) return end;
      const before = await store.run(run.id);
      const row = await takeGroup(options, run, order, group, rows + group.length);
      if (before === undefined || row === undefined) return INTERRUPTED;
      rows += group.length;
      options.onProgress(row);
      unreadable = unreadableIn(row) - unreadableIn(before) < group.length ? 0 : unreadable + group.length;
      problem = unreadable === 0 ? undefined : (problem ?? problemIn(group));
      if (unreadable >= MOST_UNREADABLE) {
        return noExtract(`None of the last ${unreadable} rows (of ${rows}) could be read, so reading stopped`);
      }
    }
    const end = await endHere();
    if (end !== undefined || rows === 0) return end;
    const read = await store.run(run.id);
    if (read === undefined || unreadableIn(read) < rows) return undefined;
    return noExtract(`None of its ${rows === 1 ? "rows" : `${rows} rows`} could be read`);
  }

  function noExtract(what: string): End {
    const why =
      problem === undefined
        ? "; what is wrong with the first of them, those who run this server find in their log."
        : `. ${problem}`;
    const remedy = `Check that it is a file of ${order.entity}s in ${order.format.toUpperCase()}, and send the batch from Hull again.`;
    return { state: "error", error: `${what}${why} ${remedy}` };
  }

  const read = async (): Promise<Try<End>> => {
    const began = rows;
    try {
      return { kind: "done", value: await readOn() };
    } catch (error) {
      if (signal.aborted) return { kind: "done", value: INTERRUPTED };
      if (!(error instanceof ExtractError)) throw error;
      const message = `${error.message} The first missing row is row ${rows + 1}.`;
      if (!error.retryable) return { kind: "failed", message };
      return { kind: "later", waitMs: 0, message, progressed: rows > began };
    }
  };
  const result = await withRetry(options, read);
  if ("state" in result) return result;
  if (result.value === undefined) await store.changeRun(run.id, { complete: true });
  return result.value;
}

/** Rows of the run that were rejected as unreadable. */
function unreadableIn({ type, counts }: RunRow): number {
  return counts[`${type}/rejected/invalid_message`] ?? 0;
}

function problemIn(group: readonly ExtractRow[]): string | undefined {
  return group.flatMap(({ row }) => (row.ok ? [] : [row.problem]))[0];
}

/** Returns the run with its new figures; undefined when it is gone: its tenant was erased meanwhile. */
async function takeGroup<S>(
  { intake, tenant, store }: BatchOptions<S>,
  run: RunRow,
  order: BatchOrder,
  group: readonly ExtractRow[],
  rows: number,
): Promise<RunRow | undefined> {
  const made = await mapYielding(group, (row) => batchRow(run.id, order, row));
  await intake.take({
    tenant,
    entity: order.entity,
    messages: made.flatMap(({ raw }) => (raw === undefined ? [] : [raw])),
    places: made.flatMap(({ raw, row }) => (raw === undefined ? [] : [`Row ${row}: `])),
    unreadable: made.flatMap(({ messageId, problem }) => (problem === undefined ? [] : [{ messageId, problem }])),
    isExport: true,
    run: { id: run.id, version: run.createdAtMs, change: { checkpoint: { rows } } },
  });
  return store.run(run.id);
}

/** Waits until the outbox has room, or the process ends. */
export async function waitForOutbox<S>({
  store,
  tenant,
  maxWaiting,
  signal,
}: Pick<BatchOptions<S>, "store" | "tenant" | "maxWaiting" | "signal">): Promise<void> {
  const { remote } = tenant;
  if (remote === undefined) return;
  while (!signal.aborted) {
    if ((await store.depth({ remote, tenant: tenant.key })).outbox < maxWaiting) return;
    await sleep(LOOK_MS);
  }
}

/** The first error among the outcomes so far, if the run should end at it. */
async function failureOf<S>({ store }: BatchOptions<S>, { id, options }: RunRow): Promise<string | undefined> {
  if (options.stopOnError !== true) return undefined;
  const { counts = {} } = (await store.run(id)) ?? {};
  const name = failureIn(counts);
  return name === undefined ? undefined : `Stopped at the first error (${name}), as requested.`;
}

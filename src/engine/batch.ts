/**
 * One batch: an extract is downloaded and its rows are taken in like messages of an export. The place in the file is
 * written down together with the rows, so a killed batch downloads again and skips what was taken in.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { ExtractError, type ExtractReader, type ExtractRow } from "../hull/extract";
import type { RunRow } from "../storage/rows";
import { failureIn } from "../storage/runs";
import type { Store } from "../storage/store";
import { batchRow } from "./batch-rows";
import type { Intake } from "./intake";
import { patiently, type Attempt, type Patience, type Stop } from "./patience";
import type { BatchOrder } from "./run-orders";
import type { Tenant } from "./tenants";

export interface BatchOptions<S> extends Patience {
  readonly store: Store;
  readonly intake: Intake<S>;
  readonly reader: ExtractReader;
  readonly tenant: Tenant<S>;
  /** Entries that may wait; above it the file is read no further. */
  readonly maxWaiting: number;
  /** After each group of rows. */
  readonly onProgress: (run: RunRow) => void;
}

/** Rows that are done; stored as the run's checkpoint. */
const checkpoint = z.object({ rows: z.number().int().min(0) });

/** Rows that are taken in at once. */
const GROUP = 200;
/** How often a full outbox is looked at, milliseconds. */
const LOOK_MS = 200;

/**
 * Reads a batch from its checkpoint to its end; its rows are delivered meanwhile and afterwards. Throws only when the
 * store fails.
 *
 * @returns undefined when every row was taken in
 */
export async function runBatch<S>(
  options: BatchOptions<S>,
  run: RunRow,
  order: BatchOrder,
): Promise<Stop | { readonly state: "stopped"; readonly error: string } | undefined> {
  const { store, signal } = options;
  let rows = checkpoint.safeParse(run.checkpoint).data?.rows ?? 0;
  let failure: string | undefined;

  const read = async (): Promise<Attempt<undefined>> => {
    const began = rows;
    try {
      for await (const group of groupsOf(options.reader.rows({ ...order, skipRows: rows }, signal))) {
        if (!(await room(options))) break;
        failure = await failureOf(options, run);
        if (failure !== undefined) break;
        const row = await takeGroup(options, run, order, group, rows + group.length);
        rows += group.length;
        options.onProgress(row);
      }
      failure ??= await failureOf(options, run);
      return { kind: "done", value: undefined };
    } catch (error) {
      if (signal.aborted) return { kind: "done", value: undefined };
      if (!(error instanceof ExtractError)) throw error;
      const message = `${error.message} The first missing row is row ${rows + 1}.`;
      if (!error.retryable) return { kind: "failed", message };
      return { kind: "later", waitMs: 0, message, progressed: rows > began };
    }
  };
  const result = await patiently(options, read);
  if ("state" in result) return result;
  if (signal.aborted) return { state: "interrupted" };
  if (failure !== undefined) return { state: "stopped", error: `${failure} ${rows} rows had been read.` };
  await store.changeRun(run.id, { complete: true });
  return undefined;
}

async function takeGroup<S>(
  { intake, tenant, store }: BatchOptions<S>,
  run: RunRow,
  order: BatchOrder,
  group: readonly ExtractRow[],
  rows: number,
): Promise<RunRow> {
  const made = group.map((row) => batchRow(run.id, order, row));
  await intake.take({
    tenant,
    entity: order.entity,
    messages: made.flatMap(({ raw }) => (raw === undefined ? [] : [raw])),
    places: made.flatMap(({ raw, row }) => (raw === undefined ? [] : [`Row ${row}: `])),
    unreadable: made.flatMap(({ messageId, problem }) => (problem === undefined ? [] : [{ messageId, problem }])),
    isExport: true,
    run: { id: run.id, version: run.createdAtMs, change: { checkpoint: { rows } } },
  });
  const row = await store.run(run.id);
  if (row === undefined) throw new Error(`Run ${run.id} is gone.`);
  return row;
}

/** Waits until the outbox has room; false when the process ends first. */
async function room<S>({ store, tenant, maxWaiting, signal }: BatchOptions<S>): Promise<boolean> {
  const { remote } = tenant;
  while (!signal.aborted) {
    if (remote === undefined || (await store.depth({ remote, tenant: tenant.key })).outbox < maxWaiting) return true;
    await sleep(LOOK_MS);
  }
  return false;
}

/** The first error among the outcomes so far, if the run shall end at it. */
async function failureOf<S>({ store }: BatchOptions<S>, { id, options }: RunRow): Promise<string | undefined> {
  if (options.stopOnError !== true) return undefined;
  const { counts = {} } = (await store.run(id)) ?? {};
  const name = failureIn(counts);
  return name === undefined ? undefined : `Stopped at the first error (${name}), as it was asked to.`;
}

async function* groupsOf(batches: AsyncIterable<readonly ExtractRow[]>): AsyncIterable<readonly ExtractRow[]> {
  let group: ExtractRow[] = [];
  let broken: { readonly error: unknown } | undefined;
  try {
    for await (const batch of batches) {
      for (const row of batch) {
        group.push(row);
        if (group.length < GROUP) continue;
        yield group;
        group = [];
      }
    }
  } catch (error) {
    broken = { error };
  }
  // What was read before the download broke off counts.
  if (group.length > 0) yield group;
  if (broken !== undefined) throw broken.error;
}

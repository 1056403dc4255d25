/** The list of a connector's runs, narrowed, page by page. */
import type { RunKind, RunRow, RunState } from "../../../src/storage/port/rows";
import type { RunQuery, Store } from "../../../src/storage/port/store";

export const RUN_KINDS = ["batch", "fetch", "drain", "replay"] as const satisfies readonly RunKind[];
export const RUN_STATES = ["waiting", "running", "success", "error", "stopped"] as const satisfies readonly RunState[];

export interface RunListQuery extends RunQuery {
  readonly kind?: RunKind | undefined;
  readonly state?: RunState | undefined;
}

/**
 * Runs that are read at once where some are left out, few since those of dry runs may be long; and how often: a page may be empty
 * and another one follow.
 */
const READ_AT_ONCE = 25;
const MOST_READS = 40;

/** @returns the newest first; without `next`, the `before` of the next page, nothing follows */
export async function pageOfRuns(
  store: Pick<Store, "runs">,
  { kind, state, before, ...query }: RunListQuery,
): Promise<{ readonly runs: readonly RunRow[]; readonly next?: string | undefined }> {
  const { limit } = query;
  const isChosen = (run: RunRow): boolean =>
    (kind === undefined || run.kind === kind) && (state === undefined || run.state === state);
  const chosenAll = kind === undefined && state === undefined;
  const size = chosenAll ? limit : READ_AT_ONCE;
  const runs: RunRow[] = [];
  let next = before;
  for (let reads = 0; reads < MOST_READS; reads += 1) {
    const read = await store.runs({ ...query, limit: size, before: next });
    for (const run of read) {
      next = run.id;
      if (isChosen(run)) runs.push(run);
      if (runs.length === limit) return { runs, next };
    }
    if (read.length < size) return { runs };
  }
  return { runs, next };
}

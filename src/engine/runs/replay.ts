/**
 * Dead letters are sent again, page by page. Each becomes a new message that is counted in the run, which ends when all
 * have their outcome. A killed replay walks its last page once more: what it had sent again is left alone, whether it is on its
 * way or was refused again.
 */
import { deadLetterId } from "../../storage/port/dead-letters";
import type { RunRow } from "../../storage/port/rows";
import type { Lane, RecordOutcome } from "../../storage/port/store";
import { waitForOutbox, type BatchOptions, type End } from "./batch";
import { replayCheckpoint } from "./orders";

export interface ReplayOptions<S> extends Pick<
  BatchOptions<S>,
  "store" | "tenant" | "maxWaiting" | "signal" | "onProgress"
> {
  /** Says that a lane has new work. */
  readonly wake: (lane: Lane) => void;
  /** Called with outcomes that were written. */
  readonly announce: (outcomes: readonly RecordOutcome[]) => void;
}

/** Dead letters between two looks at the outbox and at the end of the process. */
const PAGE = 200;

/** Carries a replay out from its checkpoint. Throws only when the store fails. */
export async function runReplay<S>(options: ReplayOptions<S>, run: RunRow): Promise<End> {
  const { store, tenant, signal, wake, announce, onProgress } = options;
  const at = replayCheckpoint.safeParse(run.checkpoint).data;
  if (at === undefined)
    return { state: "error", error: "What was to be sent again cannot be read; ask for it once more." };
  const { chosen } = at;
  for (let { after } = at; ;) {
    await waitForOutbox(options);
    if (signal.aborted) return { state: "interrupted" };
    const { deadLetters, next } = await store.deadLetters({ ...chosen, tenant: tenant.key, after, limit: PAGE });
    for (const each of deadLetters) {
      // It was sent again by this run, perhaps with its parent, and refused again.
      if (each.ending.run === run.id) continue;
      for (const { remote, tenant: owner, state, outcomes } of await store.replayDeadLetter(
        deadLetterId(each),
        tenant.key,
        run.id,
      )) {
        announce(outcomes);
        if (state === "queued") wake({ remote, tenant: owner });
      }
    }
    const row = await store.changeRun(
      run.id,
      next === undefined ? { complete: true } : { checkpoint: { chosen, after: next } },
    );
    if (row === undefined) return { state: "interrupted" };
    if (next === undefined) return undefined;
    onProgress(row);
    after = next;
  }
}

/** What every step of a delivery cycle shares: where it works, how it settles, and how long it waits. */
import type { LeftOut } from "../../record";
import type { Connection } from "../../services/connection";
import type { Service } from "../../services/service";
import type { Seal } from "../../storage/port/seal";
import { FenceLost } from "../../storage/port/leases";
import type { RecordName } from "../../storage/port/rows";
import type { Lane, RecordOutcome, Settlement, Store } from "../../storage/port/store";
import { backoffMs, type RetryPace } from "../../http/retry";
import type { Timing } from "./resolve";
import { postponed } from "./settle/settlements";
import type { TypeContext, Work } from "./work";

export interface CycleOptions<S> {
  readonly store: Store;
  readonly service: Service<S>;
  /** Opens write-only values for a request. */
  readonly seal: Seal;
  readonly connection: Connection;
  readonly settings: S;
  readonly lane: Lane;
  readonly timing: Timing;
  readonly retry: RetryPace;
  /** Most entries that one cycle takes. */
  readonly batch: number;
  readonly now: () => number;
  /** In a dry run that ends at the first error: the service is asked no further than to it. */
  readonly stopOnError?: true;
  /** Says that records may have been written by this process although another one is the owner by now. */
  readonly recheck?: (records: readonly RecordName[]) => Promise<void>;
  /** Called with outcomes once they are written. */
  readonly onOutcomes: (outcomes: readonly RecordOutcome[]) => void;
  /** Called at the end of a cycle with the values that Hull cannot hold, if there are any. */
  readonly onLeftOut?: (type: string, values: readonly LeftOut[]) => void;
}

/** A cycle over one object type. */
export interface Cycle<S> {
  readonly options: CycleOptions<S>;
  readonly context: TypeContext;
  /** Values of what was delivered so far that Hull cannot hold. */
  readonly leftOut: readonly LeftOut[];
  /**
   * Writes down what became of some records, and reports their outcomes.
   *
   * @param requested those of the same request, if there are more: should this process not be the owner any more, all of
   *   them have to be read
   */
  readonly settle: (settlements: readonly Settlement[], requested?: readonly RecordName[]) => Promise<void>;
  /** It stays in the outbox for at least `waitMs`, longer after every try. */
  readonly later: (work: Work, waitMs: number, problem: string) => Settlement;
}

export function createCycle<S>(options: CycleOptions<S>, context: TypeContext): Cycle<S> {
  const { store, lane, retry, now } = options;
  const leftOut: LeftOut[] = [];
  return {
    options,
    context,
    leftOut,
    settle: async (settlements, requested = settlements) => {
      if (settlements.length === 0) return;
      const { outcomes } = await store.settle(lane, settlements).catch(async (error: unknown) => {
        // What is appended cannot be read.
        if (error instanceof FenceLost && context.type.append !== true) await options.recheck?.(requested);
        throw error;
      });
      for (const settlement of settlements) leftOut.push(...(settlement.leftOut ?? []));
      options.onOutcomes(outcomes);
    },
    later: (work, waitMs, problem) => {
      const atMs = now() + Math.max(waitMs, backoffMs(work.entry.attempts, retry));
      return postponed(work, atMs, problem, work.entry.unconfirmed);
    },
  };
}

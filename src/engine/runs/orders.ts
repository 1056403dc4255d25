/** What others may ask of the runs; `runs.ts` does it. */
import { z } from "zod";
import type { RunOptions, RunRow } from "../../storage/port/rows";
import type { Tenant } from "../tenants";

/** A batch extract, as Hull names it. */
export interface BatchOrder {
  readonly url: string;
  readonly format: "json" | "csv";
  readonly entity: "user" | "account";
  /** Segments from the query that the rows do not name themselves. */
  readonly segmentIds: readonly string[];
}

export type FetchAnswer =
  /** `underway`: an earlier run of the same type has not ended yet. */
  | { readonly kind: "begun" | "underway"; readonly run: RunRow }
  /** The interval since the start of the last finished run has not passed yet. */
  | { readonly kind: "early"; readonly nextAtMs: number }
  /** The settings do not allow it; a sentence for people. */
  | { readonly kind: "halted"; readonly reason: string };

/** Which dead letters are sent again; a part that is absent chooses all. */
export const replayChoice = z.object({
  type: z.string().optional(),
  code: z.string().optional(),
  /** Those that ended in this run. */
  run: z.string().optional(),
});
export type ReplayChoice = z.output<typeof replayChoice>;

/** What a `replay` was asked for, and where it stands; stored as the run's checkpoint. */
export const replayCheckpoint = z.object({
  chosen: replayChoice,
  /** Where the list goes on. */
  after: z.string().optional(),
});

/** Why a run cannot be stopped, a sentence for people; undefined when it can. */
export function unstoppable({
  kind,
  state,
  complete,
}: Pick<RunRow, "kind" | "state" | "complete">): string | undefined {
  if (state !== "waiting" && state !== "running") return "The run has ended already.";
  if (kind === "drain") return "The delivery of a large backlog cannot be stopped; it ends when nothing waits.";
  return complete === true
    ? "Everything of this run was taken in already and is being delivered, so there is nothing left to stop."
    : undefined;
}

export interface Runs<S> {
  /** Continues what a former process left in progress. */
  start(): Promise<void>;
  /**
   * Begins a full fetch.
   *
   * @param entity whose own records are fetched
   * @param force a person asked for it: whatever the interval says
   */
  fetch(tenant: Tenant<S>, entity: "user" | "account", options: RunOptions, force: boolean): Promise<FetchAnswer>;
  /** Takes a batch in, durably; it is processed after earlier ones. @param order its link is one that may be visited */
  batch(tenant: Tenant<S>, order: BatchOrder, options: RunOptions): Promise<RunRow>;
  /** Sends dead letters again, durably and in the background. @returns the run that does it */
  replay(tenant: Tenant<S>, chosen: ReplayChoice): Promise<RunRow>;
  /**
   * Asks a run to end at its next durable point, in whichever process it is; one that has not begun ends at once.
   *
   * @returns undefined when it has ended already
   */
  stop(id: string): Promise<RunRow | undefined>;
  /** Ends a tenant's runs at their next durable point: it is being erased. */
  abandon(tenantKey: string): Promise<void>;
  /** Ends running runs at their next durable point; they are done when their jobs are. */
  close(): void;
}

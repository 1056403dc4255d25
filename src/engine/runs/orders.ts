/** What can be asked of the runs: the edge speaks these words, `runs.ts` carries them out. */
import type { RunOptions, RunRow } from "../../storage/port/rows";
import type { Tenant } from "../tenants";

/** A batch extract, as Hull names it. */
export interface BatchOrder {
  readonly url: string;
  readonly format: "json" | "csv";
  readonly entity: "user" | "account";
  /** Segments of the query that its rows do not name themselves. */
  readonly segmentIds: readonly string[];
}

export type FetchAnswer =
  /** `underway`: another one of the same type had begun before and goes on. */
  | { readonly kind: "begun" | "underway"; readonly run: RunRow }
  /** The interval since the start of the last finished run has not passed yet. */
  | { readonly kind: "early"; readonly nextAtMs: number }
  /** The settings do not allow it; a sentence for people. */
  | { readonly kind: "halted"; readonly reason: string };

export interface Runs<S> {
  /** Goes on with what a former process left under way. */
  start(): Promise<void>;
  /**
   * Begins a full fetch.
   *
   * @param type object type: `endusers`, `companies`
   * @param force a person asked for it: whatever the interval says
   */
  fetch(tenant: Tenant<S>, type: string, options: RunOptions, force: boolean): Promise<FetchAnswer>;
  /** Takes a batch in, durably; it is worked on after those that came before. @throws Error when its link is not allowed */
  batch(tenant: Tenant<S>, order: BatchOrder, options: RunOptions): Promise<RunRow>;
  /** Ends a tenant's runs at their next durable point: it is being erased. */
  abandon(tenantKey: string): Promise<void>;
  /** Ends what runs at its next durable point. */
  close(): Promise<void>;
}

/** What others may ask of the runs; `runs.ts` does it. */
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
  /** Ends a tenant's runs at their next durable point: it is being erased. */
  abandon(tenantKey: string): Promise<void>;
  /** Ends running runs at their next durable point; they are done when their jobs are. */
  close(): void;
}

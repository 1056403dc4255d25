/**
 * The Store port: named operations, each in one commit or, where it is about many records, in a few. Every write resolves
 * only when it is durable.
 */
import type { DeliveryStore } from "./delivery";
import type { FetchStore } from "./fetch";
import type { FigureStore } from "./figures";
import type { IntakeStore } from "./intake";
import type { DeadLetterStore } from "./dead-letters";
import type { LossStore, LeaseStore, Terms } from "./leases";
import type { RunStore } from "./runs";
import type { TenantStore } from "./tenants";

export type * from "./lane";
export type * from "./tenants";
export type * from "./intake";
export type * from "./delivery";
export type * from "./fetch";
export type * from "./runs";
export type * from "./dead-letters";
export type * from "./figures";
export type * from "./leases";

export interface Store
  extends
    TenantStore,
    IntakeStore,
    DeliveryStore,
    FetchStore,
    RunStore,
    DeadLetterStore,
    FigureStore,
    LeaseStore,
    LossStore {
  /** The same store, whose commits count only where these terms, too, are met: otherwise they throw. */
  under(terms: Terms): Store;
  /**
   * Removes a bounded number of rows that are older than this; to be called again and again.
   *
   * @param olderThanMs milliseconds
   * @param historyMs the same for lines about what became of records; as long, if absent
   */
  housekeep(olderThanMs: number, historyMs?: number): Promise<number>;
  /** Resolves when the store answers. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

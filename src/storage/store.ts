/**
 * The Store port: named atomic operations over many keys, never callback transactions, so that an embedded
 * database and a shared one can both offer it. Every write resolves only when it is durable.
 */
import type { DeliveryStore } from "./store-delivery";
import type { FetchStore } from "./store-fetch";
import type { FigureStore } from "./store-figures";
import type { IntakeStore } from "./store-intake";
import type { LetterStore } from "./store-letters";
import type { RunStore } from "./store-runs";
import type { TenantStore } from "./store-tenants";

export type * from "./store-lane";
export type * from "./store-tenants";
export type * from "./store-intake";
export type * from "./store-delivery";
export type * from "./store-fetch";
export type * from "./store-runs";
export type * from "./store-letters";
export type * from "./store-figures";

export interface Store extends TenantStore, IntakeStore, DeliveryStore, FetchStore, RunStore, LetterStore, FigureStore {
  /** Removes a bounded number of rows that are older than this many milliseconds; to be called again and again. */
  housekeep(olderThanMs: number): Promise<number>;
  /** Resolves when the store answers. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

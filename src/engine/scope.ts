/** What engines share in one store. */
import type { BudgetMemory } from "../http/limits/window";
import { serviceOf } from "../storage/port/lane";
import type { Terms } from "../storage/port/leases";
import type { Store } from "../storage/port/store";

/** Each engine sees the lanes, tenants and runs of its own connectors. */
export function storeOf(store: Store, service: string): Store {
  const isOwn = (tenant: string): boolean => serviceOf(tenant) === service;
  // Everything else is the store's own, whatever it is at the moment of the call.
  return Object.assign(Object.create(store) as Store, {
    under: (terms: Terms) => storeOf(store.under(terms), service),
    lanes: async () => (await store.lanes()).filter(({ tenant }) => isOwn(tenant)),
    tenants: async () => (await store.tenants()).filter(({ key }) => isOwn(key)),
    openRuns: async () => (await store.openRuns()).filter(({ tenant }) => isOwn(tenant)),
  });
}

/** Limits by the hour outlive a process. */
export function budgetMemory(store: Store, quotaKey: string): BudgetMemory {
  return {
    starts: (sinceMs) => store.requestStarts(quotaKey, sinceMs),
    add: (atMs) => store.noteStart(quotaKey, atMs, atMs - HOUR_MS),
  };
}

const HOUR_MS = 3_600_000;

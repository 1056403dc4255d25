import { createBudget, type Budget, type BudgetOptions } from "./budget";

export interface BudgetRegistry {
  /** The one budget of all callers with this quota key; the newest limit wins. */
  get(quotaKey: string, limitPerMinute: number | null): Budget;
  /** The state of a budget; undefined before its first use. Reading it changes nothing. */
  look(quotaKey: string): { readonly left: number; readonly limitPerMinute: number | null } | undefined;
  /** Closes one budget, for instance when its tenant is erased. */
  drop(quotaKey: string): void;
  /** Requests that may start now under the tightest budget; `Infinity` without one. */
  left(): number;
  close(): void;
}

/**
 * Budgets by quota key (host and token, as a hash): tenants that share a token share its quota.
 *
 * @param options everything but the limit, for all budgets alike
 */
export function createBudgetRegistry(options: Omit<BudgetOptions, "limitPerMinute"> = {}): BudgetRegistry {
  const budgets = new Map<string, { readonly budget: Budget; limit: number | null }>();
  return {
    get(quotaKey, limitPerMinute) {
      const known = budgets.get(quotaKey);
      if (known === undefined) {
        const budget = createBudget({ ...options, limitPerMinute });
        budgets.set(quotaKey, { budget, limit: limitPerMinute });
        return budget;
      }
      if (known.limit !== limitPerMinute) {
        known.budget.setLimit(limitPerMinute);
        known.limit = limitPerMinute;
      }
      return known.budget;
    },
    look(quotaKey) {
      const known = budgets.get(quotaKey);
      return known === undefined ? undefined : { left: known.budget.left(), limitPerMinute: known.limit };
    },
    drop(quotaKey) {
      budgets.get(quotaKey)?.budget.close();
      budgets.delete(quotaKey);
    },
    left: () => Math.min(...[...budgets.values()].map(({ budget }) => budget.left())),
    close() {
      for (const { budget } of budgets.values()) budget.close();
      budgets.clear();
    },
  };
}

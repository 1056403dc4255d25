/**
 * The request budget: quotas are respected, not discovered. Who asks waits here; a window counts what starts, for this
 * process or for all.
 */
import { systemClock, systemSleep, type Clock, type Sleep } from "../time";
import { createWindow, rememberedWindow } from "./window";
import type { BudgetClass, BudgetMemory, Window, WindowLimits } from "./window";

export type { BudgetClass } from "./window";

/** In order of precedence: whoever must wait, all after him must. */
const CLASSES: readonly BudgetClass[] = ["interactive", "delivery", "fetch"];
const MINUTE_MS = 60_000;
/** Part of the limit that fetches may use. */
const FETCH_SHARE = 0.5;

export type Budget = ReturnType<typeof createBudget>;

export interface BudgetOptions {
  /** Requests that may start within any window; `null` = no limit (penalties still count). */
  readonly limit: number | null;
  /** Length of the window, milliseconds; a minute unless it says otherwise. */
  readonly windowMs?: number;
  /** Part of the limit that only interactive requests may use; less than one request = none. */
  readonly interactiveReserve?: number;
  readonly clock?: Clock;
  readonly sleep?: Sleep;
  /** Where starts are remembered beyond the life of this process. A request starts when it is remembered. */
  readonly memory?: BudgetMemory;
  /** Where starts are counted; by default in this process. */
  readonly window?: Window;
}

export class BudgetClosedError extends Error {
  override readonly name = "BudgetClosedError";
  constructor() {
    super("The request budget is closed: the process is stopping.");
  }
}

/** Ends a wait: the request may start, or the error says why it may not. */
type Waiter = (refusal?: Error) => void;

/** Interactive goes before delivery, delivery before fetch, each first come first served within this process. */
export function createBudget(options: BudgetOptions) {
  const { windowMs = MINUTE_MS, memory, interactiveReserve = 0.05 } = options;
  const clock = options.clock ?? systemClock;
  const sleep = options.sleep ?? systemSleep;
  const window = options.window ?? (memory === undefined ? createWindow(clock) : rememberedWindow(clock, memory));
  const waiting: Record<BudgetClass, Set<Waiter>> = {
    interactive: new Set(),
    delivery: new Set(),
    fetch: new Set(),
  };
  let limits = limitsOf(options.limit);
  let wake: AbortController | undefined;
  let pumping = false;
  let closed = false;

  function limitsOf(limit: number | null): WindowLimits {
    const most = checkedLimit(limit);
    if (most === null) return { windowMs, most, mostOf: { interactive: null, delivery: null, fetch: null } };
    const others = most - Math.floor(most * interactiveReserve);
    const fetches = Math.max(1, Math.floor(most * FETCH_SHARE));
    return { windowMs, most, mostOf: { interactive: most, delivery: others, fetch: others }, fetches };
  }

  const head = (): BudgetClass | undefined => CLASSES.find((asking) => waiting[asking].size > 0);

  /** Lets in whoever may start; those who come while the window is asked take part. */
  async function pump(): Promise<void> {
    if (pumping) return;
    pumping = true;
    unplan();
    for (let asking = head(); asking !== undefined; asking = head()) {
      let refusal: Error | undefined;
      try {
        const answer = window.start(asking, limits);
        const waitMs = typeof answer === "number" ? answer : await answer;
        if (waitMs > 0) {
          // Who came meanwhile may be of a class that need not wait.
          if (head() !== asking) continue;
          plan(waitMs);
          break;
        }
      } catch (error) {
        refusal = error instanceof Error ? error : new Error(String(error));
      }
      // Whoever it was asked for may have left meanwhile: then it is the turn of the next of the same class.
      const [end] = waiting[asking];
      end?.(refusal);
    }
    pumping = false;
  }

  /** At most one timer, for the first instant at which any request may start. */
  function plan(waitMs: number): void {
    if (head() === undefined) return;
    const mine = new AbortController();
    wake = mine;
    sleep(Math.max(1, waitMs), mine.signal).then(
      () => {
        if (wake === mine) void pump();
      },
      () => undefined, // aborted: planned anew for the others
    );
  }

  function unplan(): void {
    wake?.abort();
    wake = undefined;
  }

  return {
    /**
     * Resolves when one request may start. Rejects with the signal's reason when aborted, with `BudgetClosedError` after
     * `close`, and when its start cannot be counted.
     */
    take(asking: BudgetClass, signal?: AbortSignal): Promise<void> {
      return new Promise((resolve, reject) => {
        if (closed || signal?.aborted) {
          reject(closed ? new BudgetClosedError() : reasonOf(signal));
          return;
        }
        const end: Waiter = (refusal) => {
          waiting[asking].delete(end);
          signal?.removeEventListener("abort", leave);
          if (refusal === undefined) resolve();
          else reject(refusal);
        };
        const leave = (): void => {
          end(reasonOf(signal));
          if (head() === undefined) unplan();
        };
        signal?.addEventListener("abort", leave, { once: true });
        waiting[asking].add(end);
        void pump();
      });
    },
    /** After a 429: no request starts within the next `waitMs` milliseconds. */
    async penalise(waitMs: number): Promise<void> {
      await window.penalise(waitMs, limits);
      void pump();
    },
    /** Requests that could start now; `Infinity` without a limit, 0 while penalised. */
    left: async (): Promise<number> => window.left(limits),
    /** Replaces the limit, for instance after a change of settings. `null` = no limit. */
    setLimit(limit: number | null): void {
      limits = limitsOf(limit);
      void pump();
    },
    /** Rejects everybody who waits and clears the timer. */
    close(): void {
      closed = true;
      unplan();
      for (const asking of CLASSES) for (const end of waiting[asking]) end(new BudgetClosedError());
    },
  };
}

/** Budgets by quota key (host and token, as a hash): tenants that share a token share its quota. */
export type BudgetRegistry = ReturnType<typeof createBudgetRegistry>;

export interface RegistryOptions extends Omit<BudgetOptions, "limit" | "windowMs" | "memory" | "window"> {
  /** For windows that are longer than a minute, which outlive a process. */
  readonly memoryOf?: (quotaKey: string) => BudgetMemory;
  /** Where all processes count together. */
  readonly windowOf?: ((quotaKey: string) => Window) | undefined;
}

/** A limit as settings name it. */
export interface Limit {
  readonly limit: number | null;
  readonly per: "minute" | "hour";
}

const WINDOWS = { minute: MINUTE_MS, hour: 60 * MINUTE_MS } as const;

/** @param options of all budgets alike */
export function createBudgetRegistry({ memoryOf, windowOf, ...options }: RegistryOptions = {}) {
  const budgets = new Map<string, Limit & { readonly budget: Budget }>();
  return {
    /** The one budget of all callers with this quota key; the newest limit wins. */
    get(quotaKey: string, limit: number | null, per: Limit["per"] = "minute"): Budget {
      const known = budgets.get(quotaKey);
      if (known === undefined) {
        const memory = per === "minute" ? undefined : memoryOf?.(quotaKey);
        const window = windowOf?.(quotaKey);
        const budget = createBudget({ ...options, limit, windowMs: WINDOWS[per], memory, window });
        budgets.set(quotaKey, { budget, limit, per });
        return budget;
      }
      if (known.limit !== limit) known.budget.setLimit(limit);
      budgets.set(quotaKey, { ...known, limit });
      return known.budget;
    },
    /** The state of a budget; undefined before its first use. Reading it changes nothing. */
    async look(quotaKey: string): Promise<(Limit & { readonly left: number }) | undefined> {
      const known = budgets.get(quotaKey);
      return known && { left: await known.budget.left(), limit: known.limit, per: known.per };
    },
    /** Requests that may start now under the tightest budget; `Infinity` without one. */
    left: async (): Promise<number> =>
      Math.min(...(await Promise.all([...budgets.values()].map(({ budget }) => budget.left())))),
    close(): void {
      for (const { budget } of budgets.values()) budget.close();
      budgets.clear();
    },
  };
}

function checkedLimit(limit: number | null): number | null {
  if (limit !== null && !(Number.isFinite(limit) && limit >= 1)) {
    throw new RangeError(`A request budget needs at least one request, not ${limit}.`);
  }
  return limit === null ? null : Math.floor(limit);
}

function reasonOf(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new DOMException("The wait was aborted.", "AbortError");
}

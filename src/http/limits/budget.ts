// The request budget: quotas are respected, not discovered. A sliding window counts every request that starts.
import { systemClock, systemSleep, type Clock, type Sleep } from "../time";

/** The class of a request: a person waiting for an answer, a delivery to the remote, or the full fetch. */
export type BudgetClass = "interactive" | "delivery" | "fetch";

/** In order of precedence. */
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
}

export interface BudgetMemory {
  /** Starts since then, milliseconds since 1970, in their order. */
  starts(sinceMs: number): Promise<readonly number[]>;
  /** Resolves when it is durable. */
  add(atMs: number): Promise<void>;
}

export class BudgetClosedError extends Error {
  override readonly name = "BudgetClosedError";
  constructor() {
    super("The request budget is closed: the process is stopping.");
  }
}

/** Ends a wait: the request may start, or the error says why it may not. */
type Waiter = (refusal?: Error) => void;

/** A budget within one process. Interactive goes before delivery, delivery before fetch, each first come first served. */
export function createBudget(options: BudgetOptions) {
  const clock = options.clock ?? systemClock;
  const sleep = options.sleep ?? systemSleep;
  const interactiveReserve = options.interactiveReserve ?? 0.05;
  const waiting: Record<BudgetClass, Set<Waiter>> = {
    interactive: new Set(),
    delivery: new Set(),
    fetch: new Set(),
  };
  const { windowMs = MINUTE_MS, memory } = options;
  let limit = checkedLimit(options.limit);
  let starts: { at: number; asking: BudgetClass }[] = [];
  let blockedUntil = -Infinity;
  let lastNow = -Infinity;
  let wake: { at: number; controller: AbortController } | undefined;
  let closed = false;

  /** Forgets starts that left the window. If the clock was set back they would never leave, so they count from now. */
  function now(): number {
    const at = clock();
    if (at < lastNow) {
      starts = starts.map(({ asking }) => ({ at, asking }));
      blockedUntil = Math.min(blockedUntil, at + windowMs);
    }
    lastNow = at;
    const firstInside = starts.findIndex((start) => at - start.at < windowMs);
    if (firstInside !== 0) starts.splice(0, firstInside === -1 ? starts.length : firstInside);
    return at;
  }

  /** The earliest start of a request of this class, given the window as it is. */
  function opensAt(asking: BudgetClass): number {
    if (limit === null) return blockedUntil;
    const reserve = asking === "interactive" ? 0 : Math.floor(limit * interactiveReserve);
    const opens = [blockedUntil, freeFrom(starts, limit - reserve, windowMs)];
    if (asking === "fetch") {
      const fetches = starts.filter((start) => start.asking === "fetch");
      opens.push(freeFrom(fetches, Math.max(1, Math.floor(limit * FETCH_SHARE)), windowMs));
    }
    return Math.max(...opens);
  }

  function pump(): void {
    let at = now();
    for (const asking of CLASSES) {
      for (const end of waiting[asking]) {
        if (opensAt(asking) > at) break;
        starts.push({ at, asking });
        end();
        at = now();
      }
    }
    planWake();
  }

  /** At most one timer, for the first instant at which any request may start. */
  function planWake(): void {
    const opens = CLASSES.filter((asking) => waiting[asking].size > 0).map(opensAt);
    const at = opens.length === 0 ? undefined : Math.min(...opens);
    if (wake?.at === at) return;
    wake?.controller.abort();
    wake = undefined;
    if (at === undefined) return;
    const mine = { at, controller: new AbortController() };
    wake = mine;
    sleep(Math.max(1, at - lastNow), mine.controller.signal).then(
      () => {
        if (wake === mine) {
          wake = undefined;
          pump();
        }
      },
      () => undefined, // aborted: reschedule for the others
    );
  }

  let recalled: Promise<void> | undefined;

  /** What other lives of this process started counts as deliveries. */
  async function recall(store: BudgetMemory): Promise<void> {
    const at = clock();
    const before = await store.starts(at - windowMs);
    // What a clock that was ahead remembered counts from now.
    starts = [...before.map((each) => ({ at: Math.min(each, at), asking: "delivery" as const })), ...starts];
  }

  async function takeRemembered(store: BudgetMemory, asking: BudgetClass, signal?: AbortSignal): Promise<void> {
    recalled ??= recall(store);
    // Tried again by whoever comes next.
    await recalled.catch((error: unknown) => {
      recalled = undefined;
      throw error;
    });
    await takeNow(asking, signal);
    await store.add(clock());
  }

  function takeNow(asking: BudgetClass, signal?: AbortSignal): Promise<void> {
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
        pump();
      };
      signal?.addEventListener("abort", leave, { once: true });
      waiting[asking].add(end);
      pump();
    });
  }

  return {
    /**
     * Resolves when one request may start. Rejects with the signal's reason when aborted, with `BudgetClosedError` after
     * `close`, and when its start cannot be remembered.
     */
    take: (asking: BudgetClass, signal?: AbortSignal): Promise<void> =>
      memory === undefined ? takeNow(asking, signal) : takeRemembered(memory, asking, signal),
    /** After a 429: no request starts within the next `waitMs` milliseconds. */
    penalise(waitMs: number): void {
      blockedUntil = Math.max(blockedUntil, now() + waitMs);
      pump();
    },
    /** Requests that could start now; `Infinity` without a limit, 0 while penalised. */
    left(): number {
      const at = now();
      if (blockedUntil > at) return 0;
      return limit === null ? Infinity : Math.max(0, limit - starts.length);
    },
    /** Replaces the limit, for instance after a change of settings. `null` = no limit. */
    setLimit(newLimit: number | null): void {
      limit = checkedLimit(newLimit);
      pump();
    },
    /** Rejects everybody who waits and clears the timer. */
    close(): void {
      closed = true;
      wake?.controller.abort();
      wake = undefined;
      for (const asking of CLASSES) for (const end of waiting[asking]) end(new BudgetClosedError());
    },
  };
}

/** Budgets by quota key (host and token, as a hash): tenants that share a token share its quota. */
export type BudgetRegistry = ReturnType<typeof createBudgetRegistry>;

export interface RegistryOptions extends Omit<BudgetOptions, "limit" | "windowMs" | "memory"> {
  /** For windows that are longer than a minute, which outlive a process. */
  readonly memoryOf?: (quotaKey: string) => BudgetMemory;
}

/** A limit as settings name it. */
export interface Limit {
  readonly limit: number | null;
  readonly per: "minute" | "hour";
}

const WINDOWS = { minute: MINUTE_MS, hour: 60 * MINUTE_MS } as const;

/** @param options of all budgets alike */
export function createBudgetRegistry({ memoryOf, ...options }: RegistryOptions = {}) {
  const budgets = new Map<string, Limit & { readonly budget: Budget }>();
  return {
    /** The one budget of all callers with this quota key; the newest limit wins. */
    get(quotaKey: string, limit: number | null, per: Limit["per"] = "minute"): Budget {
      const known = budgets.get(quotaKey);
      if (known === undefined) {
        const memory = per === "minute" ? undefined : memoryOf?.(quotaKey);
        const budget = createBudget({ ...options, limit, windowMs: WINDOWS[per], memory });
        budgets.set(quotaKey, { budget, limit, per });
        return budget;
      }
      if (known.limit !== limit) known.budget.setLimit(limit);
      budgets.set(quotaKey, { ...known, limit });
      return known.budget;
    },
    /** The state of a budget; undefined before its first use. Reading it changes nothing. */
    look(quotaKey: string): (Limit & { readonly left: number }) | undefined {
      const known = budgets.get(quotaKey);
      return known && { left: known.budget.left(), limit: known.limit, per: known.per };
    },
    /** Requests that may start now under the tightest budget; `Infinity` without one. */
    left: (): number => Math.min(...[...budgets.values()].map(({ budget }) => budget.left())),
    close(): void {
      for (const { budget } of budgets.values()) budget.close();
      budgets.clear();
    },
  };
}

/** When fewer than `cap` of these starts will still be inside the window. */
function freeFrom(starts: readonly { readonly at: number }[], cap: number, windowMs: number): number {
  const leaving = starts[starts.length - Math.max(1, cap)];
  return leaving === undefined ? -Infinity : leaving.at + windowMs;
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

/** A sliding window counts every request that starts. */
import type { Clock } from "../time";

/** The class of a request: a person waiting for an answer, a delivery to the remote, or the full fetch. */
export type BudgetClass = "interactive" | "delivery" | "fetch";

/** How many requests may start within any window; null: any number. */
export interface WindowLimits {
  /** Milliseconds. */
  readonly windowMs: number;
  readonly most: number | null;
  /** How many may have been started before one of a class does, whatever their class. */
  readonly mostOf: Readonly<Record<BudgetClass, number | null>>;
  /** Of the class `fetch` alone. */
  readonly fetches?: number;
}

export interface Window {
  /** Counts a request that starts now, 0; or says how long to wait before asking again. Milliseconds. */
  start(asking: BudgetClass, limits: WindowLimits): number | Promise<number>;
  /** No request starts within the next `waitMs` milliseconds. */
  penalise(waitMs: number, limits: WindowLimits): void | Promise<void>;
  /** Requests that could start now; `Infinity` without a limit, 0 while penalised. */
  left(limits: WindowLimits): number | Promise<number>;
}

export interface BudgetMemory {
  /** Starts since then, milliseconds since 1970, in their order. */
  starts(sinceMs: number): Promise<readonly number[]>;
  /** Resolves when it is durable. */
  add(atMs: number): Promise<void>;
}

interface Start {
  readonly at: number;
  readonly asking: BudgetClass;
}

/** The window of one process. */
export function createWindow(clock: Clock) {
  let starts: Start[] = [];
  let blockedUntil = -Infinity;
  let lastNow = -Infinity;

  /** Forgets starts that left the window. If the clock was set back they would never leave, so they count from now. */
  function now(windowMs: number): number {
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

  return {
    start(asking: BudgetClass, { windowMs, mostOf, fetches }: WindowLimits): number {
      const at = now(windowMs);
      const isFetch = asking === "fetch" && fetches !== undefined;
      const opens = Math.max(
        blockedUntil,
        freeFrom(starts, mostOf[asking], windowMs),
        isFetch
          ? freeFrom(
              starts.filter((start) => start.asking === "fetch"),
              fetches,
              windowMs,
            )
          : -Infinity,
      );
      if (opens > at) return opens - at;
      starts.push({ at, asking });
      return 0;
    },
    penalise(waitMs: number, { windowMs }: WindowLimits): void {
      blockedUntil = Math.max(blockedUntil, now(windowMs) + waitMs);
    },
    left({ windowMs, most }: WindowLimits): number {
      const at = now(windowMs);
      if (blockedUntil > at) return 0;
      return most === null ? Infinity : Math.max(0, most - starts.length);
    },
    /** Counts what was started before, by another life of this process: as deliveries. */
    recall(before: readonly number[]): void {
      const at = clock();
      // What a clock that was ahead remembered counts from now.
      starts = [...before.map((each) => ({ at: Math.min(each, at), asking: "delivery" as const })), ...starts];
    },
  };
}

/** The same beyond the life of a process: a request starts when that is remembered. */
export function rememberedWindow(clock: Clock, memory: BudgetMemory): Window {
  const window = createWindow(clock);
  let isRecalled = false;
  return {
    ...window,
    start: async (asking, limits) => {
      if (!isRecalled) window.recall(await memory.starts(clock() - limits.windowMs));
      isRecalled = true;
      const waitMs = window.start(asking, limits);
      if (waitMs === 0) await memory.add(clock());
      return waitMs;
    },
  };
}

/** When fewer than `cap` of these starts will still be inside the window. */
function freeFrom(starts: readonly Start[], cap: number | null, windowMs: number): number {
  const leaving = cap === null ? undefined : starts[starts.length - Math.max(1, cap)];
  return leaving === undefined ? -Infinity : leaving.at + windowMs;
}

import type { Clock, Sleep } from "../../../src/http/time";

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/** A clock that stands still until told otherwise. `advance` wakes sleepers in the order of their instants. */
export function createFakeTime(startMs = 1_700_000_000_000): {
  clock: Clock;
  sleep: Sleep;
  advance(ms: number): Promise<void>;
  /** For code that waits and continues at once: sleeping moves the clock. */
  autoSleep: Sleep;
  readonly slept: number[];
  sleepers(): number;
  set(ms: number): void;
} {
  let now = startMs;
  const sleeping = new Set<Sleeper>();
  const slept: number[] = [];

  const sleep: Sleep = (waitMs, signal) =>
    new Promise((resolve, reject) => {
      const sleeper: Sleeper = {
        at: now + waitMs,
        wake: () => {
          sleeping.delete(sleeper);
          resolve();
        },
      };
      sleeping.add(sleeper);
      signal?.addEventListener("abort", () => {
        sleeping.delete(sleeper);
        reject(new DOMException("aborted", "AbortError"));
      });
    });

  return {
    clock: () => now,
    sleep,
    slept,
    autoSleep: (waitMs) => {
      slept.push(waitMs);
      now += waitMs;
      return Promise.resolve();
    },
    sleepers: () => sleeping.size,
    set: (ms) => {
      now = ms;
    },
    async advance(ms) {
      const end = now + ms;
      for (;;) {
        await settle();
        const next = [...sleeping].sort((a, b) => a.at - b.at)[0];
        if (next === undefined || next.at > end) break;
        now = Math.max(now, next.at);
        next.wake();
      }
      now = end;
      await settle();
    },
  };
}

/** Lets promise chains run to their end. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

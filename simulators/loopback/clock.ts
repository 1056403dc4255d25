/** Time as the simulators see it. Everything that waits or stamps goes through here, so tests need not wait. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves after `ms` milliseconds, or at once when `signal` aborts; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The real time of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) {
        resolve();
        return;
      }
      const finish = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", finish);
        resolve();
      };
      const timer = setTimeout(finish, ms);
      signal?.addEventListener("abort", finish, { once: true });
    }),
};

export interface ManualClock extends Clock {
  /** Moves the time forward and wakes every sleeper whose time has come. */
  advance(ms: number): void;
  /** How many sleepers wait. */
  readonly sleepers: number;
}

interface Sleeper {
  readonly dueAt: number;
  readonly wake: () => void;
}

/** A clock that stands still until `advance` is called. Default start: 1 January 2026, UTC. */
export function createManualClock(startMs = Date.UTC(2026, 0, 1)): ManualClock {
  let nowMs = startMs;
  let sleepers: Sleeper[] = [];

  return {
    now: () => nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (ms <= 0 || signal?.aborted === true) {
          resolve();
          return;
        }
        const sleeper: Sleeper = { dueAt: nowMs + ms, wake: resolve };
        sleepers.push(sleeper);
        signal?.addEventListener(
          "abort",
          () => {
            sleepers = sleepers.filter((other) => other !== sleeper);
            resolve();
          },
          { once: true },
        );
      }),
    advance(ms) {
      nowMs += ms;
      const due = sleepers.filter((sleeper) => sleeper.dueAt <= nowMs);
      sleepers = sleepers.filter((sleeper) => sleeper.dueAt > nowMs);
      for (const sleeper of due) sleeper.wake();
    },
    get sleepers() {
      return sleepers.length;
    },
  };
}

/** A clock on which every sleep is over at once, after moving the time forward by as much. */
export function createSkippingClock(startMs = Date.UTC(2026, 0, 1)): Clock {
  let nowMs = startMs;
  return {
    now: () => nowMs,
    sleep(ms) {
      nowMs += Math.max(0, ms);
      return Promise.resolve();
    },
  };
}

let lastInstant = { ms: Number.NaN, iso: "" };

/** The wire form of an instant: ISO 8601 in UTC. Remembers the last one, as thousands of records share an instant. */
export function isoOf(ms: number): string {
  if (lastInstant.ms !== ms) lastInstant = { ms, iso: new Date(ms).toISOString() };
  return lastInstant.iso;
}

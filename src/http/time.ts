// Time as a dependency: everything that waits or measures takes these, so that tests never wait.
import { setTimeout as delay } from "node:timers/promises";

/** Milliseconds since the epoch. */
export type Clock = () => number;

/** Resolves after `waitMs` milliseconds; rejects with an AbortError as soon as `signal` aborts. */
export type Sleep = (waitMs: number, signal?: AbortSignal) => Promise<void>;

export const systemClock: Clock = () => Date.now();

export const systemSleep: Sleep = (waitMs, signal) => delay(waitMs, undefined, signal ? { signal } : {});

/** Options of an LRU cache whose entries age by this clock, to the millisecond. */
export const agingBy = (clock: Clock) => ({ perf: { now: clock }, ttlResolution: 0 });

/** What a measure gets and returns, and how it is repeated. */
import { median } from "./statistics";

export interface MeasureOptions {
  readonly quick: boolean;
  readonly profiles: string | undefined;
  /** No new round begins after this, by `performance.now()`. */
  readonly deadlineMs: number;
  /** How many the fetch reads. */
  readonly endusers: number;
}

export interface Figure {
  readonly name: string;
  readonly value: number;
  /** Empty for a ratio. */
  readonly unit: string;
  /** Of every round, in order; the value is their median unless the name says otherwise. */
  readonly samples?: readonly number[];
  readonly target?: { readonly atLeast: number } | { readonly atMost: number };
  /** What a reader must know about this run of it. */
  readonly note?: string;
}

export type Measure = (options: MeasureOptions) => Promise<readonly Figure[]>;

export function figure(name: string, unit: string, samples: readonly number[], target?: Figure["target"]): Figure {
  return { name, unit, value: median(samples), samples, ...(target === undefined ? {} : { target }) };
}

export function holds({ value, target }: Figure): boolean | undefined {
  if (target === undefined) return undefined;
  return "atLeast" in target ? value >= target.atLeast : value <= target.atMost;
}

/**
 * Plays one round as a warm-up, which is discarded, and then up to `most`: at least one, and none that
 * would probably not end before the deadline.
 */
export async function rounds<T>(
  most: number,
  deadlineMs: number,
  play: (round: number) => Promise<T>,
): Promise<readonly T[]> {
  const results: T[] = [];
  let longestMs = 0;
  for (let round = 0; round <= most; round += 1) {
    const began = performance.now();
    if (round > 1 && began + longestMs > deadlineMs) break;
    const result = await play(round);
    longestMs = Math.max(longestMs, performance.now() - began);
    if (round > 0) results.push(result);
  }
  return results;
}

/** @throws Error: a figure about other work than was meant is none */
export function expectWork(what: string, expected: number, done: number): void {
  if (done !== expected) throw new Error(`${what}: ${done} instead of ${expected}. The figures would mean nothing.`);
}

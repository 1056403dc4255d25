/** Trying again, slower each time, as long as the process lives. */
import { setTimeout as sleep } from "node:timers/promises";
import { backoffMs, type RetryPace } from "../../http/retry";

export interface RetryOptions {
  readonly retry: RetryPace;
  readonly signal: AbortSignal;
  /** Told why something is tried again. */
  readonly onWarning: (message: string) => void;
}

/** Why a run ends before its work is done. */
export type Stop =
  | { readonly state: "error"; readonly error: string }
  /** The process ends, and the next one goes on; or the tenant was forgotten, and nobody does. */
  | { readonly state: "interrupted" };

export type Try<T> =
  | { readonly kind: "done"; readonly value: T }
  /** `progressed`: it got further than the try before, so the count of tries begins anew. */
  | { readonly kind: "later"; readonly waitMs: number; readonly message: string; readonly progressed?: boolean }
  | { readonly kind: "failed"; readonly message: string };

/** Tries before a run gives up; whoever asked for it asks again. */
const MOST_TRIES = 8;

/** Repeats an attempt until it is done, fails for good, or the process ends. */
export async function withRetry<T>(
  { retry, signal, onWarning }: RetryOptions,
  attempt: () => Promise<Try<T>>,
): Promise<{ readonly value: T } | Stop> {
  const ended = (): boolean => signal.aborted;
  for (let tries = 1; ; tries += 1) {
    if (ended()) return { state: "interrupted" };
    const result = await attempt();
    if (result.kind === "done") return { value: result.value };
    if (ended()) return { state: "interrupted" };
    if (result.kind === "later" && result.progressed === true) tries = 1;
    if (result.kind === "failed" || tries >= MOST_TRIES) return { state: "error", error: result.message };
    onWarning(result.message);
    try {
      await sleep(Math.max(backoffMs(tries - 1, retry), result.waitMs), undefined, { signal });
    } catch {
      return { state: "interrupted" };
    }
  }
}

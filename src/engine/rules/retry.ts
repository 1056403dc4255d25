/** Retries with growing waits, as long as the process lives. */
import { setTimeout as sleep } from "node:timers/promises";
import { backoffMs, type RetryPace } from "../../http/retry";

export interface RetryOptions {
  readonly retry: RetryPace;
  readonly signal: AbortSignal;
  /** Called with the reason of a retry. */
  readonly onWarning: (message: string) => void;
}

/** Why a run ends before its work is done. */
export type Stop =
  | { readonly state: "error"; readonly error: string }
  /** The process ends, and the next one continues; or the tenant was erased. */
  | { readonly state: "interrupted" };

export type Try<T> =
  | { readonly kind: "done"; readonly value: T }
  /** `progressed`: it got further than the try before, so the tries are counted anew. */
  | { readonly kind: "later"; readonly waitMs: number; readonly message: string; readonly progressed?: boolean }
  | { readonly kind: "failed"; readonly message: string };

/** Tries before a run gives up; the next run is up to the schedule or a person. */
const MOST_TRIES = 8;

/** Repeats an attempt until it succeeds, fails for good, or the process ends. */
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

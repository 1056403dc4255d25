// The one law of retries, as a pure decision that can be logged.
import type { RemoteError } from "./errors";

/** No call waits longer than this inside; longer waits are handed back to the caller. */
export const MAX_WAIT_MS = 120_000;

export interface RetryQuestion {
  /** 1 for the first request of the call. */
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly error: Pick<RemoteError, "kind" | "applied" | "failure" | "retryAfterMs">;
  /** True for GET and HEAD, and for writes that may be repeated without harm. */
  readonly safeToRepeat: boolean;
  /** The one immediate retry after a stale keep-alive socket was already used. */
  readonly staleRetryUsed?: boolean;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly baseMs: number;
}

/** How long the waits between tries are, in milliseconds. */
export interface RetryPace {
  readonly baseMs: number;
  readonly capMs: number;
  /** Uniform in [0, 1), so that those who failed together return apart; without it each wait is the longest. */
  readonly random?: () => number;
}

/** A wait between the base and its n-th doubling, never above the cap. Milliseconds. */
export function backoffMs(doublings: number, { baseMs, capMs, random }: RetryPace): number {
  const floorMs = Math.min(baseMs, capMs);
  const ceilingMs = Math.min(capMs, baseMs * 2 ** Math.min(doublings, 30));
  return Math.round(floorMs + (random?.() ?? 1) * (ceilingMs - floorMs));
}

export type RetryReason =
  | "stale_socket"
  | "throttled"
  | "not_sent"
  | "transient"
  | "attempts_used_up"
  | "named_wait_too_long"
  | "not_safe_to_repeat"
  | "repeating_cannot_help";

export interface RetryDecision {
  readonly retry: boolean;
  /** How long to stay away, also when this call is not repeated. Milliseconds. */
  readonly waitMs: number;
  readonly reason: RetryReason;
}

/**
 * Decides whether a failed request is sent again, and when.
 *
 * The wait grows exponentially with jitter, never falls below `baseMs`, and is never shorter than what the server
 * named. A named wait beyond `MAX_WAIT_MS` ends the call instead of being shortened.
 */
export function decideRetry(question: RetryQuestion): RetryDecision {
  const { error } = question;
  if (error.failure === "stale_socket" && question.safeToRepeat && question.staleRetryUsed !== true) {
    return { retry: true, waitMs: 0, reason: "stale_socket" };
  }
  const waitMs = Math.max(backoffMs(question.attempt, { ...question, capMs: MAX_WAIT_MS }), error.retryAfterMs ?? 0);
  const stop = (reason: RetryReason): RetryDecision => ({ retry: false, waitMs, reason });

  const why = reasonToRepeat(error);
  if (why === undefined) return stop("repeating_cannot_help");
  if (error.applied === "maybe" && !question.safeToRepeat) return stop("not_safe_to_repeat");
  if (question.attempt >= question.maxAttempts) return stop("attempts_used_up");
  if (waitMs > MAX_WAIT_MS) return stop("named_wait_too_long");
  return { retry: true, waitMs, reason: why };
}

function reasonToRepeat(error: RetryQuestion["error"]): RetryReason | undefined {
  // Our own wish, not a fault.
  if (["cancelled", "client_closed", "budget_closed", "not_permitted"].includes(error.failure ?? "")) return undefined;
  if (error.kind === "throttled") return "throttled";
  if (error.kind !== "transient") return undefined;
  return error.applied === "no" ? "not_sent" : "transient";
}

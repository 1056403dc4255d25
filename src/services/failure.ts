/** What a failed call to a service means for the records that waited for it. */
import { RemoteError, UnexpectedAnswer } from "../http/errors";
import type { RemoteErrorKind } from "../http/errors";
import type { Problem, Result } from "./connection";

export type Failed = RemoteError | UnexpectedAnswer;

/** Everything else is a bug of ours and must be thrown on. */
export function isFailed(error: unknown): error is Failed {
  return error instanceof RemoteError || error instanceof UnexpectedAnswer;
}

/** The answer to `work`, or how it failed. */
export async function attempt<T>(work: () => Promise<T>): Promise<T | Failed> {
  try {
    return await work();
  } catch (error) {
    if (isFailed(error)) return error;
    throw error;
  }
}

/** The token may not do this. */
export function lacksRight(failed: Failed): boolean {
  return failed instanceof RemoteError && failed.status === 403;
}

/** The request itself was refused: sent again, it would be refused again. */
export function isRefusal(failed: Failed): failed is RemoteError {
  return failed instanceof RemoteError && (failed.kind === "validation" || failed.kind === "too_large");
}

/** Refused credentials are tried again when the settings change, else after this time. */
const AUTH_WAIT_MS = 600_000;
const CONFIGURATION_WAIT_MS = 300_000;
/** For passing trouble the lane decides the wait. */
const PASSING_WAITS_MS: Partial<Record<RemoteErrorKind, number>> = { throttled: 15_000, transient: 0 };

/** How long to stay away: what the server named, otherwise the usual for this kind of failure. Milliseconds. */
export function waitOf(error: Failed): number {
  if (!(error instanceof RemoteError)) return 0;
  if (error.kind === "auth") return AUTH_WAIT_MS;
  return error.retryAfterMs ?? PASSING_WAITS_MS[error.kind] ?? CONFIGURATION_WAIT_MS;
}

/** Tried again, after what the server named or the usual wait. */
export function later(error: Failed): Result & { readonly kind: "later" } {
  return { kind: "later", waitMs: waitOf(error), message: error.message };
}

/**
 * A write that failed as a whole: certainly not done = later; perhaps done = looked at first, or left to a person.
 *
 * @param isRepeatable it may be done twice without harm
 */
export function unsent(error: Failed, isRepeatable = false): Result {
  const isCertain = error instanceof RemoteError && error.applied === "no";
  return isRepeatable || isCertain ? later(error) : { kind: "unconfirmed", message: error.message };
}

/**
 * Tells the lane who has to act on a failure, and when to try again.
 *
 * @param hint what to check when the credentials are refused: a sentence
 */
export function problemOf(error: Failed, hint: string): Problem {
  const waitMs = waitOf(error);
  if (!(error instanceof RemoteError)) return { scope: "lane", kind: "transient", message: error.message, waitMs };
  if (error.kind === "auth") {
    return { scope: "lane", kind: "auth", message: `${error.message}. ${hint}`, waitMs };
  }
  const kind = error.kind in PASSING_WAITS_MS ? "transient" : "configuration";
  return { scope: "lane", kind, message: error.message, waitMs };
}

/** Longest words of a service that are kept, in characters. */
const MAX_WORDS = 500;

/**
 * A service's own words about a failure, bounded and without the full stop.
 *
 * @param words what its answer says; a body that is a text says itself, unless it is a page
 */
export function wordsFrom(words: string): string {
  const plain = words.trim().replace(/\.$/, "");
  return plain === "" ? "No reason was given" : plain.slice(0, MAX_WORDS);
}

/** Whether a body is a page of HTML, which says nothing to people. */
export const isPage = (body: unknown): body is string =>
  typeof body === "string" && /^\s*<(?:!doctype\s+html|html|head|body)\b/i.test(body);

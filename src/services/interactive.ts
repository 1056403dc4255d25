/**
 * Calls for somebody who waits: they end in time, and trouble at the service is told in its words, the same way for every
 * service. What the caller cannot mend gets a status that it could not have caused (docs/decisions/20-planhats-users.md).
 */
import type { HttpClient } from "../http/client";
import { RemoteError, UnexpectedAnswer } from "../http/errors";
import { systemSleep } from "../http/time";
import type { HttpOptions } from "./definition";
import { OperationError, type OperationRefusal } from "./operations";

/** How a service is spoken of when it cannot serve a call, or does not want to. */
export interface ServiceWords {
  /** In codes: `planhat`. */
  readonly name: string;
  /** In sentences: `Planhat`. */
  readonly title: string;
  /** What to do when it refuses the stored credentials (401), or they have no right to the call. @param words its own */
  refused(status: 401 | 403, words: string): string;
  /** Its own words in the body of an error, from which secrets were taken. */
  wordsIn(body: unknown): string;
}

export interface CallWords {
  /** What 404 means where the address names a record; otherwise it is a refusal like others. */
  readonly missing?: { readonly code: string; readonly thing: string };
  /** The call must not be repeated: what may have happened and where to look, as the end of a sentence. */
  readonly unrepeatable?: string;
}

/** Refusals that are the caller's own business. */
const CALLERS_STATUS = [400, 404, 409, 422] as const;
/** How soon a call may find room in the budget again. */
const BUDGET_WAIT_MS = 30_000;
/** The wait after too many calls when the service names none. */
const THROTTLED_WAIT_MS = 15_000;

/** A longer wait named by the service is handed to the caller. */
const LONGEST_PAUSE_MS = 5_000;

/** The same options, but a wait before a repetition that would be too long is rejected. */
export function withShortPauses(http: HttpOptions = {}): HttpOptions {
  const { sleep = systemSleep } = http;
  return {
    ...http,
    sleep: (waitMs, signal) =>
      waitMs > LONGEST_PAUSE_MS ? Promise.reject(new Error("Too long a pause.")) : sleep(waitMs, signal),
  };
}

/** Runs `work` on a client of its own, whose calls are cut off after this time. The client is closed in the end. */
export async function within<T>(
  client: Pick<HttpClient, "close">,
  timeoutMs: number,
  work: () => Promise<T>,
): Promise<T> {
  const timer = setTimeout(() => client.close(), timeoutMs);
  try {
    return await work();
  } finally {
    clearTimeout(timer);
    client.close();
  }
}

/** Runs `work` and translates its failures. @throws OperationError for trouble at the service */
export async function served<T>(service: ServiceWords, work: () => Promise<T>, call: CallWords = {}): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UnexpectedAnswer) throw unusable(service, error, { mayHaveActed: true, cause: error }, call);
    throw error instanceof RemoteError ? troubleOf(service, error, call) : error;
  }
}

/** The refusals of `served`, for the declaration of an operation. */
export function refusalsOf({ name, title }: ServiceWords): readonly OperationRefusal[] {
  const text = `${title} refuses it; the message has its words`;
  const token = `${title} refuses the stored token, or gives no usable answer`;
  const busy = `No further calls to ${title} are possible at the moment; try again`;
  return [
    ...CALLERS_STATUS.map((status) => ({ status, text, codes: [`refused_by_${name}`] })),
    { status: 502, text: token, codes: [`${name}_token_refused`, `${name}_unavailable`] },
    { status: 503, text: busy, codes: [`${name}_busy`] },
  ];
}

/** @param words of the service, or ours if it said it without any */
export function missing(
  { title }: ServiceWords,
  { code, thing }: NonNullable<CallWords["missing"]>,
  words: string,
  more: Pick<OperationError, "mayHaveActed"> = { mayHaveActed: false },
): OperationError {
  return new OperationError(404, code, `${title} has no such ${thing}: ${sentence(words)}`, more);
}

function troubleOf(service: ServiceWords, cause: RemoteError, call: CallWords): OperationError {
  const { name, title } = service;
  const { status, kind, failure, applied, method } = cause;
  // An operation writes once, and may read before and after it.
  const more = { cause, mayHaveActed: applied === "maybe" || method === "GET" };
  const words = service.wordsIn(cause.body);
  if (kind === "auth") {
    // Without a status it was the token endpoint that refused them.
    return new OperationError(502, `${name}_token_refused`, service.refused(status === 403 ? 403 : 401, words), more);
  }
  if (status === 404 && call.missing !== undefined) return missing(service, call.missing, words, more);
  const refused = CALLERS_STATUS.find((each) => each === status);
  if (refused !== undefined) {
    return new OperationError(refused, `refused_by_${name}`, `${title} refuses it: ${sentence(words)}`, more);
  }
  const isOurs = failure === "budget_closed" || failure === "client_closed" || failure === "cancelled";
  if (kind === "throttled" || (isOurs && applied === "no")) {
    const waitMs = cause.retryAfterMs ?? (isOurs ? BUDGET_WAIT_MS : THROTTLED_WAIT_MS);
    const headers = { "retry-after": String(Math.max(1, Math.ceil(waitMs / 1_000))) };
    const message = `No further calls to ${title} are possible at the moment; try again later.`;
    return new OperationError(503, `${name}_busy`, message, { ...more, headers });
  }
  // What certainly was not done may be tried again, whatever it is.
  return unusable(service, cause, more, applied === "maybe" ? call : {});
}

function unusable(
  { name, title }: ServiceWords,
  { message: what }: Error,
  more: Pick<OperationError, "mayHaveActed" | "cause">,
  { unrepeatable }: CallWords,
): OperationError {
  const [code, then] =
    unrepeatable === undefined
      ? [`${name}_unavailable`, "; try again later"]
      : ["outcome_unknown", `, ${unrepeatable}`];
  return new OperationError(502, code, `${title} gave no usable answer${then}. ${sentence(what)}`, more);
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

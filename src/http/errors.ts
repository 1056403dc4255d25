// One error for every remote call that failed: what happened, whether the remote may have acted on it, and what
// a person can do.
import { MAX_DEPTH } from "./guards/json-scan";
import { namedWaitMs, type ResponseHeaders } from "./server-wait";

/**
 * auth: credentials or rights refused · configuration: wrong address, disabled account · not_found · validation: the
 * request itself is wrong · too_large: split it · throttled: come later · transient: it may pass by itself · unknown.
 */
export type RemoteErrorKind =
  "auth" | "configuration" | "not_found" | "validation" | "too_large" | "throttled" | "transient" | "unknown";

/** Could the remote have applied the request? `no` is a certainty, `maybe` is everything else. */
export type Applied = "no" | "maybe";

/** What went wrong when there is no usable answer. */
export type Failure =
  | "invalid_request"
  | "budget_closed"
  | "client_closed"
  | "private_address"
  | "connection"
  | "dns"
  | "tls"
  | "timeout"
  | "reset"
  | "stale_socket"
  | "truncated"
  | "response_too_large"
  | "too_deep"
  | "cancelled";

export interface RemoteErrorFacts {
  /** The system that we called: "planhat", "hull", … */
  readonly system: string;
  readonly method: string;
  /** The template such as `/endusers/:id`; never the real id or query. */
  readonly route: string;
  readonly kind: RemoteErrorKind;
  readonly applied: Applied;
  readonly status?: number | undefined;
  readonly failure?: Failure | undefined;
  /** The wait that the server named, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
  /** Redacted, size-capped excerpt of the answer, for logs. */
  readonly body?: unknown;
  /** The whole parsed answer, for a caller that understands it; never logged. */
  readonly answer?: unknown;
  readonly cause?: unknown;
  /** Overrides the sentence about what happened. */
  readonly what?: string | undefined;
}

export class RemoteError extends Error {
  readonly kind: RemoteErrorKind;
  readonly system: string;
  readonly method: string;
  readonly route: string;
  readonly applied: Applied;
  readonly status: number | undefined;
  readonly failure: Failure | undefined;
  readonly retryAfterMs: number | undefined;
  readonly body: unknown;
  readonly #answer: unknown;

  constructor(facts: RemoteErrorFacts) {
    super(describe(facts), { cause: facts.cause });
    this.name = "RemoteError";
    this.kind = facts.kind;
    this.system = facts.system;
    this.method = facts.method;
    this.route = facts.route;
    this.applied = facts.applied;
    this.status = facts.status;
    this.failure = facts.failure;
    this.retryAfterMs = facts.retryAfterMs;
    this.body = facts.body;
    this.#answer = facts.answer;
  }

  /** The whole parsed answer. A getter, because own properties end up in logs. */
  get answer(): unknown {
    return this.#answer;
  }
}

/** A successful answer of an unexpected shape, such as a list that is not a list: it may pass by itself. */
export class UnexpectedAnswer extends Error {
  override readonly name = "UnexpectedAnswer";
}

export interface Classification {
  readonly kind: RemoteErrorKind;
  readonly applied: Applied;
  readonly retryAfterMs: number | undefined;
}

/** Classifies an answer that is not 2xx. Pure; `nowMs` is only for waits given as a date. */
export function classify(status: number, headers: ResponseHeaders, nowMs: number): Classification {
  const kind = kindOf(status);
  return { kind, applied: status >= 500 ? "maybe" : "no", retryAfterMs: namedWaitMs(status, headers, nowMs) };
}

function kindOf(status: number): RemoteErrorKind {
  switch (status) {
    case 401:
    case 403:
      return "auth";
    case 402: // Hull: organization disabled
    case 405:
    case 407:
    case 421:
      return "configuration";
    case 404:
    case 410:
      return "not_found";
    case 408:
    case 425:
      return "transient";
    case 413:
    case 414:
    case 431:
      return "too_large";
    case 429:
      return "throttled";
    case 501:
    case 505:
      return "unknown";
  }
  if (status >= 300 && status < 400) return "configuration"; // redirects are never followed: the address is wrong
  if (status >= 400 && status < 500) return "validation";
  return status >= 500 && status < 600 ? "transient" : "unknown";
}

const FAILURE_KINDS: Readonly<Record<Failure, readonly [RemoteErrorKind, Applied]>> = {
  invalid_request: ["validation", "no"],
  budget_closed: ["transient", "no"],
  client_closed: ["transient", "no"],
  private_address: ["configuration", "no"],
  connection: ["transient", "no"],
  dns: ["transient", "no"],
  tls: ["configuration", "no"],
  timeout: ["transient", "maybe"],
  reset: ["transient", "maybe"],
  stale_socket: ["transient", "maybe"],
  truncated: ["transient", "maybe"],
  response_too_large: ["too_large", "maybe"],
  // The next answer would be the same.
  too_deep: ["unknown", "maybe"],
  cancelled: ["transient", "maybe"],
};

/** Classifies a call that brought no usable answer. */
export function classifyFailure(failure: Failure): { readonly kind: RemoteErrorKind; readonly applied: Applied } {
  const [kind, applied] = FAILURE_KINDS[failure];
  return { kind, applied };
}

const FAILURE_SENTENCES: Readonly<Record<Failure, string>> = {
  invalid_request: "the request could not be built and was not sent",
  budget_closed: "not sent, because the process is stopping",
  client_closed: "not sent, because the client is closed",
  private_address: "not sent: the host resolves to a private address; only hosts named in the settings may be private",
  connection: "no connection; check that the host is right and reachable from here",
  dns: "the host name could not be resolved; check the host or region",
  tls: "no trusted TLS connection; check the host and its certificate",
  timeout: "no complete answer in time",
  reset: "the connection broke before the answer was complete",
  stale_socket: "an idle connection had been closed by the other side",
  truncated: "the answer was cut off",
  response_too_large: "the answer is larger than we accept",
  too_deep: `the answer nests deeper than ${MAX_DEPTH} levels, which no record does`,
  cancelled: "cancelled before the answer was complete",
};

const STATUS_SENTENCES: Readonly<Partial<Record<number, string>>> = {
  401: "the credentials were refused; check the token and the region or host that it belongs to",
  402: "the account is disabled or unpaid on the other side",
  403: "the credentials are valid but lack the right for this call; grant it to the token's owner",
};

const KIND_SENTENCES: Readonly<Record<RemoteErrorKind, string>> = {
  auth: "the credentials were refused",
  configuration: "this address does not serve the call; check the host or region in the settings",
  not_found: "nothing found there",
  validation: "the request was refused as invalid; see the body for the reason",
  too_large: "the request is too large; send less at once",
  throttled: "too many calls; wait before the next one",
  transient: "the other side has a temporary problem; it can be tried again",
  unknown: "an answer that we do not understand",
};

function describe(facts: RemoteErrorFacts): string {
  const { system, method, route, status, failure } = facts;
  const known = status === undefined ? undefined : STATUS_SENTENCES[status];
  const what = facts.what ?? (failure ? FAILURE_SENTENCES[failure] : (known ?? KIND_SENTENCES[facts.kind]));
  return `${system} ${method} ${route}${status === undefined ? "" : ` answered ${status}`}: ${what}`;
}

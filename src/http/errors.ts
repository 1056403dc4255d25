// One error for every remote call that failed: what happened, whether the remote may have acted on it, and what
// a person can do.
import { MAX_DEPTH } from "./guards/json-scan";
import { namedWaitMs, type ResponseHeaders } from "./server-wait";

const KINDS = {
  auth: "the credentials were refused",
  configuration: "this address does not serve the call; check the host or region in the settings",
  not_found: "nothing found there",
  validation: "the request was refused as invalid; see the body for the reason",
  too_large: "the request is too large; send less at once",
  throttled: "too many calls; wait before the next one",
  transient: "the other side has a temporary problem; it can be tried again",
  unknown: "an answer that we do not understand",
} as const;

/**
 * auth: credentials or rights refused · configuration: wrong address, disabled account · not_found · validation: the
 * request itself is wrong · too_large: split it · throttled: come later · transient: it may pass by itself · unknown.
 */
export type RemoteErrorKind = keyof typeof KINDS;

/** Could the remote have applied the request? `no` is a certainty, `maybe` is everything else. */
export type Applied = "no" | "maybe";

const FAILURES = {
  invalid_request: ["validation", "no", "the request could not be built and was not sent"],
  budget_closed: ["transient", "no", "not sent, because the process is stopping"],
  not_permitted: ["transient", "no", "not sent, because another process may work on it by now"],
  client_closed: ["transient", "no", "not sent, because the client is closed"],
  private_address: [
    "configuration",
    "no",
    "not sent: the host resolves to a private address; only hosts named in the settings may be private",
  ],
  connection: ["transient", "no", "no connection; check that the host is right and reachable from here"],
  dns: ["transient", "no", "the host name could not be resolved; check the host or region"],
  tls: ["configuration", "no", "no trusted TLS connection; check the host and its certificate"],
  timeout: ["transient", "maybe", "no complete answer in time"],
  reset: ["transient", "maybe", "the connection broke before the answer was complete"],
  stale_socket: ["transient", "maybe", "an idle connection had been closed by the other side"],
  truncated: ["transient", "maybe", "the answer was cut off"],
  response_too_large: ["too_large", "maybe", "the answer is larger than we accept"],
  // The next answer would be the same.
  too_deep: ["unknown", "maybe", `the answer nests deeper than ${MAX_DEPTH} levels, which no record does`],
  cancelled: ["transient", "maybe", "cancelled before the answer was complete"],
} as const satisfies Readonly<Record<string, readonly [RemoteErrorKind, Applied, string]>>;

/** What went wrong when there is no usable answer. */
export type Failure = keyof typeof FAILURES;

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
  /** What the server's clock showed, if it answered with a time. Milliseconds since the epoch. */
  readonly serverTimeMs?: number | undefined;
  /** Redacted, size-capped excerpt of the answer, for logs. */
  readonly body?: unknown;
  /** The whole parsed answer, for a caller that understands it; never logged. */
  readonly answer?: unknown;
  /** The headers of the answer, for a caller that passes it on; never logged. */
  readonly headers?: ResponseHeaders | undefined;
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
  readonly serverTimeMs: number | undefined;
  readonly body: unknown;
  readonly #answer: unknown;
  readonly #headers: ResponseHeaders | undefined;
  override readonly name = "RemoteError";

  constructor(facts: RemoteErrorFacts) {
    super(describe(facts), { cause: facts.cause });
    this.kind = facts.kind;
    this.system = facts.system;
    this.method = facts.method;
    this.route = facts.route;
    this.applied = facts.applied;
    this.status = facts.status;
    this.failure = facts.failure;
    this.retryAfterMs = facts.retryAfterMs;
    this.serverTimeMs = facts.serverTimeMs;
    this.body = facts.body;
    this.#answer = facts.answer;
    this.#headers = facts.headers;
  }

  /** The whole parsed answer. A getter, because own properties end up in logs. */
  get answer(): unknown {
    return this.#answer;
  }

  /** With lower-case names; undefined when there was no whole answer. */
  get headers(): ResponseHeaders | undefined {
    return this.#headers;
  }
}

/** A successful answer of an unexpected shape, such as a list that is not a list: it may pass by itself. */
export class UnexpectedAnswer extends Error {
  override readonly name = "UnexpectedAnswer";
}

/** Classifies an answer that is not 2xx. Pure; `nowMs` is only for waits given as a date. */
export function classify(
  status: number,
  headers: ResponseHeaders,
  nowMs: number,
): Pick<RemoteErrorFacts, "kind" | "applied" | "retryAfterMs"> {
  // Sites lead on from what they have done, so a redirect proves nothing.
  const applied = status >= 500 || isRedirect(status) ? "maybe" : "no";
  return { kind: kindOf(status), applied, retryAfterMs: namedWaitMs(status, headers, nowMs) };
}

const STATUS_KINDS: Readonly<Partial<Record<number, RemoteErrorKind>>> = {
  401: "auth",
  402: "configuration", // Hull: organization disabled
  403: "auth",
  404: "not_found",
  405: "configuration",
  407: "configuration",
  408: "transient",
  410: "not_found",
  413: "too_large",
  414: "too_large",
  421: "configuration",
  425: "transient",
  429: "throttled",
  431: "too_large",
  501: "unknown",
  505: "unknown",
};

function kindOf(status: number): RemoteErrorKind {
  const known = STATUS_KINDS[status];
  if (known !== undefined) return known;
  if (isRedirect(status)) return "configuration"; // never followed: the address is wrong
  if (status >= 400 && status < 500) return "validation";
  return status >= 500 && status < 600 ? "transient" : "unknown";
}

const isRedirect = (status: number): boolean => status >= 300 && status < 400;

/** Classifies a call that brought no usable answer. */
export function classifyFailure(failure: Failure): Pick<RemoteErrorFacts, "kind" | "applied"> {
  const [kind, applied] = FAILURES[failure];
  return { kind, applied };
}

/**
 * What trouble with the credentials means for the request that needs them: it was not sent. A token endpoint calls
 * wrong credentials an invalid request (RFC 6749 §5.2), and what it does not find is never a record.
 */
export function withoutCredentials(
  error: RemoteError | UnexpectedAnswer,
): Pick<RemoteErrorFacts, "kind" | "applied" | "failure" | "retryAfterMs" | "body" | "answer" | "what" | "cause"> {
  const more = {
    applied: "no",
    what: `not sent, because no credentials could be obtained: ${error.message}`,
    cause: error,
  } as const;
  if (error instanceof UnexpectedAnswer) return { ...more, kind: "transient" };
  const { failure, retryAfterMs, body, answer } = error;
  return { ...more, kind: KINDS_OF_CREDENTIALS[error.kind] ?? error.kind, failure, retryAfterMs, body, answer };
}

const KINDS_OF_CREDENTIALS: Readonly<Partial<Record<RemoteErrorKind, RemoteErrorKind>>> = {
  validation: "auth",
  not_found: "configuration",
  too_large: "configuration",
};

const STATUS_SENTENCES: Readonly<Partial<Record<number, string>>> = {
  401: "the credentials were refused; check the token and the region or host that it belongs to",
  402: "the account is disabled or unpaid on the other side",
  403: "the credentials are valid but lack the right for this call; grant it to the token's owner",
};

function describe(facts: RemoteErrorFacts): string {
  const { system, method, route, status, failure } = facts;
  const usual = failure ? FAILURES[failure][2] : (STATUS_SENTENCES[status ?? 0] ?? KINDS[facts.kind]);
  return `${system} ${method} ${route}${status === undefined ? "" : ` answered ${status}`}: ${facts.what ?? usual}`;
}

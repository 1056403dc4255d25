// The one HTTP client: every request to anybody outside goes through `request`, which takes a unit of the budget,
// obeys the retry law, and turns whatever goes wrong into a RemoteError without secrets.
import mapKeys from "lodash/mapKeys";
import { decode, parseBody, serialise } from "./body";
import { closeAgents, createAgents, type Agents } from "./agents";
import { secretsIn, type AuthProvider } from "./auth";
import { BudgetClosedError, type Budget, type BudgetClass } from "./limits/budget";
import { classify, classifyFailure, RemoteError, UnexpectedAnswer, withoutCredentials } from "./errors";
import type { Failure, RemoteErrorFacts } from "./errors";
import type { Gate } from "./limits/gate";
import type { Log } from "./log";
import { bareError, createRedactor } from "./guards/redact";
import { maySend } from "./guards/permit";
import { decideRetry } from "./retry";
import { buildUrl, type Query, type RouteParams } from "./route";
import { parseHttpDate, type ResponseHeaders } from "./server-wait";
import { joinSignals, unlessAborted } from "./signals";
import { systemClock, systemSleep, type Clock, type Sleep } from "./time";
import { exchange, type Exchange } from "./transport";
import { traceCall, type TracedCall } from "../tracing";

export type Method = "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";

/** One request as sent, for metrics. */
export interface CallRecord {
  readonly system: string;
  readonly method: Method;
  readonly route: string;
  readonly status?: number;
  readonly errorKind?: RemoteErrorFacts["kind"];
  readonly durationMs: number;
}

export interface HttpClientOptions {
  /** The system that we call, for errors, logs and metrics: "planhat", "hull", … */
  readonly system: string;
  /** Scheme, host and optional path prefix. */
  readonly baseUrl: string;
  readonly auth?: AuthProvider | undefined;
  readonly budget?: Budget | undefined;
  /** Limits the requests on the wire at a time; entered when all else is ready, so nobody waits for it in vain. */
  readonly gate?: Gate | undefined;
  /** Per request, body included. */
  readonly timeoutMs?: number | undefined;
  readonly maxResponseBytes?: number | undefined;
  /** Requests per call, the first included. */
  readonly maxAttempts?: number | undefined;
  /** Shortest wait before a retry. */
  readonly retryBaseMs?: number | undefined;
  readonly log?: Log | undefined;
  readonly clock?: Clock | undefined;
  readonly sleep?: Sleep | undefined;
  readonly random?: (() => number) | undefined;
  /** Shared agents; the owner closes them. Without them the client makes and closes its own. */
  readonly agents?: Agents | undefined;
  /** Values that must never be logged, besides those that `auth` hands out. */
  readonly secrets?: readonly string[] | undefined;
  readonly onCall?: ((call: CallRecord) => void) | undefined;
  /** What of the answer to a failed call may be shown and logged. Default: all of it; secrets are removed anyway. */
  readonly visible?: ((answer: unknown, request: HttpRequest) => unknown) | undefined;
}

export interface HttpRequest {
  readonly method: Method;
  /** Template with `:name` places, such as `/endusers/:id`; empty = the base URL itself. */
  readonly route: string;
  readonly params?: RouteParams | undefined;
  readonly query?: Query | undefined;
  /** Sent as JSON; a string is sent as it is. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Budget class; delivery when left out. */
  readonly priority?: BudgetClass | undefined;
  /** Set for writes that may be repeated without harm. GET and HEAD may, unless this says false: some write. */
  readonly safeToRepeat?: boolean | undefined;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /**
   * "text" leaves the body unparsed, "bytes" leaves it as it came, a `Buffer`. Default "json": parsed when it is JSON,
   * else the text.
   */
  readonly expect?: "json" | "text" | "bytes" | undefined;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: ResponseHeaders;
  /** Parsed JSON, else the text; `undefined` when empty. Callers check its shape. See `HttpRequest.expect`. */
  readonly body: unknown;
}

export interface HttpClient {
  /**
   * Sends the request, repeating it where that is safe, and returns any 2xx answer (206 included).
   *
   * @throws RemoteError for every other outcome
   */
  request(request: HttpRequest): Promise<HttpResponse>;
  /** Refuses new requests, cancels running ones and closes own connections. */
  close(): void;
}

export function createHttpClient(options: HttpClientOptions): HttpClient {
  const { system, budget, log } = options;
  const clock = options.clock ?? systemClock;
  const sleep = options.sleep ?? systemSleep;
  const random = options.random ?? Math.random;
  const maxAttempts = options.maxAttempts ?? 3;
  const agents = options.agents ?? createAgents();
  const redactor = createRedactor(options.secrets);
  const closing = new AbortController();

  /** One request on the wire, judged. @param sent how often it was sent before */
  async function attempt(
    request: HttpRequest,
    url: string,
    credentials: Readonly<Record<string, string>>,
    signal: AbortSignal,
    n: number,
    sent: number,
  ): Promise<HttpResponse> {
    const prepared = {
      method: request.method,
      url,
      headers: {
        accept: "application/json, text/plain;q=0.9, */*;q=0.1",
        ...(request.body === undefined ? {} : { "content-type": "application/json" }),
        "user-agent": "hull-planhat-connector",
        ...mapKeys({ ...credentials, ...request.headers }, (_value, name) => name.toLowerCase()),
      },
      body:
        request.body === undefined || typeof request.body === "string"
          ? request.body
          : serialise(request.body, `${request.method} ${request.route}`),
      timeoutMs: request.timeoutMs ?? options.timeoutMs ?? 30_000,
      maxResponseBytes: options.maxResponseBytes ?? 50_000_000,
      agents,
      signal,
    };
    let startedAt = clock();
    let traced: TracedCall | undefined;
    const result = await takePlace(request, signal, async () => {
      startedAt = clock();
      if (!maySend()) return undefined;
      const { method, route } = identity(request);
      traced = traceCall({ system, method, template: route, url, resends: sent });
      return exchange({ ...prepared, headers: { ...prepared.headers, ...traced.headers } });
    });
    if (result === undefined) throw failed(request, "not_permitted", {});
    const outcome = judge(request, result);
    const error = outcome instanceof RemoteError ? outcome : undefined;
    traced?.end({ status: outcome.status, error: error && (error.failure ?? error.kind) });
    const durationMs = clock() - startedAt;
    const call = { ...identity(request), status: outcome.status, errorKind: error?.kind, durationMs };
    options.onCall?.(call);
    log?.debug({ ...call, failure: error?.failure, attempt: n, maxAttempts }, "remote call");
    if (outcome instanceof RemoteError) throw outcome;
    return outcome;
  }

  async function takeUnit(request: HttpRequest, signal: AbortSignal): Promise<void> {
    try {
      if (signal.aborted) throw new DOMException("Aborted before sending.", "AbortError");
      await budget?.take(request.priority ?? "delivery", signal);
    } catch (error) {
      const failure = error instanceof BudgetClosedError ? "budget_closed" : "cancelled";
      // Whatever the failure usually means: here nothing was sent.
      throw failed(request, failure, { applied: "no", cause: error });
    }
  }

  /** Keeps a place among those on the wire for as long as the exchange lasts, which never throws. */
  async function takePlace(
    request: HttpRequest,
    signal: AbortSignal,
    work: () => Promise<Exchange | undefined>,
  ): Promise<Exchange | undefined> {
    if (options.gate === undefined) return work();
    try {
      return await options.gate.run(work, signal);
    } catch (error) {
      throw failed(request, "cancelled", { applied: "no", cause: error });
    }
  }

  async function credentialsFor(request: HttpRequest, signal: AbortSignal): Promise<Readonly<Record<string, string>>> {
    let headers: Readonly<Record<string, string>>;
    try {
      // A token may take its time, for which a call that was cut off does not wait.
      headers = (await unlessAborted(signal, Promise.resolve(options.auth?.headers()))) ?? {};
    } catch (error) {
      if (signal.aborted) throw failed(request, "cancelled", { applied: "no" });
      if (!(error instanceof RemoteError || error instanceof UnexpectedAnswer)) throw error;
      throw new RemoteError({ ...identity(request), ...withoutCredentials(error) });
    }
    redactor.learn(...secretsIn(headers));
    return headers;
  }

  function judge(request: HttpRequest, result: Exchange): HttpResponse | RemoteError {
    if (!result.ok) return failed(request, result.failure, { cause: result.cause });
    const { status, headers, bytes } = result;
    if (isGood(status) && request.expect === "bytes") return { status, headers, body: bytes };
    const text = decode(bytes);
    const parsed = request.expect === "text" ? { body: text === "" ? undefined : text } : parseBody(text, headers);
    if (isGood(status)) {
      if ("body" in parsed) return { status, headers, body: parsed.body };
      const what = parsed.unusable === "truncated" ? { what: "the answer is not complete JSON" } : {};
      return failed(request, parsed.unusable, { status, answer: text, ...what });
    }
    const answer = "body" in parsed ? parsed.body : text;
    return new RemoteError({
      ...identity(request),
      ...classify(status, headers, clock()),
      serverTimeMs: parseHttpDate(headers["date"]),
      status,
      headers,
      body: excerpt(answer, request),
      answer: request.expect === "bytes" ? bytes : answer,
    });
  }

  function excerpt(answer: unknown, request: HttpRequest): unknown {
    return redactor.excerpt(options.visible === undefined ? answer : options.visible(answer, request));
  }

  function identity(request: HttpRequest): Pick<CallRecord, "system" | "method" | "route"> {
    return { system, method: request.method, route: request.route === "" ? "/" : request.route };
  }

  function failed(
    request: HttpRequest,
    failure: Failure,
    more: Partial<Pick<RemoteErrorFacts, "applied" | "cause" | "status" | "answer" | "what">>,
  ): RemoteError {
    return new RemoteError({
      ...identity(request),
      ...classifyFailure(failure),
      failure,
      ...more,
      ...(more.answer === undefined ? {} : { body: excerpt(more.answer, request) }),
      cause: bareError(more.cause, (message) => redactor.text(message)),
    });
  }

  async function send(request: HttpRequest, url: string, signal: AbortSignal): Promise<HttpResponse> {
    const safeToRepeat = request.safeToRepeat ?? (request.method === "GET" || request.method === "HEAD");
    let n = 1;
    let sent = 0;
    let staleRetryUsed = false;
    let renewed = false;
    for (;;) {
      let credentials: Readonly<Record<string, string>> = {};
      try {
        await takeUnit(request, signal);
        credentials = await credentialsFor(request, signal);
        return await attempt(request, url, credentials, signal, n, sent);
      } catch (error) {
        if (!(error instanceof RemoteError)) throw error;
        sent += 1;
        if (error.status === 401 && !renewed && options.auth?.renew?.(credentials) === true) {
          renewed = true;
          continue;
        }
        const decision = decideRetry({
          attempt: n,
          maxAttempts,
          error,
          safeToRepeat,
          staleRetryUsed,
          random,
          baseMs: options.retryBaseMs ?? 500,
        });
        // Where it cannot be counted, nothing else starts either; what the service said counts.
        if (error.kind === "throttled") await budget?.penalise(decision.waitMs).catch(() => undefined);
        if (!decision.retry) throw error;
        const { waitMs, reason } = decision;
        const { status, failure } = error;
        const facts = { ...identity(request), status, failure, attempt: n, maxAttempts, waitMs, reason };
        log?.warn(facts, "remote call is repeated");
        if (reason === "stale_socket") staleRetryUsed = true;
        else n += 1;
        // An aborted wait ends the call with the error that caused it: that is what happened to the request.
        if (waitMs > 0) await sleep(waitMs, signal).catch(() => Promise.reject(error));
      }
    }
  }

  return {
    async request(request) {
      if (closing.signal.aborted) throw failed(request, "client_closed", {});
      const built = buildUrl(options.baseUrl, request.route, request.params, request.query);
      if (!built.ok) throw failed(request, "invalid_request", { what: `not sent: ${built.problem}` });
      const joined = joinSignals(closing.signal, request.signal);
      try {
        return await send(request, built.url, joined.signal);
      } finally {
        joined.release();
      }
    },
    close() {
      closing.abort();
      if (options.agents === undefined) closeAgents(agents);
    },
  };
}

const isGood = (status: number): boolean => status >= 200 && status < 300;

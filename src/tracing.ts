/**
 * Traces by the OpenTelemetry API, which only this file knows. Without an SDK in the process there are no spans: nothing is
 * recorded, stored or sent, and each function costs next to nothing. See docs/operations/traces.md.
 */
import {
  context,
  isSpanContextValid,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Attributes,
  type Context,
  type Span,
  type SpanContext,
} from "@opentelemetry/api";

/** Where a trace goes on, as stored and sent: a W3C `traceparent` of version 00, 55 characters. */
export type TraceParent = string;

/** Nothing else gets in, whoever sent or stored it. */
const FORM = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
/** As many as an SDK keeps by default. */
const MOST_LINKS = 128;
const HTTP_METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
const KINDS = { internal: SpanKind.INTERNAL, producer: SpanKind.PRODUCER, consumer: SpanKind.CONSUMER } as const;

const NAME = "hull-planhat-connector";
const tracer = trace.getTracer(NAME);

/** Says that what a span stands for failed, and how: a word of few values, never a message. */
export type Fail = (errorType: string) => void;

export interface SpanOptions {
  readonly kind?: keyof typeof KINDS;
  /** By the semantic conventions; never what says who somebody is, and never a value of theirs. */
  readonly attributes?: Attributes;
  /** Where the traces of what it works on go on, as they were stored; many may be the same, or absent. */
  readonly traces?: readonly (TraceParent | undefined)[] | undefined;
}

/** Does work within a span of the given name, which has few values; work that throws has failed. */
export async function inSpan<T>(name: string, options: SpanOptions, work: (fail: Fail) => Promise<T>): Promise<T> {
  const { kind = "internal", attributes = {}, traces = [] } = options;
  const { parent, links } = parentAndLinks(traces);
  const span = tracer.startSpan(name, { kind: KINDS[kind], attributes, links }, parent);
  const fail = failing(span);
  // Without an SDK there is nothing to end. A span that is not sampled stays active, so that its children are not either.
  if (!isSpanContextValid(span.spanContext())) return work(fail);
  try {
    return await context.with(trace.setSpan(parent, span), work, undefined, fail);
  } catch (error) {
    fail(error instanceof Error ? error.name : "_OTHER");
    throw error;
  } finally {
    span.end();
  }
}

/** Work on what stands in one of our queues. */
export interface QueueWork {
  /** Names the span, together with the type. */
  readonly operation: "accept" | "deliver" | "write" | "update";
  readonly queue: "outbox" | "hull_updates";
  readonly service: string;
  /** Object type, or Hull's entity where it has none yet. */
  readonly type?: string;
  readonly count: number;
  /** See `SpanOptions`. */
  readonly traces?: SpanOptions["traces"];
}

/** The same by the conventions of messaging, in which a queue is a destination. */
export function inQueueSpan<T>(
  { operation, queue, service, type, count, traces }: QueueWork,
  work: (fail: Fail) => Promise<T>,
): Promise<T> {
  const accepts = operation === "accept";
  const attributes = {
    "messaging.system": NAME,
    "messaging.destination.name": queue,
    "messaging.operation.name": operation,
    "messaging.operation.type": accepts ? "send" : "process",
    "messaging.batch.message_count": count,
    "connector.service": service,
    "connector.type": type,
  };
  const name = `${operation} ${type ?? "hull"}`;
  return inSpan(name, { kind: accepts ? "producer" : "consumer", attributes, traces }, work);
}

/**
 * Work on many things belongs to one trace and links to the others: to the one it is done in, or else to the first of
 * theirs; but what all belongs to one trace goes on in that.
 */
function parentAndLinks(traces: readonly (TraceParent | undefined)[]): {
  readonly parent: Context;
  readonly links: { readonly context: SpanContext }[];
} {
  const active = context.active();
  const known = new Map<string, SpanContext>();
  for (const text of traces) {
    const found = readTraceParent(text);
    if (found !== undefined && !known.has(found.traceId)) known.set(found.traceId, found);
    if (known.size > MOST_LINKS) break;
  }
  const [first] = known.values();
  if (first === undefined) return { parent: active, links: [] };
  const here = trace.getSpanContext(active);
  const staysHere = here !== undefined && (known.size > 1 || known.has(here.traceId));
  const parent = staysHere ? active : trace.setSpanContext(active, first);
  const own = staysHere ? here.traceId : first.traceId;
  const others = [...known.values(), ...(here === undefined ? [] : [here])].filter(({ traceId }) => traceId !== own);
  return { parent, links: others.slice(0, MOST_LINKS).map((each) => ({ context: each })) };
}

/** Reads what came from outside or was stored. @returns undefined unless it is exactly of that form, and names a span */
export function readTraceParent(text: unknown): SpanContext | undefined {
  if (typeof text !== "string") return undefined;
  const [, traceId = "", spanId = "", flags = ""] = FORM.exec(text) ?? [];
  const found = { traceId, spanId, traceFlags: parseInt(flags, 16) & TraceFlags.SAMPLED, isRemote: true };
  return isSpanContextValid(found) ? found : undefined;
}

const textOf = ({ traceId, spanId, traceFlags }: SpanContext): TraceParent =>
  `00-${traceId}-${spanId}-0${traceFlags & TraceFlags.SAMPLED}`;

/** What is to be stored with what waits: undefined unless a span is active that is recorded and sampled. */
export function currentTrace(): TraceParent | undefined {
  const span = trace.getActiveSpan();
  if (span?.isRecording() !== true) return undefined;
  const found = span.spanContext();
  return (found.traceFlags & TraceFlags.SAMPLED) === 0 ? undefined : textOf(found);
}

/** Fields of a log line that lead to the active span; undefined without one. */
export function traceFields(): { readonly trace_id: string; readonly span_id: string } | undefined {
  const found = trace.getActiveSpan()?.spanContext();
  return found === undefined || !isSpanContextValid(found)
    ? undefined
    : { trace_id: found.traceId, span_id: found.spanId };
}

/** Does work that belongs to nobody's trace: whoever happened to ask for it first has nothing to do with it. */
export const detached = <T>(work: () => T): T => context.with(ROOT_CONTEXT, work);

/** The same function, called within the current span by whoever calls it, such as a stream. */
export const bound = <F extends (...given: never[]) => unknown>(work: F): F => context.bind(context.active(), work);

/** What became of a request: its status, or why there is none. */
export interface CallEnd {
  readonly status?: number | undefined;
  /** A word of few values. */
  readonly error?: string | undefined;
}

export interface CallToTrace {
  readonly method: string;
  /** Without values, such as `/endusers/:id`; undefined where there is none. */
  readonly template?: string;
  readonly url: string;
  /** Whom we call: "planhat", "hull", … */
  readonly system: string;
  /** How often it was sent before. */
  readonly resends?: number;
}

export interface TracedCall {
  /** To be sent with it, so that the other side can go on with the trace. */
  readonly headers: Readonly<Record<string, string>>;
  end(ended: CallEnd): void;
}

/** Begins the span of one request to somebody outside. */
export function traceCall({ method, template, url, system, resends = 0 }: CallToTrace): TracedCall {
  const name = template === undefined ? method : `${method} ${template}`;
  const span = tracer.startSpan(name, { kind: SpanKind.CLIENT });
  const here = span.spanContext();
  if (span.isRecording()) {
    const { hostname, port, protocol } = new URL(url);
    span.setAttributes({
      "http.request.method": method,
      "url.template": template,
      "server.address": hostname,
      "server.port": Number(port === "" ? (protocol === "https:" ? 443 : 80) : port),
      "connector.system": system,
      "http.request.resend_count": resends === 0 ? undefined : resends,
    });
  }
  return {
    headers: isSpanContextValid(here) ? { traceparent: textOf(here) } : {},
    end: ({ status, error }) => {
      span.setAttributes({ "http.response.status_code": status });
      if (status !== undefined && status >= 400) failing(span)(String(status));
      else if (error !== undefined) failing(span)(error);
      span.end();
    },
  };
}

export interface TracedRequest {
  /** Whether anybody is interested in its end. */
  readonly isRecorded: boolean;
  /** Does work within its span. */
  within(work: () => void): void;
  /** @param route without values; undefined when none was found */
  end(ended: CallEnd & { readonly route: string | undefined }): void;
}

/** Begins the span of a request that somebody sent to us. @param parent the header `traceparent`, as it came */
export function traceRequest(method: string, parent: unknown): TracedRequest {
  const isKnown = HTTP_METHODS.has(method);
  const name = isKnown ? method : "HTTP";
  const active = context.active();
  const sender = trace.getSpanContext(active) === undefined ? readTraceParent(parent) : undefined;
  const from = sender === undefined ? active : trace.setSpanContext(active, sender);
  const attributes = { "http.request.method": isKnown ? method : "_OTHER" };
  const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, from);
  return {
    isRecorded: span.isRecording(),
    within: (work) => context.with(trace.setSpan(from, span), work),
    end: ({ route, status, error }) => {
      if (route !== undefined) span.updateName(`${name} ${route}`);
      span.setAttributes({ "http.route": route, "http.response.status_code": status });
      if (status !== undefined && status >= 500) failing(span)(String(status));
      else if (error !== undefined) failing(span)(error);
      span.end();
    },
  };
}

const failing =
  (span: Span): Fail =>
  (errorType) => {
    span.setAttribute("error.type", errorType);
    span.setStatus({ code: SpanStatusCode.ERROR });
  };

/** Where a span of work on many things belongs, and what is stored of it. */
import { context, trace } from "@opentelemetry/api";
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";
import { currentTrace, detached, inSpan, readTraceParent, traceCall, traceFields } from "../../src/tracing";

const inMemory = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(inMemory)] });

beforeAll(() => provider.register());
afterAll(() => {
  trace.disable();
  context.disable();
});
beforeEach(() => inMemory.reset());

const traceId = (number: number): string => number.toString(16).padStart(32, "0");
const parentOf = (number: number): string => `00-${traceId(number)}-00f067aa0ba902b7-01`;
const nothing = (): Promise<void> => Promise.resolve();

/** The trace of a span, and those it links to. */
function placeOf(name: string): readonly [trace: string, ...links: string[]] {
  const span = inMemory.getFinishedSpans().find((each) => each.name === name);
  if (span === undefined) throw new Error(`No span ${name} has ended.`);
  return [span.spanContext().traceId, ...span.links.map((link) => link.context.traceId)];
}

test("work on things of several traces belongs to the first and links to each other one once", async () => {
  const traces = [undefined, parentOf(2), "no trace", parentOf(3), parentOf(2), parentOf(1), parentOf(3)];
  await inSpan("work", { traces }, nothing);
  expect(placeOf("work")).toEqual([2, 3, 1].map(traceId));
});

test("it links to 128 others at the most", async () => {
  await inSpan("work", { traces: Array.from({ length: 5_000 }, (_, at) => parentOf(at + 1)) }, nothing);
  expect(placeOf("work")).toEqual(Array.from({ length: 129 }, (_, at) => traceId(at + 1)));
});

test("a part of it that is all of one trace goes on there and links to the whole; any other part stays in the whole", async () => {
  await inSpan("whole", { traces: [1, 2, 3].map(parentOf) }, async () => {
    await inSpan("second", { traces: [parentOf(2), parentOf(2)] }, nothing);
    await inSpan("first", { traces: [parentOf(1)] }, nothing);
    await inSpan("others", { traces: [parentOf(2), parentOf(3)] }, nothing);
    await inSpan("unknown", { traces: [undefined] }, nothing);
  });
  expect(placeOf("second")).toEqual([traceId(2), traceId(1)]);
  expect(placeOf("first")).toEqual([traceId(1)]);
  expect(placeOf("others")).toEqual([traceId(1), traceId(2), traceId(3)]);
  expect(placeOf("unknown")).toEqual([traceId(1)]);
});

test("what is stored leads to the active span and is read again; outside of one there is nothing", async () => {
  expect([currentTrace(), traceFields()]).toEqual([undefined, undefined]);
  await inSpan("work", {}, () => {
    const { trace_id, span_id } = traceFields() ?? {};
    expect(currentTrace()).toBe(`00-${trace_id}-${span_id}-01`);
    expect(readTraceParent(currentTrace())).toMatchObject({ traceId: trace_id, spanId: span_id, traceFlags: 1 });
    expect(detached(currentTrace)).toBeUndefined();
    return nothing();
  });
});

test("work that throws has failed, and its message is not shown", async () => {
  const failing = inSpan("work", {}, () => Promise.reject(new RangeError("mia@example.com is too long")));
  await expect(failing).rejects.toThrow(RangeError);
  const [span] = inMemory.getFinishedSpans();
  expect(span).toMatchObject({ status: { code: 2 }, attributes: { "error.type": "RangeError" }, events: [] });
  expect(span?.status.message).toBeUndefined();
});

test("a call shows its host and port, and of its address nothing else", () => {
  const call = traceCall({
    method: "GET",
    url: "https://mia:pw@api.example.com/users/mia?key=4711",
    system: "planhat",
  });
  call.end({ error: "timeout" });
  const [span] = inMemory.getFinishedSpans();
  expect(call.headers).toEqual({ traceparent: `00-${span?.spanContext().traceId}-${span?.spanContext().spanId}-01` });
  expect(span?.name).toBe("GET");
  expect(span?.attributes).toEqual({
    "http.request.method": "GET",
    "server.address": "api.example.com",
    "server.port": 443,
    "connector.system": "planhat",
    "error.type": "timeout",
  });
});

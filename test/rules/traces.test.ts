/** Which spans belong to which trace, and what they say: the connector in this process, with an SDK that keeps them. */
import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
  type ReadableSpan,
} from "@opentelemetry/sdk-trace-node";
import type { Call } from "../../simulators/loopback";
import { account, useFixtures, user, type Bag, type Fixture } from "../fixture/fixture";
import { carryOut, rowsOf } from "../fixture/batches";
import { buildAccountMessage } from "../../simulators/hull";

const open = useFixtures();
const SENDER = "00f067aa0ba902b7";
const traceOf = (digit: string) => digit.repeat(32);
const from = (trace: string, flags = "01") => ({ headers: { traceparent: `00-${trace}-${SENDER}-${flags}` } });

const inMemory = new InMemorySpanExporter();

/** Attaches the SDK for the tests that follow. */
function attached(): void {
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(inMemory)] });
  beforeAll(() => provider.register());
  afterAll(() => {
    trace.disable();
    context.disable();
  });
  // By now nothing of the test before is under way.
  beforeEach(() => inMemory.reset());
}

const spans = (name?: string): readonly ReadableSpan[] =>
  inMemory.getFinishedSpans().filter((span) => name === undefined || span.name === name);

const only = (name: string): ReadableSpan => {
  const [span, ...more] = spans(name);
  if (span === undefined || more.length > 0)
    throw new Error(
      `There is not one ${name}, but ${spans()
        .map((each) => each.name)
        .join(", ")}.`,
    );
  return span;
};

/** What all spans show of what they are about, as one text. */
const shown = (): string =>
  JSON.stringify(spans().map(({ name, attributes, status, events }) => [name, attributes, status, events]));

const parentsSent = (calls: readonly Call[]) => calls.map(({ headers }) => headers["traceparent"]);

const tell = (fixture: Fixture, told: Bag, more: Parameters<Fixture["send"]>[2]) =>
  fixture.send("account:update", [buildAccountMessage(told)], more);

async function waiting(fixture: Fixture, id: unknown): Promise<string | undefined> {
  const { entry } = await fixture.connector.store.inspectRecord(fixture.lane, "companies", String(id));
  expect(entry).toBeDefined();
  return (entry?.content ?? entry?.attempt?.content)?.trace;
}

test("without an SDK a sender's trace is neither stored nor passed on, and no log line has one", async () => {
  const fixture = await open();
  const told = account(1);
  await fixture.together(async () => {
    await tell(fixture, told, from(traceOf("a")));
    expect(await waiting(fixture, told["id"])).toBeUndefined();
  });
  await fixture.settled();
  expect(fixture.calls.length).toBeGreaterThan(0);
  expect(parentsSent(fixture.calls)).toEqual(fixture.calls.map(() => undefined));
  expect(JSON.stringify(fixture.logs)).not.toContain("trace_id");
});

describe("with an SDK", () => {
  attached();

  test("a trace outlives the process that began it, and log lines lead to it", async () => {
    const fixture = await open();
    const toHull: Call[] = [];
    fixture.hull.on("request", (call) => void toHull.push(call));
    const down = fixture.planhat.faults.add({ kind: "status", status: 503 });
    await tell(fixture, account(1), from(traceOf("a")));
    await fixture.until(() => down.hits > 0);
    await fixture.crash();
    down.remove();
    await fixture.settledWithHelp();
    await fixture.until(() => spans("update hull").length > 0);
    const [written] = spans("write companies").slice(-1);
    expect(written?.spanContext().traceId).toBe(traceOf("a"));
    expect(only("update hull").spanContext().traceId).toBe(traceOf("a"));
    expect(parentsSent(fixture.calls).at(-1)).toMatch(`00-${traceOf("a")}-`);
    expect(parentsSent(toHull).at(-1)).toMatch(`00-${traceOf("a")}-`);
    const sent = fixture.logs.find(({ message }) => message === "outgoing.account.success");
    expect(sent).toMatchObject({ trace_id: traceOf("a"), span_id: expect.stringMatching(/^[0-9a-f]{16}$/) as string });
    // The log-in at Hull belongs to the request that asked for it.
    expect(spans("GET /app")[0]?.spanContext().traceId).toBe(traceOf("a"));
    const failed = spans().find(({ kind, status }) => kind === SpanKind.CLIENT && status.code === SpanStatusCode.ERROR);
    expect(failed?.attributes).toMatchObject({ "error.type": "503", "http.response.status_code": 503 });
  });

  test("what is delivered together belongs to the first trace and links to the others; newer content brings its own", async () => {
    const fixture = await open();
    await fixture.together(async () => {
      for (const digit of ["a", "b", "c"])
        await tell(fixture, account(Number.parseInt(digit, 16)), from(traceOf(digit)));
      const newer = account(Number.parseInt("b", 16), { name: "Newer" });
      await tell(fixture, newer, from(traceOf("d")));
      expect(await waiting(fixture, newer["id"])).toMatch(`00-${traceOf("d")}-`);
    });
    await fixture.settled();
    await fixture.until(() => spans("update hull").length > 0);
    for (const name of ["deliver companies", "update hull"]) {
      const { links, attributes } = only(name);
      const traces = [only(name).spanContext(), ...links.map((link) => link.context)].map(({ traceId }) => traceId);
      expect(traces.sort()).toEqual([traceOf("a"), traceOf("c"), traceOf("d")]);
      expect(attributes["messaging.batch.message_count"]).toBe(3);
    }
    const delivery = only("deliver companies").spanContext();
    expect(only("write companies").parentSpanContext?.spanId).toBe(delivery.spanId);
  });

  test("what is not sampled is neither recorded nor stored", async () => {
    const fixture = await open();
    const told = account(1);
    await fixture.together(async () => {
      await tell(fixture, told, from(traceOf("a"), "00"));
      expect(await waiting(fixture, told["id"])).toBeUndefined();
    });
    await fixture.settled();
    // It was recorded nowhere, and the call begins a trace of its own: nobody says that it should not.
    expect(spans("accept account")).toEqual([]);
    expect(spans().some((span) => span.spanContext().traceId === traceOf("a"))).toBe(false);
  });

  test("a traceparent of another form begins a trace of its own, and nothing of it is passed on", async () => {
    const hostile = [
      `00-${traceOf("a")}-${SENDER}-01-more`,
      `ff-${traceOf("a")}-${SENDER}-01`,
      `00-${traceOf("A")}-${SENDER}-01`,
      `00-${traceOf("0")}-${SENDER}-01`,
      `00-${traceOf("a")}-${"0".repeat(16)}-01`,
      `00-${traceOf("a")}-${SENDER}-01, 00-${traceOf("a")}-${SENDER}-01`,
      "x".repeat(4_000),
    ];
    const fixture = await open();
    for (const [index, traceparent] of hostile.entries()) {
      await tell(fixture, account(index), { headers: { traceparent, tracestate: "evil=1", baggage: "evil=1" } });
    }
    await fixture.settled();
    await fixture.until(() => spans("POST /smart-notifier").length === hostile.length);
    expect(spans("POST /smart-notifier").filter(({ parentSpanContext }) => parentSpanContext !== undefined)).toEqual(
      [],
    );
    const sent = JSON.stringify(fixture.calls.map(({ headers }) => headers));
    expect(sent).toMatch(/"traceparent":"00-[0-9a-f]{32}-[0-9a-f]{16}-01"/);
    expect(sent).not.toMatch(/evil|a{32}|xxxx/i);
  });

  test("requests are named by their route, whatever becomes of them", async () => {
    const fixture = await open();
    const asked = async (path: string, method = "GET") => (await fetch(`${fixture.baseUrl}${path}`, { method })).status;
    expect(await asked("/planhat/api/internal/runs/some-id?org=x")).toBe(401);
    expect(await asked("/api/internal/dead-letters/some-id/replay", "POST")).toBe(400);
    expect(await asked("/PLANHAT/smart-notifier", "POST")).toBe(400);
    expect(await asked("/no/such/mia@example.com")).toBe(404);
    expect(await asked("/planhat")).toBe(200);
    expect(await asked("/health")).toBe(200);
    const names = [
      "GET /planhat/api/internal/runs/:id",
      "POST /api/internal/dead-letters/:id/replay",
      "POST /planhat/smart-notifier",
    ];
    await fixture.until(() => spans().length === 5);
    expect(spans().map(({ name }) => name)).toEqual([...names, "GET", "GET /planhat"]);
    expect(spans("POST /planhat/smart-notifier")[0]).toMatchObject({
      status: { code: SpanStatusCode.UNSET },
      attributes: { "http.response.status_code": 400, "http.route": "/planhat/smart-notifier" },
    });
    expect(shown()).not.toMatch(/some-id|mia/);
  });

  test("a batch is a trace, from the file to Hull, and a fetch is another one", async () => {
    const fixture = await open();
    const rows = rowsOf([user(1), user(2)]);
    await carryOut(fixture, rows);
    await fixture.fetch("users");
    await fixture.until(() => spans("run fetch").length > 0 && spans("update hull").length > 0);
    const batch = only("run batch").spanContext();
    expect(only("run batch").parentSpanContext).toBeUndefined();
    const names = spans().flatMap((span) => (span.spanContext().traceId === batch.traceId ? [span.name] : []));
    expect(names).toEqual(
      expect.arrayContaining(["GET", "accept user", "deliver endusers", "PUT /endusers", "update hull"]),
    );
    // The company that was made for them is in the trace of those who needed it.
    expect(names).toContain("write companies");
    const [list] = spans("GET /endusers").slice(-1);
    expect(list?.parentSpanContext?.spanId).toBe(only("run fetch").spanContext().spanId);
    expect(only("run fetch").attributes).toEqual({
      "connector.service": "planhat",
      "connector.type": "endusers",
      "connector.dry_run": false,
    });
    // An extract's link is signed.
    expect(only("GET").attributes).toMatchObject({
      "http.response.status_code": 200,
      "connector.system": "hull-extract",
    });
    expect(shown()).not.toMatch(/user-1|extract.*\?|example\.com/);
  });
});

/** Traces of the connector as a process, with an SDK attached as docs/operations/traces.md says, and without one. */
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { buildAccountMessage, buildUserMessage } from "../../simulators/hull";
import { createRandom, type Call } from "../../simulators/loopback";
import type { Platforms } from "../fixture/platforms";
import { CONNECTOR } from "../fixture/settings";
import { useClusters } from "../fixture/cluster";
import { openCollector, type CollectedSpan, type Collector } from "../fixture/otlp-collector";
import { inStore, useProcessFixtures } from "../fixture/process";

const ROOT = join(__dirname, "../..");
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SENDER = "00f067aa0ba902b7";
const TRACEPARENT = `00-${TRACE}-${SENDER}-01`;
const ACCOUNT = { id: "a1", external_id: "acme", name: "Acme" };
const USER = { id: "u1", external_id: "mia", email: "mia.miller@example.com", name: "Mia Miller" };

const processes = useProcessFixtures();
const openCluster = useClusters();
let folder = "";
let collector: Collector;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "traces-"));
  collector = await openCollector();
});

afterEach(async () => {
  await collector.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What the page tells people to do, to the letter. */
function attached(): Record<string, string> {
  const page = readFileSync(join(ROOT, "docs/operations/traces.md"), "utf8");
  const [, snippet = ""] = /```js\n([^`]+)```/.exec(page) ?? [];
  const script = join(folder, "tracing.js");
  writeFileSync(script, snippet);
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  return {
    NODE_OPTIONS: `--require ${script}`,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    // How long the SDK waits for more. Milliseconds.
    OTEL_BSP_SCHEDULE_DELAY: "20",
  };
}

const spansOf = (trace: string): readonly CollectedSpan[] => collector.spans.filter(({ traceId }) => traceId === trace);

/** The names of a span's ancestors, the nearest first, and at last the id of one that is not ours. */
function pathOf({ parentSpanId }: CollectedSpan): readonly string[] {
  if (parentSpanId === undefined) return [];
  const parent = collector.spans.find(({ spanId }) => spanId === parentSpanId);
  return parent === undefined ? [parentSpanId] : [parent.name, ...pathOf(parent)];
}

const pathsOf = (trace: string, name: string): readonly string[] =>
  [...new Set(spansOf(trace).flatMap((span) => (span.name === name ? [pathOf(span).join(" < ")] : [])))].sort();

const isTold = ({ hull }: Platforms) => typeof hull.profiles.users.get(USER.id)?.attributes["planhat/id"] === "string";

/** What the calls of some kind carried. */
const parentsOf = (calls: readonly Call[], route: string): readonly (string | undefined)[] =>
  calls.flatMap((call) => (call.route === route ? [call.headers["traceparent"]?.toString()] : []));

const ACCEPTED = `accept user < POST /smart-notifier < ${SENDER}`;

test("one trace leads from a notification over a restart to the service and to Hull, and names nobody", async () => {
  const fixture = await processes.open({ seed: 1, environment: attached() });
  const { server, hull, planhat } = fixture;
  const toHull: Call[] = [];
  hull.on("request", (call) => void toHull.push(call));
  const down = planhat.faults.add({ kind: "status", status: 503 });
  const message = buildUserMessage(USER, { account: ACCOUNT });
  await fixture.send("user:update", [message], { headers: { traceparent: TRACEPARENT } });
  await fixture.reached(() => down.hits > 0);
  // What is in memory is gone; what was not sent to the collector too.
  await server.kill();
  await server.up();
  planhat.faults.clear();
  await fixture.drained(() => isTold(fixture));

  const spans = spansOf(TRACE);
  expect(new Set(spans.map(({ instance }) => instance)).size).toBe(2);
  expect(pathsOf(TRACE, "accept user")).toEqual([`POST /smart-notifier < ${SENDER}`]);
  expect(pathsOf(TRACE, "PUT /companies")).toEqual([`write companies < deliver companies < ${ACCEPTED}`]);
  expect(pathsOf(TRACE, "PUT /endusers")).toEqual([`write endusers < deliver endusers < ${ACCEPTED}`]);
  expect(pathsOf(TRACE, "POST /")).toEqual([`update hull < ${ACCEPTED}`]);
  const [written] = spans.filter(({ name, failed }) => name === "PUT /endusers" && !failed);
  expect(written).toMatchObject({
    kind: "client",
    attributes: {
      "http.request.method": "PUT",
      "url.template": "/endusers",
      "http.response.status_code": 200,
      "server.address": "127.0.0.1",
      "server.port": Number(new URL(planhat.url).port),
      "connector.system": "planhat",
    },
    links: [],
  });
  expect(spans.find(({ name }) => name === "deliver endusers")).toMatchObject({
    kind: "consumer",
    attributes: { "messaging.destination.name": "outbox", "messaging.batch.message_count": 1 },
  });
  expect(spans.find(({ kind }) => kind === "server")?.attributes).toMatchObject({
    "http.route": "/smart-notifier",
    "http.response.status_code": 200,
  });
  const refused = spans.filter(({ attributes }) => attributes["error.type"] === "503");
  expect(refused.map(({ kind, failed }) => [kind, failed])).toContainEqual(["client", true]);
  expect(parentsOf(fixture.calls, "PUT /endusers").at(-1)).toBe(`00-${TRACE}-${written?.spanId}-01`);
  expect(parentsOf(toHull, "POST /firehose").every((header) => header?.startsWith(`00-${TRACE}-`))).toBe(true);
  // Neither the spans of this trace nor any other one say whom it was about.
  const said = collector.received.join("\n");
  for (const secret of [USER.email, USER.name, "mia", ACCOUNT.name, "acme", CONNECTOR.id, CONNECTOR.secret]) {
    expect(said).not.toContain(secret);
  }
}, 60_000);

test("notifications that are delivered together link to each other's traces", async () => {
  const fixture = await processes.open({ seed: 3, environment: attached() });
  const down = fixture.planhat.faults.add({ kind: "status", status: 503 });
  const traces = ["1", "2", "3"].map((digit) => digit.repeat(32));
  for (const [index, trace] of traces.entries()) {
    const message = buildAccountMessage({ ...ACCOUNT, id: `a${index}`, external_id: `acme ${index}` });
    const headers = { traceparent: `00-${trace}-${SENDER}-01` };
    await fixture.send("account:update", [message], { headers });
  }
  await fixture.reached(() => down.hits > 0);
  await fixture.server.kill();
  await fixture.server.up();
  fixture.planhat.faults.clear();
  await fixture.drained(() => fixture.companies().length === traces.length);

  const all = collector.spans.filter(({ name, attributes }) => {
    return name === "deliver companies" && attributes["messaging.batch.message_count"] === traces.length;
  });
  expect(all.length).toBeGreaterThan(0);
  for (const { traceId, links } of all) expect([traceId, ...links.map((link) => link.traceId)].sort()).toEqual(traces);
}, 60_000);

test("it leads from a web process to a worker", async () => {
  const cluster = await openCluster({ seed: 2, webs: 1, workers: 1, environment: attached() });
  const message = buildUserMessage(USER, { account: ACCOUNT });
  await cluster.send("user:update", [message], { headers: { traceparent: TRACEPARENT } });
  await cluster.until(() => isTold(cluster));
  for (const server of [...cluster.webs, ...cluster.workers]) await cluster.stop(server);

  expect(pathsOf(TRACE, "PUT /endusers")).toEqual([`write endusers < deliver endusers < ${ACCEPTED}`]);
  expect(pathsOf(TRACE, "POST /")).toEqual([`update hull < ${ACCEPTED}`]);
  const instances = (name: string) =>
    new Set(spansOf(TRACE).flatMap((span) => (span.name === name ? [span.instance] : [])));
  const [web] = instances("accept user");
  const [worker] = instances("PUT /endusers");
  expect(web).not.toBe(worker);
  expect(instances("POST /")).toEqual(new Set([worker]));
}, 60_000);

test("a header of another form begins a trace of its own, and is passed on to nobody", async () => {
  const fixture = await processes.open({ seed: 4, environment: attached() });
  const hostile = [
    `00-${TRACE}-${SENDER}-01-more`,
    `ff-${TRACE}-${SENDER}-01`,
    `00-${TRACE.toUpperCase()}-${SENDER}-01`,
    `00-${"0".repeat(32)}-${SENDER}-01`,
    `00-${TRACE}-${"0".repeat(16)}-01`,
    `${"x".repeat(4_000)}`,
  ];
  for (const [index, traceparent] of hostile.entries()) {
    const message = buildAccountMessage({ ...ACCOUNT, id: `a${index}`, external_id: `acme ${index}` });
    const headers = { traceparent, tracestate: "evil=1", baggage: "evil=1" };
    await fixture.send("account:update", [message], { headers });
  }
  await fixture.drained(() => fixture.companies().length === hostile.length);

  const accepted = collector.spans.filter(({ kind }) => kind === "server");
  expect(accepted.map(({ parentSpanId }) => parentSpanId)).toEqual(hostile.map(() => undefined));
  expect(collector.received.join("\n").toLowerCase()).not.toContain(TRACE);
  const sent = JSON.stringify(fixture.calls.map(({ headers }) => headers));
  expect(sent).not.toContain("evil");
  expect(sent).toMatch(/"traceparent":"00-[0-9a-f]{32}-[0-9a-f]{16}-01"/);
}, 60_000);

test("without an SDK no trace is passed on, and none is stored", async () => {
  const fixture = await processes.open({ seed: 5 });
  const down = fixture.planhat.faults.add({ kind: "status", status: 503 });
  const message = buildAccountMessage(ACCOUNT);
  await fixture.send("account:update", [message], { headers: { traceparent: TRACEPARENT } });
  await fixture.reached(() => down.hits > 0);
  await fixture.server.stop();
  const record = await inStore(fixture.dataDir, (store) => store.inspectRecord(fixture.lane, "companies", ACCOUNT.id));
  const { content } = record.entry ?? {};
  expect(content?.desired.fields["name"]).toBe(ACCOUNT.name);
  expect(content?.trace).toBeUndefined();
  expect(parentsOf(fixture.calls, fixture.calls[0]?.route ?? "")).toContain(undefined);
  expect(fixture.calls.every(({ headers }) => headers["traceparent"] === undefined)).toBe(true);
}, 60_000);

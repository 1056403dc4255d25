/** Traces of the connector as a process, with an SDK attached as docs/operations/traces.md says. */
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { buildUserMessage } from "../../simulators/hull";
import type { Call } from "../../simulators/loopback";
import type { Platforms } from "../fixture/platforms";
import { CONNECTOR } from "../fixture/settings";
import { useClusters } from "../fixture/cluster";
import { openCollector, type CollectedSpan, type Collector } from "../fixture/otlp-collector";
import { useProcessFixtures } from "../fixture/process";

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
  const toldUnder = parentsOf(toHull, "POST /firehose");
  expect(toldUnder).not.toEqual([]);
  for (const header of toldUnder) expect(header).toMatch(new RegExp(`^00-${TRACE}-`));
  // Neither the spans of this trace nor any other one say whom it was about.
  const said = collector.received.join("\n");
  for (const secret of [USER.email, USER.name, "mia", ACCOUNT.name, "acme", CONNECTOR.id, CONNECTOR.secret]) {
    expect(said).not.toContain(secret);
  }
});

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
});

/** The connector as an operating system sees it: one owner of a folder, an orderly end, few rights, large requests. */
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import packageJson from "../../package.json";
import { generatePopulation, seedProfiles, userMessages } from "../../simulators/hull";
import { CONNECTOR, sum } from "../fixture/fixture";
import { differences, everybodyTold, inStore, useProcessFixtures } from "../fixture/process";
import { spawnServer } from "./server-process";
import { IS_FULL } from "../full";

/** A slow or busy machine needs time to start processes. */
jest.setTimeout(180_000);
const NOBODY = 65_534;
/** So many that Hull is still posting them, in small shipments, when the first of them are written. */
const LOAD = IS_FULL ? 500 : 250;

const fixtures = useProcessFixtures();
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "connector-process-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const statusOf = async (port: number | undefined, path: string): Promise<number> =>
  (await fetch(`http://127.0.0.1:${port ?? 0}${path}`)).status;

test("a second server on one DATA_DIR refuses with a sentence, and the first is unharmed", async () => {
  const environment = { DATA_DIR: folder };
  const first = spawnServer({ environment });
  const port = await first.port;
  const second = spawnServer({ environment });
  expect(await second.exit).toEqual({ code: 1, signal: null });
  expect(second.complaints).toEqual([
    `Another process uses the data folder ${folder}. Stop it, or give this one a DATA_DIR of its own.`,
  ]);
  expect(await statusOf(port, "/health")).toBe(200);
  expect(await statusOf(port, "/ready")).toBe(200);

  first.signal("SIGTERM");
  expect(await first.exit).toEqual({ code: 0, signal: null });
  const third = spawnServer({ environment });
  expect(await statusOf(await third.port, "/ready")).toBe(200);
});

test("a DATA_DIR that no file system takes ends the start with a sentence", async () => {
  // Where folders cannot be made, and Node's own way to make them goes round in circles for ever.
  const nowhere = existsSync("/proc/self") ? "/proc/nope" : "/dev/null/nope";
  const refused = spawnServer({ environment: { DATA_DIR: nowhere } });
  expect(await refused.exit).toEqual({ code: 1, signal: null });
  expect(refused.complaints).toEqual([expect.stringContaining(`The data folder ${nowhere} cannot be used: `)]);
});

test("the first line says what runs and what differs, and a misspelt variable is said before it", async () => {
  const environment = { DATA_DIR: folder, SECRET: "a secret of some length", PLANHAT_APIURL: "x" };
  const server = spawnServer({ environment });
  const started = await server.started;
  expect(started).toMatchObject({
    host: "127.0.0.1",
    data_dir: folder,
    version: packageJson.version,
    node: process.version,
    variables: { HOST: "127.0.0.1", PORT: "0", DATA_DIR: folder, SECRET: "set" },
  });
  expect(server.complaints.map((line) => JSON.parse(line) as unknown)).toEqual([
    expect.objectContaining({
      level: "warn",
      message: "connector.variables.warning",
      data: expect.objectContaining({ given: "PLANHAT_APIURL", meant: "PLANHAT_API_URL" }) as unknown,
    }),
  ]);
  const scraped = await (await fetch(`http://127.0.0.1:${started?.port ?? 0}/metrics`)).text();
  expect(scraped).toContain(
    `connector_build_info{version="${packageJson.version}",node="${process.version}",role="all"} 1`,
  );
  server.signal("SIGTERM");
  expect(await server.exit).toEqual({ code: 0, signal: null });
});

test("SIGTERM under load ends with 0 in time, and nothing that was accepted is lost", async () => {
  const fixture = await fixtures.open({ seed: 4 });
  const { hull, planhat, server } = fixture;
  const population = generatePopulation({ seed: 4, users: LOAD, companies: 30 });
  seedProfiles(population, hull.profiles);
  // Slow enough that there is always a call under way.
  planhat.faults.add({ kind: "latency", min: 100, max: 300, route: "PUT /endusers" });
  hull.faults.add({ kind: "latency", min: 20, max: 50, route: "POST /firehose" });

  // Hull goes on posting, over connections that it keeps open, while the server ends.
  const sending = hull.send(fixture.url, {
    connectorId: CONNECTOR.id,
    channel: "user:update",
    isExport: true,
    messages: userMessages(population),
    shipmentSize: 10,
  });
  const firstWrites = new Promise<void>((resolve) => {
    planhat.on("applied", ({ route }) => {
      if (route === "PUT /endusers") resolve();
    });
  });
  await firstWrites;
  expect(await server.stop()).toEqual({ code: 0, signal: null });
  // An orderly end leaves no create unconfirmed.
  const inFlight = await inStore(fixture.dataDir, async (store) => {
    const [lane] = await store.lanes();
    return lane === undefined ? 0 : (await store.recover(lane, 0)).recovered;
  });
  expect(inFlight).toBe(0);

  await server.start();
  expect(await sending).toMatchObject({ messagesAccepted: LOAD, messagesDropped: 0 });
  const remains = await fixture.drained(() => everybodyTold(population, hull));
  expect(differences(population, fixture)).toEqual([]);
  expect(planhat.books.snapshot()).toMatchObject({ duplicates: [], created: { endusers: LOAD, companies: 30 } });
  expect(remains).toMatchObject({ lanes: [], deadLetters: 0, tally: { messages: LOAD } });
  expect(sum(remains.tally.outcomes)).toBe(LOAD);
});

/** Whatever waits in the folder keeps no process alive that nobody can reach, and the folder is free afterwards. */
async function refusedOnTakenPort(environment: Readonly<Record<string, string>>): Promise<void> {
  const squatter = createServer();
  await new Promise<void>((resolve) => squatter.listen(0, "127.0.0.1", resolve));
  const address = squatter.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  try {
    const refused = spawnServer({ environment: { ...environment, PORT: String(port) } });
    expect(await refused.exit).toEqual({ code: 1, signal: null });
    expect(refused.complaints.filter((line) => !line.startsWith("{"))).toEqual([
      `PORT ${port} on HOST 127.0.0.1 is in use by another process (EADDRINUSE). ` +
        "Stop that one, set PORT to another port, or to 0 for any that is free.",
    ]);
  } finally {
    await new Promise((resolve) => squatter.close(resolve));
  }
}

test("SIGTERM while Planhat asks for a long wait ends in time, a start on a taken port too, and the rest is delivered after the next start", async () => {
  const fixture = await fixtures.open({ seed: 5 });
  const { hull, planhat, server } = fixture;
  const population = generatePopulation({ seed: 5, users: 50, companies: 5 });
  seedProfiles(population, hull.profiles);
  planhat.faults.add({ kind: "rate-limit", headers: { "Retry-After": "600" }, count: 1, route: "PUT /endusers" });
  const refused = new Promise<void>((resolve) => {
    planhat.on("answered", ({ result }) => {
      if (result === "429") resolve();
    });
  });
  const report = await hull.send(fixture.url, {
    connectorId: CONNECTOR.id,
    channel: "user:update",
    messages: userMessages(population),
  });
  expect(report.messagesAccepted).toBe(50);
  await refused;
  await sleep(300);
  expect(await server.stop()).toEqual({ code: 0, signal: null });
  expect(planhat.tenant().endusers.size).toBe(0);

  await refusedOnTakenPort({ DATA_DIR: fixture.dataDir, ...fixture.environment });

  await server.start();
  // The wait that Planhat named outlives the process; saving the settings is how a person ends it.
  await hull.send(fixture.url, { connectorId: CONNECTOR.id, channel: "ship:update", messages: [{}] });
  const remains = await fixture.drained(() => everybodyTold(population, hull));
  expect(differences(population, fixture)).toEqual([]);
  expect(remains).toMatchObject({ lanes: [], tally: { messages: 50, outcomes: { "endusers/sent/created": 50 } } });
});

const asRoot = process.getuid?.() === 0 ? test : test.skip;

asRoot.each([
  ["nobody", NOBODY, "data"],
  // As clusters choose them; and the system's temporary folder takes the socket.
  ["an id that no user has", 47_110, `data-${"x".repeat(110)}`],
])("runs as %s, with only DATA_DIR writable", async (_, id, name) => {
  const elsewhere = join(folder, "elsewhere");
  const data = join(folder, name);
  // Short, because the socket's path is in it.
  const temporary = mkdtempSync(join(tmpdir(), "p-"));
  for (const each of [elsewhere, data]) mkdirSync(each);
  chmodSync(folder, 0o755);
  chmodSync(elsewhere, 0o555);
  chmodSync(temporary, 0o1777);
  chownSync(data, id, id);
  const server = spawnServer({
    environment: { DATA_DIR: data, TMPDIR: temporary },
    cwd: elsewhere,
    uid: id,
    gid: id,
  });
  const port = await server.port;
  expect(server.complaints).toEqual([]);
  expect(await statusOf(port, "/health")).toBe(200);
  expect(await statusOf(port, "/ready")).toBe(200);
  expect(readdirSync(elsewhere)).toEqual([]);
  // The key that encrypts credentials is for the owner alone.
  expect(statSync(join(data, "secret.key")).mode & 0o777).toBe(0o600);
  server.signal("SIGTERM");
  expect(await server.exit).toEqual({ code: 0, signal: null });
  expect(existsSync(join(data, "process.lock"))).toBe(false);
  rmSync(temporary, { recursive: true });
});

describe("a notification of 60 MB", () => {
  const MEGABYTES = 60;
  const body = Buffer.concat([
    Buffer.from('{"messages":["'),
    Buffer.alloc(MEGABYTES * 1024 * 1024, "x"),
    Buffer.from('"]}'),
  ]);

  async function post(port: number, headers: Record<string, string>, payload: Buffer): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const call = request(
        { port, host: "127.0.0.1", path: "/smart-notifier", method: "POST", headers },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("end", () => {
            const text = Buffer.concat(chunks).toString();
            resolve({ status: response.statusCode, body: JSON.parse(text) as unknown });
          });
        },
      );
      call.on("error", reject);
      Readable.from(slices(payload)).pipe(call);
    });
  }

  function* slices(payload: Buffer): Generator<Buffer> {
    for (let from = 0; from < payload.length; from += 65_536) yield payload.subarray(from, from + 65_536);
  }

  const length = (payload: Buffer): Record<string, string> => ({ "content-length": String(payload.length) });
  type Form = (payload: Buffer) => { readonly payload: Buffer; readonly headers: Record<string, string> };
  const FORMS: Readonly<Record<string, Form>> = {
    "with its length announced": (payload) => ({ payload, headers: length(payload) }),
    "in chunks, without a length": (payload) => ({ payload, headers: { "transfer-encoding": "chunked" } }),
    "that hides in 60 KB of gzip": (payload) => {
      const packed = gzipSync(payload);
      return { payload: packed, headers: { ...length(packed), "content-encoding": "gzip" } };
    },
  };

  test(`${Object.keys(FORMS).join(", or ")}, is answered with 413 and a wish for less, and the process lives`, async () => {
    const server = spawnServer({ environment: { DATA_DIR: folder } });
    const port = (await server.port) ?? 0;
    for (const [name, form] of Object.entries(FORMS)) {
      const { payload, headers } = form(body);
      for (let round = 0; round < 2; round += 1) {
        const answer = await post(port, { "content-type": "application/json", ...headers }, payload);
        expect([name, answer]).toMatchObject([
          name,
          { status: 413, body: { flow_control: { type: "retry", size: 1 } } },
        ]);
      }
      expect([name, await statusOf(port, "/health")]).toEqual([name, 200]);
    }
    expect(server.complaints.join()).not.toContain("connector.request.error");
  });
});

/** The disk is full: nobody's crash, nobody's loss. On a small file system where one can be mounted, else with a limit. */
import { spawnSync, type SpawnSyncOptionsWithStringEncoding } from "node:child_process";
import { closeSync, existsSync, openSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { generatePopulation, seedProfiles, userMessages } from "../../simulators/hull";
import { CONNECTOR } from "../fixture/fixture";
import { differences, everybodyTold, useProcessFixtures, type ProcessFixture } from "../fixture/process";
import { post } from "../fixture/post";
import { buildServer } from "./server-process";
import { limitFiles, mountDisk, type SmallDisk } from "./small-disk";

/** A slow or busy machine needs time to start processes. */
jest.setTimeout(180_000);

const fixtures = useProcessFixtures();
const disks: SmallDisk[] = [];
// After the servers have ended.
afterAll(() => disks.splice(0).forEach((disk) => disk.close()));

const NEW_USER = { email: "new@acme.example", firstName: "New", lastName: "User" };
const LOGIN = `Basic ${Buffer.from(`${CONNECTOR.id}:${CONNECTOR.secret}`).toString("base64")}`;

async function statusOf(fixture: ProcessFixture, path: string): Promise<{ status: number; text: string }> {
  try {
    const answer = await fetch(`${fixture.server.baseUrl}${path}`, { headers: { authorization: LOGIN } });
    return { status: answer.status, text: await answer.text() };
  } catch {
    return { status: 0, text: "" };
  }
}

/** Asks until it is so; a server that never gets there is the test's time-out. */
async function readyIs(fixture: ProcessFixture, wanted: number): Promise<string> {
  for (;;) {
    const { status, text } = await statusOf(fixture, "/ready");
    if (status === wanted) return text;
    await sleep(20);
  }
}

const diskLines = ({ server }: ProcessFixture): readonly string[] =>
  server.complaints().filter((line) => line.includes('"connector.disk.full"'));

const mounted = mountDisk(12);
const ways = [mounted ?? limitFiles(1_024), ...(mounted === undefined ? [] : [limitFiles(1_024)])];
disks.push(...ways);

test.each(ways)("a full $kind: 503 and retry, one line, no crash, and all are delivered once", async (disk) => {
  // Enough to reach the limit; a disk is filled by somebody else.
  const users = disk.kind === "disk" ? 200 : 800;
  const fixture = await fixtures.open({
    seed: 9,
    dataDir: disk.dataDir,
    through: disk.through,
    environment: { MIN_FREE_DISK_MB: "2" },
  });
  const { hull, planhat, server } = fixture;
  const query = `organization=${hull.host}&ship=${CONNECTOR.id}&secret=${CONNECTOR.secret}`;
  const population = generatePopulation({ seed: 9, users, companies: 20 });
  seedProfiles(population, hull.profiles);
  const messages = userMessages(population);
  const order = { connectorId: CONNECTOR.id, channel: "user:update", isExport: true } as const;

  const sending = hull.send(fixture.url, { ...order, messages, shipmentSize: 25 });
  if (disk.kind === "disk") await fixture.until(() => planhat.books.snapshot().calls > 0);
  disk.fill();
  expect(await readyIs(fixture, 503)).toMatch(/DATA_DIR \(.*connector-.*bytes are free.*goes on by itself/);

  // Whoever wants something written hears why it is not, and nothing of this machine.
  const refused = await hull.sendOne(fixture.url, { ...order, messages: messages.slice(0, 1) });
  expect(refused.status).toBe(503);
  expect(refused.body).toMatchObject({ flow_control: { type: "retry" }, error: { code: "disk_full" } });
  expect(JSON.stringify(refused.body)).toContain("its disk is full or cannot be written");
  expect(JSON.stringify(refused.body)).not.toContain(disk.dataDir);
  const batch = { url: `${hull.url}/extract.json`, format: "json" };
  for (const answer of [
    await post(`${server.baseUrl}/batch?${query}`, batch),
    await post(`${server.baseUrl}/fetch/users?${query}&force=1`, undefined),
    await post(`${server.baseUrl}/api/internal/users?org=${hull.host}`, NEW_USER, {
      headers: { authorization: LOGIN },
    }),
  ]) {
    expect(answer).toMatchObject({ status: 503, body: { error: { code: "disk_full" } } });
  }
  // Whoever only looks is served.
  for (const path of [
    "/health",
    `/api/internal/runs?org=${hull.host}`,
    `/api/internal/dead-letters?org=${hull.host}`,
  ]) {
    expect([path, (await statusOf(fixture, path)).status]).toEqual([path, 200]);
  }
  const { text } = await statusOf(fixture, "/metrics");
  expect(text).toMatch(disk.kind === "disk" ? /^connector_disk_free_bytes 0$/m : /^connector_disk_free_bytes \d+$/m);
  expect(diskLines(fixture)).toHaveLength(1);

  // Room again, and everything goes on; where the limit of a running process cannot be changed, with the next one.
  if (!disk.relieve(server.pid)) await server.kill();
  await readyIs(fixture, 200);
  await fixture.reached(() => everybodyTold(population, hull));
  expect(await sending).toMatchObject({ messagesAccepted: users, messagesDropped: 0 });

  // Killed while it is full: no start that pretends to be one, but a sentence; and all is there when there is room.
  if (disk.kind === "disk") {
    disk.fill();
    await readyIs(fixture, 503);
    await server.kill();
    await fixture.until(() => server.crashes.length > 0);
    disk.relieve(0);
    await fixture.server.up();
    expect(diskLines(fixture).length).toBeGreaterThan(1);
  }
  for (const crash of server.crashes) expect(crash).toMatch(/^exit 1: .*The disk of DATA_DIR .* is full/);

  const remains = await fixture.drained(() => everybodyTold(population, hull));
  expect(differences(population, fixture)).toEqual([]);
  expect(planhat.books.snapshot()).toMatchObject({ duplicates: [], created: { endusers: users, companies: 20 } });
  expect(remains).toMatchObject({ lanes: [], deadLetters: 0 });
  // One line for each trouble, and none for each request, poll or run.
  expect(server.complaints().filter((line) => /connector\.(job|request|status)\./.test(line))).toEqual([]);
});

// Where there is such a device; elsewhere the lines of the log go where nobody listens.
test("a log on a full disk loses its lines, and ends nobody", () => {
  const log = JSON.stringify(join(buildServer(), "server/log.js"));
  const script = `const logger = require(${log}).createLogger("info"); logger.info("one"); logger.info("two");
    setImmediate(() => { logger.info("three"); process.stderr.write("alive"); });`;
  const full = openSync(existsSync("/dev/full") ? "/dev/full" : "/dev/null", "w");
  try {
    const options: SpawnSyncOptionsWithStringEncoding = {
      stdio: ["ignore", full, "pipe"],
      timeout: 20_000,
      encoding: "utf8",
    };
    expect(spawnSync(process.execPath, ["-e", script], options)).toMatchObject({ status: 0, stderr: "alive" });
  } finally {
    closeSync(full);
  }
});

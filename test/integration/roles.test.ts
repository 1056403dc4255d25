/** Several processes on one Redis: web takes in, workers deliver. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import request from "supertest";
import { readConfig } from "../../server/config";
import { createConnector } from "../../server/wiring";
import { admin } from "../../server/cli/admin";
import { backup } from "../../server/cli/backup";
import { check } from "../../server/cli/check";
import { deadLetters } from "../../server/cli/dead-letters";
import { tenants } from "../../server/cli/tenants";
import type { Terminal } from "../../server/cli/tool";
import { openLossyProxy } from "../fixture/lossy-proxy";
import { openPlatforms, type Platforms } from "../fixture/platforms";
import { CONNECTOR } from "../fixture/settings";
import { freePort, startRedis, type RedisServer } from "../fixture/redis";
import { buildServer, killAll, spawnServer, type ServerProcess } from "../chaos/server-process";
import { until } from "../fixture/until";

const SECRET = "a secret of all processes";
const PASSWORD = "secret-4711";

let redis: RedisServer;
let redisOptions: readonly string[] = [];
let redisUrl = "";
let folder = "";
let platforms: Platforms;
let webUrl = "";

beforeAll(() => void buildServer(), 180_000);

beforeEach(async () => {
  const port = await freePort();
  folder = mkdtempSync(join(tmpdir(), "roles-"));
  const durable = ["--dir", folder, "--appendonly", "yes", "--appendfsync", "always"];
  redisOptions = ["--port", String(port), "--bind", "127.0.0.1", "--requirepass", PASSWORD, ...durable];
  redis = startRedis(...redisOptions);
  redisUrl = `redis://:${PASSWORD}@127.0.0.1:${port}`;
  platforms = await openPlatforms({}, {}, () => `${webUrl}/smart-notifier`);
});

afterEach(async () => {
  await killAll();
  await platforms.hull.close();
  await platforms.planhat.close();
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});

const WAITS = {
  LINGER_MS: "20",
  SETTLE_MS: "100",
  RETRY_BASE_MS: "20",
  RETRY_CAP_MS: "500",
  LEASE_MS: "1000",
  REQUEST_TIMEOUT_MS: "2000",
};

function start(role: string, more: Readonly<Record<string, string>> = {}): ServerProcess {
  return spawnServer({
    environment: { ...platforms.environment, ...WAITS, ROLE: role, REDIS_URL: redisUrl, SECRET, ...more },
  });
}

async function urlOf(server: ServerProcess): Promise<string> {
  const port = await server.port;
  if (port === undefined) throw new Error(server.complaints.join("\n"));
  return `http://127.0.0.1:${port}`;
}

const statusOf = async (url: string): Promise<number> => (await fetch(url)).status;

test("what web takes in a worker delivers, and Hull is told", async () => {
  const [web, worker] = [start("web"), start("worker")];
  webUrl = await urlOf(web);
  const workerUrl = await urlOf(worker);
  const account = { id: "a1", external_id: "acme", name: "Acme" };
  await platforms.tellAccount(account);
  await until(() => platforms.hull.profiles.accounts.get("a1")?.attributes["planhat/id"] !== undefined);
  expect(platforms.planhat.snapshot().companies).toMatchObject([{ externalId: "acme", name: "Acme" }]);

  expect(await worker.started).toMatchObject({ role: "worker", redis: new URL(redisUrl).host });
  expect(JSON.stringify([await web.started, web.complaints])).not.toContain(PASSWORD);
  expect(await Promise.all(["/health", "/ready", "/metrics", "/"].map((path) => statusOf(workerUrl + path)))).toEqual([
    ...[200, 200, 200, 404],
  ]);
  expect(await statusOf(`${webUrl}/manifest.json`)).toBe(200);
  for (const server of [web, worker]) {
    server.signal("SIGTERM");
    expect(await server.exit).toEqual({ code: 0, signal: null });
  }
});

test("a lost Redis is said once, nothing is accepted meanwhile, and everything goes on by itself", async () => {
  const [web, worker] = [start("web"), start("worker")];
  webUrl = await urlOf(web);
  const workerUrl = await urlOf(worker);
  await platforms.tellAccount({ id: "a1", external_id: "acme", name: "Acme" });
  await until(() => platforms.planhat.snapshot().companies.length === 1);

  await redis.stop();
  for (const url of [webUrl, workerUrl]) await until(async () => (await statusOf(`${url}/ready`)) === 503);
  const said = async (): Promise<string> => (await fetch(`${webUrl}/ready`)).text();
  await until(async () => (await said()).includes("Redis at"));
  expect(await said()).toMatch(
    /"Redis at 127\.0\.0\.1:\d+ does not answer: .* Everything goes on by itself when that is over\."/,
  );
  const refused = await platforms.hull.sendOne(`${webUrl}/smart-notifier`, {
    connectorId: CONNECTOR.id,
    channel: "account:update",
    messages: [],
    signed: false,
  });
  expect(refused).toMatchObject({
    status: 503,
    body: { flow_control: { type: "retry" }, error: { code: "store_lost" } },
  });
  expect([await statusOf(`${webUrl}/health`), await statusOf(`${workerUrl}/health`)]).toEqual([200, 200]);

  redis = startRedis(...redisOptions);
  for (const url of [webUrl, workerUrl]) await until(async () => (await statusOf(`${url}/ready`)) === 200);
  await platforms.tellAccount({ id: "a2", external_id: "umbrella", name: "Umbrella" });
  await until(() => platforms.planhat.snapshot().companies.length === 2);
  for (const server of [web, worker]) {
    const events = server.complaints.map((line) => (JSON.parse(line) as { message: string }).message);
    expect(events).toEqual(["connector.redis.lost"]);
  }
});

test("a Redis without a store is not said to be restored, and gets none by that", async () => {
  const said: string[] = [];
  const print = (text: string): void => void said.push(text);
  const terminal = { environment: { REDIS_URL: redisUrl }, width: 160, print, complain: print };
  for (let times = 0; times < 2; times += 1) expect(await admin(["redis-restored"], terminal)).toBe(1);
  expect(said.filter((text) => text.includes("There is no store on Redis at 127.0.0.1"))).toHaveLength(2);
});

test("a process that is started while Redis is lost waits for it", async () => {
  await redis.kill();
  const way = await openLossyProxy(redis, () => false, true);
  const asked = new Promise<void>((resolve) => way.onceOpened(resolve));
  const web = start("web", { REDIS_URL: `redis://:${PASSWORD}@127.0.0.1:${way.port}` });
  await asked;
  redis.again();
  const url = await urlOf(web);
  await until(async () => (await statusOf(`${url}/ready`)) === 200);
  await way.close();
});

describe("the queues", () => {
  const ADMIN_TOKEN = "admin-token-of-this-house-0001";
  const authorization = `Bearer ${ADMIN_TOKEN}`;

  test("are shown behind the door of /admin, by any process, and cannot be changed there", async () => {
    const worker = await urlOf(start("worker", { ADMIN_TOKEN }));
    const queues = `${worker}/admin/queues`;
    expect([await statusOf(queues), await statusOf(`${queues}/api/queues`)]).toEqual([401, 401]);
    const page = await fetch(`${queues}/`, { headers: { authorization } });
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('<base href="/admin/queues/"')]);
    expect(page.headers.get("content-security-policy")).toContain("script-src 'self';");
    expect(page.headers.get("x-powered-by")).toBeNull();
    const listed = await fetch(`${queues}/api/queues`, { headers: { authorization } });
    const { queues: all } = (await listed.json()) as { queues: { name: string; readOnlyMode: boolean }[] };
    expect(all.map(({ name, readOnlyMode }) => [name, readOnlyMode])).toEqual([
      ["planhat", true],
      ["server", true],
    ]);
    const changed = await fetch(`${queues}/api/queues/planhat/pause`, { method: "PUT", headers: { authorization } });
    expect(changed.status).toBe(405);
    const admin = await fetch(`${worker}/admin`, { headers: { authorization } });
    expect(await admin.text()).toContain('href="/admin/queues/"');
  });

  test("are linked by a page that has its logo and style in a worker as well, and no link to what is not there", async () => {
    const environment = {
      ...platforms.environment,
      ...WAITS,
      ROLE: "worker",
      REDIS_URL: redisUrl,
      SECRET,
      ADMIN_TOKEN,
    };
    const connector = await createConnector(readConfig(environment), pino({ level: "silent" }));
    try {
      const get = (address: string) => request(connector.app).get(address).set({ authorization });
      const { text } = await get("/admin").set({ accept: "text/html" });
      const addresses = [...text.matchAll(/(?:href|src)="([^"#]+)"/g)].map(([, address = ""]) => address);
      const statuses = await Promise.all(addresses.map(async (address) => [address, (await get(address)).status]));
      expect(statuses).toEqual(addresses.map((address) => [address, 200]));
      expect(addresses).toEqual(expect.arrayContaining(["/logo.svg", "/console/page.css", "/admin/queues/"]));
    } finally {
      await connector.close();
    }
  });
});

describe("beside the servers", () => {
  /** Calls a tool as a person would; answers all that it says. */
  async function called(
    tool: (args: readonly string[], terminal: Terminal) => Promise<number>,
    ...args: readonly string[]
  ): Promise<string> {
    const said: string[] = [];
    const print = (text: string): void => void said.push(text);
    const code = await tool(args, { environment: { REDIS_URL: redisUrl }, width: 160, print, complain: print });
    return `${code}: ${said.join("\n")}`;
  }

  test("the tools open Redis themselves and say what it has no use for, and a process with another key does not start", async () => {
    const web = start("web");
    webUrl = await urlOf(web);
    await platforms.tellAccount({ id: "a1", external_id: "acme", name: "Acme" });
    expect(await called(tenants, "list")).toContain(platforms.tenantKey);
    expect(await called(deadLetters, "list")).toMatch(/^0: /);
    expect(await called(backup, "--to", join(folder, "backup"))).toMatch(/^1: With REDIS_URL there is nothing to copy/);
    expect(existsSync(join(folder, "backup"))).toBe(false);
    expect(await called(check)).toMatch(/^0: table +rows +damaged\n(?:.*\n)*tenants +1 +0\n/);

    const other = start("worker", { SECRET: "another secret of 4711" });
    expect(await other.exit).toEqual({ code: 1, signal: null });
    expect(other.complaints).toEqual([
      "SECRET is not the one that the other processes on this Redis have: it opens none of the settings stored there " +
        "(connectors: 1), so this process would write what nobody else can read. Set SECRET to theirs, or let REDIS_URL " +
        "name an empty database.",
    ]);

    expect(await called(tenants, "forget", platforms.tenantKey, "--yes")).toMatch(/^0: /);
    expect(await called(tenants, "list")).not.toContain(platforms.tenantKey);
  });

  test("without Redis no start hangs, the sentence names it without the password, and web processes that are told to end do so in order", async () => {
    const all = [start("web"), start("web")];
    const urls = await Promise.all(all.map(urlOf));
    await redis.stop();
    const late = start("web");
    for (const url of urls) await until(async () => (await statusOf(`${url}/ready`)) === 503);
    for (const server of all) server.signal("SIGTERM");
    for (const server of all) expect(await server.exit).toEqual({ code: 0, signal: null });
    expect(await late.exit).toEqual({ code: 1, signal: null });
    expect(late.complaints.join("\n")).toMatch(/^Redis at 127\.0\.0\.1:\d+ does not answer: .*$/);
  });
});

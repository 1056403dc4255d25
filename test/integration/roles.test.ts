/** Several processes on one Redis: web takes in, workers deliver. */
import { openPlatforms, type Platforms } from "../fixture/platforms";
import { freePort, startRedis, type RedisServer } from "../fixture/redis";
import { buildServer, killAll, spawnServer, type ServerProcess } from "../chaos/server-process";

const SECRET = "a secret of all processes";
const PASSWORD = "secret-4711";

let redis: RedisServer;
let redisUrl = "";
let platforms: Platforms;
let webUrl = "";

beforeAll(() => void buildServer(), 180_000);

beforeEach(async () => {
  const port = await freePort();
  redis = startRedis("--port", String(port), "--bind", "127.0.0.1", "--requirepass", PASSWORD);
  redisUrl = `redis://:${PASSWORD}@127.0.0.1:${port}`;
  platforms = await openPlatforms({}, {}, () => `${webUrl}/smart-notifier`);
});

afterEach(async () => {
  await killAll();
  await platforms.hull.close();
  await platforms.planhat.close();
  await redis.stop();
});

const WAITS = { LINGER_MS: "20", SETTLE_MS: "100", RETRY_BASE_MS: "20", RETRY_CAP_MS: "500", LEASE_MS: "1000" };

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

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 50));
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
}, 60_000);

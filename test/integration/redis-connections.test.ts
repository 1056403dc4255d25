/** The ways to a Redis that are more than an address: TLS, and a Sentinel that names another master. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { buildServer, killAll, spawnServer, type ServerProcess } from "../chaos/server-process";
import { openPlatforms, type Platforms } from "../fixture/platforms";
import { freePort, startRedis, type RedisServer } from "../fixture/redis";
import { until } from "../fixture/until";

const PASSWORD = "secret-4711";
const WAITS = { LINGER_MS: "20", SETTLE_MS: "100", RETRY_BASE_MS: "20", RETRY_CAP_MS: "500" };

let folder: string;
let platforms: Platforms;
const servers: RedisServer[] = [];
let url = "";

beforeAll(() => void buildServer(), 180_000);
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "redis-connections-"));
  platforms = await openPlatforms({}, { retryDelayMs: 40 }, () => `${url}/smart-notifier`);
});
afterEach(async () => {
  await killAll();
  await platforms.hull.close();
  await platforms.planhat.close();
  for (const server of servers.splice(0)) await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

function redis(...options: readonly string[]): RedisServer {
  const server = startRedis(...options, "--bind", "127.0.0.1");
  servers.push(server);
  return server;
}

async function start(redisUrl: string, environment: Readonly<Record<string, string>> = {}): Promise<ServerProcess> {
  const shared = { SECRET: "a secret of all processes", REDIS_URL: redisUrl, ...WAITS };
  const server = spawnServer({ environment: { ...platforms.environment, ...shared, ...environment } });
  const port = await server.port;
  if (port === undefined) throw new Error(server.complaints.join("\n"));
  url = `http://127.0.0.1:${port}`;
  return server;
}

/** Empty while it does not answer. */
async function ask(port: number, password: string | undefined, ...command: readonly string[]): Promise<string> {
  const client = new Redis({ port, password, lazyConnect: true, retryStrategy: null });
  client.on("error", () => undefined);
  const [name = "", ...rest] = command;
  const answer = await client.call(name, ...rest).catch(() => "");
  client.disconnect();
  return String(answer);
}

const isReady = async (): Promise<boolean> => (await fetch(`${url}/ready`)).ok;

/** What Hull says arrives, so all connections work: those of the store, of jobs, and of what is counted. */
async function expectDelivery(number: number): Promise<void> {
  await platforms.tellAccount({ id: `a${number}`, external_id: `acme-${number}`, name: "Acme" });
  await until(() => platforms.hull.profiles.accounts.get(`a${number}`)?.attributes["planhat/id"] !== undefined);
  expect(platforms.planhat.snapshot().companies).toHaveLength(number);
}

test("over TLS with a password, if the certificate is one that this machine trusts", async () => {
  const [certificate, key] = [join(folder, "certificate.pem"), join(folder, "key.pem")];
  const request = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"];
  const names = ["-addext", "subjectAltName=DNS:localhost"];
  execFileSync("openssl", ["req", ...request, ...names, "-keyout", key, "-out", certificate], { stdio: "ignore" });
  const port = await freePort();
  const tls = ["--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", certificate];
  redis("--tls-port", String(port), ...tls, "--tls-auth-clients", "no", "--requirepass", PASSWORD);
  const redisUrl = `rediss://:${PASSWORD}@localhost:${port}`;
  const server = await start(redisUrl, { NODE_EXTRA_CA_CERTS: certificate });
  await expectDelivery(1);
  server.signal("SIGTERM");
  expect(await server.exit).toEqual({ code: 0, signal: null });

  const distrustful = spawnServer({
    environment: { ...platforms.environment, SECRET: "a secret of all processes", REDIS_URL: redisUrl },
  });
  expect(await distrustful.exit).toEqual({ code: 1, signal: null });
  expect(distrustful.complaints.join("\n")).toMatch(
    /Redis at localhost:\d+ refuses: self-signed certificate\. .*NODE_EXTRA_CA_CERTS/,
  );
  expect(distrustful.complaints.join("\n")).not.toContain(PASSWORD);
});

test("by a Sentinel: when the master is gone, the replica that took its place is worked with", async () => {
  const [masterPort, replicaPort, sentinelPort] = [await freePort(), await freePort(), await freePort()];
  const own = ["--requirepass", PASSWORD, "--masterauth", PASSWORD, "--repl-diskless-sync-delay", "0"];
  const master = redis("--port", String(masterPort), ...own);
  redis("--port", String(replicaPort), "--replicaof", "127.0.0.1", String(masterPort), ...own);
  await until(async () => (await ask(masterPort, PASSWORD, "INFO", "replication")).includes("state=online"));
  const configuration = join(folder, "sentinel.conf");
  const lines = [
    `sentinel monitor main 127.0.0.1 ${masterPort} 1`,
    `sentinel auth-pass main ${PASSWORD}`,
    "sentinel down-after-milliseconds main 1000",
    "sentinel failover-timeout main 2000",
  ];
  writeFileSync(configuration, `${lines.join("\n")}\n`);
  redis(configuration, "--port", String(sentinelPort), "--sentinel");
  await until(async () => /flags,slave,/.test(await ask(sentinelPort, undefined, "SENTINEL", "replicas", "main")));
  await start(`redis+sentinel://:${PASSWORD}@127.0.0.1:${sentinelPort}/main`);
  await expectDelivery(1);
  await master.stop();
  const named = (): Promise<string> => ask(sentinelPort, undefined, "SENTINEL", "get-master-addr-by-name", "main");
  await until(async () => (await named()).endsWith(`,${replicaPort}`));
  await until(isReady);
  await expectDelivery(2);
});

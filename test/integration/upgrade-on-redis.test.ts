/** Processes of versions with other formats on one Redis: who waits for whom, who stops, and when the store is upgraded. */
import { createServer } from "node:http";
import { Redis } from "ioredis";
import { pino } from "pino";
import request from "supertest";
import { admin } from "../../server/cli/admin";
import { readConfig } from "../../server/config";
import { openStore } from "../../server/open-store";
import { createRenewing, type Connector } from "../../server/storage/renewing";
import { PROJECT_VERSION } from "../../server/version";
import { createConnector } from "../../server/wiring";
import { connectRedis } from "../../src/storage/database/redis/connection";
import { createRedisDatabase } from "../../src/storage/database/redis/database";
import { createPresence } from "../../src/storage/database/redis/presence";
import type { Database } from "../../src/storage/database/rows";
import { upgradeShared, type Formats } from "../../src/storage/upgrade";
import { FORMAT } from "../../src/storage/tables/tables";
import { freePort, startRedis, type RedisServer } from "../fixture/redis";
import { readRow, writeRow } from "../fixture/rows";
import { until } from "../fixture/until";

jest.setTimeout(60_000);

const NEXT = FORMAT + 1;
/** Short, so that nobody waits for a minute; what happens is waited for. */
const SILENT_MS = 1_500;
const SECRET = "a secret of all processes";
const ADMIN_TOKEN = "token-of-those-who-run-the-servers";

let redis: RedisServer;
let redisUrl: string;
let database: Database;
let upgrades: number;
const running = new Set<Connector>();

beforeEach(async () => {
  upgrades = 0;
  const port = await freePort();
  redis = startRedis("--port", String(port), "--bind", "127.0.0.1", "--appendonly", "yes", "--appendfsync", "always");
  redisUrl = `redis://127.0.0.1:${port}`;
  database = createRedisDatabase({ connection: connectRedis(redis.address) });
});

afterEach(async () => {
  for (const each of running) await each.close();
  running.clear();
  await database.close();
  await redis.stop();
});

const today: Formats = { newest: FORMAT, reader: FORMAT, oldest: FORMAT };
const upgrade = {
  from: FORMAT,
  run: async (upgraded: Database) => {
    upgrades += 1;
    await writeRow(upgraded, "meta", ["madeUp"], NEXT);
  },
};
/** Of a version that reads the next format only. */
const strict: Formats = { newest: NEXT, reader: NEXT, oldest: NEXT, upgrade };
/** Of one that works on in today's as well. */
const lenient: Formats = { ...strict, oldest: FORMAT };

interface Process {
  readonly url: Parameters<typeof request>[0];
  readonly log: readonly string[];
  stop(): Promise<void>;
}

async function start(formats: Formats, role = "web"): Promise<Process> {
  const log: string[] = [];
  const logger = pino({ messageKey: "message" }, { write: (line) => void log.push(line) });
  const config = readConfig({ REDIS_URL: redisUrl, SECRET, ROLE: role, ADMIN_TOKEN });
  const connector = await createRenewing(
    (renewal) => createConnector(config, logger, undefined, { ...renewal, formats, silentMs: SILENT_MS }),
    logger,
  );
  running.add(connector);
  return {
    url: createServer(connector.app),
    log,
    stop: async () => {
      running.delete(connector);
      await connector.close();
    },
  };
}

const ready = (process: Process) => request(process.url).get("/ready");
const isReady = async (process: Process): Promise<boolean> => (await ready(process)).status === 200;
const metaOf = (name: string) => readRow(database, "meta", [name]);
const linesOf = ({ log }: Process, event: string) => log.filter((line) => line.includes(`"${event}"`));

async function expectsToBeAskedAgain(process: Process): Promise<void> {
  const answer = await request(process.url).post("/smart-notifier").send({});
  expect(answer).toMatchObject({
    status: 503,
    body: { flow_control: { type: "retry" }, error: { code: "store_lost" } },
  });
}

/** By one that sees nobody, as if the others had been silent. */
async function upgradeOver(formats: Formats): Promise<void> {
  const own = { id: "next", name: "the next version", reads: [NEXT, NEXT] as const, forMs: 1, silentMs: 0 };
  await upgradeShared({ database, formats, silentMs: 1 }, [own]);
}

/** What the tool says. */
async function processes(...args: readonly string[]): Promise<string> {
  const said: string[] = [];
  const print = (text: string): void => void said.push(text);
  await admin(["processes", ...args], { environment: { REDIS_URL: redisUrl }, width: 160, print, complain: print });
  return said.join("\n");
}

it("waits, and says whom for, while an older process is there that could not read what the upgrade makes", async () => {
  const old = await start(today, "worker");
  const next = await start(strict);
  const answer = await ready(next);
  expect(answer.status).toBe(503);
  const message = new RegExp(
    `has format ${FORMAT} and will be upgraded to format ${NEXT}.*/${process.pid} \\(worker, `,
  );
  expect((answer.body as { message: string }).message).toMatch(message);
  expect((await request(next.url).get("/health")).status).toBe(200);
  await expectsToBeAskedAgain(next);
  expect(linesOf(next, "connector.store.waits").at(-1)).toMatch(message);
  expect(await isReady(old)).toBe(true);
  expect(upgrades).toBe(0);

  await old.stop();
  await until(() => isReady(next));
  expect([await metaOf("format"), await metaOf("reader"), await metaOf("madeUp"), upgrades]).toEqual([
    NEXT,
    NEXT,
    NEXT,
    1,
  ]);
  // It had to see for so long that nobody is there, and does not say the same again and again.
  expect(linesOf(next, "connector.store.waits").length).toBeLessThanOrEqual(2);
});

it("works on in the older format, where it can, and upgrades when the older ones are gone", async () => {
  const old = await start(today);
  const next = await start(lenient, "worker");
  const answer = await ready(next);
  expect(answer.status).toBe(200);
  expect((answer.body as { warnings: string[] }).warnings).toEqual([
    expect.stringMatching(`will be upgraded to format ${NEXT}.*\\(web, `),
  ]);
  expect(await metaOf("format")).toBe(FORMAT);
  const both = JSON.parse(await processes("--json")) as { format: number; processes: Record<string, unknown>[] };
  expect(both.format).toBe(FORMAT);
  expect(both.processes).toMatchObject([
    { role: "web", writes: FORMAT, reads: [FORMAT, FORMAT] },
    { role: "worker", writes: FORMAT, reads: [FORMAT, NEXT] },
  ]);
  expect(await processes()).toMatch(/is for versions that read \d+ or later\.\nprocess .*\n.* web .*\n.* worker /);
  const shown = await request(next.url).get("/admin").set("authorization", `Bearer ${ADMIN_TOKEN}`);
  expect(shown.text).toMatch(/Processes.*data-label="Role"><span>web<.*data-label="Role"><span>worker</s);
  const scraped = await request(next.url).get("/metrics");
  for (const role of ["web", "worker"])
    expect(scraped.text).toContain(`connector_processes{role="${role}",version="${PROJECT_VERSION}"} 1`);

  await old.stop();
  await until(async () => (await metaOf("format")) === NEXT && (await isReady(next)));
  expect(linesOf(next, "connector.redis.writes_lost")).toEqual([]);
  expect(await metaOf("losses")).toBeUndefined();
});

it("counts a process as gone that has ended without a word, when it was silent for long enough", async () => {
  // Nobody hears of it again: its next word would come in a minute.
  const connection = connectRedis(redis.address);
  await openStore({ database, now: Date.now });
  const dead = createPresence({ connection, id: "dead", silentMs: SILENT_MS });
  await dead.renew({ name: "the dead one", role: "worker", version: "1.0.0", writes: FORMAT, reads: [FORMAT, FORMAT] });
  const next = await start(strict);
  expect((await ready(next)).text).toContain("the dead one");
  await until(() => isReady(next));
  expect(upgrades).toBe(1);
  connection.close();
});

it("knows processes of versions that do not say that they are there by their connections", async () => {
  await openStore({ database, now: Date.now });
  const former = new Redis(redisUrl, { connectionName: "hull-connector" });
  await former.ping();
  const next = await start(strict);
  expect((await ready(next)).text).toContain("127.0.0.1 (an older version)");
  expect(await processes()).toMatch(/127\.0\.0\.1 +\? +older/);
  former.disconnect();
  await until(() => isReady(next));
  expect(upgrades).toBe(1);
});

describe("a process that is too old", () => {
  it("stops, and says so, when the store is upgraded under it", async () => {
    const old = await start(today);
    expect(await isReady(old)).toBe(true);
    await upgradeOver(strict);
    await until(() => linesOf(old, "connector.store.too_new").length > 0);
    const answer = await ready(old);
    expect(answer.status).toBe(503);
    expect((answer.body as { message: string }).message).toMatch(
      new RegExp(`format ${NEXT}, this program reads format ${FORMAT}`),
    );
    await expectsToBeAskedAgain(old);
    expect(linesOf(old, "connector.redis.writes_lost")).toEqual([]);
    await expect(start(today)).rejects.toThrow(`format ${NEXT}, this program reads format ${FORMAT}`);
  });

  it("finds out when it says that it is there", async () => {
    const old = await start(today);
    await writeRow(database, "meta", ["reader"], NEXT);
    await until(() => linesOf(old, "connector.store.too_new").length > 0);
    expect((await ready(old)).status).toBe(503);
    expect(linesOf(old, "connector.store.too_new")).toHaveLength(1);
    // Somebody restores what was there before.
    await writeRow(database, "meta", ["reader"], FORMAT);
    await until(() => isReady(old));
  });

  it("works on where the upgraded store is for it, too", async () => {
    const old = await start(today);
    await old.stop();
    await upgradeOver({ ...strict, reader: FORMAT });
    expect([await metaOf("format"), await metaOf("reader")]).toEqual([NEXT, FORMAT]);
    expect(await isReady(await start(today))).toBe(true);
  });
});

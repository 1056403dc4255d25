/**
 * A store moves to Redis and back while Hull tells of changes. Each move is killed in the middle and goes on with the same
 * command, first beside the server, then, for the last pass, without one. TEST_FULL=1 moves 200,000 records, and
 * MOVE_RECORDS=20000 as many as that.
 */
import { hash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import chunk from "lodash/chunk";
import range from "lodash/range";
import {
  changedUserMessages,
  changePopulation,
  generatePopulation,
  seedProfiles,
  userMessages,
  type Population,
} from "../../simulators/hull";
import { createLmdbDatabase } from "../../src/storage/database/lmdb";
import { connectRedis } from "../../src/storage/database/redis/connection";
import { createRedisDatabase } from "../../src/storage/database/redis/database";
import { COMMIT, FETCH } from "../../src/storage/database/redis/scripts";
import type { Database } from "../../src/storage/database/rows";
import { TABLE_NAMES } from "../../src/storage/tables/tables";
import { CONNECTOR, sum } from "../fixture/fixture";
import { openLossyProxy } from "../fixture/lossy-proxy";
import { openPlatforms } from "../fixture/platforms";
import { differences, inStore } from "../fixture/process";
import { startRedis } from "../fixture/redis";
import { auditOf } from "../unit/storage/audit";
import { openGate } from "./gate";
import { buildServer, killAll, supervise, type Supervised } from "./server-process";
import { startTool, type Said } from "./tool-process";
import { IS_FULL } from "../full";

/** Endusers whom Planhat has already, and who are fetched. */
const HELD = Number(process.env["MOVE_RECORDS"] ?? (IS_FULL ? 200_000 : 200));
/** So many more are created, and as many of the others change. */
const NEW = Math.min(2_000, HELD / 25);
const COMPANIES = Math.ceil(HELD / 100);
/** The move is killed at this of its requests that write, or read, rows on Redis. */
const KILLED_AT = { COMMIT: 6 + Math.round(HELD / 700), FETCH: 25 + Math.round(HELD / 120) };
const SHIPMENT = Math.ceil(NEW / 20);
const QUIET_MS = 1_200;
const [SECRET, TARGET_SECRET] = ["the key of the data folder", "the key of the servers on Redis"];
const WAITS = { LINGER_MS: "50", SETTLE_MS: "100", RETRY_BASE_MS: "20", RETRY_CAP_MS: "500", LEASE_MS: "600" };
/** What is true of a process alone, and what is counted when one starts. */
const APART = new Set(["leases", "renewals", "meta"]);

jest.setTimeout(240_000 + 10 * HELD);

const atEnd: (() => unknown)[] = [];
beforeAll(() => void buildServer(), 180_000);
afterEach(async () => {
  await killAll();
  for (const close of atEnd.splice(0).reverse()) await close();
});

interface Report {
  readonly finished: boolean;
  readonly seconds: number;
  readonly tables: readonly { readonly table: string; readonly rows: number; readonly written: number }[];
}

const report = ({ out }: Said): Report => JSON.parse(out) as Report;
const sumOf = ({ tables }: Report, what: "rows" | "written"): number =>
  tables.reduce((all, each) => all + each[what], 0);

const sizesOf = (database: Database) =>
  database.read((rows) =>
    TABLE_NAMES.filter((table) => !APART.has(table)).map((table) => [table, rows.size(table, [])] as const),
  );

test(`${HELD} records move to Redis and back under load, each move killed in the middle: counts equal, nothing doubled`, async () => {
  const folder = mkdtempSync(join(tmpdir(), "connector-move-"));
  atEnd.push(() => rmSync(folder, { recursive: true, force: true }));
  const [home, back] = [join(folder, "home"), join(folder, "back")];
  const redis = startRedis("--appendonly", "yes", "--appendfsync", "always");
  atEnd.push(() => redis.stop());
  let kill: { readonly script: string; left: number; readonly now: () => void } | undefined;
  const way = await openLossyProxy(
    redis,
    (request) => {
      if (kill !== undefined && request.includes(kill.script) && (kill.left -= 1) === 0) kill.now();
      return false;
    },
    true,
  );
  atEnd.push(() => way.close());
  const [direct, url] = [await openLossyProxy(redis, () => false, true), `redis://127.0.0.1:${way.port}`];
  atEnd.push(() => direct.close());

  let server: Supervised | undefined;
  const gate = await openGate({
    port: () => server?.port ?? 0,
    cutsRequest: () => false,
    cutsAnswer: () => false,
    kill: () => Promise.resolve(),
  });
  atEnd.push(() => gate.close());
  const platforms = await openPlatforms(
    { planhat: { seed: 1 }, fetchQuery: "force=1" },
    { seed: 1, maxAttempts: 10_000, retryDelayMs: 40, sleep: (ms) => sleep(Math.min(ms, 40)) },
    () => `${gate.url}/smart-notifier`,
  );
  const { planhat, hull, tenantKey, environment } = platforms;
  atEnd.push(() => planhat.close());
  atEnd.push(() => hull.close());
  const start = async (place: Readonly<Record<string, string>>): Promise<void> => {
    server = await supervise({ environment: { ...environment, ...WAITS, ...place } });
  };

  // Everybody is known on both sides; those who are created and changed are the last ones.
  const population = generatePopulation({ seed: 1, users: HELD + NEW, companies: COMPANIES });
  seedProfiles(population, hull.profiles);
  const companies = population.accounts.map(({ external_id: externalId, name }) =>
    planhat.tenant().seedCompany({ externalId, name }),
  );
  for (const { external_id: externalId, email, name, position, accountIndex } of population.users.slice(0, HELD)) {
    const companyId = companies[accountIndex]?._id;
    planhat.tenant().seedEnduser({ externalId, email, name, position, companyId });
  }
  await start({ DATA_DIR: home, SECRET });
  await platforms.saveSettings({});
  for (const what of ["accounts", "users"]) await fetchAll(gate.url, hull.host, what);

  let told: Population = { ...population, users: population.users.slice(HELD - NEW) };
  let accepted = 0;
  let stopping = false;
  const isStopping = (): boolean => stopping;
  /** Rounds of news about all of them, until it is stopped; a round that has begun is told to its end. */
  const load = (async () => {
    for (let round = 0; !isStopping(); round += 1) {
      const change = changePopulation(told, { percent: 100, round });
      const messages = round === 0 ? userMessages(told) : changedUserMessages(change);
      if (round > 0) told = change.population;
      const sent = await hull.send(`${gate.url}/smart-notifier`, {
        connectorId: CONNECTOR.id,
        channel: "user:update",
        messages,
        shipmentSize: SHIPMENT,
      });
      expect(sent.messagesDropped).toBe(0);
      accepted += sent.messagesAccepted;
    }
  })();

  /** Killed in the middle, once more beside the server, and to its end without it. */
  async function move(
    from: string,
    to: string,
    killed: keyof typeof KILLED_AT,
    keys: Readonly<Record<string, string>>,
    next: Readonly<Record<string, string>>,
  ): Promise<string> {
    const tool = () => startTool("migrate", keys, ["--from", from, "--to", to, "--json"]);
    const first = tool();
    kill = {
      script: hash("sha1", killed === "COMMIT" ? COMMIT : FETCH),
      left: KILLED_AT[killed],
      now: () => first.signal("SIGKILL"),
    };
    expect(await first.ended).toMatchObject({ signal: "SIGKILL", out: "" });
    kill = undefined;
    const beside = await tool().ended;
    expect(beside).toMatchObject({ code: 3 });
    const pauseMs = performance.now();
    expect(await server?.stop()).toEqual({ code: 0, signal: null });
    const last = await tool().ended;
    expect(last).toMatchObject({ code: 0 });
    const [source, target] = [databaseAt(from), databaseAt(to)];
    expect(await sizesOf(target)).toEqual(await sizesOf(source));
    await Promise.all([source.close(), target.close()]);
    await start(next);
    const pauseSeconds = Math.round((performance.now() - pauseMs) / 100) / 10;
    const [one, two] = [report(beside), report(last)];
    expect({ first: one.finished, last: two.finished }).toEqual({ first: false, last: true });
    // What the killed pass had written was not written again, and the last one had little to do.
    expect(sumOf(one, "written")).toBeLessThan(sumOf(one, "rows"));
    expect(sumOf(two, "written")).toBeLessThan(sumOf(two, "rows"));
    return (
      `${sumOf(two, "rows")} rows; the pass after the kill wrote ${sumOf(one, "written")} in ${one.seconds} s, the last ` +
      `one ${sumOf(two, "written")} in ${two.seconds} s; the pause took ${pauseSeconds} s`
    );
  }

  const databaseAt = (place: string): Database =>
    place === url
      ? createRedisDatabase({ connection: connectRedis(redis.address) })
      : createLmdbDatabase(join(place, "store"), { readOnly: true });

  const onRedis = { REDIS_URL: `redis://127.0.0.1:${direct.port}`, SECRET: TARGET_SECRET };
  const there = await move(home, url, "COMMIT", { SECRET, TARGET_SECRET }, onRedis);
  const again = { SECRET: TARGET_SECRET, TARGET_SECRET: SECRET };
  const andBack = await move(url, back, "FETCH", again, { DATA_DIR: back, SECRET });

  stopping = true;
  await load;
  const expected = { ...population, users: [...population.users.slice(0, HELD - NEW), ...told.users] };
  const calls = (): number => planhat.books.snapshot().calls + hull.books.snapshot().calls;
  for (;;) {
    for (let before = -1; before !== calls();) {
      before = calls();
      await sleep(QUIET_MS);
    }
    expect(await server?.stop()).toEqual({ code: 0, signal: null });
    if (await inStore(back, async (store) => (await store.lanes()).length === 0)) break;
    await start({ DATA_DIR: back, SECRET });
  }
  expect(differences(expected, platforms)).toEqual([]);
  const { created, duplicates } = planhat.books.snapshot();
  expect({ created, duplicates }).toMatchObject({ created: { companies: 0, endusers: NEW }, duplicates: [] });
  const tally = await inStore(back, (store) => store.tally(tenantKey));
  expect(tally.messages).toBe(accepted);
  expect(sum(tally.outcomes)).toBe(accepted);
  // Which reads all of it into memory.
  if (HELD <= 20_000) {
    const database = databaseAt(back);
    expect(await auditOf(database)).toEqual([]);
    await database.close();
  }
  console.info(`${HELD} records, ${accepted} messages meanwhile. To Redis: ${there}. Back: ${andBack}.`);
});

/** So many that there are commits to come when the signal is heard, however busy the machine is. */
const ROWS = 10_000;

test("a person who interrupts a move is told how it goes on, and it does", async () => {
  const folder = mkdtempSync(join(tmpdir(), "connector-move-"));
  atEnd.push(() => rmSync(folder, { recursive: true, force: true }));
  const redis = startRedis();
  atEnd.push(() => redis.stop());
  await inStore(folder, async (store) => {
    for (const some of chunk(range(ROWS), 1_000)) {
      await Promise.all(some.map((number) => store.claimNotification(`n${number}`, "planhat/acme/c1")));
    }
  });
  let commits = 0;
  const way = await openLossyProxy(
    redis,
    (request) => {
      commits += request.includes(hash("sha1", COMMIT)) ? 1 : 0;
      if (commits === 2) first.signal("SIGINT");
      return false;
    },
    true,
  );
  atEnd.push(() => way.close());
  const args = ["--from", folder, "--to", `redis://127.0.0.1:${way.port}`, "--json"];
  const first = startTool("migrate", { SECRET }, args);
  const { code, out, err } = await first.ended;
  expect({ code, out }).toEqual({ code: 1, out: "" });
  expect(err).toContain("Interrupted. What was copied stays: run the same command again to go on.\n");
  const again = await startTool("migrate", { SECRET }, args).ended;
  expect(again).toMatchObject({ code: 0 });
  const moved = report(again);
  expect(sumOf(moved, "rows")).toBe(ROWS);
  expect(sumOf(moved, "written")).toBeGreaterThan(0);
  expect(sumOf(moved, "written")).toBeLessThan(ROWS);
});

/** A fetch from its call to its good end. */
async function fetchAll(url: string, organization: string, what: string): Promise<void> {
  const query = new URLSearchParams({ organization, ship: CONNECTOR.id, secret: CONNECTOR.secret, force: "1" });
  const answer = await fetch(`${url}/fetch/${what}?${query.toString()}`, { method: "POST" });
  const { run } = (await answer.json()) as { readonly run: string };
  const authorization = `Basic ${Buffer.from(`${CONNECTOR.id}:${CONNECTOR.secret}`).toString("base64")}`;
  for (;;) {
    const asked = await fetch(`${url}/api/internal/runs/${run}?org=${organization}`, { headers: { authorization } });
    const { state } = (await asked.json()) as { readonly state: string };
    if (state === "success") return;
    expect(["running", "waiting"]).toContain(state);
    await sleep(50);
  }
}

/**
 * The worst days of a Redis: it is emptied, restored from an older state, replaced by a replica that lacks the last writes,
 * too slow, full. Nothing is made twice, and what was lost is said.
 */
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import sumBy from "lodash/sumBy";
import {
  accountMessages,
  changedUserMessages,
  changePopulation,
  generatePopulation,
  seedProfiles,
  userMessages,
  type SendReport,
} from "../../simulators/hull";
import { createRandom } from "../../simulators/loopback";
import { connectRedis, type RedisConnection } from "../../src/storage/database/redis/connection";
import type { Loss } from "../../src/storage/port/leases";
import { admin } from "../../server/cli/admin";
import { useClusters, type Cluster } from "../fixture/cluster";
import { startRedis, type RedisServer } from "../fixture/redis";
import { sum } from "../fixture/fixture";
import { differences } from "../fixture/process";
import { auditOf } from "../unit/storage/audit";
import { says, type Supervised } from "./server-process";
import { IS_FULL } from "../full";

jest.setTimeout(240_000);

const USERS = IS_FULL ? 40 : 20;
const COMPANIES = IS_FULL ? 10 : 5;
const APPEND_ONLY = "appendonlydir";

const open = useClusters();

const all = ({ webs, workers }: Cluster): readonly Supervised[] => [...webs, ...workers];

async function ask<T>(server: Supervised, path: string, as: (answer: Response) => Promise<T>): Promise<T | undefined> {
  const answer = await fetch(`${server.baseUrl}${path}`, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined);
  return answer === undefined ? undefined : as(answer);
}

const isReady = async (server: Supervised): Promise<boolean> =>
  (await ask(server, "/ready", (answer) => Promise.resolve(answer.ok))) === true;

/** What a Redis lost, and how: everything, or what came after a moment. */
interface Way {
  readonly kind: Loss["kind"];
  /** Before that moment. */
  readonly prepare?: (cluster: Cluster) => Promise<void>;
  /** At that moment. */
  readonly keep: (cluster: Cluster) => Promise<void>;
  /** @returns the one that is there now, if it is another one */
  readonly lose: (cluster: Cluster) => Promise<RedisServer | undefined>;
}

let replica: RedisServer | undefined;

afterEach(async () => {
  await replica?.stop();
  replica = undefined;
});

async function asked(server: RedisServer, work: (connection: RedisConnection) => Promise<unknown>): Promise<void> {
  const connection = connectRedis(server.address);
  await work(connection).finally(() => connection.close());
}

const kept = ({ folder }: RedisServer): string => join(folder, "kept");

function keepFiles({ redis }: Cluster): Promise<void> {
  cpSync(join(redis.folder, APPEND_ONLY), kept(redis), { recursive: true });
  return Promise.resolve();
}

async function restoreFiles(redis: RedisServer): Promise<void> {
  await redis.kill();
  rmSync(join(redis.folder, APPEND_ONLY), { recursive: true });
  cpSync(kept(redis), join(redis.folder, APPEND_ONLY), { recursive: true });
  redis.again();
}

const WAYS: Readonly<Record<string, Way>> = {
  "restored from an older state": {
    kind: "older",
    keep: keepFiles,
    lose: async ({ redis }) => {
      await restoreFiles(redis);
      return undefined;
    },
  },
  "replaced by a replica that lacks the last writes": {
    kind: "older",
    prepare: async (cluster) => {
      const follower = startRedis("--replicaof", "127.0.0.1", String(cluster.redisPort));
      replica = follower;
      await asked(follower, async (connection) => {
        await cluster.until(async () =>
          (await connection.command("INFO", "replication")).includes("master_link_status:up"),
        );
      });
    },
    keep: async ({ redis }) => {
      await asked(redis, async (connection) => {
        await connection.command("SET", "told", "everything");
        await connection.command("WAIT", "1", "4000");
      });
      if (replica !== undefined) await asked(replica, (connection) => connection.command("REPLICAOF", "NO", "ONE"));
    },
    lose: async ({ redis }) => {
      await redis.kill();
      return replica;
    },
  },
  "restored while no server runs, which a person says": {
    kind: "said",
    keep: keepFiles,
    lose: async (cluster) => {
      const { redis } = cluster;
      await Promise.all(all(cluster).map((server) => server.stop()));
      await restoreFiles(redis);
      const said: string[] = [];
      const print = (text: string): void => void said.push(text);
      const environment = { REDIS_URL: `redis://127.0.0.1:${cluster.redisPort}` };
      expect(await admin(["redis-restored"], { environment, width: 160, print, complain: print })).toBe(0);
      expect(said.join("\n")).toContain("have Hull send everything once");
      await Promise.all(all(cluster).map((server) => server.start()));
      return undefined;
    },
  },
  emptied: {
    kind: "emptied",
    keep: () => Promise.resolve(),
    lose: async ({ redis }) => {
      await redis.kill();
      rmSync(join(redis.folder, APPEND_ONLY), { recursive: true });
      redis.again();
      return undefined;
    },
  },
};

/** As a replica that lacks the last writes, but for who is there afterwards. */
const REPEATS = "restored from an older state";

test.each(Object.keys(WAYS).filter((name) => IS_FULL || name !== REPEATS))(
  "a Redis that is %s: nothing is made twice, and the loss is said",
  async (name) => {
    const way = WAYS[name];
    if (way === undefined) throw new Error(`There is no way ${name}.`);
    const seed = 1;
    const random = createRandom(seed);
    const population = generatePopulation({ seed, users: USERS, companies: COMPANIES, eventsPerUser: 1 });
    const cluster = await open({
      seed,
      webs: 1,
      // More of them lose the same.
      workers: IS_FULL ? 2 : 1,
      planhat: { quotaPerMinute: 10_000 },
      settings: { requests_per_minute: 10_000, contact_events: ["ALL"], activities_unconfirmed: "hold" },
    });
    const { planhat, hull, workers } = cluster;
    seedProfiles(population, hull.profiles);
    const users = userMessages(population);
    const half = USERS / 2;
    await cluster.post("account:update", accountMessages(population), random);
    await cluster.until(() => planhat.books.snapshot().created.companies === COMPANIES);
    await way.prepare?.(cluster);

    // Users and their events wait at that moment, and are delivered after it; others come later.
    await Promise.all(workers.map((worker) => worker.stop()));
    await cluster.post("user:update", users.slice(0, half), random);
    await way.keep(cluster);
    await Promise.all(workers.map((worker) => worker.start()));
    await cluster.post("user:update", users.slice(half), random);
    await cluster.settled(() => differences(population, cluster));
    const before = planhat.books.snapshot();
    expect(before).toMatchObject({ duplicates: [], duplicateActivities: [], activities: USERS });

    const other = await way.lose(cluster);
    await cluster.anew(other);
    const isNoticed = way.kind !== "said";
    await cluster.until(() =>
      all(cluster).every((server) => says(server, "connector.redis.writes_lost") === isNoticed),
    );
    await cluster.until(async () => (await Promise.all(all(cluster).map(isReady))).every(Boolean));
    const [loss, ...more] = await cluster.store.losses();
    expect(more).toEqual([]);
    expect(loss?.kind).toBe(way.kind);
    if (way.kind === "older") expect(loss?.commits).toBeGreaterThan(0);

    // What a person has Hull do: everything once more; events are not asked for again.
    const change = changePopulation(population, { percent: 50 });
    const quiet = users.map((message) => ({ ...(message as object), events: [] }));
    const reports: SendReport[] = [
      ...(await cluster.post("account:update", accountMessages(population), random)),
      ...(await cluster.post("user:update", quiet, random)),
      ...(await cluster.post("user:update", changedUserMessages(change), random)),
    ];
    await cluster.settled(() => differences(change.population, cluster));

    const { created, duplicates, activities, duplicateActivities } = planhat.books.snapshot();
    expect({ duplicates, created: { ...created }, activities, duplicateActivities }).toEqual({
      duplicates: [],
      created: before.created,
      activities: USERS,
      duplicateActivities: [],
    });
    const tally = await cluster.store.tally(cluster.tenantKey);
    expect(reports.filter(({ messagesDropped }) => messagesDropped > 0)).toEqual([]);
    expect(sum(tally.outcomes)).toBe(tally.messages);
    expect(tally.messages).toBeGreaterThanOrEqual(sumBy(reports, "messagesAccepted"));
    expect(await auditOf(cluster.database)).toEqual([]);
    expect(all(cluster).flatMap(({ crashes }) => crashes)).toEqual([]);
    const { deadLetters } = await cluster.store.deadLetters({ tenant: cluster.tenantKey, limit: USERS });
    if (way.kind !== "emptied") expect(deadLetters).toHaveLength(half);
    for (const server of all(cluster)) {
      expect(await ask(server, "/ready", (answer) => answer.text())).toMatch(
        /At \S+ \S+ UTC the store (was set back|was restored|lost)/,
      );
      expect(await ask(server, "/metrics", (answer) => answer.text())).toContain("connector_store_losses 1");
    }
    console.info(
      `Redis ${name}: ${loss?.commits ?? "it is not known how many"} commits were lost; ${deadLetters.length} events that may have been sent are set aside, ` +
        `${duplicates.length + duplicateActivities.length} things are there twice.`,
    );
  },
);

/** Nothing is lost by it. */
const TROUBLES: Readonly<
  Record<string, readonly [begin: (redis: RedisServer) => Promise<void>, end: (redis: RedisServer) => Promise<void>]>
> = {
  "too slow to answer in time": [
    ({ process }) => Promise.resolve(void process.kill("SIGSTOP")),
    ({ process }) => Promise.resolve(void process.kill("SIGCONT")),
  ],
  full: [(redis) => limitMemory(redis, "1"), (redis) => limitMemory(redis, "0")],
};

const limitMemory = (redis: RedisServer, bytes: string): Promise<void> =>
  asked(redis, (connection) => connection.command("CONFIG", "SET", "maxmemory", bytes));

test.each(Object.keys(TROUBLES))(
  "a Redis that is %s: that is said, and everything is exact in the end",
  async (name) => {
    const [begin, end] = TROUBLES[name] ?? [];
    const seed = 2;
    const random = createRandom(seed);
    const population = generatePopulation({ seed, users: USERS, companies: COMPANIES });
    const cluster = await open({
      seed,
      webs: 1,
      workers: 1,
      planhat: { quotaPerMinute: 10_000 },
      settings: { requests_per_minute: 10_000 },
    });
    const { planhat, hull, redis } = cluster;
    seedProfiles(population, hull.profiles);
    const troubled = new Promise<void>((resolve) => {
      planhat.on("applied", async ({ route }) => {
        if (route !== "PUT /companies") return;
        await begin?.(redis);
        resolve();
      });
    });
    const telling = (async () => [
      ...(await cluster.post("account:update", accountMessages(population), random)),
      ...(await cluster.post("user:update", userMessages(population), random)),
    ])();
    await troubled;
    await cluster.until(() => all(cluster).every((server) => says(server, "connector.redis.lost")));
    await end?.(redis);
    const reports = await telling;
    const tally = await cluster.settled(() => differences(population, cluster));
    expect(tally.messages).toBe(sumBy(reports, "messagesAccepted"));
    expect(sum(tally.outcomes)).toBe(tally.messages);
    const { created, duplicates } = planhat.books.snapshot();
    expect({ created, duplicates }).toMatchObject({
      created: { companies: COMPANIES, endusers: USERS },
      duplicates: [],
    });
    expect(await cluster.store.losses()).toEqual([]);
    expect(await auditOf(cluster.database)).toEqual([]);
    expect(all(cluster).flatMap(({ crashes }) => crashes)).toEqual([]);
  },
);

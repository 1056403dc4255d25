/**
 * What the store costs on Redis, counted by Redis itself. Measured, with users of 20 mapped fields, ids of Hull's length,
 * an e-mail address and an external id:
 *
 * | what                                                                     | how much |
 * | ------------------------------------------------------------------------ | -------- |
 * | round trips of a notification of 100 users: claimed, looked at, taken in | 3        |
 * | the same, the first that is heard of them                                | 4        |
 * | bytes of a user who was delivered: both documents and four index rows    | 1,444    |
 *
 * The bytes: 310 for the record, 505 for the remote record, and 160 for each row of an index, of which the set itself
 * takes 85. They grow by up to 50 while the tables of the sets have just been doubled.
 */
import { createHash } from "node:crypto";
import { Redis } from "ioredis";
import { connectRedis } from "../../../src/storage/database/redis/connection";
import { createRedisDatabase } from "../../../src/storage/database/redis/database";
import type { Acceptance, Store } from "../../../src/storage/port/store";
import { sharedRedis } from "../../fixture/redis";
import { withFull } from "../../full";
import { deliver, LANE, tenantRow, update } from "./builders";
import { openStore, START_MS } from "./fixture";

const TYPE = "endusers";
// Just below a power of two, where the tables of the sets are full.
const USERS = withFull(500, 1_000);
const ONE_NOTIFICATION = 100;
const FIELDS = [
  ...["name", "email", "phone", "title", "city", "country", "segment", "plan", "mrr", "seats", "owner", "lastSeen"],
  ...["createdAt", "score", "language", "tags", "custom.industry", "custom.region", "custom.health", "custom.renewal"],
];

const idOf = (name: string, length: number): string => createHash("sha256").update(name).digest("hex").slice(0, length);
/** Short values are their own fingerprints, long ones have a hash. */
const fingerprintOf = (field: string, user: number): string =>
  user % 2 === 0 ? String(user) : createHash("sha256").update(`${field} ${user}`).digest("base64url").slice(0, 11);
const keysOf = (user: number) => ({ email: `person${user}@example.com`, externalId: `ext-${user}` });

const message = (user: number, version: number): Acceptance => ({
  ...update({
    id: idOf(`message ${user} ${version}`, 32),
    type: TYPE,
    hullId: idOf(`user ${user}`, 24),
    version: START_MS + version,
    fields: Object.fromEntries(FIELDS.map((field) => [field, `${field} ${version}`])),
    keys: keysOf(user),
  }),
  claims: { email: keysOf(user).email, external_id: keysOf(user).externalId },
});

let client: Redis;
let store: Store;

beforeEach(async () => {
  client = new Redis({ ...sharedRedis().address.options });
  client.on("error", () => undefined);
  await client.flushall();
  store = await openStore({
    database: createRedisDatabase({ connection: connectRedis(sharedRedis().address), prefix: "connector:" }),
    now: () => START_MS,
  });
  // Numbers of remotes must not be right by chance, before they are known.
  for (const remote of ["x", "y"]) await store.newGeneration(remote);
  await store.saveTenant(tenantRow());
  await store.assign(LANE.tenant, LANE.remote, "f");
});
afterEach(async () => {
  await store.close();
  await client.quit();
});

async function roundTrips(): Promise<number> {
  const stats = await client.info("commandstats");
  return [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].reduce((sum, [, calls]) => sum + Number(calls), 0);
}

/** What intake asks of the store for one notification. */
async function take(id: string, users: readonly number[], version: number): Promise<number> {
  const before = await roundTrips();
  await store.mayUseNotification(id, LANE.tenant);
  await store.view(
    LANE,
    TYPE,
    users.map((user) => idOf(`user ${user}`, 24)),
  );
  const own = store.under({ tenant: LANE.tenant, notification: id });
  const accepted = await own.accept(users.map((user) => message(user, version)));
  expect(new Set(accepted.map(({ state }) => state))).toEqual(new Set(["queued"]));
  return (await roundTrips()) - before;
}

async function deliverAll(users: readonly number[]): Promise<void> {
  const numbers = new Map(users.map((user) => [idOf(`user ${user}`, 24), user]));
  const entries = await store.ready(LANE, TYPE, users.length);
  await store.attempt(
    LANE,
    entries.map(({ type, hullId, content }) => ({ type, hullId, seq: content?.seq ?? 0, repeatable: false })),
  );
  const settlements = entries.map((entry) => {
    const user = numbers.get(entry.hullId) ?? 0;
    const id = idOf(`remote ${user}`, 24);
    const facts = Object.fromEntries(FIELDS.map((field) => [field, fingerprintOf(field, user)]));
    const held = Object.fromEntries(
      Object.entries(facts).map(([field, fact]) => [field, { remote: fact, sent: fact }]),
    );
    return deliver(entry, id, {
      mirror: { id, keys: keysOf(user), facts: held, fresh: true, writtenAtMs: START_MS },
      tell: { attributes: { "planhat/id": id }, facts },
    });
  });
  await store.settle(LANE, settlements);
  const rows = await store.hullUpdates(LANE, users.length);
  expect(rows).toHaveLength(users.length);
  await store.confirmed(
    LANE,
    rows.map((row) => ({ row })),
  );
}

test("a notification of 100 is taken in with at most 5 round trips", async () => {
  const users = Array.from({ length: ONE_NOTIFICATION }, (_, user) => user);
  await take("n1", users, 1);
  await deliverAll(users);
  expect(await take("n2", users, 2)).toBeLessThanOrEqual(3);
  const others = users.map((user) => user + ONE_NOTIFICATION);
  expect(await take("n3", others, 1)).toBeLessThanOrEqual(4);
});

test("a user who was delivered takes at most 1,500 bytes", async () => {
  const users = Array.from({ length: USERS }, (_, user) => user);
  for (let from = 0; from < USERS; from += ONE_NOTIFICATION) {
    const some = users.slice(from, from + ONE_NOTIFICATION);
    await take(`n${from}`, some, 1);
    await deliverAll(some);
  }
  let bytes = 0;
  const sets: string[] = [];
  for (const name of await client.keys("connector:{3}:*")) {
    sets.push(name);
    bytes += Number(await client.memory("USAGE", name, "SAMPLES", 0));
  }
  expect(sets.toSorted()).toEqual(
    ["mirror", "mirror.keys", "records", "records.claims"].map((table) => `connector:{3}:${table}`),
  );
  expect(bytes / USERS).toBeLessThan(1_500);
});

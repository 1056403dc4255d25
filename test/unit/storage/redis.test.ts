/** The database on Redis: what it promises although replies are lost and others write, and how its rows lie there. */
import fc from "fast-check";
import { Redis } from "ioredis";
import { readRedisUrl } from "../../../src/storage/database/redis/address";
import { assertFit } from "../../../src/storage/database/redis/checks";
import { connectRedis, type RedisConnection } from "../../../src/storage/database/redis/connection";
import {
  createRedisDatabase,
  openRedisDatabase,
  type RedisOptions,
} from "../../../src/storage/database/redis/database";
import { decodeKey, encodeKey, END } from "../../../src/storage/database/redis/key";
import { compareKeys, DamagedRow, type Database, type Key, type RowChange } from "../../../src/storage/database/rows";
import { TenantErased } from "../../../src/storage/port/leases";
import { TABLE_NAMES } from "../../../src/storage/tables/tables";
import { openLossyProxy } from "../../fixture/lossy-proxy";
import { addressOf, freePort, sharedRedis, startRedis, type RedisServer } from "../../fixture/redis";
import { auditOf } from "./audit";
import { LANE, seen, tenantRow, update } from "./builders";
import { openStore, START_MS } from "./fixture";
import { deliverSome, MESSAGES } from "./two-stores";

const ROWS = "rows";

let prefixes = 0;
let prefix = "";
let client: Redis;
const databases: Database[] = [];

beforeEach(() => {
  prefixes += 1;
  prefix = `redis ${prefixes}:`;
  client = new Redis({ ...sharedRedis().address.options });
  client.on("error", () => undefined);
});
afterEach(async () => {
  await client.quit();
  for (const database of databases.splice(0)) await database.close();
});

function open(path = sharedRedis().path, onAgain?: RedisOptions["onAgain"]): Database {
  const database = createRedisDatabase({ connection: connectRedis(addressOf(path)), prefix, onAgain });
  databases.push(database);
  return database;
}

const write = (database: Pick<Database, "write">, ...changes: readonly RowChange[]): Promise<void> =>
  database.write(() => ({ result: undefined, changes }));
const put = (key: Key, value: unknown, table = ROWS): RowChange => ({ table, key, value });
const get = (database: Database, key: Key, table = ROWS): Promise<unknown> =>
  database.read((rows) => rows.get(table, key));

/** Reads a document, and writes it back with one more; counts that. */
const increment = (database: Database): Promise<number> =>
  database.write((rows) => {
    const value = Number(rows.get(ROWS, ["a"]) ?? 0) + 1;
    return { result: value, changes: [put(["a"], value), { table: "counts", key: ["n"], by: 1 }] };
  });

/** Every commit's script has its own words. */
const isCommit = (request: Buffer): boolean => request.includes("commit}");

/** How often Redis ran a script. */
async function scriptsRun(): Promise<number> {
  const stats = await client.info("commandstats");
  return [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].reduce((sum, [, calls]) => sum + Number(calls), 0);
}

describe("a key as bytes", () => {
  const part = fc.oneof(
    fc.constantFrom("a", "ab", "", "a|b", "é", "日", "😀", "\0", "\u{1f}", "\n", "~", "\u{7f}"),
    fc.string({ unit: "binary", maxLength: 5 }),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double({ min: 1, max: 1e9, noNaN: true }),
    fc.constantFrom(0, 1, 127, 128, 16_383, 16_384, -1, -128, -129, 1.5, 1_750_000_000_000),
  );
  const keys = fc.array(part, { maxLength: 4 });

  it("is read back, whatever stands behind it, and holds no zero", () => {
    fc.assert(
      fc.property(keys, fc.string(), (key, value) => {
        const bytes = encodeKey(key);
        expect(bytes).not.toContain(END);
        const { key: found, valueAt } = decodeKey(Buffer.from(bytes + END + value, "latin1"));
        // A zero has no sign in a key.
        expect(found).toEqual(key.map((each) => (each === 0 ? 0 : each)));
        expect(valueAt).toBe(bytes.length + 1);
      }),
      { seed: 7, numRuns: 500 },
    );
  });

  it("has the order of all databases", () => {
    fc.assert(
      fc.property(keys, keys, (left, right) => {
        const [a, b] = [left, right].map((key) => Buffer.from(encodeKey(key) + END, "latin1"));
        expect(Math.sign(Buffer.compare(a ?? Buffer.of(), b ?? Buffer.of()))).toBe(Math.sign(compareKeys(left, right)));
      }),
      { seed: 7, numRuns: 2_000 },
    );
  });
});

describe("a commit", () => {
  it("is applied once although its reply is lost, and has the result of the run that was sent", async () => {
    let commits = 0;
    const proxy = await openLossyProxy(sharedRedis(), (request) => {
      if (isCommit(request)) commits += 1;
      return isCommit(request) && commits % 3 === 0;
    });
    try {
      const [database, other] = [open(proxy.path), open()];
      const results: number[] = [];
      for (let each = 0; each < 30; each += 1) results.push(await increment(database));
      expect(results).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
      expect([await get(other, ["a"]), await get(other, ["n"], "counts")]).toEqual([30, 30]);
      expect(proxy.lost()).toBeGreaterThan(9);
    } finally {
      await proxy.close();
    }
  });

  it("keeps its id for ten minutes; one that only compares has none", async () => {
    const database = open();
    await write(database, put(["a"], 1));
    await get(database, ["a"]);
    const ids = await client.keys(`${prefix}{commit}*`);
    expect(ids).toHaveLength(1);
    expect(await client.ttl(ids[0] ?? "")).toBeGreaterThan(590);
    expect(await client.ttl(ids[0] ?? "")).toBeLessThanOrEqual(600);
  });

  it("is not asked for again by a process that was stopped for longer than its id is kept", async () => {
    let stoppedMs = 0;
    let commits = 0;
    const now = performance.now.bind(performance);
    const clock = jest.spyOn(performance, "now").mockImplementation(() => now() + stoppedMs);
    const proxy = await openLossyProxy(
      sharedRedis(),
      () => false,
      false,
      (request) => {
        if (!isCommit(request)) return undefined;
        commits += 1;
        setTimeout(() => (stoppedMs = 700_000), 20);
        return "BUSY Redis is busy.";
      },
    );
    try {
      await expect(write(open(proxy.path), put(["a"], 1))).rejects.toThrow("does not answer: BUSY");
      expect(commits).toBe(1);
    } finally {
      clock.mockRestore();
      await proxy.close();
    }
  });

  it.each([
    "READONLY You can't write against a read only replica. script: e9d9d7, on @user_script:64.",
    "ERR Error running script (call to f_e9d9d7): @user_script:64: @user_script: 64: -READONLY You can't write.",
    "ERR Error running script (call to f_e9d9d7): @user_script:64: @user_script: 64: -NOREPLICAS Not enough.",
  ])("is sent again to a server that says %s", async (words) => {
    const refusals = [words];
    const proxy = await openLossyProxy(
      sharedRedis(),
      () => false,
      false,
      (request) => (isCommit(request) ? refusals.shift() : undefined),
    );
    try {
      const database = open(proxy.path);
      await write(database, put(["a"], 1));
      expect(await get(database, ["a"])).toBe(1);
      expect(refusals).toEqual([]);
    } finally {
      await proxy.close();
    }
  });

  it("finds its way when a connection fell silent without an end", async () => {
    let isSilent = false;
    const proxy = await openLossyProxy(
      sharedRedis(),
      () => false,
      false,
      () => (isSilent ? "" : undefined),
    );
    try {
      const database = open(proxy.path);
      await write(database, put(["a"], 1));
      isSilent = true;
      proxy.onceOpened(() => (isSilent = false));
      await write(database, put(["a"], 2));
      expect(await get(database, ["a"])).toBe(2);
    } finally {
      await proxy.close();
    }
  });

  it("is never lost between two connections, each with its own idea of what is there", async () => {
    const clients = [open(), open()];
    const fifty = async (database: Database): Promise<void> => {
      for (let each = 0; each < 50; each += 1) await increment(database);
    };
    await Promise.all(clients.map(fifty));
    for (const database of clients) {
      expect([await get(database, ["a"]), await get(database, ["n"], "counts")]).toEqual([100, 100]);
    }
  });
});

it("tens of thousands of rows are asked for and changed together", async () => {
  const database = open();
  const keys = Array.from({ length: 20_000 }, (_, index): Key => [index]);
  await write(database, ...keys.map((key) => put(key, 1)));
  expect(await database.read((rows) => keys.filter((key) => rows.get(ROWS, key) === 1))).toHaveLength(keys.length);
});

describe("whoever connects once more", () => {
  const onLost = jest.fn();
  let server: RedisServer;
  let other: Redis;
  beforeEach(() => {
    onLost.mockReset();
    server = startRedis();
    other = new Redis({ ...server.address.options });
    other.on("error", () => undefined);
  });
  afterEach(async () => {
    await other.quit();
    for (const database of databases.splice(0)) await database.close();
    await server.stop();
  });

  function openTold(path = server.path): Database {
    const database = createRedisDatabase({ connection: connectRedis(addressOf(path)), onLost });
    databases.push(database);
    return database;
  }
  const cut = (): Promise<unknown> => other.client("KILL", "TYPE", "normal", "SKIPME", "yes");
  const ids = async (): Promise<readonly string[]> => (await other.keys("connector:{commit}*")).toSorted();
  const forget = async (): Promise<unknown> => other.del(...(await ids()));

  it("finds its last commit, or is told that it is lost", async () => {
    const database = openTold();
    await write(database, put(["a"], 1));
    await cut();
    expect(await get(database, ["a"])).toBe(1);
    expect(onLost).not.toHaveBeenCalled();
    await forget();
    await cut();
    await expect(get(database, ["a"])).rejects.toThrow("has lost some of the last commits");
    expect(onLost.mock.calls).toEqual([[{ kind: "older", commits: undefined }, expect.any(String)]]);
  });

  it("does not miss what is forgotten since the machine slept", async () => {
    const database = openTold();
    await write(database, put(["a"], 1));
    await forget();
    const wokenAtMs = Date.now() + 700_000;
    const clock = jest.spyOn(Date, "now").mockImplementation(() => wokenAtMs);
    try {
      await cut();
      expect(await get(database, ["a"])).toBe(1);
      expect(onLost).not.toHaveBeenCalled();
    } finally {
      clock.mockRestore();
    }
  });

  it("believes no replica, which may only be late", async () => {
    const database = openTold();
    await write(database, put(["a"], 1));
    const [id = ""] = await ids();
    await other.rename(id, "late");
    await other.replicaof("127.0.0.1", 1);
    await cut();
    await other.config("RESETSTAT");
    const found = get(database, ["a"]);
    while (!/cmdstat_(?:persist|exists):/.test(await other.info("commandstats")));
    await other.replicaof("NO", "ONE");
    await other.rename("late", id);
    expect(await found).toBe(1);
    expect(onLost).not.toHaveBeenCalled();
  });

  it("asks for the last of its commits, not for the one whose reply came last", async () => {
    let isWaiting = true;
    let refused = (): void => undefined;
    const waiting = new Promise<void>((resolve) => (refused = resolve));
    const isFirst = (request: Buffer): boolean => isCommit(request) && request.includes("/2\r\n");
    const proxy = await openLossyProxy(
      server,
      (request) => isFirst(request) && proxy.lost() === 0,
      false,
      (request) => {
        if (!isFirst(request) || proxy.lost() === 0 || !isWaiting) return undefined;
        refused();
        return "BUSY Redis is busy.";
      },
    );
    try {
      const database = openTold(proxy.path);
      await write(database, put(["a"], 1));
      const first = write(database, put(["a"], 2));
      await waiting;
      await write(database, put(["b"], 1));
      isWaiting = false;
      await first;
      const made = await Promise.all((await ids()).map((id) => other.get(id)));
      expect(made).toEqual(["1", "2", "3"]);
      await other.del((await ids())[2] ?? "");
      await cut();
      await expect(get(database, ["a"])).rejects.toThrow("has lost some of the last commits");
    } finally {
      await proxy.close();
    }
  });
});

describe("what a connection remembers", () => {
  it("is counted where it costs another run: rows to be asked for first, and what others changed meanwhile", async () => {
    const again: string[] = [];
    const [database, other] = [open(undefined, (why) => again.push(why)), open()];
    await increment(database);
    expect(again).toEqual(["rerun"]);
    await increment(database);
    expect(again).toEqual(["rerun"]);
    await increment(other);
    await increment(database);
    expect(again).toEqual(["rerun", "conflict"]);
  });

  it("saves asking, and is compared: what others wrote meanwhile is seen", async () => {
    const [database, other] = [open(), open()];
    await increment(database);
    const before = await scriptsRun();
    expect(await increment(database)).toBe(2);
    expect((await scriptsRun()) - before).toBe(1);
    await increment(other);
    expect(await get(database, ["a"])).toBe(3);
    await write(other, put(["a"], undefined));
    expect(await increment(database)).toBe(1);
    await write(other, put(["a"], 10));
    await expect(
      database.read((rows) => {
        throw new Error(`It is ${String(rows.get(ROWS, ["a"]))}.`);
      }),
    ).rejects.toThrow("It is 10.");
  });

  it("ends no work that goes in circles over it", async () => {
    const [database, other] = [open(), open()];
    await write(database, put(["a"], 1));
    await get(database, ["a"]);
    await write(other, put(["a"], 2));
    const found = await database.read((rows) => {
      while (rows.get(ROWS, ["a"]) === 1);
      return rows.get(ROWS, ["a"]);
    });
    expect(found).toBe(2);
  });
});

describe("rows in Redis", () => {
  const names = async (): Promise<readonly string[]> =>
    (await client.keys(`${prefix}*`))
      .map((name) => name.slice(prefix.length))
      .filter((name) => !name.startsWith("{commit}"))
      .toSorted();

  it("lie under the remote or the tenant that they are about, and leave nothing behind", async () => {
    const database = open();
    const rows = [
      put([7, "users", "h1"], ["a"], "records"),
      put([7, "users", "email", "x", "h1"], 1, "records.claims"),
      put([12, "users", "h2"], ["b"], "records"),
      put(["planhat/org/c1"], ["t"], "tenants"),
      put(["d1", 7, 0, "users", "h1"], 1, "records.deadIds"),
    ];
    await write(database, ...rows);
    expect((await names()).filter((name) => !name.startsWith("{store}:sets:"))).toEqual([
      "{12}:records",
      "{7}:records",
      "{7}:records.claims",
      "{planhat/org/c1}:tenants",
      "{store}:commits",
      "{store}:records.deadIds",
    ]);
    await write(database, ...rows.map(({ table, key }) => put(key, undefined, table)));
    expect(await names()).toEqual(["{store}:commits"]);
  });

  it("are walked and counted over all remotes in one order", async () => {
    const database = open();
    const keys = [2, 10, 9, 100].flatMap((remote) => ["a", "b", "c"].map((id): Key => [remote, "users", id]));
    await write(database, ...keys.map((key) => put(key, ["x"], "records")));
    const walk = (options: object): Promise<readonly unknown[]> =>
      database.read((rows) => [...rows.range("records", [], options)].map(([key]) => key));
    const sorted = keys.toSorted(compareKeys);
    expect(await walk({})).toEqual(sorted);
    expect(await walk({ limit: 5 })).toEqual(sorted.slice(0, 5));
    expect(await walk({ after: [9, "users", "b"], end: [100, "users", "b"], limit: 9 })).toEqual(sorted.slice(5, 10));
    expect(await database.read((rows) => rows.size("records", []))).toBe(keys.length);
  });

  it("are found over all remotes, whatever those are called", async () => {
    const database = open();
    const remotes = ["日本", "a}b", "a{b", "é\n", "😀"].toSorted((left, right) => compareKeys([left], [right]));
    for (const remote of remotes) await write(database, { table: "depth", key: [remote, "t", "outbox"], by: 2 });
    const found = await open().read((rows) => [...rows.range("depth", [])]);
    expect(found).toEqual(remotes.map((remote) => [[remote, "t", "outbox"], 2]));
  });

  it("of which one was changed behind its back are known, and only that one", async () => {
    const database = open();
    await write(database, put(["a"], ["first"]), put(["b"], ["other"]));
    const [member = Buffer.of()] = await client.zrangeBuffer(`${prefix}{store}:${ROWS}`, 0, 0);
    await client.zrem(`${prefix}{store}:${ROWS}`, member);
    await client.zadd(`${prefix}{store}:${ROWS}`, 0, member.subarray(0, -2));
    const fresh = open();
    await expect(get(fresh, ["a"])).rejects.toThrow(DamagedRow);
    expect(await fresh.read((rows) => [...rows.range(ROWS, [], { skipDamaged: true })])).toEqual([[["b"], ["other"]]]);
    await write(fresh, put(["a"], "new"));
    expect(await get(database, ["a"])).toBe("new");
  });
});

describe("two stores at one Redis", () => {
  it("take the same messages in over lossy ways, count each once, and deliver each record once", async () => {
    let commits = 0;
    const proxy = await openLossyProxy(sharedRedis(), (request) => isCommit(request) && (commits += 1) % 7 === 0);
    try {
      const stores = await Promise.all(
        [open(proxy.path), open(proxy.path)].map((database) => openStore({ database, now: () => START_MS })),
      );
      await Promise.all(
        stores.map(async (store) => {
          for (const message of MESSAGES) await store.accept([message]);
        }),
      );
      expect((await stores[0]?.tally(LANE.tenant))?.messages).toBe(MESSAGES.length);
      const delivered = await Promise.all(
        stores.map(async (store) => {
          let own = 0;
          for (let more = 1; more > 0; own += more) more = await deliverSome(store);
          return own;
        }),
      );
      expect(delivered.reduce((sum, own) => sum + own, 0)).toBe(8);
      expect(await stores[0]?.depth(LANE)).toEqual({ outbox: 0, hullUpdates: 8 });
      expect(await auditOf(open())).toEqual([]);
      expect(proxy.lost()).toBeGreaterThan(2);
    } finally {
      await proxy.close();
    }
  });

  it.each([1, 2, 3, 4])("keep nothing of a connector that one erases while the other works for it (%i)", async () => {
    const [worker, tool] = await Promise.all(
      [open(), open()].map((database) => openStore({ database, now: () => START_MS })),
    );
    if (worker === undefined || tool === undefined) throw new Error("There are two.");
    await tool.saveTenant(tenantRow());
    await tool.assign(LANE.tenant, LANE.remote, "f");
    await tool.accept(MESSAGES);
    const fence = { name: LANE.remote, id: "w1" };
    await worker.takeLease(fence, undefined);
    const owned = worker.under({ fence, tenant: LANE.tenant });
    const line = { type: "companies", hullId: "", remoteId: "p1", outcome: "sent", code: "told", text: "" };
    const work = async (): Promise<never> => {
      for (let turn = 0; ; turn += 1) {
        const run = { id: `r${turn}`, tenant: LANE.tenant, kind: "fetch", type: "companies", options: {} } as const;
        await owned.beginRun(run, false);
        await owned.accept([update({ id: `late ${turn}`, hullId: `a${turn % 8}`, version: 10 + turn })]);
        await deliverSome(owned);
        const rows = [{ seen: seen(`p${turn}`, { keys: { email: `late ${turn}` } }), line }];
        await owned.takeFetched(LANE.remote, "companies", { readAtMs: START_MS, run: run.id, settleMs: 0, rows });
        await owned.pause(LANE, "*", { kind: "auth", message: "401", sinceMs: 1, untilMs: 2 });
      }
    };
    const working = work().catch((error: unknown) => error);
    expect(await tool.forgetTenant(LANE.tenant)).toBeGreaterThan(8);
    expect(await working).toBeInstanceOf(TenantErased);
    const left = await open().read((rows) => TABLE_NAMES.filter((name) => rows.size(name, []) > 0));
    expect(left.filter((name) => name !== "seen").toSorted()).toEqual(["leases", "meta"]);
  });
});

describe("a server", () => {
  /** What is said of a server that was started with some options. */
  async function fitness(...options: readonly string[]): Promise<readonly string[]> {
    const server = startRedis(...options);
    const connection = connectRedis({ name: "db.example.com:6379", options: server.address.options });
    try {
      return await assertFit(connection);
    } finally {
      connection.close();
      await server.stop();
    }
  }

  it("that logs every write is fit", async () => {
    expect(await fitness("--appendonly", "yes", "--appendfsync", "always")).toEqual([]);
  });

  it("that may lose what was written is taken, and that is said", async () => {
    expect(await fitness()).toEqual([
      "Redis at db.example.com:6379 (REDIS_URL) keeps no append-only file (appendonly no): what was written since its last snapshot " +
        "is lost if it ends. Set appendonly yes and appendfsync always.",
    ]);
    const [everySecond] = await fitness("--appendonly", "yes", "--appendfsync", "everysec");
    expect(everySecond).toContain("appendfsync everysec");
    expect(everySecond).toContain("last second or two");
    const always = ["--appendonly", "yes", "--appendfsync", "always"];
    expect(await fitness(...always, "--no-appendfsync-on-rewrite", "yes")).toEqual([
      "Redis at db.example.com:6379 (REDIS_URL) does not save while it writes its log anew (no-appendfsync-on-rewrite yes): " +
        "what was written meanwhile is lost if its machine ends. Set no-appendfsync-on-rewrite no.",
    ]);
  });

  it("that does not let its settings be read is taken, and that is said", async () => {
    const [sentence] = await fitness(
      "--appendonly",
      "yes",
      "--appendfsync",
      "always",
      "--rename-command",
      "CONFIG",
      "",
    );
    expect(sentence).toContain("could not be checked");
  });

  it.each([
    ["throws rows away", ["--maxmemory-policy", "allkeys-lru"], "maxmemory-policy allkeys-lru"],
    ["throws rows away that expire", ["--maxmemory-policy", "volatile-ttl"], "Set maxmemory-policy to noeviction"],
    ["is a cluster", ["--cluster-enabled", "yes"], "is a Redis Cluster"],
  ])("that %s is refused", async (_, options, words) => {
    await expect(fitness(...options)).rejects.toThrow(words);
    await expect(fitness(...options)).rejects.toThrow("db.example.com:6379");
  });

  it.each([
    ["redis_version:6.0.16", "is 6.0.16, and 6.2 or later is needed"],
    ["redis_version:5.0.7", "6.2 or later"],
    ["", "of an unknown version"],
  ])("that is too old is refused (%s)", async (info, words) => {
    await expect(assertFit(answering(info))).rejects.toThrow(words);
  });

  it.each(["redis_version:6.2.0", "redis_version:10.0.1", "redis_version:7.2.4\r\nvalkey_version:8.0.1"])(
    "is new enough (%s)",
    async (info) => {
      const facts = "maxmemory_policy:noeviction\r\naof_enabled:1\r\ncluster_enabled:0";
      expect(await assertFit(answering(`${info}\r\n${facts}`))).toEqual([]);
    },
  );

  it("that is not there, or wants another password, is named without the password", async () => {
    const server = startRedis("--requirepass", "right");
    const options = { ...server.address.options, password: "geheim" };
    const connection = connectRedis({ name: "db.example.com:6379", options });
    const refused = await connection.command("PING").catch((error: unknown) => error);
    expect(String(refused)).toMatch(/db\.example\.com:6379 refuses: WRONGPASS/);
    expect(JSON.stringify([refused, String(refused), Object.entries(refused as object)])).not.toContain("geheim");
    connection.close();
    await server.stop();
    const gone = connectRedis({ name: "db.example.com:6379", options }, 200);
    await expect(gone.command("PING")).rejects.toThrow(/db\.example\.com:6379 does not answer/);
    gone.close();
  });

  it("is opened by its address, with user, password and database", async () => {
    const port = await freePort();
    const server = startRedis("--port", String(port), "--user", "app", "on", ">p@ss", "~*", "&*", "+@all");
    try {
      const { database, warnings } = await openRedisDatabase(`redis://app:p%40ss@127.0.0.1:${port}/3`);
      await write(database, put(["a"], 1));
      expect(await get(database, ["a"])).toBe(1);
      expect(warnings).toHaveLength(1);
      await database.close();
      await expect(get(database, ["a"])).rejects.toThrow("closed");
      await expect(openRedisDatabase(`redis://app:wrong@127.0.0.1:${port}`)).rejects.toThrow(/WRONGPASS/);
    } finally {
      await server.stop();
    }
  });
});

describe("an address", () => {
  it.each([
    ["redis://localhost", "localhost:6379", { host: "localhost", port: 6379, db: 0 }],
    ["redis://:s%2Fcret@db:7000/2", "db:7000/2", { host: "db", port: 7000, db: 2, password: "s/cret" }],
    ["rediss://app:s@db", "db:6379", { db: 0, username: "app", password: "s", tls: { servername: "db" } }],
    ["redis://[::1]:6380", "::1:6380", { host: "::1", port: 6380 }],
    [
      "redis+sentinel://app:s@s1,s2:26380/main/1?sentinel_password=t",
      "main/1 of the Sentinels s1:26379, s2:26380",
      {
        name: "main",
        sentinels: [
          { host: "s1", port: 26_379 },
          { host: "s2", port: 26_380 },
        ],
        db: 1,
        username: "app",
        password: "s",
        sentinelPassword: "t",
      },
    ],
    ["rediss+sentinel://s1/main", "main of the Sentinels s1:26379", { enableTLSForSentinelMode: true }],
  ])("is read: %s", (url, name, options) => {
    const address = readRedisUrl(url);
    expect(address.name).toBe(name);
    expect(address.options).toMatchObject(options);
  });

  it.each([
    "localhost:6379",
    "http://u:geheim@db",
    "redis://u:geheim@",
    "redis://u:geheim@db:port",
    "redis://u:geheim@a,b",
    "redis://u:geheim@db/main",
    "redis://u:geheim@db/1/2",
    "redis://u:geheim%@db",
    "redis+sentinel://u:geheim@s1",
    "redis://u:geh/eim@db",
  ])("that is none is refused without the password: %s", (url) => {
    expect(() => readRedisUrl(url)).toThrow(/^REDIS_URL .*It must be redis:\/\//);
    expect(() => readRedisUrl(url)).not.toThrow(/geh/);
  });
});

/** A server that answers as it is told. */
const answering = (info: string): RedisConnection => ({
  checkEach: () => undefined,
  name: "db.example.com:6379",
  command: (name) => Promise.resolve(name === "INFO" ? info : "appendfsync,always"),
  run: () => Promise.reject(new Error("No.")),
  close: () => undefined,
});

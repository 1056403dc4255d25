/** The database at the other end of a connection: what it promises although requests are lost and others write meanwhile. */
import { setImmediate } from "node:timers/promises";
import { createDryDatabase } from "../../../src/storage/database/dry-run";
import { createMemoryDatabase } from "../../../src/storage/database/memory";
import { createRemoteDatabase, type Answer, type Question } from "../../../src/storage/database/remote";
import type { Database, Key, RangeOptions, Rows } from "../../../src/storage/database/rows";
import type { Store } from "../../../src/storage/port/store";
import { connectRemote, createRemoteServer, mildFaults, type Fault } from "../../fixture/remote-database";
import { auditOf } from "./audit";
import { deliver, LANE, update } from "./builders";
import { openStore, START_MS } from "./fixture";
import { deliverSome, MESSAGES } from "./two-stores";

const ROWS = "rows";

const put = (database: Database, key: Key, value: unknown): Promise<void> =>
  database.write(() => ({ result: undefined, changes: [{ table: ROWS, key, value }] }));

const remove = (database: Database, key: Key): Promise<void> => put(database, key, undefined);

const get = (database: Database, key: Key): Promise<unknown> => database.read((rows) => rows.get(ROWS, key));

const numberAt = (rows: Rows, key: Key): number => Number(rows.get(ROWS, key) ?? 0);

/** Reads a document, and writes it back with one more. */
const increment = (database: Database, key: Key): Promise<number> =>
  database.write((rows) => {
    const value = numberAt(rows, key) + 1;
    return { result: value, changes: [{ table: ROWS, key, value }] };
  });

const count = (database: Database, by = 1): Promise<void> =>
  database.write(() => ({ result: undefined, changes: [{ table: "counts", key: ["n"], by }] }));

/** Faults of commits, one after the other; then none. */
const faults = (...script: readonly (Fault | undefined)[]) => {
  const left = [...script];
  return (request: "fetch" | "apply"): Fault | undefined => (request === "apply" ? left.shift() : undefined);
};

/** Something that others do once, between the first run and its commit. */
const once = (other: () => Promise<unknown>) => {
  const left = [other];
  return async (): Promise<void> => {
    await left.shift()?.();
  };
};

/** A server, and a client without faults that others' writes come from. */
const setUp = () => {
  const server = createRemoteServer();
  return { server, other: connectRemote(server) };
};

describe("a commit", () => {
  it("is applied once, however often its reply is lost", async () => {
    const { server, other } = setUp();
    const client = connectRemote(server, { faultOf: faults("reply lost", "reply lost", undefined, "reply lost") });
    await count(client, 2);
    expect(await increment(client, ["a"])).toBe(1);
    expect(await increment(client, ["a"])).toBe(2);
    expect(await get(other, ["a"])).toBe(2);
    expect(await other.read((rows) => rows.get("counts", ["n"]))).toBe(2);
  });

  it("whose reply was lost has the result of the run that was sent, whatever was written since", async () => {
    const { server, other } = setUp();
    let runs = 0;
    let asked = 0;
    const client = connectRemote(server, {
      faultOf: (request) => {
        if (request === "fetch") return undefined;
        asked += 1;
        return asked === 1 ? "reply lost" : "delayed";
      },
    });
    const incremented = client.write((rows) => {
      runs += 1;
      const value = numberAt(rows, ["a"]) + 1;
      return { result: value, changes: [{ table: ROWS, key: ["a"], value }] };
    });
    // Written as soon as the first commit is there, while the client still waits for its second answer.
    while ((await get(other, ["a"])) === undefined) await Promise.resolve();
    await increment(other, ["a"]);
    expect(asked).toBe(2);
    expect(await incremented).toBe(1);
    expect(await get(other, ["a"])).toBe(2);
    // One that noted what is missing, and the one that was sent.
    expect(runs).toBe(2);
  });

  it("is sent again when the request was lost", async () => {
    const { server, other } = setUp();
    const client = connectRemote(server, { faultOf: faults("request lost", "request lost") });
    await put(client, ["a"], "here");
    expect(await get(other, ["a"])).toBe("here");
  });

  it("that was lost runs again if others wrote in the meantime", async () => {
    const { server, other } = setUp();
    let asked = 0;
    const client = connectRemote(server, {
      faultOf: (request) => {
        if (request === "fetch") return undefined;
        asked += 1;
        return asked === 1 ? "request lost" : asked === 2 ? "delayed" : undefined;
      },
    });
    const incremented = increment(client, ["a"]);
    while (asked < 2) await Promise.resolve();
    await increment(other, ["a"]);
    expect(await incremented).toBe(2);
  });

  it("that is refused has written nothing, and says so", async () => {
    const { server, other } = setUp();
    const client = connectRemote(server, { faultOf: faults("refused") });
    await expect(put(client, ["a"], 1)).rejects.toThrow("refuses");
    expect(await get(other, ["a"])).toBeUndefined();
    await put(client, ["a"], 2);
    expect(await get(other, ["a"])).toBe(2);
  });

  it("changes several rows together", async () => {
    const { other } = setUp();
    await other.write(() => ({
      result: undefined,
      changes: [
        { table: ROWS, key: ["a"], value: 1 },
        { table: ROWS, key: ["b"], value: 2 },
        { table: "counts", key: ["n"], by: 3 },
      ],
    }));
    await remove(other, ["a"]);
    expect(await other.read((rows) => [...rows.range(ROWS, [])])).toEqual([[["b"], 2]]);
    expect(await other.read((rows) => rows.get("counts", ["n"]))).toBe(3);
  });

  it("stores a copy, and what is read from it cannot be changed", async () => {
    const { other } = setUp();
    const value = { list: [1] };
    await put(other, ["a"], value);
    value.list.push(2);
    const found = await other.read((rows) => rows.get(ROWS, ["a"]) as typeof value);
    expect(found).toEqual({ list: [1] });
    expect(() => found.list.push(3)).toThrow();
  });
});

describe("work that meets a conflict", () => {
  it("runs again with what is there now", async () => {
    const { server, other } = setUp();
    await put(other, ["a"], 10);
    const client = connectRemote(server, { beforeApply: once(() => put(other, ["a"], 20)) });
    expect(await increment(client, ["a"])).toBe(21);
  });

  it.each(["both without faults", "both with faults"])("is never lost: two connections, %s", async (which) => {
    const { server, other } = setUp();
    const clients = [1, 2].map(() =>
      connectRemote(server, which === "both with faults" ? { faultOf: mildFaults() } : {}),
    );
    const hundred = async (client: Database): Promise<void> => {
      for (let each = 0; each < 100; each += 1) {
        await increment(client, ["a"]);
        await count(client);
      }
    };
    await Promise.all(clients.map(hundred));
    expect(await get(other, ["a"])).toBe(200);
    expect(await other.read((rows) => rows.get("counts", ["n"]))).toBe(200);
  });

  it("at one connection is as if each had waited for the one before", async () => {
    const { other } = setUp();
    await Promise.all(Array.from({ length: 30 }, () => increment(other, ["a"])));
    expect(await get(other, ["a"])).toBe(30);
  });

  it("does not meet one because of what is only added to", async () => {
    const { server, other } = setUp();
    let runs = 0;
    const client = connectRemote(server, { beforeApply: once(() => count(other, 5)) });
    await client.write(() => {
      runs += 1;
      return { result: undefined, changes: [{ table: "counts", key: ["n"], by: 1 }] };
    });
    expect(runs).toBe(1);
    expect(await other.read((rows) => rows.get("counts", ["n"]))).toBe(6);
  });

  it("compares rows that were absent", async () => {
    const { server, other } = setUp();
    const client = connectRemote(server, { beforeApply: once(() => put(other, ["a"], "theirs")) });
    const owner = await client.write((rows) => {
      const found = rows.get(ROWS, ["a"]);
      return {
        result: found ?? "ours",
        changes: found === undefined ? [{ table: ROWS, key: ["a"], value: "ours" }] : [],
      };
    });
    expect(owner).toBe("theirs");
    expect(await get(other, ["a"])).toBe("theirs");
  });

  it("compares how many rows there are", async () => {
    const { server, other } = setUp();
    const client = connectRemote(server, { beforeApply: once(() => put(other, ["list", 1], 1)) });
    await client.write((rows) => ({
      result: undefined,
      changes: [{ table: ROWS, key: ["size"], value: rows.size(ROWS, ["list"]) }],
    }));
    expect(await get(other, ["size"])).toBe(1);
  });
});

describe("a walk", () => {
  const KEYS = [10, 20, 30, 40];

  /** Notes which keys a walk met, while somebody else writes between the run and its commit. */
  async function walked(
    meanwhile: (other: Database) => Promise<void>,
    options?: RangeOptions,
    most = Infinity,
  ): Promise<{ readonly met: unknown; readonly runs: number }> {
    const { server, other } = setUp();
    for (const key of KEYS) await put(other, ["list", key], key);
    let runs = 0;
    const client = connectRemote(server, { beforeApply: once(() => meanwhile(other)) });
    await client.write((rows) => {
      runs += 1;
      const met: unknown[] = [];
      for (const [key] of rows.range(ROWS, ["list"], options)) {
        met.push(key[1]);
        if (met.length === most) break;
      }
      return { result: undefined, changes: [{ table: ROWS, key: ["met"], value: met }] };
    });
    // Without a conflict: one that noted what is missing, and the one that was sent.
    return { met: await get(other, ["met"]), runs };
  }

  it("is compared: a row that appears inside", async () => {
    const { met } = await walked((other) => put(other, ["list", 25], 1));
    expect(met).toEqual([10, 20, 25, 30, 40]);
  });

  it("is compared: a row that appears before or after the others", async () => {
    expect((await walked((other) => put(other, ["list", 5], 1))).met).toEqual([5, ...KEYS]);
    expect((await walked((other) => put(other, ["list", 50], 1))).met).toEqual([...KEYS, 50]);
  });

  it("is compared: a row that was removed, or has another value", async () => {
    expect((await walked((other) => remove(other, ["list", 40]))).met).toEqual([10, 20, 30]);
    expect((await walked((other) => put(other, ["list", 20], "new"))).runs).toBe(3);
  });

  it("is compared up to its limit and its end, not beyond", async () => {
    const appears = (key: number) => (other: Database) => put(other, ["list", key], 1);
    expect(await walked(appears(25), { limit: 2 })).toEqual({ met: [10, 20], runs: 2 });
    expect(await walked(appears(15), { limit: 2 })).toEqual({ met: [10, 15], runs: 3 });
    expect(await walked(appears(35), { end: ["list", 30] })).toEqual({ met: [10, 20], runs: 2 });
    expect(await walked(appears(25), { end: ["list", 30] })).toEqual({ met: [10, 20, 25], runs: 3 });
    expect(await walked(appears(15), { after: ["list", 20] })).toEqual({ met: [30, 40], runs: 2 });
    expect(await walked(appears(25), { after: ["list", 20] })).toEqual({ met: [25, 30, 40], runs: 3 });
  });

  it("that was left is compared up to there", async () => {
    expect(await walked((other) => put(other, ["list", 25], 1), {}, 2)).toEqual({ met: [10, 20], runs: 2 });
    expect(await walked((other) => put(other, ["list", 15], 1), {}, 2)).toEqual({ met: [10, 15], runs: 3 });
  });

  it("that met nothing is compared", async () => {
    const { met } = await walked((other) => put(other, ["list", 45], 1), { after: ["list", 40] });
    expect(met).toEqual([45]);
  });

  it("over many rows is fetched part by part, as far as it goes", async () => {
    const { server, other } = setUp();
    const keys = Array.from({ length: 1_500 }, (_, index) => ["list", index] as const);
    await other.write(() => ({ result: undefined, changes: keys.map((key) => ({ table: ROWS, key, value: 1 })) }));
    let fetched = 0;
    const client = connectRemote(server, {
      faultOf: (request) => {
        if (request === "fetch") fetched += 1;
        return undefined;
      },
    });
    const found = await client.read((rows) => [...rows.range(ROWS, ["list"])].map(([key]) => key));
    expect(found).toEqual(keys);
    expect(fetched).toBeLessThan(6);
    fetched = 0;
    expect(await client.read((rows) => [...rows.range(ROWS, ["list"], { limit: 300 })])).toHaveLength(300);
    const first = await client.read((rows) => {
      for (const [key] of rows.range(ROWS, ["list"])) return key;
      return undefined;
    });
    expect(first).toEqual(keys[0]);
    expect(fetched).toBe(3);
  });

  it("over very many rows takes no longer for each of them", async () => {
    const rows = Array.from({ length: 300_000 }, (_, index) => [[index], "1"] as const);
    const answerTo = (question: Question): Answer<string> => {
      if (question.kind !== "walk") return { rows: [], size: 0 };
      const from = question.after === undefined ? 0 : Number(question.after[0]) + 1;
      return { rows: rows.slice(from, from + question.limit), size: 0 };
    };
    const { read } = createRemoteDatabase<string>({
      fetch: (questions) => setImmediate(questions.map(answerTo)),
      apply: (_, changes) => Promise.resolve(changes.map(() => undefined)),
      decode: Number,
      wait: () => Promise.resolve(),
    });
    expect(await read((found) => [...found.range(ROWS, [])].length)).toBe(rows.length);
  });

  it("meets the same rows as in memory", async () => {
    const databases = [createMemoryDatabase(), connectRemote(createRemoteServer(), { faultOf: mildFaults() })];
    const keys: readonly Key[] = [["a"], ["a", 1], ["a", "b"], ["a", "b", 2], ["ab"], [1], [1, "x"], ["é", "日", 9]];
    const bounds: readonly RangeOptions[] = [{}, { limit: 2 }, { after: ["a", 1] }, { end: ["a", "b"] }, { limit: 0 }];
    const answers = databases.map(async (database) => {
      for (const key of keys) await put(database, key, key);
      return database.read((rows) =>
        [[], ["a"], ["a", "b"], [1], ["none"]].map((prefix) => [
          rows.size(ROWS, prefix),
          bounds.map((options) => [...rows.range(ROWS, prefix, options)]),
        ]),
      );
    });
    const [memory, remote] = await Promise.all(answers);
    expect(remote).toEqual(memory);
  });
});

describe("a run over rows that are not there yet", () => {
  it("leaves nothing behind, and what it throws is not seen", async () => {
    const { other } = setUp();
    await put(other, ["a"], "b");
    await put(other, ["b"], 7);
    let thrown = 0;
    const found = await other.write((rows) => {
      const name = rows.get(ROWS, ["a"]);
      if (typeof name !== "string") {
        thrown += 1;
        throw new Error("Never seen.");
      }
      const value = rows.get(ROWS, [name]);
      return { result: value, changes: [{ table: ROWS, key: [`made of ${String(value)}`], value }] };
    });
    expect([found, thrown]).toEqual([7, 1]);
    expect(await other.read((rows) => [...rows.range(ROWS, [])].map(([key]) => key))).toEqual([
      ["a"],
      ["b"],
      ["made of 7"],
    ]);
  });

  it("notes everything that it asks for, so that few runs are needed", async () => {
    const { other } = setUp();
    let runs = 0;
    await other.read((rows) => {
      runs += 1;
      for (let index = 0; index < 1_000; index += 1) rows.get(ROWS, [index]);
    });
    expect(runs).toBe(2);
  });

  it("is ended when it goes in circles, and counts for nothing even if the work goes on", async () => {
    const { other } = setUp();
    await put(other, ["a"], "here");
    const circles = (rows: Rows): void => {
      while (rows.get(ROWS, ["a"]) === undefined);
    };
    await other.read(circles);
    const result = await other.read((rows) => {
      try {
        circles(rows);
        return "found";
      } catch {
        return "caught";
      }
    });
    expect(result).toBe("found");
  });

  it.each([
    ["asks again and again", 1],
    ["asks once, and goes in circles over the answer", 3],
  ])("is ended where rows of two moments contradict each other, if it %s", async (_, fromRun) => {
    const { server, other } = setUp();
    await put(other, ["a"], "b");
    await put(other, ["b"], "here");
    let fetched = 0;
    const client = connectRemote(server, {
      faultOf: (request) => {
        if (request === "fetch") fetched += 1;
        return request === "fetch" && fetched === 2 ? "delayed" : undefined;
      },
    });
    let runs = 0;
    const seen = client.write((rows) => {
      runs += 1;
      const name = rows.get(ROWS, ["a"]);
      // What "a" names is there, at every moment.
      if (typeof name === "string") while (rows.get(ROWS, [name]) === undefined && runs >= fromRun);
      return { result: name, changes: [{ table: ROWS, key: ["found"], value: name }] };
    });
    while (fetched < 2) await Promise.resolve();
    await other.write(() => ({
      result: undefined,
      changes: [
        { table: ROWS, key: ["a"], value: "c" },
        { table: ROWS, key: ["b"], value: undefined },
        { table: ROWS, key: ["c"], value: "here" },
      ],
    }));
    expect(await seen).toBe("c");
  });

  it("throws what the work throws when everything was there", async () => {
    const { other } = setUp();
    const failing = other.write((rows) => {
      rows.get(ROWS, ["a"]);
      throw new Error("Its own.");
    });
    await expect(failing).rejects.toThrow("Its own.");
  });

  it("never shows two moments", async () => {
    const { server, other } = setUp();
    const both = (value: number): Promise<void> =>
      other.write(() => ({
        result: undefined,
        changes: ["a", "b"].map((key) => ({ table: ROWS, key: [key], value })),
      }));
    await both(1);
    let fetched = 0;
    const client = connectRemote(server, {
      faultOf: (request) => {
        if (request === "fetch") fetched += 1;
        return request === "fetch" && fetched === 2 ? "delayed" : undefined;
      },
    });
    const seen = client.read((rows) => {
      const a = rows.get(ROWS, ["a"]);
      // The second row is asked for only once the first one is there.
      if (a !== undefined && a !== rows.get(ROWS, ["b"]) && rows.get(ROWS, ["b"]) !== undefined)
        throw new Error("Torn.");
      return [a, a === undefined ? undefined : rows.get(ROWS, ["b"])];
    });
    while (fetched < 2) await Promise.resolve();
    await both(2);
    expect(await seen).toEqual([2, 2]);
  });
});

describe("the bounds", () => {
  it("end work that asks for more in every run", async () => {
    const { other } = setUp();
    let asked = 0;
    const endless = other.read((rows) => rows.get(ROWS, [(asked += 1)]));
    await expect(endless).rejects.toThrow("asked for more rows");
    expect(asked).toBe(201);
  });

  it("end work that meets a conflict every time", async () => {
    const { server, other } = setUp();
    const client = connectRemote(server, { beforeApply: () => increment(other, ["a"]) });
    await expect(increment(client, ["a"])).rejects.toThrow("Others changed");
    expect(await get(other, ["a"])).toBe(201);
  });

  it("end a request that is never answered", async () => {
    const { server, other } = setUp();
    const client = connectRemote(server, { faultOf: () => "request lost" });
    await expect(put(client, ["a"], 1)).rejects.toThrow("did not answer");
    expect(await get(other, ["a"])).toBeUndefined();
  });

  it("keep the ids of the newest commits alone", async () => {
    const server = createRemoteServer({ mostIds: 3 });
    const client = connectRemote(server);
    for (let each = 0; each < 5; each += 1) await put(client, [each], each);
    expect(server.remembered()).toBe(3);
  });
});

describe("a connection", () => {
  it("that is closed serves nobody, and a new one finds everything", async () => {
    const { server, other } = setUp();
    await put(other, ["a"], 1);
    await other.close();
    await expect(get(other, ["a"])).rejects.toThrow("closed");
    expect(await get(connectRemote(server), ["a"])).toBe(1);
  });
});

describe("two stores at one server", () => {
  it("take the same messages in, count each once, and deliver each record once", async () => {
    const server = createRemoteServer();
    const open = (): Promise<Store> =>
      openStore({ database: connectRemote(server, { faultOf: mildFaults() }), now: () => START_MS });
    const stores = [await open(), await open()];
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
    expect(await auditOf(connectRemote(server))).toEqual([]);
  });
});

describe("a dry run over it", () => {
  it("writes once, however often its work is run, and several do so one after the other", async () => {
    const { server, other } = setUp();
    await put(other, ["a"], 5);
    // Every comparison of what was read makes the work run once more.
    let asked = 0;
    const faultOf = (request: "fetch" | "apply"): Fault | undefined => {
      if (request === "apply") asked += 1;
      return request === "apply" && asked % 2 === 1 ? "conflict" : undefined;
    };
    const dry = createDryDatabase(connectRemote(server, { faultOf }));
    let runs = 0;
    const work = (): Promise<void> =>
      dry.write((rows) => {
        runs += 1;
        // The second row is asked for only once the first one is there, so that the rows come from two moments.
        const value = numberAt(rows, ["a"]) + (rows.get(ROWS, ["a"]) === undefined ? 0 : numberAt(rows, ["b"])) + 1;
        return {
          result: undefined,
          changes: [
            { table: ROWS, key: ["a"], value },
            { table: "counts", key: ["n"], by: 1 },
          ],
        };
      });
    await Promise.all([work(), work()]);
    expect(runs).toBeGreaterThan(2);
    expect(await get(dry, ["a"])).toBe(7);
    expect(await dry.read((rows) => rows.get("counts", ["n"]))).toBe(2);
    expect(await get(other, ["a"])).toBe(5);
  });
});

test("a store's work has one time, however often it is run: what is due does not run away from it", async () => {
  let nowMs = START_MS;
  const store = await openStore({ database: connectRemote(createRemoteServer()), now: () => (nowMs += 1) });
  const messages = Array.from({ length: 5 }, (_, at) => update({ id: `c${at}`, hullId: `a${at}` }));
  await store.accept(messages);
  const ready = await store.ready(LANE, "companies", 99);
  expect(ready).toHaveLength(messages.length);
  await store.settle(
    LANE,
    ready.map((entry) => deliver(entry, `p-${entry.hullId}`)),
  );
  expect(await store.hullUpdates(LANE, 99)).toHaveLength(messages.length);
  expect(await store.backlog("planhat")).toMatchObject({ outbox: 0, hullUpdates: messages.length });
  expect(await store.housekeep(1)).toBe(0);
});

/** Long words that stand in many keys: written short, read long, and the same after a restart. */
import fc from "fast-check";
import { createCache, type Cache } from "../../../src/storage/database/cached";
import type { Key, KeyValue, Table } from "../../../src/storage/database/kv";
import { setUpDatabases } from "./fixture";
import { openNames, withNames, type Names } from "../../../src/storage/database/names";

/** A database with its names, opened anew as often as a test likes. */
interface Opened {
  readonly names: Names;
  readonly cache: Cache;
  /** Two words and a number. */
  readonly table: Table<number>;
  /** The rows as they are stored. */
  readonly short: Table<number>;
  readonly put: (...keys: readonly Key[]) => Promise<void>;
}

describe.each(["memory", "lmdb"] as const)("words in keys (%s)", (adapter) => {
  const { makeFolder, openDatabase } = setUpDatabases();
  let folder: string;
  let kv: KeyValue;
  beforeEach(() => {
    folder = makeFolder();
    kv = openDatabase(adapter, folder);
  });

  function open(): Opened {
    const names = openNames(kv);
    const cache = createCache(kv, names);
    const short = kv.table<number>("rows");
    const table = withNames(short, names, 2);
    const put = (...keys: readonly Key[]): Promise<void> =>
      cache.transact(() => keys.forEach((key) => table.put(key, Number(key[2] ?? 0))));
    return { names, cache, table, short, put };
  }

  /** As after a restart of the process. */
  async function reopen(): Promise<Opened> {
    if (adapter === "lmdb") {
      await kv.close();
      kv = openDatabase(adapter, folder);
    }
    return open();
  }

  const LONG = "org|https://api.planhat.example|0b7e1f3a-0000-4000-8000-000000000001";

  it("are written short and read long", async () => {
    const { table, short, put } = open();
    await put([LONG, "companies", 1], [LONG, "endusers", 2]);
    expect([...table.range([])].map(([key]) => key)).toEqual([
      [LONG, "companies", 1],
      [LONG, "endusers", 2],
    ]);
    expect(table.get([LONG, "endusers", 2])).toBe(2);
    for (const [key] of short.range([])) {
      expect(key.slice(0, 2).every((part) => typeof part === "string" && part.length <= 2)).toBe(true);
    }
  });

  it("keep their short form in every table, and over a restart", async () => {
    const first = open();
    await first.put([LONG, "companies", 1]);
    const second = await reopen();
    expect(second.names.find(LONG)).toBe(first.names.find(LONG));
    expect(second.table.get([LONG, "companies", 1])).toBe(1);
    await second.put([LONG, "endusers", 2], ["another", "companies", 3]);
    const third = await reopen();
    expect([...third.table.range([])].map(([key]) => key).sort()).toEqual([
      ["another", "companies", 3],
      [LONG, "companies", 1],
      [LONG, "endusers", 2],
    ]);
    const shorts = [LONG, "companies", "endusers", "another"].map((word) => third.names.find(word));
    expect(new Set(shorts).size).toBe(4);
  });

  it("that were never written lead to no row, and looking for them names nothing", async () => {
    const { table, names, cache, put } = open();
    await put(["known", "companies", 1]);
    await cache.transact(() => {
      expect(table.get(["unknown", "companies", 1])).toBeUndefined();
      expect(table.get(["known", "unknown", 1])).toBeUndefined();
      expect([...table.range(["unknown"])]).toEqual([]);
      expect([...table.range(["known", "unknown"])]).toEqual([]);
      table.remove(["unknown", "companies", 1]);
    });
    expect(names.find("unknown")).toBeUndefined();
    expect([...kv.table("names").range([])]).toHaveLength(2);
    expect([...table.range([])]).toHaveLength(1);
  });

  it("may look like the short form of another", async () => {
    const { table, put, names } = open();
    await put(["alpha", "beta", 1], ["1", "2", 2], ["2", "1", 3]);
    expect([names.find("alpha"), names.find("beta")]).toEqual(["1", "2"]);
    expect([...table.range(["1"])]).toEqual([[["1", "2", 2], 2]]);
    expect([...table.range(["alpha"])]).toEqual([[["alpha", "beta", 1], 1]]);
    expect((await reopen()).table.get(["2", "1", 3])).toBe(3);
  });

  it("that were dropped are named anew, and the others stay", async () => {
    const { cache, names, put, table } = open();
    await put(["gone", "companies", 1], ["kept", "companies", 2]);
    await cache.transact(() => {
      table.remove(["gone", "companies", 1]);
      names.drop(["gone", "never there"]);
    });
    expect(openNames(kv).find("gone")).toBeUndefined();
    expect(table.get(["gone", "companies", 1])).toBeUndefined();
    await put(["gone", "companies", 3]);
    const again = await reopen();
    expect([...again.table.range(["gone"])]).toEqual([[["gone", "companies", 3], 3]]);
    expect([...again.table.range(["kept"])]).toEqual([[["kept", "companies", 2], 2]]);
  });

  const word = fc.oneof(
    fc.constantFrom("companies", "endusers", LONG, "", "1", "a", "10", "é日", "a|b"),
    fc.integer({ min: 1, max: 60 }).map((number) => `word ${number}`),
  );
  const key = fc.tuple(word, word, fc.nat(9));
  const write = fc.record({ key, remove: fc.nat(4).map((dice) => dice === 0) });

  it("are found whatever the order in which they were first written, whole or by their beginning", async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(write, { maxLength: 80, size: "max" }),
        key,
        fc.nat(9),
        async (writes, probe, below) => {
          run += 1;
          const { cache, table } = open();
          const space = ([first, ...rest]: readonly [string, string, number]): Key => [`${run} ${first}`, ...rest];
          const model = new Map<string, number>();
          await cache.transact(() => {
            writes.forEach(({ key: each, remove }, number) => {
              if (remove) table.remove(space(each));
              else table.put(space(each), number);
              if (remove) model.delete(JSON.stringify(space(each)));
              else model.set(JSON.stringify(space(each)), number);
            });
          });
          for (const names of [table, open().table]) {
            const rowsOf = (prefix: Key, options = {}): string[] =>
              [...names.range(prefix, options)].map(([each, value]) => JSON.stringify([each, value])).sort();
            const expected = (fits: (each: Key) => boolean): string[] =>
              [...model]
                .map(([text, value]) => [JSON.parse(text) as Key, value] as const)
                .filter(([each]) => fits(each))
                .map((row) => JSON.stringify(row))
                .sort();
            const [first = "", second = "", third = 0] = space(probe);
            expect(names.get([first, second, third])).toBe(model.get(JSON.stringify([first, second, third])));
            expect(rowsOf([first])).toEqual(expected((each) => each[0] === first));
            expect(rowsOf([first, second])).toEqual(expected((each) => each[0] === first && each[1] === second));
            // Up to a point behind the words, as the queues are read.
            expect(rowsOf([first, second], { end: [first, second, below] })).toEqual(
              expected((each) => each[0] === first && each[1] === second && Number(each[2]) < below),
            );
          }
        },
      ),
      { numRuns: adapter === "lmdb" ? 40 : 150 },
    );
  });

  it("let a walk go on where it stopped, page by page, with every row once", async () => {
    const { table, put } = open();
    const keys = Array.from({ length: 50 }, (_, index): Key => ["first", `word ${index % 45}`, index]);
    await put(...keys, ["second", "word 1", 99]);
    for (const limit of [1, 7, 49, 50, 100]) {
      for (const prefix of [[], ["first"]]) {
        const found: string[] = [];
        for (let after: Key | undefined; found.length <= keys.length;) {
          const page = [...table.range(prefix, { limit, ...(after === undefined ? {} : { after }) })];
          expect(page.length).toBeLessThanOrEqual(limit);
          found.push(...page.map(([each]) => JSON.stringify(each)));
          after = page.at(-1)?.[0];
          if (page.length < limit) break;
        }
        const expected = [...keys, ...(prefix.length === 0 ? [["second", "word 1", 99]] : [])];
        expect(found.toSorted()).toEqual(expected.map((each) => JSON.stringify(each)).sort());
      }
    }
  });

  it("come in one order in every walk", async () => {
    const { table, put } = open();
    await put(...Array.from({ length: 50 }, (_, index): Key => ["first", `word ${(index * 7) % 50}`, index]));
    const order = [...table.range([])].map(([each]) => each);
    expect([...(await reopen()).table.range(["first"])].map(([each]) => each)).toEqual(order);
  });
});

describe("words that a transaction made before it was taken back", () => {
  const { openDatabase } = setUpDatabases();
  let kv: KeyValue;
  let names: ReturnType<typeof openNames>;
  let cache: ReturnType<typeof createCache>;
  let table: Table<number>;
  beforeEach(() => {
    kv = openDatabase("lmdb");
    names = openNames(kv);
    cache = createCache(kv, names);
    table = withNames(kv.table<number>("rows"), names, 1);
  });

  it("are no names, and what is written afterwards finds its place", async () => {
    await cache.transact(() => table.put(["before", 1], 1));
    const failed = cache.transact(() => {
      table.put(["lost", 1], 1);
      names.drop(["before"]);
      throw new Error("taken back");
    });
    await expect(failed).rejects.toThrow("taken back");
    expect(table.get(["before", 1])).toBe(1);
    await cache.transact(() => table.put(["other", 2], 2));
    await cache.transact(() => table.put(["lost", 3], 3));
    const later = withNames(kv.table<number>("rows"), openNames(kv), 1);
    for (const each of [table, later]) {
      const all = ["before", "lost", "other"].map((word) => [...each.range([word])]);
      expect(all).toEqual([[[["before", 1], 1]], [[["lost", 3], 3]], [[["other", 2], 2]]]);
    }
  });

  it("are no names for the transaction right behind it either", async () => {
    const failed = cache.transact(() => {
      table.put(["one", 1], 1);
      throw new Error("taken back");
    });
    const next = cache.transact(() => {
      table.put(["one", 2], 2);
      table.put(["two", 2], 3);
    });
    await expect(failed).rejects.toThrow("taken back");
    await next;
    const later = withNames(kv.table<number>("rows"), openNames(kv), 1);
    for (const each of [table, later]) {
      expect(["one", "two"].map((word) => [...each.range([word])])).toEqual([[[["one", 2], 2]], [[["two", 2], 3]]]);
    }
  });

  it("do not take those with them that another transaction is making", async () => {
    const lost: number[] = [];
    for (let number = 0; number < 200; number += 1) {
      const failed = cache.transact(() => {
        throw new Error("taken back");
      });
      const refused = expect(failed).rejects.toThrow("taken back");
      for (let turns = 0; turns < number % 5; turns += 1) await new Promise((resolve) => setImmediate(resolve));
      await cache.transact(() => table.put([`word ${number}`, 1], number));
      await refused;
      if (table.get([`word ${number}`, 1]) !== number) lost.push(number);
    }
    expect(lost).toEqual([]);
  });
});

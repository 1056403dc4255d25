/** Cached rows: nobody can tell them from the rows in the database, except by the time that they take. */
import fc from "fast-check";
import { createCache, type Cache, type CachedTable } from "../../../src/storage/database/cached";
import type { KeyValue, Table } from "../../../src/storage/database/kv";
import { setUpDatabases } from "./fixture";

/** Histories that are tried. */
const RUNS = { memory: 100, lmdb: 60 };
/** Nothing is named here. */
const NO_NAMES = { begin: () => () => undefined };

interface Row {
  readonly number: number;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe.each(["memory", "lmdb"] as const)("rows that are kept (%s)", (adapter) => {
  const { openDatabase } = setUpDatabases();
  let kv: KeyValue;
  let reads: number;
  let failures: number;
  let cache: Cache;
  let tables = 0;

  beforeEach(() => {
    kv = openDatabase(adapter);
    reads = 0;
    failures = 0;
    cache = createCache(kv, { begin: () => (committed) => void (failures += committed ? 0 : 1) });
  });

  /** An empty table, as it is and with rows kept. LMDB has room for few of them, so they share one. */
  function open(
    limit: number,
    isKept?: (row: unknown) => boolean,
  ): { readonly plain: Table<Row>; readonly kept: CachedTable<Row> } {
    tables += 1;
    const place = `table ${tables}`;
    const shared = kv.table<Row>("rows");
    const plain: Table<Row> = {
      get: (key) => shared.get([place, ...key]),
      put: (key, value) => shared.put([place, ...key], value),
      remove: (key) => shared.remove([place, ...key]),
      range: (key) => shared.range([place, ...key]),
      size: () => shared.size(),
    };
    const counting: Table<Row> = {
      ...plain,
      get: (key) => {
        reads += 1;
        return plain.get(key);
      },
    };
    return { plain, kept: cache.table(counting, limit, isKept) };
  }

  it("are read once", async () => {
    const { kept } = open(10);
    await cache.transact(() => kept.put(["a"], { number: 1 }));
    for (let times = 0; times < 3; times += 1) expect(kept.get(["a"])).toEqual({ number: 1 });
    expect(reads).toBe(0);
    const later = createCache(kv, NO_NAMES).table(kv.table<Row>("rows"), 10);
    expect(later.get([`table ${tables}`, "a"])).toEqual({ number: 1 });
  });

  it("are read every time when they are too large to be kept, and one that grew gives its place up", async () => {
    const { kept } = open(10, (row) => ((row as Row | undefined)?.number ?? 0) < 100);
    await cache.transact(() => kept.put(["a"], { number: 1 }));
    expect([kept.get(["a"]), reads]).toEqual([{ number: 1 }, 0]);
    await cache.transact(() => kept.put(["a"], { number: 100 }));
    for (let times = 1; times < 3; times += 1) expect([kept.get(["a"]), reads]).toEqual([{ number: 100 }, times]);
    await cache.transact(() => kept.put(["a"], { number: 2 }));
    expect([kept.get(["a"]), reads]).toEqual([{ number: 2 }, 2]);
  });

  it("are known to be absent after one look, and there once they were made", async () => {
    const { kept } = open(10);
    for (let times = 0; times < 3; times += 1) expect(kept.get(["a"])).toBeUndefined();
    expect(reads).toBe(1);
    await cache.transact(() => kept.put(["a"], { number: 1 }));
    expect(kept.get(["a"])).toEqual({ number: 1 });
    await cache.transact(() => kept.remove(["a"]));
    expect(kept.get(["a"])).toBeUndefined();
    expect(reads).toBe(1);
  });

  it("are seen by the transaction that writes them, every time anew", async () => {
    const { kept } = open(10);
    const seen = await cache.transact(() => {
      const found: unknown[] = [kept.get(["a"])];
      for (const number of [1, 2]) {
        kept.put(["a"], { number });
        found.push(kept.get(["a"]));
      }
      kept.remove(["a"]);
      return [...found, kept.get(["a"])];
    });
    expect(seen).toEqual([undefined, { number: 1 }, { number: 2 }, undefined]);
    expect(kept.get(["a"])).toBeUndefined();
  });

  it("are as the last of several transactions left them, when they come on top of each other", async () => {
    const { kept } = open(10);
    const seen = await Promise.all(
      [1, 2, 3, 4].map((number) =>
        cache.transact(() => {
          const before = kept.get(["a"])?.number ?? 0;
          kept.put(["a"], { number });
          return before;
        }),
      ),
    );
    expect(seen).toEqual([0, 1, 2, 3]);
    expect(kept.get(["a"])).toEqual({ number: 4 });
    const half = [cache.transact(() => kept.remove(["a"])), cache.transact(() => kept.get(["a"]))] as const;
    expect(await half[1]).toBeUndefined();
    await half[0];
    expect(kept.get(["a"])).toBeUndefined();
  });

  it("can only be written in a transaction", async () => {
    const { kept } = open(10);
    expect(() => kept.put(["a"], { number: 1 })).toThrow("in transactions only");
    expect(() => kept.remove(["a"])).toThrow("in transactions only");
    await cache.transact(() => undefined);
    expect(() => kept.put(["a"], { number: 1 })).toThrow("in transactions only");
    expect(kept.get(["a"])).toBeUndefined();
  });

  it("make room for others: the oldest go first, and are read again", async () => {
    const { kept } = open(2);
    await cache.transact(() => ["a", "b", "c"].forEach((name, number) => kept.put([name], { number })));
    expect(["b", "c"].map((name) => kept.get([name])?.number)).toEqual([1, 2]);
    expect(reads).toBe(0);
    expect(kept.get(["a"])).toEqual({ number: 0 });
    expect(reads).toBe(1);
    expect(kept.get(["b"])).toEqual({ number: 1 });
    expect(reads).toBe(2);
  });

  it("are not pushed out by somebody in passing, who sees and writes the same rows", async () => {
    const { kept } = open(2);
    await cache.transact(() => ["a", "b"].forEach((name, number) => kept.put([name], { number })));
    await cache.transact(() => ["c", "d"].forEach((name, number) => kept.inPassing.put([name], { number })));
    expect(["c", "d", "a"].map((name) => kept.inPassing.get([name])?.number)).toEqual([0, 1, 0]);
    expect(reads).toBe(2);
    expect(["a", "b"].map((name) => kept.get([name])?.number)).toEqual([0, 1]);
    expect(reads).toBe(2);
    await cache.transact(() => kept.inPassing.put(["a"], { number: 7 }));
    expect([kept.get(["a"])?.number, kept.inPassing.get(["a"])?.number]).toEqual([7, 7]);
    await cache.transact(() => kept.inPassing.remove(["b"]));
    expect(kept.get(["b"])).toBeUndefined();
    // What was kept stays kept, as it is now.
    expect(reads).toBe(2);
  });

  it("belong to their table and to their whole key", async () => {
    const [one, two] = [open(10), open(10)];
    await cache.transact(() => {
      one.kept.put(["a", "b"], { number: 1 });
      two.kept.put(["a", "b"], { number: 2 });
      two.kept.put(["a"], { number: 3 });
      two.kept.put(["ab"], { number: 4 });
    });
    expect([one.kept.get(["a", "b"]), two.kept.get(["a", "b"]), two.kept.get(["a"]), one.kept.get(["a"])]).toEqual([
      { number: 1 },
      { number: 2 },
      { number: 3 },
      undefined,
    ]);
    expect(two.kept.get(["ab"])).toEqual({ number: 4 });
    expect([...two.kept.range(["a"])]).toEqual([...two.plain.range(["a"])]);
  });

  it("say when a transaction failed, and pass its error on", async () => {
    await expect(
      cache.transact(() => {
        throw new Error("no room");
      }),
    ).rejects.toThrow("no room");
    expect(failures).toBe(1);
    expect(await cache.transact(() => "fine")).toBe("fine");
    expect(failures).toBe(1);
  });

  const operation = fc.record({
    kind: fc.constantFrom("put", "put", "get", "get", "remove"),
    name: fc.constantFrom("a", "b", "c", "d"),
    inPassing: fc.boolean(),
  });
  const transaction = fc.record({
    operations: fc.array(operation, { minLength: 1, maxLength: 6 }),
    // In memory nothing is taken back, so nothing may fail there.
    fails: adapter === "lmdb" ? fc.nat(3).map((dice) => dice === 0) : fc.constant(false),
    /** How long the next one waits: not at all, some turns, or until this one is through. */
    then: fc.constantFrom("at once", "a turn", "three turns", "through"),
  });

  it("are what the database holds at any moment, inside and outside of transactions, whatever fails", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(transaction, { maxLength: 12 }), fc.integer({ min: 1, max: 4 }), async (all, limit) => {
        const { plain, kept } = open(limit);
        const model = new Map<string, number>();
        const running: Promise<unknown>[] = [];
        let number = 0;
        const compare = (): void => {
          for (const name of ["a", "b", "c", "d"]) {
            expect(kept.inPassing.get([name])).toEqual(plain.get([name]));
            expect(kept.get([name])).toEqual(plain.get([name]));
          }
        };
        for (const { operations, fails, then } of all) {
          const work = cache.transact(() => {
            for (const { kind, name, inPassing } of operations) {
              const table = inPassing ? kept.inPassing : kept;
              number += 1;
              if (kind === "get") expect(table.get([name])?.number).toBe(model.get(name));
              else if (kind === "remove") table.remove([name]);
              else table.put([name], { number });
              if (kind !== "get" && !fails) {
                if (kind === "remove") model.delete(name);
                else model.set(name, number);
              }
              if (fails && kind !== "get") break;
            }
            compare();
            if (fails) throw new Error("taken back");
          });
          running.push(fails ? expect(work).rejects.toThrow("taken back") : work);
          compare();
          const turns = { "at once": 0, "a turn": 1, "three turns": 3, through: 0 }[then];
          for (let waited = 0; waited < turns; waited += 1) {
            await turn();
            compare();
          }
          if (then === "through") await running.at(-1);
          compare();
        }
        await Promise.all(running);
        compare();
        for (const name of ["a", "b", "c", "d"]) expect(kept.get([name])?.number).toBe(model.get(name));
      }),
      { numRuns: RUNS[adapter] },
    );
  });
});

describe("rows of a transaction that is not through", () => {
  const { openDatabase } = setUpDatabases();

  it("are seen by nobody outside, and by nobody ever when it is taken back", async () => {
    const kv = openDatabase("lmdb");
    const cache = createCache(kv, NO_NAMES);
    const table = cache.table(kv.table<Row>("rows"), 10);
    await cache.transact(() => table.put(["a"], { number: 1 }));

    const seen = new Set<number | undefined>();
    const watch = async (work: Promise<unknown>): Promise<void> => {
      const state = { through: false };
      const end = work.catch(() => undefined).finally(() => (state.through = true));
      while (!state.through) {
        seen.add(table.get(["a"])?.number);
        await turn();
      }
      await end;
    };
    await watch(
      cache.transact(() => {
        table.put(["a"], { number: 13 });
        throw new Error("no");
      }),
    );
    expect([...seen]).toEqual([1]);
    expect(table.get(["a"])).toEqual({ number: 1 });
    await watch(cache.transact(() => table.put(["a"], { number: 2 })));
    expect(table.get(["a"])).toEqual({ number: 2 });
  });
});

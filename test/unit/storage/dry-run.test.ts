import fc from "fast-check";
import type { Key, KeyValue, Table } from "../../../src/storage/database/kv";
import { createMemoryKeyValue } from "../../../src/storage/database/memory";
import { setUpDatabases } from "./fixture";
import { openNames } from "../../../src/storage/database/names";
import { createDryKeyValue } from "../../../src/storage/database/dry-run";

/** Cases that are tried. */
const RUNS = { histories: 60, keys: 75 };

interface Write {
  readonly key: Key;
  readonly value: number;
  readonly remove: boolean;
}

interface Transaction {
  readonly writes: readonly Write[];
  readonly aborted: boolean;
}

const part = fc.oneof(fc.constantFrom("a", "ab", "b", "", "é"), fc.constantFrom(0, 1, 10, 1_750_000_000_000));
const key = fc.array(part, { minLength: 1, maxLength: 3 });
const write: fc.Arbitrary<Write> = fc.record({ key, value: fc.nat(9), remove: fc.boolean() });
const transaction: fc.Arbitrary<Transaction> = fc.record({
  writes: fc.array(write, { maxLength: 12 }),
  aborted: fc.boolean(),
});
const bounds = fc.record({
  prefix: fc.array(part, { maxLength: 2 }),
  after: fc.option(key, { nil: undefined }),
  end: fc.option(key, { nil: undefined }),
  limit: fc.option(fc.nat(4), { nil: undefined }),
});

function apply(table: Table<number>, space: (key: Key) => Key, writes: readonly Write[]): void {
  for (const each of writes) {
    if (each.remove) table.remove(space(each.key));
    else table.put(space(each.key), each.value);
  }
}

describe.each([
  ["memory", "memory"],
  ["memory", "lmdb"],
  ["lmdb", "lmdb"],
] as const)("a dry run (%s below %s)", (lower, upper) => {
  const { openDatabase } = setUpDatabases();
  let base: KeyValue;
  let top: KeyValue;
  let dryRun: KeyValue;
  beforeEach(() => {
    base = openDatabase(lower);
    top = openDatabase(upper);
    dryRun = createDryKeyValue(base, top);
  });

  it("reads like one table that holds both, whatever is written, removed and taken back", async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(write, { maxLength: 20 }),
        fc.array(transaction, { maxLength: 5 }),
        fc.array(bounds, { minLength: 1, maxLength: 8 }),
        async (rows, transactions, walks) => {
          run += 1;
          const space = (each: Key): Key => [run, ...each];
          const plain = createMemoryKeyValue().table<number>("rows");
          const [below, laid] = [base.table<number>("rows"), dryRun.table<number>("rows")];
          const check = (): void => {
            for (const { prefix, after, end, limit } of walks) {
              const options = {
                ...(after === undefined ? {} : { after: space([...prefix, ...after]) }),
                ...(end === undefined ? {} : { end: space([...prefix, ...end]) }),
                ...(limit === undefined ? {} : { limit }),
              };
              expect([...laid.range(space(prefix), options)]).toEqual([...plain.range(space(prefix), options)]);
            }
            expect([...laid.range(space([]))]).toEqual([...plain.range(space([]))]);
          };

          await base.transact(() => apply(below, space, rows));
          apply(plain, space, rows);
          check();
          const before = [...below.range([])];
          const touched = [...rows, ...transactions.flatMap(({ writes }) => writes)];
          for (const { aborted, writes } of transactions) {
            const work = dryRun.transact(() => {
              apply(laid, space, writes);
              if (aborted) throw new Error("Taken back.");
            });
            if (aborted) await expect(work).rejects.toThrow("Taken back.");
            else {
              await work;
              apply(plain, space, writes);
            }
            check();
            for (const each of touched) expect(laid.get(space(each.key))).toBe(plain.get(space(each.key)));
          }
          expect([...below.range([])]).toEqual(before);
          expect(laid.size()).toBe([...laid.range([])].length);
        },
      ),
      { seed: 11, numRuns: RUNS.histories },
    );
  }, 60_000);

  it("shows a transaction its own writes, and others what was there before when it is taken back", async () => {
    await base.transact(() => base.table<number>("rows").put(["a"], 1));
    const rows = dryRun.table<number>("rows");
    const seen: unknown[] = [];
    const failing = dryRun.transact(() => {
      rows.remove(["a"]);
      seen.push(rows.get(["a"]));
      rows.put(["a"], 2);
      rows.put(["b"], 3);
      seen.push([...rows.range([])]);
      throw new Error("No.");
    });
    await expect(failing).rejects.toThrow("No.");
    expect(seen).toEqual([
      undefined,
      [
        [["a"], 2],
        [["b"], 3],
      ],
    ]);
    expect([...rows.range([])]).toEqual([[["a"], 1]]);
    await dryRun.transact(() => rows.put(["a"], (rows.get(["a"]) ?? 0) + 1));
    expect(rows.get(["a"])).toBe(2);
  });

  it("sees what the lower database writes meanwhile, except where it wrote itself", async () => {
    const [below, rows] = [base.table<number>("rows"), dryRun.table<number>("rows")];
    await base.transact(() => ["a", "b", "c"].forEach((each) => below.put([each], 1)));
    await dryRun.transact(() => {
      rows.remove(["a"]);
      rows.put(["b"], 2);
    });
    await base.transact(() => {
      ["a", "b", "d"].forEach((each) => below.put([each], 9));
      below.remove(["c"]);
    });
    expect([...rows.range([])]).toEqual([
      [["b"], 2],
      [["d"], 9],
    ]);
  });

  it("leaves nothing of a row behind that came and went here", async () => {
    const rows = dryRun.table<number>("queue");
    await dryRun.transact(() => rows.put(["a"], 1));
    await dryRun.transact(() => rows.remove(["a"]));
    expect(top.table("queue").size()).toBe(0);
  });

  it("names words apart from the lower database, also when they are opened again", async () => {
    const theirs = openNames(base);
    await base.transact(() => theirs.make("known"));
    const late = createDryKeyValue(base, top);
    const ours = openNames(late);
    await late.transact(() => [ours.make("ours"), ours.make("both")]);
    await base.transact(() => [theirs.make("both"), theirs.make("theirs")]);
    const shorts = ["ours", "both"].map((word) => ours.find(word));
    expect(ours.find("known")).toBe(theirs.find("known"));
    expect(shorts).not.toContain(theirs.find("both"));
    const again = openNames(late);
    expect(["ours", "both"].map((word) => again.find(word))).toEqual(shorts);
    expect(ours.find("theirs")).toBeUndefined();
    expect(theirs.find("ours")).toBeUndefined();
  });

  it("does not close what lies below", async () => {
    await createDryKeyValue(base, openDatabase(upper)).close();
    await base.transact(() => base.table<number>("rows").put(["a"], 1));
    expect(dryRun.table("rows").get(["a"])).toBe(1);
  });
});

describe("a walk over a dry run", () => {
  const { openDatabase } = setUpDatabases();

  it("reads of the lower table what it needs, and gives the cursor back", async () => {
    const base = createMemoryKeyValue();
    const plain = base.table<number>("rows");
    await base.transact(() => {
      for (let index = 0; index < 1_000; index += 1) plain.put([index], index);
    });
    let read = 0;
    let open = 0;
    function* counted(rows: Iterable<readonly [Key, unknown]>): Generator<readonly [Key, unknown]> {
      open += 1;
      try {
        for (const row of rows) {
          read += 1;
          yield row;
        }
      } finally {
        open -= 1;
      }
    }
    const counting: KeyValue = {
      ...base,
      table: <V>(name: string) => {
        const table = base.table<V>(name);
        // The rows pass through as they are.
        const range = (...given: Parameters<Table<V>["range"]>) => counted(table.range(...given));
        return { ...table, range } as Table<V>;
      },
    };
    const dryRun = createDryKeyValue(counting, createMemoryKeyValue());
    const rows = dryRun.table<number>("rows");
    await dryRun.transact(() => {
      rows.remove([0]);
      rows.put([1], -1);
      rows.put([1.5], -2);
    });
    expect([...rows.range([], { limit: 4 })].map(([, value]) => value)).toEqual([-1, -2, 2, 3]);
    expect(read).toBeLessThan(10);
    const [first] = rows.range([], { after: [500] });
    expect(first).toEqual([[501], 501]);
    expect(read).toBeLessThan(20);
    expect(open).toBe(0);
  });

  it("goes in LMDB's own order, whatever the keys are made of", async () => {
    const [base, top, plain] = [openDatabase("lmdb"), openDatabase("lmdb"), openDatabase("lmdb")];
    const dryRun = createDryKeyValue(base, top);
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 4 }),
      fc.constantFrom("😀", "ﬁ", "\u{FFFD}", "a\0", "a\u0001", "\u001c", "\u0005", ""),
    );
    const anyPart = fc.oneof(text, fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }));
    const anyKey = fc.array(anyPart, { minLength: 1, maxLength: 3 });
    let run = 0;
    const keys = fc.array(fc.tuple(anyKey, fc.constantFrom("base", "top", "both")), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(keys, async (rows) => {
        run += 1;
        const put = (kv: KeyValue, wanted: readonly string[]): Promise<void> =>
          kv.transact(() => {
            for (const [each, where] of rows) if (wanted.includes(where)) kv.table("rows").put([run, ...each], 1);
          });
        await put(base, ["base", "both"]);
        await put(dryRun, ["top", "both"]);
        await put(plain, ["base", "top", "both"]);
        expect([...dryRun.table("rows").range([run])]).toEqual([...plain.table("rows").range([run])]);
      }),
      { seed: 5, numRuns: RUNS.keys },
    );
  });
});

/** A database for one dry run: both layers read as one, and the lower one is never written. */
import fc from "fast-check";
import { open } from "lmdb";
import { createDryDatabase, type DryDatabase } from "../../../src/storage/database/dry-run";
import { createMemoryDatabase } from "../../../src/storage/database/memory";
import type { Database, Key, RangeOptions, RowChange, Rows } from "../../../src/storage/database/rows";
import { ADAPTERS, setUpDatabases } from "./fixture";

/** Cases that are tried. */
const RUNS = { histories: 20, keys: 40 };
const TABLE = "rows";

interface Write {
  readonly key: Key;
  readonly value: number;
  readonly kind: "put" | "add" | "remove";
}

const part = fc.oneof(fc.constantFrom("a", "ab", "b", "", "é"), fc.constantFrom(0, 1, 10, 1_750_000_000_000));
const key = fc.array(part, { minLength: 1, maxLength: 3 });
/** One change of a row at the most, as in a commit. */
const writes = fc.uniqueArray(
  fc.record({ key, value: fc.nat(9), kind: fc.constantFrom<Write["kind"]>("put", "put", "add", "remove") }),
  { maxLength: 15, selector: (write) => JSON.stringify(write.key) },
);
const step = fc.record({ writes, fails: fc.boolean() });
const bounds = fc.record({
  prefix: fc.array(part, { maxLength: 2 }),
  after: fc.option(key, { nil: undefined }),
  end: fc.option(key, { nil: undefined }),
  limit: fc.option(fc.nat(4), { nil: undefined }),
});

const put = (at: Key, value: unknown): RowChange => ({ table: TABLE, key: at, value });
const remove = (at: Key): RowChange => ({ table: TABLE, key: at, value: undefined });
const add = (at: Key, by: number): RowChange => ({ table: TABLE, key: at, by });
const changeOf = (at: Key, { value, kind }: Write): RowChange =>
  kind === "put" ? put(at, value) : kind === "add" ? add(at, value) : remove(at);

const write = (database: Database, ...changes: readonly RowChange[]): Promise<void> =>
  database.write(() => ({ result: undefined, changes }));
const get = (database: Database, at: Key): Promise<unknown> => database.read((rows) => rows.get(TABLE, at));
const range = (
  database: Database,
  prefix: Key,
  options?: RangeOptions,
): Promise<readonly (readonly [Key, unknown])[]> => database.read((rows) => [...rows.range(TABLE, prefix, options)]);
const size = (database: Database, prefix: Key): Promise<number> => database.read((rows) => rows.size(TABLE, prefix));

describe.each(ADAPTERS)("a dry run (over %s)", (adapter) => {
  const { openDatabase } = setUpDatabases();
  let base: Database;
  let dry: DryDatabase;
  beforeEach(() => {
    base = openDatabase(adapter);
    dry = createDryDatabase(base);
  });

  it("reads like one table that holds both, whatever is written, removed and left", async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        writes,
        fc.array(step, { maxLength: 5 }),
        fc.array(bounds, { minLength: 1, maxLength: 8 }),
        async (first, steps, walks) => {
          run += 1;
          const space = (each: Key): Key => [run, ...each];
          const changes = (all: readonly Write[]): readonly RowChange[] =>
            all.map((each) => changeOf(space(each.key), each));
          const plain = createMemoryDatabase();
          const check = async (): Promise<void> => {
            for (const { prefix, after, end, limit } of walks) {
              const options = {
                after: after && space([...prefix, ...after]),
                end: end && space([...prefix, ...end]),
                limit,
              };
              expect(await range(dry, space(prefix), options)).toEqual(await range(plain, space(prefix), options));
              expect(await size(dry, space(prefix))).toBe(await size(plain, space(prefix)));
            }
            expect(await range(dry, [run])).toEqual(await range(plain, [run]));
          };

          await write(base, ...changes(first));
          await write(plain, ...changes(first));
          await check();
          const before = await range(base, []);
          for (const { writes: each, fails } of steps) {
            const work = dry.write(() => {
              if (fails) throw new Error("Taken back.");
              return { result: undefined, changes: changes(each) };
            });
            if (fails) await expect(work).rejects.toThrow("Taken back.");
            else {
              await work;
              await write(plain, ...changes(each));
            }
            await check();
            for (const { key: at } of [...first, ...each]) {
              expect(await get(dry, space(at))).toBe(await get(plain, space(at)));
            }
          }
          expect(await range(base, [])).toEqual(before);
        },
      ),
      { seed: 11, numRuns: RUNS.histories },
    );
  });

  it("leaves nothing of work that fails, and goes on", async () => {
    await write(base, put(["a"], 1));
    const failing = dry.write((rows) => {
      expect(rows.get(TABLE, ["a"])).toBe(1);
      throw new Error("No.");
    });
    await expect(failing).rejects.toThrow("No.");
    expect(dry.size()).toBe(0);
    await write(dry, add(["a"], 1));
    expect([await get(dry, ["a"]), await get(base, ["a"])]).toEqual([2, 1]);
  });

  it("sees what the lower database writes meanwhile, except where it wrote itself", async () => {
    await write(base, put(["a"], 1), put(["b"], 1), put(["c"], 1));
    await write(dry, remove(["a"]), put(["b"], 2));
    await write(base, put(["a"], 9), put(["b"], 9), put(["d"], 9), remove(["c"]));
    expect(await range(dry, [])).toEqual([
      [["b"], 2],
      [["d"], 9],
    ]);
    expect(await get(dry, ["a"])).toBeUndefined();
  });

  it("does not mix writes that come at once", async () => {
    const seen = await Promise.all(
      Array.from({ length: 20 }, () =>
        dry.write((rows) => {
          const before = Number(rows.get(TABLE, ["n"]) ?? 0);
          return { result: before, changes: [put(["n"], before + 1), add(["sum"], 1)] };
        }),
      ),
    );
    expect(seen).toEqual(Array.from({ length: 20 }, (_, index) => index));
    expect(await get(dry, ["sum"])).toBe(20);
  });

  it("leaves nothing of a row behind that came and went here", async () => {
    await write(dry, put(["a"], 1));
    expect(dry.size()).toBe(1);
    await write(dry, remove(["a"]));
    expect(dry.size()).toBe(0);
  });

  it("forgets what it is told to forget: all but some tables, and nothing while others have rows", async () => {
    await write(base, put(["a"], 1), put(["b"], 1));
    await write(
      dry,
      ...[put(["a"], 2), remove(["b"])],
      ...["kept", "queue"].map((table) => ({ table, key: ["k"], value: 1 })),
    );
    const kept = new Set(["kept"]);
    await dry.keepOnly(kept, ["queue"]);
    expect(dry.size()).toBe(4);
    await dry.write(() => ({ result: undefined, changes: [{ table: "queue", key: ["k"], value: undefined }] }));
    await dry.keepOnly(kept, ["queue", "none"]);
    expect(dry.size()).toBe(1);
    expect(await range(dry, [])).toEqual([
      [["a"], 1],
      [["b"], 1],
    ]);
    expect(await dry.read((rows) => rows.get("kept", ["k"]))).toBe(1);
  });

  it("forgets although rows of the lower database were taken out of such a table", async () => {
    const entry = (value: unknown): RowChange => ({ table: "queue", key: ["real"], value });
    await write(base, entry(1));
    await write(dry, entry(undefined), put(["a"], 1));
    await dry.keepOnly(new Set(), ["queue"]);
    expect(dry.size()).toBe(0);
  });

  it("does not close what lies below, and ends with nothing", async () => {
    await write(dry, put(["a"], 2));
    await dry.close();
    expect(dry.size()).toBe(0);
    await write(base, put(["a"], 1));
    expect(await get(dry, ["a"])).toBe(1);
  });
});

describe("a dry run over a database", () => {
  const { makeFolder, openDatabase } = setUpDatabases();

  it("that runs work more than once writes what it came to once", async () => {
    const memory = createMemoryDatabase();
    const dry = createDryDatabase({
      ...memory,
      read: (work) =>
        memory.read((rows) => {
          work(rows);
          return work(rows);
        }),
    });
    await write(dry, add(["n"], 1), add(["m"], 5));
    await write(dry, add(["n"], 1));
    expect([await get(dry, ["n"]), await get(dry, ["m"])]).toEqual([2, 5]);
  });

  it("with damaged rows does not have them, and goes on", async () => {
    const folder = makeFolder();
    const before = openDatabase("lmdb", folder);
    await write(before, put(["a"], 1), put(["b"], 2), put(["c"], 3));
    await before.close();
    const raw = open<Buffer, (string | number)[]>({ path: folder, maxDbs: 64 });
    const table = raw.openDB<Buffer, (string | number)[]>({ name: TABLE, encoding: "binary" });
    const bytes = Buffer.from(table.get(["b"]) ?? []);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    await table.put(["b"], bytes);
    await raw.close();

    const base = openDatabase("lmdb", folder);
    const dry = createDryDatabase(base);
    expect(await get(dry, ["b"])).toBeUndefined();
    expect(await range(dry, [])).toEqual([
      [["a"], 1],
      [["c"], 3],
    ]);
    await write(dry, add(["b"], 1));
    expect(await get(dry, ["b"])).toBe(1);
    await expect(get(base, ["b"])).rejects.toThrow("cannot be read");
  });

  it("reads of it what a walk needs, and gives the cursor back", async () => {
    const memory = createMemoryDatabase();
    await write(memory, ...Array.from({ length: 1_000 }, (_, index) => put([index], index)));
    let read = 0;
    let opened = 0;
    function* counted(rows: Iterable<readonly [Key, unknown]>): Generator<readonly [Key, unknown]> {
      opened += 1;
      try {
        for (const row of rows) {
          read += 1;
          yield row;
        }
      } finally {
        opened -= 1;
      }
    }
    const counting = (rows: Rows): Rows => ({ ...rows, range: (...given) => counted(rows.range(...given)) });
    const dry = createDryDatabase({ ...memory, read: (work) => memory.read((rows) => work(counting(rows))) });
    await write(dry, remove([0]), put([1], -1), put([1.5], -2));
    expect((await range(dry, [], { limit: 4 })).map(([, value]) => value)).toEqual([-1, -2, 2, 3]);
    expect(read).toBeLessThan(10);
    const first = await dry.read((rows) => {
      for (const row of rows.range(TABLE, [], { after: [500] })) return row;
      return undefined;
    });
    expect(first).toEqual([[501], 501]);
    expect(read).toBeLessThan(20);
    expect(opened).toBe(0);
  });

  it("goes in LMDB's own order, whatever the keys are made of", async () => {
    const [base, plain] = [openDatabase("lmdb"), openDatabase("lmdb")];
    const dry = createDryDatabase(base);
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
        const among = (wanted: readonly string[]): readonly RowChange[] =>
          rows.flatMap(([each, where]) => (wanted.includes(where) ? [put([run, ...each], 1)] : []));
        await write(base, ...among(["base", "both"]));
        await write(dry, ...among(["top", "both"]));
        await write(plain, ...among(["base", "top", "both"]));
        expect(await range(dry, [run])).toEqual(await range(plain, [run]));
      }),
      { seed: 5, numRuns: RUNS.keys },
    );
  });
});

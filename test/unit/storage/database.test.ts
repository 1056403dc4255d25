/** What every database promises to the rooms above it. */
import fc from "fast-check";
import { open } from "lmdb";
import {
  compareKeys,
  DamagedRow,
  type Database,
  type Key,
  type RangeOptions,
  type RowChange,
} from "../../../src/storage/database/rows";
import { ADAPTERS, setUpDatabases, type Adapter } from "./fixture";

const TABLE = "rows";

const put = (key: Key, value: unknown, table = TABLE): RowChange => ({ table, key, value });
const remove = (key: Key): RowChange => ({ table: TABLE, key, value: undefined });
const add = (key: Key, by: number): RowChange => ({ table: TABLE, key, by });

const write = (database: Database, ...changes: readonly RowChange[]): Promise<void> =>
  database.write(() => ({ result: undefined, changes }));
const get = (database: Database, key: Key): Promise<unknown> => database.read((rows) => rows.get(TABLE, key));
const range = (
  database: Database,
  prefix: Key,
  options?: RangeOptions,
): Promise<readonly (readonly [Key, unknown])[]> => database.read((rows) => [...rows.range(TABLE, prefix, options)]);
const keysOf = async (database: Database, prefix: Key, options?: RangeOptions): Promise<readonly Key[]> =>
  (await range(database, prefix, options)).map(([key]) => key);

describe.each(ADAPTERS)("a database (%s)", (adapter) => {
  const { openDatabase } = setUpDatabases();
  let database: Database;
  beforeEach(() => {
    database = openDatabase(adapter);
  });

  it("has its rows in one order: numbers before texts, shorter keys first, texts by code point", async () => {
    const ordered: readonly Key[] = [
      [-1],
      [0],
      [1.5],
      [9],
      [10],
      [2 ** 53 - 1],
      [""],
      ["", 1],
      ["a"],
      ["a", 0],
      ["a", ""],
      ["a", "b"],
      ["a", "b", "c"],
      ["ab"],
      ["a|b"],
      ["b"],
      ["é"],
      ["日"],
      // The last of the characters that have one UTF-16 unit, and one that has two.
      ["\u{FFFD}"],
      ["😀"],
    ];
    await write(database, ...ordered.toReversed().map((key, at) => put(key, at)));
    expect(await keysOf(database, [])).toEqual(ordered);
    expect(ordered.toReversed().toSorted(compareKeys)).toEqual(ordered);
  });

  it("gives the rows under a beginning, behind a key, up to another, and no more than are wanted", async () => {
    const rows: readonly Key[] = ["a", "b", "c", "d"].map((name) => ["x", name]);
    await write(database, ...[...rows, ["w", "z"], ["x"], ["xa"], ["y"]].map((key) => put(key, 1)));
    const names = async (options: RangeOptions): Promise<readonly unknown[]> =>
      (await keysOf(database, ["x"], options)).map(([, name]) => name);
    expect(await names({})).toEqual([undefined, "a", "b", "c", "d"]);
    expect(await names({ after: ["x", "a"] })).toEqual(["b", "c", "d"]);
    expect(await names({ after: ["x", "aa"] })).toEqual(["b", "c", "d"]);
    expect(await names({ end: ["x", "c"] })).toEqual([undefined, "a", "b"]);
    expect(await names({ limit: 2 })).toEqual([undefined, "a"]);
    expect(await names({ limit: 0 })).toEqual([]);
    expect(await names({ after: ["x", "a"], end: ["x", "d"], limit: 1 })).toEqual(["b"]);
    expect(await names({ after: ["x", "d"] })).toEqual([]);
    expect(await keysOf(database, ["v"])).toEqual([]);
  });

  it("counts the rows under a beginning, apart for each table", async () => {
    await write(database, put(["a", 1], 1), put(["a", 2], 1), put(["b", 1], 1), put(["a", 1], 1, "others"));
    const sizes = await database.read((rows) => [
      rows.size(TABLE, []),
      rows.size(TABLE, ["a"]),
      rows.size(TABLE, ["a", 2]),
      rows.size(TABLE, ["c"]),
      rows.size("others", []),
      rows.size("none", []),
    ]);
    expect(sizes).toEqual([3, 2, 1, 0, 1, 0]);
  });

  it("adds to numbers, to what is not there from nothing", async () => {
    await write(database, add(["n"], 2), put(["m"], 5));
    await write(database, add(["n"], 3), add(["m"], -5));
    expect([await get(database, ["n"]), await get(database, ["m"])]).toEqual([5, 0]);
  });

  it("removes rows, and takes it if there was none", async () => {
    await write(database, put(["a"], 1), put(["b"], 1));
    await write(database, remove(["a"]), remove(["c"]));
    expect(await range(database, [])).toEqual([[["b"], 1]]);
    expect(await get(database, ["a"])).toBeUndefined();
  });

  it("keeps nothing of a write whose work throws, and goes on", async () => {
    await write(database, put(["a"], 1));
    const failing = database.write((rows) => {
      expect(rows.get(TABLE, ["a"])).toBe(1);
      throw new Error("No.");
    });
    await expect(failing).rejects.toThrow("No.");
    await expect(
      database.read(() => {
        throw new Error("Neither.");
      }),
    ).rejects.toThrow("Neither.");
    await write(database, put(["b"], 2));
    expect(await range(database, [])).toEqual([
      [["a"], 1],
      [["b"], 2],
    ]);
  });

  it("shows work what was there before it, whatever it decides to change", async () => {
    await write(database, put(["a"], 1));
    const seen = await database.write((rows) => {
      const changes = [put(["a"], 2), put(["b"], 2)];
      return { result: [...rows.range(TABLE, [])], changes };
    });
    expect(seen).toEqual([[["a"], 1]]);
    expect(await range(database, [])).toEqual([
      [["a"], 2],
      [["b"], 2],
    ]);
  });

  it("shows one moment: all that a write changed, or nothing of it", async () => {
    const moments: unknown[] = [];
    const writes = [1, 2, 3, 4].map((number) => write(database, put(["a"], number), put(["b"], number)));
    const looks = Array.from({ length: 10 }, async (_, turns) => {
      for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      moments.push(await database.read((rows) => [rows.get(TABLE, ["a"]), rows.get(TABLE, ["b"])]));
    });
    await Promise.all([...writes, ...looks]);
    for (const moment of moments) {
      const [a] = moment as readonly unknown[];
      expect(moment).toEqual([a, a]);
    }
    expect([await get(database, ["a"]), await get(database, ["b"])]).toEqual([4, 4]);
  });

  it("does not mix writes that come at once: each sees what those before it left", async () => {
    const seen = await Promise.all(
      Array.from({ length: 20 }, () =>
        database.write((rows) => {
          const before = Number(rows.get(TABLE, ["n"]) ?? 0);
          return { result: before, changes: [put(["n"], before + 1), add(["sum"], 1)] };
        }),
      ),
    );
    // In whatever order.
    expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index));
    expect([await get(database, ["n"]), await get(database, ["sum"])]).toEqual([20, 20]);
  });

  it("does not lose a write behind one that fails", async () => {
    const failed = database.write(() => {
      throw new Error("No.");
    });
    const next = write(database, put(["a"], 1));
    await expect(failed).rejects.toThrow("No.");
    await next;
    expect(await get(database, ["a"])).toBe(1);
  });

  it("keeps and gives copies: what others do with their own changes nothing here", async () => {
    const value = { list: [1] };
    await write(database, put(["x"], value));
    value.list.push(2);
    expect(await get(database, ["x"])).toEqual({ list: [1] });
    const [row] = await range(database, []);
    // What is read may also be such that nobody can change it.
    for (const read of [await get(database, ["x"]), row?.[1]]) Reflect.set((read as typeof value).list, 0, 3);
    expect(await get(database, ["x"])).toEqual({ list: [1] });
  });

  it("reads keys of one part back as keys", async () => {
    await write(database, put(["a"], 1), put([7], 2));
    expect(await range(database, [])).toEqual([
      [[7], 2],
      [["a"], 1],
    ]);
    expect(await range(database, ["a"])).toEqual([[["a"], 1]]);
  });

  it("lets a walk be left in the middle", async () => {
    await write(database, ...Array.from({ length: 50 }, (_, index) => put([index], index)));
    for (let times = 0; times < 20; times += 1) {
      const found = await database.read((rows) => {
        for (const [key] of rows.range(TABLE, [times])) return key;
        return undefined;
      });
      expect(found).toEqual([times]);
    }
    await write(database, remove([0]));
    expect(await database.read((rows) => rows.size(TABLE, []))).toBe(49);
  });
});

describe("all databases", () => {
  const { openDatabase } = setUpDatabases();
  const part = fc.oneof(
    fc.constantFrom("a", "ab", "b", "", "a|b", "é", "日"),
    fc.constantFrom(0, 1, 9, 10, 100, 1_750_000_000_000, 2 ** 53 - 1),
  );
  const key = fc.array(part, { minLength: 1, maxLength: 4 });
  const change = fc.record({ key, value: fc.integer(), kind: fc.constantFrom("put", "put", "add", "remove") });
  const changeOf = (at: Key, { value, kind }: { readonly value: number; readonly kind: string }): RowChange =>
    kind === "remove" ? remove(at) : kind === "add" ? add(at, value) : put(at, value);
  const others: readonly Adapter[] = ADAPTERS.filter((adapter) => adapter !== "memory");

  it.each(others)("keep the same rows in the same order under any prefix, end and limit (%s)", async (adapter) => {
    const [left, right] = [openDatabase("memory"), openDatabase(adapter)];
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { maxLength: 40 }),
        key,
        fc.option(key, { nil: undefined }),
        fc.option(fc.nat(5), { nil: undefined }),
        async (changes, prefix, end, limit) => {
          run += 1;
          const space = (each: Key): Key => [run, ...each];
          // A commit has one change of a row.
          const last = new Map(changes.map((each) => [JSON.stringify(each.key), each]));
          const all = [...last.values()].map((each) => changeOf(space(each.key), each));
          for (const database of [left, right]) await write(database, ...all);
          const within = { end: end && space([...prefix, ...end]), limit };
          const same = async (at: Key, options?: RangeOptions): Promise<void> =>
            expect(await range(right, at, options)).toEqual(await range(left, at, options));
          for (const at of [space([]), space(prefix)]) {
            await same(at);
            await same(at, within);
            // A walk goes on where it stopped, whether that row is still there or not.
            for (const after of [...(await keysOf(left, at)), [...at, "a"]]) await same(at, { ...within, after });
            const sizes = [left, right].map((database) => database.read((rows) => rows.size(TABLE, at)));
            const [expected, size] = await Promise.all(sizes);
            expect(size).toBe(expected);
          }
          expect(await get(right, space(prefix))).toBe(await get(left, space(prefix)));
        },
      ),
      { seed: 7, numRuns: 100 },
    );
  });
});

describe("a database on disk", () => {
  const { makeFolder, openDatabase } = setUpDatabases();

  it("has what was written when it is opened again", async () => {
    const folder = makeFolder();
    const first = openDatabase("lmdb", folder);
    await write(first, put(["a", 1], { list: [1, null, "x"] }), add(["n"], 3));
    await first.close();
    const second = openDatabase("lmdb", folder);
    expect(await range(second, [])).toEqual([
      [["a", 1], { list: [1, null, "x"] }],
      [["n"], 3],
    ]);
    await write(second, add(["n"], 1));
    expect(await get(second, ["n"])).toBe(4);
  });

  it("knows a value that was changed behind its back, and only that one", async () => {
    const folder = makeFolder();
    const first = openDatabase("lmdb", folder);
    await write(first, put(["a"], "first"), put(["b"], "other"), put(["c"], "third"));
    await first.close();
    const raw = open<Buffer, (string | number)[]>({ path: folder, maxDbs: 64 });
    const table = raw.openDB<Buffer, (string | number)[]>({ name: TABLE, encoding: "binary" });
    const bytes = Buffer.from(table.get(["b"]) ?? []);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    await table.put(["b"], bytes);
    await raw.close();

    const database = openDatabase("lmdb", folder);
    const damaged = { name: "DamagedRow", table: TABLE, key: ["b"] };
    await expect(get(database, ["b"])).rejects.toMatchObject(damaged);
    await expect(get(database, ["b"])).rejects.toThrow(DamagedRow);
    await expect(range(database, [])).rejects.toMatchObject(damaged);
    expect(await keysOf(database, [], { skipDamaged: true })).toEqual([["a"], ["c"]]);
    expect([await get(database, ["a"]), await get(database, ["c"])]).toEqual(["first", "third"]);
    // A write that meets it fails as a whole.
    await expect(write(database, put(["d"], 1), add(["b"], 1))).rejects.toMatchObject(damaged);
    expect(await get(database, ["d"])).toBeUndefined();
    await write(database, put(["b"], "new"));
    expect(await get(database, ["b"])).toBe("new");
  });

  it("keeps nothing of a write with a key that is too long for it", async () => {
    const database = openDatabase("lmdb");
    await expect(write(database, put(["a"], 1), add(["n"], 1), put(["x".repeat(4_000)], 1))).rejects.toThrow();
    expect(await range(database, [])).toEqual([]);
    await write(database, put(["a"], 2), put(["b"], 1, "others"));
    expect(await range(database, [])).toEqual([[["a"], 2]]);
  });
});

import fc from "fast-check";
import type { Key, KeyValue } from "../../../src/storage/database/kv";
import { setUpDatabases } from "./fixture";

describe("both databases", () => {
  const { openDatabase } = setUpDatabases();
  let memory: KeyValue;
  let lmdb: KeyValue;
  beforeEach(() => {
    memory = openDatabase("memory");
    lmdb = openDatabase("lmdb");
  });

  const part = fc.oneof(
    fc.constantFrom("a", "ab", "b", "", "a|b", "é", "日"),
    fc.constantFrom(0, 1, 9, 10, 100, 1_750_000_000_000, 2 ** 53 - 1),
  );
  const key = fc.array(part, { minLength: 1, maxLength: 4 });
  const write = fc.record({ key, value: fc.integer(), remove: fc.boolean() });

  it("keep the same rows in the same order under any prefix, end and limit", async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(write, { maxLength: 40 }),
        key,
        fc.option(key, { nil: undefined }),
        fc.option(fc.nat(5), { nil: undefined }),
        async (writes, prefix, end, limit) => {
          run += 1;
          const [left, right] = [memory, lmdb].map((kv) => kv.table<number>("rows"));
          if (left === undefined || right === undefined) throw new Error("Two databases are compared.");
          const space = (each: Key): Key => [run, ...each];
          for (const [kv, table] of [
            [memory, left],
            [lmdb, right],
          ] as const) {
            await kv.transact(() => {
              for (const each of writes) {
                if (each.remove) table.remove(space(each.key));
                else table.put(space(each.key), each.value);
              }
            });
          }
          const within = {
            ...(end === undefined ? {} : { end: space([...prefix, ...end]) }),
            ...(limit === undefined || limit === 0 ? {} : { limit }),
          };
          for (const at of [space([]), space(prefix)]) {
            expect([...right.range(at)]).toEqual([...left.range(at)]);
            expect([...right.range(at, within)]).toEqual([...left.range(at, within)]);
            // A walk goes on where it stopped, whether that row is still there or not.
            for (const [after] of [...left.range(at), [[...at, "a"], 0] as const]) {
              expect([...right.range(at, { ...within, after })]).toEqual([...left.range(at, { ...within, after })]);
            }
          }
          expect(right.get(space(prefix))).toBe(left.get(space(prefix)));
        },
      ),
      { seed: 7, numRuns: 150 },
    );
  });

  it("read keys of one part back as keys", async () => {
    for (const kv of [memory, lmdb]) {
      const table = kv.table<number>("single");
      await kv.transact(() => table.put(["a"], 1));
      expect([...table.range([])]).toEqual([[["a"], 1]]);
      expect([...table.range(["a"])]).toEqual([[["a"], 1]]);
    }
  });

  it("see their own writes inside a transaction", async () => {
    for (const kv of [memory, lmdb]) {
      const table = kv.table<number>("counter");
      await Promise.all(
        Array.from({ length: 20 }, () => kv.transact(() => table.put(["n"], (table.get(["n"]) ?? 0) + 1))),
      );
      expect(table.get(["n"])).toBe(20);
    }
  });

  it("keep copies: what a caller changes afterwards is not changed here", async () => {
    for (const kv of [memory, lmdb]) {
      const value = { list: [1] };
      await kv.transact(() => kv.table<typeof value>("copies").put(["x"], value));
      value.list.push(2);
      expect(kv.table("copies").get(["x"])).toEqual({ list: [1] });
    }
  });
});

/** Rows that are kept in memory: nobody can tell them from the rows in the database, but by the time that they take. */
import fc from "fast-check";
import { cached } from "../../../src/storage/database/cached";
import { createMemoryDatabase } from "../../../src/storage/database/memory";
import type { Database, RowChange } from "../../../src/storage/database/rows";
import { setUpDatabases } from "./fixture";

const TABLE = "rows";
const KEPT = new Set([TABLE]);

const put = (name: string, value: unknown): RowChange => ({ table: TABLE, key: [name], value });
const write = (database: Database, ...changes: readonly RowChange[]): Promise<void> =>
  database.write(() => ({ result: undefined, changes }));
const get = (database: Database, name: string): Promise<unknown> => database.read((rows) => rows.get(TABLE, [name]));

it("are read once, absent ones too, and the oldest make room", async () => {
  let reads = 0;
  const memory = createMemoryDatabase();
  const counting: Database = {
    ...memory,
    read: (work) =>
      memory.read((rows) =>
        work({
          ...rows,
          get: (table, key) => {
            reads += 1;
            return rows.get(table, key);
          },
        }),
      ),
  };
  const database = cached(counting, KEPT, 2);
  await write(memory, put("a", 1));
  for (let times = 0; times < 3; times += 1)
    expect([await get(database, "a"), await get(database, "b")]).toEqual([1, undefined]);
  expect(reads).toBe(2);
  await write(database, put("c", 3));
  expect(await get(database, "c")).toBe(3);
  expect(reads).toBe(2);
  expect(await get(database, "a")).toBe(1);
  expect(reads).toBe(3);
});

describe.each(["memory", "lmdb"] as const)("rows that are kept (%s)", (adapter) => {
  const { openDatabase } = setUpDatabases();
  const name = fc.constantFrom("a", "b", "c", "d");
  const step = fc.record({
    changes: fc.uniqueArray(fc.record({ name, value: fc.option(fc.nat(9), { nil: undefined }) }), {
      maxLength: 4,
      selector: (change) => change.name,
    }),
    fails: fc.nat(3).map((dice) => dice === 0),
    /** Whether the next one begins before this one is through. */
    overlaps: fc.boolean(),
  });

  it("are what the database holds, for works and for others, whatever fails and whatever comes at once", async () => {
    const base = openDatabase(adapter);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.integer({ min: 1, max: 4 }), async (steps, most) => {
        const database = cached(base, KEPT, most);
        const names = ["a", "b", "c", "d"];
        await write(base, ...names.map((each) => put(each, undefined)));
        const model = new Map<string, number>();
        const running: Promise<unknown>[] = [];
        for (const { changes, fails, overlaps } of steps) {
          const work = database.write((rows) => {
            for (const each of names) expect(rows.get(TABLE, [each])).toBe(model.get(each));
            if (fails) throw new Error("Taken back.");
            for (const each of changes) {
              if (each.value === undefined) model.delete(each.name);
              else model.set(each.name, each.value);
            }
            return { result: undefined, changes: changes.map((each) => put(each.name, each.value)) };
          });
          running.push(fails ? expect(work).rejects.toThrow("Taken back.") : work);
          if (!overlaps) await running.at(-1);
          for (const each of names) {
            const both = await Promise.all([get(database, each), get(base, each)]);
            if (!overlaps) expect(both[0]).toBe(both[1]);
          }
        }
        await Promise.all(running);
        for (const each of names) {
          expect(await get(base, each)).toBe(model.get(each));
          expect(await get(database, each)).toBe(model.get(each));
        }
      }),
      { numRuns: 60 },
    );
  });
});

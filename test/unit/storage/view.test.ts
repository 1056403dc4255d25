/** What one commit sees of documents, indexes and counters, and what it comes to. */
import fc from "fast-check";
import { createMemoryDatabase } from "../../../src/storage/database/memory";
import { compareKeys, startsWith, type Database, type Key, type RowChange } from "../../../src/storage/database/rows";
import { asIs } from "../../../src/storage/tables/structure";
import {
  commit,
  defineCounter,
  defineTable,
  indexName,
  read,
  type Reader,
  type View,
} from "../../../src/storage/tables/view";

interface Person {
  readonly name: string;
  readonly groups: readonly string[];
  readonly note?: string;
}

/** [house, id] */
const PEOPLE = defineTable<Person>()("people", asIs<Person>(), {
  /** [house, name] */
  names: ({ name }, [house = ""]) => [[house, name]],
  /** [group, house]; as many as there are */
  groups: ({ groups }, [house = ""]) => groups.map((group) => [group, house]),
});
const VISITS = defineCounter("visits");

const ANN: Person = { name: "Ann", groups: ["a", "b"] };
const BOB: Person = { name: "Bob", groups: [] };

let database: Database;
/** What was written, commit by commit. */
let written: (readonly RowChange[])[];

beforeEach(() => {
  written = [];
  const memory = createMemoryDatabase();
  database = {
    ...memory,
    write: (work) =>
      memory.write((rows) => {
        const done = work(rows);
        written.push(done.changes);
        return done;
      }),
  };
});

const lastWritten = (): readonly RowChange[] => written.at(-1) ?? [];
const ids = (rows: Iterable<readonly [Key, unknown]>): readonly unknown[] => [...rows].map(([key]) => key.at(-1));
/** Ids of people by their place in an index. */
const found = (view: Reader, index: "names" | "groups", prefix: Key): readonly unknown[] =>
  [...view.places(PEOPLE, index, prefix)].map((place) => place.at(-1));

async function house(...people: readonly (readonly [string, Person])[]): Promise<void> {
  await commit(database, (view) => {
    for (const [id, person] of people) view.put(PEOPLE, [1, id], person);
  });
}

describe("work sees what it has changed itself", () => {
  beforeEach(() => house(["a", ANN], ["b", BOB], ["c", { name: "Cem", groups: ["a"] }]));

  test("by key, in walks, in indexes and in sizes, in order, without what it removed", async () => {
    await commit(database, (view) => {
      view.put(PEOPLE, [1, "aa"], { name: "Ada", groups: ["a"] });
      view.put(PEOPLE, [1, "b"], { ...BOB, groups: ["a"] });
      view.remove(PEOPLE, [1, "c"]);
      expect(view.get(PEOPLE, [1, "aa"])).toEqual({ name: "Ada", groups: ["a"] });
      expect(view.get(PEOPLE, [1, "c"])).toBeUndefined();
      expect(ids(view.range(PEOPLE, [1]))).toEqual(["a", "aa", "b"]);
      expect(found(view, "groups", ["a"])).toEqual(["a", "aa", "b"]);
      expect(found(view, "names", [1])).toEqual(["aa", "a", "b"]);
      expect(view.size(PEOPLE, [1])).toBe(3);
      expect([view.size(PEOPLE, ["a"], "groups"), view.size(PEOPLE, ["b"], "groups")]).toEqual([3, 1]);
    });
    await read(database, (view) => {
      expect(ids(view.range(PEOPLE, [1]))).toEqual(["a", "aa", "b"]);
      expect(found(view, "groups", ["a"])).toEqual(["a", "aa", "b"]);
      expect(view.size(PEOPLE, [], "names")).toBe(3);
    });
  });

  test("with limits, behind a key and up to one", async () => {
    await commit(database, (view) => {
      view.remove(PEOPLE, [1, "a"]);
      view.put(PEOPLE, [1, "bb"], BOB);
      expect(ids(view.range(PEOPLE, [1], { limit: 2 }))).toEqual(["b", "bb"]);
      expect(ids(view.range(PEOPLE, [1], { limit: 0 }))).toEqual([]);
      expect(ids(view.range(PEOPLE, [1], { after: [1, "a"], limit: 1 }))).toEqual(["b"]);
      expect(ids(view.range(PEOPLE, [1], { after: [1, "b"] }))).toEqual(["bb", "c"]);
      expect(ids(view.range(PEOPLE, [1], { end: [1, "c"] }))).toEqual(["b", "bb"]);
      expect([...view.places(PEOPLE, "names", [1], { limit: 1 })]).toEqual([[1, "Bob", "b"]]);
      expect([...view.places(PEOPLE, "names", [1], { after: [1, "Bob", "b"] })]).toEqual([
        [1, "Bob", "bb"],
        [1, "Cem", "c"],
      ]);
    });
  });

  test("also what came and went in it, which is no row in the end", async () => {
    await commit(database, (view) => {
      view.put(PEOPLE, [1, "d"], ANN);
      view.remove(PEOPLE, [1, "d"]);
      view.remove(PEOPLE, [1, "a"]);
      view.put(PEOPLE, [1, "a"], ANN);
      expect(ids(view.range(PEOPLE, [1]))).toEqual(["a", "b", "c"]);
      expect(found(view, "groups", ["b"])).toEqual(["a"]);
    });
    expect(await read(database, (view) => [view.get(PEOPLE, [1, "d"]), view.get(PEOPLE, [1, "a"])])).toEqual([
      undefined,
      ANN,
    ]);
    expect(await read(database, (view) => found(view, "groups", ["b"]))).toEqual(["a"]);
  });

  test("keys that look alike are different ones", async () => {
    const keys: readonly Key[] = [
      ["1", "x"],
      [1, "x"],
      ["1", "x\0y"],
      ["1\0x", "y"],
    ];
    await commit(database, (view) => {
      keys.forEach((key, index) => view.put(PEOPLE, key, { name: String(index), groups: [] }));
      expect(keys.map((key) => view.get(PEOPLE, key)?.name)).toEqual(["0", "1", "2", "3"]);
    });
    expect(await read(database, (view) => keys.map((key) => view.get(PEOPLE, key)?.name))).toEqual([
      ...["0", "1", "2", "3"],
    ]);
  });
});

describe("what is written", () => {
  test("is written at the end: others see nothing before, and nothing of work that throws", async () => {
    await house(["a", ANN]);
    const failing = commit(database, (view) => {
      view.put(PEOPLE, [1, "a"], BOB);
      view.put(PEOPLE, [1, "b"], BOB);
      view.add(VISITS, [1], 1);
      throw new Error("No.");
    });
    await expect(failing).rejects.toThrow("No.");
    expect(written).toHaveLength(1);
    await read(database, (view) => {
      expect([...view.range(PEOPLE, [])]).toEqual([[[1, "a"], ANN]]);
      expect(found(view, "names", [1])).toEqual(["a"]);
      expect(view.sum(VISITS, [1])).toBe(0);
    });
  });

  test("is the same when the work is run again", async () => {
    const memory = createMemoryDatabase();
    let runs = 0;
    const again: Database = {
      ...memory,
      write: (work) =>
        memory.write((rows) => {
          work(rows);
          return work(rows);
        }),
    };
    await commit(again, (view) => {
      runs += 1;
      view.put(PEOPLE, [1, "a"], ANN);
      view.add(VISITS, [1], 1);
    });
    expect(runs).toBe(2);
    expect(await read(again, (view) => [view.sum(VISITS, [1]), ids(view.range(PEOPLE, []))])).toEqual([1, ["a"]]);
  });

  const change = (work: (view: View) => void): Promise<void> => commit(database, work);
  const tables = (): readonly string[] => lastWritten().map(({ table }) => table);
  const [NAMES, GROUPS] = [indexName(PEOPLE, "names"), indexName(PEOPLE, "groups")];

  test("of a new document: its row, and one for each of its places", async () => {
    await house(["a", ANN]);
    expect(tables().toSorted()).toEqual([PEOPLE.name, GROUPS, GROUPS, NAMES].toSorted());
  });

  test("of a changed one: its row, and only the places that are others now", async () => {
    await house(["a", ANN]);
    await change((view) => view.put(PEOPLE, [1, "a"], { ...ANN, note: "n" }));
    expect(tables()).toEqual([PEOPLE.name]);
    await change((view) => view.put(PEOPLE, [1, "a"], { ...ANN, groups: ["b", "c"] }));
    expect(tables().toSorted()).toEqual([PEOPLE.name, GROUPS, GROUPS].toSorted());
    await read(database, (view) => {
      expect(["a", "b", "c"].map((group) => found(view, "groups", [group]))).toEqual([[], ["a"], ["a"]]);
    });
  });

  test("of a removed one: its row and all of its places", async () => {
    await house(["a", ANN]);
    await change((view) => view.remove(PEOPLE, [1, "a"]));
    expect(tables().toSorted()).toEqual([PEOPLE.name, GROUPS, GROUPS, NAMES].toSorted());
    await database.read((rows) => {
      for (const table of [PEOPLE.name, NAMES, GROUPS]) expect(rows.size(table, [])).toBe(0);
    });
  });

  test("is nothing for the same object, and for a document that is not there", async () => {
    await house(["a", ANN]);
    await change((view) => {
      const same = view.get(PEOPLE, [1, "a"]);
      if (same === undefined) throw new Error("It is there.");
      view.put(PEOPLE, [1, "a"], same);
      view.remove(PEOPLE, [1, "b"]);
      expect(view.changed()).toBe(0);
    });
    expect(lastWritten()).toEqual([]);
  });

  test("is one row for each document, however often it is changed", async () => {
    await change((view) => {
      for (const note of ["1", "2", "3"]) view.put(PEOPLE, [1, "b"], { ...BOB, note });
    });
    expect(tables().toSorted()).toEqual([PEOPLE.name, NAMES].toSorted());
    expect(await read(database, (view) => view.get(PEOPLE, [1, "b"])?.note)).toBe("3");
  });

  test("is told as a number of documents, without places and counts", async () => {
    await change((view) => {
      view.put(PEOPLE, [1, "a"], ANN);
      view.put(PEOPLE, [1, "a"], BOB);
      view.put(PEOPLE, [1, "b"], BOB);
      view.add(VISITS, [1], 1);
      expect(view.changed()).toBe(2);
      view.remove(PEOPLE, [1, "c"]);
      expect(view.changed()).toBe(2);
    });
  });
});

describe("counters", () => {
  test("add up, and are not seen before the commit has ended", async () => {
    await commit(database, (view) => {
      view.add(VISITS, [1, "x"], 2);
      view.add(VISITS, [1, "x"], 3);
      view.add(VISITS, [1, "y"], 1);
      expect(view.sum(VISITS, [1, "x"])).toBe(0);
      expect([...view.sums(VISITS, [])]).toEqual([]);
    });
    expect(lastWritten()).toHaveLength(2);
    await commit(database, (view) => {
      expect(view.sum(VISITS, [1, "x"])).toBe(5);
      view.add(VISITS, [1, "x"], -1);
      expect(view.sum(VISITS, [1, "x"])).toBe(5);
    });
    await read(database, (view) => {
      expect([...view.sums(VISITS, [1])]).toEqual([
        [[1, "x"], 4],
        [[1, "y"], 1],
      ]);
      expect([...view.sums(VISITS, [1], { after: [1, "x"] })]).toEqual([[[1, "y"], 1]]);
      expect(view.sumsCount(VISITS, [1])).toBe(2);
      expect(view.sum(VISITS, [1, "z"])).toBe(0);
    });
  });

  test("of many commits at once are all counted", async () => {
    await Promise.all(Array.from({ length: 30 }, () => commit(database, (view) => view.add(VISITS, ["x"], 1))));
    expect(await read(database, (view) => view.sum(VISITS, ["x"]))).toBe(30);
  });

  test("that are dropped begin with nothing, in the same commit too", async () => {
    await commit(database, (view) => {
      view.add(VISITS, ["x"], 5);
      view.add(VISITS, ["y"], 5);
      view.add(VISITS, ["z"], 5);
    });
    await commit(database, (view) => {
      view.drop(VISITS, ["x"]);
      view.drop(VISITS, ["y"]);
      view.add(VISITS, ["y"], 1);
      view.add(VISITS, ["y"], 1);
      view.add(VISITS, ["z"], 1);
      view.drop(VISITS, ["z"]);
    });
    expect(await read(database, (view) => [...view.sums(VISITS, [])])).toEqual([[["y"], 2]]);
  });
});

describe("any operations in any commits", () => {
  const id = fc.constantFrom("a", "b", "ab", "", "é", "a\0");
  const key = fc.tuple(fc.constantFrom<string | number>(1, 2, "1"), id);
  const person: fc.Arbitrary<Person> = fc.record({
    name: fc.constantFrom("Ann", "Bob", "", "A"),
    groups: fc.uniqueArray(fc.constantFrom("x", "y", "1"), { maxLength: 3 }),
  });
  const operation = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("put" as const), key, person }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("remove" as const), key }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("again" as const), key }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant("add" as const), key, by: fc.integer({ min: -3, max: 3 }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("drop" as const), key }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("many" as const), key }) },
  );
  const step = fc.record({ operations: fc.array(operation, { maxLength: 10 }), fails: fc.nat(4).map((n) => n === 0) });
  const walk = fc.record({
    prefix: fc.oneof(
      fc.constant([]),
      key.map(([first]) => [first]),
    ),
    after: fc.option(key, { nil: undefined }),
    limit: fc.option(fc.nat(4), { nil: undefined }),
  });

  type Walk = typeof walk extends fc.Arbitrary<infer T> ? T : never;
  type Model = ReadonlyMap<string, readonly [Key, Person]>;

  /** What a walk shows of some rows. */
  function walked<T>(rows: readonly (readonly [Key, T])[], prefix: Key, after: Key | undefined, limit = Infinity) {
    return rows
      .toSorted(([left], [right]) => compareKeys(left, right))
      .filter(([each]) => startsWith(each, prefix) && (after === undefined || compareKeys(each, after) > 0))
      .slice(0, limit);
  }

  function expectSame(view: Reader, model: Model, { prefix, after, limit }: Walk): void {
    const people = [...model.values()];
    const options = { after: after && startsWith(after, prefix) ? after : undefined, limit };
    expect([...view.range(PEOPLE, prefix, options)]).toEqual(walked(people, prefix, options.after, limit));
    for (const [each, value] of people) expect(view.get(PEOPLE, each)).toEqual(value);
    const names = people.map(([[place = "", id = ""], { name }]): [Key, null] => [[place, name, id], null]);
    const groups = people.flatMap(([[place = "", id = ""], { groups: all }]) =>
      all.map((group): [Key, null] => [[group, place, id], null]),
    );
    for (const [index, rows] of [
      ["names", names],
      ["groups", groups],
    ] as const) {
      const expected = walked(rows, prefix, undefined, limit).map(([each]) => each);
      expect([...view.places(PEOPLE, index, prefix, { limit })]).toEqual(expected);
      expect(view.size(PEOPLE, prefix, index)).toBe(walked(rows, prefix, undefined).length);
    }
    expect(view.size(PEOPLE, prefix)).toBe(walked(people, prefix, undefined).length);
  }

  test("leave what a plain map holds, and show it on the way", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 6 }),
        fc.array(walk, { minLength: 1, maxLength: 4 }),
        async (steps, walks) => {
          const memory = createMemoryDatabase();
          let people: Model = new Map();
          let sums: ReadonlyMap<string, readonly [Key, number]> = new Map();
          for (const { operations, fails } of steps) {
            const next = new Map(people);
            const counted = new Map(sums);
            const work = commit(memory, (view) => {
              for (const each of operations) {
                const name = JSON.stringify(each.key);
                const [, before] = next.get(name) ?? [];
                if (each.kind === "put") {
                  view.put(PEOPLE, each.key, each.person);
                  next.set(name, [each.key, each.person]);
                } else if (each.kind === "again") {
                  if (before !== undefined) view.put(PEOPLE, each.key, { ...before });
                } else if (each.kind === "remove") {
                  view.remove(PEOPLE, each.key);
                  next.delete(name);
                } else if (each.kind === "many") {
                  // More than are kept: what was read or changed before is read again.
                  for (let other = 0; other < 40; other += 1) view.get(PEOPLE, [...each.key, other]);
                } else if (each.kind === "add") {
                  view.add(VISITS, each.key, each.by);
                  counted.set(name, [each.key, (counted.get(name)?.[1] ?? 0) + each.by]);
                } else {
                  view.drop(VISITS, each.key);
                  counted.delete(name);
                }
                for (const about of walks) expectSame(view, next, about);
              }
              if (fails) throw new Error("Taken back.");
            });
            if (fails) await expect(work).rejects.toThrow("Taken back.");
            else {
              await work;
              people = next;
              sums = counted;
            }
            await read(memory, (view) => {
              for (const about of walks) expectSame(view, people, about);
              expect([...view.sums(VISITS, [])]).toEqual(walked([...sums.values()], [], undefined));
            });
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

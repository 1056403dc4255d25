/** Planhat gives no cursor, so where a reading stands must be right whatever happens to the list meanwhile. */
import fc from "fast-check";
import { position, readPages, START, stepAfter } from "../../../src/services/planhat/api/paging";
import type { Position, Step } from "../../../src/services/planhat/api/paging";
import type { Page } from "../../../src/services/planhat/api/rest";
import { restOfPages } from "./fake-rest";

fc.configureGlobal({ seed: 20260101 });

const id = (n: number) => n.toString(16).padStart(24, "0");
const many = (n: number, from = 0) => Array.from({ length: n }, (_, index) => id(from + index));
const pageOf = (ids: readonly (string | undefined)[]): Page =>
  ids.map((each) => (each === undefined ? undefined : { _id: each }));

interface Reading {
  readonly seen: ReadonlySet<string>;
  readonly calls: number;
  readonly end: Step["kind"];
}

/** Reads a list page by page; `between` happens to it after each call. The position goes through its stored form. */
function readAll(
  serve: (offset: number, limit: number) => Page,
  limit: number,
  between: (calls: number) => void = () => undefined,
): Reading {
  const seen = new Set<string>();
  let at: Position = START;
  for (let calls = 1; calls <= 1_000; calls += 1) {
    const page = serve(at.offset, limit);
    for (const row of page) if (row !== undefined) seen.add(row._id);
    const step = stepAfter(at, page, limit);
    if (step.kind !== "on") return { seen, calls, end: step.kind };
    at = position.parse(JSON.parse(JSON.stringify(step.to)));
    between(calls);
  }
  throw new Error("The reading does not end.");
}

/** Reads by ten a list to which `between` something happens after each call. */
function readByTen(
  rows: number | readonly string[],
  between: (ids: readonly string[], calls: number) => readonly string[] = (ids) => ids,
) {
  let ids = typeof rows === "number" ? many(rows) : rows;
  return readAll(
    (offset, limit) => pageOf(ids.slice(offset, offset + limit)),
    10,
    (calls) => (ids = between(ids, calls)),
  );
}

describe("reading a list page by page", () => {
  it.each([
    [0, 1],
    [1, 1],
    [7, 1],
    [10, 2],
    [11, 2],
    [19, 3],
    [20, 3],
  ])("of %i rows takes %i calls of ten when nothing moves", (size, calls) => {
    expect(readByTen(size)).toEqual({ seen: new Set(many(size)), calls, end: "end" });
  });

  it("costs one more call when a row before the page was deleted", () => {
    const reading = readByTen(38, (ids, calls) => (calls === 2 ? ids.filter((each) => each !== id(3)) : ids));
    expect(reading).toEqual({ seen: new Set(many(38)), calls: readByTen(38).calls + 1, end: "end" });
  });

  it("finds its place again when the very row that it knew was deleted", () => {
    const gone = [id(18), id(2)];
    const reading = readByTen(38, (ids, calls) => (calls === 2 ? ids.filter((each) => !gone.includes(each)) : ids));
    expect(reading).toEqual({ seen: new Set(many(38)), calls: 5, end: "end" });
  });

  it("finds its place again when more than a page was deleted, and goes back no further than that", () => {
    const reading = readByTen(80, (ids, calls) => (calls === 5 ? ids.slice(25) : ids));
    // Five before, one that shows the gap, three back, and one for the end.
    expect(reading).toEqual({ seen: new Set(many(80)), calls: 10, end: "end" });
  });

  it("ends when the list became shorter than where it stood", () => {
    expect(readByTen(60, (ids, calls) => (calls === 4 ? ids.slice(0, 3) : ids)).end).toBe("end");
  });

  it("reads a list that the server cuts at a round number of its own", () => {
    const ids = many(1_234);
    const reading = readAll((offset) => pageOf(ids.slice(offset, offset + 100)), 5_000);
    expect(reading).toMatchObject({ end: "end", calls: 13 });
    expect(reading.seen.size).toBe(1_234);
  });

  it("reads a list in an order of its own, as long as it is one", () => {
    const ids = many(95).sort((left, right) => (left.slice(-1) < right.slice(-1) ? -1 : 1));
    const reading = readByTen(ids, (rows, calls) => (calls === 3 ? rows.filter((_, index) => index !== 5) : rows));
    expect(reading).toEqual({ seen: new Set(ids), calls: 12, end: "end" });
  });

  it.each([100, 5_000])("does not go on for ever where the server repeats its first %i rows", (length) => {
    const ids = many(length);
    expect(readAll(() => pageOf(ids), 5_000)).toMatchObject({ end: "stuck", calls: 5 });
  });

  it("does not go on for ever where no row keeps its place", () => {
    let draw = 0;
    const reading = readAll(() => pageOf(many(100, (draw += 1_000)).reverse()), 100);
    expect(reading.end).toBe("stuck");
  });

  it("counts what is no record, so that no page looks like the last one", () => {
    const ids = many(30);
    const holes: (string | undefined)[] = ids.map((each, index) => (index === 9 || index === 20 ? undefined : each));
    const reading = readAll((offset, limit) => pageOf(holes.slice(offset, offset + limit)), 10);
    expect(reading).toMatchObject({ end: "end" });
    expect(reading.seen.size).toBe(28);
    expect(readAll((_, limit) => pageOf(Array<undefined>(limit).fill(undefined)), 10).end).toBe("stuck");
  });

  it("misses no row that was there all the time, whatever comes and goes", () => {
    const change = fc.record({
      remove: fc.array(fc.nat(400), { maxLength: 60 }),
      add: fc.array(fc.nat(400), { maxLength: 60 }),
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat(400), { minLength: 0, maxLength: 250 }),
        fc.array(change, { maxLength: 12 }),
        fc.integer({ min: 10, max: 60 }),
        (start, changes, limit) => {
          const there = new Set(start.map(id));
          const always = new Set(there);
          const reading = readAll(
            (offset, limit) => pageOf([...there].sort().slice(offset, offset + limit)),
            limit,
            (calls) => {
              for (const gone of changes[calls - 1]?.remove ?? []) {
                there.delete(id(gone));
                always.delete(id(gone));
              }
              for (const fresh of changes[calls - 1]?.add ?? []) there.add(id(fresh));
            },
          );
          expect(reading.end).toBe("end");
          for (const each of always) expect(reading.seen).toContain(each);
        },
      ),
      { numRuns: 400 },
    );
  });
});

describe("where a reading stands", () => {
  it("stays a short text, however long the list", () => {
    const lengths: number[] = [];
    let ids = many(400);
    let at = START;
    for (;;) {
      const page = pageOf(ids.slice(at.offset, at.offset + 10));
      const step = stepAfter(at, page, 10);
      if (step.kind !== "on") break;
      at = step.to;
      ids = ids.slice(1);
      lengths.push(JSON.stringify(at).length);
    }
    expect(lengths.length).toBeGreaterThan(30);
    expect(Math.max(...lengths)).toBeLessThan(250);
  });
});

describe("reading a whole list", () => {
  const ids = many(25);
  const rest = restOfPages((_, { offset, limit }) => pageOf(ids.slice(Number(offset), Number(offset) + Number(limit))));

  it("takes as many calls as there are pages, and stops early where it may", async () => {
    expect(await readPages(rest, { path: "/x", query: {}, limit: 10 })).toMatchObject({ complete: true, calls: 3 });
    const few = await readPages(rest, { path: "/x", query: {}, limit: 10, maxCalls: 2 });
    expect(few).toMatchObject({ complete: false, calls: 2 });
    const until = await readPages(rest, { path: "/x", query: {}, limit: 10, until: (rows) => rows.has(id(12)) });
    expect(until).toMatchObject({ complete: false, calls: 2 });
  });

  it("is not complete where the server repeats itself", async () => {
    const repeated = restOfPages(() => pageOf(many(100)));
    const reading = await readPages(repeated, { path: "/x", query: {}, limit: 5_000 });
    expect(reading).toMatchObject({ complete: false, calls: 5 });
  });
});

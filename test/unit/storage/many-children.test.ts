/**
 * Tens of thousands of children of one company: they are released, or end, in slices, whatever happens in between.
 * `CHILDREN=50000` takes its time, and is worth it after changes of how commits go on.
 */
import type { Database } from "../../../src/storage/database/rows";
import type { EntryRow } from "../../../src/storage/port/rows";
import type { Acceptance, Store } from "../../../src/storage/port/store";
import { CONTENTS, RECORDS } from "../../../src/storage/tables/tables";
import { blockOn, deliver, deliverQuietly, finish, LANE, skip, update, userUpdate } from "./builders";
import { firstReady, openStore, setUpDatabases, START_MS } from "./fixture";

const CHILDREN = Number(process.env["CHILDREN"] ?? 1_300);
const FEWER = Math.min(CHILDREN, 1_300);
/** Enough for a few slices. */
const SOME = 1_300;
/** Documents that one commit may change. */
const MOST = 500;
const LIMIT_MS = 30_000 + CHILDREN * 10;

/** What was committed, and how the process can be ended in the middle. */
interface Watched {
  readonly database: Database;
  /** Documents that each commit changed: records and the content beside them. */
  readonly commits: number[];
  /** Ends the process after so many further commits. */
  dieAfter(commits: number): void;
}

function watch(below: Database): Watched {
  const commits: number[] = [];
  let left = Infinity;
  return {
    commits,
    dieAfter: (more) => void (left = more),
    database: {
      ...below,
      write: async (work) => {
        if (left <= 0) throw new Error("The process has ended.");
        left -= 1;
        const { result, changed } = await below.write((rows) => {
          const done = work(rows);
          const { length } = done.changes.filter(({ table }) => table === RECORDS.name || table === CONTENTS.name);
          return { ...done, result: { result: done.result, changed: length } };
        });
        commits.push(changed);
        return result;
      },
    },
  };
}

const openOn = (database: Database): Promise<Store> => openStore({ database, now: () => START_MS });

const childOf = (index: number): Acceptance => userUpdate({ id: `u${index}`, hullId: `e${index}`, parent: "a1" });

/** An event: it is sent even when its company is taken out. */
function eventOf(index: number): Acceptance {
  const child = childOf(index);
  if (child.content.kind !== "entry") throw new Error("It has content.");
  return { ...child, once: true, content: { kind: "entry", content: { ...child.content.content, once: true } } };
}

/** Company a1 waits, and so do all of its children, behind it. */
async function blockAll(store: Store, count: number, messageOf = childOf): Promise<void> {
  await store.accept([update({ id: "c1", version: 1 })]);
  await store.accept(Array.from({ length: count }, (_, index) => messageOf(index)));
  for (let left = count; left > 0;) {
    const entries = await store.ready(LANE, "endusers", 1_000);
    await store.settle(LANE, entries.map(blockOn));
    left -= entries.length;
    if (entries.length === 0) throw new Error("All of them are due before they wait for the company.");
  }
}

/** Delivers what is due until nothing is. @returns how often each message was worked on, and how often it ended */
async function deliverAll(store: Store): Promise<{ readonly worked: string[]; readonly ended: string[] }> {
  const worked: string[] = [];
  const ended: string[] = [];
  for (;;) {
    const entries = await store.ready(LANE, "endusers", 1_000);
    if (entries.length === 0) return { worked, ended };
    worked.push(...entries.map((entry: EntryRow) => entry.content?.messageId ?? ""));
    const { outcomes } = await store.settle(
      LANE,
      entries.map((entry) => deliverQuietly(entry, `p-${entry.hullId}`)),
    );
    ended.push(...outcomes.map(({ outcome }) => outcome.messageId));
  }
}

const idsOf = (count: number): string[] => Array.from({ length: count }, (_, index) => `u${index}`).sort();

describe("many children of one company", () => {
  const { openDatabase } = setUpDatabases();
  const due = async (store: Store): Promise<number> => (await store.ready(LANE, "endusers", Infinity)).length;

  /** Ends the process after some slices, and starts another one that brings to its end what was begun. */
  async function restarted(
    watched: Watched,
    work: () => Promise<unknown>,
    isHalfDone: (store: Store) => Promise<boolean>,
  ) {
    watched.dieAfter(2);
    await expect(work()).rejects.toThrow("The process has ended.");
    watched.dieAfter(Infinity);
    const store = await openOn(watched.database);
    expect(await isHalfDone(store)).toBe(true);
    await store.recover(LANE, 0);
    return store;
  }

  it(
    "are all released and delivered once when it gets its id, though the process ends in between",
    async () => {
      const watched = watch(openDatabase("lmdb"));
      const former = await openOn(watched.database);
      await blockAll(former, CHILDREN);
      const company = await firstReady(former, LANE, "companies");
      watched.commits.length = 0;
      const store = await restarted(
        watched,
        () => former.settle(LANE, [deliver(company, "p1")]),
        async (next) => {
          const released = await due(next);
          return released > 0 && released < CHILDREN;
        },
      );
      expect(Math.max(...watched.commits)).toBeLessThanOrEqual(MOST);
      expect(watched.commits.length).toBeGreaterThan(CHILDREN / MOST);

      const { worked, ended } = await deliverAll(store);
      expect(worked.sort()).toEqual(idsOf(CHILDREN));
      expect(ended.sort()).toEqual(idsOf(CHILDREN));
      expect((await store.tally(LANE.tenant)).outcomes).toEqual({ "endusers/sent/updated": CHILDREN });
      expect(await store.depth(LANE)).toEqual({ outbox: 0, hullUpdates: 1 });
    },
    LIMIT_MS,
  );

  it("let a request be answered between two slices", async () => {
    const watched = watch(openDatabase("lmdb"));
    const store = await openOn(watched.database);
    await blockAll(store, SOME);
    const company = await firstReady(store, LANE, "companies");
    watched.commits.length = 0;
    const release = store.settle(LANE, [deliver(company, "p1")]);
    const [accepted] = await store.accept([update({ id: "c9", hullId: "a9" })]);
    const before = watched.commits.length;
    await release;
    expect(accepted?.state).toBe("queued");
    // It changes one record, and slices came after it.
    expect(watched.commits.slice(0, before)).toContain(1);
    expect(before).toBeLessThan(watched.commits.length - 1);
    expect(watched.commits.length).toBeGreaterThan(SOME / MOST);
    expect(Math.max(...watched.commits)).toBeLessThanOrEqual(MOST);
    expect(await due(store)).toBe(SOME);
  });

  it("all end with it when it is refused, each with a dead letter, though the process ends in between", async () => {
    const watched = watch(openDatabase("lmdb"));
    const former = await openOn(watched.database);
    await blockAll(former, FEWER);
    const company = await firstReady(former, LANE, "companies");
    watched.commits.length = 0;
    const store = await restarted(
      watched,
      () => former.settle(LANE, [finish(company, "rejected", "refused")]),
      async (next) => {
        const { length } = await next.deadLettersOf(LANE);
        return length > 1 && length < FEWER;
      },
    );
    expect(Math.max(...watched.commits)).toBeLessThanOrEqual(MOST);
    expect((await store.deadLettersOf(LANE)).map(({ content }) => content.messageId).sort()).toEqual(
      ["c1", ...idsOf(FEWER)].sort(),
    );
    expect((await store.tally(LANE.tenant)).outcomes).toEqual({
      "companies/rejected/refused": 1,
      "endusers/dead/parent_rejected": FEWER,
    });
    expect(await store.depth(LANE)).toEqual({ outbox: 0, hullUpdates: 0 });
  });

  it("are answered for together when it is refused: every outcome comes with the result", async () => {
    const store = await openOn(openDatabase("lmdb"));
    await blockAll(store, SOME);
    const { outcomes } = await store.settle(LANE, [
      finish(await firstReady(store, LANE, "companies"), "rejected", "refused"),
    ]);
    expect(outcomes.map(({ outcome }) => outcome.messageId).sort()).toEqual(["c1", ...idsOf(SOME)].sort());
  });

  it("are freed if they are events, and the company is taken out, though the process ends in between", async () => {
    const watched = watch(openDatabase("lmdb"));
    const former = await openOn(watched.database);
    await blockAll(former, FEWER, eventOf);
    watched.commits.length = 0;
    const store = await restarted(
      watched,
      () => former.accept([skip({ id: "c2", version: 2 })]),
      async (next) => {
        const freed = await due(next);
        return freed > 0 && freed < FEWER;
      },
    );
    expect(Math.max(...watched.commits)).toBeLessThanOrEqual(MOST);
    const { worked, ended } = await deliverAll(store);
    expect(worked.sort()).toEqual(idsOf(FEWER));
    expect(ended.sort()).toEqual(idsOf(FEWER));
  });

  it.each([MOST - 2, 2 * MOST - 6, 2 * MOST - 2])("fit their slices whatever their number: %i", async (count) => {
    const watched = watch(openDatabase("lmdb"));
    const store = await openOn(watched.database);
    await blockAll(store, count);
    watched.commits.length = 0;
    await store.settle(LANE, [deliver(await firstReady(store, LANE, "companies"), "p1")]);
    expect(Math.max(...watched.commits)).toBeLessThanOrEqual(MOST);
    expect(await due(store)).toBe(count);
  });
});

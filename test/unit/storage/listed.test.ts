/** What lists of fetches have shown: records that need no comparison, and rows that count once in their run. */
import { createMemoryDatabase } from "../../../src/storage/database/memory";
import type { FetchedRow, Store } from "../../../src/storage/port/store";
import { LISTED } from "../../../src/storage/tables/tables";
import { read } from "../../../src/storage/tables/view";
import { actionsOn, ADAPTERS, describeEachStore, MINUTE_MS, openStore, setUpDatabases, START_MS } from "./fixture";
import { deliverQuietly, LANE, update } from "./builders";

const TYPE = "companies";
const MAPPING = 7;

describeEachStore("a listed record that was not touched", ({ accept, attempt, clock, settle, store }) => {
  const begin = (id: string): Promise<unknown> =>
    store.beginRun({ id, tenant: LANE.tenant, kind: "fetch", type: TYPE, options: {} }, false);
  const take = async (id: string, told: FetchedRow["confirmed"], run = "r1"): Promise<void> => {
    const seen = { id, keys: { externalId: id }, complete: true, archived: false, facts: {} };
    const line = { type: TYPE, hullId: "", remoteId: id, outcome: "sent", code: "told", text: "Told." };
    const row = { seen, line, ...(told === undefined ? {} : { confirmed: told }) };
    await store.takeFetched(LANE.remote, TYPE, {
      readAtMs: clock.nowMs,
      settleMs: 0,
      rows: [row],
      run,
    });
  };
  const pass = (ids: readonly string[], run = "r2"): Promise<void> =>
    store.markSeen(LANE.remote, TYPE, {
      readAtMs: clock.nowMs,
      run,
      ids,
      outcome: "unchanged",
      code: "not_touched",
    });
  const toldUnder = (...ids: string[]) => store.toldUnder(LANE.remote, TYPE, ids);
  const scan = async (scanStartedAtMs = clock.nowMs): Promise<readonly string[]> => {
    const { gone } = await store.markMissing(LANE.remote, TYPE, { scanStartedAtMs, limit: 100, run: "r2" });
    return gone.map(({ id }) => id);
  };
  const WHOLLY = { facts: {}, rest: [0, MAPPING], mapping: MAPPING };

  it("is known by the mapping under which Hull was told everything", async () => {
    await begin("r1");
    await take("p1", WHOLLY);
    await take("p2", { facts: {}, rest: [] });
    await take("p3", undefined);
    expect(await toldUnder("p1", "p2", "p3", "p4")).toEqual([MAPPING, undefined, undefined, undefined]);
  });

  it("counts once in a run, however often it is listed, and whichever way", async () => {
    await begin("r1");
    await begin("r2");
    await take("p1", WHOLLY);
    await pass(["p1", "p1"]);
    await pass(["p1"]);
    await take("p1", WHOLLY, "r2");
    expect(await store.run("r2")).toMatchObject({ done: 1, counts: { "companies/unchanged/not_touched": 1 } });
  });

  it("has not vanished", async () => {
    await begin("r1");
    await take("p1", WHOLLY);
    await take("p2", WHOLLY);
    clock.nowMs += MINUTE_MS;
    await pass(["p1"]);
    expect(await scan()).toEqual(["p2"]);
  });

  it.each([
    ["that Hull refused something of it", () => take("p1", { facts: {}, rest: [] })],
    ["that it vanished", () => scan(clock.nowMs + 1)],
    ["that it was made anew", () => makeAnew()],
    ["that the service has it no more", () => store.forgetGone(LANE.remote, TYPE, ["p1"])],
    ["a new generation", () => store.newGeneration(LANE.remote)],
    ["that it was erased with its tenant", () => eraseTenant()],
  ])("is looked at again after %s", async (_name, happen) => {
    await begin("r1");
    await take("p1", WHOLLY);
    expect(await toldUnder("p1")).toEqual([MAPPING]);
    await happen();
    expect(await toldUnder("p1")).toEqual([undefined]);
  });

  it("stays known when it is listed, or written by us", async () => {
    await begin("r1");
    await take("p1", WHOLLY);
    await pass(["p1"]);
    await take("p1", undefined);
    await accept(update());
    await settle(deliverQuietly(await attempt(TYPE, "a1", "update"), "p1"));
    expect(await toldUnder("p1")).toEqual([MAPPING]);
  });

  async function eraseTenant(): Promise<void> {
    await accept(update());
    await store.forgetTenant(LANE.tenant);
  }

  async function makeAnew(): Promise<void> {
    await accept(update());
    await settle(deliverQuietly(await attempt(TYPE, "a1"), "p1", { fresh: true }));
  }
});

describe.each(ADAPTERS)("a run's list (%s)", (adapter) => {
  const { openDatabase } = setUpDatabases();
  let database: ReturnType<typeof openDatabase>;
  let store: Store;
  const clock = { nowMs: START_MS };
  /** As after a restart of the process. */
  const open = (): Promise<Store> => openStore({ database, now: () => clock.nowMs });
  beforeEach(async () => {
    clock.nowMs = START_MS;
    database = openDatabase(adapter);
    store = await open();
  });

  const begin = (id: string, type = TYPE): Promise<unknown> =>
    store.beginRun({ id, tenant: LANE.tenant, kind: "fetch", type, options: {} }, false);
  const rowOf = (id: string): FetchedRow => ({
    seen: { id, keys: {}, complete: true, archived: false, facts: {} },
    line: { type: TYPE, hullId: "", remoteId: id, outcome: "sent", code: "told", text: "Told." },
  });
  const take = (run: string, ...ids: readonly string[]): Promise<void> =>
    store.takeFetched(LANE.remote, TYPE, { readAtMs: clock.nowMs, settleMs: 0, rows: ids.map(rowOf), run });
  const pass = (run: string, ...ids: readonly string[]): Promise<void> =>
    store.markSeen(LANE.remote, TYPE, {
      ...{ readAtMs: clock.nowMs, run, ids },
      ...{ outcome: "unchanged", code: "not_touched" },
    });
  const done = async (run: string): Promise<number | undefined> => (await store.run(run))?.done;
  const missing = async (run: string, scanStartedAtMs: number): Promise<readonly string[]> => {
    const { gone } = await store.markMissing(LANE.remote, TYPE, { scanStartedAtMs, limit: 1_000, run });
    return gone.map(({ id }) => id);
  };
  const end = (id: string): Promise<unknown> => store.changeRun(id, { state: "success" });
  /** Runs of which pages are kept. */
  const runsKept = (): Promise<readonly string[]> =>
    read(database, (view) => [...new Set([...view.range(LISTED, [])].map(([key]) => String(key[2])))]);

  const many = (from: number, count: number): readonly string[] =>
    Array.from({ length: count }, (_, index) => `p${from + index}`);

  it("counts a row once, whether its page shows it twice, a later one, or one after a restart", async () => {
    await begin("r1");
    await take("r1", "p1", "p1", "p2");
    expect(await done("r1")).toBe(2);
    await take("r1", "p2", "p3");
    await pass("r1", "p3", "p4", "p4");
    expect(await done("r1")).toBe(4);
    store = await open();
    await pass("r1", "p1", "p4", "p5");
    await take("r1", "p5", "p6", "p2");
    expect(await done("r1")).toBe(6);
  });

  it("counts a row once in a page of many steps", async () => {
    await begin("r1");
    // More than one commit takes; the last ones were in the first one already.
    await take("r1", ...many(0, 600), ...many(0, 50));
    expect(await done("r1")).toBe(600);
    store = await open();
    await take("r1", ...many(300, 600));
    expect(await done("r1")).toBe(900);
  });

  it("counts the same rows anew in another run, and apart for each type", async () => {
    for (const id of ["r1", "r2"]) await begin(id);
    await take("r1", "p1", "p2");
    await take("r2", "p1");
    await pass("r2", "p1", "p2");
    expect([await done("r1"), await done("r2")]).toEqual([2, 2]);
    await begin("r3", "endusers");
    const page = { readAtMs: clock.nowMs, run: "r3", ids: ["p1"], outcome: "unchanged", code: "not_touched" } as const;
    await store.markSeen(LANE.remote, "endusers", page);
    expect(await done("r3")).toBe(1);
  });

  it("tells which records have not vanished, after a restart too", async () => {
    await begin("r1");
    await take("r1", "p1", "p2", "p3");
    clock.nowMs += MINUTE_MS;
    const startedAtMs = clock.nowMs;
    await begin("r2");
    await pass("r2", "p1");
    store = await open();
    await pass("r2", "p2");
    expect(await missing("r2", startedAtMs)).toEqual(["p3"]);
  });

  it("knows when it showed a record last", async () => {
    await actionsOn(store).write(update());
    const listedAt = async () => (await store.inspectRecord(LANE, TYPE, "a1")).listedAtMs;
    expect(await listedAt()).toBeUndefined();
    await begin("r1");
    await pass("r1", "p1");
    expect(await listedAt()).toBe(START_MS);
    clock.nowMs += MINUTE_MS;
    await begin("r2");
    await pass("r2", "p2");
    expect(await listedAt()).toBe(START_MS);
    await pass("r2", "p1");
    expect(await listedAt()).toBe(START_MS + MINUTE_MS);
  });

  it("is kept until the run after the next one begins to list", async () => {
    for (const run of ["r1", "r2", "r3"]) await begin(run);
    await pass("r1", "p1");
    await end("r1");
    await pass("r2", "p1");
    await end("r2");
    expect(await runsKept()).toEqual(["r1", "r2"]);
    await pass("r3", "p1");
    await end("r3");
    expect(await runsKept()).toEqual(["r2", "r3"]);
    store = await open();
    await begin("r4");
    await pass("r4", "p1", "p2");
    expect(await runsKept()).toEqual(["r3", "r4"]);
  });

  it("of many pages goes as a whole", async () => {
    for (const run of ["r1", "r2", "r3"]) await begin(run);
    for (const id of many(0, 250)) await pass("r1", id);
    await pass("r2", "p1");
    for (const run of ["r1", "r2"]) await end(run);
    await pass("r3", "p1");
    expect(await runsKept()).toEqual(["r2", "r3"]);
  });

  it("stays while other connectors of the remote read theirs, one after the other", async () => {
    for (const run of ["r1", "r2", "r3"]) await begin(run);
    await take("r1", "p1", "p2");
    await end("r1");
    clock.nowMs += MINUTE_MS;
    const startedAtMs = clock.nowMs;
    await pass("r2", "p1");
    for (const run of ["r3", "r4", "r5"]) {
      await begin(run);
      await pass(run, "p1");
      await end(run);
    }
    expect(await missing("r2", startedAtMs)).toEqual(["p2"]);
    store = await open();
    await pass("r2", "p1");
    expect(await done("r2")).toBe(1);
  });

  it("is known although another connector's list is read at the same time", async () => {
    for (const run of ["r1", "r2"]) await begin(run);
    await take("r1", "p1", "p2", "p3");
    await end("r1");
    clock.nowMs += MINUTE_MS;
    const startedAtMs = clock.nowMs;
    await begin("r3");
    // The rows of one are being written while the other one is read.
    await Promise.all([pass("r2", "p1"), pass("r3", "p1"), pass("r2", "p2"), pass("r3", "p2"), pass("r2", "p3")]);
    expect(await missing("r2", startedAtMs)).toEqual([]);
    expect(await missing("r3", startedAtMs)).toEqual(["p3"]);
  });
});

test("who owns a run again knows what the owner between has shown", async () => {
  const database = createMemoryDatabase();
  const open = (): Promise<Store> => openStore({ database, now: () => START_MS });
  const [first, second] = [await open(), await open()];
  const name = "run/r2";
  const take = async (store: Store, id: string): Promise<Store> => {
    await store.takeLease({ name, id }, await store.lease(name));
    return store.under({ fence: { name, id } });
  };
  const page = { readAtMs: START_MS, outcome: "unchanged", code: "not_touched" } as const;
  for (const id of ["r1", "r2"])
    await first.beginRun({ id, tenant: LANE.tenant, kind: "fetch", type: TYPE, options: {} }, false);
  const rows = ["p1", "p2", "p3"].map((id) => ({
    seen: { id, keys: {}, complete: true, archived: false, facts: {} },
    line: { type: TYPE, hullId: "", remoteId: id, outcome: "sent", code: "told", text: "Told." },
  }));
  await first.takeFetched(LANE.remote, TYPE, { readAtMs: START_MS - 1, settleMs: 0, rows, run: "r1" });

  await (await take(first, "f1")).markSeen(LANE.remote, TYPE, { ...page, run: "r2", ids: ["p1"] });
  await (await take(second, "f2")).markSeen(LANE.remote, TYPE, { ...page, run: "r2", ids: ["p2"] });
  const again = await take(first, "f3");
  await again.markSeen(LANE.remote, TYPE, { ...page, run: "r2", ids: ["p2"] });
  const { gone } = await again.markMissing(LANE.remote, TYPE, { scanStartedAtMs: START_MS, limit: 9, run: "r2" });
  expect(gone.map(({ id }) => id)).toEqual(["p3"]);
  expect(await first.run("r2")).toMatchObject({ done: 2 });
});

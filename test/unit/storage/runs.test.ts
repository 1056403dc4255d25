/** Runs as the store keeps them: one at a time where that is wanted, counted, in order, and forgotten in time. */
import type { NewRun, ReportLine } from "../../../src/storage/port/store";
import { createMemoryDatabase } from "../../../src/storage/database/memory";
import type { Database } from "../../../src/storage/database/rows";
import { DAY_MS, describeEachStore, MINUTE_MS, openStore, START_MS } from "./fixture";
import { LANE, NEIGHBOUR, seen } from "./builders";

const KEPT_MS = 30 * DAY_MS;

const fetchRun = (id: string, more: Partial<NewRun> = {}): NewRun => ({
  id,
  tenant: LANE.tenant,
  kind: "fetch",
  type: "companies",
  options: {},
  ...more,
});

const line = (remoteId: string, code = "told"): ReportLine => ({
  type: "companies",
  hullId: "",
  remoteId,
  outcome: "sent",
  code,
  text: `${code}.`,
});

describeEachStore("a run", ({ clock, store }) => {
  it("begins once where only one may be under way", async () => {
    const begun = await Promise.all(["r1", "r2", "r3"].map((id) => store.beginRun(fetchRun(id), true)));
    expect(begun.map(({ run, begun: is }) => [run.id, is])).toEqual([
      ["r1", true],
      ["r1", false],
      ["r1", false],
    ]);
  });

  it("of another tenant, kind or type stands in nobody's way", async () => {
    const others = [
      fetchRun("r1"),
      fetchRun("r2", { type: "endusers" }),
      fetchRun("r3", { tenant: NEIGHBOUR.tenant }),
      fetchRun("r4", { kind: "drain" }),
    ];
    for (const run of others) expect(await store.beginRun(run, true)).toMatchObject({ begun: true });
    expect((await store.openRuns()).map(({ id }) => id)).toEqual(["r1", "r2", "r3", "r4"]);
  });

  it("that only simulates stands in the way of another simulation alone", async () => {
    const simulated = (id: string) => fetchRun(id, { options: { simulate: true } });
    await store.beginRun(simulated("r1"), true);
    expect(await store.beginRun(fetchRun("r2"), true)).toMatchObject({ begun: true, run: { id: "r2" } });
    expect(await store.beginRun(simulated("r3"), true)).toMatchObject({ begun: false, run: { id: "r1" } });
    expect(await store.beginRun(fetchRun("r4"), true)).toMatchObject({ begun: false, run: { id: "r2" } });
  });

  it("that has ended makes room for the next, whether its end was told or not", async () => {
    await store.beginRun(fetchRun("r1"), true);
    await store.changeRun("r1", { state: "error", error: "no" });
    expect(await store.beginRun(fetchRun("r2"), true)).toMatchObject({ begun: true, run: { id: "r2" } });
    expect((await store.openRuns()).map(({ id }) => id)).toEqual(["r1", "r2"]);
    await store.changeRun("r1", { announced: true });
    expect((await store.openRuns()).map(({ id }) => id)).toEqual(["r2"]);
  });

  it("that has ended changes no more", async () => {
    await store.beginRun(fetchRun("r1"), true);
    await store.changeRun("r1", { state: "success" });
    clock.nowMs += MINUTE_MS;
    expect(await store.changeRun("r1", { state: "running" })).toBeUndefined();
    expect(await store.changeRun("r1", { checkpoint: { page: 2 } })).toBeUndefined();
    expect(await store.run("r1")).toMatchObject({ state: "success", endedAtMs: clock.nowMs - MINUTE_MS });
    expect(await store.changeRun("nobody", { state: "running" })).toBeUndefined();
  });

  it("adds counts up, and the records that have an outcome", async () => {
    await store.beginRun(fetchRun("r1"), true);
    await store.changeRun("r1", { counts: { a: 2, b: 1 } });
    await store.changeRun("r1", { counts: { a: 3 }, checkpoint: { page: 2 } });
    expect(await store.run("r1")).toMatchObject({ counts: { a: 5, b: 1 }, done: 6, checkpoint: { page: 2 } });
  });

  it("ends by itself once every record that it met has its outcome", async () => {
    await store.beginRun(fetchRun("r1", { kind: "batch" }), false);
    await store.changeRun("r1", { state: "running", total: 2 });
    await store.changeRun("r1", { counts: { a: 2 } });
    expect(await store.run("r1")).toMatchObject({ state: "running" });
    await store.changeRun("r1", { complete: true });
    expect(await store.run("r1")).toMatchObject({ state: "success", done: 2 });
  });
});

describeEachStore("the last good run", ({ store }) => {
  it("is the newest that ended well and wrote", async () => {
    const end = async (id: string, state: "success" | "error", more: Partial<NewRun> = {}): Promise<void> => {
      await store.beginRun(fetchRun(id, more), false);
      await store.changeRun(id, { state });
    };
    const last = async () => (await store.lastRun(LANE.tenant, "fetch", "companies"))?.id;
    expect(await last()).toBeUndefined();
    await end("r1", "success");
    await end("r2", "error");
    await end("r3", "success", { options: { simulate: true } });
    await end("r4", "success", { type: "endusers" });
    expect(await last()).toBe("r1");
    await end("r5", "success");
    expect(await last()).toBe("r5");
  });
});

describeEachStore("a list of runs", ({ clock, store }) => {
  it("has the newest first, in pages", async () => {
    for (const id of ["r1", "r2", "r3", "r4"]) {
      await store.beginRun(fetchRun(id), false);
      clock.nowMs += 1;
    }
    await store.beginRun(fetchRun("foreign", { tenant: NEIGHBOUR.tenant }), false);
    const ids = async (limit: number, before?: string) =>
      (await store.runs({ tenant: LANE.tenant, limit, before })).map(({ id }) => id);
    expect(await ids(10)).toEqual(["r4", "r3", "r2", "r1"]);
    expect(await ids(2)).toEqual(["r4", "r3"]);
    expect(await ids(2, "r3")).toEqual(["r2", "r1"]);
    expect(await ids(2, "r1")).toEqual([]);
  });

  it("goes on in the middle of one millisecond", async () => {
    for (const id of ["r1", "r2", "r3"]) await store.beginRun(fetchRun(id), false);
    const all = (await store.runs({ tenant: LANE.tenant, limit: 10 })).map(({ id }) => id);
    const [first] = all;
    const rest = await store.runs({ tenant: LANE.tenant, limit: 10, before: first });
    expect(rest.map(({ id }) => id)).toEqual(all.slice(1));
  });
});

describeEachStore("a report", ({ store }) => {
  it("is read page by page", async () => {
    await store.beginRun(fetchRun("r1", { options: { verbose: true } }), true);
    await store.report(
      "r1",
      ["a", "b", "c"].map((id) => line(id)),
    );
    const first = await store.reportLines("r1", 0, 2);
    expect(first.map(({ remoteId }) => remoteId)).toEqual(["a", "b"]);
    const rest = await store.reportLines("r1", first.at(-1)?.at ?? 0, 2);
    expect(rest.map(({ remoteId }) => remoteId)).toEqual(["c"]);
    expect(await store.reportLines("r2", 0, 2)).toEqual([]);
  });
});

describe("a long report", () => {
  it("is written on without being looked at", async () => {
    const database = createMemoryDatabase();
    const asked: string[] = [];
    const write: Database["write"] = (work) =>
      database.write((rows) =>
        work({
          ...rows,
          size: (table, prefix) => {
            asked.push(table);
            return rows.size(table, prefix);
          },
          range: (table, prefix, options) => {
            asked.push(table);
            return rows.range(table, prefix, options);
          },
        }),
      );
    const store = await openStore({ database: { ...database, write }, now: () => START_MS });
    await store.beginRun(fetchRun("r1", { options: { verbose: true } }), true);
    for (const id of ["a", "b"]) {
      const rows = [{ seen: seen(id), line: line(id) }];
      await store.takeFetched(LANE.remote, "companies", { readAtMs: START_MS, settleMs: 0, run: "r1", rows });
    }
    expect(await store.reportLines("r1", 0, 9)).toHaveLength(2);
    expect(asked).not.toContain("reports");
  });
});

describeEachStore("old runs", ({ clock, store, sweep }) => {
  const end = async (id: string, more: Partial<NewRun> = {}): Promise<void> => {
    await store.beginRun(fetchRun(id, { options: { verbose: true }, ...more }), false);
    await store.report(id, [line("a")]);
    await store.changeRun(id, { state: "success" });
    await store.changeRun(id, { announced: true });
  };

  it("go with their reports, all but the last good one, from which the next interval counts", async () => {
    await end("r1");
    await end("r2");
    clock.nowMs += KEPT_MS + 1;
    await sweep(KEPT_MS);
    expect((await store.runs({ tenant: LANE.tenant, limit: 10 })).map(({ id }) => id)).toEqual(["r2"]);
    expect(await store.reportLines("r1", 0, 10)).toEqual([]);
    expect(await store.reportLines("r2", 0, 10)).toHaveLength(1);
    expect(await store.lastRun(LANE.tenant, "fetch", "companies")).toMatchObject({ id: "r2" });
    await end("r3");
    await sweep(KEPT_MS);
    expect((await store.runs({ tenant: LANE.tenant, limit: 10 })).map(({ id }) => id)).toEqual(["r3"]);
  });

  it("stay while they are young, or under way", async () => {
    await store.beginRun(fetchRun("r1"), false);
    clock.nowMs += KEPT_MS + 1;
    await end("r2");
    await end("r3");
    await sweep(KEPT_MS);
    const left = await store.runs({ tenant: LANE.tenant, limit: 10 });
    expect(left.map(({ id }) => id).sort()).toEqual(["r1", "r2", "r3"]);
    expect(await store.run("r1")).toMatchObject({ state: "waiting" });
  });

  it("with a long report go part by part", async () => {
    await end("r1");
    await store.report(
      "r1",
      Array.from({ length: 2_500 }, (_, index) => line(`c${index}`)),
    );
    await end("r2");
    clock.nowMs += KEPT_MS + 1;
    await sweep(KEPT_MS);
    expect(await store.run("r1")).toBeUndefined();
    expect(await store.reportLines("r1", 0, 10)).toEqual([]);
  });
});

describeEachStore("a tenant that is forgotten", ({ store }) => {
  it("leaves no run behind, and another's stay", async () => {
    for (const [id, tenant] of [
      ["r1", LANE.tenant],
      ["r2", LANE.tenant],
      ["r3", NEIGHBOUR.tenant],
    ] as const) {
      await store.beginRun(fetchRun(id, { tenant, options: { verbose: true } }), false);
      await store.report(
        id,
        Array.from({ length: 700 }, (_, index) => line(`c${index}`)),
      );
      if (id !== "r2") await store.changeRun(id, { state: "success" });
    }
    await store.forgetTenant(LANE.tenant);
    for (const id of ["r1", "r2"]) {
      expect(await store.run(id)).toBeUndefined();
      expect(await store.reportLines(id, 0, 10)).toEqual([]);
    }
    expect(await store.runs({ tenant: LANE.tenant, limit: 10 })).toEqual([]);
    expect(await store.lastRun(LANE.tenant, "fetch", "companies")).toBeUndefined();
    expect((await store.openRuns()).map(({ id }) => id)).toEqual(["r3"]);
    expect(await store.lastRun(NEIGHBOUR.tenant, "fetch", "companies")).toMatchObject({ id: "r3" });
    expect(await store.reportLines("r3", 0, 1_000)).toHaveLength(700);
  });
});

import type { Database } from "../../../src/storage/database/rows";
import { NOTIFICATIONS, RECORDS, REPORTS, RUNS, SEEN } from "../../../src/storage/tables/tables";
import { read } from "../../../src/storage/tables/view";
import { LANE, deliverQuietly, endingOf, finish, skip, skipFor, update } from "./builders";
import type { Settlement } from "../../../src/storage/port/store";
import { DAY_MS, describeEachStore, openStore, setUpDatabases, START_MS } from "./fixture";

const KEPT_MS = 30 * DAY_MS;

describeEachStore(
  "housekeeping",
  ({ start, database, accept, attempt, block, clock, entry, record, settle, store }) => {
    /** A message ends now. */
    const endNow = async (settlement: Settlement): Promise<void> => {
      if (settlement.then.kind !== "end") throw new Error("It ends.");
      await settle({
        ...settlement,
        then: { kind: "end", outcome: { ...settlement.then.outcome, atMs: clock.nowMs } },
      });
    };
    const refuse = async (hullId: string): Promise<void> =>
      endNow(finish(await start(update({ hullId, id: `c-${hullId}` })), "rejected", "refused"));

    it("removes dead letters whose time has passed, and no others", async () => {
      await refuse("a1");
      clock.nowMs += 20 * DAY_MS;
      await refuse("a2");
      expect(await store.housekeep(KEPT_MS)).toBeGreaterThanOrEqual(0);
      expect(await store.deadLettersOf(LANE)).toHaveLength(2);
      clock.nowMs += 10 * DAY_MS + 1;
      await store.housekeep(KEPT_MS);
      expect((await store.deadLettersOf(LANE)).map(({ hullId }) => hullId)).toEqual(["a2"]);
    });

    it("removes rivals whose time has passed, and no others", async () => {
      for (const hullId of ["a1", "a2"]) {
        await accept(update({ hullId, id: `c-${hullId}` }));
        await settle(skipFor(await entry("companies", hullId), "p1"));
        clock.nowMs += 20 * DAY_MS;
      }
      await store.housekeep(KEPT_MS);
      expect(
        await read(database(), (view) => [...view.places(RECORDS, "rivals", [])].map((place) => place[4])),
      ).toEqual(["a2"]);
    });

    it("forgets how a record's last message ended, never its version or its link", async () => {
      await endNow(deliverQuietly(await start(update({ id: "c1", version: 7 })), "p1"));
      clock.nowMs += KEPT_MS + 1;
      await store.housekeep(KEPT_MS);
      expect(await record("companies", "a1")).toMatchObject({ version: 7, remoteId: "p1" });
      expect((await record("companies", "a1")).last).toBeUndefined();
    });

    it("forgets a record as a whole that has neither version nor link, as events have none", async () => {
      await accept(skip({ version: 0 }));
      clock.nowMs += KEPT_MS + 1;
      await store.housekeep(KEPT_MS);
      expect(await store.view(LANE, "companies", ["a1"])).toEqual([{}]);
    });

    it("remembers an event for thirty days, however short other things are kept", async () => {
      const ending = { ...endingOf("c1", "skipped", "archived"), atMs: clock.nowMs };
      await accept({ ...skip({ version: 0 }), content: { kind: "end", outcome: ending } });
      for (const [days, known] of [
        [29, true],
        [2, false],
      ] as const) {
        clock.nowMs += days * DAY_MS;
        await store.housekeep(DAY_MS);
        expect((await store.view(LANE, "companies", ["a1"]))[0]?.record !== undefined).toBe(known);
      }
    });

    it("keeps such a record while an entry of it waits, which will need it", async () => {
      await block();
      await settle(finish(await attempt("companies", "a1"), "rejected", "refused"));
      await block({ id: "u2", version: 2 });
      clock.nowMs += KEPT_MS + 1;
      await store.housekeep(KEPT_MS);
      expect((await record("companies", "a1")).last).toBeUndefined();
      await settle(deliverQuietly(await attempt("companies", "a1"), "p1"));
      expect(await record("companies", "a1")).toMatchObject({ remoteId: "p1" });
      expect(await store.ready(LANE, "endusers", 9)).toHaveLength(1);
    });

    it("forgets ids of messages after two days, even if no notification comes any more", async () => {
      await accept(update());
      await store.claimNotification("n1", LANE.tenant);
      clock.nowMs += 3 * DAY_MS;
      await store.housekeep(KEPT_MS);
      for (const table of [SEEN, NOTIFICATIONS]) expect(await read(database(), (view) => view.size(table, []))).toBe(0);
    });

    it("walks on from call to call, and begins again at the end", async () => {
      const ids = Array.from({ length: 2_300 }, (_, index) => `a${index}`);
      await store.accept(ids.map((hullId) => skip({ hullId, id: `c-${hullId}`, version: 0 })));
      clock.nowMs += KEPT_MS + 1;
      const removed: number[] = [];
      for (let step = 0; step < 3; step += 1) removed.push(await store.housekeep(KEPT_MS));
      expect(removed.every((count) => count <= 2_000)).toBe(true);
      expect(await store.view(LANE, "companies", ["a0", "a2299"])).toEqual([{}, {}]);
      await accept(skip({ hullId: "a0", id: "c", version: 0 }));
      clock.nowMs += KEPT_MS + 1;
      await store.housekeep(KEPT_MS);
      await store.housekeep(KEPT_MS);
      expect(await store.view(LANE, "companies", ["a0"])).toEqual([{}]);
    });
  },
);

describe("the reports of many runs", () => {
  const { openDatabase } = setUpDatabases();
  /** Of each report. */
  const LINES = 900;
  const RUN_IDS = ["r1", "r2", "r3", "r4"];

  it.each<[string, (store: Awaited<ReturnType<typeof openStore>>) => Promise<number>]>([
    ["are old", (store) => store.housekeep(KEPT_MS)],
    ["are a tenant's who is erased", (store) => store.forgetTenant(LANE.tenant)],
  ])("go in commits of bounded size when they %s", async (_, remove) => {
    const clock = { nowMs: START_MS };
    const database = openDatabase("memory");
    let most = 0;
    const write: Database["write"] = (work) =>
      database.write((rows) => {
        const done = work(rows);
        most = Math.max(most, done.changes.length);
        return done;
      });
    const store = await openStore({ database: { ...database, write }, now: () => clock.nowMs });
    const line = { type: "companies", hullId: "a1", outcome: "sent", code: "updated", text: "" };
    for (const id of RUN_IDS) {
      const order = { tenant: LANE.tenant, kind: "fetch", type: "companies", options: { verbose: true } } as const;
      await store.beginRun({ id, ...order }, false);
      await store.report(id, Array<typeof line>(LINES).fill(line));
      await store.changeRun(id, { state: "error" });
    }
    clock.nowMs += KEPT_MS + 1;
    most = 0;
    for (let removed = 1; removed > 0;) removed = await remove(store);
    expect(most).toBeLessThanOrEqual(1_100);
    expect(await read(database, (view) => [view.size(RUNS, []), view.size(REPORTS, [])])).toEqual([0, 0]);
  });
});

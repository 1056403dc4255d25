/** Content that stands apart from its record, and outcomes that are folded while Hull is away. */
import { randomUUID } from "node:crypto";
import type { RowChange } from "../../../src/storage/database/rows";
import { deadLetterId } from "../../../src/storage/port/dead-letters";
import type { HullUpdateRow, Outcome } from "../../../src/storage/port/rows";
import { CONTENTS, RECORDS } from "../../../src/storage/tables/tables";
import { read } from "../../../src/storage/tables/view";
import { blockOn, deliver, endingOf, LANE, NEIGHBOUR, postpone, skipFor, update, workedOn } from "./builders";
import { describeEachStore, openStore } from "./fixture";

/** Content up to this many characters stands within its record. */
const MOST_INSIDE = 8_000;
const LARGE = { notes: "x".repeat(MOST_INSIDE) };
const SMALL = { notes: "x".repeat(MOST_INSIDE - 500) };

describeEachStore("large content", (fixture) => {
  const { accept, attempt, clock, database, entry, first, refuse, settle, start, store, write } = fixture;

  /** Slots of content that stands apart. */
  const apart = (): Promise<readonly string[]> =>
    read(database(), (view) => [...view.range(CONTENTS, [])].map(([key]) => `${key[2]} ${key[3]}`));
  /** The longest text that a record's own row holds. */
  const rowWeight = (): Promise<number> =>
    read(database(), (view) =>
      Math.max(0, ...[...view.range(RECORDS, [])].map(([, row]) => JSON.stringify(row).length)),
    );

  it("stands apart only above 8,000 characters", async () => {
    await accept(update({ hullId: "a1", fields: SMALL }));
    await accept(update({ hullId: "a2", fields: LARGE }));
    expect(await apart()).toEqual(["a2 0/content"]);
    expect((await entry("companies", "a1")).content?.desired.fields).toEqual(SMALL);
    expect((await entry("companies", "a2")).content?.desired.fields).toEqual(LARGE);
  });

  it("is joined wherever it is read", async () => {
    await accept(update({ fields: LARGE, keys: { externalId: "k1" }, cleared: ["phone"] }));
    const whole = {
      desired: { fields: LARGE, keys: { externalId: "k1" }, cleared: ["phone"] },
      claims: { external_id: "a1" },
    };
    expect((await first(LANE, "companies")).content).toMatchObject(whole);
    expect((await first(LANE, "companies")).content).not.toHaveProperty("apart");
    expect((await entry("companies", "a1")).content).toMatchObject(whole);
    expect((await store.inspectRecord(LANE, "companies", "a1")).entry?.content).toMatchObject(whole);
    expect((await attempt("companies", "a1")).attempt?.content).toMatchObject(whole);
    expect(await apart()).toEqual(["a1 0/attempt"]);
    await settle(postpone(await entry("companies", "a1"), clock.nowMs));
    expect((await first(LANE, "companies")).content).toMatchObject(whole);
    expect(await apart()).toEqual(["a1 0/content"]);
  });

  it("waits beside what is in flight, each in its own place", async () => {
    await start(update({ id: "c1", version: 1, fields: LARGE }));
    await accept(update({ id: "c2", version: 2, fields: { notes: "y".repeat(MOST_INSIDE) } }));
    expect([...(await apart())].sort()).toEqual(["a1 0/attempt", "a1 0/content"]);
    const both = await entry("companies", "a1");
    expect(both.attempt?.content.desired.fields).toEqual(LARGE);
    expect(both.content?.desired.fields).toEqual({ notes: "y".repeat(MOST_INSIDE) });
  });

  it("goes with its entry, however that ends", async () => {
    await write(update({ id: "c1", fields: LARGE }));
    expect(await apart()).toEqual([]);
    await accept(update({ id: "c2", version: 2, fields: LARGE }));
    await accept(update({ id: "c3", version: 3, fields: { name: "Acme" } }));
    expect(await apart()).toEqual([]);
    await accept(update({ id: "c4", version: 4, fields: LARGE }));
    await store.forgetEntity(LANE.tenant, { types: ["companies"], children: [] }, "a1");
    expect(await apart()).toEqual([]);
  });

  it("leaves a small row behind", async () => {
    await accept(update({ fields: LARGE }));
    expect(await rowWeight()).toBeLessThan(1_000);
  });

  it("is apart for dead letters and rivals, however small", async () => {
    await refuse(update({ id: "c1", hullId: "a1", fields: { name: "Dead" } }));
    await settle(skipFor(await start(update({ id: "c2", hullId: "a2", fields: { name: "Rival" } })), "p9"));
    expect(await apart()).toEqual(["a1 0/deadLetter", "a2 0/rival"]);
    expect(await store.deadLettersOf(LANE)).toMatchObject([{ content: { desired: { fields: { name: "Dead" } } } }]);
    await write(update({ id: "c3", version: 2, hullId: "a1" }));
    expect(await apart()).toEqual(["a2 0/rival"]);
  });

  it("is whole again when a dead letter is replayed, or a rival taken in again", async () => {
    await refuse(update({ id: "c1", hullId: "a1", fields: LARGE }));
    await store.replayDeadLetter(deadLetterId({ ...LANE, type: "companies", hullId: "a1" }));
    expect((await first(LANE, "companies")).content?.desired.fields).toEqual(LARGE);
    expect([...(await apart())].sort()).toEqual(["a1 0/content", "a1 0/deadLetter"]);
    await settle(deliver(await attempt("companies", "a1"), "p1"));
    expect(await apart()).toEqual([]);

    await settle(skipFor(await start(update({ id: "c2", hullId: "a2", fields: LARGE })), "p1"));
    expect(await apart()).toEqual(["a2 0/rival"]);
    await store.forgetGone(LANE.remote, "companies", ["p1"]);
    expect((await first(LANE, "companies")).content).toMatchObject({ messageId: "c2", desired: { fields: LARGE } });
    expect(await store.ready(LANE, "companies", 9)).toHaveLength(1);
  });

  it("is kept apart for each connector", async () => {
    await accept(update({ id: "c1", fields: LARGE }));
    await accept(update({ id: "n1", lane: NEIGHBOUR, fields: { notes: "n".repeat(MOST_INSIDE) } }));
    expect([...(await apart())].sort()).toEqual(["a1 0/content", "a1 1/content"]);
    await settle(deliver(await attempt("companies", "a1"), "p1"));
    expect(await apart()).toEqual(["a1 1/content"]);
    expect((await first(NEIGHBOUR, "companies")).content?.desired.fields).toEqual({ notes: "n".repeat(MOST_INSIDE) });
  });

  describe("what is written of it", () => {
    /** Changes of `contents` by another store over the same database, which writes all that follows. */
    async function watched(): Promise<{ readonly store: typeof store; readonly written: () => number }> {
      const below = database();
      let written = 0;
      const isOne = ({ table }: RowChange): boolean => table === CONTENTS.name;
      const over = await openStore({
        database: {
          ...below,
          write: async (work) => {
            const { result, changed } = await below.write((rows) => {
              const done = work(rows);
              return { ...done, result: { result: done.result, changed: done.changes.filter(isOne).length } };
            });
            written += changed;
            return result;
          },
        },
        now: () => clock.nowMs,
      });
      return { store: over, written: () => written };
    }

    it("is nothing when its delivery is put off, made due at once, or put behind a parent", async () => {
      await accept(update({ type: "endusers", hullId: "e1", fields: LARGE, parent: "a1" }));
      const { store: over, written } = await watched();
      await over.settle(LANE, [postpone(await entry("endusers", "e1"), clock.nowMs + 60_000)]);
      await over.retryNow(LANE);
      await over.settle(LANE, [postpone(await entry("endusers", "e1"), clock.nowMs + 60_000)]);
      await over.settle(LANE, [blockOn(await entry("endusers", "e1"))]);
      expect(await entry("endusers", "e1")).toMatchObject({ attempts: 2, blockedOn: "a1" });
      expect(written()).toBe(0);
    });

    it("is nothing when it is in flight and may be repeated, or when another connector does something", async () => {
      await accept(update({ id: "c1", fields: LARGE }));
      const { store: over, written } = await watched();
      const { seq } = workedOn(await entry("companies", "a1"));
      await over.attempt(LANE, [{ type: "companies", hullId: "a1", seq, repeatable: true }]);
      await over.accept([update({ id: "n1", version: 2, lane: NEIGHBOUR })]);
      expect(written()).toBe(0);
      await over.settle(LANE, [deliver(await entry("companies", "a1"), "p1")]);
      // Its row is removed, that is all.
      expect(written()).toBe(1);
    });
  });
});

describeEachStore("outcomes while Hull is away", (fixture) => {
  const { clock, outcomes, settle, start, store } = fixture;
  const REFUSED: Outcome = { ...endingOf("", "sent", "hull_refused"), text: "Hull said no." };
  let version = 0;
  let run = "";

  beforeEach(async () => {
    version = 0;
    run = randomUUID();
    await store.beginRun({ id: run, tenant: LANE.tenant, kind: "batch", type: "companies", options: {} }, false);
  });

  /** Delivers some more messages about company a1, of which Hull is still to be told. */
  async function deliverMore(count: number, outcome: "sent" | "unchanged" = "sent", inRun = false): Promise<void> {
    for (let left = count; left > 0; left -= 1) {
      version += 1;
      const message = update({ id: `c${version}`, version });
      const flying = await start(inRun ? { ...message, run } : message, "update");
      await settle(deliver(flying, "p1", { outcome }));
    }
  }

  async function only(): Promise<HullUpdateRow> {
    const [row] = await store.hullUpdates(LANE, 9);
    if (row === undefined) throw new Error("Hull is to be told.");
    return row;
  }

  const runCounts = async (): Promise<unknown> => (await store.run(run))?.counts;

  it("are kept one by one up to twenty; older ones are only counted", async () => {
    await deliverMore(20);
    expect(await only()).not.toHaveProperty("folded");
    await deliverMore(5);
    const { outcomes: kept, folded } = await only();
    expect(kept.map(({ messageId }) => messageId)).toEqual(Array.from({ length: 20 }, (_, at) => `c${at + 6}`));
    expect(Object.values(folded ?? {})).toEqual([5]);
    expect(await outcomes()).toEqual({});
  });

  it("count all when Hull confirms, by code and in their run", async () => {
    await deliverMore(3, "unchanged", true);
    await deliverMore(4, "sent", true);
    await deliverMore(25);
    await store.confirmed(LANE, [{ row: await only() }]);
    expect(await outcomes()).toEqual({ "companies/unchanged/in_sync": 3, "companies/sent/updated": 29 });
    expect(await runCounts()).toEqual({ "companies/unchanged/in_sync": 3, "companies/sent/updated": 4 });
    expect(await store.depth(LANE)).toEqual({ outbox: 0, hullUpdates: 0 });
  });

  it("count all as refused when Hull refuses", async () => {
    await deliverMore(30, "sent", true);
    await store.confirmed(LANE, [{ row: await only(), refused: REFUSED }]);
    expect(await outcomes()).toEqual({ "companies/sent/hull_refused": 30 });
    expect(await runCounts()).toEqual({ "companies/sent/hull_refused": 30 });
  });

  it.each([
    ["a few more", 7, 3],
    ["so many more that some that Hull was told of are folded", 15, 12],
    ["so many more that all that Hull was told of are folded, and new ones too", 4, 26],
    ["as many more as are kept", 25, 20],
    ["many more after many", 45, 45],
  ])("count once when Hull confirms while there were %s", async (_, before, meanwhile) => {
    await deliverMore(before, "sent", true);
    const told = await only();
    await deliverMore(meanwhile, "unchanged", true);
    await store.confirmed(LANE, [{ row: told }]);
    expect(await outcomes()).toEqual({ "companies/sent/updated": before });
    await store.confirmed(LANE, [{ row: await only(), refused: REFUSED }]);
    const all = { "companies/sent/updated": before, "companies/sent/hull_refused": meanwhile };
    expect(await outcomes()).toEqual(all);
    expect(await runCounts()).toEqual(all);
    expect(await store.hullUpdates(LANE, 9)).toEqual([]);
  });

  it("count once when the same message was delivered and replayed at one moment", async () => {
    const refused = await start(update({ id: "c1", version: 1 }));
    const { then, ...rest } = deliver(refused, "p1");
    if (then.kind !== "tell") throw new Error("Hull is to be told.");
    await settle({ ...rest, then: { ...then, outcome: endingOf("c1", "rejected", "value_not_allowed") } });
    const told = await only();
    const id = deadLetterId({ ...LANE, type: "companies", hullId: "a1" });
    await store.replayDeadLetter(id);
    const again = await fixture.entry("companies", "a1");
    await settle({
      ...rest,
      seq: workedOn(again).seq,
      then: { ...then, outcome: endingOf("c1", "rejected", "value_not_allowed") },
    });
    await store.confirmed(LANE, [{ row: told }]);
    expect(await outcomes()).toEqual({ "companies/rejected/value_not_allowed": 1 });
    await store.confirmed(LANE, [{ row: await only() }]);
    expect(await outcomes()).toEqual({ "companies/rejected/value_not_allowed": 2 });
  });

  it("stay folded when Hull is put off", async () => {
    await deliverMore(30);
    await store.deferHullUpdates(LANE, [await only()], clock.nowMs + 1_000);
    await deliverMore(5);
    clock.nowMs += 1_000;
    await store.confirmed(LANE, [{ row: await only() }]);
    expect(await outcomes()).toEqual({ "companies/sent/updated": 35 });
  });

  it("count all when Hull deletes the entity", async () => {
    await deliverMore(30, "sent", true);
    await store.forgetEntity(LANE.tenant, { types: ["companies"], children: [] }, "a1");
    expect(await outcomes()).toEqual({ "companies/sent/updated": 30 });
    expect(await runCounts()).toEqual({ "companies/sent/updated": 30 });
  });

  it("count once when Hull deletes the entity while it is being told, and sends it again", async () => {
    await deliverMore(3);
    const told = await only();
    await store.forgetEntity(LANE.tenant, { types: ["companies"], children: [] }, "a1");
    await deliverMore(2);
    await store.confirmed(LANE, [{ row: told }]);
    expect(await outcomes()).toEqual({ "companies/sent/updated": 3 });
    await store.confirmed(LANE, [{ row: await only() }]);
    expect(await outcomes()).toEqual({ "companies/sent/updated": 5 });
  });
});

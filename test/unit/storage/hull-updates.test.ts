import type { Outcome, HullUpdateRow } from "../../../src/storage/port/rows";
import { LANE, deliver, endingOf, update, type TellOptions } from "./builders";
import { describeEachStore } from "./fixture";

const REFUSED: Outcome = { ...endingOf("", "sent", "hull_refused"), text: "Hull said no." };

describeEachStore("what Hull must be told", ({ attempt, block, clock, outcomes, record, settle, start, store }) => {
  let version = 0;
  /** Accepts and delivers one more message about company a1. */
  const deliverNext = async (options: TellOptions = {}, remoteId = "p1", hullId = "a1"): Promise<void> => {
    version += 1;
    await settle(deliver(await start(update({ id: `c${version}`, hullId, version })), remoteId, options));
  };
  const only = async (): Promise<HullUpdateRow> => {
    const [row] = await store.hullUpdates(LANE, 9);
    if (row === undefined) throw new Error("Hull is to be told.");
    return row;
  };
  beforeEach(() => {
    version = 0;
  });

  it("waits in a queue of its own, oldest first, up to the limit", async () => {
    await deliverNext({}, "p2", "a2");
    await deliverNext({}, "p1", "a1");
    expect((await store.hullUpdates(LANE, 9)).map(({ hullId }) => hullId)).toEqual(["a2", "a1"]);
    expect(await store.hullUpdates(LANE, 1)).toHaveLength(1);
    expect(await store.hullUpdates({ ...LANE, tenant: "planhat/org/c2" }, 9)).toEqual([]);
    expect(await store.lanes()).toEqual([LANE]);
  });

  it("is read until 16 MB are together, whatever the limit", async () => {
    const notes = "x".repeat(9_000_000);
    for (const hullId of ["a1", "a2", "a3"]) await deliverNext({ tell: { attributes: { notes } } }, hullId, hullId);
    const rows = await store.hullUpdates(LANE, 9);
    expect(rows.map(({ hullId }) => hullId)).toEqual(["a1", "a2"]);
    await store.confirmed(
      LANE,
      rows.map((row) => ({ row })),
    );
    expect(await store.hullUpdates(LANE, 9)).toMatchObject([{ hullId: "a3" }]);
  });

  it("becomes known as told, and its outcome is written, when Hull confirms", async () => {
    await deliverNext({
      mirror: { facts: { name: { remote: "n", sent: "n" } } },
      tell: { facts: { name: "n", _id: "p1" } },
    });
    expect(await outcomes()).toEqual({});
    const ended = await store.confirmed(LANE, [{ row: await only() }]);
    expect(ended).toMatchObject([{ type: "companies", hullId: "a1", outcome: { messageId: "c1", outcome: "sent" } }]);
    expect(await outcomes()).toEqual({ "companies/sent/updated": 1 });
    const [mirror] = await store.mirrors(LANE, "companies", ["p1"]);
    expect(mirror?.facts).toEqual({ name: ["n", "n", "n"], _id: [null, null, "p1"] });
    expect(await record("companies", "a1")).toMatchObject({ confirmedAtMs: clock.nowMs, last: { messageId: "c1" } });
    expect(await store.depth(LANE)).toEqual({ outbox: 0, hullUpdates: 0 });
    expect(await store.lanes()).toEqual([]);
  });

  it("ends as refused when Hull refuses it for good, and is not known as told", async () => {
    await deliverNext({ tell: { facts: { name: "n" } } });
    const ended = await store.confirmed(LANE, [{ row: await only(), refused: REFUSED }]);
    expect(ended).toMatchObject([{ outcome: { messageId: "c1", code: "hull_refused", counted: true } }]);
    expect(await outcomes()).toEqual({ "companies/sent/hull_refused": 1 });
    expect((await store.mirrors(LANE, "companies", ["p1"]))[0]?.facts).toEqual({});
    expect((await record("companies", "a1")).confirmedAtMs).toBeUndefined();
    expect((await record("companies", "a1")).last).toMatchObject({ code: "hull_refused" });
    expect(await store.hullUpdates(LANE, 9)).toEqual([]);
  });

  it("leaves the outcome of what was written in part as it is, also when Hull refuses the part", async () => {
    const flying = await start(update({ id: "c1", version: 1 }));
    const { then, ...rest } = deliver(flying, "p1");
    if (then.kind !== "tell") throw new Error("Hull is to be told.");
    await settle({ ...rest, then: { ...then, outcome: endingOf("c1", "rejected", "value_not_allowed") } });
    await store.confirmed(LANE, [{ row: await only(), refused: REFUSED }]);
    expect(await outcomes()).toEqual({ "companies/rejected/value_not_allowed": 1 });
    expect(await store.deadLettersOf(LANE)).toMatchObject([{ ending: { code: "value_not_allowed" } }]);
  });

  it("is one row per record: newer values overlay older ones, and every outcome stays", async () => {
    await deliverNext({ tell: { attributes: { a: 1, b: 1 }, facts: { a: "1", b: "1" }, account: { domain: "x" } } });
    await deliverNext({ tell: { attributes: { b: 2, c: 2 }, facts: { b: "2", c: "2" } }, outcome: "unchanged" });
    expect(await only()).toMatchObject({
      attributes: { a: 1, b: 2, c: 2 },
      facts: { a: "1", b: "2", c: "2" },
      account: { domain: "x" },
      outcomes: [{ messageId: "c1" }, { messageId: "c2" }],
    });
    expect(await store.depth(LANE)).toEqual({ outbox: 0, hullUpdates: 1 });
    await store.confirmed(LANE, [{ row: await only() }]);
    expect(await outcomes()).toEqual({ "companies/sent/updated": 1, "companies/unchanged/in_sync": 1 });
  });

  it("forgets values of a record that another one has replaced, but no outcome", async () => {
    await deliverNext({ tell: { attributes: { a: 1 }, facts: { a: "1" } } }, "p1");
    await deliverNext({ tell: { attributes: { b: 2 }, facts: { b: "2" } } }, "p2");
    expect(await only()).toMatchObject({ remoteId: "p2", attributes: { b: 2 }, outcomes: [{}, {}] });
    expect((await only()).attributes).toEqual({ b: 2 });
  });

  it("stays for the next round when more was delivered while Hull was being told", async () => {
    await deliverNext({ tell: { attributes: { a: 1 }, facts: { a: "1" } } });
    const told = await only();
    await deliverNext({ tell: { attributes: { b: 2 }, facts: { b: "2" } } });
    await store.confirmed(LANE, [{ row: told }]);
    expect(await outcomes()).toEqual({ "companies/sent/updated": 1 });
    const rest = await only();
    expect(rest).toMatchObject({ attributes: { b: 2 }, outcomes: [{ messageId: "c2" }] });
    const [mirror] = await store.mirrors(LANE, "companies", ["p1"]);
    expect(mirror?.facts).toMatchObject({ a: [null, null, "1"] });
    expect(mirror?.facts).not.toHaveProperty("b");
    await store.confirmed(LANE, [{ row: rest }]);
    expect(await outcomes()).toEqual({ "companies/sent/updated": 2 });
    expect(await store.depth(LANE)).toEqual({ outbox: 0, hullUpdates: 0 });
  });

  it.each([1, 25, 50])(
    "has every outcome in the end, however many came while Hull was being told (%i)",
    async (more) => {
      for (let times = 0; times < 3; times += 1) await deliverNext();
      const told = await only();
      for (let times = 0; times < more; times += 1) await deliverNext();
      await store.confirmed(LANE, [{ row: told }]);
      expect(await outcomes()).toEqual({ "companies/sent/updated": 3 });
      await store.confirmed(LANE, [{ row: await only() }]);
      expect(await outcomes()).toEqual({ "companies/sent/updated": 3 + more });
    },
  );

  it("stays for the next round when Hull refused only what was sent before", async () => {
    await deliverNext();
    const told = await only();
    await deliverNext();
    await store.confirmed(LANE, [{ row: told, refused: REFUSED }]);
    await store.confirmed(LANE, [{ row: await only() }]);
    expect(await outcomes()).toEqual({ "companies/sent/hull_refused": 1, "companies/sent/updated": 1 });
  });

  it("is told once: a second confirmation of a row that is gone does nothing", async () => {
    await deliverNext();
    const row = await only();
    await store.confirmed(LANE, [{ row }]);
    expect(await store.confirmed(LANE, [{ row }])).toEqual([]);
    expect(await outcomes()).toEqual({ "companies/sent/updated": 1 });
  });

  it("can be put off, and its tries are counted", async () => {
    await deliverNext();
    expect(await store.nextHullUpdateDue(LANE)).toBe(0);
    await store.deferHullUpdates(LANE, [await only()], clock.nowMs + 1_000);
    expect(await store.hullUpdates(LANE, 9)).toEqual([]);
    expect(await store.nextHullUpdateDue(LANE)).toBe(clock.nowMs + 1_000);
    clock.nowMs += 1_000;
    expect(await only()).toMatchObject({ attempts: 1, notBeforeMs: clock.nowMs });
    await store.confirmed(LANE, [{ row: await only() }]);
    expect(await store.nextHullUpdateDue(LANE)).toBeUndefined();
  });

  it("keeps waiting when more is delivered while Hull is out of reach", async () => {
    await deliverNext();
    await store.deferHullUpdates(LANE, [await only()], clock.nowMs + 1_000);
    await deliverNext();
    expect(await store.hullUpdates(LANE, 9)).toEqual([]);
    clock.nowMs += 1_000;
    expect(await only()).toMatchObject({ attempts: 1, outcomes: [{}, {}] });
  });

  it("is put off even if more was delivered meanwhile; a row that is gone is not", async () => {
    await deliverNext();
    const before = await only();
    await deliverNext();
    await store.deferHullUpdates(LANE, [before], clock.nowMs + 5);
    expect(await store.nextHullUpdateDue(LANE)).toBe(clock.nowMs + 5);
    clock.nowMs += 5;
    await store.confirmed(LANE, [{ row: await only() }]);
    await store.deferHullUpdates(LANE, [before], clock.nowMs + 9);
    expect(await store.nextHullUpdateDue(LANE)).toBeUndefined();
  });

  it("says nothing of a generation that counts no more", async () => {
    await deliverNext({ tell: { facts: { name: "n" } } });
    await store.newGeneration(LANE.remote);
    await store.confirmed(LANE, [{ row: await only() }]);
    expect(await store.mirrors(LANE, "companies", ["p1"])).toEqual([undefined]);
    expect(await outcomes()).toEqual({ "companies/sent/updated": 1 });
  });

  it("counts a company made for its users apart, also when its own message joins it", async () => {
    await block();
    await settle(deliver(await attempt("companies", "a1"), "p1"));
    await deliverNext();
    const ended = await store.confirmed(LANE, [{ row: await only() }]);
    expect(ended.map(({ outcome }) => outcome.derived === true)).toEqual([true, false]);
    expect(await outcomes()).toEqual({ "companies/sent/updated": 1 });
    expect((await store.tally(LANE.tenant)).derived).toEqual({ companies: 1, "companies/sent/updated": 1 });
  });
});

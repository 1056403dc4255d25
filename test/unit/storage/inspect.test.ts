/** What is remembered of one record, at each station of its way. */
import { describeStore } from "./fixture";
import { deliver, LANE, NEIGHBOUR, seen, skip, update } from "./builders";

describeStore("what is remembered", ({ accept, attempt, block, clock, refuse, settle, start, store, write }) => {
  const recall = (type = "companies", hullId = "a1", lane = LANE) => store.inspectRecord(lane, type, hullId);

  it("of somebody unknown is nothing", async () => {
    expect(await recall()).toEqual({});
  });

  it("of a skipped record is how it ended", async () => {
    await accept(skip());
    expect(Object.keys(await recall())).toEqual(["record"]);
    expect(await recall()).toMatchObject({ record: { last: { outcome: "skipped" } } });
  });

  it("of one that waits, is in flight, or is blocked is its entry, and only its own tenant's", async () => {
    await accept(update());
    expect(await recall()).toMatchObject({ entry: { content: { messageId: "c1" } } });
    expect(await recall("companies", "a1", NEIGHBOUR)).not.toHaveProperty("entry");
    await attempt("companies", "a1");
    expect(await recall()).toMatchObject({ entry: { attempt: { content: { messageId: "c1" } } } });
    await block();
    expect(await recall("endusers", "e1")).toMatchObject({ entry: { blockedOn: "a1" } });
  });

  it("of a delivered one is its link, and what Hull is still to be told", async () => {
    await settle(deliver(await start(update()), "p1"));
    expect(await recall()).toMatchObject({ mirror: { id: "p1", linkedTo: "a1" }, hullUpdate: { remoteId: "p1" } });
    expect(await recall()).not.toHaveProperty("entry");
    await store.newGeneration(LANE.remote);
    expect(await recall()).not.toHaveProperty("mirror");
  });

  it("of a listed one is when that was", async () => {
    await write(update());
    expect(await recall()).not.toHaveProperty("listedAtMs");
    clock.nowMs += 1_000;
    const line = { type: "companies", hullId: "a1", remoteId: "p1", outcome: "sent", code: "told", text: "." } as const;
    await store.beginRun({ id: "r1", tenant: LANE.tenant, kind: "fetch", type: "companies", options: {} }, false);
    const rows = [{ seen: seen("p1"), line }];
    await store.takeFetched(LANE.remote, "companies", { readAtMs: clock.nowMs, settleMs: 0, rows, run: "r1" });
    expect(await recall()).toMatchObject({ listedAtMs: clock.nowMs });
  });

  it("of a refused one is its dead letter, until it is forgotten", async () => {
    await refuse(update());
    expect(await recall()).toMatchObject({ deadLetter: { ending: { code: "refused" } } });
    expect(await recall("companies", "a1", NEIGHBOUR)).not.toHaveProperty("deadLetter");
    await store.forgetTenant(LANE.tenant);
    expect(await recall()).toEqual({});
  });
});

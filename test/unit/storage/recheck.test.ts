/**
 * A process that was thought dead writes after its successor has written: the record is read, and what the successor
 * delivered is sent again where it differs.
 */
import { deliver, LANE, patch, update, workedOn } from "./builders";
import { describeStore } from "./fixture";

const A1 = { type: "companies", hullId: "a1" };
const DAY_MS = 86_400_000;

describeStore("a write of a former owner", ({ accept, clock, entry, find, outcomes, settle, start, store, write }) => {
  /** A former owner had version 2 in flight; a new one delivers it. */
  async function deliverAfterSilence(): Promise<void> {
    await write(update({ id: "c1", version: 1 }));
    await start(update({ id: "c2", version: 2 }), "update");
    await store.recover(LANE, 0, true);
    await settle(deliver(await entry("companies", "a1"), "p1"));
  }

  it("brings back what was delivered last, which is compared with what is there", async () => {
    await deliverAfterSilence();
    expect(await find("companies", "a1")).toBeUndefined();
    await store.recheck(LANE, [A1]);
    const [due] = await store.ready(LANE, "companies", 9);
    expect(due).toMatchObject({
      content: { messageId: "c2", replay: true, counted: false },
      mirror: { complete: false },
    });
  });

  it("brings back the newest content, also what came after the one that was in flight", async () => {
    await deliverAfterSilence();
    await write(update({ id: "c3", version: 3 }));
    await store.recheck(LANE, [A1]);
    expect(await store.ready(LANE, "companies", 9)).toMatchObject([{ content: { messageId: "c3", replay: true } }]);
  });

  it("does not change how many outcomes there are", async () => {
    await deliverAfterSilence();
    const before = await outcomes();
    await store.recheck(LANE, [A1]);
    await settle(deliver(await entry("companies", "a1"), "p1"));
    for (const row of await store.hullUpdates(LANE, 9)) await store.confirmed(LANE, [{ row }]);
    const after = await outcomes();
    expect(Object.values(after).reduce((sum, count) => sum + count, 0)).toBe(2);
    expect(Object.keys(before).length).toBeLessThanOrEqual(Object.keys(after).length);
  });

  it("that comes while newer content waits, or is in flight, is overwritten by that", async () => {
    await deliverAfterSilence();
    await accept(update({ id: "c3", version: 3 }));
    await store.recheck(LANE, [A1]);
    expect(await store.ready(LANE, "companies", 9)).toMatchObject([
      { content: { messageId: "c3", replay: true }, mirror: { complete: false } },
    ]);
    const flying = await entry("companies", "a1");
    await store.attempt(LANE, [{ ...A1, seq: workedOn(flying).seq, repeatable: true }]);
    await store.recheck(LANE, [A1]);
    await settle(deliver(flying, "p1", { mirror: patch("p1", { writtenAtMs: clock.nowMs }) }));
    // Nobody knows which of the two came last.
    expect(await store.ready(LANE, "companies", 9)).toMatchObject([
      { content: { messageId: "c3", replay: true, counted: false }, mirror: { complete: false } },
    ]);
  });

  it("of a record that it had not in flight only makes the record be read", async () => {
    await write(update({ id: "c1", version: 1 }));
    await store.recheck(LANE, [A1]);
    expect(await find("companies", "a1")).toBeUndefined();
    expect(await store.mirrors(LANE, "companies", ["p1"])).toMatchObject([{ complete: false }]);
  });

  it("is waited for a day; then what was kept for it goes, as it does with the entity", async () => {
    await deliverAfterSilence();
    clock.nowMs += DAY_MS + 1;
    while ((await store.housekeep(30 * DAY_MS)) > 0);
    await store.recheck(LANE, [A1]);
    expect(await find("companies", "a1")).toBeUndefined();
  });
});

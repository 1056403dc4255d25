/** What a person should look at in a lane, with bounds on the walk. */
import { describeStore, MINUTE_MS, START_MS } from "./fixture";
import { LANE, NEIGHBOUR, seen, update } from "./builders";

const COMPANY_ID = { type: "companies", key: "externalId" };

describeStore("a look at a lane", ({ accept, clock, refuse, store }) => {
  const look = () => store.laneHealth(LANE, [COMPANY_ID]);
  const see = (
    ...rows: readonly (readonly [id: string, externalId: string, more?: { readonly archived?: boolean }])[]
  ) =>
    store.observe(
      LANE.remote,
      "companies",
      clock.nowMs,
      0,
      rows.map(([id, externalId, more]) => seen(id, { keys: { externalId }, ...more })),
    );

  it("finds nothing where nothing is", async () => {
    expect(await look()).toEqual({ outbox: 0, hullUpdates: 0, deadLetters: {}, moreDeadLetters: false, shared: [] });
  });

  it("says how many wait, and since when, in this lane alone", async () => {
    await accept(update({ id: "n1", hullId: "neighbour", lane: NEIGHBOUR }));
    clock.nowMs += MINUTE_MS;
    await accept(update({ id: "c1", hullId: "a1" }));
    clock.nowMs += MINUTE_MS;
    await accept(update({ id: "c2", hullId: "a2" }));
    expect(await look()).toMatchObject({ outbox: 2, hullUpdates: 0, oldestAtMs: START_MS + MINUTE_MS });
  });

  it("counts dead letters by reason, in this lane alone", async () => {
    for (const [hullId, code] of [
      ["a1", "refused"],
      ["a2", "refused"],
      ["a3", "identity_alarm"],
    ] as const) {
      await refuse(update({ id: hullId, hullId }), "dead", code);
    }
    expect(await look()).toMatchObject({ deadLetters: { refused: 2, identity_alarm: 1 }, moreDeadLetters: false });
    expect(await store.laneHealth(NEIGHBOUR, [])).toMatchObject({ deadLetters: {} });
  });

  it("names keys that several records of today hold, by their exact value", async () => {
    await see(["p1", "acme"], ["p2", "acme"], ["p3", "acme"], ["p4", "beta"], ["p5", "BETA"], ["p6", "gamma"]);
    expect((await look()).shared).toEqual([{ of: COMPANY_ID, value: "acme" }]);
  });

  it("passes over archived records, those that are missing, and those of an older generation", async () => {
    await see(["p1", "acme"], ["p2", "acme", { archived: true }], ["p3", "beta"], ["p4", "beta"]);
    clock.nowMs += MINUTE_MS;
    await see(["p1", "acme"], ["p3", "beta"]);
    await store.markMissing(LANE.remote, "companies", { run: "r", scanStartedAtMs: clock.nowMs, limit: 100 });
    expect((await look()).shared).toEqual([]);
    await see(["p5", "gamma"], ["p6", "gamma"]);
    expect((await look()).shared).toEqual([{ of: COMPANY_ID, value: "gamma" }]);
    await store.newGeneration(LANE.remote);
    expect((await look()).shared).toEqual([]);
  });
});

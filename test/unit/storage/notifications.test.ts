import { ForeignNotification, TenantErased } from "../../../src/storage/port/leases";
import { NOTIFICATIONS } from "../../../src/storage/tables/tables";
import { read } from "../../../src/storage/tables/view";
import { LANE, NEIGHBOUR, update } from "./builders";
import { DAY_MS, describeEachStore } from "./fixture";

describeEachStore("the id of a notification", ({ database, clock, store }) => {
  it("belongs to the tenant that used it first; a repetition by the same tenant is welcome", async () => {
    expect(await store.claimNotification("n1", "planhat/org/c1")).toBe(true);
    expect(await store.claimNotification("n1", "planhat/org/c1")).toBe(true);
    expect(await store.claimNotification("n1", "planhat/org/c2")).toBe(false);
    expect(await store.claimNotification("n2", "planhat/org/c2")).toBe(true);
    expect(await store.claimNotification("n1", "planhat/org/c1")).toBe(true);
  });

  it("is refused to others for a day at least and free again after two", async () => {
    await store.claimNotification("n1", "planhat/org/c1");
    clock.nowMs += DAY_MS;
    expect(await store.claimNotification("n1", "planhat/org/c2")).toBe(false);
    clock.nowMs += DAY_MS;
    expect(await store.claimNotification("n1", "planhat/org/c2")).toBe(true);
    expect(await store.claimNotification("n1", "planhat/org/c1")).toBe(false);
  });

  it("is forgotten in small steps, so that old ids do not pile up", async () => {
    for (let index = 0; index < 40; index += 1) await store.claimNotification(`n${index}`, "planhat/org/c1");
    clock.nowMs += 3 * DAY_MS;
    await store.claimNotification("later", "planhat/org/c1");
    await store.housekeep(30 * DAY_MS);
    expect(await read(database(), (view) => view.size(NOTIFICATIONS, []))).toBe(1);
  });
});

describeEachStore("what a notification brings", ({ database, install, store }) => {
  const bring = (lane = LANE, id = "n1") =>
    store.under({ tenant: lane.tenant, notification: id }).accept([update({ lane, hullId: `of ${lane.tenant}` })]);
  const messages = async (lane = LANE) => (await store.tally(lane.tenant)).messages;
  const ids = () => read(database(), (view) => [...view.range(NOTIFICATIONS, [])].map(([, tenant]) => tenant));

  it("makes its id the tenant's, who may bring it again; from another tenant nothing is taken in", async () => {
    await install();
    await install(NEIGHBOUR);
    expect(await store.mayUseNotification("n1", LANE.tenant)).toBe(true);
    expect(await ids()).toEqual([]);
    await bring();
    expect(await store.mayUseNotification("n1", LANE.tenant)).toBe(true);
    expect(await store.mayUseNotification("n1", NEIGHBOUR.tenant)).toBe(false);
    expect(await store.claimNotification("n1", NEIGHBOUR.tenant)).toBe(false);
    await bring();
    await expect(bring(NEIGHBOUR)).rejects.toThrow(ForeignNotification);
    expect([await messages(), await messages(NEIGHBOUR)]).toEqual([1, 0]);
    expect(await ids()).toHaveLength(1);
  });

  it("is taken in for one of two tenants that come at once with the same id", async () => {
    await install();
    await install(NEIGHBOUR);
    const ends = await Promise.allSettled([bring(), bring(NEIGHBOUR)]);
    const refused = ends.filter((end) => end.status === "rejected");
    expect(refused.map(({ reason }) => reason as unknown)).toEqual([expect.any(ForeignNotification)]);
    expect((await messages()) + (await messages(NEIGHBOUR))).toBe(1);
  });

  it("leaves the id to others where it is not taken in", async () => {
    await install(NEIGHBOUR);
    await expect(bring()).rejects.toThrow(TenantErased);
    expect(await ids()).toEqual([]);
    await bring(NEIGHBOUR);
    expect(await messages(NEIGHBOUR)).toBe(1);
  });
});

describeEachStore("a hold", ({ store }) => {
  const hold = { kind: "auth", message: "401", sinceMs: 1, untilMs: 2 };

  it("stands per lane and scope until it is lifted", async () => {
    await store.pause(LANE, "*", hold);
    await store.pause(LANE, "companies", { ...hold, kind: "mapping" });
    await store.pause(NEIGHBOUR, "*", hold);
    expect(await store.pauses(LANE)).toEqual([
      { tenant: LANE.tenant, scope: "*", ...hold },
      { tenant: LANE.tenant, scope: "companies", ...hold, kind: "mapping" },
    ]);
    await store.pause(LANE, "*", { ...hold, untilMs: 9 });
    expect((await store.pauses(LANE))[0]?.untilMs).toBe(9);
    await store.pause(LANE, "*", undefined);
    await store.pause(LANE, "never", undefined);
    expect((await store.pauses(LANE)).map(({ scope }) => scope)).toEqual(["companies"]);
    expect(await store.pauses(NEIGHBOUR)).toHaveLength(1);
  });
});

describeEachStore("a store", ({ store }) => {
  it("answers when asked whether it is there", async () => {
    await expect(store.ping()).resolves.toBeUndefined();
  });
});

import type { TenantRow } from "../../../src/storage/port/rows";
import { LANE, deliver, deliverQuietly, postpone, skip, tenantRow, update } from "./builders";
import { describeStore, MINUTE_MS } from "./fixture";

const OTHER = { ...LANE, remote: "org|planhat|t2" };

const row = (more: Partial<TenantRow> = {}): TenantRow => tenantRow({ sealed: "sealed-1", settingsAtMs: 10, ...more });

describeStore("a tenant's settings", ({ store }) => {
  it("are kept and listed", async () => {
    expect(await store.tenant(LANE.tenant)).toBeUndefined();
    expect(await store.tenants()).toEqual([]);
    await store.saveTenant(row());
    await store.saveTenant(row({ key: "planhat/org/c2", connectorId: "c2" }));
    expect(await store.tenant(LANE.tenant)).toEqual(row());
    expect((await store.tenants()).map(({ key }) => key)).toEqual(["planhat/org/c1", "planhat/org/c2"]);
  });

  it("are replaced by newer ones and by others of the same moment, never by older ones", async () => {
    await store.saveTenant(row());
    expect(await store.saveTenant(row({ sealed: "same moment" }))).toMatchObject({ sealed: "same moment" });
    expect(await store.saveTenant(row({ sealed: "newer", settingsAtMs: 11 }))).toMatchObject({ sealed: "newer" });
    expect(await store.saveTenant(row({ sealed: "older", settingsAtMs: 9 }))).toMatchObject({ sealed: "newer" });
    expect(await store.tenant(LANE.tenant)).toMatchObject({ sealed: "newer", settingsAtMs: 11 });
  });

  it("keep the remote and its confirmation when they are replaced", async () => {
    await store.saveTenant(row());
    await store.assign(LANE.tenant, LANE.remote, "f1");
    const saved = await store.saveTenant(row({ sealed: "newer", settingsAtMs: 11 }));
    expect(saved).toMatchObject({ sealed: "newer", remote: LANE.remote, fingerprint: "f1" });
  });

  it("must exist before the tenant is pointed to a remote", async () => {
    // An error inside a transaction must reject, and leave nothing behind.
    await expect(store.assign("nobody", LANE.remote, "f")).rejects.toThrow(/nobody/);
    expect(await store.tenants()).toEqual([]);
  });
});

describeStore("credentials that were tried", ({ accept, store }) => {
  const FROM = { remote: LANE.remote, fingerprint: "f1", generation: 1 };
  const TO = { remote: LANE.remote, fingerprint: "f2", renewed: true };
  const generation = async (): Promise<number> => (await store.remote(LANE.remote)).generation;

  beforeEach(async () => {
    await store.saveTenant(row());
    await store.assign(LANE.tenant, LANE.remote, "f1");
  });

  it("count when all is as it was, and begin a generation when they lead elsewhere", async () => {
    expect(await store.reassign(LANE.tenant, FROM, { ...TO, renewed: false })).toMatchObject({
      row: { fingerprint: "f2" },
    });
    expect(await generation()).toBe(1);
    expect(
      await store.reassign(LANE.tenant, { ...FROM, fingerprint: "f2" }, { ...TO, fingerprint: "f3" }),
    ).toMatchObject({
      row: await store.tenant(LANE.tenant),
    });
    expect(await store.tenant(LANE.tenant)).toMatchObject({ remote: LANE.remote, fingerprint: "f3" });
    expect(await generation()).toBe(2);
  });

  it("take along what waits when they lead to another place", async () => {
    await accept(update());
    await accept(update({ hullId: "a2", id: "c2" }));
    await store.accept([update({ hullId: "a2", id: "n2", version: 9, lane: OTHER })]);
    const done = await store.reassign(LANE.tenant, FROM, { remote: OTHER.remote, fingerprint: "f2", renewed: false });
    expect(done?.outcomes).toMatchObject([{ tenant: LANE.tenant, hullId: "a2", outcome: { messageId: "c2" } }]);
    expect(await store.ready(OTHER, "companies", 9)).toHaveLength(2);
    expect(await store.ready(LANE, "companies", 9)).toEqual([]);
  });

  it.each<[string, () => Promise<unknown>]>([
    ["the connector was forgotten", () => store.forgetTenant(LANE.tenant)],
    ["others were confirmed", () => store.assign(LANE.tenant, LANE.remote, "f9")],
    ["it has moved", () => store.assign(LANE.tenant, OTHER.remote, "f1")],
    ["somebody has begun a generation", () => store.newGeneration(LANE.remote)],
  ])("count no more when meanwhile %s", async (_what, meanwhile) => {
    await meanwhile();
    const before = [await store.tenant(LANE.tenant), await generation()];
    expect(await store.reassign(LANE.tenant, FROM, TO)).toBeUndefined();
    expect([await store.tenant(LANE.tenant), await generation()]).toEqual(before);
  });
});

describeStore("a tenant that is pointed to another remote", (fixture) => {
  const { accept, block, entry, outcomes, settle, start, store, write } = fixture;
  beforeEach(async () => {
    await store.saveTenant(row());
    await store.assign(LANE.tenant, LANE.remote, "f1");
  });
  const move = (): Promise<TenantRow> => store.assign(LANE.tenant, OTHER.remote, "f2");

  it("takes along what waits, to be looked up anew", async () => {
    await write(update({ id: "c1", version: 1 }));
    await accept(update({ id: "c2", version: 2, force: true }));
    expect(await move()).toMatchObject({ remote: OTHER.remote, fingerprint: "f2" });
    expect(await store.depth(LANE)).toEqual({ outbox: 0, hullUpdates: 0 });
    const [view] = await store.view(OTHER, "companies", ["a1"]);
    expect(view?.entry).toMatchObject({ content: { messageId: "c2", force: true }, notBeforeMs: 0, attempts: 0 });
    expect(view?.record).toMatchObject({ version: 2 });
    expect(view?.record?.remoteId).toBeUndefined();
  });

  it("keeps the order of what it takes along", async () => {
    await store.accept(["z", "m", "a"].map((hullId, index) => update({ id: `c${index}`, hullId })));
    await move();
    expect((await store.ready(OTHER, "companies", 9)).map(({ hullId }) => hullId)).toEqual(["z", "m", "a"]);
  });

  it("takes along children and the companies made for them", async () => {
    await block();
    await move();
    expect(await store.depth(OTHER)).toEqual({ outbox: 2, hullUpdates: 0 });
    expect(await store.ready(OTHER, "endusers", 9)).toHaveLength(1);
    expect(await store.ready(OTHER, "companies", 9)).toMatchObject([{ content: { derived: true } }]);
  });

  it("takes along what was in flight, without attempt or doubt, which belong to the old place", async () => {
    await start(update(), "create");
    await move();
    const [waiting] = await store.ready(OTHER, "companies", 9);
    expect(waiting?.content?.messageId).toBe("c1");
    expect(waiting).not.toHaveProperty("attempt");
    expect(waiting?.unconfirmed).toBeUndefined();
  });

  it("takes back what was in flight when it left, and works on it again", async () => {
    await start(update(), "update");
    await move();
    await store.assign(LANE.tenant, LANE.remote, "f1");
    expect(await store.ready(LANE, "companies", 9)).toMatchObject([{ content: { messageId: "c1" } }]);
  });

  it("loses no message: of two contents the newer goes along and the older ends superseded", async () => {
    await start(update({ id: "c1", version: 1, force: true }), "update");
    await accept(update({ id: "c2", version: 2 }));
    await move();
    expect(await store.ready(OTHER, "companies", 9)).toMatchObject([{ content: { messageId: "c2", force: true } }]);
    expect(await outcomes()).toEqual({ "companies/superseded/newer_message": 1 });
  });

  it("does not deliver there what a filter took out here", async () => {
    await start(update({ id: "c1", version: 1 }), "update");
    await accept(skip({ id: "c2", version: 2 }));
    await move();
    expect(await store.depth(OTHER)).toEqual({ outbox: 0, hullUpdates: 0 });
    expect(await outcomes()).toMatchObject({ "companies/superseded/newer_message": 1 });
  });

  it("still tells Hull what was delivered to the old one", async () => {
    await settle(deliver(await start(update()), "p1"));
    await move();
    expect(await store.depth(LANE)).toEqual({ outbox: 0, hullUpdates: 1 });
    expect(await store.lanes()).toEqual([LANE]);
  });

  it("keeps everything when it stays where it is and only the credentials changed", async () => {
    await write(update({ id: "c1", version: 1 }));
    await accept(update({ id: "c2", version: 2 }));
    const before = await entry("companies", "a1");
    await store.assign(LANE.tenant, LANE.remote, "f2");
    expect(await entry("companies", "a1")).toEqual(before);
    const [view] = await store.view(LANE, "companies", ["a1"]);
    expect(view?.mirror?.id).toBe("p1");
  });

  it("finds its links again when it comes back", async () => {
    await write(update({ id: "c1", version: 1 }));
    await move();
    await accept(update({ id: "c2", version: 2, lane: OTHER }));
    await store.assign(LANE.tenant, LANE.remote, "f1");
    const [view] = await store.view(LANE, "companies", ["a1"]);
    expect(view?.mirror?.id).toBe("p1");
    expect(view?.entry?.content?.messageId).toBe("c2");
  });
});

describeStore("what was accepted for the old remote after the tenant had left it", (fixture) => {
  const { accept, clock, first, outcomes, store } = fixture;
  it("follows, and of two contents the newer counts", async () => {
    await accept(update({ id: "c1", version: 1, force: true }));
    await accept(update({ id: "c2", version: 2, lane: OTHER }));
    await accept(update({ id: "c3", version: 3, hullId: "a3" }));
    await store.move(LANE, OTHER.remote);
    const ready = await store.ready(OTHER, "companies", 9);
    expect(ready.map(({ content }) => content?.messageId)).toEqual(["c2", "c3"]);
    expect(await outcomes()).toEqual({ "companies/superseded/newer_message": 1 });
    expect(await store.depth(LANE)).toEqual({ outbox: 0, hullUpdates: 0 });
  });

  it("does not bring the answer to a lost create any sooner", async () => {
    await accept(update({ id: "c1", version: 1, lane: OTHER }));
    const unconfirmed = { sinceMs: clock.nowMs, reads: 0 };
    await store.settle(OTHER, [postpone(await first(OTHER, "companies"), clock.nowMs + MINUTE_MS, unconfirmed)]);
    await accept(update({ id: "c2", version: 2 }));
    await store.move(LANE, OTHER.remote);
    expect(await store.nextDue(OTHER, ["companies"])).toBe(clock.nowMs + MINUTE_MS);
    clock.nowMs += MINUTE_MS;
    expect(await store.ready(OTHER, "companies", 9)).toMatchObject([{ content: { messageId: "c2" }, unconfirmed }]);
  });

  it("does not come after something newer that was delivered there already", async () => {
    await accept(update({ id: "c1", version: 1 }));
    await accept(update({ id: "c2", version: 2, lane: OTHER }));
    await store.settle(OTHER, [deliverQuietly(await first(OTHER, "companies"), "q1")]);
    await store.move(LANE, OTHER.remote);
    expect(await store.depth(OTHER)).toEqual({ outbox: 0, hullUpdates: 0 });
    expect(await outcomes()).toEqual({ "companies/sent/updated": 1, "companies/superseded/newer_message": 1 });
  });
});

/** A store that was set back to an earlier state, or emptied: who works on what, and what waits, begins anew. */
import range from "lodash/range";
import { EraOver, type Loss } from "../../../src/storage/port/leases";
import type { Store } from "../../../src/storage/port/store";
import { blockOn, LANE, NEIGHBOUR, update, userUpdate } from "./builders";
import { DAY_MS, describeEachStore, openStore, setUpDatabases, START_MS } from "./fixture";

const SETTLE_MS = 3_000;

describeEachStore("a store that was set back", ({ accept, clock, entry, settle, store, write }) => {
  const loss = (): Loss => ({ atMs: clock.nowMs, kind: "older", commits: 7 });
  const setBack = async (): Promise<boolean> => store.noteLoss(loss(), await store.era());

  it("is in a new era, and says what was lost", async () => {
    const era = await store.era();
    expect(await store.noteLoss(loss(), era)).toBe(true);
    expect(await store.era()).not.toBe(era);
    expect(await store.losses()).toMatchObject([loss()]);
  });

  it("has one loss, however many have noticed it", async () => {
    const era = await store.era();
    const noted = await Promise.all(range(5).map(() => store.noteLoss(loss(), era)));
    expect(noted.filter(Boolean)).toHaveLength(1);
    expect(await store.losses()).toHaveLength(1);
  });

  it("remembers the last twenty", async () => {
    for (const commits of range(22)) await store.noteLoss({ ...loss(), commits }, await store.era());
    expect((await store.losses()).map(({ commits }) => commits)).toEqual(range(2, 22));
  });

  it("forgets them after a week", async () => {
    await setBack();
    clock.nowMs += 7 * DAY_MS;
    await store.housekeep(30 * DAY_MS);
    expect(await store.losses()).toHaveLength(1);
    clock.nowMs += 1;
    await store.housekeep(30 * DAY_MS);
    expect(await store.losses()).toEqual([]);
  });

  it("lets nobody work on a remote whose owner may still write", async () => {
    await accept(update());
    const fence = { name: LANE.remote, id: "owner" };
    await store.takeLease(fence, undefined);
    await setBack();
    expect(await store.renewLease(fence)).toBe(false);
    expect(await store.lease(LANE.remote)).toMatchObject({ renewals: 0 });
    expect(await store.takeLease({ ...fence, id: "hasty" }, undefined)).toBe(false);
  });

  it("lets nobody work on a remote of which it knew nothing any more before its former owner must have ended", async () => {
    await setBack();
    await accept(update());
    expect(await store.lease(LANE.remote)).toMatchObject({ renewals: 0 });
    await accept(update({ lane: NEIGHBOUR }));
    const was = await store.lease(LANE.remote);
    expect(await store.takeLease({ name: LANE.remote, id: "patient" }, was)).toBe(true);
    await accept(update({ id: "c2", version: 2 }));
    expect(await store.lease(LANE.remote)).toMatchObject({ id: "patient" });
  });

  it("has no scan that proves an absence", async () => {
    await write(update());
    await store.noteScan(LANE.remote, "companies", { startedAtMs: clock.nowMs, size: 1 });
    await setBack();
    expect((await store.remote(LANE.remote)).scans).toEqual({});
  });

  it("has none either that goes on from where it was then", async () => {
    await setBack();
    await store.noteScan(LANE.remote, "companies", { startedAtMs: clock.nowMs, size: 1 });
    expect((await store.remote(LANE.remote)).scans).toEqual({});
    clock.nowMs += 1;
    await store.noteScan(LANE.remote, "companies", { startedAtMs: clock.nowMs, size: 1 });
    expect((await store.remote(LANE.remote)).scans).toEqual({ companies: { startedAtMs: clock.nowMs, size: 1 } });
  });

  it("may have created what waits: it is looked for, also what waited for its parent", async () => {
    await accept(update());
    await accept(userUpdate({ parent: "a1" }));
    await settle(blockOn(await entry("endusers", "e1")));
    await setBack();
    await store.recover(LANE, SETTLE_MS);
    for (const [type, id] of [
      ["companies", "a1"],
      ["endusers", "e1"],
    ] as const) {
      const found = await entry(type, id);
      expect(found).toMatchObject({ unconfirmed: { reads: 0 }, notBeforeMs: clock.nowMs + SETTLE_MS });
      expect(found.blockedOn).toBeUndefined();
    }
  });

  it("simply repeats changes of what is linked, unless they must not be repeated", async () => {
    await write(update({ id: "c1", version: 1 }));
    await accept(update({ id: "c2", version: 2 }));
    await setBack();
    await store.recover(LANE, SETTLE_MS);
    expect((await entry("companies", "a1")).unconfirmed).toBeUndefined();
    await store.recover(LANE, SETTLE_MS, false, () => false);
    expect(await entry("companies", "a1")).toMatchObject({ unconfirmed: { reads: 0 } });
  });

  it("has no doubt about what came later, or is another connector's", async () => {
    await accept(update({ lane: NEIGHBOUR }));
    await setBack();
    clock.nowMs += 1;
    await accept(update({ id: "c9", hullId: "a9" }));
    await store.recover(LANE, SETTLE_MS);
    expect((await entry("companies", "a9")).unconfirmed).toBeUndefined();
    expect((await store.ready(NEIGHBOUR, "companies", 9)).map(({ hullId }) => hullId)).toEqual(["a1"]);
  });

  it("is trusted again once that is done", async () => {
    await accept(update());
    await setBack();
    await store.recover(LANE, SETTLE_MS);
    await store.trust(LANE.remote);
    expect((await store.remote(LANE.remote)).wentBackAtMs).toBeUndefined();
    await accept(update({ id: "c8", hullId: "a8" }));
    await store.recover(LANE, SETTLE_MS);
    expect((await entry("companies", "a8")).unconfirmed).toBeUndefined();
  });
});

describe("whoever had the store open", () => {
  const { openDatabase } = setUpDatabases();
  const now = (): number => START_MS;

  it("is refused everything, and told why", async () => {
    const database = openDatabase("memory");
    const onEraOver = jest.fn();
    const store = await openStore({ database, now, onEraOver });
    const other = await openStore({ database, now });
    await other.noteLoss({ atMs: START_MS, kind: "said" }, await other.era());
    await expect(store.ping()).rejects.toThrow(EraOver);
    await expect(store.accept([update()])).rejects.toThrow("Redis was set back");
    expect(onEraOver).toHaveBeenCalledTimes(2);
    expect(await other.lanes()).toEqual([]);
  });

  it("notes an emptied store as such, also if another process has begun to use it already", async () => {
    const database = openDatabase("memory");
    const lost = { loss: { atMs: START_MS, kind: "older", commits: 9 }, era: 4711 } as const;
    await (await openStore({ database, now, onEraOver: () => undefined })).era();
    const store = await openStore({ database, now, onEraOver: () => undefined, lost });
    expect(await store.losses()).toMatchObject([{ kind: "emptied", commits: 9 }]);
    const late = await openStore({ database, now, onEraOver: () => undefined, lost });
    expect(await late.losses()).toHaveLength(1);
    const first = await openStore({ database: openDatabase("memory"), now, onEraOver: () => undefined, lost });
    expect(await first.losses()).toMatchObject([{ kind: "emptied", commits: 9, ended: [4711] }]);
  });

  it("notes that it was set back to an era of before, although that began with a loss, too", async () => {
    const database = openDatabase("memory");
    const noting = (era: number): Promise<Store> =>
      openStore({
        database,
        now,
        onEraOver: () => undefined,
        lost: { loss: { atMs: START_MS, kind: "older" }, era },
      });
    const restored = await openStore({ database, now });
    await restored.noteLoss({ atMs: START_MS, kind: "older" }, await restored.era());
    await restored.noteScan(LANE.remote, "companies", { startedAtMs: START_MS, size: 1 });
    // Two processes of a later era, which is in no backup.
    const first = await noting(4711);
    expect(await first.losses()).toHaveLength(2);
    expect((await first.remote(LANE.remote)).scans).toEqual({});
    const second = await noting(4711);
    expect(await second.losses()).toHaveLength(2);
    // Whoever had begun in that era of before meanwhile has not missed it either.
    await noting((await restored.losses())[0]?.era ?? 0);
    expect(await second.era()).toBe(await restored.era());
    expect(await restored.losses()).toHaveLength(2);
  });

  it("deals with more remotes than fit into one commit, and begins again where it was interrupted", async () => {
    const base = openDatabase("memory");
    const first = await openStore({ database: base, now });
    const remotes = range(450).map((number) => `remote ${number}`);
    for (const remote of remotes) await first.noteScan(remote, "companies", { startedAtMs: START_MS, size: 1 });
    const era = await first.era();
    let writes = 0;
    const breaking = await openStore({
      database: {
        ...base,
        write: (work) => {
          writes += 1;
          return writes === 4 ? Promise.reject(new Error("The process ended.")) : base.write(work);
        },
      },
      now,
    });
    writes = 1;
    const loss = { atMs: START_MS, kind: "older" } as const;
    await expect(breaking.noteLoss(loss, era)).rejects.toThrow("The process ended.");
    expect(await first.losses()).toEqual([]);
    expect(await first.noteLoss(loss, era)).toBe(true);
    const rows = await Promise.all(remotes.map((remote) => first.remote(remote)));
    expect(
      rows.filter(({ wentBackAtMs, scans }) => wentBackAtMs === START_MS && Object.keys(scans).length === 0),
    ).toHaveLength(450);
    const leases = await Promise.all(remotes.map((remote) => first.lease(remote)));
    expect(leases.filter((lease) => lease !== undefined)).toHaveLength(450);
  });
});

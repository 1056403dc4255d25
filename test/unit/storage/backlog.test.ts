import { LANE, NEIGHBOUR, blockOn, deliver, deliverQuietly, finish, postpone, update, userUpdate } from "./builders";
import { describeStore, MINUTE_MS, START_MS } from "./fixture";

describeStore("the backlog", ({ accept, attempt, clock, entry, first, settle, store }) => {
  const oldest = async (): Promise<number | undefined> => (await store.backlog("planhat")).oldestAtMs;
  const later = (): number => (clock.nowMs += MINUTE_MS);

  it("is empty when nothing waits", async () => {
    expect(await store.backlog("planhat")).toEqual({
      lanes: 0,
      outbox: 0,
      hullUpdates: 0,
      oldestAtMs: undefined,
      pauses: [],
      deadLetters: 0,
    });
  });

  it("counts over all lanes", async () => {
    await accept(update({ id: "c1", hullId: "told" }));
    await settle(deliver(await entry("companies", "told"), "p1"));
    await accept(update({ id: "c2", hullId: "refused" }));
    await settle(finish(await entry("companies", "refused"), "rejected", "refused"));
    await accept(update({ id: "c3", hullId: "waiting" }));
    await accept(update({ id: "c4", hullId: "waiting too", lane: NEIGHBOUR }));
    expect(await store.backlog("planhat")).toMatchObject({ lanes: 2, outbox: 2, hullUpdates: 1, deadLetters: 1 });
  });

  it("names the kinds of the holds that are in force", async () => {
    const hold = { message: "No.", sinceMs: START_MS, untilMs: START_MS + MINUTE_MS };
    await store.pause(LANE, "*", { ...hold, kind: "auth" });
    await store.pause(NEIGHBOUR, "endusers", { ...hold, kind: "mapping", untilMs: START_MS + 2 * MINUTE_MS });
    expect([...(await store.backlog("planhat")).pauses].sort()).toEqual(["auth", "mapping"]);
    clock.nowMs += MINUTE_MS;
    expect((await store.backlog("planhat")).pauses).toEqual(["mapping"]);
  });

  it("is as old as the entry of any lane that has waited longest", async () => {
    await accept(update({ id: "c1", hullId: "a1", lane: NEIGHBOUR }));
    later();
    await accept(update({ id: "c2", hullId: "a2" }));
    expect(await oldest()).toBe(START_MS);
    await store.settle(NEIGHBOUR, [await neighboursEnd()]);
    expect(await oldest()).toBe(START_MS + MINUTE_MS);
    await settle(deliverQuietly(await entry("companies", "a2"), "p2"));
    expect(await oldest()).toBeUndefined();
  });

  async function neighboursEnd(): Promise<ReturnType<typeof deliverQuietly>> {
    const waiting = await first(NEIGHBOUR, "companies");
    return deliverQuietly(waiting, "p1");
  }

  it("does not become younger by a newer message, a try that failed, or a parent that is waited for", async () => {
    await accept(userUpdate({ id: "u1", version: 1, parent: "a1" }));
    later();
    await accept(userUpdate({ id: "u2", version: 2, parent: "a1" }));
    expect(await oldest()).toBe(START_MS);
    await settle(postpone(await attempt("endusers", "e1"), START_MS + 9 * MINUTE_MS));
    expect(await oldest()).toBe(START_MS);
    later();
    await settle(blockOn(await entry("endusers", "e1")));
    expect(await oldest()).toBe(START_MS);
    expect(await entry("companies", "a1")).toMatchObject({ acceptedAtMs: START_MS + 2 * MINUTE_MS });
  });

  it("does not blame a record for what was delivered before: what came in flight has waited since then", async () => {
    await accept(update({ id: "c1", version: 1 }));
    later();
    const flying = await attempt("companies", "a1");
    later();
    await accept(update({ id: "c2", version: 2 }));
    expect(await oldest()).toBe(START_MS);
    await settle(deliverQuietly(flying, "p1"));
    expect(await oldest()).toBe(START_MS + MINUTE_MS);
  });

  it("keeps its age when a lane moves to another remote", async () => {
    await accept(update());
    later();
    await store.move(LANE, "org|planhat|t2");
    expect(await oldest()).toBe(START_MS);
    expect(await store.backlog("planhat")).toMatchObject({ lanes: 1, outbox: 1 });
  });
});

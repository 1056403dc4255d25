import { LANE, NEIGHBOUR, postpone, update } from "./builders";
import { describeEachStore, setUpStore, type Fixture } from "./fixture";

const readerOf =
  ({ store }: Pick<Fixture, "store">) =>
  async (limit = 9): Promise<string[]> =>
    (await store.ready(LANE, "companies", limit)).map(({ hullId }) => hullId);

describeEachStore("the order of work", ({ accept, attempt, clock, entry, settle, store }) => {
  const readyIds = readerOf({ store });

  it("is the order of acceptance, up to the limit", async () => {
    await store.accept(["z", "m", "a"].map((hullId, index) => update({ id: `c${index}`, hullId })));
    expect(await readyIds()).toEqual(["z", "m", "a"]);
    expect(await readyIds(2)).toEqual(["z", "m"]);
  });

  it("puts an entry that was replaced behind those that waited longer", async () => {
    await accept(update({ id: "c1", hullId: "a1", version: 1 }));
    await accept(update({ id: "c2", hullId: "a2", version: 1 }));
    await accept(update({ id: "c3", hullId: "a1", version: 2 }));
    expect(await readyIds()).toEqual(["a2", "a1"]);
  });

  it("holds when the numbers of the contents grow by a digit", async () => {
    const ids = Array.from({ length: 120 }, (_, index) => `a${index}`);
    await store.accept(ids.map((hullId, index) => update({ id: `c${index}`, hullId })));
    expect(await readyIds(200)).toEqual(ids);
  });

  it("leaves out what is not due, what is in flight, and other types and tenants", async () => {
    for (const hullId of ["late", "flying", "due"]) await accept(update({ id: `c-${hullId}`, hullId }));
    await accept(update({ id: "u1", type: "endusers", hullId: "user" }));
    await accept(update({ id: "c9", hullId: "theirs", lane: NEIGHBOUR }));
    await settle(postpone(await entry("companies", "late"), clock.nowMs + 1));
    await attempt("companies", "flying");
    expect(await readyIds()).toEqual(["due"]);
    expect(await store.ready(NEIGHBOUR, "companies", 9)).toMatchObject([{ hullId: "theirs" }]);
    clock.nowMs += 1;
    expect(await readyIds()).toEqual(["due", "late"]);
  });

  it("is known ahead: when the next entry is due", async () => {
    const types = ["companies", "endusers"];
    expect(await store.nextDue(LANE, types)).toBeUndefined();
    await accept(update({ id: "c1", hullId: "a1" }));
    await accept(update({ id: "u1", type: "endusers", hullId: "e1" }));
    await settle(postpone(await entry("companies", "a1"), clock.nowMs + 500));
    await settle(postpone(await entry("endusers", "e1"), clock.nowMs + 300));
    expect(await store.nextDue(LANE, types)).toBe(clock.nowMs + 300);
    expect(await store.nextDue(LANE, ["companies"])).toBe(clock.nowMs + 500);
    expect(await store.nextDue(NEIGHBOUR, types)).toBeUndefined();
  });
});

describeEachStore("a lane in a hurry", ({ accept, attempt, clock, entry, first, settle, store }) => {
  it("makes everything due that waits for another try, in the order of acceptance", async () => {
    for (const hullId of ["a1", "a2"]) await accept(update({ id: `c-${hullId}`, hullId }));
    await settle(postpone(await entry("companies", "a1"), clock.nowMs + 9_000));
    await settle(postpone(await entry("companies", "a2"), clock.nowMs + 5_000));
    await store.retryNow(LANE);
    expect((await store.ready(LANE, "companies", 9)).map(({ hullId }) => hullId)).toEqual(["a1", "a2"]);
  });

  it("leaves creates in doubt, what is in flight and other lanes their time", async () => {
    for (const hullId of ["doubtful", "flying"]) await accept(update({ id: `c-${hullId}`, hullId }));
    const unconfirmed = { sinceMs: clock.nowMs, reads: 0 };
    await settle(postpone(await entry("companies", "doubtful"), clock.nowMs + 5_000, unconfirmed));
    await attempt("companies", "flying");
    await accept(update({ id: "c9", hullId: "theirs", lane: NEIGHBOUR }));
    await store.settle(NEIGHBOUR, [postpone(await first(NEIGHBOUR, "companies"), clock.nowMs + 5_000)]);
    await store.retryNow(LANE);
    expect(await store.ready(LANE, "companies", 9)).toEqual([]);
    expect(await store.ready(NEIGHBOUR, "companies", 9)).toEqual([]);
    expect(await store.nextDue(LANE, ["companies"])).toBe(clock.nowMs + 5_000);
  });
});

describeEachStore("the journal of attempts", ({ accept, attempt, clock, entry, start, store }) => {
  it("takes an entry out of the queue and says what will be done since when", async () => {
    await start(update(), "create");
    expect((await entry("companies", "a1")).attempt).toMatchObject({ kind: "create", startedAtMs: clock.nowMs });
    expect(await entry("companies", "a1")).not.toHaveProperty("content");
    expect(await store.ready(LANE, "companies", 9)).toEqual([]);
    expect(await store.nextDue(LANE, ["companies"])).toBeUndefined();
    expect(await store.depth(LANE)).toEqual({ outbox: 1, hullUpdates: 0 });
  });

  it("refuses content that was replaced, is in flight already or does not exist", async () => {
    const ask = (hullId: string, seq: number): Promise<readonly boolean[]> =>
      store.attempt(LANE, [{ type: "companies", hullId, seq, repeatable: true }]);
    await accept(update({ id: "c1", version: 1 }));
    const old = (await entry("companies", "a1")).content?.seq ?? 0;
    await accept(update({ id: "c2", version: 2 }));
    expect(await ask("a1", old)).toEqual([false]);
    const flying = (await attempt("companies", "a1")).attempt?.content.seq ?? 0;
    expect(await ask("a1", flying)).toEqual([false]);
    expect(await ask("nobody", 1)).toEqual([false]);
    await accept(update({ id: "c3", version: 3 }));
    expect(await ask("a1", (await entry("companies", "a1")).content?.seq ?? 0)).toEqual([false]);
  });

  it("knows content that may be repeated by its place in the queue, or else by its record", async () => {
    const ask = (seq: number, notBeforeMs: number): Promise<readonly boolean[]> =>
      store.attempt(LANE, [{ type: "companies", hullId: "a1", seq, notBeforeMs, repeatable: true }]);
    const seqNow = async (): Promise<number> => (await entry("companies", "a1")).content?.seq ?? 0;
    await accept(update({ id: "c1", version: 1 }));
    const old = await seqNow();
    await accept(update({ id: "c2", version: 2 }));
    const seq = await seqNow();
    expect(await ask(old, 0)).toEqual([false]);
    expect(await ask(seq, 0)).toEqual([true]);
    expect(await ask(seq, 0)).toEqual([false]);
    await store.recover(LANE, 0);
    expect(await ask(seq, clock.nowMs)).toEqual([true]);
  });

  it("answers each of several in its place", async () => {
    await store.accept([update({ id: "c1", hullId: "a1" }), update({ id: "c2", hullId: "a2" })]);
    const seq = (await entry("companies", "a2")).content?.seq ?? 0;
    const attempts = [
      { type: "companies", hullId: "a1", seq: -1, repeatable: false },
      { type: "companies", hullId: "a2", seq, repeatable: false },
    ] as const;
    expect(await store.attempt(LANE, attempts)).toEqual([false, true]);
  });
});

describeEachStore("the lanes with something to do", ({ accept, entry, settle, store }) => {
  it("are those whose outbox or write-back is not empty", async () => {
    expect(await store.lanes()).toEqual([]);
    await accept(update({ id: "c1" }));
    await accept(update({ id: "c2", lane: NEIGHBOUR }));
    expect(await store.lanes()).toEqual([LANE, NEIGHBOUR]);
    await settle({
      ...postpone(await entry("companies", "a1"), 0),
      then: {
        kind: "end",
        outcome: { messageId: "c1", outcome: "skipped", code: "x", text: "x", atMs: 0, counted: true },
      },
    });
    expect(await store.lanes()).toEqual([NEIGHBOUR]);
    expect(await store.depth(LANE)).toEqual({ outbox: 0, hullUpdates: 0 });
    expect(await store.depth({ remote: "never", tenant: "seen" })).toEqual({ outbox: 0, hullUpdates: 0 });
  });
});

describe("what is ready", () => {
  const { attempt, store } = setUpStore("memory");
  const readyIds = readerOf({ store });

  it("is read until 16 MB are together, whatever the limit, and one entry at least", async () => {
    const large = "x".repeat(7_000_000);
    const notes = [large, [large, "y"], large, "small", { more: [large, large, large] }, "small"];
    await store.accept(notes.map((note, index) => update({ id: `c${index}`, hullId: `a${index}`, fields: { note } })));
    const groups: string[][] = [];
    for (let ids = await readyIds(); ids.length > 0; ids = await readyIds()) {
      groups.push(ids);
      for (const hullId of ids) await attempt("companies", hullId);
    }
    expect(groups).toEqual([["a0", "a1", "a2"], ["a3", "a4"], ["a5"]]);
  });
});

import { LANE, NEIGHBOUR, blockOn, deliverQuietly, finish, postpone, skip, update, userUpdate } from "./builders";
import { createOutbox } from "../../../src/engine/outbox/outbox";
import { createStored } from "../../../src/storage/store";
import type { Documents } from "../../../src/storage/port/documents";
import type { Stored } from "../../../src/storage/port/stored";
import { actionsOn, describeEachStore, setUpDatabases, START_MS } from "./fixture";

const SETTLE_MS = 3_000;

describeEachStore("after a restart", ({ accept, clock, entry, find, outcomes, settle, start, store }) => {
  it("a create in flight is in doubt: it is looked for before it is tried again", async () => {
    await start(update(), "create");
    const startedAtMs = clock.nowMs;
    clock.nowMs += 60_000;
    expect(await store.recover(LANE, SETTLE_MS)).toMatchObject({ recovered: 1 });
    const waiting = await entry("companies", "a1");
    expect(waiting).toMatchObject({
      content: { messageId: "c1", counted: true },
      unconfirmed: { sinceMs: startedAtMs, reads: 0 },
      notBeforeMs: clock.nowMs + SETTLE_MS,
    });
    expect(waiting).not.toHaveProperty("attempt");
  });

  it("an update in flight simply waits again", async () => {
    await start(update(), "update");
    await store.recover(LANE, SETTLE_MS);
    expect((await entry("companies", "a1")).unconfirmed).toBeUndefined();
    expect(await store.ready(LANE, "companies", 9)).toHaveLength(1);
  });

  it("what waits, what is blocked and other lanes are left alone", async () => {
    await accept(update({ id: "c2", hullId: "a2" }));
    await accept(userUpdate({ parent: "a1" }));
    await settle(postpone(await entry("companies", "a2"), clock.nowMs + 5));
    await settle(blockOn(await entry("endusers", "e1")));
    const before = [await entry("companies", "a2"), await entry("endusers", "e1")];
    expect(await store.recover(LANE, SETTLE_MS)).toMatchObject({ recovered: 0 });
    expect([await entry("companies", "a2"), await entry("endusers", "e1")]).toEqual(before);
  });

  it("newer content beside the attempt takes over, and the doubt stays", async () => {
    await start(update({ id: "c1", version: 1, force: true }), "create");
    await accept(update({ id: "c2", version: 2 }));
    await store.recover(LANE, SETTLE_MS);
    expect(await entry("companies", "a1")).toMatchObject({
      content: { messageId: "c2", force: true },
      unconfirmed: { reads: 0 },
    });
    expect(await outcomes()).toEqual({ "companies/superseded/newer_message": 1 });
  });

  it("an update that was withdrawn in flight is gone", async () => {
    await start(update({ id: "c1", version: 1 }), "update");
    await accept(skip({ id: "c2", version: 2 }));
    await store.recover(LANE, SETTLE_MS);
    expect(await find("companies", "a1")).toBeUndefined();
    expect(await outcomes()).toMatchObject({ "companies/superseded/newer_message": 1 });
  });

  it("recovering twice is recovering once", async () => {
    await start(update(), "create");
    await store.recover(LANE, SETTLE_MS);
    const once = await entry("companies", "a1");
    expect(await store.recover(LANE, SETTLE_MS)).toMatchObject({ recovered: 0 });
    expect(await entry("companies", "a1")).toEqual(once);
  });
});

describeEachStore("a create in doubt", ({ accept, attempt, clock, entry, settle, start, store }) => {
  const unconfirmed = async (): Promise<void> => {
    const flying = await start(update({ id: "c1", version: 1 }), "create");
    await settle(postpone(flying, clock.nowMs + SETTLE_MS, { sinceMs: clock.nowMs, reads: 0 }));
  };

  it("keeps its doubt and its waiting time whatever Hull says meanwhile", async () => {
    await unconfirmed();
    await accept(update({ id: "c2", version: 2 }));
    expect(await entry("companies", "a1")).toMatchObject({
      content: { messageId: "c2" },
      unconfirmed: { sinceMs: clock.nowMs },
      notBeforeMs: clock.nowMs + SETTLE_MS,
    });
  });

  it("loses it once it was answered", async () => {
    await unconfirmed();
    await settle(deliverQuietly(await entry("companies", "a1"), "p1"));
    await accept(update({ id: "c3", version: 3 }));
    expect((await attempt("companies", "a1", "update")).unconfirmed).toBeUndefined();
  });

  it("is still in doubt when a filter took the record out and lets it in again", async () => {
    await unconfirmed();
    await accept(skip({ id: "c2", version: 2 }));
    await accept(update({ id: "c3", version: 3 }));
    expect((await entry("companies", "a1")).unconfirmed).toBeDefined();
  });

  it("is still in doubt when it was withdrawn in flight and the answer was lost", async () => {
    await start(update({ id: "c1", version: 1 }), "create");
    await accept(skip({ id: "c2", version: 2 }));
    await store.recover(LANE, SETTLE_MS);
    await accept(update({ id: "c3", version: 3 }));
    expect((await entry("companies", "a1")).unconfirmed).toBeDefined();
  });

  it("is no doubt any more after a withdrawal when the answer came after all", async () => {
    const flying = await start(update({ id: "c1", version: 1 }), "create");
    await accept(skip({ id: "c2", version: 2 }));
    await settle(deliverQuietly(flying, "p1"));
    await accept(update({ id: "c3", version: 3 }));
    expect((await entry("companies", "a1")).unconfirmed).toBeUndefined();
  });

  it.each<[string, () => Promise<unknown>]>([
    ["ends without a write", async () => store.settle(NEIGHBOUR, [finish(await theirs(), "skipped", "archived")])],
    ["forgets the entity", () => store.forgetEntity(NEIGHBOUR.tenant, { types: ["companies"], children: [] }, "a1")],
  ])("is still in doubt after another connector %s", async (_, happen) => {
    await unconfirmed();
    await store.accept([update({ id: "n1", version: 1, lane: NEIGHBOUR })]);
    await happen();
    expect(await entry("companies", "a1")).toMatchObject({
      unconfirmed: { sinceMs: clock.nowMs, reads: 0 },
      notBeforeMs: clock.nowMs + SETTLE_MS,
    });
  });

  async function theirs() {
    const [view] = await store.view(NEIGHBOUR, "companies", ["a1"]);
    if (view?.entry === undefined) throw new Error("It waits.");
    return view.entry;
  }
});

describe("the recovery of a long queue", () => {
  const { openDatabase } = setUpDatabases();

  it("reads it page by page, and finds what was in flight anywhere in it", async () => {
    const now = (): number => START_MS;
    const stored = await createStored({ database: openDatabase("memory"), now });
    let most = 0;
    const look: Stored["look"] = (work) =>
      stored.look((documentsOf) => {
        let read = 0;
        return work((remote) => {
          const documents = documentsOf(remote);
          const record: Documents["record"] = (type, hullId) => {
            read += 1;
            most = Math.max(most, read);
            return documents.record(type, hullId);
          };
          return { ...documents, record };
        });
      });
    const store = createOutbox({ ...stored, look });
    await store.accept(Array.from({ length: 1_200 }, (_, index) => update({ hullId: `a${index}`, id: `c${index}` })));
    const flying = (await store.ready(LANE, "companies", 1_200)).filter((_, index) => index % 400 === 399);
    await store.attempt(
      LANE,
      flying.map(({ type, hullId, content }) => ({ type, hullId, seq: content?.seq ?? 0, repeatable: false })),
    );
    most = 0;
    expect(await store.recover(LANE, SETTLE_MS)).toMatchObject({ recovered: 3 });
    expect(most).toBeLessThanOrEqual(500);
    expect(await store.ready(LANE, "companies", 2_000)).toHaveLength(1_197);
  });
});

describe("a message that comes during a recovery", () => {
  const { openDatabase } = setUpDatabases();

  it("does not keep its record in flight", async () => {
    const now = (): number => START_MS;
    const stored = await createStored({ database: openDatabase("memory"), now });
    let isRecovering = false;
    const look: Stored["look"] = async (work) => {
      const result = await stored.look(work);
      if (isRecovering) {
        isRecovering = false;
        await store.accept([update({ id: "c2", version: 2 })]);
      }
      return result;
    };
    const store = createOutbox({ ...stored, look });
    const { attempt } = actionsOn(store);
    await store.accept([update({ id: "c1", version: 1 })]);
    await attempt("companies", "a1", "update");
    isRecovering = true;
    await store.recover(LANE, SETTLE_MS);
    expect(isRecovering).toBe(false);
    expect(await store.ready(LANE, "companies", 9)).toMatchObject([{ content: { messageId: "c2" } }]);
  });

  it("does not either when the queue is long and the record had been tried before", async () => {
    const clock = { nowMs: START_MS };
    const stored = await createStored({ database: openDatabase("memory"), now: () => clock.nowMs });
    let isRecovering = false;
    const look: Stored["look"] = async (work) => {
      const result = await stored.look(work);
      if (isRecovering) {
        isRecovering = false;
        await store.accept([update({ id: "new", hullId: "last", version: 2 })]);
      }
      return result;
    };
    const store = createOutbox({ ...stored, look });
    const { attempt, entry } = actionsOn(store);
    const ids = [...Array.from({ length: 600 }, (_, index) => `a${index}`), "last"];
    await store.accept(ids.map((hullId) => update({ id: `c-${hullId}`, hullId })));
    const waiting = await store.ready(LANE, "companies", ids.length);
    await store.settle(
      LANE,
      waiting.map((each) => postpone(each, START_MS + (each.hullId === "last" ? 2 : 1))),
    );
    clock.nowMs += 10;
    await attempt("companies", "last", "create");
    isRecovering = true;
    await store.recover(LANE, SETTLE_MS);
    expect(isRecovering).toBe(false);
    expect(await entry("companies", "last")).not.toHaveProperty("attempt");
  });
});

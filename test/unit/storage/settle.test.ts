import { RECORDS } from "../../../src/storage/tables/tables";
import { read } from "../../../src/storage/tables/view";
import { forgotten } from "../../../src/engine/delivery/settle/settlements";
import { LANE, deliver, deliverQuietly, finish, forget, postpone, skip, update } from "./builders";
import { describeEachStore, describeStore } from "./fixture";

describeStore("a record that the service holds now", (fixture) => {
  const { accept, attempt, entry, find, outcomes, record, settle, store } = fixture;
  it("is linked, leaves the outbox, and its outcome waits until Hull knows", async () => {
    await accept(update());
    const { outcomes: ended } = await settle(deliver(await attempt("companies", "a1"), "p1"));
    expect(ended).toEqual([]);
    expect(await find("companies", "a1")).toBeUndefined();
    expect(await record("companies", "a1")).toMatchObject({ remoteId: "p1", generation: 1, revision: 1 });
    expect(await outcomes()).toEqual({});
    expect(await store.depth(LANE)).toEqual({ outbox: 0, hullUpdates: 1 });
  });

  it("ends at once when Hull knows everything", async () => {
    await accept(update());
    const { outcomes: ended } = await settle(deliverQuietly(await attempt("companies", "a1"), "p1"));
    expect(ended).toMatchObject([
      {
        type: "companies",
        hullId: "a1",
        claims: { external_id: "a1" },
        outcome: { messageId: "c1", outcome: "sent" },
      },
    ]);
    expect(await outcomes()).toEqual({ "companies/sent/updated": 1 });
    expect((await record("companies", "a1")).last).toMatchObject({ messageId: "c1", outcome: "sent" });
    expect(await store.depth(LANE)).toEqual({ outbox: 0, hullUpdates: 0 });
  });

  it("may be settled without an attempt, when it was found equal", async () => {
    await accept(update());
    await settle(deliver(await entry("companies", "a1"), "p1", { outcome: "unchanged" }));
    expect(await store.hullUpdates(LANE, 9)).toMatchObject([{ outcomes: [{ outcome: "unchanged", messageId: "c1" }] }]);
  });

  it("says whose message it was, whatever the lane thought", async () => {
    await accept(update({ id: "c1" }));
    const settlement = finish(await entry("companies", "a1"), "skipped", "archived");
    const wrong = { ...settlement.then, outcome: { text: "", messageId: "x", counted: false } };
    const { outcomes: ended } = await settle({
      ...settlement,
      then: { ...settlement.then, ...wrong } as typeof settlement.then,
    });
    expect(ended).toMatchObject([{ outcome: { messageId: "c1", counted: true } }]);
  });
});

describeStore("content that was replaced while the lane looked at it", (fixture) => {
  const { start, accept, entry, outcomes, record, settle, store } = fixture;
  it("is not settled any more, but what was learned of the service is kept", async () => {
    await accept(update({ id: "c1", version: 1 }));
    const seen = await entry("companies", "a1");
    await accept(update({ id: "c2", version: 2 }));
    expect(await settle(deliver(seen, "p1"))).toEqual({ outcomes: [] });
    expect((await entry("companies", "a1")).content?.messageId).toBe("c2");
    expect((await record("companies", "a1")).remoteId).toBe("p1");
    expect(await outcomes()).toEqual({ "companies/superseded/newer_message": 1 });
  });

  it("stays waiting as newer content when the older one in flight is refused", async () => {
    const flying = await start(update({ id: "c1", version: 1 }));
    await accept(update({ id: "c2", version: 2 }));
    await settle(finish(flying, "rejected", "refused"));
    expect(await entry("companies", "a1")).toMatchObject({
      content: { messageId: "c2" },
      notBeforeMs: 0,
      attempts: 0,
    });
    expect(await store.ready(LANE, "companies", 9)).toHaveLength(1);
  });
});

describeStore("a record that must wait", ({ accept, attempt, clock, entry, outcomes, settle, start, store }) => {
  it("goes back to the queue with its time, its count of tries and the reason", async () => {
    await accept(update());
    for (const tries of [1, 2, 3]) {
      await settle(postpone(await attempt("companies", "a1", "update"), clock.nowMs + 1_000));
      const waiting = await entry("companies", "a1");
      expect(waiting).toMatchObject({ attempts: tries, problem: "try later", content: { messageId: "c1" } });
      expect(waiting).not.toHaveProperty("attempt");
      expect(await store.ready(LANE, "companies", 9)).toEqual([]);
      clock.nowMs += 1_000;
      expect(await store.ready(LANE, "companies", 9)).toHaveLength(1);
    }
  });

  it("takes over what came meanwhile, and keeps force and cleared of the older one", async () => {
    const flying = await start(
      update({ id: "c1", version: 1, fields: { a: null }, cleared: ["a"], force: true }),
      "update",
    );
    await accept(update({ id: "c2", version: 2, fields: { a: null, b: 1 } }));
    const { outcomes: ended } = await settle(postpone(flying, clock.nowMs + 9));
    expect(ended).toMatchObject([{ outcome: { messageId: "c1", outcome: "superseded" } }]);
    expect(ended[0]?.outcome.text).toContain("c2");
    expect(await entry("companies", "a1")).toMatchObject({
      content: { messageId: "c2", force: true, desired: { fields: { a: null, b: 1 }, cleared: ["a"] } },
      notBeforeMs: clock.nowMs + 9,
    });
    expect(await outcomes()).toEqual({ "companies/superseded/newer_message": 1 });
  });
});

describeStore(
  "an update, which may be repeated",
  ({ accept, database, entry, find, outcomes, settle, start, store }) => {
    const rows = () => read(database(), (view) => [...view.range(RECORDS, [])].map(([, row]) => row));

    it("is in flight without a word of it in its record, and a newer message waits behind it", async () => {
      await accept(update({ id: "c1", version: 1 }));
      const before = await rows();
      const { seq = 0 } = (await entry("companies", "a1")).content ?? {};
      expect(await store.attempt(LANE, [{ type: "companies", hullId: "a1", seq, repeatable: true }])).toEqual([true]);
      expect(await rows()).toEqual(before);
      const flying = await entry("companies", "a1");
      expect(flying).toMatchObject({ attempt: { kind: "update", content: { messageId: "c1" } } });
      await accept(update({ id: "c2", version: 2 }));
      await settle(deliver(flying, "p1"));
      expect(await entry("companies", "a1")).toMatchObject({ content: { messageId: "c2" } });
      expect(await entry("companies", "a1")).not.toHaveProperty("attempt");
      expect(await store.hullUpdates(LANE, 9)).toMatchObject([{ outcomes: [{ messageId: "c1", outcome: "sent" }] }]);
    });

    it("is told to Hull when a filter took the record out while it was in flight", async () => {
      const flying = await start(update({ id: "c1", version: 1 }), "update");
      await accept(skip({ id: "c2", version: 2 }));
      await settle(deliver(flying, "p1"));
      expect(await find("companies", "a1")).toBeUndefined();
      expect(await store.hullUpdates(LANE, 9)).toMatchObject([{ outcomes: [{ messageId: "c1", outcome: "sent" }] }]);
      expect(await outcomes()).toEqual({ "companies/skipped/outside_account_segments": 1 });
    });
  },
);

describeStore("a link that turned out to be dead", (fixture) => {
  const { accept, attempt, entry, find, record, settle, start, store, write } = fixture;
  it("is forgotten together with what was known of the record", async () => {
    await accept(update({ id: "c1", version: 1, keys: { externalId: "x" } }));
    const keys = { externalId: "x" };
    await settle(deliverQuietly(await attempt("companies", "a1"), "p1", { keys }));
    await settle(forget(await start(update({ id: "c2", version: 2 }), "update")));
    expect((await record("companies", "a1")).remoteId).toBeUndefined();
    expect(await record("companies", "a1")).toMatchObject({ revision: 2, version: 2 });
    expect(await store.mirrors(LANE, "companies", ["p1"])).toEqual([undefined]);
    expect(await store.candidates(LANE, "companies", [{ name: "externalId", value: "x" }])).toEqual([]);
    expect((await entry("companies", "a1")).content?.messageId).toBe("c2");
  });

  it("is forgotten even if nothing of its record waits, and what waits stays", async () => {
    const gone = forgotten(LANE.tenant, "companies", "a1", "p1");
    await write(update({ id: "c1", version: 1 }));
    expect(await settle(gone)).toEqual({ outcomes: [] });
    expect((await record("companies", "a1")).remoteId).toBeUndefined();
    expect(await store.mirrors(LANE, "companies", ["p1"])).toEqual([undefined]);
    expect(await find("companies", "a1")).toBeUndefined();

    await accept(update({ id: "c2", version: 2 }));
    const waiting = await entry("companies", "a1");
    await settle(gone);
    expect(await entry("companies", "a1")).toEqual(waiting);
  });

  it("is replaced by the record that took its place", async () => {
    await write(update({ id: "c1", version: 1 }));
    await settle(deliverQuietly(await start(update({ id: "c2", version: 2 }), "update"), "p2", { fresh: true }));
    expect((await record("companies", "a1")).remoteId).toBe("p2");
    const [old, fresh] = await store.mirrors(LANE, "companies", ["p1", "p2"]);
    expect(old).toBeUndefined();
    expect(fresh?.linkedTo).toBe("a1");
  });
});

describeEachStore("more records than one transaction takes", ({ clock, outcomes, store }) => {
  it("are journaled, settled and observed all the same, each with its own answer", async () => {
    const ids = Array.from({ length: 1_001 }, (_, index) => `a${index}`);
    await store.accept(ids.map((hullId) => update({ id: `c-${hullId}`, hullId })));
    const ready = await store.ready(LANE, "companies", 2_000);
    const attempts = ready.map(({ type, hullId, content }, index) => ({
      type,
      hullId,
      seq: index === 700 ? -1 : (content?.seq ?? 0),
      repeatable: false,
    }));
    const journaled = await store.attempt(LANE, attempts);
    expect(journaled.map((each, index) => (each ? -1 : index)).filter((index) => index >= 0)).toEqual([700]);

    const { outcomes: ended } = await store.settle(
      LANE,
      ready.map((entry) => deliverQuietly(entry, `p-${entry.hullId}`)),
    );
    expect(ended.map(({ hullId }) => hullId)).toEqual(ids);
    expect(await outcomes()).toEqual({ "companies/sent/updated": 1_001 });
    expect(await store.depth(LANE)).toEqual({ outbox: 0, hullUpdates: 0 });

    const read = ids.map((id) => ({
      id: `p-${id}`,
      keys: { externalId: id },
      complete: true,
      archived: false,
      facts: {},
    }));
    const scan = { startedAtMs: clock.nowMs, size: read.length };
    await store.observe(LANE.remote, "companies", clock.nowMs, 0, read, scan);
    expect(await store.candidates(LANE, "companies", [{ name: "externalId", value: "a1000" }])).toHaveLength(1);
    expect((await store.remote(LANE.remote)).scans).toEqual({ companies: scan });
  });
});

import { LANE, deliverQuietly, inSync, postpone, skip, update } from "./builders";
import { describeEachStore, describeStore } from "./fixture";

describeStore("a message taken in", ({ accept, clock, entry, find, outcomes, record, store, write }) => {
  it("waits in the outbox when there is something to deliver", async () => {
    expect(await accept(update({ id: "c1", version: 5 }))).toEqual({ state: "queued", outcomes: [], children: [] });
    expect((await entry("companies", "a1")).content).toMatchObject({ messageId: "c1", version: 5, counted: true });
    expect(await record("companies", "a1")).toMatchObject({ version: 5, messageId: "c1", revision: 0 });
    expect(await outcomes()).toEqual({});
  });

  it("ends at once when it says so, and the record remembers how", async () => {
    const accepted = await accept(skip({ id: "c1" }));
    expect(accepted).toMatchObject({ state: "ended", outcomes: [{ messageId: "c1", outcome: "skipped" }] });
    expect(await find("companies", "a1")).toBeUndefined();
    expect(await outcomes()).toEqual({ "companies/skipped/outside_account_segments": 1 });
    expect((await record("companies", "a1")).last).toMatchObject({ messageId: "c1", outcome: "skipped" });
  });

  it("is only counted when the tenant has no remote yet", async () => {
    const { remote: _, ...homeless } = skip({ id: "c1", merged: ["c0"] });
    const merged = { state: "ended", outcomes: [{ code: "merged" }, { messageId: "c1" }] };
    expect(await accept(homeless)).toMatchObject(merged);
    expect((await store.tally(LANE.tenant)).messages).toBe(2);
    expect(await outcomes()).toMatchObject({ "companies/superseded/merged": 1 });
    expect(await store.lanes()).toEqual([]);
  });

  it("is not older than a version that was remembered when dates an hour ahead were believed", async () => {
    await accept(update({ id: "c1", version: clock.nowMs + 3_500_000 }));
    await accept(update({ id: "c2", version: clock.nowMs, fields: { name: "New" } }));
    const { content } = await entry("companies", "a1");
    expect(content).toMatchObject({ messageId: "c2", desired: { fields: { name: "New" } } });
  });

  it("ends superseded when a newer version was seen, naming the newer message", async () => {
    await accept(update({ id: "c2", version: 2 }));
    const late = await accept(update({ id: "c1", version: 1, fields: { name: "Old" } }));
    expect(late).toMatchObject({ state: "ended", outcomes: [{ messageId: "c1", outcome: "superseded" }] });
    expect(late.outcomes[0]?.text).toContain("c2");
    expect((await entry("companies", "a1")).content?.desired.fields).toEqual({ name: "Acme" });
  });

  it("ends superseded after the newer one was delivered, too", async () => {
    await write(update({ id: "c2", version: 2 }));
    await accept(update({ id: "c1", version: 1 }));
    expect(await outcomes()).toEqual({ "companies/sent/updated": 1, "companies/superseded/newer_message": 1 });
  });

  it("replaces on a tie, because then arrival decides", async () => {
    await accept(update({ id: "c1", version: 1 }));
    await accept(update({ id: "c2", version: 1 }));
    expect((await entry("companies", "a1")).content?.messageId).toBe("c2");
  });

  it("leaves other records, types and tenants alone", async () => {
    await accept(update({ id: "c1", version: 9 }));
    await accept(update({ id: "u1", type: "endusers", version: 1 }));
    await accept(update({ id: "c2", hullId: "a2", version: 1 }));
    await accept(update({ id: "c3", version: 9, lane: { ...LANE, tenant: "planhat/org/c2" } }));
    await accept(update({ id: "c4", version: 1, lane: { ...LANE, remote: "other" } }));
    expect(await store.depth(LANE)).toEqual({ outbox: 3, hullUpdates: 0 });
    expect((await store.tally("planhat/org/c2")).messages).toBe(1);
    expect(await store.lanes()).toHaveLength(3);
  });
});

describeStore("a message that another one swallowed in its shipment", ({ accept, outcomes, store }) => {
  it("ends superseded and is counted", async () => {
    const accepted = await accept(update({ id: "c3", merged: ["c1", "c2"] }));
    expect(accepted.outcomes.map(({ messageId, code }) => `${messageId} ${code}`)).toEqual(["c1 merged", "c2 merged"]);
    expect(accepted.outcomes[0]?.text).toContain("c3");
    expect((await store.tally(LANE.tenant)).messages).toBe(3);
    expect(await outcomes()).toEqual({ "companies/superseded/merged": 2 });
  });

  it("is counted once when it had arrived alone before", async () => {
    await accept(update({ id: "c1", version: 1 }));
    await accept(update({ id: "c2", version: 2, merged: ["c1"] }));
    expect((await store.tally(LANE.tenant)).messages).toBe(2);
    expect(await outcomes()).toEqual({ "companies/superseded/newer_message": 1 });
  });
});

describeStore("a newer message for a waiting record", (fixture) => {
  const { accept, attempt, clock, entry, outcomes, settle, start, store } = fixture;
  it("replaces the older one, which ends superseded", async () => {
    await accept(update({ id: "c1", version: 1, fields: { name: "Old" } }));
    const accepted = await accept(update({ id: "c2", version: 2, fields: { name: "New" } }));
    expect(accepted).toMatchObject({ state: "queued", outcomes: [{ messageId: "c1", outcome: "superseded" }] });
    const { content } = await entry("companies", "a1");
    expect(content).toMatchObject({ messageId: "c2", desired: { fields: { name: "New" } } });
    expect(await store.depth(LANE)).toEqual({ outbox: 1, hullUpdates: 0 });
  });

  it("keeps that the older one was forced, until it is delivered", async () => {
    await accept(update({ id: "c1", version: 1, force: true }));
    await accept(update({ id: "c2", version: 2 }));
    await accept(update({ id: "c3", version: 3 }));
    expect((await entry("companies", "a1")).content?.force).toBe(true);
    await settle(deliverQuietly(await attempt("companies", "a1"), "p1"));
    await accept(update({ id: "c4", version: 4 }));
    expect((await entry("companies", "a1")).content?.force).toBe(false);
  });

  it("keeps which fields were cleared as long as they are still empty", async () => {
    await accept(update({ id: "c1", version: 1, fields: { a: null, b: null, c: null }, cleared: ["a", "b", "c"] }));
    await accept(update({ id: "c2", version: 2, fields: { a: null, b: "set again", d: null }, cleared: ["d"] }));
    const cleared = (await entry("companies", "a1")).content?.desired.cleared ?? [];
    expect(cleared.toSorted()).toEqual(["a", "d"]);
  });

  it("waits beside the one in flight and does not disturb it", async () => {
    const flying = await start(update({ id: "c1", version: 1 }));
    expect(await accept(update({ id: "c2", version: 2 }))).toEqual({ state: "queued", outcomes: [], children: [] });
    const both = await entry("companies", "a1");
    expect([both.attempt?.content.messageId, both.content?.messageId]).toEqual(["c1", "c2"]);
    await settle(deliverQuietly(flying, "p1"));
    expect(await entry("companies", "a1")).toMatchObject({ content: { messageId: "c2" }, attempts: 0 });
    expect(await outcomes()).toEqual({ "companies/sent/updated": 1 });
  });

  it("ends a pause that the older one had earned", async () => {
    await accept(update({ id: "c1", version: 1 }));
    await settle(postpone(await entry("companies", "a1"), clock.nowMs + 60_000));
    expect(await store.ready(LANE, "companies", 9)).toEqual([]);
    await accept(update({ id: "c2", version: 2 }));
    expect(await store.ready(LANE, "companies", 9)).toHaveLength(1);
    expect(await entry("companies", "a1")).not.toHaveProperty("problem");
  });
});

describeStore("a message delivered again", ({ accept, attempt, outcomes, settle, start, store }) => {
  it("is not counted twice while the first still waits", async () => {
    await accept(update({ id: "c1" }));
    expect(await accept(update({ id: "c1" }))).toEqual({ state: "queued", outcomes: [], children: [] });
    await settle(deliverQuietly(await attempt("companies", "a1"), "p1"));
    expect((await store.tally(LANE.tenant)).messages).toBe(1);
    expect(await outcomes()).toEqual({ "companies/sent/updated": 1 });
  });

  it("is worked on again after the first ended, without being counted", async () => {
    for (let round = 0; round < 3; round += 1) {
      expect((await accept(update({ id: "c1" }))).state).toBe("queued");
      const { outcomes } = await settle(deliverQuietly(await attempt("companies", "a1"), "p1"));
      expect(outcomes).toMatchObject([{ outcome: { counted: round === 0 } }]);
    }
    expect((await store.tally(LANE.tenant)).messages).toBe(1);
    expect(await outcomes()).toEqual({ "companies/sent/updated": 1 });
  });

  it("does no harm while the first is in flight", async () => {
    const flying = await start(update({ id: "c1" }));
    await accept(update({ id: "c1" }));
    await settle(deliverQuietly(flying, "p1"));
    await settle(deliverQuietly(await attempt("companies", "a1", "update"), "p1"));
    expect(await outcomes()).toEqual({ "companies/sent/updated": 1 });
  });

  it("is skipped again without being counted", async () => {
    await accept(skip({ id: "c1" }));
    expect(await accept(skip({ id: "c1" }))).toMatchObject({ state: "ended", outcomes: [{ counted: false }] });
    expect(await outcomes()).toEqual({ "companies/skipped/outside_account_segments": 1 });
  });
});

describeEachStore("what comes together", ({ adapter, database, store }) => {
  it("is taken in 250 at a time, or fewer when they are large", async () => {
    const write = jest.spyOn(database(), "write");
    const take = async (count: number, note: string): Promise<number> => {
      write.mockClear();
      const messages = Array.from({ length: count }, (_, at) =>
        update({ id: `${note[0]}${at}`, hullId: `${note[0]}${at}`, fields: { note } }),
      );
      const accepted = await store.accept(messages);
      expect(accepted.map(({ state }) => state)).toEqual(messages.map(() => "queued"));
      return write.mock.calls.length;
    };
    expect(await take(250, "small")).toBe(1);
    expect(await take(251, "tiny")).toBe(2);
    // How much is taken in at a time is decided before the database is asked.
    if (adapter === "lmdb") expect(await take(5, "x".repeat(7_000_000))).toBe(2);
  });
});

describeStore("a message that changes nothing", (fixture) => {
  const { accept, attempt, entry, find, outcomes, record, settle, start, store, write } = fixture;
  it("ends unchanged when nothing of its record waits or is in flight", async () => {
    await write(update({ id: "c1", version: 1 }));
    const { revision } = await record("companies", "a1");
    const accepted = await accept(inSync({ id: "c2", version: 2 }, revision));
    expect(accepted).toMatchObject({ state: "ended", outcomes: [{ messageId: "c2", outcome: "unchanged" }] });
    expect(await find("companies", "a1")).toBeUndefined();
    expect(await record("companies", "a1")).toMatchObject({ version: 2, last: { outcome: "unchanged" } });
  });

  it("is delivered when an older one still waits, or A → B → A would leave B", async () => {
    await accept(update({ id: "c1", version: 1, fields: { name: "B" } }));
    const accepted = await accept(inSync({ id: "c2", version: 2, fields: { name: "A" } }, 0));
    expect(accepted).toMatchObject({ state: "queued", outcomes: [{ messageId: "c1", outcome: "superseded" }] });
    expect((await entry("companies", "a1")).content?.desired.fields).toEqual({ name: "A" });
  });

  it("is delivered when an older one is in flight", async () => {
    await start(update({ id: "c1", version: 1, fields: { name: "B" } }));
    expect((await accept(inSync({ id: "c2", version: 2, fields: { name: "A" } }, 0))).state).toBe("queued");
    expect((await entry("companies", "a1")).content?.messageId).toBe("c2");
  });

  it("asks to be compared again, without a trace, when something was settled since the comparison", async () => {
    await accept(update({ id: "c1", version: 1 }));
    const { revision } = await record("companies", "a1");
    await settle(deliverQuietly(await attempt("companies", "a1"), "p1"));
    const stale = inSync({ id: "c3", version: 3, merged: ["c2"] }, revision);
    expect(await accept(stale)).toEqual({ state: "again", outcomes: [], children: [] });
    expect((await store.tally(LANE.tenant)).messages).toBe(1);
    expect(await outcomes()).toEqual({ "companies/sent/updated": 1 });
    expect((await accept(inSync({ id: "c3", version: 3, merged: ["c2"] }, revision + 1))).state).toBe("ended");
    expect((await store.tally(LANE.tenant)).messages).toBe(3);
  });
});

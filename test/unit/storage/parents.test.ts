import { LANE, NEIGHBOUR, blockOn, deliver, finish, postpone, update, userUpdate } from "./builders";
import { describeStore, MINUTE_MS } from "./fixture";

describeStore("a child whose company has no id yet", (fixture) => {
  const { accept, attempt, block, clock, entry, first, record, settle, store, write } = fixture;

  it("waits behind the company, which is made from what the child carries", async () => {
    await block();
    expect((await entry("endusers", "e1")).blockedOn).toBe("a1");
    expect(await store.ready(LANE, "endusers", 9)).toEqual([]);
    expect(await store.nextDue(LANE, ["endusers"])).toBeUndefined();
    const company = await entry("companies", "a1");
    expect(company.content).toMatchObject({ derived: true, force: false, desired: { keys: { externalId: "a1" } } });
    expect((await record("companies", "a1")).version).toBe(0);
    expect(await store.depth(LANE)).toEqual({ outbox: 2, hullUpdates: 0 });
    expect(await store.tally(LANE.tenant)).toMatchObject({ messages: 1, derived: { companies: 1 } });
  });

  it("shares the company with its siblings", async () => {
    await block();
    await block({ hullId: "e2", id: "u2" });
    expect(await store.depth(LANE)).toEqual({ outbox: 3, hullUpdates: 0 });
    expect((await store.tally(LANE.tenant)).derived).toEqual({ companies: 1 });
  });

  it("waits for the company's own message when there is one, in the queue or in flight", async () => {
    await accept(update({ id: "c1" }));
    await block();
    await attempt("companies", "a1");
    await block({ hullId: "e2", id: "u2" });
    expect((await entry("companies", "a1")).attempt?.content.messageId).toBe("c1");
    expect((await store.tally(LANE.tenant)).derived).toEqual({});
  });

  it("does not look for a company that another connector lost before that one does", async () => {
    await accept(update({ id: "c1" }));
    const unconfirmed = { sinceMs: clock.nowMs, reads: 0 };
    await settle(postpone(await attempt("companies", "a1"), clock.nowMs + MINUTE_MS, unconfirmed));
    await store.accept([userUpdate({ parent: "a1", lane: NEIGHBOUR })]);
    await store.settle(NEIGHBOUR, [blockOn(await first(NEIGHBOUR, "endusers"))]);
    expect(await store.nextDue(NEIGHBOUR, ["companies"])).toBe(clock.nowMs + MINUTE_MS);
  });

  it("is free as soon as the company is linked, in the order of acceptance", async () => {
    await block({ hullId: "e2", id: "u2" });
    await block();
    await settle(deliver(await attempt("companies", "a1"), "p1"));
    expect((await store.ready(LANE, "endusers", 9)).map(({ hullId }) => hullId)).toEqual(["e2", "e1"]);
    expect(await entry("endusers", "e1")).not.toHaveProperty("blockedOn");
  });

  it("stays free when the company got its id while the lane looked", async () => {
    await write(update({ id: "c1" }));
    await block();
    expect(await entry("endusers", "e1")).not.toHaveProperty("blockedOn");
    expect(await store.ready(LANE, "endusers", 9)).toHaveLength(1);
    expect((await store.tally(LANE.tenant)).derived).toEqual({});
  });

  it("stays behind its company when a newer message about the child is blocked again", async () => {
    await block();
    await accept(userUpdate({ parent: "a1", id: "u2", version: 2 }));
    expect(await store.ready(LANE, "endusers", 9)).toHaveLength(1);
    await settle(blockOn(await entry("endusers", "e1")));
    expect(await entry("endusers", "e1")).toMatchObject({ blockedOn: "a1", content: { messageId: "u2" } });
  });

  it("moves behind another company when Hull moved it", async () => {
    await block();
    await block({ parent: "a2", id: "u2", version: 2 });
    await settle(deliver(await attempt("companies", "a1"), "p1"));
    expect((await entry("endusers", "e1")).blockedOn).toBe("a2");
    expect(await store.ready(LANE, "endusers", 9)).toEqual([]);
  });

  it("is freed for every connector on the remote, whoever delivered the company", async () => {
    await block();
    await accept(userUpdate({ parent: "a1", hullId: "e9", id: "u9", lane: NEIGHBOUR }));
    await store.settle(NEIGHBOUR, [blockOn(await first(NEIGHBOUR, "endusers"))]);
    await settle(deliver(await attempt("companies", "a1"), "p1"));
    expect(await store.ready(NEIGHBOUR, "endusers", 9)).toHaveLength(1);
  });
});

describeStore("a child whose company came in the same message and was refused", (fixture) => {
  const { block, accept, entry, find, outcomes, settle } = fixture;
  const refuseCompany = async (): Promise<void> => {
    await accept(update({ id: "m1" }));
    await settle(finish(await entry("companies", "a1"), "rejected", "refused"));
  };

  it("ends with it, and does not have it tried again", async () => {
    await refuseCompany();
    await block({ id: "m1" });
    expect(await find("companies", "a1")).toBeUndefined();
    expect(await outcomes()).toMatchObject({ "endusers/dead/parent_rejected": 1 });
  });

  it("has it tried again when the child came in another message", async () => {
    await refuseCompany();
    await block({ id: "m2" });
    expect(await find("companies", "a1")).toMatchObject({ content: { derived: true } });
  });
});

describeStore("a company that will never have an id", (fixture) => {
  const { first, block, accept, attempt, entry, find, outcomes, record, settle, store } = fixture;
  it.each([
    ["rejected", "refused", "parent_rejected"],
    ["dead", "identity_alarm", "parent_dead"],
    ["skipped", "archived", "parent_skipped"],
  ] as const)("because it ended %s ends its users, who name it", async (outcome, code, expected) => {
    await accept(update({ id: "c1" }));
    for (const [hullId, id] of [
      ["e1", "u1"],
      ["e2", "u2"],
    ] as const) {
      await block({ hullId, id });
    }
    const { outcomes: ended } = await settle(finish(await attempt("companies", "a1"), outcome, code));
    expect(ended.map(({ hullId, outcome }) => `${hullId} ${outcome.outcome}/${outcome.code}`)).toEqual([
      `a1 ${outcome}/${code}`,
      `e1 dead/${expected}`,
      `e2 dead/${expected}`,
    ]);
    expect(ended[1]?.outcome.text).toContain("a1");
    expect(await find("endusers", "e1")).toBeUndefined();
    expect(await outcomes()).toEqual({ [`companies/${outcome}/${code}`]: 1, [`endusers/dead/${expected}`]: 2 });
    expect(await store.depth(LANE)).toEqual({ outbox: 0, hullUpdates: 0 });
    expect((await record("endusers", "e1")).last).toMatchObject({ outcome: "dead", code: expected });
  });

  it("keeps its users waiting when a newer message about it is there", async () => {
    await accept(update({ id: "c1", version: 1 }));
    await block();
    const flying = await attempt("companies", "a1");
    await accept(update({ id: "c2", version: 2 }));
    await settle(finish(flying, "rejected", "refused"));
    expect((await entry("endusers", "e1")).blockedOn).toBe("a1");
    expect(await outcomes()).toEqual({ "companies/rejected/refused": 1 });
  });

  it("does not end a neighbour's users, whose settings may let the company through", async () => {
    await accept(update({ id: "c1" }));
    await accept(userUpdate({ parent: "a1", lane: NEIGHBOUR }));
    await store.settle(NEIGHBOUR, [blockOn(await first(NEIGHBOUR, "endusers"))]);
    await settle(finish(await attempt("companies", "a1"), "rejected", "refused"));
    expect(await store.depth(NEIGHBOUR)).toEqual({ outbox: 2, hullUpdates: 0 });
    expect(await store.deadLettersOf(NEIGHBOUR)).toEqual([]);
  });
});

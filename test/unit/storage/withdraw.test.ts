import { LANE, blockOn, deliver, deliverQuietly, postpone, skip, update, userUpdate } from "./builders";
import { describeStore } from "./fixture";

describeStore("a newer message that a filter keeps out", (fixture) => {
  const { block, start, accept, clock, entry, find, outcomes, settle } = fixture;
  it("withdraws what waits", async () => {
    await accept(update({ id: "c1", version: 1 }));
    const accepted = await accept(skip({ id: "c2", version: 2 }));
    expect(accepted.outcomes.map(({ messageId, outcome }) => `${messageId} ${outcome}`)).toEqual([
      "c1 superseded",
      "c2 skipped",
    ]);
    expect(await find("companies", "a1")).toBeUndefined();
    expect(await outcomes()).toEqual({
      "companies/superseded/newer_message": 1,
      "companies/skipped/outside_account_segments": 1,
    });
  });

  it("withdraws nothing when it is older", async () => {
    await accept(update({ id: "c2", version: 2 }));
    expect((await accept(skip({ id: "c1", version: 1 }))).outcomes).toMatchObject([{ outcome: "superseded" }]);
    expect((await entry("companies", "a1")).content?.messageId).toBe("c2");
  });

  it("lets the one in flight end as it ends, and withdraws what waits behind it", async () => {
    const flying = await start(update({ id: "c1", version: 1 }));
    await accept(update({ id: "c2", version: 2 }));
    await accept(skip({ id: "c3", version: 3 }));
    await settle(deliverQuietly(flying, "p1"));
    expect(await find("companies", "a1")).toBeUndefined();
    expect(await outcomes()).toEqual({
      "companies/sent/updated": 1,
      "companies/superseded/newer_message": 1,
      "companies/skipped/outside_account_segments": 1,
    });
  });

  it("keeps the one in flight from being tried again", async () => {
    const flying = await start(update({ id: "c1", version: 1 }), "update");
    await accept(skip({ id: "c2", version: 2 }));
    await settle(postpone(flying, clock.nowMs));
    expect(await find("companies", "a1")).toBeUndefined();
    expect(await outcomes()).toMatchObject({ "companies/superseded/newer_message": 1 });
  });

  it("does not keep a still newer message out", async () => {
    const flying = await start(update({ id: "c1", version: 1 }));
    await accept(skip({ id: "c2", version: 2 }));
    await accept(update({ id: "c3", version: 3 }));
    await settle(postpone(flying, clock.nowMs));
    expect(await entry("companies", "a1")).toMatchObject({ content: { messageId: "c3" } });
    expect(await entry("companies", "a1")).not.toHaveProperty("withdrawn");
  });

  it("takes a child out from behind its parent", async () => {
    await block({ version: 1 });
    await accept(skip({ id: "u2", type: "endusers", hullId: "e1", version: 2 }));
    expect(await find("endusers", "e1")).toBeUndefined();
  });
});

describeStore("whoever left and is still to be ended", (fixture) => {
  const { accept, clock, attempt, entry, find, outcomes, settle } = fixture;
  beforeEach(async () => {
    const left = update({ id: "c1", version: 1 });
    if (left.content.kind !== "entry") throw new Error("An update is an entry.");
    const { content } = left.content;
    const desired = { ...content.desired, state: "ended", leaves: true } as const;
    await accept({ ...left, content: { kind: "entry", content: { ...content, desired } } });
  });

  it("is ended, although the filter skips what Hull says next", async () => {
    await accept(skip({ id: "c2", version: 2 }));
    expect(await entry("companies", "a1")).toMatchObject({ content: { messageId: "c1" } });
    expect(await outcomes()).toEqual({ "companies/skipped/outside_account_segments": 1 });
  });

  it("is ended again when the request in flight came to nothing", async () => {
    const flying = await attempt("companies", "a1", "update");
    await accept(skip({ id: "c2", version: 2 }));
    await settle(postpone(flying, clock.nowMs));
    expect(await entry("companies", "a1")).toMatchObject({ content: { messageId: "c1" } });
  });

  it("is not ended any more when Hull says that they are in again", async () => {
    await accept(update({ id: "c2", version: 2 }));
    expect((await entry("companies", "a1")).content?.desired).not.toHaveProperty("leaves");
    await accept(skip({ id: "c3", version: 3 }));
    expect(await find("companies", "a1")).toBeUndefined();
    expect(await outcomes()).toMatchObject({ "companies/superseded/newer_message": 2 });
  });
});

describeStore("a company that waits for its own message and is withdrawn", (fixture) => {
  const { block, accept, attempt, clock, entry, find, outcomes, settle, store } = fixture;
  it("ends the users who waited for it, because it will get no id", async () => {
    await accept(update({ id: "c1", version: 1 }));
    await block();
    const accepted = await accept(skip({ id: "c2", version: 2 }));
    expect(await find("endusers", "e1")).toBeUndefined();
    expect(await outcomes()).toMatchObject({ "endusers/dead/parent_skipped": 1 });
    expect(await store.deadLettersOf(LANE)).toMatchObject([{ hullId: "e1", ending: { code: "parent_skipped" } }]);
    expect(accepted.children).toMatchObject([{ type: "endusers", hullId: "e1", outcome: { code: "parent_skipped" } }]);
  });

  it("lets what comes once go its way", async () => {
    await accept(update({ id: "c1", version: 1 }));
    const event = userUpdate({ parent: "a1" });
    if (event.content.kind !== "entry") throw new Error("An update is an entry.");
    await accept({
      ...event,
      once: true,
      content: { kind: "entry", content: { ...event.content.content, once: true } },
    });
    await settle(blockOn(await entry("endusers", "e1")));
    await accept(skip({ id: "c2", version: 2 }));
    expect(await entry("endusers", "e1")).not.toHaveProperty("blockedOn");
    expect(await outcomes()).not.toHaveProperty("endusers/dead/parent_skipped");
  });

  it("ends them when the company was in flight and is not to be tried again", async () => {
    await accept(update({ id: "c1", version: 1 }));
    await accept(userUpdate({ parent: "a1" }));
    const flying = await attempt("companies", "a1", "update");
    await settle(blockOn(await entry("endusers", "e1")));
    await accept(skip({ id: "c2", version: 2 }));
    expect(await outcomes()).not.toHaveProperty("endusers/dead/parent_skipped");
    await settle(postpone(flying, clock.nowMs));
    expect(await outcomes()).toMatchObject({ "endusers/dead/parent_skipped": 1 });
  });

  it("lets them go on when the flight ended well", async () => {
    await accept(update({ id: "c1", version: 1 }));
    await accept(userUpdate({ parent: "a1" }));
    const flying = await attempt("companies", "a1");
    await settle(blockOn(await entry("endusers", "e1")));
    await accept(skip({ id: "c2", version: 2 }));
    await settle(deliver(flying, "p1"));
    expect(await store.ready(LANE, "endusers", 9)).toHaveLength(1);
  });
});

describeStore("a company made for its users", (fixture) => {
  const { accept, attempt, block, clock, entry, find, outcomes, settle, store } = fixture;
  const made = async (): Promise<void> => {
    await block();
  };

  it("is not withdrawn by a message about itself", async () => {
    await made();
    expect(await accept(skip({ id: "c1" }))).toMatchObject({ outcomes: [{ messageId: "c1", outcome: "skipped" }] });
    expect((await entry("companies", "a1")).content?.derived).toBe(true);
    expect((await entry("endusers", "e1")).blockedOn).toBe("a1");
    expect(await outcomes()).toEqual({ "companies/skipped/outside_account_segments": 1 });
  });

  it("is not withdrawn while it is in flight either", async () => {
    await made();
    const flying = await attempt("companies", "a1");
    await accept(skip({ id: "c1" }));
    await settle(postpone(flying, clock.nowMs));
    expect((await entry("companies", "a1")).content?.derived).toBe(true);
  });

  it("stays in flight while its own message, which waited behind, is withdrawn", async () => {
    await made();
    const flying = await attempt("companies", "a1");
    await accept(update({ id: "c1", version: 1 }));
    await accept(skip({ id: "c2", version: 2 }));
    await settle(deliverQuietly(flying, "p1"));
    expect(await find("companies", "a1")).toBeUndefined();
    expect(await outcomes()).toEqual({
      "companies/superseded/newer_message": 1,
      "companies/skipped/outside_account_segments": 1,
    });
    expect(await store.ready(LANE, "endusers", 9)).toHaveLength(1);
  });

  it("yields to its own message, which counts as itself", async () => {
    await made();
    await accept(update({ id: "c1", version: 1, fields: { name: "Full" } }));
    expect((await entry("companies", "a1")).content).toMatchObject({ messageId: "c1", derived: false, force: false });
    await settle(deliverQuietly(await attempt("companies", "a1"), "p1"));
    expect(await outcomes()).toEqual({ "companies/sent/updated": 1 });
    expect((await store.tally(LANE.tenant)).derived).toEqual({
      companies: 1,
      "companies/superseded/newer_message": 1,
    });
  });
});

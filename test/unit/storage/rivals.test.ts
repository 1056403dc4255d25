/** Rivals: skipped for a record that is linked to another Hull entity, and when they are taken in again. */
import { RECORDS } from "../../../src/storage/tables/tables";
import { read } from "../../../src/storage/tables/view";
import type { Settlement } from "../../../src/storage/port/store";
import {
  LANE,
  NEIGHBOUR,
  deliverQuietly,
  finish,
  forget,
  skip,
  skipFor,
  tenantRow,
  update,
  userUpdate,
} from "./builders";
import { describeStore } from "./fixture";

const OTHER_KEY = { keys: { externalId: "y" } };
const COMPANY = { types: ["companies"], children: [] };
const USER = { types: ["endusers"], children: [] };

describeStore("a rival", ({ block, database, accept, clock, entry, first, outcomes, settle, store, write }) => {
  /** The first one is linked to the record. */
  const link = async (hullId = "a1", keys: Record<string, string> = { externalId: "x" }): Promise<void> => {
    await write(update({ hullId, id: `c-${hullId}` }), "p1", { keys });
  };
  const rival = async (hullId: string, id = `c-${hullId}`, version = 1): Promise<void> => {
    await accept(update({ hullId, id, version }));
    await settle(skipFor(await entry("companies", hullId), "p1"));
  };
  const waiting = async (lane = LANE): Promise<readonly string[]> => {
    clock.nowMs += 1;
    return (await store.ready(lane, "companies", 99)).map(({ hullId }) => hullId);
  };
  const work = async (hullId: string, settlementOf: (entry: Awaited<ReturnType<typeof next>>) => Settlement) => {
    await settle(settlementOf(await next(hullId)));
  };
  const next = async (hullId: string) => {
    await accept(update({ hullId, id: `next-${hullId}`, version: 9 }));
    return entry("companies", hullId);
  };

  beforeEach(async () => {
    await link();
    await rival("a2");
  });

  it("waits for nothing while the link holds", async () => {
    await work("a1", (entry) => deliverQuietly(entry, "p1", { keys: { externalId: "x" } }));
    expect(await waiting()).toEqual([]);
    expect(await outcomes()).toMatchObject({ "companies/skipped/same_remote_record": 1 });
  });

  it.each<[string, () => Promise<unknown>, readonly string[]]>([
    ["the record is gone", () => work("a1", forget), ["a1", "a2"]],
    ["the service says that the record is gone", () => store.forgetGone(LANE.remote, "companies", ["p1"]), ["a2"]],
    ["the other one is linked elsewhere", () => work("a1", (entry) => deliverQuietly(entry, "p2")), ["a2"]],
    ["a new record took its place", () => work("a1", (entry) => deliverQuietly(entry, "p2", { fresh: true })), ["a2"]],
    ["we gave the record another key", () => work("a1", (entry) => deliverQuietly(entry, "p1", OTHER_KEY)), ["a2"]],
    ["the other one is erased", () => store.forgetEntity(LANE.tenant, COMPANY, "a1"), ["a2"]],
  ])("is taken in again, as a new message with the old content, when %s", async (_when, free, expected) => {
    await store.saveTenant(tenantRow());
    clock.nowMs += 5;
    await free();
    // Whoever was linked comes first, if both are looked for.
    expect(await waiting()).toEqual(expected);
    expect((await entry("companies", "a2")).content).toMatchObject({ messageId: "c-a2", replay: true, counted: true });
    expect(await read(database(), (view) => [...view.places(RECORDS, "rivals", [])])).toEqual([]);
  });

  it("is not taken in again when a newer message of it ended otherwise, or waits", async () => {
    await rival("a3");
    await accept(skip({ hullId: "a2", id: "s2", version: 2 }));
    await accept(update({ hullId: "a3", id: "s3", version: 2 }));
    await store.forgetGone(LANE.remote, "companies", ["p1"]);
    expect(await waiting()).toEqual(["a3"]);
    expect((await entry("companies", "a3")).content?.messageId).toBe("s3");
  });

  it("brings along what ended because it was skipped", async () => {
    await accept(update({ hullId: "a2", id: "again", version: 2 }));
    await block({ parent: "a2" });
    await settle(skipFor(await entry("companies", "a2"), "p1"));
    expect(await store.deadLettersOf(LANE)).toMatchObject([{ hullId: "e1", ending: { code: "parent_skipped" } }]);
    await store.forgetGone(LANE.remote, "companies", ["p1"]);
    expect(await waiting()).toEqual(["a2"]);
    expect((await store.ready(LANE, "endusers", 9)).map(({ hullId }) => hullId)).toEqual(["e1"]);
  });

  it("is taken in again with its children, and so are the others, however much else the same commit settles", async () => {
    await accept(update({ hullId: "a2", id: "again", version: 2 }));
    await block({ parent: "a2" });
    await settle(skipFor(await entry("companies", "a2"), "p1"));
    clock.nowMs += 1;
    await rival("a3");
    const others = Array.from({ length: 249 }, (_, index) => `b${index}`);
    await store.accept(others.map((hullId) => update({ hullId, id: `c-${hullId}` })));
    const all = await store.ready(LANE, "companies", 300);
    await accept(update({ hullId: "a1", id: "next-a1", version: 9 }));
    await settle(
      ...all.map((each) => deliverQuietly(each, `p-${each.hullId}`, { keys: { externalId: each.hullId } })),
      forget(await entry("companies", "a1")),
    );
    expect(await waiting()).toEqual(["a1", "a2", "a3"]);
    expect((await store.ready(LANE, "endusers", 9)).map(({ hullId }) => hullId)).toEqual(["e1"]);
  });

  it("of another connector waits in its own lane", async () => {
    await store.accept([update({ hullId: "a3", id: "c-a3", lane: NEIGHBOUR })]);
    await store.settle(NEIGHBOUR, [skipFor(await first(NEIGHBOUR, "companies"), "p1")]);
    await store.forgetGone(LANE.remote, "companies", ["p1"]);
    expect(await waiting()).toEqual(["a2"]);
    expect(await waiting(NEIGHBOUR)).toEqual(["a3"]);
  });

  it("is one of ten at most: the oldest give way", async () => {
    const others = Array.from({ length: 11 }, (_, index) => `b${index}`);
    for (const hullId of others) {
      clock.nowMs += 1;
      await rival(hullId);
    }
    await store.forgetGone(LANE.remote, "companies", ["p1"]);
    expect(await waiting()).toEqual(others.slice(1));
  });

  it("is nobody for the record that another connector has linked it to meanwhile", async () => {
    await store.accept([update({ hullId: "a1", id: "n1", lane: NEIGHBOUR })]);
    await store.settle(NEIGHBOUR, [skipFor(await first(NEIGHBOUR, "companies"), "p1")]);
    const rivals = await read(database(), (view) =>
      [...view.places(RECORDS, "rivals", [])].map((place) => place.at(-1)),
    );
    expect(rivals).toEqual(["a2"]);
  });

  it("that was erased itself comes back no more", async () => {
    await store.saveTenant(tenantRow());
    await accept(userUpdate({ parent: "a1" }));
    await settle(skipFor(await entry("endusers", "e1"), "q1"));
    await store.forgetEntity(LANE.tenant, USER, "e1");
    const places = await read(database(), (view) => [...view.places(RECORDS, "rivals", [])]);
    expect(JSON.stringify(places)).not.toContain("e1");
  });

  it("that is refused for another reason later is no rival any more once that is known", async () => {
    await work("a2", (entry) => finish(entry, "rejected", "refused"));
    await store.forgetGone(LANE.remote, "companies", ["p1"]);
    expect(await waiting()).toEqual([]);
  });
});

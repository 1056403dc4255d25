import { REMOTES } from "../../../src/storage/tables/tables";
import { read } from "../../../src/storage/tables/view";
import mapValues from "lodash/mapValues";
import type { Lane, Observation } from "../../../src/storage/port/store";
import { LANE, NEIGHBOUR, deliver, deliverQuietly, seen as seenRow, update } from "./builders";
import { describeStore } from "./fixture";

const SETTLE_MS = 3_000;

const seen = (id: string, more: Partial<Observation> = {}): Observation =>
  seenRow(id, { keys: { externalId: id }, ...more });

describeStore("what was delivered", ({ write, clock, store }) => {
  const delivered = async (facts: Record<string, { remote?: string; sent?: string }>): Promise<void> => {
    const mirror = { keys: { externalId: "x" }, facts, fresh: true, writtenAtMs: clock.nowMs, parentId: "p0" };
    await write(update(), "p1", mirror);
  };

  it("is remembered as there and as sent, linked to its Hull entity", async () => {
    await delivered({ name: { remote: "n1", sent: "n2" }, city: { remote: "∅" } });
    const [view] = await store.view(LANE, "companies", ["a1"]);
    expect(view?.mirror).toEqual({
      id: "p1",
      generation: 1,
      keys: { externalId: "x" },
      parentId: "p0",
      linkedTo: "a1",
      facts: { name: ["n1", "n2", null], city: ["∅", null, null] },
      complete: true,
      writtenAtMs: clock.nowMs,
    });
  });

  it("changes only the facts that it names", async () => {
    await delivered({ name: { remote: "n1", sent: "n1" }, city: { remote: "c1", sent: "c1" } });
    const facts = { name: { remote: "n2", sent: "n2" }, city: { sent: "c2" } };
    await write(update({ id: "c2", version: 2 }), "p1", { facts });
    const [row] = await store.mirrors(LANE, "companies", ["p1"]);
    expect(row?.facts).toEqual({ name: ["n2", "n2", null], city: ["c1", "c2", null] });
    expect(row).toMatchObject({ complete: true, parentId: "p0", keys: { externalId: "x" } });
  });

  it("forgets what an earlier record of this id held when it is made anew", async () => {
    await delivered({ name: { remote: "n1", sent: "n1" } });
    const anew = { fresh: true, facts: { city: { remote: "c1" } }, keys: { email: "a@x" } };
    await write(update({ id: "c2", version: 2 }), "p1", anew);
    const [row] = await store.mirrors(LANE, "companies", ["p1"]);
    expect(row).toMatchObject({ keys: { email: "a@x" }, facts: { city: ["c1", null, null] } });
    expect(row?.parentId).toBeUndefined();
    expect(Object.keys(row?.facts ?? {})).toEqual(["city"]);
  });
});

describeStore("what two connectors of one remote sent", ({ install, database, clock, first, store }) => {
  const THIRD = { remote: LANE.remote, tenant: "planhat/org/c3" };
  let version = 0;

  /** The lane delivers a value of one field. */
  const send = async (lane: Lane, field: string, mark: string): Promise<void> => {
    version += 1;
    await store.accept([update({ id: `c${version}`, version, lane })]);
    await store.settle(lane, [
      deliverQuietly(await first(lane, "companies"), "p1", { facts: { [field]: { remote: mark, sent: mark } } }),
    ]);
  };
  const factsOf = async (lane: Lane): Promise<unknown> =>
    mapValues((await store.mirrors(lane, "companies", ["p1"]))[0]?.facts, (fact) => fact.slice(0, 3));

  beforeEach(() => {
    version = 0;
  });

  it("is remembered for each, and what is there and what Hull knows for both", async () => {
    await send(LANE, "name", "n1");
    await send(NEIGHBOUR, "name", "n2");
    await send(LANE, "city", "c1");
    await store.confirmFacts(LANE.remote, "companies", [{ id: "p1", facts: { name: "n2" } }]);
    const seenRow = seen("p1", { facts: { city: "c9" } });
    await store.observe(LANE.remote, "companies", clock.nowMs, SETTLE_MS, [seenRow]);
    expect(await factsOf(LANE)).toEqual({ name: ["n2", "n1", "n2"], city: ["c9", "c1", null] });
    expect(await factsOf(NEIGHBOUR)).toEqual({ name: ["n2", "n2", "n2"], city: ["c9", null, null] });
    expect(await factsOf(THIRD)).toEqual({ name: ["n2", null, "n2"], city: ["c9", null, null] });
  });

  it("shows everywhere as the one knows it who looks", async () => {
    await send(LANE, "name", "n1");
    await send(NEIGHBOUR, "name", "n2");
    await store.observe(LANE.remote, "companies", 5, 0, [seen("p1")]);
    for (const [lane, own] of [
      [LANE, "n1"],
      [NEIGHBOUR, "n2"],
    ] as const) {
      const [view] = await store.view(lane, "companies", ["a1"]);
      const { mirror } = await store.inspectRecord(lane, "companies", "a1");
      const [row] = await store.candidates(lane, "companies", [{ name: "externalId", value: "p1" }]);
      for (const each of [view?.mirror, mirror, row]) expect(each?.facts["name"]?.[1]).toBe(own);
    }
  });

  it.each([
    ["first", LANE, NEIGHBOUR],
    ["second", NEIGHBOUR, LANE],
  ] as const)("is forgotten with the %s of them, whose place a third one takes", async (_which, gone, stays) => {
    for (const lane of [gone, stays]) await install(lane);
    await send(LANE, "name", LANE.tenant);
    await send(NEIGHBOUR, "name", NEIGHBOUR.tenant);
    await store.forgetTenant(gone.tenant);
    expect(await read(database(), (view) => JSON.stringify([...view.range(REMOTES, [])]))).not.toContain(gone.tenant);
    expect(await factsOf(stays)).toMatchObject({ name: [NEIGHBOUR.tenant, stays.tenant, null] });
    for (const lane of [gone, THIRD])
      expect(await factsOf(lane)).toMatchObject({ name: [NEIGHBOUR.tenant, null, null] });
    await send(THIRD, "name", "n3");
    expect(await factsOf(THIRD)).toEqual({ name: ["n3", "n3", null] });
    expect(await factsOf(stays)).toMatchObject({ name: ["n3", stays.tenant, null] });
    expect(await read(database(), (view) => view.get(REMOTES, [LANE.remote])?.senders)).toHaveLength(2);
  });
});

describeStore("what was read", ({ write, confirmAll, start, clock, settle, store }) => {
  it("is remembered with its keys, parent and dates, and links nothing", async () => {
    const whole = seen("p1", { parentId: "p0", createdAtMs: 7, facts: { name: "n" } });
    await store.observe(LANE.remote, "endusers", clock.nowMs, SETTLE_MS, [whole, seen("p2", { complete: false })]);
    expect(await store.mirrors(LANE, "endusers", ["p1", "p2", "p3"])).toEqual([
      {
        id: "p1",
        generation: 1,
        keys: { externalId: "p1" },
        parentId: "p0",
        facts: { name: ["n", null, null] },
        complete: true,
        createdAtMs: 7,
        seenAtMs: clock.nowMs,
      },
      { id: "p2", generation: 1, keys: { externalId: "p2" }, facts: {}, complete: false, seenAtMs: clock.nowMs },
      undefined,
    ]);
  });

  it("changes what is there, never what was sent or told", async () => {
    const mirror = { facts: { name: { remote: "n1", sent: "n1" } }, writtenAtMs: clock.nowMs };
    await settle(deliver(await start(update()), "p1", { mirror, tell: { facts: { name: "n1" } } }));
    await confirmAll();
    clock.nowMs += 60_000;
    await store.observe(LANE.remote, "companies", clock.nowMs, SETTLE_MS, [seen("p1", { facts: { name: "n9" } })]);
    const [after] = await store.mirrors(LANE, "companies", ["p1"]);
    expect(after?.facts["name"]).toEqual(["n9", "n1", "n1"]);
    expect(after?.linkedTo).toBe("a1");
  });

  it("does not overrule what we wrote after the reading began, less the settling delay", async () => {
    const readAtMs = clock.nowMs;
    clock.nowMs += 10;
    const ours = { keys: { externalId: "new" }, facts: { name: { remote: "ours" } }, writtenAtMs: clock.nowMs };
    await write(update(), "p1", ours);
    const stale = seen("p1", { keys: { externalId: "old" }, facts: { name: "stale" } });
    for (const at of [readAtMs, clock.nowMs, clock.nowMs + SETTLE_MS - 1]) {
      await store.observe(LANE.remote, "companies", at, SETTLE_MS, [stale]);
      expect(await store.mirrors(LANE, "companies", ["p1"])).toMatchObject([
        { keys: { externalId: "new" }, facts: { name: ["ours", null, null] }, seenAtMs: at },
      ]);
    }
    await store.observe(LANE.remote, "companies", clock.nowMs + SETTLE_MS, SETTLE_MS, [stale]);
    expect(await store.mirrors(LANE, "companies", ["p1"])).toMatchObject([
      { keys: { externalId: "old" }, facts: { name: ["stale", null, null] } },
    ]);
  });

  it("says of a field of which nothing is known what is there, even right after a write, which did not touch it", async () => {
    await write(update(), "p1", { facts: { name: { remote: "ours", sent: "ours" } }, writtenAtMs: clock.nowMs });
    const late = seen("p1", { facts: { name: "stale", city: "c" } });
    await store.observe(LANE.remote, "companies", clock.nowMs, SETTLE_MS, [late]);
    expect(await store.mirrors(LANE, "companies", ["p1"])).toMatchObject([
      { facts: { name: ["ours", "ours", null], city: ["c", null, null] } },
    ]);
  });

  it("stays fully known when it is seen in a lean list later, and knows when it is archived", async () => {
    const read = (row: Observation): Promise<void> =>
      store.observe(LANE.remote, "companies", clock.nowMs, SETTLE_MS, [row]);
    await read(seen("p1", { facts: { name: "n" }, parentId: "p0", createdAtMs: 7 }));
    await read(seen("p1", { complete: false, archived: true }));
    expect(await store.mirrors(LANE, "companies", ["p1"])).toMatchObject([
      { complete: true, archived: true, facts: { name: ["n", null, null] }, parentId: "p0", createdAtMs: 7 },
    ]);
    await read(seen("p1"));
    const [row] = await store.mirrors(LANE, "companies", ["p1"]);
    expect(row).toMatchObject({ id: "p1" });
    expect(row?.archived).toBeUndefined();
  });

  it("stores a complete scan for its type only", async () => {
    expect(await store.remote(LANE.remote)).toMatchObject({ key: LANE.remote, generation: 1, scans: {} });
    const scan = { startedAtMs: clock.nowMs, size: 2 };
    await store.observe(LANE.remote, "companies", clock.nowMs, SETTLE_MS, [seen("p1")], scan);
    await store.observe(LANE.remote, "endusers", clock.nowMs, SETTLE_MS, [seen("p2")]);
    expect((await store.remote(LANE.remote)).scans).toEqual({ companies: scan });
  });
});

describeStore("what somebody wrote through us", ({ clock, store }) => {
  const scan = { startedAtMs: 1, size: 1 };
  const read = (id: string, name: string, readAtMs = clock.nowMs): Promise<void> =>
    store.observe(LANE.remote, "companies", readAtMs, SETTLE_MS, [seen(id, { facts: { name } })]);
  const complete = async (): Promise<boolean | undefined> =>
    (await store.mirrors(LANE, "companies", ["p1"]))[0]?.complete;

  it.each([undefined, "p1"])("is unknown (%s) until it is read, and not by a reading that began before", async (id) => {
    await read("p1", "n");
    const readAtMs = clock.nowMs;
    clock.nowMs += 10;
    await store.markUnknown(LANE.remote, "companies", id);
    await read("p1", "stale", readAtMs);
    expect(await complete()).toBe(false);
    clock.nowMs += SETTLE_MS;
    await read("p1", "fresh");
    expect(await store.mirrors(LANE, "companies", ["p1"])).toMatchObject([
      { complete: true, facts: { name: ["fresh", null, null] } },
    ]);
  });

  it.each([
    ["a new record", "p9", 0],
    ["any record", undefined, 0],
    ["a known record", "p1", 1],
  ] as const)("leaves no scan of its type to prove an absence, if it is %s", async (_what, id, startedAtMs) => {
    for (const type of ["companies", "endusers"])
      await store.observe(LANE.remote, type, clock.nowMs, SETTLE_MS, [seen("p1")], scan);
    await store.markUnknown(LANE.remote, "companies", id);
    const { scans } = await store.remote(LANE.remote);
    expect(scans).toEqual({ companies: { startedAtMs, size: 1 }, endusers: scan });
  });
});

describeStore("a new generation", ({ accept, attempt, clock, entry, record, settle, store, write }) => {
  it("hides links, mirrors and scans of the old one", async () => {
    await write(update(), "p1", { keys: { externalId: "x" } });
    await store.observe(LANE.remote, "companies", clock.nowMs, SETTLE_MS, [], { startedAtMs: 1, size: 1 });
    expect(await store.newGeneration(LANE.remote)).toMatchObject({ key: LANE.remote, generation: 2, scans: {} });
    const [view] = await store.view(LANE, "companies", ["a1"]);
    expect(view?.mirror).toBeUndefined();
    expect(await store.mirrors(LANE, "companies", ["p1"])).toEqual([undefined]);
    expect(await store.candidates(LANE, "companies", [{ name: "externalId", value: "x" }])).toEqual([]);
    expect(await store.sampleLinked(LANE.remote, "companies", 9)).toEqual([]);
    expect((await record("companies", "a1")).version).toBe(1);
  });

  it("keeps what waits for delivery, and links anew", async () => {
    await write(update({ id: "c1", version: 1 }), "p1", { facts: { name: { sent: "n" } } });
    await accept(update({ id: "c2", version: 2 }));
    await store.newGeneration(LANE.remote);
    expect((await entry("companies", "a1")).content?.messageId).toBe("c2");
    await settle(deliverQuietly(await attempt("companies", "a1"), "q1"));
    const [view] = await store.view(LANE, "companies", ["a1"]);
    expect(view?.mirror).toMatchObject({ id: "q1", generation: 2, facts: {} });
  });

  it("does not disturb another remote", async () => {
    await store.newGeneration("elsewhere");
    expect((await store.remote(LANE.remote)).generation).toBe(1);
  });
});

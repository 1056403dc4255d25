/** A redelivered message is processed again and counted once. */
import fc from "fast-check";
import type { Key } from "../../../src/storage/database/rows";
import { SEEN } from "../../../src/storage/tables/tables";
import { read } from "../../../src/storage/tables/view";
import { DAY_MS, describeStore, openFixture } from "./fixture";
import { deliverQuietly, LANE, NEIGHBOUR, skip, update, userUpdate, type MessageOptions } from "./builders";

const HOUR_MS = DAY_MS / 24;

describeStore("messages that are delivered again", ({ accept, clock, database, outcomes, store, sweep }) => {
  const seenRows = (): Promise<readonly (readonly [Key, string])[]> =>
    read(database(), (view) => [...view.range(SEEN, [])]);

  const counted = async (lane = LANE): Promise<number> => (await store.tally(lane.tenant)).messages;

  /** The n-th message of a record; its version never changes. */
  const message = (number: number, more: MessageOptions = {}): MessageOptions => ({
    id: `m${number}`,
    version: number,
    ...more,
  });

  async function send(numbers: readonly number[], more: MessageOptions = {}): Promise<void> {
    for (const number of numbers) await accept(skip(message(number, more)));
  }

  const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

  it("are counted once, though many others of the record came in between", async () => {
    await send(upTo(100));
    expect(await counted()).toBe(100);
    await send(upTo(100));
    await send(upTo(100).reverse());
    expect(await counted()).toBe(100);
    expect(await outcomes()).toMatchObject({ "companies/skipped/outside_account_segments": 100 });
  });

  it("are counted once when the newest one comes first", async () => {
    await send(upTo(60).reverse());
    await send(upTo(60));
    expect(await counted()).toBe(60);
  });

  it("are counted once a day later, and the next midnight is no end", async () => {
    await send(upTo(40));
    clock.nowMs += DAY_MS - HOUR_MS;
    await send(upTo(40));
    await store.housekeep(DAY_MS);
    await send(upTo(40));
    expect(await counted()).toBe(40);
  });

  it("are counted once for a day at least, however many came in between, and are new again after two", async () => {
    await send(upTo(100));
    clock.nowMs += DAY_MS;
    await send(upTo(100));
    expect(await counted()).toBe(100);
    expect(JSON.stringify(await seenRows())).not.toContain(`"a1"`);
    clock.nowMs += 2 * DAY_MS;
    await send([2]);
    expect(await counted()).toBe(101);
  });

  it("are counted once whenever they come, as long as they are among the last of their record", async () => {
    await send([1]);
    clock.nowMs += 3 * DAY_MS;
    await send([1]);
    expect(await counted()).toBe(1);
  });

  it("are forgotten after two days, but for the last few", async () => {
    await send(upTo(40));
    clock.nowMs += 3 * DAY_MS;
    await sweep(30 * DAY_MS);
    await send(upTo(40));
    expect(await counted()).toBeGreaterThan(40);
    await send([38, 39, 40]);
    expect(await counted()).toBeLessThanOrEqual(80);
  });

  it("are told apart by tenant, record and type", async () => {
    await send([1]);
    await send([1], { lane: NEIGHBOUR });
    await send([1], { hullId: "a2" });
    await accept(userUpdate({ ...message(1), parent: "a1" }));
    expect([await counted(), await counted(NEIGHBOUR)]).toEqual([3, 1]);
    await send([1]);
    await send([1], { lane: NEIGHBOUR });
    await send([1], { hullId: "a2" });
    expect([await counted(), await counted(NEIGHBOUR)]).toEqual([3, 1]);
  });

  it("are counted once when they were swallowed, then or before", async () => {
    await accept(skip(message(5, { merged: ["m3", "m4"] })));
    expect(await counted()).toBe(3);
    await send([3, 4]);
    await accept(skip(message(5, { merged: ["m3", "m4"] })));
    await accept(skip(message(6, { merged: ["m5", "m4", "m2"] })));
    await send([2]);
    expect(await counted()).toBe(5);
  });

  it("are counted once when thousands are swallowed, and what is remembered is read once for all of them", async () => {
    const ids = upTo(2_000).map((number) => `m${number}`);
    let reads = 0;
    const write = database().write.bind(database());
    jest.spyOn(database(), "write").mockImplementation((work) =>
      write((rows) => {
        // The work may be run more than once.
        reads = 0;
        return work({
          ...rows,
          range: (table, ...more) => {
            if (table === SEEN.name) reads += 1;
            return rows.range(table, ...more);
          },
        });
      }),
    );
    // The first half comes twice: some of it while it is already written down.
    const merged = [...ids.slice(0, 1_000), ...ids];
    await accept(skip(message(5_000, { merged })));
    expect(reads).toBeGreaterThan(0);
    expect(reads).toBeLessThanOrEqual(2);
    expect(await counted()).toBe(2_001);
    await accept(skip(message(5_000, { merged })));
    expect(await counted()).toBe(2_001);
    expect(reads).toBeLessThanOrEqual(2);
  });

  it("are counted once when they name no record", async () => {
    const { remote: _, ...nowhere } = skip(message(1, { hullId: "" }));
    for (const messageId of ["m1", "m2", "m1", "m2"]) await accept({ ...nowhere, messageId });
    expect(await counted()).toBe(2);
    clock.nowMs += DAY_MS;
    await accept(nowhere);
    expect(await counted()).toBe(2);
    clock.nowMs += 2 * DAY_MS;
    await accept(nowhere);
    expect(await counted()).toBe(3);
  });

  it("leave no row of their own as long as a record has few of them, and none when they were forgotten", async () => {
    await send(upTo(16));
    expect(await seenRows()).toEqual([]);
    await send(upTo(100));
    expect(await seenRows()).not.toEqual([]);
    clock.nowMs += 3 * DAY_MS;
    await sweep(30 * DAY_MS);
    expect(await seenRows()).toEqual([]);
  });

  it("are remembered where the record was moved to", async () => {
    await accept(update(message(1)));
    await store.move(LANE, "org|planhat|t2");
    await accept(update(message(1, { lane: { ...LANE, remote: "org|planhat|t2" } })));
    expect(await counted()).toBe(1);
  });
});

describe("any messages in any order, each as often as it comes", () => {
  const delivery = fc.record({
    number: fc.integer({ min: 1, max: 60 }),
    hullId: fc.constantFrom("a1", "a1", "a1", "a2"),
    lane: fc.constantFrom(LANE, LANE, NEIGHBOUR),
    waits: fc.boolean(),
  });

  it("are counted once, with one outcome each", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(delivery, { maxLength: 250, size: "max" }), async (deliveries) => {
        const { store, close } = await openFixture("memory");
        for (const { number, waits, hullId, lane } of deliveries) {
          const options = { id: `m${number}`, version: number, hullId, lane };
          await store.accept([waits ? update(options) : skip(options)]);
        }
        for (const lane of [LANE, NEIGHBOUR]) {
          for (const entry of await store.ready(lane, "companies", 99)) {
            await store.settle(lane, [deliverQuietly(entry, "p1")]);
          }
          const own = deliveries.filter((each) => each.lane === lane);
          const different = new Set(own.map(({ number, hullId }) => `${hullId}/${number}`)).size;
          const { messages, outcomes } = await store.tally(lane.tenant);
          expect(messages).toBe(different);
          expect(Object.values(outcomes).reduce((sum, count) => sum + count, 0)).toBe(different);
        }
        await close();
      }),
      { numRuns: 12 },
    );
  });
});

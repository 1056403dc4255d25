/** Long queues are walked page by page, and others are served in between. */
import { createOutbox } from "../../../src/engine/outbox/outbox";
import { deadLetterId } from "../../../src/storage/port/dead-letters";
import type { Documents } from "../../../src/storage/port/documents";
import type { Store } from "../../../src/storage/port/store";
import type { Stored } from "../../../src/storage/port/stored";
import { createStored } from "../../../src/storage/store";
import { blockOn, finish, LANE, NEIGHBOUR, update, userUpdate } from "./builders";
import { firstReady, setUpDatabases, START_MS } from "./fixture";

const MANY = 1_200;
const PAGE = 500;
const { openDatabase } = setUpDatabases();

interface Watched {
  readonly store: Store;
  /** Most places and records that were read without a pause, and how often others were served. */
  readonly walk: (work: () => Promise<unknown>) => Promise<{ readonly most: number; readonly turns: number }>;
}

async function open(): Promise<Watched> {
  const stored = await createStored({ database: openDatabase("memory"), now: () => START_MS });
  let read = 0;
  let most = 0;
  const note = (by: number): void => {
    read += by;
    most = Math.max(most, read);
  };
  const watched = (documents: Documents): Documents => {
    const noted = <P extends "orphansOf" | "due" | "blocked">(name: P): Documents[P] =>
      ((...query: never[]) => {
        const places = (documents[name] as (...all: never[]) => readonly unknown[])(...query);
        note(places.length);
        return places;
      }) as Documents[P];
    return { ...documents, orphansOf: noted("orphansOf"), due: noted("due"), blocked: noted("blocked") };
  };
  const look: Stored["look"] = (work) => {
    read = 0;
    return stored.look((documentsOf) => work((remote) => watched(documentsOf(remote))));
  };
  return {
    store: createOutbox({ ...stored, look }),
    walk: async (work) => {
      most = 0;
      let turns = 0;
      let isOver = false;
      const served = (): void => {
        if (isOver) return;
        turns += 1;
        setImmediate(served);
      };
      setImmediate(served);
      // Every step takes long.
      let nowMs = 0;
      const clock = jest.spyOn(performance, "now").mockImplementation(() => (nowMs += 1_000));
      await work();
      clock.mockRestore();
      isOver = true;
      return { most, turns };
    },
  };
}

async function blockMany(store: Store, lane = LANE): Promise<void> {
  await store.accept([update({ id: "c1", lane })]);
  await store.accept(
    Array.from({ length: MANY }, (_, index) =>
      userUpdate({ id: `u${index}`, hullId: `${lane.tenant}-e${index}`, parent: "a1", lane }),
    ),
  );
  await store.settle(lane, (await store.ready(lane, "endusers", MANY)).map(blockOn));
}

test("when what was in flight is recovered", async () => {
  const { store, walk } = await open();
  await store.accept(Array.from({ length: MANY }, (_, index) => update({ hullId: `a${index}`, id: `c${index}` })));
  const { most, turns } = await walk(() => store.recover(LANE, 0));
  expect(most).toBeLessThanOrEqual(PAGE);
  expect(turns).toBeGreaterThanOrEqual(Math.floor(MANY / PAGE));
});

test("when a company is replayed with the dead letters of its users", async () => {
  const { store, walk } = await open();
  await blockMany(store);
  await store.settle(LANE, [finish(await firstReady(store, LANE, "companies"), "rejected", "refused")]);
  const id = deadLetterId({ ...LANE, type: "companies", hullId: "a1" });
  const { most, turns } = await walk(async () => expect(await store.replayDeadLetter(id)).toHaveLength(MANY + 1));
  expect(most).toBeLessThanOrEqual(PAGE);
  expect(turns).toBeGreaterThanOrEqual(MANY / PAGE);
});

test("when what waits for a parent moves, behind what waits of another connector", async () => {
  const { store, walk } = await open();
  await blockMany(store, NEIGHBOUR);
  await blockMany(store);
  const { most, turns } = await walk(() => store.move(LANE, "org|planhat|t2"));
  expect(most).toBeLessThanOrEqual(PAGE);
  expect(turns).toBeGreaterThanOrEqual((2 * MANY) / PAGE);
  expect(await store.depth(LANE)).toMatchObject({ outbox: 0 });
  expect(await store.depth({ ...LANE, remote: "org|planhat|t2" })).toMatchObject({ outbox: MANY + 1 });
  expect(await store.depth(NEIGHBOUR)).toMatchObject({ outbox: MANY + 1 });
});

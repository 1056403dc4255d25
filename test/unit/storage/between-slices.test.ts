/** What happens while the children of a refused company end, slice by slice. */
import { createOutbox } from "../../../src/engine/outbox/outbox";
import type { Lane, RecordOutcome, Store } from "../../../src/storage/port/store";
import type { Stored } from "../../../src/storage/port/stored";
import { createStored } from "../../../src/storage/store";
import { blockOn, deliverQuietly, finish, LANE, NEIGHBOUR, seen, skip, update, userUpdate } from "./builders";
import { actionsOn, firstReady, setUpDatabases, START_MS } from "./fixture";

/** Enough for a few slices. */
const CHILDREN = 1_200;
const { openDatabase } = setUpDatabases();

/** A store, and what it does once when the next commit is done. */
async function open(): Promise<{ readonly store: Store; after: (work: () => Promise<unknown>) => void }> {
  const stored = await createStored({ database: openDatabase("memory"), now: () => START_MS });
  let next: (() => Promise<unknown>) | undefined;
  const commit: Stored["commit"] = async (work) => {
    const result = await stored.commit(work);
    const now = next;
    next = undefined;
    await now?.();
    return result;
  };
  return { store: createOutbox({ ...stored, commit }), after: (work) => void (next = work) };
}

/** Company a1 and its users, who wait for it. */
async function blockAll(store: Store, count = CHILDREN): Promise<void> {
  await store.accept([update({ id: "c1", version: 1 })]);
  await store.accept(
    Array.from({ length: count }, (_, index) => userUpdate({ id: `u${index}`, hullId: `e${index}`, parent: "a1" })),
  );
  await store.settle(LANE, (await store.ready(LANE, "endusers", count)).map(blockOn));
}

async function refuse(store: Store): Promise<readonly RecordOutcome[]> {
  const { outcomes } = await store.settle(LANE, [
    finish(await firstReady(store, LANE, "companies"), "rejected", "refused"),
  ]);
  return outcomes;
}

const ALL = ["c1", ...Array.from({ length: CHILDREN }, (_, index) => `u${index}`)];
const namesOf = (outcomes: readonly RecordOutcome[]): readonly string[] =>
  outcomes.map(({ tenant, outcome }) => `${tenant} ${outcome.messageId}`).sort();
const ofLane = ({ tenant }: Lane, ids: readonly string[]): readonly string[] => ids.map((id) => `${tenant} ${id}`);

test("what another connector's delivery ends of them is reported once, and for the first one", async () => {
  const { store, after } = await open();
  await store.accept([update({ id: "n1", hullId: "a9", lane: NEIGHBOUR })]);
  await blockAll(store);
  const other = await firstReady(store, NEIGHBOUR, "companies");
  let theirs: readonly RecordOutcome[] = [];
  after(async () => void ({ outcomes: theirs } = await store.settle(NEIGHBOUR, [deliverQuietly(other, "p9")])));
  const outcomes = await refuse(store);
  expect(theirs.length).toBeGreaterThan(1);
  expect(namesOf([...outcomes, ...theirs])).toEqual([...ofLane(LANE, ALL), ...ofLane(NEIGHBOUR, ["n1"])].sort());
});

test("nothing ends any of them that does not report it", async () => {
  const { store, after } = await open();
  await blockAll(store);
  after(async () => {
    await store.observe(LANE.remote, "companies", START_MS, 0, [seen("p7")]);
    await store.retryNow(NEIGHBOUR);
    await store.markUnknown(LANE.remote, "companies");
  });
  expect(namesOf(await refuse(store))).toEqual([...ofLane(LANE, ALL)].sort());
});

test("what a restart ends is reported", async () => {
  const { store, after } = await open();
  const { start } = actionsOn(store);
  await blockAll(store);
  after(() => Promise.reject(new Error("The process has ended.")));
  await expect(refuse(store)).rejects.toThrow("The process has ended.");
  const left = CHILDREN - (await store.deadLettersOf(LANE)).length + 1;
  await start(update({ id: "d1", hullId: "a2" }), "create");
  await store.accept([skip({ id: "d2", hullId: "a2", version: 2 })]);
  const { outcomes } = await store.recover(LANE, 0);
  expect(outcomes).toHaveLength(left + 1);
  expect(namesOf(outcomes)).toContain(`${LANE.tenant} d1`);
  expect((await store.tally(LANE.tenant)).outcomes).toMatchObject({ "endusers/dead/parent_rejected": CHILDREN });
});

test.each([
  ["Hull has said something new of the company", [update({ id: "c2", version: 2 })]],
  ["it is of another message", []],
])("a child that comes when %s does not end with the others", async (_, more) => {
  const { store, after } = await open();
  const { block, find } = actionsOn(store);
  await blockAll(store);
  after(async () => {
    await store.accept(more);
    await block({ id: "late", hullId: "e-late" });
  });
  await refuse(store);
  expect(await find("endusers", "e-late")).toMatchObject({ content: { messageId: "late" } });
  expect((await store.tally(LANE.tenant)).outcomes).toEqual({
    "companies/rejected/refused": 1,
    "endusers/dead/parent_rejected": CHILDREN,
  });
  await store.settle(LANE, (await store.ready(LANE, "endusers", 9)).map(blockOn));
  expect(await find("endusers", "e-late")).toMatchObject({ blockedOn: "a1" });
  await store.settle(LANE, [deliverQuietly(await firstReady(store, LANE, "companies"), "p1")]);
  expect(await store.ready(LANE, "endusers", 9)).toMatchObject([{ content: { messageId: "late" } }]);
});

test("a child of the same message ends as the company did, after the others", async () => {
  const { store, after } = await open();
  const { block, find } = actionsOn(store);
  await blockAll(store);
  after(() => block({ id: "c1", hullId: "e-late" }));
  await refuse(store);
  await store.settle(LANE, (await store.ready(LANE, "endusers", 9)).map(blockOn));
  expect(await find("endusers", "e-late")).toBeUndefined();
  expect((await store.tally(LANE.tenant)).outcomes).toMatchObject({ "endusers/dead/parent_rejected": CHILDREN + 1 });
});

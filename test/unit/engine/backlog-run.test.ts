/** A large backlog is a run: begun when much waits, counted while it is drained, ended with it. */
import { watchBacklogs } from "../../../src/engine/runs/backlog";
import type { RunRow } from "../../../src/storage/port/rows";
import type { Store } from "../../../src/storage/port/store";
import { openFixture } from "../storage/fixture";
import { LANE, NEIGHBOUR } from "../storage/builders";

/** Runs are real; what waits and what ended is said here, since five thousand real entries tell no more. */
let opened: Awaited<ReturnType<typeof openFixture>>;
let store: Store;
let begun: string[];
let backlogs: Map<string, { waits: number; readonly outcomes: Record<string, number> }>;

beforeEach(async () => {
  opened = await openFixture("memory");
  begun = [];
  backlogs = new Map([LANE, NEIGHBOUR].map(({ tenant }) => [tenant, { waits: 0, outcomes: {} }]));
  store = {
    ...opened.store,
    lanes: () => Promise.resolve([LANE, NEIGHBOUR].filter(({ tenant }) => backlogOf(tenant).waits > 0)),
    // Some are written already, and Hull is still to be told.
    depth: ({ tenant }) => Promise.resolve({ outbox: backlogOf(tenant).waits - 1, hullUpdates: 1 }),
    tally: (tenant) => Promise.resolve({ messages: 0, outcomes: { ...backlogOf(tenant).outcomes }, derived: {} }),
  };
});
afterEach(() => opened.close());

const LARGE = 5_000;
const SENT = "companies/sent/updated";
const REFUSED = "companies/rejected/refused";

function backlogOf(tenant: string) {
  const backlog = backlogs.get(tenant);
  if (backlog === undefined) throw new Error(`Nobody knows ${tenant}.`);
  return backlog;
}

const fill = (count: number, { tenant } = LANE): void => void (backlogOf(tenant).waits += count);

/** Works off some of what waits. */
function work(count: number, name = SENT, { tenant } = LANE): void {
  const backlog = backlogOf(tenant);
  backlog.waits -= count;
  backlog.outcomes[name] = (backlog.outcomes[name] ?? 0) + count;
}

const watch = (): Promise<void> =>
  watchBacklogs(
    store,
    () => opened.clock.nowMs,
    (run) => Promise.resolve(void begun.push(run.id)),
  );
const runs = (tenant = LANE.tenant): Promise<readonly RunRow[]> => store.runs({ tenant, limit: 10 });

test("everyday business is no run", async () => {
  fill(LARGE - 1);
  await watch();
  expect(await runs()).toEqual([]);
});

test("a large backlog is one, from the first look to the last entry", async () => {
  fill(LARGE);
  await watch();
  const startedAtMs = opened.clock.nowMs;
  expect(await runs()).toMatchObject([{ kind: "drain", state: "running", total: LARGE, done: 0, counts: {} }]);
  work(2_000);
  await watch();
  await watch();
  expect(begun).toEqual((await runs()).map(({ id }) => id));
  expect(await runs()).toMatchObject([{ done: 2_000, total: LARGE, counts: { [SENT]: 2_000 } }]);
  work(10, REFUSED);
  work(LARGE - 2_010);
  opened.clock.nowMs += 60_000;
  await watch();
  expect(await runs()).toMatchObject([
    {
      state: "success",
      done: LARGE,
      total: LARGE,
      counts: { [SENT]: LARGE - 10, [REFUSED]: 10 },
      startedAtMs,
      endedAtMs: startedAtMs + 60_000,
    },
  ]);
});

test("what comes in meanwhile belongs to it, and the total grows", async () => {
  fill(LARGE);
  await watch();
  work(1_000);
  fill(3_000);
  await watch();
  expect(await runs()).toMatchObject([{ done: 1_000, total: LARGE + 2_000 + 1_000 }]);
  work(LARGE + 2_000);
  await watch();
  expect(await runs()).toMatchObject([{ state: "success", done: LARGE + 3_000, total: LARGE + 3_000 }]);
});

test("what had ended before it is not counted", async () => {
  fill(100);
  work(100);
  fill(LARGE);
  await watch();
  work(LARGE);
  await watch();
  expect(await runs()).toMatchObject([{ done: LARGE, counts: { [SENT]: LARGE } }]);
});

test("the next backlog is the next run", async () => {
  for (let round = 0; round < 2; round += 1) {
    fill(LARGE);
    await watch();
    work(LARGE);
    await watch();
    opened.clock.nowMs += 1_000;
  }
  expect((await runs()).map(({ state, done }) => [state, done])).toEqual([
    ["success", LARGE],
    ["success", LARGE],
  ]);
});

test("each tenant has its own", async () => {
  fill(LARGE);
  fill(LARGE, NEIGHBOUR);
  await watch();
  work(LARGE, SENT, NEIGHBOUR);
  await watch();
  expect(await runs()).toMatchObject([{ state: "running", done: 0 }]);
  expect(await runs(NEIGHBOUR.tenant)).toMatchObject([{ state: "success", done: LARGE }]);
});

test("one whose beginning a kill cut short goes on", async () => {
  fill(LARGE);
  const order = { id: "1-a", tenant: LANE.tenant, kind: "drain", type: "*", options: {}, total: LARGE } as const;
  await store.beginRun({ ...order, checkpoint: { before: {} } }, true);
  await watch();
  work(LARGE);
  await watch();
  expect(await runs()).toMatchObject([{ state: "success", done: LARGE }]);
});

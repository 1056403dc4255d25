/** Jobs that several processes share: what each of them promises to the engine, whoever asks and whoever works. */
import { setTimeout as sleep } from "node:timers/promises";
import { createBullJobs, type BullJobs, type BullJobsOptions } from "../../../src/coordination/bull-jobs";
import { sharedRedis, startRedis } from "../../fixture/redis";
import { until } from "../../fixture/until";

let all: BullJobs[] = [];
let errors: unknown[] = [];
let prefixes = 0;
let prefix = "";

beforeEach(() => {
  all = [];
  errors = [];
  prefix = `jobs-${(prefixes += 1)}:`;
});

afterEach(async () => {
  await Promise.all(all.map((jobs) => jobs.close()));
});

/** @param handler undefined: it only asks */
function openProcess(handler?: (name: string) => Promise<void>, more: Partial<BullJobsOptions> = {}): BullJobs {
  const jobs = createBullJobs({
    queue: "planhat",
    redis: sharedRedis().address.options,
    silenceMs: 30_000,
    prefix,
    onError: (job, error) => errors.push([job, error]),
    now: Date.now,
    ...more,
  });
  if (handler !== undefined) {
    for (const kind of ["a", "b", "near", "far", "poll"]) jobs.serve(kind, (...on) => handler([kind, ...on].join(" ")));
    jobs.start();
  }
  all.push(jobs);
  return jobs;
}

/** Runs that end when the test says so. */
function createRuns() {
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  return {
    begun,
    handler: (name: string) =>
      new Promise<void>((resolve) => {
        begun.push(name);
        ends.push(resolve);
      }),
    end: () => ends.shift()?.(),
  };
}

const isQuiet = async ({ queue }: BullJobs): Promise<boolean> => {
  const { active, waiting, delayed } = await queue.getJobCounts();
  return active + waiting + delayed === 0;
};

test("a process that only asks is served by another one", async () => {
  const { begun, handler, end } = createRuns();
  const [asks] = [openProcess(), openProcess(handler)];
  asks.wake(["a", "acme|https://api.planhat.com|one: two", "planhat/acme/1"]);
  await until(() => begun.length === 1);
  expect(begun).toEqual(["a acme|https://api.planhat.com|one: two planhat/acme/1"]);
  end();
  await until(() => isQuiet(asks));
});

test("of two that serve, one does each run; a wish during it leads to exactly one more, wherever", async () => {
  const runs = createRuns();
  const [one, other] = [openProcess(runs.handler), openProcess(runs.handler)];
  one.wake(["a"]);
  await until(() => runs.begun.length === 1);
  for (const jobs of [one, other, one, other]) jobs.wake(["a"]);
  await until(
    async () => (await one.queue.client.get(`${prefix}wish:planhat:${(await one.queue.getActive())[0]?.id}`)) === "5",
  );
  expect(runs.begun).toHaveLength(1);
  runs.end();
  await until(() => runs.begun.length === 2);
  runs.end();
  await until(() => isQuiet(one));
  expect(runs.begun).toEqual(["a", "a"]);
});

test("a run that fails is reported, and the next wish leads to another one", async () => {
  let times = 0;
  const jobs = openProcess(() => {
    times += 1;
    return times === 1 ? Promise.reject(new Error("The store is away.")) : Promise.resolve();
  });
  jobs.wake(["a"]);
  await until(() => errors.length === 1);
  expect(errors).toEqual([[["a"], new Error("The store is away.")]]);
  await until(() => isQuiet(jobs));
  jobs.wake(["a"]);
  await until(() => times === 2);
});

test("a later wish comes at its time, the earliest first, and those at one time as one", async () => {
  const begun: string[] = [];
  const jobs = openProcess((name) => {
    begun.push(name);
    return Promise.resolve();
  });
  const asked = Date.now();
  jobs.wakeAt(["far"], asked + 3_600_000);
  for (let times = 0; times < 5; times += 1) jobs.wakeAt(["near"], asked + 20);
  await until(() => begun.length === 1);
  expect(Date.now()).toBeGreaterThanOrEqual(asked + 20);
  expect(begun).toEqual(["near"]);
  expect(await jobs.queue.getDelayedCount()).toBe(1);
});

test("a later wish that comes while another process runs the job leads to one more run, and to none beside it", async () => {
  const runs = createRuns();
  const [one] = [openProcess(runs.handler), openProcess(runs.handler)];
  one.wake(["a"]);
  await until(() => runs.begun.length === 1);
  one.wakeAt(["a"], Date.now());
  const [active] = await one.queue.getActive();
  await until(async () => (await one.queue.client.get(`${prefix}wish:planhat:${active?.id}`)) === "2");
  expect(runs.begun).toHaveLength(1);
  runs.end();
  await until(() => runs.begun.length === 2);
  runs.end();
  await until(() => isQuiet(one));
});

test("what a process began that ended without a word is done by another one, and wishes are heard again", async () => {
  const asks = openProcess();
  const { client } = asks.queue;
  asks.wake(["a"]);
  // It took the job, and no more was heard of it.
  await until(async () => {
    await client.rpoplpush(asks.queue.toKey("wait"), asks.queue.toKey("active"));
    return (await asks.queue.getActiveCount()) === 1;
  });
  asks.wake(["a"]);
  let times = 0;
  const handler = (): Promise<void> => Promise.resolve(void (times += 1));
  openProcess(handler, { silenceMs: 100 });
  await until(() => times === 1);
  await until(() => isQuiet(asks));
  asks.wake(["a"]);
  await until(() => times === 2);
});

test("what is asked for again and again is done by one process at a time, however many ask for it", async () => {
  const begun: number[] = [];
  const handlerOf = (process: number) => () => {
    begun.push(process);
    return Promise.resolve();
  };
  const [one, other] = [openProcess(handlerOf(1)), openProcess(handlerOf(2))];
  one.every(["poll"], 40);
  other.every(["poll"], 40);
  await until(() => begun.length >= 4);
  expect(await one.queue.getRepeatableCount()).toBe(1);
});

test("closing waits for what runs, and begins nothing more", async () => {
  const runs = createRuns();
  const jobs = openProcess(runs.handler);
  jobs.wake(["a"]);
  await until(() => runs.begun.length === 1);
  let isClosed = false;
  const closing = jobs.close().then(() => (isClosed = true));
  jobs.wake(["b"]);
  await sleep(20);
  expect(isClosed).toBe(false);
  runs.end();
  await closing;
  expect(runs.begun).toEqual(["a"]);
});

test("a process that is ended as soon as it begins ends quietly", async () => {
  // Redis itself may have to begin.
  await openProcess().queue.isReady();
  errors = [];
  for (let times = 0; times < 10; times += 1) {
    const jobs = openProcess(() => Promise.resolve());
    await sleep(times);
    await jobs.close();
  }
  expect(errors).toEqual([]);
});

test("a process that is ended while Redis is lost is kept by nothing", async () => {
  const begun = jest.spyOn(global, "setInterval");
  const cleared = jest.spyOn(global, "clearInterval");
  const redis = startRedis();
  const runs = createRuns();
  const jobs = openProcess(runs.handler, { redis: redis.address.options });
  jobs.wake(["a"]);
  await until(() => runs.begun.length === 1);
  redis.process.kill("SIGSTOP");
  runs.end();
  await jobs.close();
  await redis.stop();
  const timers = begun.mock.results.map(({ value }) => value as unknown);
  expect(timers).not.toEqual([]);
  expect(cleared.mock.calls.flat()).toEqual(expect.arrayContaining(timers));
  jest.restoreAllMocks();
});

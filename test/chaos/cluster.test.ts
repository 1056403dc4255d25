/**
 * Several processes on one Redis under fire: processes are killed, or stand still for longer than their lease, Redis is
 * killed, its replies get lost. SEEDS=20 makes it a longer test, TEST_FULL=1 as well, with each seed in both shapes.
 */
import range from "lodash/range";
import {
  accountMessages,
  changedUserMessages,
  changePopulation,
  generatePopulation,
  seedProfiles,
  userMessages,
  type Population,
  type SendReport,
} from "../../simulators/hull";
import { createRandom, type Call, type Random } from "../../simulators/loopback";
import { useClusters, type Cluster } from "../fixture/cluster";
import { CONNECTOR, sum } from "../fixture/fixture";
import { differences } from "../fixture/process";
import { openGate } from "./gate";
import { createSabotage } from "./sabotage";
import type { Supervised } from "./server-process";

jest.setTimeout(120_000);

const FULL = process.env["TEST_FULL"] === "1";
const SHAPES = [
  { webs: 1, workers: 1 },
  { webs: 2, workers: 3 },
];
const SEEDS = range(1, 1 + Number(process.env["SEEDS"] ?? (FULL ? 12 : 1)));
const CASES = SEEDS.flatMap((seed) =>
  SHAPES.filter((_, index) => FULL || index === (seed + 1) % SHAPES.length).map((shape) => ({ seed, ...shape })),
);
const TITLE = "seed $seed, $webs web, $workers worker";

const USERS = 60;
const COMPANIES = 10;
/** Calls that the settings allow in a minute, over all processes. */
const QUOTA = 150;
const LIMITS = { planhat: { quotaPerMinute: QUOTA }, settings: { requests_per_minute: QUOTA } };

const open = useClusters();
const onTestEnd: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of onTestEnd.splice(0)) await end();
});

interface Story {
  readonly random: Random;
  readonly before: Population;
  /** What Hull says last. */
  readonly after: Population;
  readonly changes: ReturnType<typeof changedUserMessages>;
}

function storyOf(seed: number): Story {
  const before = generatePopulation({ seed, users: USERS, companies: COMPANIES });
  const change = changePopulation(before, { percent: 50 });
  return { random: createRandom(seed), before, after: change.population, changes: changedUserMessages(change) };
}

/** Hull tells of accounts and users at the same time. */
async function tellAll({ random, before }: Story, cluster: Cluster): Promise<readonly SendReport[]> {
  const told = await Promise.all([
    cluster.post("account:update", random.shuffle(accountMessages(before)), random),
    cluster.post("user:update", random.shuffle(userMessages(before)), random),
  ]);
  return told.flat();
}

const tellChanges = ({ random, changes }: Story, cluster: Cluster): Promise<readonly SendReport[]> =>
  cluster.post("user:update", random.shuffle(changes), random);

/** Waits for what must hold at the end, whatever happened. */
async function endsExact(story: Story, cluster: Cluster, reports: readonly SendReport[], more = 0): Promise<void> {
  const { planhat, webs, workers } = cluster;
  const tally = await cluster.settled(() => differences(story.after, cluster));
  const accepted =
    more + sum(Object.fromEntries(reports.map(({ messagesAccepted }, index) => [index, messagesAccepted])));
  expect(reports.filter(({ messagesDropped }) => messagesDropped > 0)).toEqual([]);
  expect(tally.messages).toBe(accepted);
  expect(sum(tally.outcomes)).toBe(accepted + sum(tally.derived));
  expect([...webs, ...workers].flatMap(({ crashes }) => crashes)).toEqual([]);
  const books = planhat.books.snapshot();
  expect(books.maximumCallsPerMinute).toBeLessThanOrEqual(QUOTA);
  expect(callsWith("429", books.requests)).toBe(0);
}

const callsWith = (result: string, requests: Readonly<Record<string, Readonly<Record<string, number>>>>): number =>
  Object.values(requests).reduce((all, results) => all + (results[result] ?? 0), 0);

function expectNothingTwice({ planhat }: Cluster): void {
  const { created, duplicates } = planhat.books.snapshot();
  expect({ duplicates, companies: created.companies, endusers: created.endusers }).toEqual({
    duplicates: [],
    companies: COMPANIES,
    endusers: USERS,
  });
}

const saysLost = (server: { complaints(): readonly string[] }): number =>
  server.complaints().filter((line) => line.includes('"connector.lease.lost"')).length;

/** Asked anew after a while: what was asked before the loss was noticed waits for Redis for long. */
async function saysUnready({ baseUrl }: Supervised): Promise<boolean> {
  const answer = await fetch(`${baseUrl}/ready`, { signal: AbortSignal.timeout(500) }).catch(() => undefined);
  return answer?.status === 503;
}

const isWrite = ({ method, route }: Call): boolean => method === "PUT" && /^PUT \/(?:companies|endusers)$/.test(route);

test.each(CASES)(`killed web and worker processes: ${TITLE}`, async ({ seed, ...shape }) => {
  const story = storyOf(seed);
  const { random } = story;
  const ordinal = (most: number): readonly number[] => [random.integer(1, most)];
  const points = createSabotage(
    {
      "request half there": ordinal(6),
      "answer not there": ordinal(6),
      "not applied": [1],
      applied: [1],
      told: [1],
    },
    () => random.pick(cluster.workers).kill(),
  );
  const cluster = await open({
    seed,
    ...shape,
    ...LIMITS,
    cutsRequest: () => points.due("request half there"),
    cutsAnswer: () => points.due("answer not there"),
  });
  const { planhat, hull } = cluster;
  seedProfiles(story.before, hull.profiles);
  planhat.on("request", async (call) => {
    if (isWrite(call) && (await points.strike("not applied"))) throw new Error("Killed.");
  });
  planhat.on("applied", async (call) => {
    if (isWrite(call)) await points.strike("applied");
  });
  hull.on("applied", async ({ route }) => {
    if (route === "POST /firehose") await points.strike("told");
  });

  const reports = [...(await tellAll(story, cluster)), ...(await tellChanges(story, cluster))];
  await endsExact(story, cluster, reports);
  // Which of the others come about depends on how the work falls to the processes.
  expect(sum(points.kills)).toBeGreaterThan(2);
  expectNothingTwice(cluster);
});

test.each(CASES)(`a worker that stands still for longer than its lease: ${TITLE}`, async ({ seed, ...shape }) => {
  const story = storyOf(seed);
  let isArmed = false;
  let arrive: (() => void) | undefined;
  let stop: () => void = () => undefined;
  const stopped = new Promise<void>((resolve) => (stop = resolve));
  // A write that arrives at Planhat long after it was sent, by a worker that stands still.
  const road = await openGate({
    port: () => Number(new URL(cluster.planhat.url).port),
    cutsRequest: () => false,
    cutsAnswer: () => false,
    kill: () => Promise.resolve(),
    holds: (begin) => {
      if (!isArmed || arrive !== undefined || !/^PUT \S*\/endusers /.test(begin.toString("latin1"))) return undefined;
      process.kill(cluster.workers[0]?.pid ?? 0, "SIGSTOP");
      stop();
      return new Promise((resolve) => (arrive = resolve));
    },
  });
  onTestEnd.push(() => road.close());
  // The one that works must be known: the others come when it stands still.
  const cluster = await open({
    seed,
    ...shape,
    workers: 1,
    ...LIMITS,
    environment: { PLANHAT_API_URL: `${road.url}/{api_prefix}` },
  });
  const { planhat, hull, workers } = cluster;
  const [stale] = workers;
  if (stale === undefined) throw new Error("There is no worker.");
  seedProfiles(story.before, hull.profiles);
  const reports: SendReport[] = [];
  // What is in flight for so long are changes, or the endusers themselves.
  const isWarm = seed % 2 === 0;
  if (isWarm) {
    reports.push(...(await tellAll(story, cluster)));
    await cluster.settled(() => differences(story.before, cluster));
  }
  isArmed = true;
  const telling = isWarm ? tellChanges(story, cluster) : tellAll(story, cluster);
  await stopped;
  reports.push(...(await telling));
  const last = changePopulation(story.after, { percent: 60, round: 2 });
  reports.push(...(await tellChanges({ ...story, changes: changedUserMessages(last) }, cluster)));
  for (let more = Math.max(1, shape.workers - 1); more > 0; more -= 1) await cluster.startWorker();
  if (!isWarm) reports.push(...(await tellChanges(story, cluster)));
  await cluster.settled(() => differences(last.population, cluster));

  const before = planhat.books.snapshot();
  const overwritten = new Promise<void>((resolve) => {
    planhat.on("applied", ({ route }) => {
      if (route === "PUT /endusers") resolve();
    });
  });
  arrive?.();
  await overwritten;
  const overwrites = differences(last.population, cluster).length;
  process.kill(stale.pid, "SIGCONT");
  await cluster.until(() => saysLost(stale) > 0);
  await endsExact({ ...story, after: last.population }, cluster, reports);

  const { created, duplicates } = planhat.books.snapshot();
  const createdSince = (model: "companies" | "endusers"): number => created[model] - before.created[model];
  console.info(
    `Seed ${seed}, ${isWarm ? "changes" : "creates"} in flight: ${saysLost(stale)} commits of a stale owner refused; ` +
      `in its window it overwrote at least ${overwrites} values and created ${createdSince("companies")} companies and ` +
      `${createdSince("endusers")} endusers, ${duplicates.length} of them again.`,
  );
  expect(overwrites).toBeGreaterThan(0);
  expect(before).toMatchObject({ duplicates: [], created: { companies: COMPANIES, endusers: USERS } });
});

test.each(CASES)(`a Redis that is killed and comes again: ${TITLE}`, async ({ seed, ...shape }) => {
  const story = storyOf(seed);
  const { random } = story;
  const cluster = await open({ seed, ...shape, ...LIMITS });
  const { planhat, hull, redis, webs } = cluster;
  seedProfiles(story.before, hull.profiles);
  let passages = random.integer(1, 2);
  const killed = new Promise<void>((resolve) => {
    planhat.on(random.chance(0.5) ? "request" : "applied", async (call) => {
      if (!isWrite(call) || (passages -= 1) !== 0) return;
      await redis.kill();
      resolve();
    });
  });
  const telling = (async () => [...(await tellAll(story, cluster)), ...(await tellChanges(story, cluster))])();
  await killed;
  await cluster.until(async () => (await Promise.all(webs.map(saysUnready))).every(Boolean));
  const [message] = accountMessages(story.before);
  const about = { connectorId: CONNECTOR.id, channel: "account:update", messages: [message] } as const;
  expect(await hull.sendOne(cluster.anyUrl(random), about)).toMatchObject({
    status: 503,
    body: { flow_control: { type: "retry" } },
  });
  redis.again();
  await endsExact(story, cluster, await telling);
  expectNothingTwice(cluster);
});

test.each(CASES)(`replies of Redis that get lost: ${TITLE}`, async ({ seed, ...shape }) => {
  const story = storyOf(seed);
  const { random } = story;
  const losing = createRandom(seed);
  let loses = false;
  const cluster = await open({ seed, ...shape, ...LIMITS, losesReply: () => loses && losing.chance(0.03) });
  seedProfiles(story.before, cluster.hull.profiles);
  loses = true;
  const reports = [...(await tellAll(story, cluster)), ...(await tellChanges({ ...story, random }, cluster))];
  await endsExact(story, cluster, reports);
  expect(cluster.lost()).toBeGreaterThan(0);
  expectNothingTwice(cluster);
});

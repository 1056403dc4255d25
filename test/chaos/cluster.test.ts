/**
 * Several processes on one Redis under fire: processes are killed, or stand still for longer than their lease, Redis is
 * killed, its replies get lost. SEEDS=20 makes it a longer test, TEST_FULL=1 as well, with each seed in both shapes.
 */
import { hash } from "node:crypto";
import range from "lodash/range";
import sumBy from "lodash/sumBy";
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
import { COMMIT } from "../../src/storage/database/redis/scripts";
import { useClusters, type Cluster } from "../fixture/cluster";
import { CONNECTOR, sum } from "../fixture/fixture";
import { differences } from "../fixture/process";
import { auditOf } from "../unit/storage/audit";
import { createSabotage } from "./sabotage";
import type { Supervised } from "./server-process";
import { IS_FULL } from "../full";

jest.setTimeout(240_000);

const SHAPES = [
  { webs: 1, workers: 1 },
  { webs: 2, workers: IS_FULL ? 3 : 2 },
];
const SEEDS = range(1, 1 + Number(process.env["SEEDS"] ?? (IS_FULL ? 12 : 3)));
/** Each kind of what is in flight has a seed of its own. */
const CASES = SEEDS.flatMap((seed) =>
  SHAPES.filter((_, index) => IS_FULL || (index === 0) === (seed === 1)).map((shape) => ({ seed, ...shape })),
);
const IS_LONG = IS_FULL || process.env["SEEDS"] !== undefined;
/** One process of each kind, and several. */
const KILLS = IS_LONG ? CASES : CASES.slice(0, 2);
/** A loss of Redis is one for all processes; several see more of it. */
const LOSSES = IS_LONG ? CASES : CASES.slice(1, 2);
const TITLE = "seed $seed, $webs web, $workers worker";

const USERS = 40;
const COMPANIES = 10;
/** Before anything changes: users and companies, ten at a time. */
const NOTIFICATIONS = (USERS + COMPANIES) / 10;
/** Calls that Planhat takes in a minute, which is told to no process but by the settings. */
const QUOTA = 300;
/** So few that they do not suffice; some of them are only for people who wait. */
const FEW = 20;
const limits = (calls: number) => ({ planhat: { quotaPerMinute: calls }, settings: { requests_per_minute: calls } });

/** What a worker has in flight when it stands still. Of all services only Planhat has what is appended: tracked events. */
const IN_FLIGHT = ["creates", "changes", "appends"] as const;

const open = useClusters();

interface Story {
  readonly random: Random;
  readonly before: Population;
  /** What Hull says last. */
  readonly after: Population;
  readonly changes: ReturnType<typeof changedUserMessages>;
}

function storyOf(seed: number, eventsPerUser = 0): Story {
  const before = generatePopulation({ seed, users: USERS, companies: COMPANIES, eventsPerUser });
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

/** Waits for what must hold at the end, whatever happened. @param events that came with messages */
async function endsExact(story: Story, cluster: Cluster, reports: readonly SendReport[], events = 0): Promise<void> {
  const { planhat, webs, workers } = cluster;
  const tally = await cluster.settled(() => differences(story.after, cluster));
  const messages = events + sumBy(reports, "messagesAccepted");
  expect(reports.filter(({ messagesDropped }) => messagesDropped > 0)).toEqual([]);
  expect(tally.messages).toBe(messages);
  expect(sum(tally.outcomes)).toBe(messages);
  expect([...webs, ...workers].flatMap(({ crashes }) => crashes)).toEqual([]);
  expect(await auditOf(cluster.database)).toEqual([]);
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

/** What a process has counted that comes of sharing the store. */
async function sharedEventsOf({ baseUrl }: Supervised): Promise<Readonly<Record<string, number>>> {
  const text = await (await fetch(`${baseUrl}/metrics`)).text();
  const counts = text.matchAll(/^connector_shared_store_events_total\{event="(\w+)"\} (\d+)$/gm);
  return Object.fromEntries([...counts].map(([, event = "", count]) => [event, Number(count)]));
}

/** Asked anew after a while: what was asked before the loss was noticed waits for Redis for long. */
async function saysUnready({ baseUrl }: Supervised): Promise<boolean> {
  const answer = await fetch(`${baseUrl}/ready`, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined);
  return answer?.status === 503;
}

/** A call of somebody who waits; answered late or never where there are none left. */
async function askForUser(baseUrl: string, org: string, id: string): Promise<void> {
  const authorization = `Basic ${Buffer.from(`${CONNECTOR.id}:${CONNECTOR.secret}`).toString("base64")}`;
  await fetch(`${baseUrl}/api/internal/users/${id}?org=${org}`, { headers: { authorization } }).catch(() => undefined);
}

const COMMIT_SHA = hash("sha1", COMMIT);

const isWrite = ({ method, route }: Call): boolean => method === "PUT" && /^PUT \/(?:companies|endusers)$/.test(route);

test.each(KILLS)(`killed web and worker processes, short of calls: ${TITLE}`, async ({ seed, ...shape }) => {
  const story = storyOf(seed);
  const { random } = story;
  let caller: Supervised | undefined;
  const points = createSabotage(
    {
      "request half there": [random.integer(1, NOTIFICATIONS)],
      "answer not there": [random.integer(1, NOTIFICATIONS)],
      // Each takes the time of a lease.
      "not applied": IS_FULL || seed % 3 === 1 ? [random.integer(1, 2)] : [],
      applied: IS_FULL || seed % 3 === 2 ? [random.integer(1, 2)] : [],
      told: IS_FULL || seed % 3 === 0 || (!IS_LONG && seed === 2) ? [1] : [],
    },
    () => caller?.kill() ?? Promise.resolve(false),
  );
  const cluster = await open({
    seed,
    ...shape,
    ...limits(QUOTA),
    cutsRequest: () => points.due("request half there"),
    cutsAnswer: () => points.due("answer not there"),
  });
  const { planhat, hull, webs, workers } = cluster;
  seedProfiles(story.before, hull.profiles);
  const strike = (point: "not applied" | "applied" | "told", call: Call): Promise<boolean> => {
    caller = cluster.callerOf(call);
    return points.strike(point);
  };
  planhat.on("request", async (call) => {
    if (isWrite(call) && (await strike("not applied", call))) throw new Error("Killed.");
  });
  planhat.on("applied", async (call) => {
    if (isWrite(call)) await strike("applied", call);
  });
  hull.on("applied", async (call) => {
    if (call.route === "POST /firehose") await strike("told", call);
  });
  const reports = [...(await tellAll(story, cluster))];
  await cluster.settled(() => differences(story.before, cluster));

  await Promise.all(webs.map((web) => web.up()));
  const scarce = planhat.books.snapshot().calls + FEW;
  const saveLimit = async (calls: number): Promise<void> => {
    planhat.setQuota(calls);
    await cluster.saveSettings({ requests_per_minute: calls });
  };
  await saveLimit(scarce);
  const refused = await cluster.watchRefused(scarce);
  const { _id } = planhat.tenant().seedUser();
  for (const { baseUrl } of webs) range(scarce).forEach(() => void askForUser(baseUrl, hull.host, _id));
  // Only then: a few changes may need no more calls than are left to a delivery that is quicker.
  await cluster.until(() => refused.interactive > 0);
  reports.push(...(await tellChanges(story, cluster)));
  await cluster.until(() => refused.delivery > 0);
  refused.close();
  await Promise.all(workers.map((worker) => worker.kill()));
  const { maximumCallsPerMinute, requests } = planhat.books.snapshot();
  expect(maximumCallsPerMinute).toBeLessThanOrEqual(scarce);
  expect(callsWith("429", requests)).toBe(0);

  await saveLimit(QUOTA);
  await endsExact(story, cluster, reports);
  expect(points.missing()).toEqual({});
  expectNothingTwice(cluster);
  console.info(`Seed ${seed}: ${maximumCallsPerMinute} calls of ${scarce} that were possible.`);
});

test.each(CASES)(`a worker that stands still for longer than its lease: ${TITLE}`, async ({ seed, ...shape }) => {
  const inFlight = IN_FLIGHT[(seed - 1) % IN_FLIGHT.length];
  const events = inFlight === "appends" ? USERS : 0;
  const story = storyOf(seed, events / USERS);
  const route = inFlight === "appends" ? /^POST (\/analytics)\// : /^PUT \S*(\/endusers) /;
  let isArmed = false;
  let arrive: (() => void) | undefined;
  let stop: () => void = () => undefined;
  const stopped = new Promise<void>((resolve) => (stop = resolve));
  const cluster = await open({
    seed,
    ...shape,
    // The one that works must be known: the others come when it stands still.
    workers: 1,
    planhat: { quotaPerMinute: QUOTA },
    settings: { requests_per_minute: QUOTA, contact_events: ["ALL"] },
    // What arrives at Planhat long after it was sent, by a worker that stands still.
    holdsCall: (begin) => {
      if (!isArmed || arrive !== undefined || !route.test(begin.toString("latin1"))) return undefined;
      process.kill(cluster.workers[0]?.pid ?? 0, "SIGSTOP");
      stop();
      return new Promise((resolve) => (arrive = resolve));
    },
  });
  const { planhat, hull, workers } = cluster;
  const [stale] = workers;
  if (stale === undefined) throw new Error("There is no worker.");
  seedProfiles(story.before, hull.profiles);
  const reports: SendReport[] = [];
  const isWarm = inFlight === "changes";
  if (isWarm) {
    reports.push(...(await tellAll(story, cluster)));
    await cluster.settled(() => differences(story.before, cluster));
  }
  isArmed = true;
  const telling = isWarm ? tellChanges(story, cluster) : tellAll(story, cluster);
  await stopped;
  reports.push(...(await telling));
  const last = changePopulation(story.after, { percent: 100, round: 2 });
  reports.push(...(await tellChanges({ ...story, changes: changedUserMessages(last) }, cluster)));
  await Promise.all(range(Math.max(1, shape.workers - 1)).map(() => cluster.startWorker()));
  if (!isWarm) reports.push(...(await tellChanges(story, cluster)));
  await cluster.settled(() => differences(last.population, cluster));

  const before = planhat.books.snapshot();
  const written = new Promise<void>((resolve) => {
    planhat.on("applied", (call) => {
      if (call.route.startsWith("POST /analytics") || call.route === "PUT /endusers") resolve();
    });
  });
  arrive?.();
  await written;
  const overwrites = differences(last.population, cluster).length;
  process.kill(stale.pid, "SIGCONT");
  await cluster.until(() => saysLost(stale) > 0);
  await endsExact({ ...story, after: last.population }, cluster, reports, events);

  // Each process counts for itself what comes of sharing the store.
  const [own, ...others] = await Promise.all(cluster.workers.map(sharedEventsOf));
  expect(own?.["fence_refused"]).toBeGreaterThan(0);
  expect(own?.["lease_lost"]).toBeGreaterThan(0);
  // What was appended cannot be compared.
  if (inFlight !== "appends") expect(own?.["record_rechecked"]).toBeGreaterThan(0);
  expect(sumBy(others, "lease_taken_over")).toBeGreaterThan(0);
  // Of the others nobody may have begun anew: who is quicker has what is left.
  expect(own?.["lease_taken"]).toBeGreaterThan(0);

  const { created, duplicates, activities, duplicateActivities } = planhat.books.snapshot();
  const window = {
    companies: created.companies - before.created.companies,
    endusers: created.endusers - before.created.endusers,
    events: activities - before.activities,
  };
  console.info(
    `Seed ${seed}, ${inFlight} in flight: ${saysLost(stale)} commits of a stale owner refused. In its window it overwrote ` +
      `at least ${overwrites} values, all set right, created ${window.companies} companies and ${window.endusers} ` +
      `endusers, ${duplicates.length} of them again, and appended ${window.events} events; ` +
      `${duplicateActivities.length} events are there twice.`,
  );
  expect(before).toMatchObject({ duplicates: [], created: { companies: COMPANIES, endusers: USERS } });
  expect(activities - duplicateActivities.length).toBe(events);
  if (inFlight === "appends") expect(window.events).toBeGreaterThan(0);
  else expect(overwrites).toBeGreaterThan(0);
});

test.each(LOSSES)(`a Redis whose replies get lost, killed, and there again: ${TITLE}`, async ({ seed, ...shape }) => {
  const story = storyOf(seed);
  const { random } = story;
  const losing = createRandom(seed);
  let loses = false;
  let commits = losing.integer(1, 12);
  const cluster = await open({
    seed,
    ...shape,
    ...limits(QUOTA),
    losesReply: (request) => {
      if (!loses || !request.includes(COMMIT_SHA) || (commits -= 1) > 0) return false;
      commits = losing.integer(1, 12);
      return true;
    },
  });
  const { planhat, hull, redis, webs } = cluster;
  seedProfiles(story.before, hull.profiles);
  loses = true;
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
  expect(cluster.lost()).toBeGreaterThan(0);
  expectNothingTwice(cluster);
  console.info(`Seed ${seed}: ${cluster.lost()} replies lost.`);
});

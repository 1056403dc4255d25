/**
 * A rolling update: processes of the version before and of this one work on one Redis under load, then the old ones are
 * stopped one after the other. TEST_FULL=1: side by side for a minute.
 */
import sumBy from "lodash/sumBy";
import { admin } from "../../server/cli/admin";
import {
  accountMessages,
  changedUserMessages,
  changePopulation,
  generatePopulation,
  seedProfiles,
  userMessages,
  type SendReport,
} from "../../simulators/hull";
import { createRandom, type Call } from "../../simulators/loopback";
import { useClusters, type Cluster } from "../fixture/cluster";
import { sum } from "../fixture/fixture";
import { differences } from "../fixture/process";
import { auditOf } from "../unit/storage/audit";
import { buildFormer, says, type Supervised } from "./server-process";
import { IS_FULL } from "../full";

jest.setTimeout(300_000);

/** The last version whose processes do not say that they are there, know no eras, and do not count their commits. */
const FORMER = "e80bc56f095c2f0e3f132579dbad411656699f54";
const [USERS, COMPANIES] = IS_FULL ? [90, 15] : [45, 9];
/** Rounds of changes with both versions, at least; and so long. */
const ROUNDS = IS_FULL ? 4 : 2;
const SIDE_BY_SIDE_MS = IS_FULL ? 60_000 : 0;
/** Writes of each version with both there, at least. */
const SOME = 3;
const QUOTA = 100_000;

const open = useClusters();
let former = "";
beforeAll(() => void (former = buildFormer(FORMER)), 180_000);

const isWrite = ({ method, route }: Call): boolean => method === "PUT" && /^PUT \/(?:companies|endusers)$/.test(route);

async function processesOf(
  cluster: Cluster,
): Promise<readonly { readonly role?: string; readonly version?: string }[]> {
  const said: string[] = [];
  const terminal = {
    environment: { REDIS_URL: `redis://127.0.0.1:${cluster.redisPort}` },
    width: 160,
    print: (text: string) => void said.push(text),
    complain: (text: string) => void said.push(text),
  };
  expect({ code: await admin(["processes", "--json"], terminal), said }).toMatchObject({ code: 0 });
  return (JSON.parse(said[0] ?? "") as { readonly processes: readonly { readonly role?: string }[] }).processes;
}

test("two versions side by side under load, then the old one gone: nothing lost, nothing doubled", async () => {
  const seed = 1;
  const random = createRandom(seed);
  let population = generatePopulation({ seed, users: USERS, companies: COMPANIES });
  const users = random.shuffle(userMessages(population));
  const cluster = await open({
    seed,
    webs: 1,
    workers: 2,
    build: former,
    planhat: { quotaPerMinute: QUOTA },
    settings: { requests_per_minute: QUOTA },
  });
  const { planhat, hull } = cluster;
  seedProfiles(population, hull.profiles);
  const old: readonly Supervised[] = [...cluster.webs, ...cluster.workers];
  const writes = { old: 0, new: 0 };
  planhat.on("applied", (call) => {
    if (!isWrite(call)) return;
    const caller = cluster.callerOf(call);
    if (caller !== undefined) writes[old.includes(caller) ? "old" : "new"] += 1;
  });
  const reports: SendReport[] = [];
  const post = async (messages: readonly unknown[], channel: "user:update" | "account:update" = "user:update") => {
    // One at a time: to whom it goes is decided when it does, as a load balancer does.
    for (let at = 0; at < messages.length; at += 10)
      reports.push(...(await cluster.post(channel, messages.slice(at, at + 10), random)));
  };
  let round = 0;
  const change = async (): Promise<void> => {
    const changed = changePopulation(population, { percent: 40, round: (round += 1) });
    population = changed.population;
    await post(random.shuffle(changedUserMessages(changed)));
  };

  // The old version alone; then the new one comes while others are created.
  await post(accountMessages(population), "account:update");
  await post(users.slice(0, USERS / 3));
  const [news] = await Promise.all([
    Promise.all([cluster.startWeb(), cluster.startWorker(), cluster.startWorker()]),
    post(users.slice(USERS / 3, (2 * USERS) / 3)),
  ]);

  expect(writes.old).toBeGreaterThan(0);
  const before = { ...writes };
  const endMs = performance.now() + SIDE_BY_SIDE_MS;
  while (
    round < ROUNDS ||
    performance.now() < endMs ||
    Math.min(writes.old - before.old, writes.new - before.new) < SOME
  ) {
    await change();
    // Whoever delivers lets go when nothing is left: then others have their turn.
    await cluster.until(async () => (await cluster.store.lanes()).length === 0);
  }

  const present = await processesOf(cluster);
  expect(
    present
      .filter(({ version }) => version !== undefined)
      .map(({ role }) => role)
      .sort(),
  ).toEqual(["web", "worker", "worker"]);
  expect(present.filter(({ version }) => version === undefined).length).toBeGreaterThan(0);

  const load = (async () => {
    await post(users.slice((2 * USERS) / 3));
    await change();
  })();
  for (const server of old) {
    expect(await cluster.stop(server)).toEqual({ code: 0, signal: null });
    await change();
  }

  await load;
  const after = { ...writes };
  await change();

  const tally = await cluster.settled(() => differences(population, cluster));
  expect(writes.old).toBe(after.old);
  expect(writes.new).toBeGreaterThan(after.new);
  expect(reports.filter(({ messagesDropped }) => messagesDropped > 0)).toEqual([]);
  expect(tally.messages).toBe(sumBy(reports, "messagesAccepted"));
  expect(sum(tally.outcomes)).toBe(tally.messages);
  const { created, duplicates } = planhat.books.snapshot();
  expect({ duplicates, companies: created.companies, endusers: created.endusers }).toEqual({
    duplicates: [],
    companies: COMPANIES,
    endusers: USERS,
  });
  expect(await cluster.store.losses()).toEqual([]);
  expect(news.filter((server) => says(server, "connector.redis.writes_lost"))).toEqual([]);
  expect(await auditOf(cluster.database)).toEqual([]);
  expect([...old, ...news].flatMap(({ crashes }) => crashes)).toEqual([]);
  expect((await processesOf(cluster)).filter(({ version }) => version !== undefined)).toHaveLength(3);
  console.info(
    `${reports.length} notifications with ${tally.messages} messages; calls that wrote: ${writes.old} of the old version, ` +
      `${writes.new} of this one.`,
  );
});

test("a version that is not in the repository is missed with a sentence", () => {
  expect(() => buildFormer("0123456789012345678901234567890123456789")).toThrow(
    /The version before \(commit 0123.*\) is not in this repository.*git fetch --unshallow/s,
  );
});

/** Everyday changes under fire: a warm connector is killed again and again, at any moment, its own start included. */
import { setTimeout as sleep } from "node:timers/promises";
import { createRandom } from "../../simulators/loopback";
import {
  changedUserMessages,
  changePopulation,
  generatePopulation,
  seedProfiles,
  userMessages,
  type Population,
  type UserMessage,
} from "../../simulators/hull";
import { CONNECTOR, sum } from "../fixture/fixture";
import { differences, everybodyTold, useProcessFixtures, type ProcessFixture } from "../fixture/process";
import { IS_FULL } from "../full";

const SEED = 77;
/** CHANGE_USERS=2000 makes it a longer test. */
const USERS = Number(process.env["CHANGE_USERS"] ?? (IS_FULL ? 240 : 120));
const COMPANIES = Math.ceil(USERS / 50);
const CHANGED_PERCENT = 70;
const STALE = USERS / 20;
const KILLS = process.env["CHANGE_USERS"] === undefined ? (IS_FULL ? 6 : 4) : 10;
/** Messages per burst of Hull. */
const BURST = Math.ceil(USERS / 40);
/** Longest time between two kills, milliseconds: so that there is still something to do at the last. */
const PAUSE_MS = USERS;

const fixtures = useProcessFixtures();

async function post({ hull, url }: ProcessFixture, messages: readonly UserMessage[]): Promise<void> {
  const report = await hull.send(url, { connectorId: CONNECTOR.id, channel: "user:update", messages });
  expect(report.messagesAccepted).toBe(messages.length);
}

/** The same news once more, under ids of its own: what a recomputed segment or a replay sends. */
const asNews = (messages: readonly UserMessage[], mark: string): UserMessage[] =>
  messages.map((message) => ({ ...message, message_id: `${mark}-${message.message_id}` }));

/** A person in Planhat renames every tenth enduser; that is how they must stay. */
function renamedByHand(population: Population, { planhat }: ProcessFixture): Population {
  const enduserOf = new Map(
    [...planhat.tenant().endusers.values()].map((enduser) => [enduser["externalId"], enduser._id]),
  );
  const users = population.users.map((user, index) => {
    const id = enduserOf.get(user.external_id);
    if (index % 10 !== 0 || id === undefined) return user;
    planhat.tenant().edit("endusers", id, { name: `Known As ${index}` });
    return { ...user, name: `Known As ${index}` };
  });
  return { ...population, users };
}

test(`${USERS} users' changes survive ${KILLS} kills at any moment: nothing lost, nothing reverted, each counted once`, async () => {
  const startedAt = Date.now();
  const random = createRandom(SEED);
  const fixture = await fixtures.open({ seed: SEED });
  const { planhat, hull, server } = fixture;
  const before = generatePopulation({ seed: SEED, users: USERS, companies: COMPANIES });
  seedProfiles(before, hull.profiles);
  await post(fixture, userMessages(before));
  const warm = await fixture.drained(() => everybodyTold(before, hull));
  expect(warm.tally.outcomes).toEqual({ "endusers/sent/created": USERS });
  await server.start();

  const change = changePopulation(before, { percent: CHANGED_PERCENT });
  const wanted = renamedByHand(change.population, fixture);
  const touched = new Set(change.changedUsers.map(({ after }) => after.id));
  const changes = changedUserMessages(change);
  const echoes = asNews(
    userMessages(before).filter(({ user }) => !touched.has(String(user["id"]))),
    "echo",
  );
  const stale = asNews(
    userMessages(before).filter(({ user }) => touched.has(String(user["id"]))),
    "stale",
  ).slice(0, STALE);
  planhat.books.reset();
  planhat.faults.add({ kind: "status", status: 503, probability: 0.03 });
  planhat.faults.add({ kind: "status", status: 504, applied: true, probability: 0.02 });
  planhat.faults.add({ kind: "reset-after", probability: 0.02 });
  hull.faults.add({ kind: "reset-after", route: "POST /firehose", probability: 0.05 });

  const killing = (async (): Promise<void> => {
    while (server.kills < KILLS) {
      await sleep(random.integer(30, PAUSE_MS));
      await server.kill();
    }
  })();
  const messages = [...random.shuffle([...changes, ...echoes]), ...stale];
  for (let from = 0; from < messages.length; from += BURST) {
    await post(fixture, messages.slice(from, from + BURST));
    await sleep(20);
  }
  await killing;
  const position = new Map(wanted.users.map((user) => [user.external_id, user.position]));
  const remains = await fixture.drained(() =>
    [...planhat.tenant().endusers.values()].every(
      (enduser) => enduser["position"] === position.get(String(enduser["externalId"])),
    ),
  );

  console.info(
    `${messages.length} messages of ${USERS} warm users in ${((Date.now() - startedAt) / 1_000).toFixed(1)} s, ` +
      `${server.kills} kills, ${planhat.books.snapshot().calls} calls to Planhat`,
  );
  expect(server.crashes).toEqual([]);
  expect(differences(wanted, fixture)).toEqual([]);
  expect(planhat.books.snapshot()).toMatchObject({ created: { companies: 0, endusers: 0 }, duplicates: [] });
  expect(remains).toMatchObject({ lanes: [], deadLetters: 0 });
  expect(remains.tally.outcomes).toEqual({
    "endusers/sent/created": USERS,
    "endusers/sent/updated": changes.length,
    "endusers/unchanged/in_sync": echoes.length,
    "endusers/superseded/newer_message": stale.length,
  });
  expect(remains.tally.messages).toBe(USERS + messages.length);
  expect(sum(remains.tally.outcomes)).toBe(remains.tally.messages);
}, 300_000);

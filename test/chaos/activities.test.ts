/**
 * Tracked events under fire. Planhat cannot tell an event that it has from one that is sent again, so a kill may repeat
 * those whose answers had not been noted, which are at most the calls under way. It must lose none, and repeat no other.
 */
import { generatePopulation, seedProfiles, userMessages, type Population } from "../../simulators/hull";
import { createRandom } from "../../simulators/loopback";
import { CONNECTOR, OPEN_SETTINGS, sum } from "../fixture/fixture";
import { useProcessFixtures, type ProcessFixture } from "../fixture/process";
import { createSabotage, type Sabotage } from "./sabotage";
import { IS_FULL } from "../full";

const SEED = 19;
const IS_LONG = IS_FULL || process.env["EVENT_USERS"] !== undefined;
/** EVENT_USERS=400 makes it a longer test. */
const USERS = Number(process.env["EVENT_USERS"] ?? (IS_LONG ? 40 : 16));
const COMPANIES = Math.ceil(USERS / 20);
const EVENTS_EACH = 5;
const EVENTS = USERS * EVENTS_EACH;
/** Calls of one connector to the analytics host at once. */
const UNDER_WAY = 10;
const ROUTE = "POST /analytics/:tenant";

type Point =
  /** The call arrived, Planhat did nothing. */
  | "event not applied"
  /** Planhat has the event; the answer never left. */
  | "event applied"
  /** The answer has just left. */
  | "event answered"
  /** Endusers were written, so that their events are free to go. */
  | "endusers written";

const random = createRandom(SEED);
/** Passages, drawn out of ranges of shares of all events. */
const between = (...ranges: readonly (readonly [number, number])[]): readonly number[] =>
  ranges.map(([least, most]) => random.integer(Math.ceil(least * EVENTS), Math.ceil(most * EVENTS)));

const fixtures = useProcessFixtures();

function arm({ planhat }: ProcessFixture, sabotage: Sabotage<Point>): void {
  planhat.on("request", async ({ route }) => {
    if (route === ROUTE && (await sabotage.strike("event not applied"))) throw new Error("Killed before it was done.");
  });
  planhat.on("applied", async ({ route }) => {
    if (route === ROUTE) await sabotage.strike("event applied");
    if (route === "PUT /endusers") await sabotage.strike("endusers written");
  });
  planhat.on("answered", async ({ route }) => {
    if (route === ROUTE) await sabotage.strike("event answered");
  });
}

/** Who did what and when, in words: what Planhat should hold of each event. */
function expected({ users }: Population, { planhat }: ProcessFixture): readonly string[] {
  const idOf = new Map(
    [...planhat.tenant().endusers.values()].map((enduser) => [enduser["externalId"], enduser._id] as const),
  );
  return users.flatMap(({ external_id, events = [] }) =>
    events.map(
      ({ event, properties }) => `${idOf.get(external_id) ?? "nobody"} ${event} ${JSON.stringify(properties)}`,
    ),
  );
}

test(`${EVENTS} events survive kills at any moment: none is lost, and only those under way may be repeated`, async () => {
  const startedAt = Date.now();
  const sabotage: Sabotage<Point> = createSabotage(
    {
      "event not applied": IS_LONG ? between([0, 0.005], [0.3, 0.4], [0.75, 0.85]) : between([0.3, 0.4]),
      "event applied": IS_LONG ? between([0.1, 0.2], [0.5, 0.6], [0.925, 0.975]) : between([0.1, 0.2], [0.925, 0.975]),
      "event answered": IS_LONG ? between([0.225, 0.275], [0.65, 0.725]) : between([0.65, 0.725]),
      "endusers written": [1],
    },
    () => fixtures.kill(),
  );
  const fixture = await fixtures.open({ seed: SEED });
  const { planhat, hull, server } = fixture;
  hull.saveSettings(CONNECTOR.id, { ...OPEN_SETTINGS, contact_events: ["ALL"] });
  const population = generatePopulation({
    seed: SEED,
    users: USERS,
    companies: COMPANIES,
    eventsPerUser: EVENTS_EACH,
  });
  seedProfiles(population, hull.profiles);
  planhat.faults.add({ kind: "latency", min: 1, max: 8, route: ROUTE });
  arm(fixture, sabotage);

  // Every event comes twice: once more with another message of its user, as Hull's segments cause them.
  const messages = userMessages(population);
  const again = messages.map((message) => ({ ...message, message_id: `again-${message.message_id}` }));
  for (const each of [messages, again]) {
    const report = await hull.send(fixture.url, {
      connectorId: CONNECTOR.id,
      channel: "user:update",
      messages: each,
      shipmentSize: 50,
    });
    expect(report).toMatchObject({ messagesAccepted: USERS, messagesDropped: 0 });
  }
  const { activities } = planhat.tenant();
  const positions = (): number => new Set(activities.map(({ info }) => info["position"])).size;
  const remains = await fixture.drained(() => positions() >= EVENTS);

  const repeats = activities.length - EVENTS;
  const { outcomes, messages: counted } = remains.tally;
  console.info(
    `${EVENTS} events in ${((Date.now() - startedAt) / 1_000).toFixed(1)} s, ${server.kills} kills, ` +
      `${repeats} repeated, ${outcomes["activities/sent/possibly_repeated"] ?? 0} reported as such`,
  );
  expect(sabotage.missing()).toEqual({});
  expect(server.crashes).toEqual([]);
  const held = activities.map(({ enduserId, action, info }) => `${enduserId} ${action ?? ""} ${JSON.stringify(info)}`);
  expect([...new Set(held)].sort()).toEqual([...expected(population, fixture)].sort());
  expect(activities.every(({ date, info }) => date === dateOf(population, info["position"]))).toBe(true);

  const kills = server.kills - sabotage.kills["endusers written"];
  expect(repeats).toBeLessThanOrEqual(kills * UNDER_WAY);
  const { "activities/sent/tracked": tracked = 0, "activities/sent/possibly_repeated": maybeTwice = 0 } = outcomes;
  expect(tracked + maybeTwice).toBe(EVENTS);
  expect(maybeTwice).toBeLessThanOrEqual(kills * UNDER_WAY);

  const books = planhat.books.snapshot();
  expect(books).toMatchObject({ duplicates: [], droppedActivities: 0, activities: activities.length });
  expect(books.created).toMatchObject({ companies: COMPANIES, endusers: USERS });
  expect(remains).toMatchObject({ lanes: [], depths: [], deadLetters: 0 });
  expect(counted).toBe(2 * USERS + EVENTS);
  expect(sum(outcomes)).toBe(counted);
}, 300_000);

/** Events are one second apart over the whole population, and each says which one it is. */
function dateOf({ users }: Population, position: unknown): string {
  const begin = Date.parse(users[0]?.created_at ?? "");
  return new Date(begin + Number(position) * 1_000).toISOString();
}

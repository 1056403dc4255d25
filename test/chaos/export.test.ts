/**
 * A whole export under fire: Planhat and Hull have a bad day, and the connector is killed at every point where a kill
 * could lose or double something. At the end both sides hold exactly what they should.
 */
import { createRandom, type Call, type FaultHandle, type FaultRule } from "../../simulators/loopback";
import {
  generatePopulation,
  seedProfiles,
  userMessages,
  type Population,
  type UserMessage,
} from "../../simulators/hull";
import { CONNECTOR, sum } from "../fixture/fixture";
import { differences, everybodyTold, useProcessFixtures, type ProcessFixture } from "../fixture/process";
import { createSabotage, type Sabotage } from "./sabotage";
import { IS_FULL } from "../full";

const SEED = 20_260_101;
/** EXPORT_USERS=20000 makes it a longer test. In tens, so that the parts are alike. */
const USERS = Math.max(100, Math.round(Number(process.env["EXPORT_USERS"] ?? (IS_FULL ? 1_000 : 300)) / 10) * 10);
const COMPANIES = USERS / 50;
/** Users per part of the export. */
const PART = USERS / 10;
/** Users per notification: as many notifications as a tenth of 20,000 in shipments of Hull's usual 200. */
const SHIPMENT = Math.min(200, Math.ceil(PART / 10));
/** From here on every part waits until the one before has ended; the kills are over. */
const CALM_FROM = 7 * PART;
/** The short form kills once at every point, the long form twice where that is possible. */
const TWICE = USERS >= 20_000;
/** Calls to the firehose at the least, fifty records each. */
const TELLS = USERS / 50;

type Point =
  /** Half of a notification was received. */
  | "half a notification"
  /** The notification was received, nothing of it is committed: Hull is asked for the credentials first. */
  | "before the commit"
  /** The answer to a notification was written, so it is committed; Hull never sees the answer. */
  | "after the commit"
  /** A list of endusers was asked for. */
  | "during a scan"
  | "companies written"
  /** The bulk call arrived, Planhat did nothing. */
  | "bulk not applied"
  /** Planhat applied the bulk call; the answer never left. */
  | "bulk applied"
  /** The answer to the bulk call has just left. */
  | "bulk answered"
  | "write-back not applied"
  | "write-back applied"
  | "write-back answered";

const random = createRandom(SEED);
type Range = readonly [least: number, most: number];
/** The passages that are fatal, drawn out of ranges; those of `more` only in the long form. */
const between = (once: Range, ...more: readonly Range[]): readonly number[] =>
  [once, ...(TWICE ? more : [])]
    .map(([least, most]) => random.integer(Math.max(1, Math.floor(least)), Math.max(1, Math.floor(most))))
    .sort((one, other) => one - other);

const fixtures = useProcessFixtures();

/** Every fourth user is known by e-mail alone, which Planhat is told not to match: a blind retry duplicates the user. */
const messagesOf = (population: Population): UserMessage[] =>
  userMessages(population).map((message, index) =>
    index % 4 === 0 ? { ...message, user: { ...message.user, external_id: null } } : message,
  );

/** Calls the sabotage from the simulators. A kill before the work was done throws, so that it is never done. */
function armed({ planhat, hull }: ProcessFixture, sabotage: Sabotage<Point>): void {
  const undone = async (point: Point): Promise<void> => {
    if (await sabotage.strike(point)) throw new Error(`Killed: ${point}.`);
  };
  planhat.on("request", async ({ route }) => {
    if (route === "GET /endusers") await undone("during a scan");
    if (route === "PUT /endusers") await undone("bulk not applied");
  });
  planhat.on("applied", async ({ route }) => {
    if (route === "PUT /companies") await sabotage.strike("companies written");
    if (route === "PUT /endusers") await sabotage.strike("bulk applied");
  });
  planhat.on("answered", async ({ route }) => {
    if (route === "PUT /endusers") await sabotage.strike("bulk answered");
  });
  hull.on("request", async ({ route }) => {
    if (route === "GET /api/v1/app") await undone("before the commit");
    if (route === "POST /firehose") await undone("write-back not applied");
  });
  hull.on("applied", async ({ route }) => {
    if (route === "POST /firehose") await sabotage.strike("write-back applied");
  });
  hull.on("answered", async ({ route }) => {
    if (route === "POST /firehose") await sabotage.strike("write-back answered");
  });
}

/**
 * The faults of both sides, drawn again for every request. Hull has an outage longer than any retries within one call.
 * In each calm part of the export the answer to one creating bulk call is certain to be lost: then no other unconfirmed
 * create leads to the look-up that must follow.
 */
function badDay({ planhat, hull }: ProcessFixture, calmParts: () => number): readonly FaultHandle[] {
  const rare: readonly FaultRule[] = [
    { kind: "status", status: 503, probability: 0.02 },
    { kind: "status", status: 504, applied: true, probability: 0.01 },
    { kind: "rate-limit", probability: 0.02 },
    { kind: "reset-before", probability: 0.01 },
    { kind: "reset-after", probability: 0.01 },
  ];
  const lost: readonly FaultRule[] = [
    { kind: "status", status: 502, applied: true },
    { kind: "reset-after" },
    { kind: "truncate" },
  ];
  const telling: readonly FaultRule[] = [
    { kind: "status", status: 503, count: 10 },
    { kind: "status", status: 503, probability: 0.02 },
    { kind: "status", status: 502, applied: true, probability: 0.01 },
    { kind: "reset-before", probability: 0.01 },
    { kind: "reset-after", probability: 0.01 },
  ];
  return [
    ...lost.map((rule, index) =>
      planhat.faults.add({ ...rule, count: 1, route: (call) => index < calmParts() && isCreating(call) }),
    ),
    ...rare.map((rule) => planhat.faults.add(rule)),
    ...telling.map((rule) => hull.faults.add({ ...rule, route: "POST /firehose" })),
  ];
}

/** A bulk call with endusers that Planhat does not have yet. */
const isCreating = ({ route, body }: Call): boolean =>
  route === "PUT /endusers" &&
  Array.isArray(body) &&
  body.some((item: unknown) => !Object.hasOwn(item as object, "_id"));

test(`an export of ${USERS} users survives faults and kills without a loss or a double`, async () => {
  const startedAt = Date.now();
  const plan: Record<Point, readonly number[]> = {
    "half a notification": between([60, 90], [5, 20]),
    "before the commit": between([1, 1], [3, 4]),
    "after the commit": between([2, 10], [30, 70]),
    "during a scan": between([1, 3], [6, 9]),
    "companies written": between([1, 1]),
    "bulk not applied": between([6, 8], [2, 3]),
    "bulk applied": between([4, 5], [9, 10]),
    "bulk answered": between([7, 9]),
    "write-back not applied": between([2, TELLS / 10], [TELLS / 4, TELLS / 3]),
    "write-back applied": between([TELLS / 2.5, TELLS / 2], [TELLS / 8, TELLS / 6]),
    "write-back answered": between([TELLS / 5, TELLS / 4]),
  };
  const sabotage: Sabotage<Point> = createSabotage(plan, () => fixtures.kill());
  const fixture = await fixtures.open({
    seed: SEED,
    planhat: { switches: { emailMatching: "off" } },
    environment: { LINGER_MS: "0" },
    cutsRequest: () => sabotage.due("half a notification"),
    cutsAnswer: () => sabotage.due("after the commit"),
  });
  const { planhat, hull, server } = fixture;
  const population = generatePopulation({ seed: SEED, users: USERS, companies: COMPANIES });
  seedProfiles(population, hull.profiles);
  let calmParts = 0;
  const faults = badDay(fixture, () => calmParts);
  armed(fixture, sabotage);

  const messages = messagesOf(population);
  for (let from = 0; from < USERS; from += PART) {
    if (from >= CALM_FROM) {
      const before = { ...population, users: population.users.slice(0, from) };
      await fixture.reached(() => everybodyTold(before, hull));
      calmParts += 1;
    }
    const report = await hull.send(fixture.url, {
      connectorId: CONNECTOR.id,
      channel: "user:update",
      isExport: true,
      messages: messages.slice(from, from + PART),
      shipmentSize: SHIPMENT,
    });
    expect(report).toMatchObject({ messagesAccepted: PART, messagesDropped: 0 });
    // However slow the machine: delivery keeps up with intake, so that there are bulk calls enough to be killed in.
    await fixture.reached(() => planhat.tenant().endusers.size >= from);
  }
  const sentAfter = Date.now() - startedAt;
  const remains = await fixture.drained(() => everybodyTold(population, hull));

  const books = planhat.books.snapshot();
  const seconds = (ms: number): string => (ms / 1_000).toFixed(1);
  console.info(
    `${USERS} users in ${seconds(Date.now() - startedAt)} s (posted after ${seconds(sentAfter)} s), ` +
      `${server.kills} kills (${Object.entries(sabotage.kills)
        .map(([point, count]) => `${point} ${count}`)
        .join(", ")}), ${faults.reduce((total, { hits }) => total + hits, 0)} faults, ` +
      `${books.calls} calls to Planhat (${books.bulkCalls} bulk), ${hull.books.snapshot().firehoseRequests} to the firehose`,
  );
  expect(sabotage.missing()).toEqual({});
  expect(faults.slice(0, calmParts).map(({ hits }) => hits)).toEqual([1, 1, 1]);
  expect(server.crashes).toEqual([]);
  expect(differences(population, fixture)).toEqual([]);
  expect(books).toMatchObject({ duplicates: [], overlappingItems: 0, ignoredEndusers: 0 });
  expect(books.created).toMatchObject({ companies: COMPANIES, endusers: USERS });
  expect(remains).toMatchObject({ lanes: [], depths: [], deadLetters: 0 });
  expect(remains.tally.messages).toBe(USERS);
  expect(sum(remains.tally.outcomes)).toBe(USERS);
}, 900_000);

/** Companies and their people under fire: each is there once and as Hull has them last, however often access ends. */
import { createRandom } from "../../simulators/loopback";
import { createPlangradeSimulator, type PlangradeSimulator } from "../../simulators/plangrade";
import { sum } from "../fixture/fixture";
import { aboutPeople, changed, workforce, type Participant } from "../fixture/participants";
import { authorizeAt, BENEFITS, BENEFITS_SETTINGS } from "../fixture/plangrade";
import { useProcessFixtures, type ProcessFixture } from "../fixture/process";
import { createSabotage } from "./sabotage";
import { IS_FULL } from "../full";

const SEED = 47;
/** PLANGRADE_PEOPLE makes it a longer test: docs/architecture.md. */
const IS_LONG = IS_FULL || process.env["PLANGRADE_PEOPLE"] !== undefined;
const PEOPLE = Number(process.env["PLANGRADE_PEOPLE"] ?? (IS_LONG ? 75 : 30));
const COMPANIES = Math.ceil(PEOPLE / (IS_LONG ? 15 : 6));
/** Messages per burst of Hull. */
const BURST = 15;
/** Calls between two moments at which all access tokens end. */
const TOKEN_CALLS = IS_LONG ? 60 : 24;

const TOKEN = "POST /oauth/v1/token";
/** The calls at which the process is killed: once they have come, or once they are done and the answer is not out yet. */
const PLAN = {
  "request POST /companies": IS_LONG ? [3] : [],
  "applied POST /companies": IS_LONG ? [5] : [3],
  "request POST /participants": [Math.floor(PEOPLE / 8)],
  "applied POST /participants": IS_LONG ? [Math.floor(PEOPLE / 4), Math.floor(PEOPLE / 2)] : [PEOPLE / 2],
  "applied PUT /participants/:id": IS_LONG ? [10] : [5],
  // The new tokens of this refresh are lost, and access with them.
  [`applied ${TOKEN}`]: [2],
} as const;
type Point = keyof typeof PLAN;
const isPoint = (name: string): name is Point => Object.hasOwn(PLAN, name);
const KILLS = Object.values(PLAN).flat().length;

const fixtures = useProcessFixtures();
let plangrade: PlangradeSimulator;
beforeEach(async () => {
  plangrade = createPlangradeSimulator({ seed: SEED });
  await plangrade.listen();
});
afterEach(() => plangrade.close());

async function post({ hull, url, introduce }: ProcessFixture, people: readonly Participant[]): Promise<void> {
  const notifier = url.replace("/smart-notifier", "/plangrade/smart-notifier");
  for (let from = 0; from < people.length; from += BURST) {
    const messages = aboutPeople(people.slice(from, from + BURST));
    introduce(messages);
    const how = { connectorId: BENEFITS.id, channel: "user:update", messages, signed: false } as const;
    expect((await hull.send(notifier, how)).messagesAccepted).toBe(messages.length);
  }
}

/** What plangrade has of people, by their e-mail addresses. */
const held = () => new Map(plangrade.snapshot().participants.map((each) => [each.email, each]));

/** What plangrade must have of somebody in the end. */
const wanted = ({ user, account }: Participant) => ({
  email: user["email"],
  last_name: user["last_name"],
  city: user["city"],
  ssn: user["ssn"],
  ein: account["ein"],
});
const shown = ({
  email,
  last_name,
  city,
  ssn,
  company_id,
}: ReturnType<typeof plangrade.snapshot>["participants"][0]) => ({
  ...{ email, last_name, city, ssn },
  ein: plangrade.records.companies.get(company_id)?.ein,
});

test(`${PEOPLE} participants of ${COMPANIES} companies are there once through ${KILLS} kills, one in a refresh`, async () => {
  const startedAt = Date.now();
  const random = createRandom(SEED);
  const fixture = await fixtures.open({
    seed: SEED,
    environment: { SERVICES: "planhat,plangrade", PLANGRADE_URL: plangrade.url },
    furtherCalls: () => plangrade.books.snapshot().calls,
  });
  const { hull, server } = fixture;
  hull.addConnector({ ...BENEFITS, privateSettings: BENEFITS_SETTINGS });
  let grants = 0;
  /** A person authorizes, and again as long as something gets lost on the way. */
  const authorize = async (): Promise<void> => {
    for (let isDone = false; !isDone;) {
      await server.up();
      const at = `${server.baseUrl}/plangrade`;
      plangrade.addRedirectUri(`${at}/authorize/callback`);
      isDone =
        (await authorizeAt(at, hull.host, [...plangrade.records.users.keys()][0]).catch(() => undefined))?.ok === true;
    }
    grants += 1;
  };
  await authorize();

  const sabotage = createSabotage<Point>(PLAN, () => server.kill());
  let calls = 0;
  let isLost = false;
  for (const moment of ["request", "applied"] as const) {
    plangrade.on(moment, async ({ route }) => {
      if (moment === "request" && (calls += 1) % TOKEN_CALLS === 0) plangrade.expireTokens();
      const point = `${moment} ${route}`;
      if (isPoint(point) && (await sabotage.strike(point)) && route === TOKEN) isLost = true;
    });
  }
  const ofApi = ({ route }: { readonly route: string }): boolean => !/ \/(?:oauth|api)\//.test(route);
  plangrade.faults.add({ kind: "status", status: 503, probability: 0.03, route: ofApi });
  plangrade.faults.add({ kind: "status", status: 502, applied: true, probability: 0.01, route: ofApi });
  plangrade.faults.add({ kind: "status", status: 500, probability: 0.01, route: ofApi });
  plangrade.faults.add({ kind: "reset-before", probability: 0.02, route: ofApi });
  plangrade.faults.add({ kind: "reset-after", probability: 0.02, route: ofApi });

  let now = workforce(PEOPLE, COMPANIES);
  const isAsWanted = (): boolean => {
    const found = held();
    return now.every(({ user }) => found.get(String(user["email"]))?.city === user["city"]);
  };
  /** Nobody has to tell the person: whoever looks at the status finds the link. */
  const arrived = async (): Promise<void> => {
    let again: Promise<void> | undefined;
    await fixture.reached(() => {
      if (isLost) again ??= authorize();
      return isAsWanted();
    });
    if (again !== undefined) isLost = false;
    await again;
  };
  await post(fixture, random.shuffle(now));
  await arrived();
  const news = now
    .filter((_, index) => index % 3 === 0)
    .map((each, index) => changed(each, 1, { city: `Salem ${index}` }));
  now = now.map((each) => news.find(({ user }) => user.id === each.user.id) ?? each);
  await post(fixture, random.shuffle(news));
  await arrived();
  const remains = await fixture.drained(isAsWanted, `plangrade/${hull.host}/${BENEFITS.id}`);

  const books = plangrade.books.snapshot();
  const messages = PEOPLE + news.length;
  console.info(
    `${messages} messages of ${PEOPLE} people in ${((Date.now() - startedAt) / 1_000).toFixed(1)} s, ${server.kills} kills, ` +
      `${grants} grants, ${books.tokensIssued} pairs of tokens, ${books.calls} calls to plangrade`,
  );
  expect(server.crashes).toEqual([]);
  expect(sabotage.missing()).toEqual({});
  expect(books.duplicates).toEqual([]);
  expect(new Set([...held().values()].map(shown))).toEqual(new Set(now.map(wanted)));
  expect([plangrade.snapshot().companies.length, plangrade.snapshot().participants.length]).toEqual([
    COMPANIES,
    PEOPLE,
  ]);
  expect(books.mostRefreshUses).toBe(1);
  expect(books.ssnUpdates).toBe(0);
  const { company, participant } = books.written;
  expect([company.delete, company.create, participant.delete, participant.archive]).toEqual([0, COMPANIES, 0, 0]);
  for (const { user } of now) {
    const told = hull.profiles.users.get(user.id)?.attributes ?? {};
    const id = held().get(String(user["email"]))?.id;
    expect([told["plangrade/id"], told["plangrade/city"]]).toEqual([String(id), user["city"]]);
  }
  expect(remains).toMatchObject({ lanes: [], deadLetters: 0 });
  expect(remains.tally.messages).toBe(messages);
  expect(sum(remains.tally.outcomes)).toBe(messages);
  // After a lost answer the record is read, and may be found equal.
  const harmless = /^participants\/(?:sent\/.*|superseded\/newer_message|unchanged\/in_sync)$/;
  expect(Object.keys(remains.tally.outcomes).filter((name) => !harmless.test(name))).toEqual([]);
}, 300_000);

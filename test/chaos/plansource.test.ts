/** A year of an employer under fire: nobody is there twice, and nobody is terminated or rehired twice or not at all. */
import { createRandom } from "../../simulators/loopback";
import { createPlanSourceSimulator, type PlanSourceSimulator } from "../../simulators/plansource";
import type { WriteKind } from "../../simulators/plansource/books";
import type { Subscriber } from "../../simulators/plansource/subscriber";
import { about, LIFE_CYCLE_SETTINGS, mapping, staff, type Employee } from "../fixture/employees";
import { minute, sum } from "../fixture/fixture";
import { EMPLOYEE_SETTINGS, EMPLOYER } from "../fixture/plansource";
import { useProcessFixtures, type ProcessFixture } from "../fixture/process";
import { createSabotage } from "./sabotage";
import { IS_FULL } from "../full";

const SEED = 41;
/** PLANSOURCE_PEOPLE makes it a longer test: docs/architecture.md. */
const IS_LONG = IS_FULL || process.env["PLANSOURCE_PEOPLE"] !== undefined;
const PEOPLE = Number(process.env["PLANSOURCE_PEOPLE"] ?? (IS_LONG ? 100 : 40));
/** Messages per burst of Hull. */
const BURST = 25;
/** Calls between two moments at which all tokens end. */
const TOKEN_CALLS = IS_LONG ? 100 : 40;

const HIRED = "2024-03-01";
const LEFT = "2025-06-30";
const BACK = "2025-09-01";

/** Once more where nothing else happens. */
const again = (call: number): readonly number[] => (IS_LONG ? [call] : []);

/** The calls at which the process is killed: once they have come, or once they are done and the answer is not out yet. */
const PLAN = {
  "request POST /subscriber": [PEOPLE / 10],
  "applied POST /subscriber": [PEOPLE / 5, ...again(PEOPLE / 2)],
  "applied PUT /subscriber/:id": [PEOPLE / 5],
  "request PUT /subscriber/:id/terminate": again(PEOPLE / 20),
  "applied PUT /subscriber/:id/terminate": [PEOPLE / 10, ...again(PEOPLE / 4)],
  "request PUT /subscriber/:id/rehire": again(PEOPLE / 20),
  "applied PUT /subscriber/:id/rehire": [PEOPLE / 14, ...again(PEOPLE / 8)],
} as const;
type Point = keyof typeof PLAN;
const isPoint = (name: string): name is Point => Object.hasOwn(PLAN, name);
const KILLS = Object.values(PLAN).flat().length;

const fixtures = useProcessFixtures();
let plansource: PlanSourceSimulator;
beforeEach(async () => {
  // A second rehire is taken, and would move the hire date once more.
  plansource = createPlanSourceSimulator({ seed: SEED, switches: { rehireActive: "accepted" } });
  await plansource.listen();
});
afterEach(() => plansource.close());

async function post({ hull, url, introduce }: ProcessFixture, people: readonly Employee[]): Promise<void> {
  const notifier = url.replace("/smart-notifier", "/plansource/smart-notifier");
  for (let from = 0; from < people.length; from += BURST) {
    const messages = about(people.slice(from, from + BURST));
    introduce(messages);
    const how = { connectorId: EMPLOYER.id, channel: "user:update", messages, signed: false } as const;
    expect((await hull.send(notifier, how)).messagesAccepted).toBe(messages.length);
  }
}

const held = (person: Employee): Subscriber | undefined => plansource.organization().byCode(person.external_id);

/** What PlanSource must have of somebody in the end. */
function wantedOf({ first_name, left_on, back_on }: Employee) {
  const terminated = left_on !== undefined && back_on === undefined;
  return {
    status: terminated ? "terminated" : "active",
    fields: {
      first_name,
      hire_date: back_on ?? HIRED,
      ...(back_on === undefined ? {} : { original_hire_date: HIRED }),
      ...(terminated ? { termination_date: left_on, termination_reason: "QUIT" } : {}),
    },
  };
}

const isAsWanted = (person: Employee): boolean => {
  const { status, fields } = wantedOf(person);
  const subscriber = held(person);
  if (subscriber?.status !== status) return false;
  return Object.entries(fields).every(([name, value]) => subscriber.fields[name] === value);
};

/** Codes of those to whom something was done, each as often as it was. */
const doneTo = (kind: WriteKind): readonly (string | undefined)[] =>
  plansource.books.snapshot().writes.flatMap((write) => (write.kind === kind ? [write.code] : []));
const codesOf = (people: readonly Employee[]): readonly string[] => people.map(({ external_id: code }) => code);

test(`${PEOPLE} people are hired, changed, terminated and rehired exactly once through ${KILLS} kills`, async () => {
  const startedAt = Date.now();
  const random = createRandom(SEED);
  const fixture = await fixtures.open({
    seed: SEED,
    environment: { SERVICES: "planhat,plansource", PLANSOURCE_API_URL: plansource.url },
    furtherCalls: () => plansource.books.snapshot().calls,
  });
  const { hull, server } = fixture;
  const settings = {
    ...EMPLOYEE_SETTINGS,
    ...LIFE_CYCLE_SETTINGS,
    concurrent_requests: 10,
    subscriber_attributes_outbound: mapping("hire_date"),
  };
  hull.addConnector({ ...EMPLOYER, privateSettings: settings });

  const sabotage = createSabotage<Point>(PLAN, () => server.kill());
  let calls = 0;
  for (const moment of ["request", "applied"] as const) {
    plansource.on(moment, async ({ route }) => {
      if (moment === "request" && (calls += 1) % TOKEN_CALLS === 0) plansource.expireTokens();
      const point = `${moment} ${route}`;
      if (isPoint(point)) await sabotage.strike(point);
    });
  }
  plansource.faults.add({ kind: "status", status: 503, probability: 0.03 });
  plansource.faults.add({ kind: "status", status: 502, applied: true, probability: 0.01 });
  plansource.faults.add({ kind: "status", status: 500, probability: 0.01 });
  plansource.faults.add({ kind: "reset-before", probability: 0.02 });
  plansource.faults.add({ kind: "reset-after", probability: 0.02 });

  let messages = 0;
  let now = staff(PEOPLE, 1, { hire_date: HIRED });
  /** Hull tells what is new of some people, in any order, and PlanSource must come to have it. */
  const phase = async (at: number, change: (person: Employee, index: number) => object | undefined): Promise<void> => {
    const changed: Employee[] = [];
    now = now.map((person, index) => {
      const news = change(person, index);
      if (news === undefined) return person;
      const after: Employee = { ...person, ...news, indexed_at: minute(at) };
      changed.push(after);
      return after;
    });
    messages += changed.length;
    await post(fixture, random.shuffle(changed));
    await fixture.reached(() => changed.every(isAsWanted));
  };

  await phase(0, () => ({}));
  // Half of them leave, and some of these, and of the others, have a new name in the same message.
  await phase(1, (_, index) => ({
    ...(index % 2 === 0 ? { left_on: LEFT, left_because: "QUIT" } : {}),
    ...(index % 3 === 0 ? { first_name: "Kim" } : {}),
    ...(index % 2 !== 0 && index % 3 !== 0 ? { last_name: `Hale ${index}` } : {}),
  }));
  const leavers = now.filter(({ left_on: day }) => day !== undefined);
  await phase(2, (_, index) => {
    if (index % 4 === 0) return { back_on: BACK, ...(index % 8 === 0 ? { first_name: "Lee" } : {}) };
    return index % 4 === 1 ? { first_name: "Sam" } : undefined;
  });
  const returners = now.filter(({ back_on: day }) => day !== undefined);
  const isTold = ({ id }: Employee): boolean =>
    typeof hull.profiles.users.get(id)?.attributes["plansource/id"] === "string";
  const remains = await fixture.drained(() => now.every(isTold), `plansource/${hull.host}/${EMPLOYER.id}`);

  console.info(
    `${messages} messages of ${PEOPLE} people in ${((Date.now() - startedAt) / 1_000).toFixed(1)} s, ` +
      `${server.kills} kills, ${plansource.books.snapshot().calls} calls to PlanSource`,
  );
  expect(server.crashes).toEqual([]);
  expect(sabotage.missing()).toEqual({});
  expect(now.filter((person) => !isAsWanted(person))).toEqual([]);
  expect(plansource.snapshot()).toHaveLength(PEOPLE);
  expect(doneTo("create").toSorted()).toEqual(codesOf(now).toSorted());
  expect(doneTo("terminate").toSorted()).toEqual(codesOf(leavers).toSorted());
  expect(doneTo("rehire").toSorted()).toEqual(codesOf(returners).toSorted());
  for (const person of now) {
    expect(hull.profiles.users.get(person.id)?.attributes["plansource/id"]).toBe(String(held(person)?.id));
  }
  expect(remains).toMatchObject({ lanes: [], deadLetters: 0 });
  expect(remains.tally.messages).toBe(messages);
  expect(sum(remains.tally.outcomes)).toBe(messages);
  // Somebody may be as they should be while the answer about them is lost: then the next message comes first, or after a
  // kill the record is read and found equal.
  const harmless = /^subscribers\/(?:sent\/.*|superseded\/newer_message|unchanged\/in_sync)$/;
  expect(Object.keys(remains.tally.outcomes).filter((name) => !harmless.test(name))).toEqual([]);
}, 300_000);

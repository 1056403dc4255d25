/** What plangrade is called for, counted by plangrade: it finds nothing by a key, so what is listed must serve many. */
import { aboutPeople, changed, participant, workforce, type Participant } from "../fixture/participants";
import { usePlangrade, type PlangradeFixture } from "../fixture/plangrade";

const open = usePlangrade();

/** PLANGRADE_PEOPLE=1000 makes it a longer test: docs/architecture.md. */
const PEOPLE = Number(process.env["PLANGRADE_PEOPLE"] ?? 100);
const COMPANIES = PEOPLE / 20;
/** A write for each participant and each company, and as many lists. */
const MOST_CALLS = PEOPLE + 2 * COMPANIES;
/** Many messages need no line each. */
const QUIET = { environment: { LOG_LEVEL: "error" } };

/** The calls that some work costs, by route. */
async function callsOf({ calls }: PlangradeFixture, work: () => Promise<unknown>): Promise<readonly string[]> {
  const before = calls.length;
  await work();
  return calls.slice(before).map(({ route }) => route);
}

test(`${PEOPLE} new participants of ${COMPANIES} companies cost ${MOST_CALLS} calls at most, and none again`, async () => {
  const fixture = await open(QUIET);
  const { plangrade } = fixture;
  const people = workforce(PEOPLE, COMPANIES);
  const calls = await callsOf(fixture, () => fixture.deliver(aboutPeople(people)));
  if (PEOPLE >= 1_000) console.info(`${calls.length} calls for ${PEOPLE} participants of ${COMPANIES} companies`);
  expect(calls.length).toBeLessThanOrEqual(MOST_CALLS);
  const { written, duplicates } = plangrade.books.snapshot();
  expect([written.company.create, written.participant.create, duplicates]).toEqual([COMPANIES, PEOPLE, []]);

  const again = people.map((each) => changed(each, 1));
  expect(await callsOf(fixture, () => fixture.deliver(aboutPeople(again)))).toEqual([]);
  expect(await fixture.outcomes()).toMatchObject({
    "participants/sent/created": PEOPLE,
    "participants/unchanged/in_sync": PEOPLE,
  });
}, 300_000);

test(`a first export of ${PEOPLE} participants who are there reads each company's list once`, async () => {
  const fixture = await open(QUIET);
  const people = workforce(PEOPLE, COMPANIES);
  seed(fixture, people);
  const calls = await callsOf(fixture, () => fixture.deliver(aboutPeople(people)));
  expect(calls.filter((route) => route !== "GET /participants")).toEqual(["GET /companies"]);
  expect(calls).toHaveLength(1 + COMPANIES);
  expect(await fixture.outcomes()).toEqual({ "participants/unchanged/in_sync": PEOPLE });
}, 120_000);

/** plangrade has these people and their companies already, as Hull has them. */
function seed({ plangrade: { records } }: PlangradeFixture, people: readonly Participant[]): void {
  const ids = new Map<unknown, number>();
  for (const { user, account } of people) {
    const text = (name: string): string => String(user[name]);
    const ein = String(account["ein"]);
    const id = ids.get(ein) ?? records.seedCompany({ name: String(account["name"]), ein }).id;
    ids.set(ein, id);
    const [first_name, last_name, email, dob] = ["first_name", "last_name", "email", "dob"].map(text);
    const [street1, city, state, zip] = ["street1", "city", "state", "zip"].map(text);
    records.seedParticipant(id, { first_name, last_name, email, dob, street1, city, state, zip });
  }
}

test("a change of a participant costs a look and a write, and telling it again nothing", async () => {
  const fixture = await open();
  await fixture.deliver(aboutPeople([participant(1)]));
  const moved = changed(participant(1), 1, { city: "Salem" });
  expect(await callsOf(fixture, () => fixture.deliver(aboutPeople([moved])))).toEqual([
    "GET /participants/:id",
    "PUT /participants/:id",
  ]);
  expect(await callsOf(fixture, () => fixture.deliver(aboutPeople([changed(moved, 2)])))).toEqual([]);
  expect(fixture.plangrade.snapshot().participants).toMatchObject([{ city: "Salem", zip: "02139" }]);
});

test("whoever lacks a required field costs no call", async () => {
  const fixture = await open();
  const people = [participant(1, 1, { dob: null }), participant(2, 1, { zip: "2139" })];
  expect(await callsOf(fixture, () => fixture.deliver(aboutPeople(people)))).toEqual([]);
  expect(await fixture.outcomes()).toEqual({ "participants/skipped/incomplete": 2 });
});

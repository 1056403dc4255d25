/** Codes that people edit in PlanSource: whoever is linked stays who they are, and nobody is written in their place. */
import { about, employee, LIFE_CYCLE_SETTINGS, staff } from "../fixture/employees";
import { minute } from "../fixture/fixture";
import { usePlanSource, type PlanSourceFixture } from "../fixture/plansource";

const open = usePlanSource({ settings: LIFE_CYCLE_SETTINGS });

const CHANGES = {
  "a changed field": { first_name: "Kim" },
  "a termination": { left_on: "2025-12-31", left_because: "QUIT" },
};
const CASES = Object.entries(CHANGES);

/** Two employees whom the connector created, so that both are linked. */
async function two(): Promise<PlanSourceFixture> {
  const fixture = await open();
  await fixture.deliver(about(staff(2)));
  return fixture;
}

const idOf = ({ plansource }: PlanSourceFixture, code: string): number =>
  plansource.organization().byCode(code)?.id ?? 0;

/** By id, what was done since the books were opened. */
const writtenTo = ({ plansource }: PlanSourceFixture): readonly number[] =>
  plansource.books.snapshot().writes.map(({ id }) => id);

test.each(CASES)("%s of somebody whose code was edited goes to them, and nobody is created", async (_what, more) => {
  const fixture = await two();
  const { plansource } = fixture;
  const id = idOf(fixture, "emp-1");
  plansource.organization().edit(id, { subscriber_code: "by-hand" });
  plansource.books.reset();
  await fixture.deliver(about([employee(1, { ...more, indexed_at: minute(1) })]));
  expect(new Set(writtenTo(fixture))).toEqual(new Set([id]));
  expect(plansource.snapshot()).toHaveLength(2);
});

test.each(CASES)("%s of somebody whose code an elder one was given as well is not theirs", async (_what, more) => {
  const fixture = await two();
  const { plansource } = fixture;
  const [elder, younger] = [idOf(fixture, "emp-1"), idOf(fixture, "emp-2")];
  plansource.organization().edit(elder, { subscriber_code: "emp-2" });
  await fixture.fetch();
  plansource.books.reset();
  await fixture.deliver(about([employee(2, { ...more, indexed_at: minute(1) })]));
  expect(writtenTo(fixture)).toEqual([younger]);
});

test("who was written instead of somebody else, before it could be known, is shown to a person", async () => {
  const fixture = await two();
  const [elder, younger] = [idOf(fixture, "emp-1"), idOf(fixture, "emp-2")];
  fixture.plansource.organization().edit(elder, { subscriber_code: "emp-2" });
  await fixture.deliver(about([employee(2, { first_name: "Kim", indexed_at: minute(1) })]));
  expect(await fixture.outcomes()).toMatchObject({ "subscribers/dead/identity_alarm": 1 });
  const [letter] = await fixture.fixture.connector.store.deadLettersOf(fixture.lane);
  expect(JSON.stringify(letter)).toContain(String(elder));
  expect(fixture.plansource.organization().subscribers.get(younger)?.fields["first_name"]).toBe("Robin");
});

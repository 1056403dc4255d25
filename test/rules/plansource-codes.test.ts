/** Codes that people edit in PlanSource: whoever is linked stays who they are, and nobody is written in their place. */
import { about, employee, hire, LIFE_CYCLE_SETTINGS, staff } from "../fixture/employees";
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

describe.each(["never read", "shown by a fetch"] as const)("a code that PlanSource has in capitals, %s", (how) => {
  /** With so many others that the list is asked first. */
  async function capitals(codeMatching: "exact" | "any-case", others: number): Promise<PlanSourceFixture> {
    const fixture = await open({ plansource: { switches: { codeMatching } } });
    const organization = fixture.plansource.organization();
    organization.seed({ first_name: "A", last_name: "B" }, "terminated");
    hire(organization, employee(1, { external_id: "EMP-1" }));
    if (how === "shown by a fetch") await fixture.fetch();
    await fixture.deliver(about(staff(1 + others, 1, { first_name: "Kim" })));
    return fixture;
  }

  test.each([0, 5])("is the same employee where PlanSource finds them by it (and %i others)", async (others) => {
    const fixture = await capitals("any-case", others);
    expect(fixture.plansource.snapshot()).toHaveLength(2 + others);
    const { plansource } = fixture;
    expect(plansource.organization().byCode("emp-1")?.fields["first_name"]).toBe("Kim");
    await fixture.deliver(about([employee(1, { first_name: "Lee", indexed_at: minute(1) })]));
    expect(fixture.plansource.snapshot()).toHaveLength(2 + others);
    expect(plansource.organization().byCode("emp-1")?.fields["first_name"]).toBe("Lee");
  });

  test.each([0, 5])("is somebody else where it does not (and %i others)", async (others) => {
    const fixture = await capitals("exact", others);
    expect(fixture.plansource.snapshot()).toHaveLength(3 + others);
    expect(fixture.plansource.organization().byCode("EMP-1")?.fields["first_name"]).toBe("Robin");
  });
});

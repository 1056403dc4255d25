/** Updates together: few calls, and the fate of every row is known, whatever a bulk answer looks like. */
import { buildUserMessage } from "../../simulators/hull";
import type { PlanSourceSwitches } from "../../simulators/plansource/switches";
import { switchValues } from "../../simulators/plansource/switches";
import { about, acquaint, employee, hire, mapping, staff } from "../fixture/employees";
import { minute } from "../fixture/fixture";
import { usePlanSource, type PlanSourceFixture } from "../fixture/plansource";
import { IS_FULL, withFull } from "../full";

const open = usePlanSource({ settings: { bulk_updates: true } });

/** A fixture whose PlanSource has some people, known to the connector; what that cost is not counted. */
async function acquainted(count: number, options?: Parameters<typeof open>[0]): Promise<PlanSourceFixture> {
  const fixture = await open(options);
  await acquaint(fixture, count);
  fixture.plansource.books.reset();
  return fixture;
}

const renamed = (count: number, from = 1) => staff(count, from, { first_name: "Kim", indexed_at: minute(1) });
const writesOf = ({ calls }: PlanSourceFixture) => calls.filter(({ method }) => method !== "GET");
const namesIn = ({ plansource }: PlanSourceFixture) => plansource.snapshot().map(({ fields }) => fields["first_name"]);

/** More than a page of PlanSource's list and a quarter of what one call takes; with TEST_FULL=1 all of that. */
const MANY = withFull(120, 500);

test(`${MANY} changed people take at most five writes, and every row's fate is known`, async () => {
  const fixture = await acquainted(MANY);
  await fixture.deliver(about(renamed(MANY)));
  expect(writesOf(fixture).length).toBeLessThanOrEqual(5);
  expect(new Set(namesIn(fixture))).toEqual(new Set(["Kim"]));
  expect(await fixture.outcomes()).toEqual({ "subscribers/sent/updated": MANY });
  expect(fixture.plansource.books.snapshot()).toMatchObject({ bulkRows: MANY, noOpWrites: 0 });
});

/** Every reading of what the documentation does not say; with TEST_FULL=1 in every combination. */
const COMBINATIONS = switchValues.bulkWrapper.flatMap((bulkWrapper) =>
  switchValues.bulkAnswer.flatMap((bulkAnswer) =>
    switchValues.bulkFailure.map((bulkFailure): Partial<PlanSourceSwitches> => ({
      bulkWrapper,
      bulkAnswer,
      bulkFailure,
    })),
  ),
);
// Each answer with each failure, and the other wrapper, which is found by trying before an answer is read, once.
const READINGS = COMBINATIONS.filter(
  ({ bulkWrapper, bulkAnswer }) => IS_FULL || bulkWrapper === "array" || bulkAnswer === "rows",
);
const COUNT = 24;
/** Whom PlanSource refuses, by their place: each has the social security number of somebody else. */
const BAD = [3, 17];
const NUMBERED = { subscriber_attributes_outbound: mapping("ssn") };
const numberOf = (place: number): string => `517-39-00${10 + place}`;
const renumbered = renamed(COUNT).map((each, at) => (BAD.includes(at) ? { ...each, ssn: numberOf(at) } : each));

describe.each(READINGS)(
  "where PlanSource takes $bulkWrapper, answers $bulkAnswer and $bulkFailure fail",
  (switches) => {
    test("everybody is updated, in few calls", async () => {
      const fixture = await acquainted(COUNT, { plansource: { switches } });
      await fixture.deliver(about(renamed(COUNT)));
      expect(new Set(namesIn(fixture))).toEqual(new Set(["Kim"]));
      expect(await fixture.outcomes()).toEqual({ "subscribers/sent/updated": COUNT });
      // The wrapper is found by trying.
      expect(writesOf(fixture).length).toBeLessThanOrEqual(2);
      expect(fixture.plansource.books.snapshot().noOpWrites).toBe(0);
    });

    test("a bad row is refused for what it is, and the others are updated", async () => {
      const fixture = await acquainted(COUNT, { plansource: { switches }, settings: NUMBERED });
      for (const place of BAD) hire(fixture.plansource.organization(), employee(900 + place), { ssn: numberOf(place) });
      await fixture.deliver(about(renumbered));
      expect(await fixture.outcomes()).toEqual({
        "subscribers/sent/updated": COUNT - BAD.length,
        "subscribers/rejected/ssn_exists": BAD.length,
      });
      expect(namesIn(fixture).filter((name) => name === "Kim")).toHaveLength(COUNT - BAD.length);
    });

    test("whose code was edited in PlanSource, or who is no longer there, is nobody's bad row", async () => {
      const fixture = await acquainted(COUNT, { plansource: { switches } });
      const organization = fixture.plansource.organization();
      const [edited, removed] = organization.snapshot();
      organization.edit(edited?.id ?? 0, { subscriber_code: "changed-by-hand" });
      organization.remove(removed?.id ?? 0);
      await fixture.deliver(about(renamed(COUNT)));
      expect(new Set(namesIn(fixture))).toEqual(new Set(["Kim"]));
      expect(organization.snapshot()).toHaveLength(COUNT);
      expect(await fixture.outcomes()).toEqual({
        "subscribers/sent/updated": COUNT - 1,
        "subscribers/sent/created": 1,
      });
    });
  },
);

describe("alone goes", () => {
  const routes = ({ calls }: PlanSourceFixture) =>
    calls.filter(({ method }) => method !== "GET").map(({ route }) => route);
  const single = (fixture: PlanSourceFixture) => routes(fixture).filter((route) => route === "PUT /subscriber/:id");

  test("who has no code in PlanSource yet", async () => {
    const fixture = await open();
    const organization = fixture.plansource.organization();
    for (const person of staff(4)) hire(organization, person);
    const nameless = organization.seed({ first_name: "Robin", last_name: "Marsh 5" });
    await fixture.fetch();
    const linked = { ...employee(5, { first_name: "Kim" }), "plansource/id": String(nameless.id) };
    await fixture.deliver(about([...renamed(4), linked]));
    expect(organization.snapshot().map(({ fields }) => fields["first_name"])).toEqual(Array(5).fill("Kim"));
    expect(single(fixture)).toHaveLength(1);
    expect(organization.byCode("emp-5")?.id).toBe(nameless.id);
  });

  test("a field that is cleared", async () => {
    const cleared = { hull_field_name: "nickname", service_field_name: "udef_1", clear_when_blank: true };
    const settings = { subscriber_attributes_outbound: [...mapping(), cleared] };
    const fixture = await open({ settings });
    for (const person of staff(4)) hire(fixture.plansource.organization(), person, { udef_1: "Bo" });
    await fixture.fetch();
    const [first, ...others] = renamed(4).map((each) => ({ ...each, nickname: "Bo" }));
    const changes = { user: { nickname: ["Bo", null] as const } };
    await fixture.deliver([buildUserMessage({ ...first, nickname: null }, { changes }), ...about(others)]);
    expect(fixture.plansource.snapshot().map(({ fields }) => fields["udef_1"])).toEqual([undefined, "Bo", "Bo", "Bo"]);
    expect(single(fixture)).toHaveLength(1);
  });

  test("whose code somebody else was given as well: it could mean the other", async () => {
    const fixture = await open();
    const organization = fixture.plansource.organization();
    const elder = hire(organization, employee(9));
    for (const person of staff(4)) hire(organization, person);
    await fixture.deliver(about(staff(4)));
    organization.edit(elder.id, { subscriber_code: "emp-1" });
    await fixture.fetch();
    await fixture.deliver(about(renamed(4)));
    const [ofElder, ...others] = namesIn(fixture);
    expect([ofElder, others]).toEqual(["Robin", Array(4).fill("Kim")]);
    expect(single(fixture)).toHaveLength(1);
  });
});

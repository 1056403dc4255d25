/** What PlanSource is called for, counted by PlanSource: as seldom as the outcome allows. */
import { about, acquaint, employee, hire, mapping, staff } from "../fixture/employees";
import { minute } from "../fixture/fixture";
import { usePlanSource, type PlanSourceFixture } from "../fixture/plansource";

const open = usePlanSource();

/** The calls for subscribers that some work costs, by route. */
async function callsOf(fixture: PlanSourceFixture, work: () => Promise<unknown>): Promise<readonly string[]> {
  const before = fixture.calls.length;
  await work();
  return fixture.calls.slice(before).map(({ route }) => route);
}

describe("an employee whom PlanSource has", () => {
  test("costs no call while nothing changes", async () => {
    const fixture = await open();
    await acquaint(fixture, 1);
    const told = async (): Promise<void> => fixture.deliver(about([employee(1, { indexed_at: minute(1) })]));
    expect(await callsOf(fixture, told)).toEqual([]);
    expect(await fixture.outcomes()).toEqual({ "subscribers/unchanged/in_sync": 1 });
  });

  test("costs one call when a field changes", async () => {
    const fixture = await open();
    await acquaint(fixture, 1);
    const married = employee(1, { last_name: "Hale", indexed_at: minute(1) });
    expect(await callsOf(fixture, () => fixture.deliver(about([married])))).toEqual(["PUT /subscriber/:id"]);
    expect(fixture.calls.at(-1)?.body).toEqual({ last_name: "Hale" });
    const again = { ...married, indexed_at: minute(2) };
    expect(await callsOf(fixture, () => fixture.deliver(about([again])))).toEqual([]);
  });
});

describe("an employee whom PlanSource does not have", () => {
  test("is looked for, then created", async () => {
    const fixture = await open();
    expect(await callsOf(fixture, () => fixture.deliver(about([employee(1)])))).toEqual([
      "GET /subscriber/:id",
      "POST /subscriber",
    ]);
    expect(await fixture.outcomes()).toEqual({ "subscribers/sent/created": 1 });
  });

  test("is created at once after a fetch that showed everybody, the terminated ones too", async () => {
    const fixture = await open();
    fixture.plansource
      .organization()
      .seed({ subscriber_code: "former", first_name: "A", last_name: "B" }, "terminated");
    await fixture.fetch();
    expect(await callsOf(fixture, () => fixture.deliver(about([employee(1)])))).toEqual(["POST /subscriber"]);
  });

  test("is looked for after a fetch that showed nobody terminated: lists may hide them", async () => {
    const fixture = await open({ plansource: { switches: { terminatedInLists: "hidden" } } });
    const organization = fixture.plansource.organization();
    hire(organization, employee(2));
    organization.seed({ subscriber_code: "emp-1", first_name: "Robin", last_name: "Marsh 1" }, "terminated");
    await fixture.fetch();
    expect((await callsOf(fixture, () => fixture.deliver(about([employee(1)]))))[0]).toBe("GET /subscriber/:id");
    expect(fixture.plansource.snapshot()).toHaveLength(2);
  });
});

test("a first export of 200 people who are there reads the list, not one after the other", async () => {
  const fixture = await open();
  const people = staff(200);
  for (const person of people) hire(fixture.plansource.organization(), person);
  const calls = await callsOf(fixture, () => fixture.deliver(about(people)));
  expect(calls).toEqual(["GET /subscribers"]);
  expect(await fixture.outcomes()).toEqual({ "subscribers/unchanged/in_sync": 200 });
});

test("what is demanded of fields is asked once in five minutes", async () => {
  const fixture = await open();
  const asked = (): number => fixture.plansource.books.snapshot().requests["GET /subscriber/meta"]?.["200"] ?? 0;
  await fixture.deliver(about(staff(3)));
  await fixture.deliver(about(staff(3, 4)));
  expect(asked()).toBe(1);
  fixture.fixture.advance(6);
  await fixture.deliver(about(staff(3, 7)));
  expect(asked()).toBe(2);
});

test("several who are cleared at once find out together what clears: none of them is refused", async () => {
  const rows = mapping("middle_name").map((each) => ({ ...each, clear_when_blank: true }));
  const settings = { subscriber_attributes_outbound: rows, concurrent_requests: 5 };
  const fixture = await open({ settings, plansource: { switches: { clearing: "null" } } });
  await fixture.deliver(about(staff(8, 1, { middle_name: "Rose" })));
  // So that they meet.
  fixture.plansource.faults.add({ kind: "latency", min: 5, max: 40 });
  await fixture.deliver(about(staff(8, 1, { middle_name: null, indexed_at: minute(1) })));
  expect(await fixture.outcomes()).toEqual({ "subscribers/sent/created": 8, "subscribers/sent/updated": 8 });
  for (const { fields } of fixture.plansource.snapshot()) expect(fields).not.toHaveProperty("middle_name");
});

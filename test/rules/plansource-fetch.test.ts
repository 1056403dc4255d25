/** What a fetch asks PlanSource, and what of it Hull is told. */
import { about, employee, hire, mapping, staff } from "../fixture/employees";
import { minute, type ToldItem } from "../fixture/fixture";
import { usePlanSource, type PlanSourceFixture } from "../fixture/plansource";

const open = usePlanSource();

/** What Hull is told during a fetch. */
const fetched = (fixture: PlanSourceFixture): Promise<readonly ToldItem[]> =>
  fixture.fixture.during(() => fixture.fetch());

test("1,200 people are three calls, and all of them are told", async () => {
  const fixture = await open();
  for (const person of staff(1_200)) hire(fixture.plansource.organization(), person);
  const told = await fetched(fixture);
  expect(fixture.calls.map(({ route, query }) => [route, query.get("page")])).toEqual(
    ["1", "2", "3"].map((page) => ["GET /subscribers", page]),
  );
  const codes = told.map(({ body }) => body["plansource/subscriber_code"]).filter((code) => code !== undefined);
  expect(new Set(codes)).toEqual(new Set(staff(1_200).map(({ external_id: code }) => code)));
});

test("a full page that is the last costs one call more, and the fetch ends", async () => {
  const fixture = await open();
  for (const person of staff(500)) hire(fixture.plansource.organization(), person);
  await fixture.fetch();
  expect(fixture.calls).toHaveLength(2);
});

test("pages that are cut shorter than asked for are no end of the list: nobody is created who stands further on", async () => {
  const fixture = await open({ plansource: { switches: { longestPage: "25" } } });
  const { plansource } = fixture;
  plansource.organization().seed({ first_name: "A", last_name: "B" }, "terminated");
  for (const person of staff(60)) hire(plansource.organization(), person);
  await fixture.fetch();
  expect(fixture.calls).toHaveLength(3);
  await fixture.deliver(about([employee(60)]));
  expect(plansource.snapshot()).toHaveLength(61);
});

test("whoever did not change is not told again", async () => {
  const fixture = await open();
  for (const person of staff(20)) hire(fixture.plansource.organization(), person);
  expect((await fetched(fixture)).length).toBeGreaterThan(0);
  expect(await fetched(fixture)).toEqual([]);
});

test("what the connector wrote is not told again by the next fetch", async () => {
  const fixture = await open();
  await fixture.deliver(about(staff(5)));
  await fetched(fixture);
  await fixture.deliver(about([employee(1, { first_name: "Kim", indexed_at: minute(1) })]));
  expect(await fetched(fixture)).toEqual([]);
});

test("a person's edit in PlanSource is told, and not reverted by the next message", async () => {
  const fixture = await open();
  const { plansource } = fixture;
  await fixture.deliver(about([employee(1)]));
  await fixture.fetch();
  const organization = plansource.organization();
  organization.edit(organization.byCode("emp-1")?.id ?? 0, { last_name: "Hale", city: "Boston" });
  const [item, ...others] = await fetched(fixture);
  expect(others).toEqual([]);
  expect(item?.body).toEqual({ "plansource/last_name": "Hale", "plansource/city": "Boston" });
  await fixture.deliver(about([employee(1, { indexed_at: minute(1) })]));
  expect(organization.byCode("emp-1")?.fields["last_name"]).toBe("Hale");
});

describe("test employees", () => {
  const opened = async (include: boolean): Promise<PlanSourceFixture> => {
    const fixture = await open({ settings: { include_test_employees: include } });
    hire(fixture.plansource.organization(), employee(1));
    hire(fixture.plansource.organization(), employee(2), { test_employee: true });
    return fixture;
  };
  const codesIn = (told: readonly ToldItem[]) => told.flatMap(({ body }) => body["plansource/subscriber_code"] ?? []);

  test("are not told with the setting off", async () => {
    expect(codesIn(await fetched(await opened(false)))).toEqual(["emp-1"]);
  });

  test("are told with the setting on", async () => {
    expect(codesIn(await fetched(await opened(true)))).toEqual(["emp-1", "emp-2"]);
  });

  test("are known all the same: a message about one creates nobody", async () => {
    const fixture = await opened(false);
    fixture.plansource.organization().seed({ first_name: "A", last_name: "B" }, "terminated");
    await fixture.fetch();
    await fixture.deliver(about([employee(2)]));
    expect(await fixture.outcomes()).toEqual({ "subscribers/unchanged/in_sync": 1 });
    expect(fixture.plansource.snapshot()).toHaveLength(3);
  });
});

const HIDDEN = {
  ssn: "517-39-8264",
  current_salary: 71_717.71,
  pay_rate: 34.87,
  is_smoker: "Y",
  fmla: true,
  medicare_reason: "renal",
  anthem_hcid: "hcid-5173",
};

test.each(["masked", "full", "absent"] as const)(
  "write-only fields are never told, with numbers shown %s",
  async (ssn) => {
    const settings = { subscriber_attributes_outbound: mapping(...Object.keys(HIDDEN)) };
    const fixture = await open({ settings, plansource: { switches: { ssn } } });
    hire(fixture.plansource.organization(), employee(1), HIDDEN);
    const told = await fetched(fixture);
    const names = told.flatMap(({ body }) => Object.keys(body));
    expect(names).toContain("plansource/first_name");
    for (const field of Object.keys(HIDDEN)) expect(names).not.toContain(`plansource/${field}`);
  },
);

test("a masked value is none, in whatever field it stands", async () => {
  const fixture = await open();
  hire(fixture.plansource.organization(), employee(1), { udef_1: "XXX-XX-8264", udef_2: "XL" });
  const bodies = (await fetched(fixture)).map(({ body }) => body);
  expect(bodies).toContainEqual(expect.objectContaining({ "plansource/udef_2": "XL" }));
  for (const body of bodies) expect(body).not.toHaveProperty("plansource/udef_1");
});

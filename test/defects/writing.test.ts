/** Known defects of hull-planhat 0.1.7 in what it wrote and when: each must not happen here. */
import { accountMessage, ACME, ANN, minute, openStage, userMessage, type Stage } from "./acme";

let fixture: Stage;
afterEach(() => fixture.close());

const row = (hull_field_name: string, service_field_name: string) => ({ hull_field_name, service_field_name });
const USER_ROWS = [row("name", "name"), row("email", "email"), row("external_id", "externalId")];

test("C5: an export sends everybody, changed or not", async () => {
  fixture = await openStage();
  await fixture.deliver("account:update", [accountMessage()]);
  await fixture.deliver("user:update", [userMessage()]);
  fixture.planhat.books.reset();
  await fixture.deliver("user:update", [userMessage({ indexed_at: minute(1) })], { isExport: true });
  await fixture.deliver("account:update", [accountMessage({ indexed_at: minute(1) })], { isExport: true });
  expect(await fixture.outcomes()).toMatchObject({ "endusers/sent/updated": 1, "companies/sent/updated": 1 });
  expect(fixture.planhat.books.snapshot()).toMatchObject({ bulkItems: 2, noOpWrites: 2, duplicates: [] });
});

test("C8: false, 0 and an empty text are values, and do not come again and again", async () => {
  fixture = await openStage({
    settings: {
      contact_attributes_outbound: [...USER_ROWS, row("traits_vip", "featured"), row("traits_job", "position")],
      contact_custom_attributes_outbound: [row("traits_seats", "Seats")],
    },
  });
  const before = { traits_vip: true, traits_job: "Engineer", traits_seats: 5 };
  const after = { traits_vip: false, traits_job: "", traits_seats: 0 };
  await fixture.deliver("user:update", [userMessage(before)]);
  await fixture.deliver("user:update", [userMessage({ ...after, indexed_at: minute(1) })]);
  expect(fixture.planhat.snapshot().endusers).toMatchObject([{ featured: false, position: "", custom: { Seats: 0 } }]);
  fixture.planhat.books.reset();
  for (const index of [2, 3])
    await fixture.deliver("user:update", [userMessage({ ...after, indexed_at: minute(index) })]);
  expect(fixture.planhat.books.snapshot().calls).toBe(0);
});

test.each(["stored", "removes", "ignored"] as const)(
  "C8: what Hull has cleared is cleared once, where Planhat's answer to null is: %s",
  async (nulls) => {
    fixture = await openStage({
      planhat: { switches: { nulls } },
      settings: {
        clear_on_null: true,
        contact_attributes_outbound: [...USER_ROWS, row("traits_job", "position")],
      },
    });
    await fixture.deliver("user:update", [userMessage({ traits_job: "Engineer" })]);
    for (const index of [1, 2, 3]) {
      await fixture.deliver("user:update", [
        userMessage({ traits_job: null, indexed_at: minute(index) }, ACME, {
          changes: index === 1 ? { user: { traits_job: ["Engineer", null] } } : {},
        }),
      ]);
    }
    const [ann] = fixture.planhat.snapshot().endusers;
    expect(ann?.["position"] ?? null).toBe(nulls === "ignored" ? "Engineer" : null);
    expect(await fixture.outcomes()).toEqual({
      "endusers/sent/created": 1,
      "endusers/sent/updated": 1,
      "endusers/unchanged/in_sync": 2,
    });
  },
);

test("C9: dots and brackets in the name of a custom field are just characters", async () => {
  fixture = await openStage({
    settings: {
      account_custom_attributes_outbound: [
        row("a", "Plan.Name"),
        row("b", "List[0]"),
        row("c", "a.b[c].d"),
        row("d", "toString"),
      ],
    },
  });
  await fixture.deliver("account:update", [accountMessage({ a: 1, b: 2, c: 3, d: 4 })]);
  const custom = { "Plan.Name": 1, "List[0]": 2, "a.b[c].d": 3, toString: 4 };
  expect(fixture.planhat.snapshot().companies[0]?.["custom"]).toEqual(custom);
  fixture.planhat.books.reset();
  await fixture.deliver("account:update", [accountMessage({ a: 1, b: 2, c: 3, d: 4, indexed_at: minute(1) })]);
  expect(fixture.planhat.books.snapshot().calls).toBe(0);
});

test("C11: a fresh install sends the name, and the old default row “fullName” means it too", async () => {
  for (const rows of [undefined, [row("name", "fullName"), row("email", "email")]]) {
    fixture = await openStage({
      settings: { contact_attributes_outbound: rows, account_attributes_outbound: undefined },
    });
    await fixture.deliver("user:update", [userMessage()]);
    const { companies, endusers } = fixture.planhat.snapshot();
    expect([companies[0]?.["name"], endusers[0]?.["name"], endusers[0]?.["email"]]).toEqual([
      "Acme",
      "Ann Miller",
      ANN["email"],
    ]);
    expect(endusers[0]).not.toHaveProperty("fullName");
    if (rows === undefined) await fixture.close();
  }
});

test("C12: the same value in another form is no change", async () => {
  fixture = await openStage({
    settings: {
      contact_attributes_outbound: [
        ...USER_ROWS,
        row("traits_tags", "tags"),
        row("traits_seen_at", "lastActive"),
        row("traits_vip", "featured"),
        row("created_at", "createDate"),
      ],
      contact_custom_attributes_outbound: [row("traits_seats", "Seats"), row("traits_since", "Since")],
      account_attributes_outbound: [row("name", "name"), row("tags", "tags"), row("score", "csmScore")],
    },
  });
  const tenant = fixture.planhat.tenant();
  const { _id: companyId } = tenant.seedCompany({
    externalId: "acme",
    name: "ACME",
    tags: ["b", "a"],
    csmScore: 4,
  });
  tenant.seedEnduser({
    companyId,
    externalId: "ann",
    email: ANN["email"],
    name: "Ann MILLER",
    tags: ["two", "one"],
    lastActive: "2026-01-01T00:00:00.000Z",
    featured: true,
    createDate: "2020-01-01T00:00:00.000Z",
    custom: { Seats: 5, Since: "2019-07-10T00:00:00.000Z" },
  });
  await fixture.deliver("account:update", [accountMessage({ tags: "a,b", score: "4" })]);
  await fixture.deliver("user:update", [
    userMessage({
      created_at: "2021-05-05T00:00:00Z",
      traits_tags: ["one", "two"],
      traits_seen_at: 1_767_225_600,
      traits_vip: "true",
      traits_seats: "5",
      traits_since: "2019-07-10 00:00:00 UTC",
    }),
  ]);
  expect(await fixture.outcomes()).toEqual({ "companies/unchanged/in_sync": 1, "endusers/unchanged/in_sync": 1 });
  expect(fixture.planhat.books.snapshot().bulkCalls).toBe(0);
});

test("C15: two hundred people cost a handful of calls, not two each", async () => {
  fixture = await openStage();
  const people = Array.from({ length: 200 }, (_, index) =>
    userMessage({ id: `user-${index}`, external_id: `u-${index}`, email: `u-${index}@acme.example` }),
  );
  await fixture.deliver("user:update", people);
  expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 200 });
  expect(fixture.planhat.books.snapshot().calls).toBeLessThanOrEqual(6);
});

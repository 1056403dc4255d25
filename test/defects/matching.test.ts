/** Known defects of hull-planhat 0.1.7 in finding the right record: each must not happen here. */
import { accountMessage, ACME, ANN, minute, openStage, reasons, userMessage, type Stage } from "./acme";

let fixture: Stage;
afterEach(() => fixture.close());

test("C1: an account that Planhat has is found by its external id, however often it is sent", async () => {
  fixture = await openStage();
  const { _id } = fixture.planhat.tenant().seedCompany({ externalId: "acme", name: "Acme" });
  for (const [index, name] of ["Acme", "Acme 2", "Acme 3"].entries()) {
    await fixture.deliver("account:update", [accountMessage({ name, indexed_at: minute(index) })]);
  }
  const { companies } = fixture.planhat.snapshot();
  expect(companies.map((company) => [company._id, company["name"]])).toEqual([[_id, "Acme 3"]]);
  expect(fixture.planhat.books.snapshot().created.companies).toBe(0);
});

test("C2: the id that Hull remembers is read where Hull really shows it", async () => {
  fixture = await openStage();
  const tenant = fixture.planhat.tenant();
  const acme = tenant.seedCompany({ name: "Acme" });
  const beta = tenant.seedCompany({ name: "Beta" });
  const gamma = tenant.seedCompany({ name: "Gamma" });
  const ann = tenant.seedEnduser({ companyId: beta._id, email: ANN["email"], name: "Ann Miller" });
  tenant.seedEnduser({ companyId: gamma._id, email: ANN["email"], name: "Another Ann" });
  const account = { ...ACME, "planhat/id": acme._id };
  await fixture.deliver("account:update", [accountMessage(account)]);
  await fixture.deliver("user:update", [userMessage({ "traits_planhat/id": ann._id }, account)]);
  expect(tenant.companies.size).toBe(3);
  expect(tenant.companies.get(acme._id)).toMatchObject({ externalId: "acme" });
  expect(tenant.endusers.size).toBe(2);
  expect(tenant.endusers.get(ann._id)).toMatchObject({ companyId: acme._id, externalId: "ann" });
});

test("C3: a user is found by his external id too, and nobody asks for the e-mail address “undefined”", async () => {
  fixture = await openStage({
    settings: {
      contact_require_email: false,
      contact_attributes_outbound: [
        { hull_field_name: "name", service_field_name: "name" },
        { hull_field_name: "external_id", service_field_name: "externalId" },
      ],
    },
  });
  const tenant = fixture.planhat.tenant();
  const { _id: companyId } = tenant.seedCompany({ externalId: "acme", name: "Acme" });
  const { _id } = tenant.seedEnduser({ companyId, externalId: "ann", email: "old@acme.example", name: "Ann" });
  await fixture.deliver("user:update", [
    userMessage(),
    userMessage({ id: "bob", external_id: "bob", email: undefined }),
  ]);
  expect(tenant.endusers.get(_id)).toMatchObject({ name: "Ann Miller", email: "old@acme.example" });
  expect(tenant.endusers.size).toBe(2);
  expect(fixture.calls.map(({ query }) => query.get("email")).filter((email) => email !== null)).toEqual([]);
});

describe("C4: a look-up that failed is never taken for “not found”", () => {
  const failures = [
    ["500", { kind: "status", status: 500 }],
    ["503", { kind: "status", status: 503 }],
    ["429", { kind: "rate-limit" }],
    ["a reset connection", { kind: "reset-before" }],
    ["an answer that breaks off", { kind: "truncate" }],
    ["no answer at all", { kind: "stall" }],
    ["a page instead of a list", { kind: "wrong-shape", form: "html" }],
    ["an object instead of a list", { kind: "wrong-shape", form: "object" }],
    ["401", { kind: "status", status: 401 }],
    ["403", { kind: "status", status: 403 }],
  ] as const;

  test.each(failures)("%s", async (_name, fault) => {
    fixture = await openStage({ environment: { REQUEST_TIMEOUT_MS: "200" } });
    const tenant = fixture.planhat.tenant();
    const { _id: companyId } = tenant.seedCompany({ externalId: "acme", name: "Acme" });
    tenant.seedEnduser({ companyId, externalId: "ann", email: ANN["email"], name: "Ann Miller" });
    const lookups = fixture.planhat.faults.add({ ...fault, route: ({ method }) => method === "GET" });
    await fixture.send("account:update", [accountMessage({ name: "Acme 2" })]);
    await fixture.send("user:update", [userMessage({ name: "Ann M." })]);
    await until(() => lookups.hits > 0 && fixture.logs.some(({ message }) => /error$/.test(message)));
    expect([tenant.companies.size, tenant.endusers.size]).toEqual([1, 1]);

    fixture.planhat.faults.clear();
    await fixture.saveSettings({});
    await fixture.settled();
    expect(tenant.companies.get(companyId)).toMatchObject({ name: "Acme 2" });
    expect([tenant.companies.size, tenant.endusers.size]).toEqual([1, 1]);
    expect(await fixture.outcomes()).toEqual({ "companies/sent/updated": 1, "endusers/sent/updated": 1 });
  });

  /** Looks again at every turn of the event loop; a broken test ends by its time limit. */
  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((resolve) => setImmediate(resolve));
  }
});

test("C6: a user whose account is outside the Company Filter brings no company along", async () => {
  fixture = await openStage({ settings: { account_synchronized_segments: ["customers"] } });
  await fixture.deliver("user:update", [userMessage()]);
  expect(fixture.calls).toEqual([]);
  expect(reasons(fixture)).toEqual([
    "The user's account doesn't belong to any of the segments defined in the Account Filter.",
  ]);
});

test("C6: a company that a user brings along is checked like any other", async () => {
  fixture = await openStage({
    settings: {
      account_attributes_outbound: [
        { hull_field_name: "name", service_field_name: "name" },
        { hull_field_name: "owner", service_field_name: "owner" },
      ],
    },
  });
  fixture.planhat.tenant().seedUser({ email: "rep@planhat.example", firstName: "R", lastName: "Ep" });
  await fixture.deliver("user:update", [userMessage({}, { ...ACME, owner: "nobody@planhat.example" })]);
  expect(fixture.planhat.snapshot()).toMatchObject({ companies: [], endusers: [] });
  expect(await fixture.outcomes()).toEqual({ "endusers/dead/parent_skipped": 1 });
  await fixture.restart();
  expect(reasons(fixture)).toContain("Invalid Owner ID.");
});

test("C7: a company that a user brings along has its name and every mapped attribute", async () => {
  fixture = await openStage({
    settings: {
      account_attributes_outbound: [
        { hull_field_name: "name", service_field_name: "name" },
        { hull_field_name: "stage", service_field_name: "phase" },
      ],
      account_custom_attributes_outbound: [{ hull_field_name: "seats", service_field_name: "Seats" }],
    },
  });
  await fixture.deliver("user:update", [userMessage({}, { ...ACME, stage: "Growth", seats: 0 })]);
  expect(fixture.planhat.snapshot().companies).toMatchObject([
    { externalId: "acme", name: "Acme", phase: "Growth", custom: { Seats: 0 } },
  ]);
});

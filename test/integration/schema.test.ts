/** `/schema/…` through the whole house, as the dashboard asks for its lists from a browser. */
import { CONNECTOR, OPEN_SETTINGS, openFixture, TOKEN, type Fixture } from "../fixture/fixture";
import { ask, saveSettings, type Answer } from "./asking";

let fixture: Fixture;
beforeEach(async () => {
  fixture = await openFixture();
  const tenant = fixture.planhat.tenant();
  tenant.seedCustomField({ name: "Health score", type: "number", parent: "EndUser" });
  tenant.seedCustomField({ name: "Risk", type: "list", parent: "Company" });
  tenant.seedCustomField({ name: "Computed", type: "number", parent: "EndUser", isFormula: true });
  tenant.seedCustomField({ name: "Hidden", type: "text", parent: "EndUser", isHidden: true });
});
afterEach(async () => {
  for (const secret of [CONNECTOR.secret, TOKEN]) expect(JSON.stringify(fixture.logs)).not.toContain(secret);
  await fixture.close();
});

const valuesOf = ({ body }: Answer): readonly string[] =>
  (body["options"] as readonly { readonly value: string }[]).map(({ value }) => value);
const customOf = (answer: Answer): readonly string[] => valuesOf(answer).filter((value) => value.startsWith("custom."));
const reads = (): number => {
  const route = fixture.planhat.books.snapshot().requests["GET /customfields"] ?? {};
  return Object.values(route).reduce((sum, count) => sum + count, 0);
};
const NOBODY = { organization: undefined, ship: undefined, secret: undefined };

test.each(["GET", "POST"])("a %s gets standard and custom fields, for any page to read", async (method) => {
  const answer = await ask(
    fixture,
    "/schema/contacts",
    {},
    { method, headers: { origin: "https://dashboard.hullapp.io" } },
  );
  expect(answer.status).toBe(200);
  expect(answer.body).toMatchObject({ ok: true, error: null });
  expect(answer.body["options"]).toContainEqual({ value: "custom.Health score", label: "Health score (custom)" });
  expect(answer.body["options"]).toContainEqual({ value: "firstName", label: "First name" });
  expect(customOf(answer)).toEqual(["custom.Health score"]);
  expect(answer.headers.get("access-control-allow-origin")).toBe("*");
  expect(answer.headers.get("cross-origin-resource-policy")).toBe("cross-origin");
  expect(answer.headers.get("access-control-allow-credentials")).toBeNull();
  expect(answer.headers.get("cache-control")).toBe("no-store");
});

test("a browser may ask beforehand", async () => {
  const answer = await ask(fixture, "/schema/contacts", NOBODY, { method: "OPTIONS" });
  expect([answer.status, answer.headers.get("access-control-allow-methods")]).toEqual([204, "GET, HEAD, POST"]);
});

test("what is read may be more than what is written, and custom fields have a list of their own", async () => {
  expect(customOf(await ask(fixture, "/schema/contacts/incoming"))).toEqual(["custom.Computed", "custom.Health score"]);
  expect((await ask(fixture, "/schema/companies/custom")).body["options"]).toEqual([{ value: "Risk", label: "Risk" }]);
  expect((await ask(fixture, "/schema/contacts/custom", NOBODY)).body).toEqual({ ok: true, error: null, options: [] });
});

test.each([
  "/schema/deals",
  "/schema/__proto__",
  "/schema/contacts/deals",
  "/schema/licenses/incoming",
  "/schema/endusers",
])("%s is answered as a list that does not exist", async (path) => {
  const answer = await ask(fixture, path);
  expect([answer.status, answer.body]).toEqual([
    200,
    { ok: false, error: expect.stringMatching(/contacts, companies or licenses/) as unknown, options: [] },
  ]);
  expect(answer.headers.get("access-control-allow-origin")).toBe("*");
});

test.each([
  ["nobody in particular", NOBODY],
  ["a wrong secret", { secret: "guessed" }],
  ["a foreign organization", { organization: "evil.example" }],
  ["an unknown connector", { ship: "5f00000000000000000000ff" }],
])("%s gets the standard fields, and nothing of a tenant", async (_, changes) => {
  expect(customOf(await ask(fixture, "/schema/contacts"))).toHaveLength(1);
  const answer = await ask(fixture, "/schema/contacts", changes);
  expect([answer.status, answer.body["ok"], answer.body["error"]]).toEqual([200, true, null]);
  expect(valuesOf(answer)).toContain("firstName");
  expect(customOf(answer)).toEqual([]);
});

test("one tenant never sees the fields of another", async () => {
  const other = { id: "5f0000000000000000000002", secret: "connector-secret-0002" };
  fixture.planhat.addTenant("another-token").seedCustomField({ name: "Theirs", type: "text", parent: "EndUser" });
  fixture.hull.addConnector({
    ...other,
    privateSettings: { ...OPEN_SETTINGS, personal_acccess_token: "another-token" },
  });
  const [mine, theirs] = await Promise.all([
    ask(fixture, "/schema/contacts"),
    ask(fixture, "/schema/contacts", { ship: other.id, secret: other.secret }),
  ]);
  expect([customOf(mine), customOf(theirs)]).toEqual([["custom.Health score"], ["custom.Theirs"]]);
});

test("Planhat is asked once, however many ask", async () => {
  await Promise.all(["contacts", "companies", "licenses", "contacts"].map((type) => ask(fixture, `/schema/${type}`)));
  await ask(fixture, "/status");
  expect(reads()).toBe(1);
});

test("a failure leaves the standard fields, and is not remembered", async () => {
  const fault = fixture.planhat.faults.add({ kind: "status", status: 500, route: "GET /customfields" });
  const answer = await ask(fixture, "/schema/contacts");
  expect(answer.status).toBe(200);
  expect(answer.body).toMatchObject({ ok: true, error: expect.stringMatching(/customfields answered 500/) as unknown });
  expect(valuesOf(answer)).toContain("firstName");
  fault.remove();
  expect(customOf(await ask(fixture, "/schema/contacts"))).toEqual(["custom.Health score"]);
});

test("a page in place of the list leaves the standard fields", async () => {
  fixture.planhat.faults.add({ kind: "wrong-shape", form: "html", route: "GET /customfields" });
  const answer = await ask(fixture, "/schema/contacts");
  expect([answer.status, customOf(answer), answer.body["ok"]]).toEqual([200, [], true]);
  expect(answer.text).not.toMatch(/<html/i);
});

test("a new token brings its own fields at once", async () => {
  await ask(fixture, "/schema/contacts");
  fixture.planhat.addTenant("another-token").seedCustomField({ name: "Theirs", type: "text", parent: "EndUser" });
  await saveSettings(fixture, { ...OPEN_SETTINGS, personal_acccess_token: "another-token" });
  expect(customOf(await ask(fixture, "/schema/contacts"))).toEqual(["custom.Theirs"]);
});

test("a field that was picked from the list is sent", async () => {
  await saveSettings(fixture, {
    ...OPEN_SETTINGS,
    account_attributes_outbound: [
      { hull_field_name: "name", service_field_name: "name" },
      { hull_field_name: "risk", service_field_name: "custom.Risk" },
    ],
  });
  const account = { id: "5d2602890f6b110873016101", external_id: "acme", name: "Acme", risk: "high" };
  await fixture.hull.send(fixture.url, {
    connectorId: CONNECTOR.id,
    channel: "account:update",
    messages: [{ account, account_segments: [], changes: {}, message_id: "m1" }],
  });
  await fixture.settled();
  expect(fixture.planhat.snapshot().companies).toMatchObject([{ externalId: "acme", custom: { Risk: "high" } }]);
});

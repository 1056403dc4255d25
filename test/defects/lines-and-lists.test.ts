/** Known defects of hull-planhat 0.1.7 in log lines, links and cached lists: each must not happen here. */
import { accountMessage, ACME, ANN, minute, openStage, userMessage, type Stage } from "./acme";

let fixture: Stage;
afterEach(() => fixture.close());

const row = (hull_field_name: string, service_field_name: string) => ({ hull_field_name, service_field_name });

describe("C25: users are users", () => {
  test("their lines have the user's ids as context, their accounts' lines the account's", async () => {
    fixture = await openStage({ settings: { contact_events: ["ALL"] } });
    const events = [{ event_id: "e-1", event: "Signed In", created_at: minute(1), properties: { secret: "diary" } }];
    await fixture.deliver("user:update", [userMessage({}, ACME, { events })]);
    await fixture.deliver("account:update", [accountMessage({ name: "Acme 2", indexed_at: minute(1) })]);
    await fixture.restart();
    const contextOf = (name: string) =>
      fixture.logs.filter(({ message, data }) => message === name && data?.["for"] === undefined)[0]?.context;
    const user = { subject_type: "user", user_id: ANN["id"], user_email: ANN["email"], user_external_id: "ann" };
    expect(contextOf("outgoing.user.success")).toMatchObject(user);
    expect(contextOf("outgoing.user_event.success")).toMatchObject({ subject_type: "user", user_email: ANN["email"] });
    expect(contextOf("outgoing.account.success")).toMatchObject({
      subject_type: "account",
      account_id: ACME["id"],
      account_external_id: "acme",
    });
    expect(contextOf("outgoing.account.success")).not.toHaveProperty("user_id");
  });

  test("they are linked in Hull to an account that their message does not show by its id", async () => {
    fixture = await openStage();
    fixture.hull.profiles.seedUser({ id: String(ANN["id"]), email: String(ANN["email"]) });
    fixture.hull.profiles.seedAccount({ id: String(ACME["id"]), external_id: String(ACME["external_id"]) });
    const { id: _, ...account } = ACME;
    await fixture.deliver("user:update", [userMessage({}, account)]);
    expect(fixture.hull.profiles.users.get(String(ANN["id"]))?.account_id).toBe(ACME["id"]);
  });

  test("no line holds a whole record", async () => {
    fixture = await openStage({
      settings: {
        contact_events: ["ALL"],
        contact_attributes_outbound: [row("name", "name"), row("email", "email"), row("traits_phone", "phone")],
        account_licenses_attribute: "licenses",
        account_licenses_attributes_outbound: [row("id", "externalId"), row("product", "product")],
      },
    });
    const events = [
      { event_id: "e-1", event: "Signed In", created_at: minute(1), properties: { diary: "Dear diary" } },
    ];
    fixture.planhat.faults.add({ kind: "status", status: 503, count: 1, route: "PUT /endusers" });
    await fixture.deliver("user:update", [userMessage({ traits_phone: "+46 70 123 45 67" }, ACME, { events })]);
    await fixture.deliver("account:update", [
      accountMessage({ licenses: [{ id: "l-1", product: "Under cover" }], indexed_at: minute(1) }),
    ]);
    await fixture.restart();
    const text = JSON.stringify(fixture.logs);
    for (const value of ["+46 70 123 45 67", "Dear diary", "Ann Miller", "Under cover"])
      expect(text).not.toContain(value);
  });
});

describe("C31: Planhat's list of users is read once for many shipments", () => {
  const settings = { account_attributes_outbound: [row("name", "name"), row("owner", "owner")] };
  const owned = (number: number) =>
    accountMessage({
      id: `hull-${number}`,
      external_id: `acme-${number}`,
      name: `Acme ${number}`,
      owner: "rep@planhat.example",
    });

  test("not once a shipment", async () => {
    fixture = await openStage({ settings });
    fixture.planhat.tenant().seedUser({ _id: "u-1", email: "rep@planhat.example", firstName: "R", lastName: "Ep" });
    for (const number of [1, 2, 3, 4]) await fixture.deliver("account:update", [owned(number)]);
    expect(fixture.planhat.snapshot().companies.map((company) => company["owner"])).toEqual([
      "u-1",
      "u-1",
      "u-1",
      "u-1",
    ]);
    expect(fixture.calls.filter(({ route }) => route === "GET /users")).toHaveLength(1);
  });

  test("a list that failed is not remembered as an empty one", async () => {
    fixture = await openStage({ settings });
    fixture.planhat.tenant().seedUser({ _id: "u-1", email: "rep@planhat.example", firstName: "R", lastName: "Ep" });
    fixture.planhat.faults.add({ kind: "status", status: 500, route: "GET /users", count: 4 });
    await fixture.deliver("account:update", [owned(1)]);
    expect(fixture.planhat.snapshot().companies).toMatchObject([{ externalId: "acme-1", owner: "u-1" }]);
    expect(await fixture.outcomes()).toEqual({ "companies/sent/created": 1 });
  });
});

/** `/status` through the whole house: what the dashboard sees, what Hull is told, and what it costs. */
import { CONNECTOR, OPEN_SETTINGS, openFixture, TOKEN, type Fixture, type FixtureOptions } from "../fixture/fixture";
import { ask, saveSettings, tellOfSettings } from "./asking";

let fixture: Fixture;
const open = async (options: FixtureOptions = {}): Promise<void> => {
  fixture = await openFixture(options);
};
afterEach(async () => {
  const secrets = [CONNECTOR.secret, TOKEN, "connector-secret-0002"];
  for (const secret of secrets) expect(JSON.stringify(fixture.logs)).not.toContain(secret);
  await fixture.close();
});

const reported = (): Readonly<Record<string, unknown>> => fixture.hull.connector(CONNECTOR.id).status;
const calls = (): number => fixture.planhat.books.snapshot().calls;

/** A row for each of these fields, from an attribute of the same name. */
const rows = (...names: readonly string[]) =>
  names.map((name) => ({ hull_field_name: name, service_field_name: name }));
const says = (status: string, ...messages: readonly RegExp[]) => ({
  status,
  messages: messages.map((each) => expect.stringMatching(each) as string),
});

const CUSTOM = { contact_custom_attributes_outbound: [{ hull_field_name: "nps", service_field_name: "Health" }] };

describe("a connector that is well", () => {
  test.each(["GET", "POST"])("says so to a %s, and Hull is told the same", async (method) => {
    await open();
    const answer = await ask(fixture, "/status", {}, { method });
    expect([answer.status, answer.body]).toEqual([200, { status: "ok", messages: [] }]);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    expect(reported()).toMatchObject({ status: "ok", messages: [] });
    expect(fixture.hull.books.snapshot().statusReports).toBe(1);
  });

  test("other methods are refused", async () => {
    await open();
    const answer = await ask(fixture, "/status", {}, { method: "DELETE" });
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, "GET, HEAD, POST"]);
  });

  test("with everything mapped, five calls suffice, and a flood of questions asks Planhat nothing more", async () => {
    await open({
      settings: {
        ...CUSTOM,
        resolve_owners: true,
        account_licenses_attribute: "licenses",
        account_licenses_attributes_outbound: rows("externalId", "_currency", "fromDate", "mrr"),
      },
    });
    fixture.planhat.tenant().seedCustomField({ name: "Health", type: "number", parent: "EndUser" });
    fixture.planhat.tenant().seedUser({ email: "csm@acme.example" });
    expect((await ask(fixture, "/status")).body).toEqual({ status: "ok", messages: [] });
    expect(calls()).toBe(5);
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(fixture, "/status")));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(calls()).toBe(5);
  });
});

describe("what the settings say", () => {
  test.each<[string, NonNullable<FixtureOptions["settings"]>, ReturnType<typeof says>]>([
    [
      "without a token",
      { personal_acccess_token: " ", tenant_id: null },
      says("setupRequired", /^Personal Access Token/, /^Tenant Token/),
    ],
    [
      "settings that cannot be used are named",
      { api_prefix: "https://evil.example", contact_events: "all" },
      says("error", /api_prefix: .*choose/, /contact_events: .*choose/),
    ],
  ])("%s: Planhat is not asked", async (_name, settings, body) => {
    await open({ settings });
    expect((await ask(fixture, "/status")).body).toEqual(body);
    expect(reported()).toMatchObject(body);
    expect(calls()).toBe(0);
  });

  test.each<[string, FixtureOptions, ReturnType<typeof says>]>([
    [
      "nobody sent and nobody chosen is worth a word, and no trouble",
      { settings: { contact_synchronized_segments: [], account_synchronized_segments: [] } },
      says("ok", /both empty.*Choose segments/),
    ],
    [
      "the worst level wins, and lesser messages come after it",
      {
        settings: {
          account_licenses_attribute: "licenses",
          account_attributes_outbound: [],
          contact_attributes_outbound: [{ hull_field_name: "a", service_field_name: "shoeSize" }],
        },
      },
      says(
        "error",
        /"shoeSize" is not a property/,
        /neither email nor externalId/,
        /neither name nor both/,
        /^Account attributes mapping has no row for name/,
        /^Licenses account attribute is chosen/,
      ),
    ],
    [
      "an empty list of team members makes every owner invalid",
      { settings: { resolve_owners: true } },
      says("warning", /shows no users/),
    ],
    [
      "a custom field that is not there is a warning that names the row",
      { settings: CUSTOM, customFields: [] },
      says("warning", /row "nps" → "Health": Planhat's endusers have no such custom field/),
    ],
    [
      "a custom field that cannot be filled is a warning",
      {
        settings: { contact_custom_attributes_outbound: rows("Sum", "Ghost") },
        customFields: [
          { name: "Sum", type: "number", parent: "EndUser", isFormula: true },
          { name: "Ghost", type: "text", parent: "EndUser", isHidden: true },
        ],
      },
      says("warning", /"Sum": Planhat computes/, /"Ghost": the field is hidden/),
    ],
  ])("%s", async (_name, options, body) => {
    await open(options);
    expect((await ask(fixture, "/status")).body).toEqual(body);
  });
});

describe("what Planhat says", () => {
  test("a missing right is named, and the rest is looked at all the same", async () => {
    await open({ settings: { account_attributes_outbound: rows("name", "owner") } });
    fixture.planhat.limitToken(TOKEN, [
      { model: "companies", action: "read" },
      { model: "users", action: "read" },
    ]);
    expect((await ask(fixture, "/status")).body).toEqual(
      says("error", /not let the token read companies \(403\)/, /not let the token read users \(403\)/),
    );
  });

  test("rows of the list that make no sense hurt nobody", async () => {
    await open({ settings: CUSTOM });
    const tenant = fixture.planhat.tenant();
    for (const junk of [{}, { name: 7, parent: "EndUser" }, { name: " ", parent: "EndUser" }, { name: "Health" }]) {
      tenant.seedCustomField(junk);
    }
    tenant.seedCustomField({ name: "Health", type: null, parent: "enduser" });
    expect((await ask(fixture, "/status")).body).toEqual({ status: "ok", messages: [] });
  });

  test.each([
    ["a page in place of a list", { kind: "wrong-shape", form: "html" }, /^Planhat could not be asked: /],
    ["500", { kind: "status", status: 500 }, /^Planhat could not be asked: /],
    ["429", { kind: "rate-limit" }, /^Planhat could not be asked: /],
    ["a connection that breaks", { kind: "reset-before" }, /^Planhat could not be asked: /],
    // And nothing is said of rows.
    [
      "500 to the custom fields",
      { kind: "status", status: 500, route: "GET /customfields" },
      /custom fields could not be checked/,
    ],
  ] as const)("%s is a warning, never a failure of ours", async (_, fault, words) => {
    await open({ settings: CUSTOM });
    fixture.planhat.faults.add(fault);
    const answer = await ask(fixture, "/status");
    expect([answer.status, answer.body]).toEqual([200, says("warning", words)]);
    expect(answer.text).not.toMatch(/<html|<!doctype/i);
  });

  test("saved settings are looked at anew, at once", async () => {
    await open({ settings: { personal_acccess_token: "an-older-token" } });
    expect((await ask(fixture, "/status")).body).toMatchObject({ status: "error" });
    await saveSettings(fixture, OPEN_SETTINGS);
    expect((await ask(fixture, "/status")).body).toEqual({ status: "ok", messages: [] });
  });
});

test("settings saved in the moment of their reading are not taken for the older ones again", async () => {
  await open({ settings: { personal_acccess_token: "an-older-token" } });
  expect((await ask(fixture, "/status")).body).toMatchObject({ status: "error" });
  const { updated_at } = fixture.hull.connector(CONNECTOR.id);
  fixture.hull.saveSettings(CONNECTOR.id, OPEN_SETTINGS).updated_at = updated_at;
  await tellOfSettings(fixture);
  expect((await ask(fixture, "/status")).body).toEqual({ status: "ok", messages: [] });
});

describe("what happened", () => {
  test("a hold, what waits for it and what failed are told together", async () => {
    await open();
    fixture.planhat.revokeToken(TOKEN);
    const { store } = fixture.connector;
    expect((await ask(fixture, "/fetch/users")).body).toMatchObject({ state: "begun" });
    for (;;) {
      const [run] = await store.runs({ tenant: fixture.tenantKey, limit: 1 });
      if (run?.state === "error") break;
      await new Promise((done) => setImmediate(done));
    }
    const [tenant] = await store.tenants();
    const lane = { remote: tenant?.remote ?? "", tenant: fixture.tenantKey };
    const at = Date.now();
    await store.pause(lane, "*", { kind: "auth", message: "planhat answered 401", sinceMs: at, untilMs: at + 600_000 });
    expect((await ask(fixture, "/status")).body).toEqual(
      says(
        "error",
        /^Planhat refuses the Personal Access Token/,
        /^Delivery has been paused since .* planhat answered 401\./,
        /^The last fetch of endusers failed at /,
      ),
    );
  });

  const tellAccounts = async (...accounts: readonly Readonly<Record<string, unknown>>[]): Promise<void> => {
    const messages = accounts.map((account) => ({
      account: { external_id: account["id"], name: "Acme", ...account },
      account_segments: [],
      changes: {},
      message_id: `m-${String(account["id"])}`,
    }));
    await fixture.hull.send(fixture.url, { connectorId: CONNECTOR.id, channel: "account:update", messages });
    await fixture.settled();
  };

  test("accounts whose owner is no user of Planhat are counted, for a day", async () => {
    await open({ settings: { account_attributes_outbound: rows("name", "owner") } });
    fixture.planhat.tenant().seedUser({ email: "ada@example.com", firstName: "Ada", lastName: "L" });
    await tellAccounts({ id: "a1", owner: "nobody@example.com" }, { id: "a2", owner: "nobody@example.com" });
    expect((await ask(fixture, "/status")).body).toEqual(
      says("warning", /^2 times in the last 24 hours .* its Owner is not a Planhat user\. Put the e-mail/),
    );
  });

  test("refused records are counted by reason", async () => {
    await open();
    fixture.planhat.poison({ field: "externalId", value: "acme" }, "No room for acme");
    await tellAccounts({ id: "5d2602890f6b110873016101", external_id: "acme" });
    expect((await ask(fixture, "/status")).body).toEqual(says("warning", /set aside: 1 refused\./));
  });
});

describe("trouble on our side", () => {
  test("Hull does not take the status: who asked is answered, and the log says so", async () => {
    await open();
    fixture.hull.faults.add({ kind: "status", status: 500, route: "PUT /api/v1/:id/status" });
    expect((await ask(fixture, "/status")).body).toEqual({ status: "ok", messages: [] });
    expect(fixture.logs.map(({ message }) => message)).toContain("connector.status.unreported");
  });

  test("a store that does not answer is a 500 of the usual shape", async () => {
    await open();
    await ask(fixture, "/status");
    jest.spyOn(fixture.connector.store, "laneHealth").mockRejectedValue(new Error("The disk is gone."));
    const answer = await ask(fixture, "/status");
    expect([answer.status, answer.body]).toEqual([500, says("error", /went wrong on our side/)]);
    expect(answer.text).not.toContain("disk");
  });
});

describe("who may ask", () => {
  test.each([
    ["a wrong secret", { secret: "connector-secret-0002" }, 401],
    ["an unknown connector", { ship: "5f00000000000000000000ff" }, 404],
    ["a foreign organization", { organization: "evil.example" }, 401],
    ["no credentials", { organization: undefined, ship: undefined, secret: undefined }, 400],
  ])("%s learns nothing and reports nothing", async (_, changes, status) => {
    await open();
    const answer = await ask(fixture, "/status", changes);
    expect([answer.status, Object.keys(answer.body)]).toEqual([status, ["flow_control", "error"]]);
    expect(fixture.hull.books.snapshot().statusReports).toBe(0);
    expect(calls()).toBe(0);
  });
});

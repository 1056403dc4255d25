/** `/status` through the whole house: what the dashboard sees, what Hull is told, and what it costs. */
import { CONNECTOR, OPEN_SETTINGS, openHouse, TOKEN, type House, type HouseOptions } from "../harness";
import { ask, saveSettings, tellOfSettings } from "./asking";

let house: House;
const open = async (options: HouseOptions = {}): Promise<void> => {
  house = await openHouse(options);
};
afterEach(async () => {
  const secrets = [CONNECTOR.secret, TOKEN, "connector-secret-0002"];
  for (const secret of secrets) expect(JSON.stringify(house.logs)).not.toContain(secret);
  await house.planhat.close();
  await house.close();
});

const reported = (): Readonly<Record<string, unknown>> => house.hull.connector(CONNECTOR.id).status;
const calls = (): number => house.planhat.books.snapshot().calls;

const CUSTOM = { contact_custom_attributes_outbound: [{ hull_field_name: "nps", service_field_name: "Health" }] };

describe("a connector that is well", () => {
  test.each(["GET", "POST"])("says so to a %s, and Hull is told the same", async (method) => {
    await open();
    const answer = await ask(house, "/status", {}, { method });
    expect([answer.status, answer.body]).toEqual([200, { status: "ok", messages: [] }]);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    expect(reported()).toMatchObject({ status: "ok", messages: [] });
    expect(house.hull.books.snapshot().statusReports).toBe(1);
  });

  test("other methods are refused", async () => {
    await open();
    const answer = await ask(house, "/status", {}, { method: "DELETE" });
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, "GET, HEAD, POST"]);
  });

  test("with everything mapped, five calls suffice, and a flood of questions asks Planhat nothing more", async () => {
    await open({
      settings: {
        ...CUSTOM,
        resolve_owners: true,
        account_licenses_attribute: "licenses",
        account_licenses_attributes_outbound: ["externalId", "_currency", "fromDate", "mrr"].map((field) => ({
          hull_field_name: field,
          service_field_name: field,
        })),
      },
    });
    house.planhat.tenant().seedCustomField({ name: "Health", type: "number", parent: "EndUser" });
    house.planhat.tenant().seedUser({ email: "csm@acme.example" });
    expect((await ask(house, "/status")).body).toEqual({ status: "ok", messages: [] });
    expect(calls()).toBe(5);
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(house, "/status")));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(calls()).toBe(5);
  });

  test("nobody sent and nobody chosen is worth a word, and no trouble", async () => {
    await open({ settings: { contact_synchronized_segments: [], account_synchronized_segments: [] } });
    const answer = await ask(house, "/status");
    expect(answer.body).toEqual({ status: "ok", messages: [expect.stringMatching(/both empty.*Choose segments/)] });
  });
});

describe("what the settings say", () => {
  test("without a token Planhat is not asked", async () => {
    await open({ settings: { personal_acccess_token: " ", tenant_id: null } });
    const answer = await ask(house, "/status");
    expect(answer.body).toEqual({
      status: "setupRequired",
      messages: [expect.stringMatching(/^Personal Access Token/), expect.stringMatching(/^Tenant Token/)],
    });
    expect(reported()).toMatchObject(answer.body);
    expect(calls()).toBe(0);
  });

  test("the worst level wins, and lesser messages come after it", async () => {
    await open({
      settings: {
        account_licenses_attribute: "licenses",
        account_attributes_outbound: [],
        contact_attributes_outbound: [{ hull_field_name: "a", service_field_name: "shoeSize" }],
      },
    });
    const { body } = await ask(house, "/status");
    expect(body).toEqual({
      status: "error",
      messages: [
        expect.stringMatching(/"shoeSize" is not a property/),
        expect.stringMatching(/neither email nor externalId/),
        expect.stringMatching(/neither name nor both/),
        expect.stringMatching(/^Account attributes mapping has no row for name/),
        expect.stringMatching(/^Licenses account attribute is chosen/),
      ],
    });
  });

  test("settings that cannot be used are named", async () => {
    await open({ settings: { api_prefix: "https://evil.example", contact_events: "all" } });
    const { body } = await ask(house, "/status");
    expect(body).toEqual({
      status: "error",
      messages: [expect.stringMatching(/api_prefix: .*choose/), expect.stringMatching(/contact_events: .*choose/)],
    });
    expect(calls()).toBe(0);
  });
});

describe("what Planhat says", () => {
  test("a missing right is named, and the rest is looked at all the same", async () => {
    await open({
      settings: {
        account_attributes_outbound: [
          ...OPEN_SETTINGS.account_attributes_outbound,
          { hull_field_name: "csm", service_field_name: "owner" },
        ],
      },
    });
    house.planhat.limitToken(TOKEN, [
      { model: "companies", action: "read" },
      { model: "users", action: "read" },
    ]);
    const { body } = await ask(house, "/status");
    expect(body).toEqual({
      status: "error",
      messages: [
        expect.stringMatching(/not let the token read companies \(403\)/),
        expect.stringMatching(/not let the token read users \(403\)/),
      ],
    });
  });

  test("an empty list of team members makes every owner invalid", async () => {
    await open({ settings: { resolve_owners: true } });
    const { body } = await ask(house, "/status");
    expect(body).toEqual({ status: "warning", messages: [expect.stringMatching(/shows no users/)] });
  });

  test("a custom field that is not there is a warning that names the row", async () => {
    await open({ settings: CUSTOM, customFields: [] });
    const { body } = await ask(house, "/status");
    expect(body).toEqual({
      status: "warning",
      messages: [expect.stringMatching(/row "nps" → "Health": Planhat's endusers have no such custom field/)],
    });
  });

  test("a custom field that cannot be filled is a warning", async () => {
    await open({
      customFields: [
        { name: "Sum", type: "number", parent: "EndUser", isFormula: true },
        { name: "Ghost", type: "text", parent: "EndUser", isHidden: true },
      ],
      settings: {
        contact_custom_attributes_outbound: ["Sum", "Ghost"].map((name) => ({
          hull_field_name: "x",
          service_field_name: name,
        })),
      },
    });
    const { body } = await ask(house, "/status");
    expect(body).toEqual({
      status: "warning",
      messages: [
        expect.stringMatching(/"Sum": Planhat computes/),
        expect.stringMatching(/"Ghost": the field is hidden/),
      ],
    });
  });

  test("rows of the list that make no sense hurt nobody", async () => {
    await open({ settings: CUSTOM });
    const tenant = house.planhat.tenant();
    for (const junk of [{}, { name: 7, parent: "EndUser" }, { name: " ", parent: "EndUser" }, { name: "Health" }]) {
      tenant.seedCustomField(junk);
    }
    tenant.seedCustomField({ name: "Health", type: null, parent: "enduser" });
    expect((await ask(house, "/status")).body).toEqual({ status: "ok", messages: [] });
  });

  test.each([
    ["a page in place of a list", { kind: "wrong-shape", form: "html" }],
    ["500", { kind: "status", status: 500 }],
    ["429", { kind: "rate-limit" }],
    ["a connection that breaks", { kind: "reset-before" }],
  ] as const)("%s is a warning, never a failure of ours", async (_, fault) => {
    await open({ settings: CUSTOM });
    house.planhat.faults.add(fault);
    const answer = await ask(house, "/status");
    expect([answer.status, answer.body]).toEqual([
      200,
      { status: "warning", messages: [expect.stringMatching(/^Planhat could not be asked: /)] },
    ]);
    expect(answer.text).not.toMatch(/<html|<!doctype/i);
  });

  test("custom fields that cannot be read are a warning, and nothing is said of rows", async () => {
    await open({ settings: CUSTOM });
    house.planhat.faults.add({ kind: "status", status: 500, route: "GET /customfields" });
    const { body } = await ask(house, "/status");
    expect(body).toEqual({
      status: "warning",
      messages: [expect.stringMatching(/custom fields could not be checked/)],
    });
  });

  test("saved settings are looked at anew, at once", async () => {
    await open({ settings: { personal_acccess_token: "an-older-token" } });
    expect((await ask(house, "/status")).body).toMatchObject({ status: "error" });
    await saveSettings(house, OPEN_SETTINGS);
    expect((await ask(house, "/status")).body).toEqual({ status: "ok", messages: [] });
  });
});

test("settings saved in the moment of their reading are not taken for the older ones again", async () => {
  await open({ settings: { personal_acccess_token: "an-older-token" } });
  expect((await ask(house, "/status")).body).toMatchObject({ status: "error" });
  const { updated_at } = house.hull.connector(CONNECTOR.id);
  house.hull.saveSettings(CONNECTOR.id, OPEN_SETTINGS).updated_at = updated_at;
  await tellOfSettings(house);
  expect((await ask(house, "/status")).body).toEqual({ status: "ok", messages: [] });
});

describe("what happened", () => {
  test("a hold, what waits for it and what failed are told together", async () => {
    await open();
    house.planhat.revokeToken(TOKEN);
    const { store } = house.connector;
    expect((await ask(house, "/fetch/users")).body).toMatchObject({ state: "begun" });
    for (;;) {
      const [run] = await store.runs({ tenant: house.tenantKey, limit: 1 });
      if (run?.state === "error") break;
      await new Promise((done) => setImmediate(done));
    }
    const [tenant] = await store.tenants();
    const lane = { remote: tenant?.remote ?? "", tenant: house.tenantKey };
    const at = Date.now();
    await store.pause(lane, "*", { kind: "auth", message: "planhat answered 401", sinceMs: at, untilMs: at + 600_000 });
    const { body } = await ask(house, "/status");
    expect(body).toEqual({
      status: "error",
      messages: [
        expect.stringMatching(/^Planhat refuses the Personal Access Token/),
        expect.stringMatching(/^Delivery has been paused since .* planhat answered 401\./),
        expect.stringMatching(/^The last fetch of endusers failed at /),
      ],
    });
  });

  test("accounts whose owner is no user of Planhat are counted, for a day", async () => {
    const mapping = ["name", "owner"].map((name) => ({
      hull_field_name: name,
      service_field_name: name,
    }));
    await open({ settings: { account_attributes_outbound: mapping } });
    house.planhat.tenant().seedUser({ email: "ada@example.com", firstName: "Ada", lastName: "L" });
    const messages = ["a1", "a2"].map((id) => ({
      account: { id, external_id: id, name: "Acme", owner: "nobody@example.com" },
      account_segments: [],
      changes: {},
      message_id: `m-${id}`,
    }));
    await house.hull.send(house.url, { connectorId: CONNECTOR.id, channel: "account:update", messages });
    await house.settled();
    const { body } = await ask(house, "/status");
    expect(body).toEqual({
      status: "warning",
      messages: [
        expect.stringMatching(/^2 times in the last 24 hours .* its Owner is not a Planhat user\. Put the e-mail/),
      ],
    });
  });

  test("refused records are counted by reason", async () => {
    await open();
    house.planhat.poison({ field: "externalId", value: "acme" }, "No room for acme");
    const account = { id: "5d2602890f6b110873016101", external_id: "acme", name: "Acme" };
    await house.hull.send(house.url, {
      connectorId: CONNECTOR.id,
      channel: "account:update",
      messages: [{ account, account_segments: [], changes: {}, message_id: "m1" }],
    });
    await house.settled();
    const { body } = await ask(house, "/status");
    expect(body).toEqual({ status: "warning", messages: [expect.stringMatching(/set aside: 1 refused\./)] });
  });
});

describe("trouble on our side", () => {
  test("Hull does not take the status: who asked is answered, and the log says so", async () => {
    await open();
    house.hull.faults.add({ kind: "status", status: 500, route: "PUT /api/v1/:id/status" });
    expect((await ask(house, "/status")).body).toEqual({ status: "ok", messages: [] });
    expect(house.logs.map(({ message }) => message)).toContain("connector.status.unreported");
  });

  test("a store that does not answer is a 500 of the usual shape", async () => {
    await open();
    await ask(house, "/status");
    jest.spyOn(house.connector.store, "laneHealth").mockRejectedValue(new Error("The disk is gone."));
    const answer = await ask(house, "/status");
    expect([answer.status, answer.body]).toEqual([
      500,
      { status: "error", messages: [expect.stringMatching(/went wrong on our side/)] },
    ]);
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
    const answer = await ask(house, "/status", changes);
    expect([answer.status, Object.keys(answer.body)]).toEqual([status, ["flow_control", "error"]]);
    expect(house.hull.books.snapshot().statusReports).toBe(0);
    expect(calls()).toBe(0);
  });
});

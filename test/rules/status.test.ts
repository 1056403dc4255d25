/** The status says what is the case, and shows the token to nobody. */
import manifest from "../../manifest.json";
import type { FaultKind } from "../../simulators/loopback";
import { CONNECTOR, OPEN_SETTINGS, row, TOKEN, useFixtures, user, account } from "../fixture/fixture";
import { ask } from "../integration/asking";

const open = useFixtures();

test("a fresh install with the defaults of the manifest is well, and sends the name", async () => {
  const defaults = Object.fromEntries(
    manifest.private_settings.flatMap((setting) => ("default" in setting ? [[setting.name, setting.default]] : [])),
  );
  const { personal_acccess_token, tenant_id, contact_synchronized_segments } = OPEN_SETTINGS;
  const settings = { ...defaults, personal_acccess_token, tenant_id, contact_synchronized_segments };
  const fixture = await open({ settings });
  expect((await ask(fixture, "/status")).body).toEqual({ status: "ok", messages: [] });
  await fixture.deliverUser(user(1), account(1));
  expect(fixture.endusers()).toMatchObject([{ name: "Person 1" }]);
  expect((await ask(fixture, "/status")).body).toEqual({ status: "ok", messages: [] });
});

test("a token that Planhat refuses is an error that speaks of token and region", async () => {
  const fixture = await open({ settings: { personal_acccess_token: "mistyped-token" } });
  const { body } = await ask(fixture, "/status");
  expect(body).toEqual({
    status: "error",
    messages: [expect.stringMatching(/refuses the Personal Access Token.*another region: API Prefix is api\b/)],
  });
  expect(fixture.hull.connector(CONNECTOR.id).status).toMatchObject(body);
  expect(fixture.planhat.books.snapshot().requests).toEqual({ "GET /companies": { "401": 1 } });
});

test("a token of another region looks the same, and the prefix is named", async () => {
  const fixture = await open({ planhat: { clusters: ["api", "api-eu"] }, settings: { api_prefix: "api-eu" } });
  const { body } = await ask(fixture, "/status");
  expect(body).toMatchObject({ status: "error", messages: [expect.stringMatching(/API Prefix is api-eu\b/)] });
});

test("a token that dies is noticed at the next look", async () => {
  const fixture = await open();
  expect((await ask(fixture, "/status")).body).toMatchObject({ status: "ok" });
  fixture.planhat.revokeToken(TOKEN);
  fixture.advance(3);
  expect((await ask(fixture, "/status")).body).toMatchObject({ status: "error" });
});

test.each<readonly [string, FaultKind]>([
  // Planhat repeats what it was sent.
  ["status", { kind: "status", status: 500, body: `Bad token ${TOKEN}, Bearer ${TOKEN}` }],
  ["html", { kind: "wrong-shape", form: "html" }],
  ["reset", { kind: "reset-before" }],
])("neither answers nor logs carry the token, in good times and in bad (%s)", async (_name, fault) => {
  const fixture = await open({ settings: { contact_custom_attributes_outbound: [row("x", "X")] } });
  const said: string[] = [];
  const look = async (): Promise<void> => {
    for (const path of ["/status", "/schema/contacts", "/schema/companies", "/schema/licenses"]) {
      said.push((await ask(fixture, path)).text);
    }
    said.push(JSON.stringify(fixture.logs), JSON.stringify(fixture.hull.connector(CONNECTOR.id).status));
  };
  fixture.planhat.faults.add(fault);
  await look();
  fixture.planhat.faults.clear();
  await look();
  for (const secret of [TOKEN, CONNECTOR.secret]) expect(said.join("\n")).not.toContain(secret);
});

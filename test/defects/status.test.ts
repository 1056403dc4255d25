/** C11, C32, C33: a status that says what is the case, and secrets that nobody sees. */
import manifest from "../../manifest.json";
import { CONNECTOR, OPEN_SETTINGS, TOKEN } from "../fixture/fixture";
import { ask } from "../integration/asking";
import { openStage, userMessage, type Stage } from "./acme";

let fixture: Stage;
afterEach(async () => {
  await fixture.planhat.close();
  await fixture.close();
});

describe("C11: a fresh install is fine as it is", () => {
  test("with the defaults of the manifest the status is ok, and the name is sent", async () => {
    const defaults = Object.fromEntries(
      manifest.private_settings.flatMap((setting) => ("default" in setting ? [[setting.name, setting.default]] : [])),
    );
    const { personal_acccess_token, tenant_id, contact_synchronized_segments } = OPEN_SETTINGS;
    fixture = await openStage({
      settings: { ...defaults, personal_acccess_token, tenant_id, contact_synchronized_segments },
    });
    expect((await ask(fixture, "/status")).body).toEqual({ status: "ok", messages: [] });
    await fixture.deliver("user:update", [userMessage()]);
    expect(fixture.planhat.snapshot().endusers).toMatchObject([{ name: "Ann Miller" }]);
    expect((await ask(fixture, "/status")).body).toEqual({ status: "ok", messages: [] });
  });
});

describe("C32: the status asks Planhat", () => {
  test("a token that Planhat refuses is an error that speaks of token and region", async () => {
    fixture = await openStage({ settings: { personal_acccess_token: "mistyped-token" } });
    const { body } = await ask(fixture, "/status");
    expect(body).toEqual({
      status: "error",
      messages: [expect.stringMatching(/refuses the Personal Access Token.*another region: API Prefix is api\b/)],
    });
    expect(fixture.hull.connector(CONNECTOR.id).status).toMatchObject(body);
    expect(fixture.calls.map(({ route, result }) => [route, result])).toEqual([["GET /companies", "401"]]);
  });

  test("a token of another region looks the same, and the prefix is named", async () => {
    fixture = await openStage({ planhat: { clusters: ["api", "api-eu"] }, settings: { api_prefix: "api-eu" } });
    const { body } = await ask(fixture, "/status");
    expect(body).toMatchObject({ status: "error", messages: [expect.stringMatching(/API Prefix is api-eu\b/)] });
  });

  test("a token that dies is noticed at the next look", async () => {
    fixture = await openStage();
    expect((await ask(fixture, "/status")).body).toMatchObject({ status: "ok" });
    fixture.planhat.revokeToken(TOKEN);
    fixture.advance(3);
    expect((await ask(fixture, "/status")).body).toMatchObject({ status: "error" });
  });
});

describe("C33: the token is shown to nobody", () => {
  test("its setting is a password field", () => {
    const setting = manifest.private_settings.find(({ name }) => name === "personal_acccess_token");
    expect(setting).toMatchObject({ type: "string", format: "password" });
  });

  test.each(["status", "html", "reset"])(
    "neither answers nor logs carry it, in good times and in bad (%s)",
    async (bad) => {
      fixture = await openStage({
        settings: { contact_custom_attributes_outbound: [{ hull_field_name: "x", service_field_name: "X" }] },
      });
      const texts = async () => {
        const paths = ["/status", "/schema/contacts", "/schema/companies", "/schema/licenses"];
        return Promise.all(paths.map(async (path) => (await ask(fixture, path)).text));
      };
      const fault = {
        // Planhat repeats what it was sent.
        status: { kind: "status", status: 500, body: `Bad token ${TOKEN}, Bearer ${TOKEN}` },
        html: { kind: "wrong-shape", form: "html" },
        reset: { kind: "reset-before" },
      } as const;
      fixture.planhat.faults.add(fault[bad as keyof typeof fault]);
      const said = [
        ...(await texts()),
        JSON.stringify(fixture.logs),
        JSON.stringify(fixture.hull.connector(CONNECTOR.id).status),
      ];
      fixture.planhat.faults.clear();
      said.push(...(await texts()), JSON.stringify(fixture.logs));
      expect(said.join("\n")).not.toContain(TOKEN);
      expect(said.join("\n")).not.toContain(CONNECTOR.secret);
    },
  );
});

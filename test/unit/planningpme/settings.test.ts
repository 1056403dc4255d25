import { readSettings } from "../../../src/services/planningpme/settings/settings";
import { settingsOf } from "./stored";

describe("the settings of an installation", () => {
  it("take their defaults when they are absent, null or blank", () => {
    const blank = {
      api_host: " ",
      brand: "",
      app_key: null,
      token_exchange: "",
      authorization_scheme: null,
      synchronized_segments: null,
      customer_entity: null,
      customer_template: " ",
      customer_attributes_outbound: null,
      project_entity: "",
      model_layout: "",
      export_templates: null,
      since_zone: "",
      bulk_max_items: "",
    };
    for (const stored of [undefined, null, {}, blank]) {
      const result = readSettings(stored);
      expect(result).toMatchObject({ ok: true });
      if (!result.ok) continue;
      const nothing = { keyProperty: undefined, keyAttribute: undefined, rows: [], defaults: {}, policy: undefined };
      expect(result.settings).toEqual({
        apiHost: "api.planningpme.com",
        brand: undefined,
        appKey: undefined,
        authToken: undefined,
        tokenExchange: true,
        authorizationScheme: "Bearer",
        userSegments: [],
        accountSegments: [],
        imports: {
          customer: { ...nothing, entity: "account", template: "client-import" },
          project: { ...nothing, entity: undefined, template: "project-import" },
        },
        rowWarnings: [{ code: "missing_key_property", name: "customer_key_property", role: "customer" }],
        layout: "list",
        modelProperty: undefined,
        stopOnError: false,
        exports: [],
        fetchInterval: 180,
        sinceZone: "UTC",
        sinceOverlapHours: 24,
        requestsPerHour: 1800,
        bulkMaxItems: 1000,
      });
    }
  });

  it("are read as they were chosen, trimmed where people paste", () => {
    expect(
      settingsOf({
        api_host: " Try.PlanningPME.com ",
        brand: " MyCompany\n",
        app_key: "\tkey-1 ",
        auth_token: " token-1 ",
        token_exchange: "false",
        authorization_scheme: " Token ",
        synchronized_segments: ["ALL"],
        account_synchronized_segments: ["s1"],
        customer_entity: "user",
        customer_template: " dossier-import ",
        customer_write: "insert",
        project_entity: " account ",
        project_write: "update",
        model_layout: "property",
        model_property: "Customers",
        stop_on_error: "true",
        fetch_interval_exports: "0",
        since_zone: " Europe/Paris ",
        since_overlap_hours: 0,
        requests_per_hour: "500",
        bulk_max_items: "50",
      }),
    ).toMatchObject({
      apiHost: "try.planningpme.com",
      brand: "mycompany",
      appKey: "key-1",
      authToken: "token-1",
      tokenExchange: false,
      authorizationScheme: "Token",
      userSegments: ["ALL"],
      accountSegments: ["s1"],
      imports: {
        customer: { entity: "user", template: "dossier-import", policy: "insert" },
        project: { entity: "account", template: "project-import", policy: "update" },
      },
      layout: "property",
      modelProperty: "Customers",
      stopOnError: true,
      fetchInterval: 0,
      sinceZone: "Europe/Paris",
      sinceOverlapHours: 0,
      requestsPerHour: 500,
      bulkMaxItems: 50,
    });
  });

  it("stay within the rows that a call may carry", () => {
    expect(settingsOf({ bulk_max_items: 9000 }).bulkMaxItems).toBe(1000);
  });

  it.each(["", " ", "none", "None"])("take the scheme %j for a bare token", (scheme) => {
    expect(settingsOf({ authorization_scheme: scheme }).authorizationScheme).toBe("");
  });

  it.each(["", " ", "none"])("take the entity %j for none", (entity) => {
    expect(settingsOf({ customer_entity: entity }).imports.customer.entity).toBeUndefined();
  });

  it.each([
    ["api_host", "https://api.planningpme.com"],
    ["api_host", "api.planningpme.com/mycompany"],
    ["api_host", "api.planningpme.com:8443"],
    ["api_host", "me:secret@api.planningpme.com"],
    ["api_host", "127.0.0.1"],
    ["api_host", "[::1]"],
    ["api_host", "localhost"],
    ["api_host", "api..planningpme.com"],
    ["api_host", 1],
    ["brand", "."],
    ["brand", ".."],
    ["brand", "my/company"],
    ["brand", "my\\company"],
    ["brand", "%2e%2e"],
    ["brand", "my company"],
    ["brand", "company?x=1"],
    ["brand", "b".repeat(101)],
    ["app_key", "key 1"],
    ["auth_token", "Bearer token-1"],
    ["auth_token", {}],
    ["token_exchange", "perhaps"],
    ["authorization_scheme", "Bearer token-1"],
    ["authorization_scheme", 1],
    ["synchronized_segments", "s1"],
    ["account_synchronized_segments", [1]],
    ["customer_entity", "deal"],
    ["customer_template", ".."],
    ["project_template", "a/b"],
    ["customer_key_property", 7],
    ["customer_attributes_outbound", "email"],
    ["customer_defaults", {}],
    ["project_write", "delete"],
    ["model_layout", "xml"],
    ["stop_on_error", 1],
    ["export_templates", "client-export"],
    ["fetch_interval_exports", -1],
    ["since_zone", "Europe/Atlantis"],
    ["since_overlap_hours", -1],
    ["requests_per_hour", "many"],
    ["bulk_max_items", 0],
  ])("name the setting %s and a remedy when it holds %j", (setting, value) => {
    expect(readSettings({ [setting]: value })).toMatchObject({
      ok: false,
      problems: [expect.stringMatching(new RegExp(`^${setting}( row 1)?: (must be|contains) .*(again|enter)`))],
    });
  });

  it("are an object, or nothing", () => {
    expect(readSettings("settings")).toMatchObject({
      ok: false,
      problems: [expect.stringMatching(/must be an object/)],
    });
  });

  it("do not repeat in a problem what somebody typed", () => {
    const names = ["api_host", "brand", "app_key", "auth_token", "authorization_scheme", "since_zone", "model_layout"];
    const result = readSettings(Object.fromEntries(names.map((name) => [name, "s3cret /s3cret"])));
    expect(result).toMatchObject({ ok: false });
    expect(!result.ok && result.problems).toHaveLength(names.length);
    expect(JSON.stringify(result)).not.toContain("s3cret");
  });
});

import { readSettings } from "../../../src/services/planhat/settings/settings";
import { settingsOf } from "./messages";

const row = (hull_field_name: string, service_field_name: string) => ({ hull_field_name, service_field_name });
const fieldsOf = (rows: readonly { readonly field: string }[]) => rows.map((row) => row.field);

describe("the settings of an installation", () => {
  it("take their defaults when they are absent, null or blank", () => {
    const blank = { api_prefix: "", contact_attributes_outbound: null, bulk_max_items: "" };
    for (const stored of [undefined, null, {}, blank]) {
      const result = readSettings(stored);
      expect(result).toMatchObject({
        ok: true,
        warnings: [],
        settings: {
          token: undefined,
          apiPrefix: "api",
          requireEmail: true,
          clearOnNull: false,
          requestsPerMinute: 200,
          bulkMaxItems: 5000,
          bulkMaxBytes: 4_000_000,
        },
      });
      if (!result.ok) continue;
      expect(fieldsOf(result.settings.mapping.endusers)).toEqual(["name", "email"]);
      expect(fieldsOf(result.settings.mapping.companies)).toEqual(["name"]);
    }
  });

  it("read the token under both spellings, trimmed; a blank one is missing", () => {
    expect(settingsOf({ personal_acccess_token: "  abc\n" }).token).toBe("abc");
    expect(settingsOf({ personal_acccess_token: " ", personal_access_token: "xyz" }).token).toBe("xyz");
    expect(settingsOf({ personal_acccess_token: " \t" }).token).toBeUndefined();
  });

  it("keep an explicitly empty mapping empty and pass over rows with an empty cell", () => {
    const rows = [{ hull_field_name: "name" }, { hull_field_name: " ", service_field_name: "email" }, null];
    expect(settingsOf({ contact_attributes_outbound: [] }).mapping.endusers).toEqual([]);
    expect(settingsOf({ contact_attributes_outbound: rows }).mapping.endusers).toEqual([]);
  });

  it("understand the labels that older installations stored", () => {
    const rows = [
      ["account.external_id", "Company id (*)"],
      ["name", "Full name"],
      ["first_name", "First name"],
      ["last_name", "Last Name"],
      ["email", "EMAIL"],
      ["created_at", "Date created"],
    ].map(([hull = "", service = ""]) => row(hull, service));
    const result = readSettings({ contact_attributes_outbound: rows });
    expect(result).toMatchObject({ ok: true, warnings: [] });
    const known = ["name", "firstName", "lastName", "email", "createDate"];
    expect(result.ok && fieldsOf(result.settings.mapping.endusers)).toEqual(known);
    const companies = [row("name", "Name (*)"), row("csm", "co-owner")];
    const { mapping } = settingsOf({ account_attributes_outbound: companies });
    expect(fieldsOf(mapping.companies)).toEqual(["name", "coOwner"]);
    const fullName = [row("name", "fullName")];
    expect(fieldsOf(settingsOf({ contact_attributes_outbound: fullName }).mapping.endusers)).toEqual(["name"]);
  });

  it("warn of unknown, fixed and doubly mapped fields and leave those rows out", () => {
    const result = readSettings({
      contact_attributes_outbound: [
        ...[row("a", "shoeSize"), row("b", "companyName"), row("c", "name"), row("d", "Full Name")],
      ],
      account_attributes_outbound: [{ hull_field_name: "crm_id", service_field_name: "externalId" }],
    });
    const warnings = ["unknown_field", "fixed_field", "duplicate_field", "fixed_field"].map((code) => ({ code }));
    expect(result).toMatchObject({ ok: true, warnings });
    if (result.ok) expect(result.settings.mapping.endusers.map((row) => row.attribute.text)).toEqual(["d"]);
  });

  it("understand custom fields that were picked from the list of all fields, and no blank ones", () => {
    const rows = ["custom.Health score", "custom.a.b[0] ", "custom.", "custom. "].map((name) => row("x", name));
    for (const [setting, type] of [
      ["contact_attributes_outbound", "endusers"],
      ["account_attributes_outbound", "companies"],
      ["account_licenses_attributes_outbound", "licenses"],
    ] as const) {
      const { mapping, oddRows } = settingsOf({ [setting]: rows });
      expect(fieldsOf(mapping[type])).toEqual(["custom.Health score", "custom.a.b[0] "]);
      expect(oddRows.map(({ code, name }) => [code, name])).toEqual([
        ["unknown_field", "custom."],
        ["unknown_field", "custom. "],
      ]);
    }
  });

  it("notice when both tables name one custom field", () => {
    const result = readSettings({
      account_attributes_outbound: [{ hull_field_name: "a", service_field_name: "custom.Risk" }],
      account_custom_attributes_outbound: [{ hull_field_name: "b", service_field_name: "Risk" }],
    });
    expect(result).toMatchObject({ ok: true, warnings: [{ code: "duplicate_field" }] });
    if (result.ok) expect(result.settings.mapping.companies.map((row) => row.attribute.text)).toEqual(["b"]);
  });

  it("take custom names literally", () => {
    const rows = ["a.b[0]", " padded ", "__proto__"].map((name) => row("x", name));
    const { mapping } = settingsOf({ contact_attributes_outbound: [], contact_custom_attributes_outbound: rows });
    expect(fieldsOf(mapping.endusers)).toEqual(["custom.a.b[0]", "custom. padded ", "custom.__proto__"]);
  });

  it.each([
    ["personal_acccess_token", 12],
    ["personal_acccess_token", "with blank"],
    ["api_prefix", "api.evil.example/"],
    ["contact_synchronized_segments", "s1"],
    ["account_synchronized_segments", [1]],
    ["contact_attributes_outbound", "name"],
    ["account_attributes_outbound", [{ hull_field_name: 3, service_field_name: "name" }]],
    ["contact_require_email", "perhaps"],
    ["bulk_max_items", "many"],
    ["requests_per_minute", 0],
    ["fetch_interval_users", {}],
  ])("name the setting %s and a remedy when it holds %j", (setting, value) => {
    const result = readSettings({ [setting]: value });
    expect(result.ok).toBe(false);
    if (!result.ok)
      expect(result.problems).toEqual([
        expect.stringMatching(new RegExp(`^${setting}.*: .*(again|choose|enter|switch)`)),
      ]);
  });

  it("read numbers and switches written as text, and cap what Planhat limits", () => {
    const numbers = { bulk_max_items: "9000", requests_per_minute: " 60 ", fetch_interval_users: "720" };
    expect(settingsOf({ ...numbers, clear_on_null: "true" })).toMatchObject({
      bulkMaxItems: 5000,
      requestsPerMinute: 60,
      fetchIntervalMinutes: { endusers: 720, companies: 180 },
      clearOnNull: true,
    });
  });
});

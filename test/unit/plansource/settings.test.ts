import { readSettings } from "../../../src/services/plansource/settings/settings";
import type { PlanSourceSettings } from "../../../src/services/plansource/settings/settings";

const row = (hull_field_name: string, service_field_name: string, clear_when_blank?: unknown) => ({
  hull_field_name,
  service_field_name,
  clear_when_blank,
});
const mapped = (...rows: readonly unknown[]) => readSettings({ subscriber_attributes_outbound: rows });

function settingsOf(stored: Readonly<Record<string, unknown>> = {}): PlanSourceSettings {
  const result = readSettings(stored);
  if (!result.ok) throw new Error(result.problems.join("\n"));
  return result.settings;
}
const fieldsOf = ({ rows }: PlanSourceSettings) => rows.map(({ attribute, field }) => [attribute.text, field]);

const DEFAULT_ROWS = [
  ["external_id", "subscriber_code"],
  ["first_name", "first_name"],
  ["last_name", "last_name"],
  ["email", "email"],
];

describe("the settings of an installation", () => {
  it("take their defaults when they are absent, null or blank", () => {
    const blank = {
      environment: " ",
      client_id: "",
      subscriber_key: null,
      synchronized_segments: null,
      subscriber_attributes_outbound: null,
      termination_date_attribute: " ",
      terminate_on_leaving_segments: "",
      bulk_max_items: "",
    };
    for (const stored of [undefined, null, {}, blank]) {
      const result = readSettings(stored);
      expect(result).toMatchObject({ ok: true, warnings: [] });
      if (!result.ok) continue;
      const { rows, ...rest } = result.settings;
      expect(rest).toEqual({
        environment: "partner-dev",
        clientId: undefined,
        clientSecret: undefined,
        loggedInUser: undefined,
        subscriberKey: "subscriber_code",
        segments: [],
        rowWarnings: [],
        lifeCycle: {
          terminationDate: undefined,
          terminationReason: undefined,
          voluntary: undefined,
          rehireDate: undefined,
          onLeavingSegments: false,
          defaultReason: undefined,
        },
        dateFormat: "slash",
        tokenPerCall: false,
        assertionAlgorithm: "HS256",
        loggedInUserIn: "claim",
        bulkUpdates: false,
        bulkMaxItems: 200,
        terminationFlagName: "voluntary",
        includeTestEmployees: false,
        fetchInterval: 180,
        requestsPerMinute: 120,
        concurrentRequests: 2,
      });
      expect(rows.map(({ clearWhenBlank }) => clearWhenBlank)).toEqual([false, false, false, false]);
      expect(fieldsOf(result.settings)).toEqual(DEFAULT_ROWS);
    }
  });

  it("are read as they were chosen, trimmed where people paste", () => {
    const settings = settingsOf({
      environment: "production",
      client_id: "  client-1\n",
      client_secret: "\tsecret ",
      logged_in_user: " hr.admin ",
      subscriber_key: "id",
      synchronized_segments: ["ALL"],
      termination_date_attribute: "traits_left_at",
      termination_reason_attribute: " hr/reason ",
      termination_voluntary_attribute: "hr/voluntary",
      rehire_date_attribute: "account.back_on",
      terminate_on_leaving_segments: "true",
      termination_reason_default: " QUIT ",
      date_format: "dash",
      token_per_call: true,
      assertion_algorithm: "HS512",
      logged_in_user_in: "form",
      bulk_updates: "true",
      bulk_max_items: "50",
      termination_flag_name: "volunatary",
      include_test_employees: true,
      fetch_interval_subscribers: "0",
      requests_per_minute: 30,
      concurrent_requests: "4",
    });
    expect(settings).toMatchObject({
      environment: "production",
      clientId: "client-1",
      clientSecret: "secret",
      loggedInUser: "hr.admin",
      subscriberKey: "id",
      segments: ["ALL"],
      lifeCycle: {
        terminationDate: { text: "traits_left_at", from: "user" },
        terminationReason: { text: "hr/reason" },
        voluntary: { text: "hr/voluntary" },
        rehireDate: { text: "account.back_on", from: "account" },
        onLeavingSegments: true,
        defaultReason: "QUIT",
      },
      dateFormat: "dash",
      tokenPerCall: true,
      assertionAlgorithm: "HS512",
      loggedInUserIn: "form",
      bulkUpdates: true,
      bulkMaxItems: 50,
      terminationFlagName: "volunatary",
      includeTestEmployees: true,
      fetchInterval: 0,
      requestsPerMinute: 30,
      concurrentRequests: 4,
    });
  });

  it("stay within what can be read row by row, and within the calls at once that are possible", () => {
    expect(settingsOf({ bulk_max_items: 9000, concurrent_requests: "99" })).toMatchObject({
      bulkMaxItems: 500,
      concurrentRequests: 10,
    });
  });

  it.each([
    ["environment", "staging"],
    ["client_id", 12],
    ["client_id", "c".repeat(101)],
    ["client_id", "client\nsecret"],
    ["client_secret", {}],
    ["logged_in_user", ["me"]],
    ["subscriber_key", "email"],
    ["synchronized_segments", "s1"],
    ["synchronized_segments", [1]],
    ["subscriber_attributes_outbound", "email"],
    ["termination_date_attribute", 3],
    ["terminate_on_leaving_segments", "perhaps"],
    ["termination_reason_default", 4],
    ["date_format", "us"],
    ["assertion_algorithm", "none"],
    ["bulk_max_items", 0],
    ["requests_per_minute", "many"],
    ["fetch_interval_subscribers", -1],
  ])("name the setting %s and a remedy when it holds %j", (setting, value) => {
    const result = readSettings({ [setting]: value });
    expect(result).toMatchObject({
      ok: false,
      problems: [expect.stringMatching(new RegExp(`^${setting}( row 1)?: must be .*(again|enter)`))],
    });
  });

  it("are an object, or nothing", () => {
    expect(readSettings("settings")).toMatchObject({
      ok: false,
      problems: [expect.stringMatching(/must be an object/)],
    });
  });

  it("do not repeat in a problem what somebody typed", () => {
    const result = readSettings({ environment: "s3cret-environment", assertion_algorithm: "s3cret-algorithm" });
    expect(result).toMatchObject({ ok: false });
    expect(JSON.stringify(result)).not.toContain("s3cret");
  });
});

describe("the rows of the mapping", () => {
  it("say whether an empty value clears the field", () => {
    const result = mapped(
      row("a", "city", true),
      row("b", "state", "true"),
      row("c", "email", false),
      row("d", "email2"),
      row("e", "county", null),
    );
    expect(result).toMatchObject({ ok: true, warnings: [] });
    if (!result.ok) return;
    expect(result.settings.rows.map(({ field, clearWhenBlank }) => [field, clearWhenBlank])).toEqual([
      ["city", true],
      ["state", true],
      ["email", false],
      ["email2", false],
      ["county", false],
    ]);
  });

  it("never clear the code by which PlanSource finds employees", () => {
    expect(mapped(row("external_id", "subscriber_code", true))).toMatchObject({
      settings: { rows: [{ field: "subscriber_code", clearWhenBlank: false }] },
    });
  });

  it("are passed over when a cell is empty, and an empty table stays empty", () => {
    const incomplete = [row("a", " "), row(" ", "city"), row("traits_", "city"), { hull_field_name: "a" }, null];
    expect(mapped(...incomplete)).toMatchObject({ ok: true, warnings: [], settings: { rows: [] } });
    expect(mapped()).toMatchObject({ settings: { rows: [] } });
  });

  it("understand a field as people read it in the list", () => {
    expect(mapped(row("a", " Zip code "), row("b", "Udef 7"), row("c", "SSN"))).toMatchObject({
      warnings: [],
      settings: { rows: [{ field: "zip_code" }, { field: "udef_7" }, { field: "ssn" }] },
    });
  });

  it("are left out with a warning where the field is unknown, fixed or mapped twice", () => {
    const result = mapped(
      row("a", "shoe_size"),
      row("b", "constructor"),
      row("c", "id"),
      row("d", "employment_status"),
      row("e", "termination_date"),
      row("f", "termination_reason"),
      row("g", "city"),
      row("h", "City"),
    );
    expect(result).toMatchObject({
      ok: true,
      settings: {
        rows: [{ field: "city", attribute: { text: "h" } }],
        rowWarnings: [
          { code: "unknown_field", name: "shoe_size" },
          { code: "unknown_field", name: "constructor" },
          { code: "fixed_field", name: "id" },
          { code: "fixed_field", name: "employment_status" },
          { code: "fixed_field", name: "termination_date" },
          { code: "fixed_field", name: "termination_reason" },
          { code: "duplicate_field", name: "city" },
        ],
      },
    });
    expect(result.ok && result.settings.rows).toHaveLength(1);
    expect(result.ok && result.warnings.map(({ code, text }) => [code, text.slice(text.lastIndexOf("("))])).toEqual([
      ["unknown_field", "(shoe_size)"],
      ["unknown_field", "(constructor)"],
      ["fixed_field", "(id)"],
      ["fixed_field", "(employment_status)"],
      ["fixed_field", "(termination_date)"],
      ["fixed_field", "(termination_reason)"],
      ["duplicate_field", "(city)"],
    ]);
  });

  it.each([
    [{ hull_field_name: 3, service_field_name: "city" }, /^subscriber_attributes_outbound row 2, hull_field_name: /],
    [row("a", "city", "perhaps"), /^subscriber_attributes_outbound row 2, clear_when_blank: .*switch/],
    ["a row", /^subscriber_attributes_outbound row 2: .*save the table again/],
  ])("that cannot be read are named with their column: %j", (bad, problem) => {
    expect(mapped(row("a", "city"), bad)).toMatchObject({ ok: false, problems: [expect.stringMatching(problem)] });
  });
});

import { checkOutcomes, checkSettings } from "../../../src/services/planhat/settings/status";
import { settingsOf } from "./messages";

const BASE = {
  personal_acccess_token: "token",
  tenant_id: "0b7e1f3a-0000-4000-8000-000000000001",
  contact_synchronized_segments: ["s1"],
};
const rows = (...fields: readonly string[]) =>
  fields.map((field) => ({ hull_field_name: `hull_${field}`, service_field_name: field }));
const users = (...fields: readonly string[]) => ({ contact_attributes_outbound: rows(...fields) });
const licenses = (...fields: readonly string[]) => ({
  account_licenses_attribute: "licenses",
  account_licenses_attributes_outbound: rows(...fields),
});
const LICENSES = licenses("externalId", "_currency", "fromDate", "mrr");
const NAMELESS = /neither name nor both of firstName and lastName/;

const check = (stored: Readonly<Record<string, unknown>> = {}): readonly (readonly [string, string])[] =>
  checkSettings(settingsOf({ ...BASE, ...stored })).map(({ level, text }) => [level, text]);
const matching = (text: RegExp): string => expect.stringMatching(text) as string;

describe("the checks of the earlier connector", () => {
  test("nothing is wrong with the default mapping", () => {
    expect(check()).toEqual([]);
    expect(check(LICENSES)).toEqual([]);
  });

  test.each([undefined, null, "", "  "])("no personal access token (%j): setup is required", (token) => {
    expect(check({ personal_acccess_token: token })).toEqual([["setupRequired", matching(/^Personal Access Token/)]]);
  });

  test.each([undefined, null, "", " \t"])("no tenant token (%j): setup is required", (tenant) => {
    expect(check({ tenant_id: tenant })).toEqual([["setupRequired", matching(/^Tenant Token/)]]);
  });

  test("without tokens nothing else is said", () => {
    expect(check({ personal_acccess_token: "", tenant_id: "", account_attributes_outbound: [] })).toHaveLength(2);
  });

  test.each([
    [
      "a license attribute without a mapping",
      { account_licenses_attribute: "licenses" },
      "warning",
      /^Licenses account attribute is chosen/,
    ],
    [
      "a license mapping without an attribute",
      { account_licenses_attributes_outbound: rows("externalId") },
      "warning",
      /^Licenses are mapped/,
    ],
    [
      "an unknown property of endusers",
      users("name", "email", "shoeSize"),
      "error",
      /^User attributes mapping: "shoeSize" is not a property of Planhat's endusers/,
    ],
    [
      "an unknown property of companies",
      { account_attributes_outbound: rows("name", "shoeSize") },
      "error",
      /^Account attributes mapping: "shoeSize"/,
    ],
    [
      "an unknown property of licenses",
      licenses("externalId", "_currency", "fromDate", "mrr", "shoeSize"),
      "error",
      /^Licenses attributes mapping: "shoeSize"/,
    ],
    ["endusers with neither external id nor e-mail", users("name"), "error", /neither email nor externalId/],
    ["endusers without a name", users("email"), "error", NAMELESS],
    ["endusers with half a name", users("email", "firstName"), "error", NAMELESS],
    ["companies without a name", { account_attributes_outbound: rows("phase") }, "error", /no row for name/],
    ["licenses without externalId", licenses("_currency", "fromDate", "mrr"), "error", /no row for externalId/],
    ["licenses without _currency", licenses("externalId", "fromDate", "mrr"), "error", /no row for _currency/],
    ["licenses without fromDate", licenses("externalId", "_currency", "mrr"), "error", /no row for fromDate/],
    [
      "licenses with neither mrr nor value",
      licenses("externalId", "_currency", "fromDate"),
      "error",
      /neither mrr nor value/,
    ],
  ] as const)("%s", (_, stored, level, text) => {
    expect(check(stored)).toEqual([[level, matching(text)]]);
  });

  test.each([
    { contact_attributes_outbound: rows("externalId", "firstName", "lastName") },
    { contact_attributes_outbound: rows("Email", "Full Name") },
    { account_attributes_outbound: rows("Name (*)") },
    licenses("externalId", "_currency", "fromDate", "value"),
  ])("%j is fine", (stored) => {
    expect(check(stored)).toEqual([]);
  });

  test("come in their order", () => {
    const found = check({
      account_licenses_attribute: "licenses",
      contact_attributes_outbound: rows("shoeSize"),
      account_attributes_outbound: [],
    });
    expect(found.map(([level]) => level)).toEqual(["warning", "error", "error", "error", "error"]);
  });
});

describe("further checks", () => {
  test("a tenant token that is no UUID is a warning that does not repeat it", () => {
    const found = check({ tenant_id: "my-tenant" });
    expect(found).toEqual([["warning", matching(/^Tenant Token does not look like/)]]);
    expect(JSON.stringify(found)).not.toContain("my-tenant");
  });

  test("rows that do not count are named", () => {
    const found = check({
      contact_attributes_outbound: rows("name", "email", "companyName", "Full Name"),
      contact_attributes_inbound: [{ hull: "traits_email", service: "email" }],
    });
    expect(found).toEqual([
      ["warning", matching(/^User attributes mapping: "companyName" is set by the connector or by Planhat/)],
      ["warning", matching(/^User attributes mapping: "name" is filled by several rows/)],
      ["warning", matching(/^Incoming user attributes mapping: "email" is set by the connector/)],
    ]);
  });

  test("two empty filters are no trouble, and said all the same", () => {
    expect(check({ contact_synchronized_segments: [], account_synchronized_segments: [] })).toEqual([
      ["ok", matching(/both empty/)],
    ]);
    expect(check({ contact_synchronized_segments: [], account_synchronized_segments: ["a1"] })).toEqual([]);
  });
});

describe("what the last day's outcomes say", () => {
  it("is nothing as long as owners are users of Planhat", () => {
    expect(checkOutcomes({ "companies/sent/created": 5, "companies/skipped/missing_name": 2 })).toEqual([]);
  });

  it("counts accounts whose owner is none, with the remedy", () => {
    const outcomes = { "companies/skipped/invalid_owner": 1, "companies/skipped/invalid_co_owner": 12 };
    expect(checkOutcomes(outcomes)).toEqual([
      {
        level: "warning",
        text: expect.stringMatching(/^Once in .* its Owner is .* e-mail .* take Owner out of/) as string,
      },
      { level: "warning", text: expect.stringMatching(/^12 times in .* its Co-Owner is /) as string },
    ]);
  });
});

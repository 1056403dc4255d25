import type { CustomField } from "../../../src/services/planhat/api/custom-fields";
import { incomingField } from "../../../src/services/planhat/settings/incoming";
import { optionsOf } from "../../../src/services/planhat/settings/schema";
import type { FieldUse } from "../../../src/services/connection";
import { custom, settingsOf } from "./messages";

/** What the earlier connector offered: value and label. */
const EARLIER = {
  contacts: [
    ["createDate", "Date created"],
    ["externalId", "External id"],
    ["name", "Full Name"],
    ["position", "Position"],
    ["phone", "Phone"],
    ["email", "Email"],
    ["featured", "Featured"],
    ["tags", "Tags"],
    ["firstName", "First name"],
    ["lastName", "Last Name"],
  ],
  companies: [
    ["name", "Name (*)"],
    ["slug", "Slug"],
    ["owner", "Owner"],
    ["coOwner", "Co-Owner"],
    ["phase", "Lifecycle phase"],
    ["tags", "Tags"],
  ],
  licenses: [
    ["externalId", "External ID (*)"],
    ["product", "Product"],
    ["_currency", "Currency (*)"],
    ["fromDate", "From Date (*)"],
    ["toDate", "To Date"],
    ["fixedPeriod", "Fixed Period"],
    ["mrr", "MRR (*)"],
    ["value", "Total Value (*)"],
    ["renewalStatus", "Renewal Status"],
    ["autoRenews", "Auto Renewal"],
    ["renewalPeriod", "Renewal Period (in months)"],
    ["noticePeriod", "Notice Period (in days)"],
  ],
} as const;

const OUTGOING = {
  contacts: ["contact_attributes_outbound", "endusers"],
  companies: ["account_attributes_outbound", "companies"],
  licenses: ["account_licenses_attributes_outbound", "licenses"],
} as const;
const TABLES = ["contacts", "companies", "licenses"] as const;

const values = (table: string, use: FieldUse = "outgoing", own: readonly CustomField[] = []): readonly string[] =>
  (optionsOf(table, use, own) ?? []).map(({ value }) => value);

describe("the lists for what is sent", () => {
  test.each(TABLES)("%s offer what the earlier connector did, under the same values and labels", (table) => {
    const offered = optionsOf(table, "outgoing", []);
    for (const [value, label] of EARLIER[table]) expect(offered).toContainEqual({ value, label });
  });

  test.each(TABLES)("every choice of %s is understood in a row, and so is its label", (table) => {
    const [setting, type] = OUTGOING[table];
    for (const { value, label } of optionsOf(table, "outgoing", [custom("A.b[0] c", { type })]) ?? []) {
      for (const written of value.startsWith("custom.") ? [value] : [value, label]) {
        const settings = settingsOf({ [setting]: [{ hull_field_name: "x", service_field_name: written }] });
        expect({ written, fields: settings.mapping[type].map(({ field }) => field) }).toEqual({
          written,
          fields: [value],
        });
        expect(settings.oddRows).toEqual([]);
      }
    }
  });

  test("leave out what the connector or Planhat sets", () => {
    expect(values("contacts")).not.toEqual(expect.arrayContaining(["companyId"]));
    expect(values("contacts")).not.toEqual(expect.arrayContaining(["companyName"]));
    expect(values("companies")).not.toEqual(expect.arrayContaining(["externalId"]));
    expect(values("licenses")).not.toEqual(expect.arrayContaining(["companyId"]));
  });

  test("offer the custom fields of their own table, less hidden and computed ones", () => {
    const own = [
      custom("Health"),
      custom("Hidden", { hidden: true }),
      custom("Sum", { formula: true }),
      custom("Risk", { type: "companies" }),
      custom("Asset", { type: undefined }),
    ];
    expect(values("contacts", "outgoing", own).filter((value) => value.startsWith("custom."))).toEqual([
      "custom.Health",
    ]);
    expect(values("companies", "outgoing", own)).toContain("custom.Risk");
  });

  test("are in order of their labels, and name each value once", () => {
    const offered =
      optionsOf("contacts", "outgoing", [custom("Zoo"), custom("email"), custom("Aa"), custom("Zoo")]) ?? [];
    const labels = offered.map(({ label }) => label);
    expect(labels).toEqual([...labels].sort((left, right) => left.localeCompare(right, "en")));
    expect(labels[0]).toBe("Aa (custom)");
    expect(new Set(offered.map(({ value }) => value)).size).toBe(offered.length);
  });
});

test("the lists for what is read offer what is computed as well, and every choice is understood", () => {
  const own = [custom("Sum", { formula: true }), custom("Hidden", { hidden: true })];
  const offered = values("contacts", "incoming", own);
  expect(offered).toEqual(expect.arrayContaining(["companyName", "nps", "custom.Sum"]));
  expect(offered).not.toContain("custom.Hidden");
  expect(values("companies", "incoming")).toEqual(expect.arrayContaining(["mrr", "renewalDate", "externalId"]));
  for (const value of offered) expect(incomingField("endusers", value)).toBe(value);
  for (const value of values("companies", "incoming")) expect(incomingField("companies", value)).toBe(value);
});

test("custom fields alone go by their names, as the table for them is read", () => {
  expect(optionsOf("contacts", "custom", [custom("Health score"), custom("Sum", { formula: true })])).toEqual([
    { value: "Health score", label: "Health score" },
  ]);
});

test.each([
  ["endusers", "outgoing"],
  ["__proto__", "outgoing"],
  ["toString", "custom"],
  ["licenses", "incoming"],
] as const)("there is no list %s, %s", (table, use) => {
  expect(optionsOf(table, use, [])).toBeUndefined();
});

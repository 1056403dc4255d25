/** What Hull is told of a row, with the rows that Planhat really sent. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createReader } from "../../../src/services/planhat/incoming/incoming";
import type { Directory, Member } from "../../../src/services/planhat/api/owners";
import { isRow } from "../../../src/services/planhat/api/rest";
import type { Row } from "../../../src/services/planhat/api/rest";
import { hullAttribute } from "../../../src/services/planhat/object-types";
import type { IncomingAttribute } from "../../../src/services/connection";
import type { Json } from "../../../src/record";
import { settingsOf } from "./messages";

function fixture(name: string): Row {
  const content: unknown = JSON.parse(readFileSync(join(__dirname, `../../fixtures/planhat/${name}.json`), "utf8"));
  const row: unknown = Array.isArray(content) ? content[0] : content;
  if (!isRow(row)) throw new Error(`${name} holds no record.`);
  return row;
}

const enduser = fixture("endusers-list");
const company = fixture("company");
const listedCompany = fixture("companies-list");

interface Told {
  readonly fields?: readonly string[];
  readonly stored?: Record<string, unknown>;
  readonly members?: Directory;
}

const read = (type: string, row: Row, { fields = [], stored = {}, members }: Told = {}) =>
  createReader(type, fields, settingsOf(stored), members)(row);
const told = (type: string, row: Row, more: Told = {}) => read(type, row, more).attributes;
const values = (attributes: readonly IncomingAttribute[]): Record<string, Json> =>
  Object.fromEntries(attributes.map(({ attribute, value }) => [attribute, value]));
const named = (attributes: readonly IncomingAttribute[], name: string) =>
  attributes.find(({ attribute }) => attribute === name);
/** What no complete row of a company lacks. */
const WHOLE = { name: "Acme", updatedAt: "2026-01-01T00:00:00.000Z" };
const TOLD_WHOLE = { "planhat/name": "Acme", name: "Acme", "planhat/updated_at": WHOLE.updatedAt };
const company1 = (more: Record<string, unknown>): Row => ({ _id: "c1", ...more });

describe("an enduser", () => {
  it("is told property by property, empty values included", () => {
    expect(values(told("endusers", enduser))).toEqual({
      "planhat/id": "5e26e38abf07307b89e48d59",
      "planhat/shared_notifications_prefs": '{"disabled":[],"disabledEvents":[],"enabled":[]}',
      "planhat/other_emails": [],
      "planhat/featured": true,
      "planhat/tags": ["DM", "Main User"],
      "planhat/personas": [],
      "planhat/nps_unsubscribed": false,
      "planhat/beat_trend": 0,
      "planhat/beats": 0,
      "planhat/convs_14": 0,
      "planhat/convs_total": 0,
      "planhat/beats_total": 0,
      "planhat/experience": 0,
      "planhat/email": "person03@example.com",
      "planhat/first_name": "first-toaonxe75e",
      "planhat/last_name": "last-toaonxe75e",
      "planhat/company_id": "5e15901391025d870eec1236",
      "planhat/company_name": "Test Company",
      "planhat/external_id": "toaonxe75e",
      "planhat/position": "CIO",
      "planhat/phone": "0037100000000",
      "planhat/name": "first-toaonxe75e last-toaonxe75e",
      "planhat/create_date": "2020-01-21T11:42:02.562Z",
      "planhat/related_endusers": [],
      "planhat/updated_at": "2020-01-21T11:42:02.565Z",
      "planhat/email_md_5": "0a8ad6b0948976d2cc89767fe19e1326",
      name: "first-toaonxe75e last-toaonxe75e",
    });
  });

  it("says who it is, and when it changed", () => {
    expect(read("endusers", enduser, { fields: ["email", "custom.NPS"] })).toMatchObject({
      claims: { external_id: "toaonxe75e", email: "person03@example.com" },
      record: {
        id: "5e26e38abf07307b89e48d59",
        keys: { externalId: "toaonxe75e", email: "person03@example.com" },
        parentId: "5e15901391025d870eec1236",
        fields: { email: "person03@example.com", "custom.NPS": null },
        complete: true,
        createdAtMs: Date.parse("2020-01-21T11:42:02.562Z"),
        updatedAtMs: Date.parse("2020-01-21T11:42:02.565Z"),
      },
    });
  });

  it("without updatedAt and keys is told all the same", () => {
    const { record, claims, attributes } = read("endusers", { _id: "e1", externalId: "", email: " ", featured: false });
    expect(record).not.toHaveProperty("updatedAtMs");
    expect(claims).toEqual({});
    expect(values(attributes)).toMatchObject({ "planhat/id": "e1", "planhat/featured": false, "planhat/email": " " });
  });
});

describe("a company", () => {
  it("is told what Planhat really shows of one, objects as text", () => {
    expect(values(told("companies", company))).toMatchObject({
      "planhat/id": "61006bc89a3e0b702ed8ea49",
      "planhat/owner": "60ccb1c5965cc9e0f3848075",
      "planhat/domains": ["school.example"],
      "planhat/custom_days_in_phase": 0,
      "planhat/custom_days_until_renewal": 364,
      "planhat/custom_overdue_invoices": 1,
      "planhat/phase": "Onboarding",
      "planhat/sunits": '{"5b49b52a1ac87812818de26d":{"default":true,"status":"on"}}',
      "planhat/last_touch_by_type": '{"note":"2021-08-22T16:15:50.772Z"}',
      "planhat/last_updated_at": "2021-08-11T16:12:41.657Z",
      "planhat/updated_at": "2021-08-09T16:54:17.298Z",
      "planhat/usage": null,
      "planhat/auto_renews": false,
      "planhat/mrr": 0,
      "planhat/nrr_30": 15000,
      "planhat/h_diff": -2,
      name: "Company Clinic",
    });
    const attributes = told("companies", company).map(({ attribute }) => attribute);
    for (const absent of ["planhat/shareable", "planhat/custom", "planhat/v", "planhat/last_updated", "planhat/_v"]) {
      expect(attributes).not.toContain(absent);
    }
    expect(new Set(attributes).size).toBe(attributes.length);
  });

  it("is told from the little that older lists show", () => {
    expect(values(told("companies", listedCompany))).toMatchObject({
      "planhat/status": "customer",
      "planhat/next_touch": 1580229961944,
      name: "Test Company",
    });
    expect(read("companies", listedCompany)).toMatchObject({ claims: {}, record: { keys: {} } });
  });

  it("is known by its external id, though Planhat shows it as a number, if its digits are certain", () => {
    const claims = (externalId: unknown) => read("companies", company1({ externalId })).claims;
    expect(claims(42)).toEqual({ external_id: "42" });
    expect(claims("9007199254740993")).toEqual({ external_id: "9007199254740993" });
    for (const externalId of [1e21, null, "", " ", {}]) expect(claims(externalId)).toEqual({});
  });

  it("is known by its domain only if it has no other", () => {
    const claims = (domains: unknown) => read("companies", company1({ externalId: "acme", domains })).claims;
    expect(claims(["acme.example"])).toEqual({ external_id: "acme", domain: "acme.example" });
    for (const domains of [[], ["a.example", "b.example"], [""], [7], "acme.example", null]) {
      expect(claims(domains)).toEqual({ external_id: "acme" });
    }
    expect(read("companies", company1({ email: "a@acme.example" })).claims).toEqual({});
  });

  it("names its owner by id, in whichever form the owner comes", () => {
    for (const owner of ["u1", { _id: "u1", nickName: "O" }]) {
      expect(named(told("companies", company1({ owner })), "planhat/owner")?.value).toBe("u1");
    }
    expect(named(told("companies", company1({ owner: null })), "planhat/owner")?.value).toBeNull();
  });
});

describe("a license", () => {
  it("is read and not told: Hull has no object of its kind", () => {
    const license = read("licenses", fixture("license"), { fields: ["mrr", "externalId"] });
    expect(license).toMatchObject({
      record: { parentId: "5df0afda6c7e8e21d74136db", fields: { mrr: 1250, externalId: null } },
      claims: {},
      attributes: [],
    });
  });
});

describe("the attribute of a field", () => {
  it("is the one that a write-back fills, for odd names too", () => {
    const custom = { "# Overdue Invoices": 1, "a.b[c]": 2, Días: 3, "###": 4, ["__proto__x"]: 5 };
    const attributes = told("companies", company1({ hDiff: 1, custom }));
    for (const { field, attribute } of attributes.filter((each) => each.attribute.startsWith("planhat/"))) {
      expect(attribute).toBe(hullAttribute("companies", field));
    }
    expect(values(attributes)).toMatchObject({
      "planhat/custom_overdue_invoices": 1,
      "planhat/custom_a_b_c": 2,
      "planhat/custom_dias": 3,
      "planhat/custom_proto_x": 5,
    });
    expect(attributes).toHaveLength(1 + 1 + 5);
  });

  it("survives names that an object already has", () => {
    const custom: unknown = JSON.parse('{"__proto__": 1, "constructor": 2, "": 3}');
    const attributes = values(told("companies", company1({ custom, constructor: 4 })));
    expect(attributes).toMatchObject({
      "planhat/custom_proto": 1,
      "planhat/custom_constructor": 2,
      "planhat/constructor": 4,
    });
  });

  it("belongs to one field of several: the mapped one, else a property, else the first by name", () => {
    const row = company1({ customNps: 1, custom: { nps: 2, NPS: 3, "N.P.S": 4, "MRR %": 5, "MRR #": 6 } });
    expect(told("companies", row)).toMatchObject([
      { field: "_id" },
      { field: "customNps", value: 1 },
      { field: "custom.MRR #", value: 6 },
      { field: "custom.N.P.S", attribute: "planhat/custom_n_p_s", value: 4 },
    ]);
    const mapped = told("companies", row, { fields: ["custom.MRR %", "custom.nps"] });
    expect(mapped.slice(1, 3)).toMatchObject([
      { field: "custom.MRR %", value: 5 },
      { field: "custom.nps", value: 2 },
    ]);
    expect(mapped).toHaveLength(4);
  });

  it("is never the id's, whatever else calls itself id", () => {
    expect(values(told("companies", company1({ id: "other", ID: "third" })))).toEqual({ "planhat/id": "c1" });
  });

  it("stays free rather than hold another field's value when its own does not fit", () => {
    const row = company1({ custom: { "MRR #": "x".repeat(3_000), "MRR %": 5 } });
    expect(values(told("companies", row))).toEqual({ "planhat/id": "c1" });
  });
});

describe("a value", () => {
  it("is told as empty where a mapped field is not shown, and not at all where any other is not", () => {
    const row = company1({ ...WHOLE, nps: null });
    expect(values(told("companies", row, { fields: ["phase", "custom.Tier"] }))).toEqual({
      "planhat/id": "c1",
      ...TOLD_WHOLE,
      "planhat/phase": null,
      "planhat/custom_tier": null,
      "planhat/nps": null,
    });
  });

  it("is told as empty where a complete row does not show what others have shown, and not in the place of another", () => {
    const shown = ["phase", "custom.Tier", "custom.MRR #", "_id", "owner.name", "updatedAt"];
    const reader = createReader("companies", [], settingsOf(), undefined, shown);
    expect(values(reader(company1({ ...WHOLE, custom: { "MRR %": 5 } })).attributes)).toEqual({
      "planhat/id": "c1",
      ...TOLD_WHOLE,
      "planhat/custom_mrr": 5,
      "planhat/phase": null,
      "planhat/custom_tier": null,
    });
    // What has not even a name, or no date, is no complete company.
    expect(values(reader(company1({ updatedAt: WHOLE.updatedAt })).attributes)).not.toHaveProperty(["planhat/phase"]);
    expect(values(reader(company1({ name: "Acme" })).attributes)).not.toHaveProperty(["planhat/phase"]);
  });

  it("that Hull cannot hold is named with its form, once a field", () => {
    const stored = { account_attributes_inbound: [{ service: "web", hull: "site", overwrite: true }] };
    const row = company1({ web: "x".repeat(3_000), tags: Array(60).fill("t"), custom: { Note: "\u0000" } });
    expect(read("companies", row, { stored }).leftOut).toEqual([
      { field: "web", misfit: "too_long" },
      { field: "tags", misfit: "too_many" },
      { field: "custom.Note", misfit: "unstorable" },
    ]);
    expect(read("companies", company).leftOut).toEqual([]);
  });

  it("is empty where a formula has no result", () => {
    const row = company1({ phase: "undefined", custom: { Score: "undefined" } });
    expect(values(told("companies", row))).toMatchObject({
      "planhat/phase": "undefined",
      "planhat/custom_score": null,
    });
  });

  it("breaks nothing, whatever it is", () => {
    const odd = { a: Infinity, b: "\u0000", c: [[[]]], d: "x".repeat(9_999), custom: "none", domains: { 0: "x" } };
    expect(values(told("companies", company1(odd)))).toEqual({
      "planhat/id": "c1",
      "planhat/c": ["[[]]"],
      "planhat/domains": '{"0":"x"}',
    });
  });
});

describe("the name", () => {
  it("fills Hull's own name only where there is none, and is remembered with planhat/name", () => {
    const attributes = told("companies", company);
    expect(named(attributes, "name")).toEqual({
      field: "name",
      attribute: "name",
      value: "Company Clinic",
      setIfNull: true,
    });
    expect(named(attributes, "planhat/name")).toEqual({
      field: "name",
      attribute: "planhat/name",
      value: "Company Clinic",
    });
  });

  it("is no claim when it is empty", () => {
    for (const name of ["", null, 7]) expect(named(told("companies", company1({ name })), "name")).toBeUndefined();
  });
});

describe("what moves by itself", () => {
  const volatile = (type: string, row: Row, stored: Record<string, unknown> = {}) =>
    told(type, row, { stored }).flatMap((each) => (each.volatile === true ? [each.attribute] : []));

  it("travels and causes nothing", () => {
    expect(volatile("endusers", enduser).sort()).toEqual([
      "planhat/company_name",
      "planhat/create_date",
      "planhat/email_md_5",
      "planhat/updated_at",
    ]);
    expect(volatile("companies", company).sort()).toEqual([
      "planhat/create_date",
      "planhat/last_updated_at",
      "planhat/updated_at",
    ]);
  });

  it("includes what the settings name, by field, label or attribute", () => {
    const ignored = ["renewalDaysFromNow", "Days in Phase", "Lifecycle phase", "planhat/h", "name"];
    expect(volatile("companies", company, { incoming_ignored_fields: ignored })).toEqual(
      expect.arrayContaining([
        "planhat/renewal_days_from_now",
        "planhat/custom_days_in_phase",
        "planhat/phase",
        "planhat/h",
        "planhat/name",
        "name",
      ]),
    );
  });
});

describe("the settings", () => {
  it("leave out fields that they exclude, and never the id", () => {
    const stored = { incoming_excluded_fields: "usage, planhat/sunits, custom.Days in Phase, name, planhat/id" };
    const attributes = values(told("companies", company, { stored, fields: ["name"] }));
    for (const absent of ["usage", "sunits", "custom_days_in_phase", "name"]) {
      expect(attributes).not.toHaveProperty([`planhat/${absent}`]);
    }
    expect(attributes).not.toHaveProperty("name");
    expect(attributes).toHaveProperty(["planhat/id"]);
  });

  it("fill further attributes, remembered by themselves, besides the usual ones", () => {
    const stored = {
      account_attributes_inbound: [
        { service: "phase", hull: "lifecycle", overwrite: false },
        { service: "custom.# Overdue Invoices", hull: "traits_overdue", overwrite: true },
        { service: "custom.Missing", hull: "missing" },
        { service: "custom.Missing", hull: "missing_too", overwrite: "false" },
        { service: "lastUpdated", hull: "seen_at" },
      ],
    };
    const attributes = told("companies", company, { stored });
    expect(attributes).toEqual(
      expect.arrayContaining([
        { field: "phase > lifecycle", attribute: "lifecycle", value: "Onboarding", setIfNull: true },
        { field: "phase", attribute: "planhat/phase", value: "Onboarding" },
        { field: "custom.# Overdue Invoices > overdue", attribute: "overdue", value: 1 },
        { field: "custom.Missing > missing", attribute: "missing", value: null },
        { field: "lastUpdated > seen_at", attribute: "seen_at", value: "2021-08-11T16:12:41.657Z", volatile: true },
      ]),
    );
    expect(named(attributes, "missing_too")).toBeUndefined();
  });

  it("decide who fills name, and what is told of an excluded field", () => {
    const stored = {
      contact_attributes_inbound: [
        { service: "firstName", hull: "name", overwrite: true },
        { service: "phone", hull: "phone" },
      ],
      incoming_excluded_fields: ["phone"],
    };
    const attributes = told("endusers", enduser, { stored });
    expect(named(attributes, "name")).toEqual({
      field: "firstName > name",
      attribute: "name",
      value: "first-toaonxe75e",
    });
    expect(named(attributes, "phone")?.value).toBe("0037100000000");
    expect(named(attributes, "planhat/phone")).toBeUndefined();
  });

  it("turn the usual attribute itself into one that only fills", () => {
    const stored = { account_attributes_inbound: [{ service: "phase", hull: "planhat/phase", overwrite: false }] };
    const attributes = told("companies", company, { stored, fields: ["phase"] });
    expect(attributes.filter(({ attribute }) => attribute === "planhat/phase")).toEqual([
      { field: "phase", attribute: "planhat/phase", value: "Onboarding", setIfNull: true },
    ]);
  });
});

describe("owners", () => {
  const people = new Map<string, Member>([
    ["u1", { name: "Ann Example", email: "ann@x.example" }],
    ["u2", { name: undefined, email: undefined }],
  ]);
  const members: Directory = { find: () => undefined, member: (id) => people.get(id) };

  it("are told by name and address when the team is known", () => {
    const row = company1({ owner: { _id: "u1" }, coOwner: "u2" });
    expect(values(told("companies", row, { members }))).toEqual({
      "planhat/id": "c1",
      "planhat/owner": "u1",
      "planhat/co_owner": "u2",
      "planhat/owner_name": "Ann Example",
      "planhat/owner_email": "ann@x.example",
      "planhat/co_owner_name": null,
      "planhat/co_owner_email": null,
    });
    expect(values(told("companies", company1({ owner: "stranger" }), { members }))).toMatchObject({
      "planhat/owner_name": null,
      "planhat/co_owner_name": null,
    });
  });

  it("are told by id alone when it is not", () => {
    expect(values(told("companies", company1({ owner: "u1" })))).toEqual({ "planhat/id": "c1", "planhat/owner": "u1" });
  });
});

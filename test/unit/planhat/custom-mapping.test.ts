import type { CustomField } from "../../../src/services/planhat/api/custom-fields";
import { checkCustomFields, customNames } from "../../../src/services/planhat/settings/custom-mapping";
import { custom, settingsOf } from "./messages";

const outgoing = (attribute: string, name: string) => ({
  contact_custom_attributes_outbound: [{ hull_field_name: attribute, service_field_name: name }],
});

const check = (stored: Readonly<Record<string, unknown>>, known: readonly CustomField[]) =>
  checkCustomFields(settingsOf(stored), known).map(({ level, text }) => [level, text]);
const matching = (text: RegExp): unknown => expect.stringMatching(text);

test("fields are asked for only where a row names one", () => {
  expect(customNames(settingsOf({}))).toEqual([]);
  expect(customNames(settingsOf(outgoing("x", "Health")))).toEqual(["endusers Health"]);
  const inbound = { account_attributes_inbound: [{ hull: "x", service: "custom.Health" }] };
  expect(customNames(settingsOf(inbound))).toEqual(["companies Health"]);
  const standard = { account_attributes_outbound: [{ hull_field_name: "x", service_field_name: "custom.A" }] };
  expect(customNames(settingsOf(standard))).toEqual(["companies A"]);
});

test("what is there, exactly so, is fine", () => {
  expect(check(outgoing("x", "a.b [0]"), [custom("a.b [0]")])).toEqual([]);
});

test.each([
  ["nothing alike", [], /Correct the name, or create the field/],
  ["another spelling", [custom("Health  Score")], /There is "Health {2}Score"; write it exactly like that/],
  ["another object", [custom("health score", { type: "companies", parent: "Company" })], /belongs to Company/],
])("a row whose field is missing is named, with %s", (_, known, remedy) => {
  const [finding, ...others] = check(outgoing("traits_nps", "health score"), known);
  expect(others).toEqual([]);
  expect(finding).toEqual(["warning", matching(/row "traits_nps" → "health score": .* no such custom field/)]);
  expect(finding?.[1]).toMatch(remedy);
});

test("a row of the incoming mapping is named as well, and may read what is computed or hidden", () => {
  const stored = { contact_attributes_inbound: [{ hull: "score", service: "custom.Health" }] };
  expect(check(stored, [])).toEqual([
    ["warning", matching(/^Incoming user attributes mapping, row "Health" → "score"/)],
  ]);
  expect(check(stored, [custom("Health", { formula: true, hidden: true })])).toEqual([]);
});

test.each([
  [{ formula: true }, "x", "warning", /computes/],
  [{ hidden: true }, "x", "warning", /hidden/],
  [{ holds: "checkbox" }, "signed_up_at", "warning", /looks like a date.*holds a checkbox/],
  [{ holds: "team member" }, "csm", "ok", /must hold Planhat's ids/],
] as const)("a field that is %j", (more, attribute, level, text) => {
  expect(check(outgoing(attribute, "Health"), [custom("Health", more)])).toEqual([[level, matching(text)]]);
});

test.each([
  [{ holds: "date" }, "signed_up_at"],
  [{ holds: "number" }, "signed_up_at"],
  [{ holds: "" }, "signed_up_at"],
  [{ holds: "checkbox" }, "active"],
])("a field that is %j takes %s", (more, attribute) => {
  expect(check(outgoing(attribute, "Health"), [custom("Health", more)])).toEqual([]);
});

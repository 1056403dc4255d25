import { importFor, mappedFields, readSettings } from "../../../src/services/planningpme/settings/settings";
import type { PlanningPmeSettings } from "../../../src/services/planningpme/settings/settings";
import { constant, exported, row, settingsOf, type Stored } from "./stored";

const customersOf = (stored: Stored) => settingsOf({ customer_key_property: "ID", ...stored }).imports.customer;
const fieldsOf = ({ rows }: PlanningPmeSettings["imports"]["customer"]) =>
  rows.map(({ attribute, field }) => [attribute.text, field]);
const codesOf = (stored: Stored) => settingsOf(stored).rowWarnings.map(({ code, name }) => [code, name]);

describe("the rows of an import", () => {
  it("take properties literally, with blanks and accents, and attributes of the entity that feeds it", () => {
    const customer_attributes_outbound = [
      row("name", "Nom usage"),
      row(" mobile ", "Téléphone mobile "),
      row("external_id", "ID"),
    ];
    const accounts = customersOf({ customer_attributes_outbound });
    expect(fieldsOf(accounts)).toEqual([
      ["name", "Nom usage"],
      ["mobile", "Téléphone mobile "],
      ["external_id", "ID"],
    ]);
    expect(accounts.rows.map(({ attribute }) => attribute.from)).toEqual(["account", "account", "account"]);
    const users = customersOf({ customer_entity: "user", customer_attributes_outbound: [row("account.name", "Nom")] });
    expect(users.rows.map(({ attribute }) => attribute.from)).toEqual(["account", "user"]);
  });

  it("fill the key property with the external id of the entity itself, unless a row does", () => {
    expect(customersOf({})).toMatchObject({
      keyAttribute: { text: "external_id", from: "account" },
      rows: [{ field: "ID", attribute: { text: "external_id" } }],
    });
    expect(customersOf({ customer_entity: "user" })).toMatchObject({ keyAttribute: { from: "user" } });
    const mapped = customersOf({ customer_attributes_outbound: [row("erp/number", "ID"), row("name", "Name")] });
    expect(mapped.keyAttribute).toMatchObject({ text: "erp/number" });
    expect(fieldsOf(mapped)).toEqual([
      ["erp/number", "ID"],
      ["name", "Name"],
    ]);
  });

  it("are passed over when a cell is empty", () => {
    const incomplete = [row("a", " "), row(" ", "City"), row("traits_", "City"), { hull_field_name: "a" }, null];
    const settings = settingsOf({ customer_key_property: "ID", customer_attributes_outbound: incomplete });
    expect(settings).toMatchObject({ imports: { customer: { rows: [{ field: "ID" }] } }, rowWarnings: [] });
  });

  it("count only the last of several for one property, with a warning that names it", () => {
    const result = readSettings({
      customer_key_property: "ID",
      customer_attributes_outbound: [row("a", "City"), row("b", "city"), row("c", "City")],
    });
    expect(result).toMatchObject({
      ok: true,
      settings: {
        imports: {
          customer: { rows: [{ field: "city" }, { field: "City", attribute: { text: "c" } }, { field: "ID" }] },
        },
        rowWarnings: [
          { code: "duplicate_field", name: "City", role: "customer" },
          { code: "attribute_twice", name: "planningpme/city", role: "customer" },
        ],
      },
    });
    expect(result.ok && result.warnings.map(({ code, text }) => [code, text.slice(text.lastIndexOf("("))])).toEqual([
      ["duplicate_field", "(customers: City)"],
      ["attribute_twice", "(customers: planningpme/city)"],
    ]);
  });

  it("say nothing of an import that nothing feeds", () => {
    const stored = { customer_entity: "", customer_attributes_outbound: [row("a", "City"), row("b", "City")] };
    expect(codesOf(stored)).toEqual([]);
  });

  it.each([
    [{ customer_attributes_outbound: [row("a", "A"), { hull_field_name: 3 }] }, /^\w+ row 2, hull_field_name: /],
    [{ customer_defaults: ["a row"] }, /^customer_defaults row 1: .*save the table again/],
    [{ project_defaults: [constant("Type", {})] }, /^project_defaults row 1, value: .*again/],
    [
      { export_templates: [exported("t", "deal", "ID", "email")] },
      /^export_templates row 1, entity: .*"account" or "user"/,
    ],
    [{ export_templates: [exported("../t", "user", "ID", "email")] }, /^export_templates row 1, template: .*again/],
  ])("that cannot be read are named with their column: %j", (stored, problem) => {
    expect(readSettings(stored)).toMatchObject({ ok: false, problems: [expect.stringMatching(problem)] });
  });
});

describe("constants", () => {
  it("are texts by property, whatever the dashboard stores", () => {
    const customer_defaults = [constant("Type", 1026), constant("Nom usage", " x "), constant("Actif", false)];
    expect(customersOf({ customer_defaults }).defaults).toEqual({ Type: "1026", "Nom usage": "x", Actif: "false" });
  });

  it("are passed over without property or value, and count once for each property", () => {
    const stored = {
      customer_key_property: "ID",
      customer_defaults: [constant(" ", "1"), constant("A", " "), null, constant("B", "1"), constant("B", "2")],
    };
    expect(settingsOf(stored).imports.customer.defaults).toEqual({ B: "2" });
    expect(codesOf(stored)).toEqual([["duplicate_constant", "B"]]);
  });

  it("never fill the key property, which would make all records one", () => {
    const stored = { customer_key_property: "ID", customer_defaults: [constant("ID", "1"), constant("Type", "2")] };
    expect(settingsOf(stored).imports.customer.defaults).toEqual({ Type: "2" });
    expect(codesOf(stored)).toEqual([["constant_key", "ID"]]);
  });

  it("may have any name", () => {
    const { defaults } = customersOf({ customer_defaults: [constant("__proto__", "1"), constant("constructor", "2")] });
    expect(Object.entries(defaults)).toEqual([
      ["__proto__", "1"],
      ["constructor", "2"],
    ]);
  });
});

describe("export templates", () => {
  it("are read with the claim by which Hull knows their rows", () => {
    const export_templates = [
      exported(" client-export ", "account", "N° client", "external_id"),
      exported("client-export", "user", "E-mail", "email"),
    ];
    expect(settingsOf({ customer_entity: "", export_templates })).toMatchObject({
      exports: [
        { template: "client-export", entity: "account", keyProperty: "N° client", claim: "external_id" },
        { template: "client-export", entity: "user", keyProperty: "E-mail", claim: "email" },
      ],
      rowWarnings: [],
    });
  });

  it("are left out when a cell is empty, named by their template or their place; empty rows are no rows", () => {
    const export_templates = [
      exported("a", "", "ID", "email"),
      exported("b", "user", " ", "email"),
      exported("c", "user", "ID", null),
      exported("", "user", "ID", "email"),
      exported("", "user", "", "email"),
      null,
    ];
    expect(settingsOf({ export_templates }).exports).toEqual([]);
    expect(codesOf({ customer_entity: "", export_templates })).toEqual([
      ["incomplete_export", "a"],
      ["incomplete_export", "b"],
      ["incomplete_export", "c"],
      ["incomplete_export", "row 4"],
    ]);
  });

  it("are left out where Hull does not know the entity by that claim", () => {
    const export_templates = [exported("a", "account", "E", "email"), exported("b", "user", "D", "domain")];
    expect(settingsOf({ export_templates }).exports).toEqual([]);
    expect(codesOf({ customer_entity: "", export_templates })).toEqual([
      ["unfit_claim", "a"],
      ["unfit_claim", "b"],
    ]);
  });

  it("count once for each entity", () => {
    const export_templates = [exported("a", "user", "E", "email"), exported("a", "user", "ID", "external_id")];
    expect(settingsOf({ export_templates }).exports).toMatchObject([{ keyProperty: "ID" }]);
    expect(codesOf({ customer_entity: "", export_templates })).toEqual([["duplicate_export", "a"]]);
  });
});

describe("the fields of a type", () => {
  const settings = settingsOf({
    customer_key_property: "ID",
    customer_attributes_outbound: [row("name", "Name"), row("type", "Type")],
    customer_defaults: [constant("Type", "1026"), constant("Source", "Hull")],
    project_entity: "user",
    project_key_property: "Code",
  });

  it("are the properties of the import that feeds it, mapped and constant, each once", () => {
    expect(mappedFields("customers", settings)).toEqual(["Name", "Type", "ID", "Source"]);
    expect(mappedFields("user_projects", settings)).toEqual(["Code"]);
    expect(importFor("customers", settings)).toBe(settings.imports.customer);
  });

  it.each(["user_customers", "projects", "account_exports", "user_exports"])("are none for %s", (type) => {
    expect(mappedFields(type, settings)).toEqual([]);
    expect(importFor(type, settings)).toBeUndefined();
  });
});

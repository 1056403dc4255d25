import { hullAttribute, sharedAttributes } from "../../../src/services/planningpme/settings/names";
import { row, settingsOf, type Stored } from "./stored";

describe("a property in Hull", () => {
  it.each([
    ["Email", "planningpme/email"],
    ["Nom usage", "planningpme/nom_usage"],
    ["Téléphone mobile", "planningpme/telephone_mobile"],
    ["Te\u0301le\u0301phone mobile", "planningpme/telephone_mobile"],
    ["ID_DOSSIER", "planningpme/id_dossier"],
    ["_IDDOSSIER", "planningpme/iddossier"],
    ["E-mail (2)", "planningpme/e_mail_2"],
    [" N° client ", "planningpme/n_client"],
    ["Nœud Straße", "planningpme/noeud_strasse"],
    ["Số điện thoại", "planningpme/so_dien_thoai"],
    ["LastName", "planningpme/lastname"],
    ["Клиент 1", "planningpme/клиент_1"],
  ])("%j is called %s", (property, attribute) => {
    expect(hullAttribute(property)).toBe(attribute);
  });

  it("has a name even if it consists of signs, another for other signs", () => {
    expect(hullAttribute("№ !")).toMatch(/^planningpme\/[0-9a-f]{8}$/);
    expect(hullAttribute("#")).not.toBe(hullAttribute("%"));
  });
});

const sharedOf = (stored: Stored) =>
  sharedAttributes(settingsOf({ customer_key_property: "ID", project_key_property: "ID", ...stored }).imports);

describe("attributes for several things", () => {
  const alike = [row("a", "Prénom"), row("b", "prenom")];

  it("are found by names that are alike", () => {
    expect(sharedOf({ customer_attributes_outbound: alike })).toEqual([
      { entity: "account", attribute: "planningpme/prenom", properties: ["Prénom", "prenom"], role: "customer" },
    ]);
  });

  it("are found among constants, and over both imports of an entity", () => {
    const customer_attributes_outbound = [row("a", "Type")];
    const type = [{ property: "TYPE", value: "1" }];
    expect(sharedOf({ customer_attributes_outbound, customer_defaults: type })).toMatchObject([
      { properties: ["Type", "TYPE"], role: "customer" },
    ]);
    expect(sharedOf({ customer_attributes_outbound, project_entity: "account", project_defaults: type })).toMatchObject(
      [{ properties: ["Type", "TYPE"], role: "project" }],
    );
  });

  it("are found where both imports fill one property with different things", () => {
    const stored = { customer_attributes_outbound: [row("name", "Name")], project_entity: "account" };
    expect(sharedOf({ ...stored, project_attributes_outbound: [row("title", "Name")] })).toMatchObject([
      { attribute: "planningpme/name", properties: ["Name"], role: "project" },
    ]);
    expect(sharedOf({ ...stored, project_attributes_outbound: [row("traits_name", "Name")] })).toEqual([]);
  });

  it("are none where accounts feed the one import and users the other, or nothing does", () => {
    const stored = { customer_attributes_outbound: [row("a", "Nom")], project_attributes_outbound: [row("b", "nom")] };
    expect(sharedOf({ ...stored, project_entity: "user" })).toEqual([]);
    expect(sharedOf({ ...stored, project_entity: "" })).toEqual([]);
    expect(sharedOf({ ...stored, project_entity: "account" })).toHaveLength(1);
  });
});

import manifest from "../../../src/services/planningpme/manifest.json";
import { checkOutcomes, checkSettings, TITLES } from "../../../src/services/planningpme/settings/status";
import { constant, exported, row, settingsOf, type Stored } from "./stored";

const BASE = {
  brand: "mycompany",
  app_key: "key-1",
  auth_token: "token-1",
  account_synchronized_segments: ["s1"],
  customer_key_property: "ID",
  customer_attributes_outbound: [row("name", "Name")],
};

const check = (stored: Stored = {}): readonly (readonly [string, string])[] =>
  checkSettings(settingsOf({ ...BASE, ...stored })).map(({ level, text }) => [level, text]);
const matching = (text: RegExp): string => expect.stringMatching(text) as string;

test("nothing is wrong with a complete mapping", () => {
  expect(check()).toEqual([]);
});

describe("what PlanningPME handed out", () => {
  test.each([
    ["brand", /^Brand is empty.*address of your PlanningPME/],
    ["app_key", /^App key is empty.*Ask PlanningPME for a key/],
    ["auth_token", /^Token is empty.*issued to the user/],
  ])("%s is asked for, with the place where it is found", (name, text) => {
    expect(check({ [name]: " " })).toEqual([["setupRequired", matching(text)]]);
  });

  test("comes first: without it nothing else is said", () => {
    const found = check({ brand: "", app_key: "", auth_token: "", customer_key_property: "" });
    expect(found.map(([level]) => level)).toEqual(["setupRequired", "setupRequired", "setupRequired"]);
  });
});

describe("an import that is fed", () => {
  test("needs a key property", () => {
    expect(check({ customer_key_property: "" })).toEqual([
      ["error", matching(/^Customer key property is empty.*no customer is imported.*template client-import/)],
    ]);
    expect(check({ project_entity: "account", project_template: "orders" })).toEqual([
      ["error", matching(/^Project key property is empty.*no project is imported.*template orders/)],
    ]);
  });

  test("should have more than its key", () => {
    expect(check({ customer_attributes_outbound: [row("external_id", "ID")] })).toEqual([
      ["warning", matching(/^Customer attributes mapping is empty.*nothing but its key/)],
    ]);
    expect(check({ customer_attributes_outbound: [], customer_defaults: [constant("Type", "1026")] })).toEqual([]);
  });

  test("names rows that do not count", () => {
    const stored = {
      customer_attributes_outbound: [row("a", "Name"), row("b", "Name")],
      customer_defaults: [constant("Type", "1"), constant("Type", "2"), constant("ID", "3")],
    };
    expect(check(stored)).toEqual([
      ["error", matching(/^Customer constants: "ID" is the key property/)],
      ["warning", matching(/^Customer attributes mapping: "Name" has several rows/)],
      ["warning", matching(/^Customer constants: "Type" has several rows/)],
    ]);
  });
});

test("rows of an import that nothing feeds are a warning", () => {
  expect(check({ project_attributes_outbound: [row("title", "Label")] })).toEqual([
    ["warning", matching(/^Project attributes mapping has rows, and "Projects come from" names neither/)],
  ]);
});

describe("properties that come back as one attribute", () => {
  test("are an error where their names are alike", () => {
    expect(check({ customer_attributes_outbound: [row("a", "Prénom"), row("b", "prenom")] })).toEqual([
      ["error", matching(/^"Prénom" and "prenom" would come back to Hull as planningpme\/prenom of the account/)],
    ]);
  });

  test("are a warning where customers and projects have one in common", () => {
    const projects = { project_entity: "account", project_key_property: "ID" };
    expect(check({ ...projects, project_attributes_outbound: [row("title", "Name")] })).toEqual([
      ["warning", matching(/^"Name" is imported with customers and with projects/)],
    ]);
  });
});

test("export templates that are not fetched are errors, those with several rows a warning", () => {
  const export_templates = [
    exported("c", "user", "E", "email"),
    exported("c", "user", "ID", "external_id"),
    exported("a", "user", "", "email"),
    exported("b", "account", "E", "email"),
  ];
  expect(check({ export_templates })).toEqual([
    ["error", matching(/^Export templates: "a" is not fetched, because a cell of its row is empty/)],
    ["error", matching(/^Export templates: "b" is not fetched, because Hull knows accounts by/)],
    ["warning", matching(/^Export templates: "c" has several rows for one entity/)],
  ]);
});

describe("the layout of the rows", () => {
  test("with a name of its own needs the name", () => {
    expect(check({ model_layout: "property" })).toEqual([["error", matching(/Name of the list is empty/)]]);
    expect(check({ model_layout: "property", model_property: "Customers" })).toEqual([]);
  });

  test("of one object costs a call for every record", () => {
    expect(check({ model_layout: "single" })).toEqual([["ok", matching(/every record costs a call/)]]);
  });
});

describe("what rests on purpose is no trouble, and said all the same", () => {
  test("nothing is fed", () => {
    expect(check({ customer_entity: "", customer_attributes_outbound: [] })).toEqual([
      ["ok", matching(/^"Customers come from" and "Projects come from" name neither/)],
    ]);
  });

  test("the filter of an entity that feeds an import is empty", () => {
    expect(check({ account_synchronized_segments: [] })).toEqual([["ok", matching(/^Accounts Filter is empty/)]]);
    expect(check({ customer_entity: "user" })).toEqual([["ok", matching(/^Users Filter is empty/)]]);
    expect(check({ synchronized_segments: [] })).toEqual([]);
  });
});

test("findings come in the order in which they are best mended", () => {
  const found = check({
    account_synchronized_segments: [],
    customer_key_property: "",
    customer_attributes_outbound: [row("a", "A"), row("b", "a"), row("c", "a")],
    project_attributes_outbound: [row("a", "A")],
    model_layout: "property",
  });
  expect(found).toEqual([
    ["error", matching(/^Customer key property/)],
    ["error", matching(/^Layout of the rows/)],
    ["error", matching(/planningpme\/a of the account/)],
    ["warning", matching(/"a" has several rows/)],
    ["warning", matching(/^Project attributes mapping/)],
    ["ok", matching(/^Accounts Filter/)],
  ]);
});

test("findings call the settings as the dashboard does", () => {
  const titles = Object.fromEntries(manifest.private_settings.map(({ name, title }) => [name, title]));
  expect(titles).toMatchObject(TITLES);
});

describe("what the last day's outcomes say", () => {
  it("is nothing where everything arrived or was skipped on purpose", () => {
    const outcomes = { "customers/sent/created": 5, "user_projects/skipped/outside_segments": 7 };
    expect(checkOutcomes(outcomes)).toEqual([]);
  });

  it("counts records without a key, of all types together, with the remedy", () => {
    expect(checkOutcomes({ "customers/skipped/missing_key": 1 })).toEqual([
      { level: "warning", text: matching(/^Once in the last 24 hours .*key property.*external_id/) },
    ]);
    const outcomes = { "customers/skipped/missing_key": 2, "user_projects/skipped/missing_key": 1 };
    expect(checkOutcomes(outcomes)[0]?.text).toMatch(/^3 times in the last 24 hours /);
  });

  it("says as a hint that reports name no rows, and what that means for stopping", () => {
    expect(checkOutcomes({ "projects/sent/accepted": 4 })).toEqual([
      {
        level: "ok",
        text: matching(/^4 times in the last 24 hours .*"Stop at the first failure\?" is on, switch it off/),
      },
    ]);
  });
});

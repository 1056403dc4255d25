/** What plangrade's manifest, lists of fields, guide and page have of their own; see `unit/services/presentation` for the rest. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { plangradeFace } from "../../../src/services/plangrade/face";
import manifest from "../../../src/services/plangrade/manifest.json";
import { mappableFields, OBJECT_TYPES, requiredFields } from "../../../src/services/plangrade/objects";
import { fieldOptions } from "../../../src/services/plangrade/face";
import { TITLES } from "../../../src/services/plangrade/settings/status";
import planningpmeManifest from "../../../src/services/planningpme/manifest.json";

interface Setting {
  readonly name: string;
  readonly title: string;
  readonly format?: string;
  readonly default?: unknown;
}

const SETTINGS: readonly Setting[] = manifest.private_settings;
const TYPES = OBJECT_TYPES.map(({ name }) => name);
/** What has a mapping. */
const SENT = ["companies", "participants"];
const read = (path: string): string => readFileSync(join(__dirname, "../../..", path), "utf8");
const guide = read("assets/plangrade/readme.md");
const page = read("docs/services/plangrade.md");
const named = (name: string): Setting | undefined => SETTINGS.find((each) => each.name === name);

describe("settings", () => {
  test("show the default of the code in the dashboard, each one that has any", () => {
    const without = SETTINGS.filter((setting) => setting.default === undefined).map(({ name }) => name);
    expect(without).toEqual([
      ...["application_key", "application_secret", "ssn_attribute"],
      ...["alert_webhook_url", "alert_webhook_secret", "alert_dead_letters"],
    ]);
  });

  test("are called in the status as in the dashboard", () => {
    const titles = Object.fromEntries(Object.keys(TITLES).map((name) => [name, named(name)?.title]));
    expect(titles).toEqual(TITLES);
  });

  test("hide the secret, and offer everybody", () => {
    expect(named("application_secret")).toMatchObject({ format: "password" });
    expect(named("synchronized_segments")).toMatchObject({
      format: "segment",
      options: { standard: { ALL: "All Users" } },
    });
    expect(named("account_synchronized_segments")).toMatchObject({
      format: "accountSegment",
      options: { standard: { ALL: "All Accounts" } },
    });
  });

  test("offer attributes of accounts for companies, of users for participants, and no fields that there are not", () => {
    const columns = (attributes: string, type: string) => ({
      format: "table",
      items: {
        properties: {
          hull_field_name: { format: attributes },
          service_field_name: { format: "select", options: { loadOptions: `/schema/${type}` } },
        },
      },
    });
    expect(named("company_attributes_outbound")).toMatchObject(columns("accountTrait", "companies"));
    expect(named("participant_attributes_outbound")).toMatchObject(columns("trait", "participants"));
    expect(named("ssn_attribute")).toMatchObject({ format: "trait" });
    expect(JSON.stringify(manifest)).not.toContain('"allowCreate":true');
  });
});

describe("the lists of fields", () => {
  test("are those that the settings ask for, one for each type", () => {
    const addresses = [...JSON.stringify(manifest).matchAll(/"loadOptions":"\/schema\/([^"]+)"/g)];
    expect([...new Set(addresses.map(([, table]) => table))]).toEqual(plangradeFace.fieldLists);
    expect(plangradeFace.fieldLists).toEqual(SENT);
  });

  test.each(SENT)("of %s mark what plangrade requires, and leave out what it sets itself", (type) => {
    const options = fieldOptions(type, "outgoing") ?? [];
    const marked = options.filter(({ label }) => label.endsWith(" (*)")).map(({ value }) => value);
    expect(marked.toSorted()).toEqual([...requiredFields(type)].toSorted());
    const values = options.map(({ value }) => value);
    for (const fixed of ["id", "grade", "company_id", "employee_id", "ssn", "standing"]) {
      expect(values).not.toContain(fixed);
    }
  });

  test("are for the outgoing mapping alone", () => {
    for (const type of TYPES) {
      expect(fieldOptions(type, "incoming")).toBeUndefined();
      expect(fieldOptions(type, "custom")).toBeUndefined();
    }
    expect(fieldOptions("users", "outgoing")).toBeUndefined();
  });
});

describe("the rest of the manifest", () => {
  test("promises users and accounts, in both directions, as PlanningPME's does", () => {
    const { tags, batches, subscriptions } = planningpmeManifest;
    expect(manifest).toMatchObject({ tags, batches, subscriptions });
  });
});

test("whatever of plangrade's waits for a person has a remedy", () => {
  const codes = ["refused", "unconfirmed", "parent_skipped", "identity_alarm"];
  expect(Object.keys(plangradeFace.remedies)).toEqual(codes);
});

describe("what is written about it", () => {
  test("the page names every type, every field that can be mapped, and every variable", () => {
    const fields = TYPES.flatMap((type) => mappableFields(type).map(({ name }) => name));
    const variables = ["PLANGRADE_URL", "PLANGRADE_AUTHORIZE_PATH", "PLANGRADE_TOKEN_PATH", "PUBLIC_URL"];
    expect([...TYPES, ...fields, ...variables].filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  test("guide and page say which address to enter at plangrade", () => {
    for (const document of [guide, page]) expect(document).toContain("`<server>/plangrade/authorize/callback`");
  });

  test("the guide says that nothing is deleted, and that archiving is a choice", () => {
    expect(guide).toContain("never deletes anything");
    expect(guide).toContain("archives nobody unless you switch that on");
  });
});

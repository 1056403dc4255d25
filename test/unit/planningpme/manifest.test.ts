/** What PlanningPME's manifest, lists of properties and page have of their own; see `unit/services/presentation` for the rest. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import planhatManifest from "../../../manifest.json";
import { fieldOptions, planningpmeFace, roleOfList } from "../../../src/services/planningpme/face";
import manifest from "../../../src/services/planningpme/manifest.json";
import { OBJECT_TYPES } from "../../../src/services/planningpme/objects";
import { readSettings } from "../../../src/services/planningpme/settings/settings";

interface Setting {
  readonly name: string;
  readonly format?: string;
  readonly default?: unknown;
  readonly items?: { readonly properties: Readonly<Record<string, Column | undefined>> };
}

interface Column {
  readonly type: string;
  readonly enum?: readonly string[];
}

const SETTINGS: readonly Setting[] = manifest.private_settings;
const page = readFileSync(join(__dirname, "../../../docs/services/planningpme.md"), "utf8");
const named = (name: string): Setting | undefined => SETTINGS.find((each) => each.name === name);

describe("settings", () => {
  test("show the default of the code in the dashboard, each one that has any", () => {
    const undecided = [
      ...["brand", "app_key", "auth_token", "model_property"],
      ...["customer_key_property", "project_key_property"],
      ...["alert_webhook_url", "alert_webhook_secret", "alert_dead_letters"],
    ];
    const without = SETTINGS.filter((setting) => setting.default === undefined).map(({ name }) => name);
    expect(without.toSorted()).toEqual(undecided.toSorted());
  });

  test("allow as many rows in a call as the types do", () => {
    const most = Math.max(...OBJECT_TYPES.map(({ writes }) => writes?.most ?? 1));
    expect(named("bulk_max_items")).toMatchObject({ default: most, maximum: most });
  });

  test("hide the secrets, and offer everybody", () => {
    expect(named("app_key")).toMatchObject({ format: "password" });
    expect(named("auth_token")).toMatchObject({ format: "password" });
    expect(named("synchronized_segments")).toMatchObject({
      format: "segment",
      options: { standard: { ALL: "All Users" } },
    });
    expect(named("account_synchronized_segments")).toMatchObject({
      format: "accountSegment",
      options: { standard: { ALL: "All Accounts" } },
    });
  });

  test.each(["customer", "project"])("offer the properties of the %s template, and take others", (role) => {
    const offered = { format: "select", options: { loadOptions: `/schema/${role}_properties`, allowCreate: true } };
    expect(named(`${role}_key_property`)).toMatchObject(offered);
    expect(named(`${role}_attributes_outbound`)).toMatchObject({
      format: "table",
      items: { properties: { service_field_name: offered } },
    });
    expect(named(`${role}_defaults`)).toMatchObject({ format: "table", items: { properties: { property: offered } } });
  });

  test("offer for exports what the code accepts", () => {
    const { entity, key_attribute } = named("export_templates")?.items?.properties ?? {};
    expect(entity?.enum).toEqual(["account", "user"]);
    for (const each of entity?.enum ?? []) {
      const fitting = key_attribute?.enum?.filter((claim) => claim !== (each === "user" ? "domain" : "email")) ?? [];
      expect(fitting).toHaveLength(2);
      for (const claim of fitting) {
        const export_templates = [{ template: "t", key_property: "ID", entity: each, key_attribute: claim }];
        const exports = [{ entity: each, claim }];
        expect(readSettings({ export_templates })).toMatchObject({ ok: true, settings: { exports } });
      }
    }
  });
});

describe("the lists of properties", () => {
  test("are those that the settings ask for, one for each template", () => {
    const addresses = [...JSON.stringify(manifest).matchAll(/"loadOptions":"\/schema\/([^"]+)"/g)];
    expect([...new Set(addresses.map(([, table = ""]) => table))]).toEqual(planningpmeFace.fieldLists);
    expect(planningpmeFace.fieldLists.map(roleOfList)).toEqual(["customer", "project"]);
  });

  test("are empty until PlanningPME is asked, and for the outgoing mapping alone", () => {
    for (const table of planningpmeFace.fieldLists) {
      expect(fieldOptions(table, "outgoing")).toEqual([]);
      expect(fieldOptions(table, "incoming")).toBeUndefined();
      expect(fieldOptions(table, "custom")).toBeUndefined();
    }
    expect(fieldOptions("contacts", "outgoing")).toBeUndefined();
  });
});

describe("the rest of the manifest", () => {
  test("promises only what is there: users and accounts", () => {
    expect(manifest.subscriptions).toEqual(planhatManifest.subscriptions);
  });
});

test("refusals that wait for a person have a remedy", () => {
  expect(Object.keys(planningpmeFace.remedies)).toEqual(expect.arrayContaining(["refused", "invalid_value"]));
});

describe("what is written about it", () => {
  test("the page names every type of record", () => {
    expect(OBJECT_TYPES.filter(({ name }) => !page.includes(`\`${name}\``))).toEqual([]);
  });
});

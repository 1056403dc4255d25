/** The manifest is what people configure with, so it must say what the code understands, and nothing else. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import planhatManifest from "../../../manifest.json";
import packageJson from "../../../package.json";
import { COMMON_OUTCOMES } from "../../../src/outcome/outcome";
import { fieldOptions, planningpmeFace, roleOfList } from "../../../src/services/planningpme/face";
import manifest from "../../../src/services/planningpme/manifest.json";
import { OBJECT_TYPES } from "../../../src/services/planningpme/objects";
import { OUTCOMES } from "../../../src/services/planningpme/reasons";
import { readSettings } from "../../../src/services/planningpme/settings/settings";
import plansourceManifest from "../../../src/services/plansource/manifest.json";
import { switchValues } from "../../../simulators/planningpme/switches";

interface Setting {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly type: string;
  readonly format?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly enumNames?: readonly string[];
  readonly items?: { readonly properties: Readonly<Record<string, Column | undefined>> };
}

interface Column {
  readonly type: string;
  readonly enum?: readonly string[];
}

const SETTINGS: readonly Setting[] = manifest.private_settings;
const ROOT = join(__dirname, "../../..");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const guide = read("assets/planningpme/readme.md");
const page = read("docs/services/planningpme.md");
const named = (name: string): Setting | undefined => SETTINGS.find((each) => each.name === name);
const sentence = expect.stringMatching(/^[A-Z].+\.$/) as unknown;

describe("settings", () => {
  test("are named once each", () => {
    const names = SETTINGS.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)]);
    expect(names).toHaveLength(29);
  });

  test.each(SETTINGS.map(({ name }) => name))("%s is understood by the code", (name) => {
    // No setting is an object, so whoever reads this one complains about it by name.
    const result = readSettings({ [name]: {} });
    expect(result).toMatchObject({ ok: false, problems: [expect.stringMatching(`^${name}: `)] });
  });

  test("have the defaults that the code assumes where nothing is stored", () => {
    const defaults = Object.fromEntries(SETTINGS.map((setting) => [setting.name, setting.default]));
    expect(readSettings(defaults)).toMatchObject({ ok: true });
    expect(readSettings(defaults)).toEqual(readSettings({}));
  });

  test("show the default of the code in the dashboard, each one that has any", () => {
    const undecided = [
      ...["brand", "app_key", "auth_token", "model_property"],
      ...["customer_key_property", "project_key_property"],
    ];
    const without = SETTINGS.filter((setting) => setting.default === undefined).map(({ name }) => name);
    expect(without.toSorted()).toEqual(undecided.toSorted());
  });

  test("offer only choices that the code accepts, the default among them", () => {
    for (const { name, enum: choices, enumNames, default: standard } of SETTINGS) {
      if (choices === undefined) continue;
      expect(choices).toContain(standard);
      expect(enumNames).toHaveLength(choices.length);
      for (const choice of choices) expect(readSettings({ [name]: choice })).toMatchObject({ ok: true });
    }
  });

  test("allow as many rows in a call as the types do", () => {
    const most = Math.max(...OBJECT_TYPES.map(({ writes }) => writes?.most ?? 1));
    expect(named("bulk_max_items")).toMatchObject({ default: most, maximum: most });
  });

  test("stand in exactly one section", () => {
    const shown = manifest.settings_sections.flatMap(({ properties }) => properties);
    const expected = [
      ...SETTINGS.map(({ name }) => `private_settings.${name}`),
      ...manifest.json.map(({ name }) => `json.${name}`),
    ];
    expect(shown.toSorted()).toEqual(expected.toSorted());
  });

  test("come with a title and an explanation", () => {
    for (const { title, description } of [...SETTINGS, ...manifest.settings_sections]) {
      expect({ title, description }).toEqual({ title: expect.stringMatching(/\S/) as unknown, description: sentence });
    }
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
    expect(manifest.tags.toSorted()).toEqual(
      ["outgoing", "incoming", "oneColumn", "smart-notifier", "kraken-exports", "batch", "batch-accounts"].toSorted(),
    );
    expect(manifest.version).toBe(packageJson.version);
    expect(manifest.schedules).toEqual([
      { url: "/fetch/accounts", type: "interval", value: "5" },
      { url: "/fetch/users", type: "interval", value: "5" },
      { url: "/status", type: "interval", value: "30" },
    ]);
    expect(manifest.subscriptions).toEqual(planhatManifest.subscriptions);
  });

  test("tells its connectors from those of other services", () => {
    expect(manifest.source).toBe("hull-planningpme");
    expect([planhatManifest.source, plansourceManifest.source]).not.toContain(manifest.source);
  });

  test("has a button for each entity that fetches everything at once, after a question", () => {
    expect(manifest.json).toEqual(
      ["accounts", "users"].map((entity): unknown =>
        expect.objectContaining({
          url: `/fetch/${entity}?force=1`,
          format: "button",
          description: sentence,
          options: {
            confirm: expect.objectContaining({
              action: "fetch",
              entity,
              text: expect.stringMatching(/bills.*\?$/) as unknown,
            }) as unknown,
          },
        }),
      ),
    );
  });

  test("its files are there", () => {
    for (const file of [manifest.readme, manifest.logo, manifest.picture, "logo.svg"]) {
      expect({ file, exists: existsSync(join(ROOT, planningpmeFace.assets, file)) }).toEqual({ file, exists: true });
    }
  });
});

test("refusals that wait for a person have a remedy, and every remedy is for a code that there is", () => {
  const codes = Object.keys(planningpmeFace.remedies);
  expect(codes).toEqual(expect.arrayContaining(["refused", "invalid_value"]));
  expect(Object.keys({ ...COMMON_OUTCOMES, ...OUTCOMES })).toEqual(expect.arrayContaining(codes));
});

describe("what is written about it", () => {
  test("the guide calls settings and buttons as the dashboard does", () => {
    const technical = manifest.settings_sections.find(({ title }) => title === "Technical Details")?.properties ?? [];
    for (const { name, title } of [...SETTINGS, ...manifest.json]) {
      if (!technical.includes(`private_settings.${name}`)) expect(guide).toContain(title);
    }
  });

  test("the page has a row for every setting, and for no other", () => {
    const [, table = ""] = page.split(/^## Settings$/m);
    const rows = (table.split(/^###? /m)[0] ?? "").matchAll(/^\| `(\w+)` +\|/gm);
    const names = [...rows].map(([, name = ""]) => name);
    expect(names).toEqual(SETTINGS.map(({ name }) => name));
  });

  test.each([
    ["the guide", guide],
    ["the page", page],
  ])("%s explains every outcome of PlanningPME in the words of the code", (_, document) => {
    const texts = new Map(
      [...document.matchAll(/^\| `(\w+)` +\|(.+)\|$/gm)].map(([, code, cells = ""]) => [
        code,
        cells.split("|").map((cell) => cell.trim()),
      ]),
    );
    for (const [code, { text }] of Object.entries(OUTCOMES)) {
      expect({ code, cells: texts.get(code) }).toEqual({ code, cells: expect.arrayContaining([text]) as unknown });
    }
  });

  test("the page names every type of record", () => {
    expect(OBJECT_TYPES.filter(({ name }) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  test("the page says what handles each thing that PlanningPME leaves open", () => {
    const [, unknown = ""] = page.split(/^## What is unknown$/m);
    expect(Object.keys(switchValues).filter((name) => !unknown.includes(`\`${name}\``))).toEqual([]);
  });
});

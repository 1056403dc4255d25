/** The manifest is what people configure with, so it must say what the code understands, and nothing else. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import planhatManifest from "../../../manifest.json";
import packageJson from "../../../package.json";
import { COMMON_OUTCOMES } from "../../../src/outcome/outcome";
import { fieldOptions, plansourceFace } from "../../../src/services/plansource/face";
import manifest from "../../../src/services/plansource/manifest.json";
import { MAPPABLE } from "../../../src/services/plansource/objects";
import { OUTCOMES } from "../../../src/services/plansource/reasons";
import { readSettings } from "../../../src/services/plansource/settings/settings";
import { switchValues } from "../../../simulators/plansource/switches";

interface Setting {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly type: string;
  readonly format?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly enumNames?: readonly string[];
}

const SETTINGS: readonly Setting[] = manifest.private_settings;
const ROOT = join(__dirname, "../../..");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const guide = read("assets/plansource/readme.md");
const page = read("docs/services/plansource.md");
const named = (name: string): Setting | undefined => SETTINGS.find((each) => each.name === name);
const sentence = expect.stringMatching(/^[A-Z].+\.$/) as unknown;

describe("settings", () => {
  test("are named once each", () => {
    const names = SETTINGS.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)]);
    expect(names).toHaveLength(24);
  });

  test.each(SETTINGS.map(({ name }) => name))("%s is understood by the code", (name) => {
    // No setting is an object, so whoever reads this one complains about it by name.
    const result = readSettings({ [name]: {} });
    expect(result).toMatchObject({ ok: false, problems: [expect.stringMatching(`^${name}: `)] });
  });

  test("have the defaults that the code assumes where nothing is stored", () => {
    const defaults = Object.fromEntries(SETTINGS.map((setting) => [setting.name, setting.default]));
    expect(readSettings(defaults)).toMatchObject({ ok: true, warnings: [] });
    expect(readSettings(defaults)).toEqual(readSettings({}));
  });

  test("show the default of the code in the dashboard, each one that has any", () => {
    const undecided = [
      ...["client_id", "client_secret", "logged_in_user", "termination_reason_default"],
      ...["termination_date_attribute", "termination_reason_attribute"],
      ...["termination_voluntary_attribute", "rehire_date_attribute"],
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

  test("hide the secret, and offer everybody and the fields of subscribers", () => {
    expect(named("client_secret")).toMatchObject({ format: "password" });
    expect(named("synchronized_segments")).toMatchObject({
      format: "segment",
      options: { standard: { ALL: "All Users" } },
    });
    expect(named("subscriber_attributes_outbound")).toMatchObject({
      format: "table",
      items: {
        properties: {
          service_field_name: { format: "select", options: { loadOptions: "/schema/subscribers" } },
          clear_when_blank: { type: "boolean", default: false },
        },
      },
    });
  });
});

describe("the list of fields", () => {
  test("has every field that can be mapped, by its name and in alphabetical order", () => {
    const options = fieldOptions("subscribers", "outgoing") ?? [];
    expect(options.map(({ value }) => value).toSorted()).toEqual(MAPPABLE.map(({ name }) => name).toSorted());
    const order = new Intl.Collator("en", { numeric: true });
    const labels = options.map(({ label }) => label);
    expect(labels).toEqual(labels.toSorted((left, right) => order.compare(left, right)));
    expect(labels.indexOf("Udef 2")).toBeLessThan(labels.indexOf("Udef 10"));
  });

  test("says which values are only sent", () => {
    const labels = new Map(fieldOptions("subscribers", "outgoing")?.map(({ value, label }) => [value, label]));
    expect(labels.get("zip_code")).toBe("Zip code");
    for (const { name, writeOnly } of MAPPABLE) {
      expect({ name, told: labels.get(name)?.endsWith("(sent only, never shown)") }).toEqual({
        name,
        told: writeOnly === true,
      });
    }
  });

  test("is the only one", () => {
    expect(fieldOptions("subscribers", "incoming")).toBeUndefined();
    expect(fieldOptions("subscribers", "custom")).toBeUndefined();
    expect(fieldOptions("contacts", "outgoing")).toBeUndefined();
    const addresses = [...JSON.stringify(manifest).matchAll(/"loadOptions":"\/schema\/([^"]+)"/g)];
    expect(addresses.map(([, table]) => table)).toEqual(plansourceFace.fieldLists);
  });
});

describe("the rest of the manifest", () => {
  test("promises only what is there: users, and no accounts", () => {
    expect(manifest.tags.toSorted()).toEqual(
      ["outgoing", "incoming", "oneColumn", "smart-notifier", "kraken-exports", "batch"].toSorted(),
    );
    expect(manifest.version).toBe(packageJson.version);
    expect(manifest.schedules).toEqual([
      { url: "/fetch/users", type: "interval", value: "5" },
      { url: "/status", type: "interval", value: "30" },
    ]);
    expect(manifest.subscriptions).toEqual([
      {
        url: "/smart-notifier",
        conditions: {
          channels: {
            only: ["user:update", "user:delete", "ship:update", "users_segment:update", "users_segment:delete"],
          },
        },
      },
    ]);
  });

  test("tells its connectors from those of other services", () => {
    expect(manifest.source).toBe("plansource");
    expect(manifest.source).not.toBe(planhatManifest.source);
  });

  test("has a button that fetches everybody at once, after a question", () => {
    expect(manifest.json).toEqual([
      expect.objectContaining({
        url: "/fetch/users?force=1",
        format: "button",
        description: sentence,
        options: {
          confirm: expect.objectContaining({
            action: "fetch",
            entity: "users",
            text: expect.stringMatching(/bills.*\?$/) as unknown,
          }) as unknown,
        },
      }),
    ]);
  });

  test("its files are there", () => {
    for (const file of [manifest.readme, manifest.logo, manifest.picture, "logo.svg"]) {
      expect({ file, exists: existsSync(join(ROOT, plansourceFace.assets, file)) }).toEqual({ file, exists: true });
    }
  });
});

test("every refusal of PlanSource's own that waits for a person has a remedy", () => {
  const codes = ["refused", "value_not_allowed", "required_missing", "termination_reason", "ssn_exists", "unconfirmed"];
  expect(Object.keys(plansourceFace.remedies)).toEqual(expect.arrayContaining(codes));
  const known = Object.keys({ ...COMMON_OUTCOMES, ...OUTCOMES });
  expect(known).toEqual(expect.arrayContaining(Object.keys(plansourceFace.remedies)));
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
    const names = [...(table.split(/^## /m)[0] ?? "").matchAll(/^\| `(\w+)` +\|/gm)].map(([, name]) => name);
    expect(names).toEqual(SETTINGS.map(({ name }) => name));
  });

  test.each([
    ["the guide", guide],
    ["the page", page],
  ])("%s explains every outcome of PlanSource in the words of the code", (_, document) => {
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

  test("the page names every field that can be mapped, the numbered ones as a range", () => {
    const fields = MAPPABLE.map(({ name }) => name).filter((name) => !name.startsWith("udef_"));
    expect(fields.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
    expect(page).toContain("`udef_1` to `udef_30`");
  });

  test("the page says what handles each thing that PlanSource leaves open", () => {
    const [, unknown = ""] = page.split(/^## What is unknown$/m);
    expect(Object.keys(switchValues).filter((name) => !unknown.includes(`\`${name}\``))).toEqual([]);
  });
});

/** The manifest is what people configure with, so it must say what the code understands, and nothing else. */
import { COMMON_OUTCOMES } from "../../../src/outcome/outcome";
import { switchValues } from "../../../simulators/planhat/switches";
import { OUTCOMES } from "../../../src/services/planhat/reasons";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import manifest from "../../../manifest.json";
import packageJson from "../../../package.json";
import { typeSpec } from "../../../src/services/planhat/object-types";
import { optionsOf } from "../../../src/services/planhat/settings/schema";
import { readSettings } from "../../../src/services/planhat/settings/settings";
import type { FieldUse } from "../../../src/services/connection";

interface Setting {
  readonly name: string;
  readonly title: string;
  readonly description?: string;
  readonly type: string;
  readonly format?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly enumNames?: readonly string[];
}

const SETTINGS: readonly Setting[] = manifest.private_settings;
const ROOT = join(__dirname, "../../..");
const guide = readFileSync(join(ROOT, "assets/readme.md"), "utf8");
const page = readFileSync(join(ROOT, "docs/services/planhat.md"), "utf8");

/** In the manifest, and nothing for the code to read. */
const RESERVED = ["heading_account_configuration", "account_require_externalid"];

/** What installations of hull-planhat 0.1.7 have stored: name, type, format. */
const EARLIER: readonly (readonly [name: string, type: string, format: string | undefined])[] = [
  // The token was shown in clear.
  ["personal_acccess_token", "string", "password"],
  ["api_prefix", "string", undefined],
  ["tenant_id", "string", undefined],
  ["contact_synchronized_segments", "array", "segment"],
  ["contact_events", "array", "event"],
  ["contact_attributes_outbound", "array", "table"],
  ["contact_custom_attributes_outbound", "array", "table"],
  ["heading_account_configuration", "string", "title"],
  ["account_synchronized_segments", "array", "accountSegment"],
  ["account_require_externalid", "boolean", "hidden"],
  ["account_attributes_outbound", "array", "table"],
  ["account_custom_attributes_outbound", "array", "table"],
  ["account_licenses_attribute", "string", "accountTrait"],
  ["account_licenses_attributes_outbound", "array", "table"],
  ["account_licenses_custom_attributes_outbound", "array", "table"],
  ["fetch_interval_accounts", "string", undefined],
  // It was hidden, although the documentation described it.
  ["fetch_interval_users", "string", undefined],
];

const named = (name: string): Setting | undefined => SETTINGS.find((each) => each.name === name);

describe("settings", () => {
  test("are named once each", () => {
    const names = SETTINGS.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)]);
  });

  test.each(EARLIER)("%s of the earlier connector is still there", (name, type, format) => {
    expect(named(name)).toMatchObject({ name, type });
    expect(named(name)?.format).toBe(format);
  });

  test.each(SETTINGS.map(({ name }) => name).filter((name) => !RESERVED.includes(name)))(
    "%s is understood by the code",
    (name) => {
      // No setting is an object, so whoever reads this one complains about it by name.
      const read = readSettings({ [name]: {} });
      expect(read).toMatchObject({ ok: false, problems: [expect.stringMatching(`^${name}: `)] });
    },
  );

  /** On in new installations alone: an older one sends as before. */
  const NEW = ["ignore_deleted_users", "ignore_deleted_accounts"];

  test("have the defaults that the code assumes where nothing is stored", () => {
    const alike = SETTINGS.filter(({ name }) => !NEW.includes(name));
    const defaults = Object.fromEntries(alike.map((setting) => [setting.name, setting.default]));
    const read = readSettings(defaults);
    expect(read).toMatchObject({ ok: true, warnings: [] });
    expect(read).toEqual(readSettings({}));
    expect(NEW.map((name) => named(name)?.default)).toEqual([true, true]);
    expect(read).toMatchObject({ settings: { ignoreDeleted: { users: false, accounts: false } } });
  });

  test("offer only choices that the code accepts, the default among them", () => {
    for (const setting of SETTINGS.filter((each) => each.enum !== undefined)) {
      expect(setting.enum).toContain(setting.default);
      for (const value of setting.enum ?? []) {
        expect(readSettings({ [setting.name]: value })).toMatchObject({ ok: true });
      }
      if (setting.enumNames !== undefined) expect(setting.enumNames).toHaveLength(setting.enum?.length ?? 0);
    }
  });

  test("stand in exactly one section if they can be seen, and in none otherwise", () => {
    const shown = manifest.settings_sections.flatMap(({ properties }) => properties);
    const visible = SETTINGS.filter(({ format }) => format !== "hidden" && format !== "title");
    const expected = [
      ...visible.map(({ name }) => `private_settings.${name}`),
      ...manifest.json.map(({ name }) => `json.${name}`),
    ];
    expect(shown.toSorted()).toEqual(expected.toSorted());
  });

  test("come with a title, and an explanation unless they are a heading", () => {
    for (const { name, title, format, description = "" } of SETTINGS) {
      expect({ name, title }).toEqual({ name, title: expect.stringMatching(/\S/) as unknown });
      if (format !== "title") expect({ name, description }).toEqual({ name, description: sentence });
    }
    for (const { title, description } of manifest.settings_sections) {
      expect({ title, description }).toEqual({ title, description: sentence });
    }
  });

  test("offer everybody and every event as a choice", () => {
    expect(named("contact_synchronized_segments")).toMatchObject({ options: { standard: { ALL: "All Users" } } });
    expect(named("account_synchronized_segments")).toMatchObject({ options: { standard: { ALL: "All Accounts" } } });
    expect(named("contact_events")).toMatchObject({ options: { standard: { all_events: "All Events" } } });
  });
});

describe("lists of fields", () => {
  const SENT = [
    ["contact_attributes_outbound", "/schema/contacts"],
    ["contact_custom_attributes_outbound", "/schema/contacts/custom"],
    ["account_attributes_outbound", "/schema/companies"],
    ["account_custom_attributes_outbound", "/schema/companies/custom"],
    ["account_licenses_attributes_outbound", "/schema/licenses"],
    ["account_licenses_custom_attributes_outbound", "/schema/licenses/custom"],
  ] as const;

  test.each(SENT)("%s offers the fields of %s, and takes others", (name, loadOptions) => {
    expect(named(name)).toMatchObject({
      items: { properties: { service_field_name: { format: "select", options: { loadOptions, allowCreate: true } } } },
    });
  });

  test.each([
    ["contact_attributes_inbound", "/schema/contacts/incoming"],
    ["account_attributes_inbound", "/schema/companies/incoming"],
  ])("%s offers the fields of %s, and takes others", (name, loadOptions) => {
    expect(named(name)).toMatchObject({ options: { loadOptions, allowCreate: true } });
  });

  test("every address that is named leads to a list", () => {
    const addresses = [...JSON.stringify(manifest).matchAll(/"loadOptions":"([^"]+)"/g)].map(([, url = ""]) => url);
    expect(addresses).toHaveLength(12);
    for (const url of addresses) {
      const [, , table = "", use = "outgoing"] = url.split("/");
      expect({ url, list: optionsOf(table, use as FieldUse, []) }).toEqual({ url, list: expect.any(Array) as unknown });
    }
  });
});

describe("incoming", () => {
  test.each(["fetch_interval_accounts", "fetch_interval_users"])(
    "%s offers the earlier choices, and every call",
    (name) => {
      expect(named(name)).toMatchObject({ default: "180", enum: ["0", "180", "360", "720", "1440"] });
      for (const minutes of [0, 180, 360, 720, 1440]) {
        const read = readSettings({ [name]: String(minutes) });
        const type = name === "fetch_interval_users" ? "endusers" : "companies";
        expect(read).toMatchObject({ ok: true, settings: { fetchIntervalMinutes: { [type]: minutes } } });
      }
    },
  );

  test.each([
    ["contact_attributes_inbound", "traitMapping", "endusers"],
    ["account_attributes_inbound", "accountTraitMapping", "companies"],
  ] as const)("rows of %s are read as the dashboard stores them", (name, format, type) => {
    expect(named(name)).toMatchObject({ type: "array", format, options: { direction: "incoming" } });
    const rows = [
      { hull: "traits_job_title", service: "position", overwrite: false },
      { hull: "score", service: "Health score" },
    ];
    expect(readSettings({ [name]: rows })).toMatchObject({
      warnings: [],
      settings: {
        incoming: {
          [type]: {
            rows: [
              { attribute: "job_title", overwrite: false },
              { attribute: "score", field: "custom.Health score", overwrite: true },
            ],
          },
        },
      },
    });
  });

  test("the buttons fetch everything of their kind at once, after a question", () => {
    expect(manifest.json.map(({ url, format, options }) => ({ url, format, ...options.confirm }))).toEqual([
      expect.objectContaining({ url: "/fetch/users?force=1", format: "button", action: "fetch", entity: "users" }),
      expect.objectContaining({
        url: "/fetch/accounts?force=1",
        format: "button",
        action: "fetch",
        entity: "accounts",
      }),
    ]);
    for (const { title, description, options } of manifest.json) {
      expect([title, options.confirm.button]).toEqual([expect.stringMatching(/\S/), expect.stringMatching(/\S/)]);
      expect([description, options.confirm.text]).toEqual([sentence, expect.stringMatching(/bills.*\?$/)]);
    }
  });

  test("a section shows the button below the settings that it belongs to", () => {
    for (const [section, button] of [
      ["User Incoming Setup", "json.fetch_users"],
      ["Account Incoming Setup", "json.fetch_accounts"],
    ]) {
      expect(manifest.settings_sections.find(({ title }) => title === section)?.properties.at(-1)).toBe(button);
    }
  });
});

const sentence = expect.stringMatching(/^[A-Z].+\.$/) as unknown;

describe("the rest of the manifest", () => {
  test("has the version of the project, and files that are there", () => {
    expect(manifest.version).toBe(packageJson.version);
    for (const file of [manifest.readme, manifest.logo, manifest.picture]) {
      expect({ file, exists: existsSync(join(ROOT, "assets", file)) }).toEqual({ file, exists: true });
    }
  });

  test("subscribes to what is handled, and leaves filtering by segment to the connector", () => {
    const [subscription, ...others] = manifest.subscriptions;
    expect(others).toEqual([]);
    expect(subscription?.url).toBe("/smart-notifier");
    // docs/decisions/13-subscription-conditions.md
    expect(subscription?.conditions).not.toHaveProperty("segments");
    expect(subscription?.conditions.channels.only).toEqual([
      "user:update",
      "account:update",
      "user:delete",
      "ship:update",
      "users_segment:update",
      "users_segment:delete",
      "accounts_segment:update",
      "accounts_segment:delete",
    ]);
  });
});

/** Of services whose records end, that lack users or accounts, only create or only update, or have write-only values. */
const NEVER = new Set(
  "ended restarted accepted unreachable no_type nothing_to_send already_left insert_only update_only partly_written unreadable".split(
    " ",
  ),
);

describe("the guide", () => {
  test.each(["companies", "endusers", "licenses"])("names every field of %s that can be mapped", (type) => {
    const fields = typeSpec(type).fields.filter((field) => field.fixed !== true && field.readOnly !== true);
    expect(fields.map(({ name }) => name).filter((name) => !guide.includes(`\`${name}\``))).toEqual([]);
  });

  test("explains every outcome in the words of the code", () => {
    const codes = Object.entries({ ...COMMON_OUTCOMES, ...OUTCOMES })
      .map(([code, { text }]) => ({ code, text }))
      .filter(({ code }) => !NEVER.has(code));
    const rows = new Map(
      [...guide.matchAll(/^\| `(\w+)` +\| (.+?) +\| (.+?) +\|$/gm)].map(([, code, text]) => [code, text]),
    );
    expect(codes.length).toBeGreaterThan(30);
    for (const { code, text } of codes) expect({ code, text: rows.get(code) }).toEqual({ code, text });
  });

  test("calls the settings as the dashboard does", () => {
    /** Shown in a table that explains itself, or spoken of without their names. */
    const unnamed = ["fetch_interval_accounts", "fetch_interval_users", "bulk_max_items", "bulk_max_bytes"];
    const explained = SETTINGS.filter(({ format = "" }) => !["table", "title", "hidden"].includes(format));
    for (const { name, title } of explained) if (!unnamed.includes(name)) expect(guide).toContain(title);
    for (const { title } of manifest.json) expect(guide).toContain(title);
  });
});

describe("the page", () => {
  test("has a row for every setting, and for no other", () => {
    const [, table = ""] = page.split(/^## Settings$/m);
    const rows = (table.split(/^###? /m)[0] ?? "").matchAll(/^\| `(\w+)` +\|/gm);
    expect([...rows].map(([, setting]) => setting)).toEqual(SETTINGS.map(({ name }) => name));
  });

  test("explains every outcome of Planhat's own in the words of the code", () => {
    const rows = [...page.matchAll(/^\| `(\w+)` +\| [^|]+\| (.+?) +\|/gm)];
    const texts = Object.fromEntries(rows.map(([, code = "", text]) => [code, text] as const));
    expect(texts).toMatchObject(Object.fromEntries(Object.entries(OUTCOMES).map(([code, { text }]) => [code, text])));
  });

  test("says what handles each thing that Planhat leaves open", () => {
    const [, unknown = ""] = page.split(/^## What is unknown$/m);
    expect(Object.keys(switchValues).filter((each) => !unknown.includes(`\`${each}\``))).toEqual([]);
  });
});

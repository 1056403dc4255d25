/** What PlanSource's manifest, list of fields and page have of their own; see `unit/services/presentation` for the rest. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fieldOptions, plansourceFace } from "../../../src/services/plansource/face";
import manifest from "../../../src/services/plansource/manifest.json";
import { MAPPABLE } from "../../../src/services/plansource/objects";

interface Setting {
  readonly name: string;
  readonly format?: string;
  readonly default?: unknown;
}

const SETTINGS: readonly Setting[] = manifest.private_settings;
const page = readFileSync(join(__dirname, "../../../docs/services/plansource.md"), "utf8");
const named = (name: string): Setting | undefined => SETTINGS.find((each) => each.name === name);

describe("settings", () => {
  test("show the default of the code in the dashboard, each one that has any", () => {
    const undecided = [
      ...["client_id", "client_secret", "logged_in_user", "termination_reason_default"],
      ...["termination_date_attribute", "termination_reason_attribute"],
      ...["termination_voluntary_attribute", "rehire_date_attribute"],
      ...["alert_webhook_url", "alert_webhook_secret", "alert_dead_letters"],
    ];
    const without = SETTINGS.filter((setting) => setting.default === undefined).map(({ name }) => name);
    expect(without.toSorted()).toEqual(undecided.toSorted());
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
    expect([...new Set(addresses.map(([, table]) => table))]).toEqual(plansourceFace.fieldLists);
  });
});

describe("the rest of the manifest", () => {
  test("promises only what is there: users, and no accounts", () => {
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
});

test("every refusal of PlanSource's own that waits for a person has a remedy", () => {
  const codes = ["refused", "value_not_allowed", "required_missing", "termination_reason", "ssn_exists", "unconfirmed"];
  expect(Object.keys(plansourceFace.remedies)).toEqual(expect.arrayContaining(codes));
});

describe("what is written about it", () => {
  test("the page names every field that can be mapped, the numbered ones as a range", () => {
    const fields = MAPPABLE.map(({ name }) => name).filter((name) => !name.startsWith("udef_"));
    expect(fields.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
    expect(page).toContain("`udef_1` to `udef_30`");
  });
});

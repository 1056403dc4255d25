/**
 * Settings that installations have stored mean what they meant to the version before claims, newer tables and the rest of
 * today's manifest: one of each service with every key of that version, and those of real payloads. What they meant was
 * read by that version.
 */
import installations from "../../fixtures/settings/installations.json";
import { readSettings as readPlangrade } from "../../../src/services/plangrade/settings/settings";
import { readSettings as readPlanhat } from "../../../src/services/planhat/settings/settings";
import { readSettings as readPlanningPme } from "../../../src/services/planningpme/settings/settings";
import { readSettings as readPlanSource } from "../../../src/services/plansource/settings/settings";

const READERS: Readonly<Record<string, (settings: unknown) => unknown>> = {
  plansource: readPlanSource,
  planningpme: readPlanningPme,
  plangrade: readPlangrade,
};

/** As the file has it: what is undefined is absent. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test.each(Object.entries(installations))("%s", (name, { settings, meaning }) => {
  const read = plain((READERS[name] ?? readPlanhat)(settings));
  expect(read).toMatchObject(meaning);
});

test("of every key each has a meaning of its own: without it, something is read in another way", () => {
  /** Read by nobody, or blank above, where the default means the same. */
  const silent = [
    ...["heading_account_configuration", "account_require_externalid"],
    ...["alert_webhook_url", "alert_webhook_secret", "alert_dead_letters"],
  ];
  for (const name of ["planhat", "plansource", "planningpme", "plangrade"] as const) {
    const reader = READERS[name] ?? readPlanhat;
    const stored: Readonly<Record<string, unknown>> = installations[name].settings;
    for (const key of Object.keys(stored).filter((each) => !silent.includes(each))) {
      const { [key]: _left, ...others } = stored;
      const differs = JSON.stringify(reader(others)) !== JSON.stringify(reader(stored));
      expect({ name, key, differs: differs || isDefault(name, key) }).toEqual({ name, key, differs: true });
    }
  }
});

/** Stored with its default, or capped to it. */
function isDefault(name: string, key: string): boolean {
  return ["planningpme project_defaults", "planningpme bulk_max_items"].includes(`${name} ${key}`);
}

import { readSettings, type PlanningPmeSettings } from "../../../src/services/planningpme/settings/settings";

export type Stored = Readonly<Record<string, unknown>>;

/** The settings as they are read; stored ones that cannot be read fail the test. */
export function settingsOf(stored: Stored = {}): PlanningPmeSettings {
  const result = readSettings(stored);
  if (!result.ok) throw new Error(result.problems.join("\n"));
  return result.settings;
}

export const row = (hull_field_name: string, service_field_name: string) => ({ hull_field_name, service_field_name });
export const constant = (property: unknown, value: unknown) => ({ property, value });
export const exported = (template: unknown, entity: unknown, key_property: unknown, key_attribute: unknown) => ({
  ...{ template, entity, key_property, key_attribute },
});

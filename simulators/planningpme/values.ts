/** What the properties of a row say about the fields of one entity. */
import type { Value } from "./records";
import type { Template, TemplateType } from "./template";
import type { PlanningPmeSwitches } from "./switches";

export type Row = Readonly<Record<string, unknown>>;

/** What a row sets, by field; null for what it clears. Nothing for what it passes over. */
export interface RowValues {
  readonly values: ReadonlyMap<string, Value | null>;
  readonly problems: readonly string[];
}

/** A row's properties by name, as the switch compares names. */
export function propertiesOf(row: Row, { propertyNames }: Readonly<PlanningPmeSwitches>): (name: string) => unknown {
  if (propertyNames === "exact") return (name) => (Object.hasOwn(row, name) ? row[name] : undefined);
  const byName = new Map(Object.entries(row).map(([name, value]) => [name.toLowerCase(), value]));
  return (name) => byName.get(name.toLowerCase());
}

/** Names of a row that the template does not have. */
export function unknownProperties(row: Row, { types }: Template, switches: Readonly<PlanningPmeSwitches>): string[] {
  const folded = (name: string): string => (switches.propertyNames === "exact" ? name : name.toLowerCase());
  const known = new Set(types.flatMap(({ properties }) => properties.map(({ name }) => folded(name))));
  return Object.keys(row).filter((name) => !known.has(folded(name)));
}

/** Reads what a type of the template takes from a row. */
export function readValues(row: Row, type: TemplateType, switches: Readonly<PlanningPmeSwitches>): RowValues {
  const property = propertiesOf(row, switches);
  const values = new Map<string, Value | null>();
  const problems: string[] = [];
  for (const { name, field } of type.properties) {
    const raw = property(name);
    if (raw === undefined) continue;
    if (raw === "" || raw === null) {
      const clears = switches.clearing === "both" || switches.clearing === (raw === null ? "null" : "empty");
      if (clears) values.set(field, null);
      continue;
    }
    const value = stored(raw, switches);
    if (value === undefined) problems.push(`${name} is invalid`);
    else values.set(field, value);
  }
  return { values, problems };
}

function stored(raw: unknown, { lists }: Readonly<PlanningPmeSwitches>): Value | undefined {
  if (typeof raw === "string" || typeof raw === "number" || typeof raw === "boolean") return raw;
  const isList = Array.isArray(raw) && raw.every((each) => typeof each === "string" || typeof each === "number");
  return isList && lists === "joined" ? raw.join(";") : undefined;
}

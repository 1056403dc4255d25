/** The grammar of templates (sheet 4). */
import type { Value } from "./records";
import type { PlanningPmeSwitches } from "./switches";

export type ModelLayout = PlanningPmeSwitches["modelLayout"];

export interface Property {
  /** The sender's label; may have blanks and accents. */
  readonly name: string;
  /** The field of the entity; a leading underscore marks a custom one. */
  readonly field: string;
}

export interface TemplateType {
  /** The entity, such as `Customer`. */
  readonly name: string;
  readonly shouldInsert: boolean;
  readonly shouldUpdate: boolean;
  /** The property by which rows are matched. None: every row is new. The grammar that is published does not say it. */
  readonly key?: string;
  readonly defaults?: readonly { readonly field: string; readonly value: Value }[];
  readonly properties: readonly Property[];
  /** An earlier type: its record of the same row is entered in the field of its name. */
  readonly belongsTo?: string;
}

export interface Template {
  readonly name: string;
  readonly direction: "in" | "out";
  readonly description: string;
  /** More than one splits a row over several entities, or joins them for an export. */
  readonly types: readonly [TemplateType, ...TemplateType[]];
  /** How its model is laid out. Default: what the switch says. */
  readonly layout?: ModelLayout;
  /** The name of the list in models and exports that have a named one. Default: the first type in the plural. */
  readonly listName?: string;
}

/** The name of a template's list. */
export function listNameOf({ listName, types }: Template): string {
  return listName ?? `${types[0].name}s`;
}

/** The field that a type's key property goes to. */
export function keyFieldOf({ key, properties }: TemplateType): string | undefined {
  return properties.find(({ name }) => name === key)?.field;
}

const escaped = (text: Value): string =>
  String(text).replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

/** A template as PlanningPME's staff write it. */
export function xmlOf({ direction, types }: Template): string {
  const element = direction === "in" ? "In" : "Out";
  const lines = types.flatMap((type) => [
    `<Type Name="${type.name}" ShouldInsert="${type.shouldInsert}" ShouldUpdate="${type.shouldUpdate}">`,
    ...(type.defaults ?? []).map(({ field, value }) => `<Default Field="${field}" Value="${escaped(value)}"/>`),
    "</Type>",
    ...type.properties.map(
      ({ name, field }) => `<Property Name="${escaped(name)}" Type="${type.name}" Field="${field}"/>`,
    ),
  ]);
  return [`<${element}>`, ...lines, `</${element}>`].join("");
}

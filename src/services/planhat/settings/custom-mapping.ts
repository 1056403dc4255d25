/** Mapping rows compared with the custom fields that Planhat really has. */
import memoize from "lodash/memoize";
import type { Finding } from "../../connection";
import { warning } from "../../findings";
import { definitionOf } from "../api/custom-fields";
import type { CustomField } from "../api/custom-fields";
import { composed, customName } from "../object-types";
import { mappingOf } from "./settings";
import type { PlanhatSettings } from "./settings";
import { TITLES } from "./status";

/** What a name in the settings is in Planhat. */
export type Naming =
  /** `cased`: Planhat writes it in another case. */
  | { readonly kind: "exact" | "cased"; readonly field: CustomField }
  /** It is the field of another row, which counts. */
  | { readonly kind: "twin"; readonly field: CustomField; readonly instead: string }
  | { readonly kind: "unknown" };

/**
 * Of several names for one field the exact one counts, else the last.
 * @param names as the settings write them, in their order
 */
export function namingsOf(
  type: string,
  names: readonly string[],
  known: readonly CustomField[],
): ReadonlyMap<string, Naming> {
  const found = new Map(names.map((name) => [name, definitionOf(type, name, known)]));
  const counts = new Map<CustomField, string>();
  for (const [name, field] of found) {
    if (field !== undefined && counts.get(field) !== field.name) counts.set(field, name);
  }
  return new Map(
    [...found].map(([name, field]): readonly [string, Naming] => {
      if (field === undefined) return [name, { kind: "unknown" }];
      const instead = counts.get(field) ?? name;
      if (instead !== name) return [name, { kind: "twin", field, instead }];
      return [name, { kind: field.name === name ? "exact" : "cased", field }];
    }),
  );
}

/** A row whose Planhat side is a custom field. */
interface CustomRow {
  readonly type: "endusers" | "companies" | "licenses";
  readonly incoming: boolean;
  /** As written in the settings. */
  readonly attribute: string;
  readonly name: string;
}

/** The custom fields that a mapping names, in either direction. */
export function customNames(settings: PlanhatSettings): readonly string[] {
  return customRows(settings).map(({ type, name }) => `${type} ${name}`);
}

/** @param known all fields of the tenant */
export function checkCustomFields(settings: PlanhatSettings, known: readonly CustomField[]): readonly Finding[] {
  const namings = memoize((type: string) => namingsOf(type, customNamesOf(mappingOf(type, settings)), known));
  return customRows(settings).flatMap((row) => {
    const field = known.find((each) => each.type === row.type && each.name === row.name);
    const naming = row.incoming ? undefined : namings(row.type).get(row.name);
    if (naming?.kind === "twin") return [twin(row, naming.instead)];
    if (naming?.kind === "cased") return [cased(row, naming.field), ...unsuitable(row, naming.field)];
    return field === undefined ? [missing(row, known)] : unsuitable(row, field);
  });
}

/** The custom fields among those of some rows. */
export function customNamesOf(rows: readonly { readonly field: string }[]): readonly string[] {
  return rows.flatMap(({ field }) => customName(field) ?? []);
}

function twin(row: CustomRow, instead: string): Finding {
  return warning(`${place(row)}: "${instead}" fills the same field, so this row is left out. Remove one of the two.`);
}

function cased(row: CustomRow, { name }: CustomField): Finding {
  return warning(`${place(row)}: the field is "${name}" in Planhat, and values are sent under that name. Write it so.`);
}

function customRows({ mapping, incoming }: PlanhatSettings): readonly CustomRow[] {
  const outgoing = (["endusers", "companies", "licenses"] as const).flatMap((type) =>
    mapping[type].map(({ attribute, field }) => ({ type, incoming: false, attribute: attribute.text, field })),
  );
  const inbound = (["endusers", "companies"] as const).flatMap((type) =>
    incoming[type].rows.map(({ attribute, field }) => ({ type, incoming: true, attribute, field })),
  );
  return [...outgoing, ...inbound].flatMap(({ field, ...row }) => {
    const name = customName(field);
    return name === undefined ? [] : [{ ...row, name }];
  });
}

/** Names the row as the settings show it. */
function place({ type, incoming, attribute, name }: CustomRow): string {
  const title = incoming ? TITLES.incoming[type] : `${TITLES.outgoing[type]} or ${TITLES.custom[type]}`;
  return incoming ? `${title}, row "${name}" → "${attribute}"` : `${title}, row "${attribute}" → "${name}"`;
}

function missing(row: CustomRow, known: readonly CustomField[]): Finding {
  const alike = known.find((each) => each.type === row.type && plain(each.name) === plain(row.name));
  const stranger = known.find((each) => each.name === row.name);
  let remedy = "Correct the name, or create the field in Planhat.";
  if (alike !== undefined) remedy = `There is "${alike.name}"; write it exactly like that.`;
  else if (stranger !== undefined) remedy = `There is one of that name, but it belongs to ${stranger.parent}.`;
  const leftOut = row.incoming ? "" : ", so its values are left out";
  return warning(`${place(row)}: Planhat's ${row.type} have no such custom field${leftOut}. ${remedy}`);
}

const plain = (name: string): string => composed(name).toLowerCase().replace(/\s+/g, "");

/** Kinds of fields that hold ids of Planhat. */
const REFERENCES = ["team member", "team members", "enduser", "endusers"];
/** Kinds of fields that cannot hold a date. */
const DATELESS = ["checkbox", "rating", "phone", "email", "url", ...REFERENCES];

/** Why a field does not suit its row, if it does not. */
function unsuitable(row: CustomRow, { hidden, formula, holds }: CustomField): readonly Finding[] {
  // What Planhat computes or hides may still come to Hull.
  if (row.incoming) return [];
  const told = (text: string, level: Finding["level"] = "warning") => [{ level, text: `${place(row)}: ${text}` }];
  if (formula) return told("Planhat computes this field, so it cannot be filled. Remove the row.");
  if (hidden) {
    return told("the field is hidden in Planhat, so nobody sees what is sent. Show it there, or remove the row.");
  }
  if (/_(?:at|date)$/.test(row.attribute) && DATELESS.includes(holds)) {
    return told(
      `the attribute looks like a date, and the field holds a ${holds}. Map another field, or change its type.`,
    );
  }
  if (!REFERENCES.includes(holds)) return [];
  return told(`the field holds a ${holds}, so the attribute must hold Planhat's ids.`, "ok");
}

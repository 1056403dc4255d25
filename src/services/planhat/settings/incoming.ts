/** What the settings say about the way from Planhat to Hull: which field fills which attribute, and what is noise. */
import type { z } from "zod";
import type { ClaimRule } from "../../mapping/claims";
import type { traitTable } from "../../mapping/cells";
import { customField, customName, findField, hullAttribute } from "../object-types";
import type { MappingWarning } from "./mapping-warnings";

/** One row that is used; it fills its attribute besides the `planhat/…` one that every field has. */
export interface IncomingRow {
  /** In the engine's naming: `phase`, `custom.Anything at all`. */
  readonly field: string;
  /** Without entity prefix. */
  readonly attribute: string;
  /** False: it is filled only where Hull has no value. */
  readonly overwrite: boolean;
}

export interface IncomingRules {
  readonly rows: readonly IncomingRow[];
  /** By which fields Hull knows a record; undefined: external id, e-mail address or domain. */
  readonly claims: readonly ClaimRule[] | undefined;
  /** Fields or attributes (`planhat/…`) whose change alone causes no update to Hull. */
  readonly ignored: readonly string[];
  /** Fields or attributes that are not told at all, unless a row names the field. */
  readonly excluded: readonly string[];
}

export interface IncomingSettings {
  readonly endusers: IncomingRules;
  readonly companies: IncomingRules;
  /** Endusers are linked to the account of their company. */
  readonly linkUsers: boolean;
  /** Owner and co-owner of a company are told by name and e-mail address too. */
  readonly resolveOwners: boolean;
  /** What went missing in Planhat gets `planhat/deleted_at`. */
  readonly markDeleted: boolean;
  /** Licenses are read as well, if they are sent at all. */
  readonly licenses: boolean;
}

/** Hull identifies users and accounts by these; the connector sets them on its own. */
const IDENTITY: Readonly<Record<IncomingType, readonly string[]>> = {
  endusers: ["id", "external_id", "anonymous_id", "email", "planhat/id"],
  companies: ["id", "external_id", "anonymous_id", "domain", "planhat/id"],
};
const API_NAME = /^[a-z][A-Za-z0-9]*$/;

type IncomingType = "endusers" | "companies";

/** Rows with both cells filled; of several for one attribute the last counts. */
export function incomingRows(
  type: IncomingType,
  stored: z.infer<typeof traitTable>,
): { readonly rows: readonly IncomingRow[]; readonly odd: readonly MappingWarning[] } {
  const odd: MappingWarning[] = [];
  const rows = new Map<string, IncomingRow>();
  for (const row of stored ?? []) {
    const attribute = (row?.hull ?? "").trim().replace(/^traits_/, "");
    const service = row?.service ?? "";
    if (row === null || row === undefined || attribute === "" || service.trim() === "") continue;
    if (IDENTITY[type].includes(attribute) || attribute.startsWith("account.")) {
      odd.push({ code: "fixed_field", type, incoming: true, name: attribute });
      continue;
    }
    if (rows.delete(attribute)) odd.push({ code: "duplicate_field", type, incoming: true, name: attribute });
    rows.set(attribute, { field: incomingField(type, service), attribute, overwrite: row.overwrite });
  }
  return { rows: [...rows.values()], odd };
}

/**
 * The field that a name in the settings means: a standard field by name or label, `custom.` and a display name, any
 * other property of Planhat's API unchanged (`renewalDate`). What cannot be one (blanks, signs, a capital first) is the
 * display name of a custom field.
 */
export function incomingField(type: IncomingType, text: string): string {
  if (customName(text.trimStart()) !== undefined) return text.trimStart();
  const name = text.trim();
  const known = findField(type, name);
  if (known !== undefined) return known.name;
  return API_NAME.test(name) || name.startsWith("_") ? name : customField(text);
}

/** Field names in comparable form; an attribute such as `planhat/nps` stays one. */
export function namedFields(type: IncomingType, listed: readonly string[]): readonly string[] {
  return listed.map((name) => (name.startsWith("planhat/") ? name : incomingField(type, name)));
}

/** Whether a list of `namedFields` names this field, by itself or by its attribute. */
export function isNamed(listed: ReadonlySet<string>, type: string, field: string): boolean {
  return listed.has(field) || listed.has(hullAttribute(type, field));
}

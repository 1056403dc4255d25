/** Rows and names of the settings that do not count, or not as they were meant. */
import type { Reason } from "../../../outcome/outcome";
import type { Role } from "../objects";

const TEXTS = {
  duplicate_field: "A property is filled more than once; the last row counts.",
  duplicate_constant: "A property has more than one constant; the last row counts.",
  constant_key: "The key property cannot have a constant, which would make all records one; the row was left out.",
  missing_key_property: "Nothing is imported through a template without its key property.",
  attribute_twice: "Two properties come back to Hull as one attribute, which holds the one that was imported last.",
  incomplete_export: "A row lacks its template, entity, key property or key attribute; it was left out.",
  unfit_claim: "Accounts are not known by email, and users not by domain; the row was left out.",
  duplicate_export: "An export template has more than one row for an entity; the last one counts.",
} as const;

/** A row or a name that is left out (duplicates: all but the last). */
export interface RowWarning {
  readonly code: keyof typeof TEXTS;
  /** The property, the setting, Hull's attribute, or the template of the row, else its place: `row 2`. */
  readonly name: string;
  /** Whose settings it is in, of an attribute that two imports fill the latter's; undefined for exports. */
  readonly role?: Role;
}

/** What the log says about it. */
export function warningReason({ code, name, role }: RowWarning): Reason {
  return { code, text: `${TEXTS[code]} (${role === undefined ? name : `${role}s: ${name}`})` };
}

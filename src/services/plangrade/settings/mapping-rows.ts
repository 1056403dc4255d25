/** The tables `company_attributes_outbound` and `participant_attributes_outbound`: which attribute fills which field. */
import type { z } from "zod";
import { attributeReference, type AttributeReference } from "../../mapping/attributes";
import type { table } from "../../mapping/cells";
import { COMPANIES, isFixed, mappableFields, PARTICIPANTS } from "../objects";

/** One mapping row that is used. */
export interface MappingRow {
  readonly attribute: AttributeReference;
  /** plangrade's name. */
  readonly field: string;
}

/** A row that is left out (`duplicate_field`: all but the last). */
export interface RowWarning {
  readonly code: "unknown_field" | "fixed_field" | "duplicate_field";
  readonly type: string;
  readonly name: string;
}

type Stored = z.infer<typeof table>;

const ENTITIES = { [COMPANIES.name]: "account", [PARTICIPANTS.name]: "user" } as const;

/**
 * Rows with both cells filled; of several for one field the last counts.
 *
 * @param stored absent: the rows of a new installation, an attribute for each field of its name; an empty table stays empty
 */
export function mappingOf(
  type: string,
  stored: Stored,
): { readonly rows: readonly MappingRow[]; readonly warnings: readonly RowWarning[] } {
  const warnings: RowWarning[] = [];
  const rows = new Map<string, MappingRow>();
  const fields = mappableFields(type).map(({ name }) => name);
  for (const row of stored ?? fields.map((name) => ({ hull_field_name: name, service_field_name: name }))) {
    const attribute = attributeReference(row?.hull_field_name ?? "", ENTITIES[type] ?? "user");
    const written = (row?.service_field_name ?? "").trim();
    if (attribute === undefined || written === "") continue;
    const field = fieldName(written);
    if (!fields.includes(field)) {
      const isSet = isFixed(type, field);
      warnings.push({ code: isSet ? "fixed_field" : "unknown_field", type, name: isSet ? field : written });
      continue;
    }
    if (rows.delete(field)) warnings.push({ code: "duplicate_field", type, name: field });
    rows.set(field, { attribute, field });
  }
  return { rows: [...rows.values()], warnings };
}

/** `First name` → `first_name`: people may write what they read. */
function fieldName(written: string): string {
  return written.toLowerCase().replaceAll(" ", "_");
}

/** The table `subscriber_attributes_outbound`: which Hull attribute fills which field of a subscriber. */
import type { z } from "zod";
import { attributeReference, type AttributeReference } from "../../mapping/attributes";
import type { clearingTable } from "../../mapping/cells";
import { mappableField, STATUS_FIELDS } from "../objects";

/** One mapping row that is used. */
export interface MappingRow {
  readonly attribute: AttributeReference;
  /** PlanSource's name. */
  readonly field: string;
  /** An empty value is sent blank, and clears; otherwise it is left out. */
  readonly clearWhenBlank: boolean;
}

/** A row that is left out (`duplicate_field`: all but the last). */
export interface RowWarning {
  readonly code: "unknown_field" | "fixed_field" | "duplicate_field";
  readonly name: string;
}

/** By which PlanSource finds an employee. */
const KEY = "subscriber_code";

/** What PlanSource sets, or only its calls to terminate and rehire change; those have settings of their own. */
const FIXED: ReadonlySet<string> = new Set([
  "id",
  ...Object.keys(STATUS_FIELDS),
  ...["subscriber_status_id", "subscriber_status_subtype_id", "status_changed_at", "status_ends_on_expected"],
  ...["termination_reason", "termination_reason_id", "rehire_date"],
]);

type StoredRow = NonNullable<NonNullable<z.infer<typeof clearingTable>>[number]>;

const DEFAULT_ROWS: readonly StoredRow[] = [
  ["external_id", KEY],
  ["first_name", "first_name"],
  ["last_name", "last_name"],
  ["email", "email"],
].map(([hull_field_name, service_field_name]) => ({ hull_field_name, service_field_name, clear_when_blank: false }));

/**
 * Rows with both cells filled; of several for one field the last counts.
 *
 * @param stored absent: the rows of a new installation; an empty table stays empty
 */
export function mappingOf(stored: z.infer<typeof clearingTable>): {
  readonly rows: readonly MappingRow[];
  readonly warnings: readonly RowWarning[];
} {
  const warnings: RowWarning[] = [];
  const rows = new Map<string, MappingRow>();
  for (const row of stored ?? DEFAULT_ROWS) {
    const attribute = attributeReference(row?.hull_field_name ?? "", "user");
    const written = (row?.service_field_name ?? "").trim();
    if (row === null || row === undefined || attribute === undefined || written === "") continue;
    const name = fieldName(written);
    const field = mappableField(name)?.name;
    if (field === undefined) {
      warnings.push(FIXED.has(name) ? { code: "fixed_field", name } : { code: "unknown_field", name: written });
      continue;
    }
    if (rows.delete(field)) warnings.push({ code: "duplicate_field", name: field });
    // Blank, it would be nobody's code.
    rows.set(field, { attribute, field, clearWhenBlank: row.clear_when_blank && field !== KEY });
  }
  return { rows: [...rows.values()], warnings };
}

/** `Zip code` → `zip_code`: people may write what they read. */
function fieldName(written: string): string {
  return written.toLowerCase().replaceAll(" ", "_");
}

/** Tables of the settings by which attributes fill fields: which rows count, and which are left out. Pure. */
import { attributeReference } from "./attributes";
import type { z } from "zod";
import type { traitTable } from "./cells";
import type { MappedField } from "./fields";

/** A row that is left out (`duplicate_field`: all but the last). */
export interface RowWarning {
  readonly code: "unknown_field" | "fixed_field" | "duplicate_field";
  readonly name: string;
}

/** A row as it is stored, in a table of the earlier kind. */
export interface StoredRow {
  readonly hull_field_name?: string | null | undefined;
  readonly service_field_name?: string | null | undefined;
}

export interface TableRules<R, M> {
  /** Whose attributes fill the fields. */
  readonly entity: "user" | "account";
  readonly isMappable: (field: string) => boolean;
  /** The service sets it, or a setting of its own does. */
  readonly isFixed: (field: string) => boolean;
  /** What is kept of a row. */
  readonly kept: (row: MappedField, stored: R) => M;
}

/** Rows with both cells filled; of several for one field the last counts. */
export function readTable<R extends StoredRow, M>(
  stored: readonly (R | null | undefined)[],
  { entity, isMappable, isFixed, kept }: TableRules<R, M>,
): { readonly rows: readonly M[]; readonly warnings: readonly RowWarning[] } {
  const warnings: RowWarning[] = [];
  const rows = new Map<string, M>();
  for (const row of stored) {
    const attribute = attributeReference(row?.hull_field_name ?? "", entity);
    const written = (row?.service_field_name ?? "").trim();
    if (row === null || row === undefined || attribute === undefined || written === "") continue;
    const field = fieldName(written);
    if (!isMappable(field)) {
      warnings.push(isFixed(field) ? { code: "fixed_field", name: field } : { code: "unknown_field", name: written });
      continue;
    }
    if (rows.delete(field)) warnings.push({ code: "duplicate_field", name: field });
    rows.set(field, kept({ attribute, field }, row));
  }
  return { rows: [...rows.values()], warnings };
}

/** Rows of the newer kind of table as those of the earlier one; behind them, they count where both fill a field. */
export function traitRows(newer: z.infer<typeof traitTable>): readonly StoredRow[] {
  return (newer ?? []).map((row) => ({ hull_field_name: row?.hull, service_field_name: row?.service }));
}

/** `Zip code` → `zip_code`: people may write what they read. */
function fieldName(written: string): string {
  return written.toLowerCase().replaceAll(" ", "_");
}

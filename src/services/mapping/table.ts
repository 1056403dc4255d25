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

interface StoredRow {
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

/**
 * The table of the earlier kind with the rows of the newer one behind it, so that these count where both fill a field.
 *
 * @param stored rows of the earlier kind; its defaults where it is absent
 */
export function withTraitRows<R extends StoredRow>(
  stored: readonly (R | null | undefined)[],
  newer: z.infer<typeof traitTable>,
): readonly (R | StoredRow | null | undefined)[] {
  const more = (newer ?? []).map((row): StoredRow => ({
    hull_field_name: row?.hull,
    service_field_name: row?.service,
  }));
  return more.length === 0 ? stored : [...stored, ...more];
}

/** `Zip code` → `zip_code`: people may write what they read. */
function fieldName(written: string): string {
  return written.toLowerCase().replaceAll(" ", "_");
}

/** The settings of one import: which Hull attributes fill which properties, what is constant, and what the key is. */
import { attributeReference, type AttributeReference } from "../../mapping/attributes";
import type { MappedField } from "../../mapping/fields";
import type { StoredRow } from "../../mapping/table";
import type { WritePolicy } from "../../model";
import type { Entity, Role } from "../objects";
import type { RowWarning } from "./row-warnings";

/** One import: what feeds it, through which template, and how. */
export interface ImportSettings {
  /** Undefined: nothing feeds it. */
  readonly entity: Entity | undefined;
  readonly template: string;
  /** The property by which the template matches; required where an entity feeds it. */
  readonly keyProperty: string | undefined;
  /** What fills it: the mapped attribute, else `external_id`. */
  readonly keyAttribute: AttributeReference | undefined;
  /** All rows, that of the key property included; properties are taken literally, blanks and accents included. */
  readonly rows: readonly MappedField[];
  /** Property → constant; a mapped value wins over it. */
  readonly defaults: Readonly<Record<string, string>>;
  /** Undefined: what is missing is made, and what is there is changed. */
  readonly policy: WritePolicy | undefined;
}

type Stored<R> = readonly (R | null | undefined)[] | null | undefined;

/** What is stored for one import, each cell as it was read. */
export interface StoredImport {
  readonly entity: Entity | undefined;
  readonly template: string;
  readonly keyProperty: string | undefined;
  readonly mapping: readonly (StoredRow | null | undefined)[];
  readonly constants: Stored<{ readonly property?: string | undefined; readonly value?: string | undefined }>;
  readonly write: WritePolicy | "upsert";
}

/** Nothing is warned of in an import that nothing feeds. */
export function importOf(
  role: Role,
  { entity, template, keyProperty, mapping, constants, write }: StoredImport,
): { readonly settings: ImportSettings; readonly warnings: readonly RowWarning[] } {
  const warnings: RowWarning[] = [];
  const warn: Warn = (code, name) => void warnings.push({ code, name, role });
  if (keyProperty === undefined) warn("missing_key_property", `${role}_key_property`);
  const rows = rowsOf(mapping, entity ?? "account", warn);
  const keyRow = keyProperty === undefined ? undefined : (rows.get(keyProperty) ?? ownKeyRow(keyProperty, entity));
  if (keyRow !== undefined) rows.set(keyRow.field, keyRow);
  const settings = {
    ...{ entity, template, keyProperty, keyAttribute: keyRow?.attribute, rows: [...rows.values()] },
    defaults: constantsOf(constants, keyProperty, warn),
    policy: write === "upsert" ? undefined : write,
  };
  return { settings, warnings: entity === undefined ? [] : warnings };
}

type Warn = (code: RowWarning["code"], name: string) => void;

/** Rows with both cells filled, by property; of several for one the last counts. */
function rowsOf(mapping: StoredImport["mapping"], entity: Entity, warn: Warn): Map<string, MappedField> {
  const rows = new Map<string, MappedField>();
  for (const row of mapping) {
    const attribute = attributeReference(row?.hull_field_name ?? "", entity);
    const field = row?.service_field_name ?? "";
    if (attribute === undefined || field.trim() === "") continue;
    if (rows.delete(field)) warn("duplicate_field", field);
    rows.set(field, { attribute, field });
  }
  return rows;
}

/** The same for constants; the key property has none, since all records would be one. */
function constantsOf(
  stored: StoredImport["constants"],
  keyProperty: string | undefined,
  warn: Warn,
): ImportSettings["defaults"] {
  const constants = new Map<string, string>();
  for (const row of stored ?? []) {
    const { property, value } = row ?? {};
    if (property === undefined || value === undefined) continue;
    if (property === keyProperty) {
      warn("constant_key", property);
      continue;
    }
    if (constants.delete(property)) warn("duplicate_constant", property);
    constants.set(property, value);
  }
  return Object.fromEntries(constants);
}

/** The external id of the account or user itself: the one id of Hull's that never changes. */
function ownKeyRow(field: string, entity: Entity = "account"): MappedField | undefined {
  const attribute = attributeReference("external_id", entity);
  return attribute && { attribute, field };
}

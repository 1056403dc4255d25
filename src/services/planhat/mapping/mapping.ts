/** Applying a mapping table: typed values, keys, clears, and what could not be stored. Pure. */
import type { EntityMessage } from "../../message";
import { formOf } from "../../../outcome/outcome";
import { reason } from "../reasons";
import type { Reason } from "../../../outcome/outcome";
import type { Desired, DesiredParent, Json } from "../../../record";
import type { FieldSpec, Plan } from "../../model";
import { readAttribute, textOf, wasCleared } from "../../mapping/attributes";
import type { AttributeReference } from "../../mapping/attributes";
import { fieldSpec, typeSpec } from "../object-types";
import type { MappingRow } from "../settings/settings";
import { convert } from "../../mapping/values";
import type { Converted } from "../../mapping/values";

/** Where the values come from: a message, or one object inside it. */
export interface Source {
  /** Undefined when the attribute is absent, null when it is empty. */
  readonly read: (attribute: AttributeReference) => Json | undefined;
  /** Whether it is known to have had a value before. */
  readonly wasCleared: (attribute: AttributeReference) => boolean;
}

export interface Mapped {
  readonly fields: Readonly<Record<string, Json>>;
  readonly keys: Readonly<Record<string, string>>;
  readonly cleared: readonly string[];
  readonly warnings: readonly Reason[];
  /** Keys whose value cannot be stored: such a record would be created again and again. */
  readonly brokenKeys: readonly Reason[];
}

export const desiredOf = ({ fields, keys, cleared }: Mapped): Desired => ({ fields, keys, cleared });

/** A plan of a record that is sent. */
export type RecordPlan = Extract<Plan, { kind: "record" }>;

/** The record of a plan, as the parent of others. */
export function parentOf({ type, hullId, desired, claims, hintId }: RecordPlan): DesiredParent {
  return { type, hullId, desired, claims, hintId };
}

/** Reads every row of a mapping table, each value by its field's type. */
export function mapFields(type: string, rows: readonly MappingRow[], source: Source, clearOnNull: boolean): Mapped {
  const keyNames = typeSpec(type).object.keys.map((key) => key.name);
  const fields = new Map<string, Json>();
  const cleared: string[] = [];
  const warnings: Reason[] = [];
  const brokenKeys: Reason[] = [];
  for (const { attribute, field } of rows) {
    const value = source.read(attribute);
    const isKey = keyNames.includes(field);
    const spec = fieldSpec(type, field);
    if (value === undefined) continue;
    if (value === null) {
      // A key that Hull lost still identifies the record in Planhat; a creation date is never withdrawn.
      if (!clearOnNull || isKey || spec.writeOnce === true) continue;
      fields.set(field, null);
      if (source.wasCleared(attribute)) cleared.push(field);
      continue;
    }
    const converted = (isKey ? convertKey : convert)(value, spec, attribute.text);
    if (!converted.ok) {
      (isKey ? brokenKeys : warnings).push(reason("invalid_value", `${attribute.text} → ${field}: ${converted.why}`));
    } else if (!isKey || textOf(converted.value) !== undefined) {
      fields.set(field, converted.value);
    }
  }
  const keys = keyNames.flatMap((name) => {
    const value = fields.get(name);
    return typeof value === "string" ? [[name, value] as const] : [];
  });
  return { fields: Object.fromEntries(fields), keys: Object.fromEntries(keys), cleared, warnings, brokenKeys };
}

export function messageSource(message: EntityMessage): Source {
  return {
    read: (attribute) => readAttribute(message, attribute),
    wasCleared: (attribute) => wasCleared(message, attribute),
  };
}

/** Keys are part of the addresses of look-ups, which servers limit; real ones are much shorter. */
const MAX_KEY_LENGTH = 500;

/** Like `convert`, for a field by which records are looked up. */
export function convertKey(value: Json, spec: FieldSpec, attribute: string): Converted {
  const converted = convert(value, spec, attribute);
  if (!converted.ok || typeof converted.value !== "string" || converted.value.length <= MAX_KEY_LENGTH)
    return converted;
  return { ok: false, why: `${formOf(converted.value)}; a key has ${MAX_KEY_LENGTH} at most` };
}

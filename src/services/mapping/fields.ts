/** Applying a mapping table: typed values, keys, clears, and what could not be stored. Pure. */
import pickBy from "lodash/pickBy";
import { formOf, reason, type Reason } from "../../outcome/outcome";
import type { Claims, Desired, Json } from "../../record";
import type { Attributes, EntityMessage } from "../message";
import type { FieldSpec, KeySpec } from "../model";
import { own, readAttribute, spellingOf, textOf, wasCleared, type AttributeReference } from "./attributes";
import { convert, type Converted } from "./values";

/** Where the values come from: a message, or one object inside it. */
export interface Source {
  /** Undefined when the attribute is absent, null when it is empty. */
  readonly read: (attribute: AttributeReference) => Json | undefined;
  /** Whether it is known to have had a value before. */
  readonly wasCleared: (attribute: AttributeReference) => boolean;
}

/** A row of a table: the attribute that fills a field. */
export interface MappedField {
  readonly attribute: AttributeReference;
  readonly field: string;
}

/** Field → the attribute that fills it, in its canonical spelling. */
export function sourcesOf(rows: readonly MappedField[]): Readonly<Record<string, string>> {
  return Object.fromEntries(rows.map(({ field, attribute }) => [field, spellingOf(attribute)]));
}

export interface MappingRules<R> {
  readonly keys: readonly KeySpec[];
  readonly specOf: (field: string) => FieldSpec;
  /** Whether an empty value of the row clears the field; otherwise it is left out. */
  readonly clears: (row: R) => boolean;
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

/** Reads every row of a mapping table, each value by its field's type. */
export function mapFields<R extends MappedField>(
  rows: readonly R[],
  source: Source,
  { keys: keySpecs, specOf, clears }: MappingRules<R>,
): Mapped {
  const keyNames = keySpecs.map((key) => key.name);
  const fields = new Map<string, Json>();
  const cleared: string[] = [];
  const warnings: Reason[] = [];
  const brokenKeys: Reason[] = [];
  for (const row of rows) {
    const { attribute, field } = row;
    const value = source.read(attribute);
    const isKey = keyNames.includes(field);
    const spec = specOf(field);
    if (value === undefined) continue;
    if (value === null) {
      // A key that Hull lost still identifies the record in the service; a creation date is never withdrawn.
      if (!clears(row) || isKey || spec.writeOnce === true) continue;
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

/** Who it is, as Hull knows it. @param third the claim that its kind of entity has besides */
export function claimsOf(entity: Attributes, id: string | undefined, third: "email" | "domain"): Claims {
  const claims = { id, external_id: textOf(own(entity, "external_id")), [third]: textOf(own(entity, third)) };
  return pickBy(claims, (value) => value !== undefined && value !== "") as Claims;
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

/** From a row as plangrade shows it to the record that the engine compares, and to what Hull may be told. Pure. */
import { isJson } from "../../../json";
import { withoutBlanks, type Claims, type Json, type Keys } from "../../../record";
import type { ListedRecord } from "../../connection";
import { textOf } from "../../mapping/attributes";
import { hullPart } from "../../mapping/hull-part";
import { convert, isBlank } from "../../mapping/values";
import type { FieldSpec, RemoteRecord } from "../../model";
import type { Row } from "../api/envelope";
import {
  ARCHIVED,
  COMPANIES,
  fieldSpec,
  fieldsForHull,
  hullAttribute,
  mappableFields,
  requiredFields,
  STANDING,
} from "../objects";
import { participantKeys, shown } from "../values";

export const idOf = ({ id }: Row): string => String(id);

export const companyOf = (row: Row): string | undefined => textOf(row["company_id"]);

/** Whoever is their own employee; a row that does not say is not taken for one. */
export const isEmployee = (row: Row): boolean => textOf(row["employee_id"]) === idOf(row);

/**
 * Whether plangrade shows that somebody is archived. Nothing of the kind is documented, so what it does not show is not
 * known.
 */
export function showsArchived(row: Row): boolean | undefined {
  const { archived, archived_at: since } = row;
  if (archived !== undefined && archived !== null) return archived === true || archived === "true" || archived === 1;
  return since === undefined ? undefined : !isBlank(since);
}

/**
 * @param fields names to read; write-only ones are never read
 * @param listedIn the company whose list showed the row
 */
export function remoteRecord(type: string, row: Row, fields: readonly string[], listedIn?: string): RemoteRecord {
  const ofCompany = type === COMPANIES.name;
  const parentId = ofCompany ? undefined : (companyOf(row) ?? listedIn);
  const archived = ofCompany ? undefined : showsArchived(row);
  const read = (name: string): readonly (readonly [string, Json])[] => {
    if (name === "company_id") return [[name, parentId ?? null]];
    const spec = fieldSpec(type, name);
    return spec.writeOnly === true || name === STANDING ? [] : [[name, valueOf(row, spec) ?? emptyIn(type, name)]];
  };
  const standing: Readonly<Record<string, Json>> =
    archived === undefined ? {} : { [STANDING]: archived ? ARCHIVED : "active" };
  return {
    id: idOf(row),
    keys: keysOf(type, row),
    ...(parentId !== undefined && { parentId }),
    fields: { ...Object.fromEntries(fields.flatMap(read)), ...standing },
    complete: true,
    ...(archived === true && { archived }),
  };
}

/** plangrade shows an empty field as null or as an empty text; what may be empty is compared with an empty text of Hull's. */
function emptyIn(type: string, field: string): Json {
  return mappableFields(type).some(({ name }) => name === field) && !requiredFields(type).includes(field) ? "" : null;
}

/** A dependent has none: nobody is taken for one. */
export function keysOf(type: string, row: Row): Keys {
  if (type === COMPANIES.name) {
    const ein = valueOf(row, fieldSpec(type, "ein"));
    return typeof ein === "string" ? { ein } : {};
  }
  if (!isEmployee(row)) return {};
  const fields = ["email", "first_name", "last_name", "dob"].map((name): readonly [string, Json] => [
    name,
    valueOf(row, fieldSpec(type, name)) ?? null,
  ]);
  return participantKeys(Object.fromEntries(fields));
}

/** A row of a list, with what Hull may be told. @param claims what Hull may know it by; undefined: a required one is missing */
export function listedRecord(
  type: string,
  row: Row,
  fields: readonly string[],
  claims: Claims | undefined,
  listedIn?: string,
): ListedRecord {
  const record = remoteRecord(type, row, fields, listedIn);
  const values = fieldsForHull(type).map((spec): [string, Json | undefined] => [
    spec.name,
    spec.name === "company_id" ? record.parentId : valueOf(row, spec),
  ]);
  const told = hullPart([["id", record.id], ...values], hullAttribute);
  return { id: record.id, record, claims, ...told };
}

/** A participant is known to Hull by the e-mail address. */
export function emailClaim(row: Row): Claims {
  const email = textOf(row["email"]);
  return email === undefined ? {} : { email: withoutBlanks(email) };
}

/** In one form, however plangrade writes it; undefined when the row does not show it. */
export function valueOf(row: Row, spec: FieldSpec): Json | undefined {
  const raw = Object.hasOwn(row, spec.name) ? row[spec.name] : undefined;
  if (raw === undefined || !isJson(raw)) return undefined;
  if (isBlank(raw)) return null;
  const value = shown(spec.name, raw);
  const read = convert(value, spec, spec.name);
  return read.ok ? read.value : value;
}

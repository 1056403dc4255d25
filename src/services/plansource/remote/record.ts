/**
 * From a subscriber as PlanSource shows it to the record that the engine compares, and to what Hull may be told. Days
 * come as `2006/06/13` or `06/13/2006`, numbers as texts such as `70000.0`, what is empty as null or a text. Pure.
 */
import { isJson } from "../../../json";
import { withoutBlanks, type Claims, type Json } from "../../../record";
import type { ListedRecord } from "../../connection";
import { textOf } from "../../mapping/attributes";
import { claimsBy, type ClaimRule } from "../../mapping/claims";
import { hullPart, type HullPart } from "../../mapping/hull-part";
import { convert, isBlank } from "../../mapping/values";
import type { FieldSpec, RemoteRecord } from "../../model";
import type { Row } from "../api/rest";
import { fieldSpec, hullAttribute, MAPPABLE, STANDING, STATUS_FIELDS, SUBSCRIBERS } from "../objects";
import { standingOf } from "../rules/life-cycle";

const CODE = "subscriber_code";

/** A number of somebody, with some digits hidden: whatever field it stands in, it is no value. */
const MASKED = /^[X*#•]{2}[X*#•\d\s-]*$/i;

/** Everything that Hull may be told: what is not listed here may hold a salary, and is not. */
const FOR_HULL: readonly FieldSpec[] = [
  ...MAPPABLE.filter(({ writeOnly }) => writeOnly !== true),
  ...Object.keys(STATUS_FIELDS).map((name) => fieldSpec(SUBSCRIBERS.name, name)),
];

/** @param fields names to read; those that are write-only are never read */
export function remoteRecord(row: Row, fields: readonly string[]): RemoteRecord {
  const code = codeOf(row);
  const standing = standingOf(row);
  const read = (name: string): readonly (readonly [string, Json])[] => {
    if (name === STANDING) return [[name, standing]];
    const spec = fieldSpec(SUBSCRIBERS.name, name);
    return spec.writeOnly === true ? [] : [[name, valueOf(row, spec) ?? null]];
  };
  return {
    id: idOf(row),
    keys: code === undefined ? {} : { [CODE]: code },
    fields: Object.fromEntries(fields.flatMap(read)),
    complete: true,
    archived: standing === "ended",
  };
}

export const idOf = ({ id }: Row): string => String(id);

/** The code by which calls may name it. */
export const codeOf = (row: Row): string | undefined => textOf(row[CODE]);

/**
 * A row of the list, with what Hull may be told.
 *
 * @param updatesHull false: Hull is told nothing
 */
export function listedRecord(
  row: Row,
  fields: readonly string[],
  { updatesHull, ...how }: ClaimOptions & { readonly updatesHull: boolean },
): ListedRecord {
  const record = remoteRecord(row, fields);
  if (!updatesHull) return { id: record.id, record, claims: {}, ...NOTHING };
  return { id: record.id, record, claims: claimsOf(row, how), ...hullPartOf(row) };
}

/** By what Hull knows an employee. */
export interface ClaimOptions {
  /** The code is the external id of the Hull user. */
  readonly claimsCode: boolean;
  /** What the settings say instead. */
  readonly claims: readonly ClaimRule[] | undefined;
}

const NOTHING: HullPart = { attributes: [], leftOut: [] };

function hullPartOf(row: Row): HullPart {
  const values = FOR_HULL.map((spec): [string, Json | undefined] => [spec.name, valueOf(row, spec)]);
  return hullPart([["id", idOf(row)], ...values], hullAttribute);
}

/** Without a code the address is all that Hull could know them by. */
function claimsOf(row: Row, { claimsCode, claims }: ClaimOptions): Claims | undefined {
  if (claims !== undefined) return claimsBy(claims, (field) => valueOf(row, fieldSpec(SUBSCRIBERS.name, field)));
  const code = codeOf(row);
  if (claimsCode && code !== undefined) return { external_id: code };
  const email = textOf(row["email"]);
  return code === undefined && email !== undefined ? { email: withoutBlanks(email) } : {};
}

/** In one form, however PlanSource writes it; undefined when the row does not show it. */
function valueOf(row: Row, spec: FieldSpec): Json | undefined {
  const shown = Object.hasOwn(row, spec.name) ? row[spec.name] : undefined;
  if (shown === undefined || !isJson(shown)) return undefined;
  if (isBlank(shown)) return null;
  if (typeof shown === "string" && MASKED.test(shown.trim())) return undefined;
  const read = convert(shown, spec, spec.name);
  return read.ok ? read.value : shown;
}

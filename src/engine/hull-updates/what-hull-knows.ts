/**
 * What Hull knows of a remote record, and what it must be told. Mapped fields are remembered by name, as the write-back
 * does; all others in a short list of numbers, two for a field. Pure.
 */
import { fitForHull } from "../../hull/firehose/attribute-values";
import { nestsTooDeep } from "../../http/guards/json-scan";
import { parseJson } from "../../json";
import type { Desired, Json } from "../../record";
import type { FieldSpec, FieldType } from "../../services/model";
import type { IncomingAttribute, ListedRecord } from "../../services/connection";
import type { Fact, MirrorRow } from "../../storage/port/rows";
import { agrees, canonical, fingerprint, NOTHING } from "../../services/compare";
import type { EntityMessage } from "../../services/message";

/** The name under which Hull was told that the record is missing in the service. */
export const DELETED = "@deleted";
/** The name under which Hull was told that the user belongs to an account. */
export const ACCOUNT = "@account";

export interface KnowledgeContext {
  readonly specOf: (field: string) => FieldSpec;
  /** Number of a field's name; see `numberOf`. */
  readonly nameOf: (field: string) => number;
  /** Fields of the outgoing mapping: what Hull knows of them is stored with the other facts. */
  readonly ownFacts: ReadonlySet<string>;
  /** Number of today's mapping: a record that was complete for another one is compared again. */
  readonly mapping: number;
  /** Hull attribute that says when a record went missing. */
  readonly deletedAttribute: string;
  /** The same, where records are marked; otherwise undefined. */
  readonly markAttribute: string | undefined;
  /** The field under which Hull is told the remote id. */
  readonly idField: string | undefined;
}

export interface News {
  /** What to send; empty when Hull knows everything. */
  readonly attributes: Readonly<Record<string, Json | { readonly operation: "setIfNull"; readonly value: Json }>>;
  /** What is remembered once Hull confirmed. */
  readonly facts: Readonly<Record<string, string>>;
  readonly rest: readonly number[];
}

/** Compares a listed record with what Hull was told of it. */
export function newsOf(
  { attributes, record, leftOut = [] }: Pick<ListedRecord, "attributes" | "record" | "leftOut">,
  mirror: MirrorRow | undefined,
  context: KnowledgeContext,
): News {
  const known = mirror?.facts ?? {};
  const rest = pairs(mirror?.confirmedRest ?? []);
  const facts: Record<string, string> = {};
  const changed = new Set<string>();
  for (const { field, value, volatile } of attributes) {
    // A second attribute of a field has the same value and is told together with the first.
    if (volatile === true || changed.has(field)) continue;
    if (context.ownFacts.has(field) || field === context.idField || known[field]?.[2] != null) {
      const { type } = context.specOf(field);
      const confirmed = known[field]?.[2] ?? null;
      const number = confirmed === null ? rest.get(context.nameOf(field)) : undefined;
      if (field === context.idField ? confirmed === record.id : agrees(confirmed, value, type)) continue;
      if (confirmed === null && number === undefined && isDefault(value)) continue;
      facts[field] = field === context.idField ? record.id : fingerprint(value, type);
      // Mapped after Hull was told: Hull knows it, and from now on it is remembered with the other facts.
      if (numberAgrees(number, value, type)) continue;
    } else {
      const { type } = context.specOf(field);
      const name = context.nameOf(field);
      const confirmed = rest.get(name);
      if (numberAgrees(confirmed, value, type) || (confirmed === undefined && isDefault(value))) continue;
      rest.set(name, numberOf(canonical(value, type)));
    }
    changed.add(field);
  }

  // Hull was told that it is deleted, and it exists again.
  const back = isToldDeleted(known) ? context.deletedAttribute : undefined;
  // One that is new here may take the place of one that was marked.
  const unmark = isKnownToHull(mirror, context.idField) ? undefined : context.markAttribute;
  if (leftOut.length === 0) rest.set(MAPPING, context.mapping);
  else rest.delete(MAPPING);

  const send = changed.size === 0 ? {} : attributesToSend(attributes, changed);
  const empty = back ?? (changed.size === 0 ? undefined : unmark);
  return {
    attributes: empty === undefined ? send : { ...send, [empty]: null },
    facts: back === undefined ? facts : { ...facts, [DELETED]: NOTHING },
    rest: listOf(rest),
  };
}

/** Hull's prefix for a user's own attributes. */
const TRAITS = "traits_";

/**
 * What a message shows of what Hull was never told.
 *
 * @param desired of the entity's own record @param mirror the remote record, if it is linked
 * @param attributeOf the Hull attribute that a field is written back to
 * @returns fingerprints by field
 */
export function shownIn(
  { entity, user, account }: EntityMessage,
  { fields, parent }: Desired,
  mirror: MirrorRow | undefined,
  { specOf, attributeOf }: Pick<KnowledgeContext, "specOf"> & { readonly attributeOf: (field: string) => string },
): Readonly<Record<string, string>> {
  const shown: Record<string, string> = {};
  const subject = entity === "user" ? user : account;
  const rest = pairs(mirror?.confirmedRest ?? []);
  const isConfirmed = (field: string): boolean =>
    (mirror?.facts[field]?.[2] ?? null) !== null || rest.has(numberOf(field));
  for (const field of Object.keys(fields)) {
    if (isConfirmed(field) || specOf(field).writeOnly === true) continue;
    const name = attributeOf(field);
    const key = entity === "user" && Object.hasOwn(subject, TRAITS + name) ? TRAITS + name : name;
    const value = Object.hasOwn(subject, key) ? subject[key] : undefined;
    const held = value === undefined ? undefined : fitForHull(unpacked(value));
    // Files have numbers and booleans as text.
    if (held?.fits === true) shown[field] = fingerprint(held.value, specOf(field).type, "loose");
  }
  const { id } = account;
  if (entity === "user" && typeof id === "string" && id === parent?.hullId && !isConfirmed(ACCOUNT))
    shown[ACCOUNT] = id;
  return shown;
}

/** Files have lists as their JSON text. */
function unpacked(value: Json): Json {
  if (typeof value !== "string" || !value.startsWith("[") || nestsTooDeep(value)) return value;
  try {
    return parseJson(value) as Json;
  } catch {
    return value;
  }
}

/** What is known after something could not be told: the record is compared again, whatever its age at the service. */
export function untoldRest(mirror: MirrorRow | undefined): readonly number[] | undefined {
  if (mirror?.confirmedRest === undefined) return undefined;
  return withoutMapping(mirror.confirmedRest);
}

/** What is known of a record that is to be compared again, whatever its age at the service. */
export function withoutMapping(known: readonly number[]): readonly number[] {
  const rest = pairs(known);
  rest.delete(MAPPING);
  return listOf(rest);
}

/** Whether everything was told under today's mapping. */
export function isConfirmedWholly(mirror: MirrorRow | undefined, mapping: number): boolean {
  return mirror?.confirmedRest !== undefined && pairs(mirror.confirmedRest).get(MAPPING) === mapping;
}

/** Whether Hull was ever told about the record. */
export function isKnownToHull(mirror: MirrorRow | undefined, idField = ""): boolean {
  return mirror?.confirmedRest !== undefined || (mirror?.facts[idField]?.[2] ?? null) !== null;
}

/** Whether Hull was told that the record is missing. */
export function isToldDeleted(facts: Readonly<Record<string, Fact>>): boolean {
  const confirmed = facts[DELETED]?.[2] ?? null;
  return confirmed !== null && confirmed !== NOTHING;
}

/** What changed, and what is sent along with it. */
function attributesToSend(attributes: readonly IncomingAttribute[], changed: ReadonlySet<string>): News["attributes"] {
  const send: Record<string, Json | { operation: "setIfNull"; value: Json }> = {};
  for (const { field, attribute, value, setIfNull, volatile } of attributes) {
    if (volatile !== true && !changed.has(field)) continue;
    if (setIfNull === true && value === null) continue;
    send[attribute] = setIfNull === true ? { operation: "setIfNull", value } : value;
  }
  return send;
}

/** A new field of the service has such a value on every record; that alone is no news. */
function isDefault(value: Json): boolean {
  if (value === null || value === "" || value === false || value === 0) return true;
  if (typeof value !== "object") return false;
  return Object.keys(value).length === 0;
}

/** No field has this number. */
const MAPPING = 0;

function pairs(list: readonly number[]): Map<number, number> {
  const map = new Map<number, number>();
  for (let index = 0; index + 1 < list.length; index += 2) map.set(list[index] ?? 0, list[index + 1] ?? 0);
  return map;
}

/** Like `agrees`, for what is remembered as a number. */
function numberAgrees(confirmed: number | undefined, value: Json, type: FieldType): boolean {
  if (confirmed === undefined) return false;
  return (["exact", "loose"] as const).some((reading) => confirmed === numberOf(canonical(value, type, reading)));
}

function listOf(map: ReadonlyMap<number, number>): number[] {
  const list: number[] = [];
  for (const [name, mark] of map) list.push(name, mark);
  return list;
}

/** FNV-1a in 32 bits: enough to notice a change of one field, and nobody gains from forging one. Never 0. */
export function numberOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0 || 1;
}

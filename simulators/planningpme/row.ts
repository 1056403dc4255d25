/** One row of an import: what becomes of it in each entity that its template names. */
import { keyFieldOf, type Template, type TemplateType } from "./template";
import { changedFields, type PlanningPmeRecord, type Records, type Value } from "./records";
import type { PlanningPmeSwitches } from "./switches";
import { readValues, unknownProperties, type Row, type RowValues } from "./values";

/** What was done with one entity of a row. */
export type EntityResult =
  | {
      readonly type: string;
      readonly is: "inserted" | "updated" | "unchanged";
      readonly record: PlanningPmeRecord;
      /** Names of the fields that have another value now. */
      readonly changed: readonly string[];
    }
  | { readonly type: string; readonly is: "skipped" | "failed"; readonly message: string };

export interface RowDeps {
  readonly records: Records;
  readonly template: Template;
  readonly switches: Readonly<PlanningPmeSwitches>;
  readonly nowMs: number;
  /** Tells records that were there before the call from those that it made. */
  readonly isOld: (record: PlanningPmeRecord) => boolean;
}

/** Without it a record has no name (sheet 6; for projects a guess). */
const NAMES: Readonly<Record<string, string>> = { Customer: "LastName", Project: "Label" };

/** Writes a row and answers what was done, one result for each record at least. */
export function writeRow(row: Row, deps: RowDeps): readonly EntityResult[] {
  const { template, switches } = deps;
  const [first] = template.types;
  const unknown = switches.unknownProperty === "refused" ? unknownProperties(row, template, switches)[0] : undefined;
  if (unknown !== undefined) return [failed(first, `${unknown} is unknown`)];
  const results: EntityResult[] = [];
  for (const type of template.types) {
    const read = readValues(row, type, switches);
    // A split row may have nothing for one of its entities.
    if (type !== first && read.values.size === 0 && read.problems.length === 0) continue;
    results.push(...writeEntity(type, read, parentOf(type, results), deps));
  }
  return results;
}

const failed = ({ name }: TemplateType, message: string): EntityResult => ({ type: name, is: "failed", message });

function parentOf({ belongsTo }: TemplateType, results: readonly EntityResult[]): PlanningPmeRecord | undefined {
  const parent = results.find(({ type }) => type === belongsTo);
  return parent !== undefined && "record" in parent ? parent.record : undefined;
}

function writeEntity(
  type: TemplateType,
  { values, problems }: RowValues,
  parent: PlanningPmeRecord | undefined,
  deps: RowDeps,
): readonly EntityResult[] {
  const { switches } = deps;
  if (problems.length > 0) return [failed(type, problems.join(", "))];
  const keyField = keyFieldOf(type);
  const key = keyField === undefined ? undefined : (values.get(keyField) ?? undefined);
  if (keyField !== undefined && key === undefined && switches.missingKey === "refused") {
    return [failed(type, `${type.key ?? keyField} is missing`)];
  }
  const matches = keyField === undefined || key === undefined ? [] : matching(type, keyField, key, deps);
  const set = new Map(values);
  if (parent !== undefined) set.set(parent.type, parent.id);
  const [oldest] = matches;
  if (oldest === undefined) return [insert(type, set, deps)];
  if (matches.length > 1 && switches.ambiguousKey === "refused") {
    return [failed(type, `${matches.length} records have the key ${String(key)}`)];
  }
  const meant = switches.ambiguousKey === "all" ? matches : [oldest];
  return meant.map((before) => update(type, before, set, deps));
}

function matching(
  { name }: TemplateType,
  field: string,
  key: Value,
  { records, switches, isOld }: RowDeps,
): readonly PlanningPmeRecord[] {
  return records
    .find(name, field, key)
    .filter(({ fields }) => switches.keyCase === "insensitive" || String(fields[field]) === String(key))
    .filter((record) => switches.sameKeyTwice === "in-order" || isOld(record));
}

type Change = ReadonlyMap<string, Value | null>;

const constantsOf = ({ defaults = [] }: TemplateType): Change =>
  new Map(defaults.map(({ field, value }) => [field, value]));

function notAllowed({ name }: TemplateType, what: string, { switches }: RowDeps): EntityResult {
  return { type: name, is: switches.notAllowed, message: `The template does not ${what} ${name}` };
}

function isNameless({ name }: TemplateType, fields: Readonly<Record<string, Value>>, { switches }: RowDeps): boolean {
  const field = NAMES[name];
  return field !== undefined && fields[field] === undefined && switches.nameless === "refused";
}

function insert(type: TemplateType, set: Change, deps: RowDeps): EntityResult {
  if (!type.shouldInsert) return notAllowed(type, "insert", deps);
  const fields = changedFields({}, new Map([...constantsOf(type), ...set]));
  if (isNameless(type, fields, deps)) return failed(type, `${NAMES[type.name] ?? ""} is required`);
  const { records, nowMs } = deps;
  const record = { id: records.newId(), type: type.name, fields, createdAt: nowMs, modifiedAt: nowMs };
  records.put(record);
  return { type: type.name, is: "inserted", record, changed: Object.keys(fields) };
}

function update(type: TemplateType, before: PlanningPmeRecord, set: Change, deps: RowDeps): EntityResult {
  if (!type.shouldUpdate) return notAllowed(type, "update", deps);
  const { records, nowMs, switches } = deps;
  const gaps: Change =
    switches.absentProperty === "cleared" ? new Map(type.properties.map(({ field }) => [field, null])) : new Map();
  const constants: Change = switches.defaults === "always" ? constantsOf(type) : new Map();
  const fields = changedFields(before.fields, new Map([...gaps, ...constants, ...set]));
  if (isNameless(type, fields, deps)) return failed(type, `${NAMES[type.name] ?? ""} is required`);
  const names = new Set([...Object.keys(before.fields), ...Object.keys(fields)]);
  const changed = [...names].filter((name) => before.fields[name] !== fields[name]);
  if (changed.length === 0 && switches.noOpStamp === "untouched") {
    return { type: type.name, is: "unchanged", record: before, changed };
  }
  const record = { ...before, fields, modifiedAt: nowMs };
  records.put(record);
  return { type: type.name, is: changed.length === 0 ? "unchanged" : "updated", record, changed };
}

/** An export: one row for each record of the template's first type, in one answer (sheet 1, 9). */
import type { Reply } from "../loopback/call";
import type { BrandState } from "./brand";
import { failure } from "./errors";
import type { PlanningPmeRecord } from "./records";
import { isSince, isStamp } from "./since";
import type { PlanningPmeSwitches } from "./switches";
import { listNameOf, type Template } from "./template";

export interface ExportResult {
  readonly reply: Reply;
  /** How many it told. */
  readonly rows: number;
}

/** Answers what was created and changed since a date, or everything. What was deleted is told by no export. */
export function runExport(
  { records }: BrandState,
  template: Template,
  sent: string | null,
  switches: Readonly<PlanningPmeSwitches>,
): ExportResult {
  if (sent !== null && !isStamp(sent) && switches.badSince === "refused") {
    return { reply: failure(400, "since is not a date of the form yyyyMMddHHmmss.", switches), rows: 0 };
  }
  const since = sent !== null && isStamp(sent) ? sent : undefined;
  const rows = records
    .list(template.types[0].name)
    .map((record) => [record, ...joined(record, template, (id) => records.get(id))])
    .filter((parts) => since === undefined || parts.some(({ modifiedAt }) => isSince(modifiedAt, since, switches)))
    .map((parts) => rowOf(parts, template, switches));
  const told = switches.exportRows === "twice" ? [...rows, ...rows] : rows;
  return { reply: { status: 200, body: wrapped(told, template, switches) }, rows: told.length };
}

/** The records to which a record belongs, as far as the template wants them. */
function joined(
  { fields }: PlanningPmeRecord,
  { types: [, ...others] }: Template,
  byId: (id: number) => PlanningPmeRecord | undefined,
): readonly PlanningPmeRecord[] {
  return others.flatMap(({ name }) => byId(Number(fields[name])) ?? []);
}

function rowOf(
  parts: readonly PlanningPmeRecord[],
  template: Template,
  { exportBlanks }: Readonly<PlanningPmeSwitches>,
): Record<string, unknown> {
  const blank = { empty: "", null: null, absent: undefined }[exportBlanks];
  return Object.fromEntries(
    template.types.flatMap(({ name: typeName, properties }) => {
      const fields = parts.find(({ type }) => type === typeName)?.fields;
      return properties.map(({ name, field }): [string, unknown] => [name, fields?.[field] ?? blank]);
    }),
  );
}

function wrapped(
  rows: readonly Record<string, unknown>[],
  template: Template,
  { exportForm }: Readonly<PlanningPmeSwitches>,
): unknown {
  switch (exportForm) {
    case "array":
      return rows;
    case "items":
      return { items: rows };
    case "property":
      return { [listNameOf(template)]: rows };
  }
}

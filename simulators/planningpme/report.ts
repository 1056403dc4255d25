/** The report of an import in the forms that are plausible (sheet 9). */
import { textReply, type Reply } from "../loopback/call";
import { failure } from "./errors";
import type { ImportResult, RowResult } from "./import";
import type { ImportOptions } from "./model";
import type { EntityResult } from "./row";
import type { PlanningPmeSwitches } from "./switches";
import type { Template } from "./template";

interface Line {
  readonly row: RowResult;
  readonly type: string;
  readonly is: EntityResult["is"] | "notAttempted";
  readonly message?: string;
}

/** The answer to an import. */
export function replyToImport(
  { rows, crash }: ImportResult,
  template: Template,
  { simulate, verbose }: ImportOptions,
  switches: Readonly<PlanningPmeSwitches>,
): Reply {
  if (crash !== undefined) return textReply(500, `<html><body>${crash}</body></html>`);
  const lines = linesOf(rows, template, switches);
  const firstFailure = lines.find(({ is }) => is === "failed");
  const status = firstFailure === undefined ? 200 : switches.failureStatus;
  if (simulate || verbose || switches.quietAnswer === "report") {
    return { status, ...reportOf(lines, template, simulate, switches) };
  }
  if (status >= 400) return failure(status, firstFailure?.message ?? "", switches);
  switch (switches.quietAnswer) {
    case "empty":
      return { status };
    case "object":
      return { status, body: {} };
    case "counts":
      return { status, body: countsOf(lines) };
  }
}

/** One line for each entity of a row. */
function linesOf(
  rows: readonly RowResult[],
  template: Template,
  { unchangedRows, notAttempted }: Readonly<PlanningPmeSwitches>,
): readonly Line[] {
  return rows.flatMap((row): readonly Line[] => {
    if (row.results.length === 0) {
      return notAttempted === "named" ? [{ row, type: template.types[0].name, is: "notAttempted" }] : [];
    }
    return row.results.map((result) => ({
      row,
      type: result.type,
      is: result.is === "unchanged" ? unchangedRows : result.is,
      ...("message" in result ? { message: result.message } : {}),
    }));
  });
}

function countsOf(lines: readonly Line[]): Record<string, number> {
  const counts = { inserted: 0, updated: 0, unchanged: 0, skipped: 0, failed: 0, notAttempted: 0 };
  for (const { is } of lines) counts[is] += 1;
  return counts;
}

/** The names by which a report means a row. */
function namesOf({ index, key, row }: RowResult, template: Template, { rowNames }: Readonly<PlanningPmeSwitches>) {
  switch (rowNames) {
    case "both":
      return { index, key };
    case "key":
      return { key };
    case "index":
      return { index };
    case "line":
      return { line: index + 1 };
    case "property":
      return { [template.types[0].key ?? "key"]: key };
    case "row":
      return { row };
  }
}

function reportOf(
  lines: readonly Line[],
  template: Template,
  simulate: boolean,
  switches: Readonly<PlanningPmeSwitches>,
): Pick<Reply, "body" | "contentType"> {
  const named = ({ row, type, message }: Line) => ({
    ...namesOf(row, template, switches),
    type,
    ...(message === undefined ? {} : { message }),
  });
  const those = (is: Line["is"]) => lines.filter((line) => line.is === is).map(named);
  switch (switches.report) {
    case "rows":
      return { body: { simulate, rows: lines.map((line) => ({ ...named(line), action: line.is })) } };
    case "operations": {
      const kinds = ["inserted", "updated", "unchanged", "skipped", "notAttempted"] as const;
      const operations = Object.fromEntries(kinds.map((kind) => [kind, those(kind)]));
      return { body: { simulate, ...operations, errors: those("failed") } };
    }
    case "errors":
      return { body: { simulate, ...countsOf(lines), errors: those("failed") } };
    case "counts":
      return { body: { simulate, ...countsOf(lines) } };
    case "text":
      return { body: lines.map((line) => sentence(line, template, switches)).join("\n") };
    case "silent":
      return { body: {} };
  }
}

function sentence({ row, type, is, message }: Line, template: Template, switches: Readonly<PlanningPmeSwitches>) {
  const names = Object.entries(namesOf(row, template, switches)).map(([name, value]) => {
    return `${name} = ${typeof value === "string" ? value : JSON.stringify(value)}`;
  });
  return `${type} ${is} (${names.join(", ")})${message === undefined ? "" : `: ${message}`}`;
}

/**
 * What the report of an import says of single rows. Its form is not documented: rows with an action, lists by kind of
 * action, lists of errors and lines of text are read, and rows are believed only where they are named. Pure.
 */
import type { Result } from "../../connection";
import { countsFailures, linesIn, type Action, type Line } from "./report-lines";
import { rowsNamed, type Row } from "./report-rows";

export type { Row } from "./report-rows";

export interface Report {
  /** What is said of rows; of others nothing is. */
  readonly results: ReadonlyMap<Row, Result>;
  /** It says that some failed, and perhaps not which. */
  readonly tellsFailures: boolean;
}

/** @param keyProperty the property by which the template matches */
export function readReport(answer: unknown, rows: readonly Row[], keyProperty: string): Report {
  const lines = linesIn(answer);
  const rowOf = rowsNamed(rows, keyProperty, lines);
  const said = new Map<Row, Line[]>();
  for (const line of lines) {
    const row = rowOf(line);
    if (row !== undefined) said.set(row, [...(said.get(row) ?? []), line]);
  }
  const results = new Map<Row, Result>();
  for (const [row, about] of said) results.set(row, resultOf(about));
  return { results, tellsFailures: countsFailures(answer) || lines.some(({ action }) => action === "failed") };
}

/** Of a row that is split over several entities the worst counts. */
function resultOf(lines: readonly Line[]): Result {
  const messageOf = (action: Action): string | undefined => lines.find((line) => line.action === action)?.message;
  const failed = messageOf("failed");
  if (failed !== undefined) return { kind: "rejected", message: failed, status: 200 };
  if (messageOf("waiting") !== undefined) return NOT_ATTEMPTED;
  const skipped = messageOf("skipped");
  const isWritten = messageOf("written") !== undefined;
  if (skipped === undefined || isWritten) return { kind: "updated" };
  const message = skipped === "" ? "The template neither inserts nor updates this row" : skipped;
  return { kind: "rejected", message, status: 200 };
}

/** Behind a failure at which PlanningPME stopped, or we did. */
export const NOT_ATTEMPTED: Result = {
  kind: "later",
  waitMs: 0,
  notAttempted: true,
  message: "The import stopped at an error before this row, which goes with the next one.",
};

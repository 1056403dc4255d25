/** An import: its rows one after the other, in earnest or as a simulation (sheet 1). */
import { isObject } from "../loopback/call";
import type { BrandState } from "./brand";
import type { ImportBody } from "./model";
import type { Poison } from "./poison";
import type { Records } from "./records";
import { writeRow, type EntityResult, type RowDeps } from "./row";
import type { PlanningPmeSwitches } from "./switches";
import type { Template } from "./template";
import { propertiesOf } from "./values";

export interface ImportOrder {
  readonly brand: BrandState;
  readonly template: Template;
  readonly body: ImportBody;
  readonly switches: Readonly<PlanningPmeSwitches>;
  readonly nowMs: number;
}

/** A row and what was done with it; without results it was not attempted, or taken back. */
export interface RowResult {
  /** From 0. */
  readonly index: number;
  readonly row: unknown;
  /** As the row has it; undefined if it has none. */
  readonly key: unknown;
  readonly results: readonly EntityResult[];
}

export interface ImportResult {
  readonly rows: readonly RowResult[];
  /** Set when the call broke off: the text of the error. */
  readonly crash?: string;
}

export const isFailed = ({ is }: EntityResult): boolean => is === "failed";

/** Does the rows in their order. A simulation does the same and takes it back. */
export function runImport({ brand, template, body, switches, nowMs }: ImportOrder): ImportResult {
  const { records, poison } = brand;
  records.settle();
  const start = records.mark();
  const old = new Set(switches.sameKeyTwice === "beforehand" ? records.list().map(({ id }) => id) : []);
  const deps: RowDeps = { records, template, switches, nowMs, isOld: ({ id }) => old.has(id) };
  const [{ key: keyProperty = "", name: type }] = template.types;
  const failed = (message: string): EntityResult => ({ type, is: "failed", message });

  const done: (readonly EntityResult[])[] = [];
  let crash: Poison | undefined;
  let hasStopped = false;
  for (const row of body.rows) {
    const found = isObject(row) ? poison.find(row) : undefined;
    if (found !== undefined && found.mode !== "row") crash = found;
    if (crash !== undefined) break;
    if (found !== undefined) done.push([failed(found.message)]);
    else if (!isObject(row)) done.push([failed("The row is no object")]);
    else done.push(wholly(records, switches, () => writeRow(row, deps)));
    hasStopped = body.stopOnError && done.at(-1)?.some(isFailed) === true;
    if (hasStopped) break;
  }
  const isTakenBack = crash?.mode === "call" || (hasStopped && switches.stopped === "rolled-back");
  if (body.simulate || isTakenBack) records.undo(start);

  const rows = body.rows.map((row, index): RowResult => {
    const key = isObject(row) ? propertiesOf(row, switches)(keyProperty) : undefined;
    const results = done[index] ?? [];
    return { index, row, key, results: isTakenBack ? results.filter(isFailed) : results };
  });
  return crash === undefined ? { rows } : { rows, crash: crash.message };
}

/** A row that is split over entities may be written as a whole or not at all. */
function wholly(
  records: Records,
  { splitFailure }: Readonly<PlanningPmeSwitches>,
  write: () => readonly EntityResult[],
): readonly EntityResult[] {
  const before = records.mark();
  const results = write();
  if (splitFailure === "entity" || !results.some(isFailed)) return results;
  records.undo(before);
  return results.filter(isFailed);
}

/**
 * What a bulk answer says of single rows, in every form that PlanSource's other bulk calls suggest: counts with the failed
 * rows, every row with its status, or the subscribers that were written. Pure.
 */
import type { Json } from "../../../record";
import type { Result } from "../../connection";
import { textOf } from "../../mapping/attributes";
import { isObject } from "../../../json";
import { problemsIn, saysSsnTaken, saysUnknownEmployee, wordsIn } from "../api/envelope";
import { isRow, type Envelope } from "../api/rest";
import { visibleAnswer } from "../api/visible";
import { reason } from "../reasons";
import { codeOf, idOf, remoteRecord } from "../remote/record";

export type BulkRow = Readonly<Record<string, Json>> & { readonly id: string };

const UPDATED: Result = { kind: "updated" };

/** @returns nothing for a row of which the answer says nothing */
export function verdictsIn(
  { data }: Envelope,
  rows: readonly BulkRow[],
  { fields, usesCode }: { readonly fields: readonly string[]; readonly usesCode: boolean },
): ReadonlyMap<BulkRow, Result> {
  const byId = new Map(rows.map((row) => [row.id, row]));
  const rowOf = (named: Readonly<Record<string, unknown>>): BulkRow | undefined => {
    const { id, index } = named;
    if (id !== undefined) return byId.get(textOf(id) ?? "");
    return typeof index === "number" ? rows[index] : undefined;
  };
  const verdicts = new Map<BulkRow, Result>();
  if (isObject(data) && Array.isArray(data["failed_rows"])) {
    const failed = new Set<BulkRow>();
    for (const each of data["failed_rows"].filter(isObject)) {
      const row = rowOf(each);
      if (row === undefined) continue;
      failed.add(row);
      const result = refusal(each, row);
      if (result !== undefined) verdicts.set(row, result);
    }
    const { valid_count: valid, failed_count: count } = data;
    // Only if the sums say so is nobody forgotten.
    const isWhole = Number(count) === failed.size && Number(valid) === rows.length - failed.size;
    if (isWhole) for (const row of rows) if (!failed.has(row)) verdicts.set(row, UPDATED);
    return verdicts;
  }
  for (const each of Array.isArray(data) ? data.filter(isObject) : []) {
    const { status } = each;
    if (typeof status === "string" && /^(?:success|failure)$/i.test(status)) {
      const row = rowOf(each);
      const result = row === undefined || /^success$/i.test(status) ? UPDATED : refusal(each, row);
      if (row !== undefined && result !== undefined) verdicts.set(row, result);
    } else if (isRow(each)) {
      const row = byId.get(usesCode ? (codeOf(each) ?? "") : idOf(each));
      if (row !== undefined) verdicts.set(row, { kind: "updated", record: remoteRecord(each, fields) });
    }
  }
  return verdicts;
}

/**
 * In PlanSource's words, without the values that it must not repeat.
 *
 * @returns undefined for an employee whom PlanSource does not know by this key: another one may lead to them
 */
function refusal({ errors, error, message }: Readonly<Record<string, unknown>>, row: BulkRow): Result | undefined {
  const answer = { errors: errors ?? error, message };
  const problems = problemsIn(answer);
  if (problems.some(saysUnknownEmployee)) return undefined;
  const why = problems.some(saysSsnTaken) ? reason("ssn_exists") : undefined;
  return { kind: "rejected", message: wordsIn(visibleAnswer(answer, { body: row })), status: 400, reason: why };
}

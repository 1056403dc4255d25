/** Which synchronised record a call may have changed. Pure. */
import type { OperationAnswer, Touched } from "../../operations";
import { isRow, type Row } from "../api/envelope";
import { keysOf } from "../remote/record";

/** @param type undefined: the record is none that is synchronised */
export function touched(type: string | undefined, id: string, gone = false): readonly Touched[] {
  if (type === undefined) return [];
  return [gone ? { type, id, gone } : { type, id }];
}

/**
 * Where the answer was lost, the new record is known by its keys alone.
 *
 * @param answer `{id}`; undefined when none came
 * @param body what was sent
 */
export function touchedByNew(
  type: string,
  answer: OperationAnswer | undefined,
  body: Readonly<Record<string, unknown>>,
): readonly Touched[] {
  const created = answer?.body;
  if (isRow(created)) return touched(type, String(created.id));
  return Object.entries(keysOf(type, asRow(body))).map(([name, value]) => ({ type, key: { name, value } }));
}

/** As plangrade would show it: an employee has the own id, so that 0 stands for whatever it is. */
function asRow(body: Readonly<Record<string, unknown>>): Row {
  const { employee_id: employee } = body;
  return { ...body, id: 1, employee_id: String(employee) === "0" ? 1 : 0 };
}

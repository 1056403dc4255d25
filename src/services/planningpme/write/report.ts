/**
 * What the report of an import says of single rows. Its form is not documented: rows with an action, lists by kind of
 * action, lists of errors and lines of text are read, and rows are believed only where they are named. Pure.
 */
import { isObject } from "../../../json";
import type { Json } from "../../../record";
import type { Result } from "../../connection";
import { textOf } from "../../mapping/attributes";
import { wordsIn, type Fields } from "../api/envelope";

export type Row = Readonly<Record<string, Json>>;

type Action = "written" | "failed" | "skipped" | "waiting";

export interface Report {
  /** What is said of rows; of others nothing is. */
  readonly results: ReadonlyMap<Row, Result>;
  /** It says that some failed, and perhaps not which. */
  readonly tellsFailures: boolean;
}

/** Words for what was done with a row, in the reports of this and similar products. */
const ACTIONS: readonly (readonly [Action, RegExp])[] = [
  ["waiting", /not[ _-]?(?:attempted|processed|done)|pending|remaining/i],
  ["failed", /fail|error|reject|refus|invalid/i],
  ["skipped", /skip|ignor/i],
  ["written", /insert|creat|added|updat|modif|unchanged|success|\bok\b|\bdone\b/i],
];

/** Names under which a row's place is given, and by how much it is more than its place in the list. */
const PLACES: readonly (readonly [string, number])[] = [
  ["index", 0],
  ["line", 1],
];

/** @param keyProperty the property by which the template matches */
export function readReport(answer: unknown, rows: readonly Row[], keyProperty: string): Report {
  const said = new Map<Row, { readonly action: Action; readonly message: string }[]>();
  const index = indexOf(rows, keyProperty);
  for (const line of linesIn(answer)) {
    const row = index(line.named);
    if (row !== undefined) said.set(row, [...(said.get(row) ?? []), line]);
  }
  const results = new Map<Row, Result>();
  for (const [row, lines] of said) results.set(row, resultOf(lines));
  return {
    results,
    tellsFailures: countsFailures(answer) || linesIn(answer).some(({ action }) => action === "failed"),
  };
}

/** Of a row that is split over several entities the worst counts. */
function resultOf(lines: readonly { readonly action: Action; readonly message: string }[]): Result {
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

/** Behind a failure at which the import stopped. */
export const NOT_ATTEMPTED: Result = {
  kind: "later",
  waitMs: 0,
  notAttempted: true,
  message: "PlanningPME stopped at an error before this row; it goes with the next import.",
};

interface Line {
  readonly named: Fields;
  readonly action: Action;
  readonly message: string;
}

function linesIn(answer: unknown): readonly Line[] {
  if (typeof answer === "string") return answer.split(/\r?\n/).flatMap(lineOfText);
  if (Array.isArray(answer)) return answer.flatMap((each) => lineOf(each, undefined));
  if (!isObject(answer)) return [];
  return Object.entries(answer).flatMap(([name, list]) =>
    Array.isArray(list) ? list.flatMap((each) => lineOf(each, actionIn(name))) : [],
  );
}

/** @param kind what the list is about, where its name says it */
function lineOf(value: unknown, kind: Action | undefined): readonly Line[] {
  if (!isObject(value)) return [];
  const { action, status, state, result, message, error } = value;
  const own = [action, status, state, result].map((word) => (typeof word === "string" ? actionIn(word) : undefined));
  const found = own.find((each) => each !== undefined) ?? kind;
  const words = textOf(message) ?? textOf(error);
  return found === undefined ? [] : [{ named: value, action: found, message: wordsIn(words) }];
}

const actionIn = (words: string): Action | undefined => ACTIONS.find(([, pattern]) => pattern.test(words))?.[0];

/** `Customer failed (index = 1, key = c-2): LastName is required`. */
function lineOfText(text: string): readonly Line[] {
  const open = text.indexOf("(");
  const close = text.lastIndexOf("):") === -1 ? text.lastIndexOf(")") : text.lastIndexOf("):");
  const action = actionIn(open === -1 ? text : text.slice(0, open));
  if (action === undefined || open === -1 || close < open) return [];
  const pairs = text
    .slice(open + 1, close)
    .split(/, (?=[^,=]+ = )/)
    .map((pair) => pair.split(" = "));
  const named = Object.fromEntries(pairs.map(([name = "", ...value]) => [name.trim(), value.join(" = ")]));
  return [{ named, action, message: wordsIn(text.slice(close + 2)) }];
}

/** By key before by place: a place may count from zero or from one. */
function indexOf(rows: readonly Row[], keyProperty: string): (named: Fields) => Row | undefined {
  const keyOf = (row: Fields): string | undefined => textOf(row[keyProperty]);
  const byKey = new Map(rows.map((row) => [keyOf(row), row]));
  return (named) => {
    const inside = isObject(named["row"]) ? named["row"] : undefined;
    const key = textOf(named["key"]) ?? keyOf(named) ?? (inside && keyOf(inside));
    if (key !== undefined) return byKey.get(key);
    for (const [name, more] of PLACES) {
      const place = textOf(named[name]);
      if (place !== undefined && /^\d+$/.test(place)) return rows[Number(place) - more];
    }
    return undefined;
  };
}

/** Counts such as `failed: 2`, wherever they stand at the top. */
function countsFailures(answer: unknown): boolean {
  if (!isObject(answer)) return false;
  return Object.entries(answer).some(([name, count]) => actionIn(name) === "failed" && Number(count) > 0);
}

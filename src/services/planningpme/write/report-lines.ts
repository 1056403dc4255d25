/** What a report says, line by line, in whatever form it comes: lists, lists of kinds of action, texts. Pure. */
import { isObject } from "../../../json";
import { textOf } from "../../mapping/attributes";
import { wordsIn, type Fields } from "../api/envelope";

export type Action = "written" | "failed" | "skipped" | "waiting";

export interface Line {
  /** By what it names its row, in each way in which that can be read; only a text has more than one. */
  readonly names: readonly Fields[];
  readonly action: Action;
  readonly message: string;
}

/** Words for what was done with a row, in the reports of this and similar products; the first that fit count. */
const ACTIONS: readonly (readonly [Action, RegExp])[] = [
  ["waiting", /not[ _-]?(?:attempted|processed|done)|remaining/i],
  [
    "failed",
    /fail|error|reject|refus|invalid|exception|denied|unable|unsuccess|not[ _-]?(?:insert|creat|add|import|writ|sav|ok\b)|erreur|[eé]chec|rejet/i,
  ],
  ["skipped", /skip|ignor/i],
  ["written", /insert|creat|added|updat|modif|unchanged|success|\bok\b|\bdone\b/i],
];

/** `0 failed`, `no errors`, `errors: 0`: nothing of the kind. */
const NOTHING_FAILED = [
  /\b(?:0|no|without(?: any)?) (?:\w+ )?(?:fail|error|reject|refus|invalid|erreur|[eé]chec|rejet)\w*/gi,
  /\b(?:fail|error|reject|refus|invalid|erreur|[eé]chec|rejet)\w*(?: \w+)? ?[:=] ?0\b/gi,
];

/** The options of an import, which a report may repeat, and others of their kind. */
const OPTION = /^(?:simulate|verbose|model)$|on[ _-]?error/i;

const VERDICT = /^(?:is[ _-]?)?(?:success(?:ful)?|succeeded|ok|valid)$/i;
const COMPLAINT = /^(?:errors?|exceptions?|failures?)(?:[ _-]?messages?)?$/i;

/** How deep lists may stand in objects. */
const MOST_DEPTH = 4;

export function actionIn(words: string): Action | undefined {
  const plain = NOTHING_FAILED.reduce((text, nothing) => text.replaceAll(nothing, " "), words);
  return ACTIONS.find(([, pattern]) => pattern.test(plain))?.[0];
}

/** @param kind what the lines are about, where the name of their list says it */
export function linesIn(answer: unknown, kind?: Action, depth = 0): readonly Line[] {
  if (typeof answer === "string") return answer.split(/\r?\n/).flatMap((text) => lineOfText(text, kind));
  if (depth > MOST_DEPTH) return [];
  if (Array.isArray(answer)) {
    return answer.flatMap((each: unknown) =>
      isObject(each) ? lineOf(each, kind, depth + 1) : typeof each === "string" ? lineOfText(each, kind) : [],
    );
  }
  return isObject(answer) ? linesInside(answer, kind, depth) : [];
}

function linesInside(answer: Fields, kind: Action | undefined, depth: number): readonly Line[] {
  return Object.entries(answer).flatMap(([name, inside]) =>
    typeof inside !== "object" || OPTION.test(name) ? [] : linesIn(inside, actionIn(name) ?? kind, depth + 1),
  );
}

/** A line for the row itself, and one for each of its entities where these are listed inside. */
function lineOf(value: Fields, kind: Action | undefined, depth: number): readonly Line[] {
  const { row: _, ...rest } = value;
  const inside = linesInside(rest, undefined, depth).map((line): Line => ({ ...line, names: [value] }));
  const { action, status, state, result, message, error } = value;
  const words = [action, status, state, result].map((word) => (typeof word === "string" ? actionIn(word) : undefined));
  const said = [...words, kind, ...Object.entries(rest).map(([name, told]) => verdictOf(name, told))];
  const worst = ACTIONS.map(([each]) => each).find((each) => said.includes(each));
  if (worst === undefined) return inside;
  return [...inside, { names: [value], action: worst, message: wordsIn(textOf(message) ?? textOf(error)) }];
}

/** `success: false`, `error: "LastName is required"`. */
function verdictOf(name: string, told: unknown): Action | undefined {
  if (VERDICT.test(name) && typeof told === "boolean") return told ? "written" : "failed";
  return COMPLAINT.test(name) && isSomething(told) ? "failed" : undefined;
}

function isSomething(told: unknown): boolean {
  if (typeof told === "string") return !/^(?:0|no|none|null|false)?$/i.test(told.trim());
  if (typeof told === "object" && told !== null) return Object.values(told).some(isSomething);
  return told === true || (typeof told === "number" && told > 0);
}

/** Counts such as `failed: 2`, complaints and verdicts about the whole, wherever objects hold them. */
export function countsFailures(answer: unknown, depth = 0): boolean {
  if (!isObject(answer) || depth > MOST_DEPTH) return false;
  return Object.entries(answer).some(([name, told]) => {
    if (OPTION.test(name)) return false;
    if (verdictOf(name, told) === "failed" || countsFailures(told, depth + 1)) return true;
    if (actionIn(name) !== "failed") return false;
    return Array.isArray(told) ? told.length > 0 : told === true || Number(textOf(told)) > 0;
  });
}

/** `Customer failed (index = 1, key = c-2): LastName is required`. */
function lineOfText(text: string, kind: Action | undefined): readonly Line[] {
  const open = text.search(/\((?=[^()=]+ = )/);
  const action = actionIn(open === -1 ? text : text.slice(0, open)) ?? kind;
  if (action === undefined) return [];
  if (open === -1) return [{ names: [], action, message: wordsIn(text) }];
  const ends = [...text.matchAll(/\):|\)\s*$/g)].map(({ index }) => index).filter((end) => end > open);
  const [first = text.length] = ends;
  const names = ends.slice(0, MOST_ENDS).flatMap((end) => readingsOf(text.slice(open + 1, end)));
  return [{ names, action, message: wordsIn(text.slice(first + 2)) }];
}

/** A key may hold brackets, commas and signs of equality, so that nobody can say where it ends. */
const MOST_ENDS = 10;

function readingsOf(pairs: string): readonly Fields[] {
  const parts = pairs.split(/, (?=[^,=]+ = )/).slice(0, MOST_ENDS);
  return parts.flatMap((_, last): readonly Fields[] => {
    const read = [...parts.slice(0, last), parts.slice(last).join(", ")].map((pair) => pair.split(" = "));
    const named = new Map(read.map(([name = "", ...value]) => [name.trim(), value.join(" = ")]));
    return named.size === read.length ? [Object.fromEntries(named)] : [];
  });
}

/**
 * PlanSource's answers: `{status, errors, data}` around everything, where `errors` is an empty list, one error or a list
 * of them, and an error's code is a number or a text. Proxies and bad days add pages, bare texts and nothing at all.
 */
import { isObject } from "../../../json";
import { RemoteError } from "../../../http/errors";
import { isPage, wordsFrom } from "../../failure";

/** One error in PlanSource's words. */
export interface RemoteProblem {
  readonly message: string;
  /** A number as its digits. */
  readonly code: string;
}

/** A number that tells an unknown employee from an unknown route, whose code is a word. */
const NUMBER = /^\d+$/;
const UNKNOWN_EMPLOYEE = /no employee with id|does not belong to the organi[sz]ation/i;
const EMPLOYEE = /\b(?:employee|subscriber)\b/i;

/** Every error that an answer names, in its order; the errors of the token endpoint as well. */
export function problemsIn(answer: unknown): readonly RemoteProblem[] {
  if (!isObject(answer)) return [];
  const { errors, error, error_description: description, message } = answer;
  const listed = [errors ?? []].flat().map(problemOf);
  const own = textOf(description) || textOf(message) || textOf(error);
  const all = [...listed, { message: own, code: textOf(error) }];
  return all.filter((each) => each.message !== "" || each.code !== "");
}

function problemOf(error: unknown): RemoteProblem {
  if (!isObject(error)) return { message: textOf(error), code: "" };
  const { message, details, error_code: code } = error;
  return { message: textOf(message) || textOf(details), code: textOf(code) };
}

/** An answer that says that the call failed, whatever its status is. */
export function saysFailure(answer: unknown): boolean {
  return isObject(answer) && String(answer["status"]).toLowerCase() === "failure";
}

/** A failure that tells of rows nevertheless: some of them may have been written. */
export function tellsOfRows(answer: unknown): boolean {
  const data = isObject(answer) ? answer["data"] : undefined;
  return (Array.isArray(data) && data.length > 0) || (isObject(data) && Object.keys(data).length > 0);
}

/** The HTTP status that the first error of a failed call names. */
export function statusIn(answer: unknown): number {
  const [first] = isObject(answer) ? [answer["errors"]].flat() : [];
  const status = isObject(first) ? Number(first["http_status"]) : NaN;
  return Number.isInteger(status) && status >= 400 && status < 600 ? status : 400;
}

/** What PlanSource answered with: its `data`, or everything where there is none. */
export function dataIn(answer: unknown): unknown {
  return isObject(answer) && Object.hasOwn(answer, "data") ? answer["data"] : answer;
}

/** PlanSource's own words, bounded and without secrets; a sentence without its full stop. */
export function wordsOf(error: RemoteError): string {
  return wordsIn(error.body);
}

/** The same for what `RemoteError.body` shows of an answer. */
export function wordsIn(body: unknown): string {
  if (typeof body === "string") return wordsFrom(isPage(body) ? "" : body);
  const said = problemsIn(body).map(({ message, code }) => (message === "" ? code : message));
  return wordsFrom([...new Set(said)].join("; "));
}

/**
 * PlanSource does not know the person of the address: a 404 that names the employee. A wrong route, a gateway that finds
 * nothing and a 404 without words mean something else, and nobody is created because of them.
 */
export function isUnknownEmployee(error: unknown): error is RemoteError {
  return isRefusal(error, 404, ({ message, code }) => {
    if (code !== "" && !NUMBER.test(code)) return false;
    return UNKNOWN_EMPLOYEE.test(message) || (code !== "" && (message === "" || EMPLOYEE.test(message)));
  });
}

/** The same, said of one row of a bulk call, whose answer may have another status. */
export function saysUnknownEmployee({ message, code }: RemoteProblem): boolean {
  return UNKNOWN_EMPLOYEE.test(message) || (code === "404" && EMPLOYEE.test(message));
}

/** Somebody terminated them before. */
export function isTerminatedAlready(error: unknown): error is RemoteError {
  return isRefusal(error, 400, ({ message }) => /\b(?:is|already) (?:already )?terminated\b/i.test(message));
}

/** Somebody rehired them before. */
export function isActiveAlready(error: unknown): error is RemoteError {
  return isRefusal(error, 400, ({ message }) => /\b(?:is|already) (?:already )?active\b/i.test(message));
}

const SSN = /\bssn\b|social security/i;
const TAKEN = /exists|taken|in use|duplicate|already|unique|belongs/i;
const MALFORMED = /required|missing|blank|empty|valid|format|must|digits|characters|length|wrong/i;

/** Another employee has this social security number. */
export function isSsnTaken(error: unknown): error is RemoteError {
  return isRefusal(error, 400, saysSsnTaken);
}

/** The same, said of one row of a bulk call. */
export function saysSsnTaken({ message, code }: RemoteProblem): boolean {
  if (!SSN.test(message)) return false;
  return TAKEN.test(message) || !MALFORMED.test(`${message} ${code}`);
}

function isRefusal(error: unknown, status: number, test: (problem: RemoteProblem) => boolean): error is RemoteError {
  return error instanceof RemoteError && error.status === status && problemsIn(error.answer).some(test);
}

function textOf(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value).trim() : "";
}

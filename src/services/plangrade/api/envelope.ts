/**
 * plangrade's answers. Until November 2014 they were wrapped (`{company: {…}}`, `{companies: […]}`), later documentation and
 * clients have them bare: both are read. A new record's id stands in the body or in `Location`. What an error says has no
 * documented form, and may be a page or nothing at all. Pure.
 */
import type { RemoteError } from "../../../http/errors";
import type { ResponseHeaders } from "../../../http/server-wait";
import { isObject } from "../../../json";
import { isPage, wordsFrom } from "../../failure";

/** A record as plangrade shows it; it certainly has an `id`, a number or its digits. */
export interface Row {
  readonly id: number | string;
  readonly [field: string]: unknown;
}

/** How the records of a route are wrapped. */
export interface Names {
  readonly one: string;
  readonly many: string;
}

const MAX_DEPTH = 4;
/** So much of a header is looked at, in characters. */
const MAX_CHALLENGE = 1_000;

export function isRow(value: unknown): value is Row {
  return isObject(value) && isId(value["id"]);
}

export function isId(value: unknown): value is number | string {
  if (typeof value === "number") return Number.isSafeInteger(value) && value > 0;
  return typeof value === "string" && /^[1-9]\d*$/.test(value);
}

/** One record, wrapped or bare; undefined: the answer holds none. */
export function rowIn(answer: unknown, { one }: Names): Row | undefined {
  const inside = isObject(answer) && Object.hasOwn(answer, one) ? answer[one] : answer;
  return isRow(inside) ? inside : undefined;
}

/** The members of a list, wrapped or bare; undefined: the answer is no list. */
export function listIn(answer: unknown, { many }: Names): readonly unknown[] | undefined {
  const inside: unknown = isObject(answer) && Object.hasOwn(answer, many) ? answer[many] : answer;
  return Array.isArray(inside) ? inside : undefined;
}

/** The id of a new record: in the body, else at the end of `Location`; undefined: nobody says. */
export function idIn(answer: unknown, headers: ResponseHeaders, names: Names): string | undefined {
  const row = rowIn(answer, names);
  if (row !== undefined) return String(row.id);
  const { location = "" } = headers;
  return new RegExp(`/${names.many}/([1-9]\\d*)(?:\\.json)?/?(?:[?#].*)?$`).exec(location)?.[1];
}

/** Everything that an answer gives as a reason, in its order. */
export function problemsIn(answer: unknown): readonly string[] {
  if (Array.isArray(answer)) return texts(answer, 0);
  if (!isObject(answer)) return [];
  const { errors, error, error_description: description, message } = answer;
  return [...new Set([...texts(errors, 0), ...texts(message, 0), ...texts(description ?? error, 0)])];
}

/** Texts, lists of them, or lists under the names of fields: `{zip: ["is invalid"]}` → `zip is invalid`. */
function texts(value: unknown, depth: number): readonly string[] {
  if (typeof value === "string") return value.trim() === "" ? [] : [value.trim()];
  if (depth >= MAX_DEPTH) return [];
  if (Array.isArray(value)) return value.flatMap((each) => texts(each, depth + 1));
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([field, inside]) => {
    const isWords = ["message", "error", "description", "title"].includes(field);
    return texts(inside, depth + 1).map((words) => (isWords ? words : `${field} ${words}`));
  });
}

/** Creates and updates answer "either this response or a list of errors": the latter under a good status as well. */
export function saysFailure(answer: unknown): boolean {
  if (Array.isArray(answer)) return answer.length > 0 && answer.every((each) => typeof each === "string");
  return (
    isObject(answer) &&
    !isId(answer["id"]) &&
    ("errors" in answer || "error" in answer) &&
    problemsIn(answer).length > 0
  );
}

/** plangrade's own words, bounded and without secrets: a sentence without its full stop. */
export function wordsOf({ body, headers }: Pick<RemoteError, "body" | "headers">): string {
  return wordsFrom(saidIn(body) || (challengeIn(headers) ?? ""));
}

/** The same for what `RemoteError.body` shows of an answer. */
export const wordsIn = (body: unknown): string => wordsFrom(saidIn(body));

/** A page says nothing. */
function saidIn(body: unknown): string {
  if (isPage(body)) return "";
  return typeof body === "string" ? body.trim() : problemsIn(body).join("; ");
}

/**
 * What a refused token is told in the header alone:
 * `Bearer realm="Doorkeeper", error="invalid_token", error_description="The access token is invalid"`.
 */
export function challengeIn(headers: ResponseHeaders = {}): string | undefined {
  const challenge = (headers["www-authenticate"] ?? "").slice(0, MAX_CHALLENGE);
  const [description, error] = ["error_description", "error"].map((name) =>
    new RegExp(`(?:^|[\\s,])${name}="([^"]*)"`).exec(challenge)?.[1]?.trim(),
  );
  const words = description === undefined || description === "" ? error : description;
  return words === undefined || words === "" ? undefined : wordsFrom(words);
}

/**
 * `PUT /subscribers`: whether it takes a bare list or `{subscribers: […]}` is not documented. One is tried, then the
 * other, and what PlanSource took is remembered.
 */
import { RemoteError } from "../../../http/errors";
import type { BulkWrapper, PlanSourceApi } from "./client";
import { problemsIn } from "./envelope";

type Rows = readonly Readonly<Record<string, unknown>>[];

/** Rows, bare or wrapped; what else stands in the wrapper is sent along. */
export type BulkBody = Rows | { readonly subscribers: Rows; readonly [beside: string]: unknown };

const OTHER: Readonly<Record<BulkWrapper, BulkWrapper>> = { array: "subscribers", subscribers: "array" };

/**
 * @param send sends a body and throws what PlanSource refuses
 * @throws the refusal that speaks of rows or values; where the form itself is refused both times, the first one
 */
export async function bulkUpdate<T>(
  known: PlanSourceApi["bulkWrapper"],
  given: BulkBody,
  send: (body: unknown) => Promise<T>,
): Promise<T> {
  const { subscribers, ...beside } = "subscribers" in given ? given : { subscribers: given };
  const form = { array: subscribers, subscribers: { ...beside, subscribers } };
  // A list has no place for what stands beside the rows.
  const mustWrap = Object.keys(beside).length > 0;
  const first = mustWrap ? "subscribers" : (known.get() ?? ("subscribers" in given ? "subscribers" : "array"));
  const take = async (wrapper: BulkWrapper): Promise<T> => {
    const answer = await send(form[wrapper]);
    known.set(wrapper);
    return answer;
  };
  try {
    return await take(first);
  } catch (error) {
    if (mustWrap || !refusesWrapper(error, subscribers)) throw error;
    try {
      return await take(OTHER[first]);
    } catch (second) {
      if (refusesWrapper(second, subscribers)) throw error;
      // It read the rows, so this form was the right one.
      if (isRefused(second)) known.set(OTHER[first]);
      throw second;
    }
  }
}

const isRefused = (error: unknown): error is RemoteError => error instanceof RemoteError && error.status === 400;

const ABOUT_VALUES = /\b(?:row|employee|invalid value|required|valid date|already)\b/i;

/** A 400 that speaks neither of a row nor of a value: nothing was written, and the form may be the reason. */
function refusesWrapper(error: unknown, rows: Rows): boolean {
  if (!isRefused(error)) return false;
  const said = problemsIn(error.answer).map(({ message, code }) => `${message} ${code}`);
  if (said.some((words) => ABOUT_VALUES.test(words))) return false;
  const ids = new Set(rows.map(({ id }) => String(id)));
  return !said.some((words) => words.split(/[^\w.@-]+/).some((word) => ids.has(word)));
}

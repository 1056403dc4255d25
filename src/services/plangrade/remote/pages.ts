/** What plangrade lists by company is fetched so, one company a page. */
import { z } from "zod";
import { jsonIn } from "../../../json";
import type { ListedRecord, ListPage, Problem } from "../../connection";
import { attempt, isFailed } from "../../failure";
import { problemOf } from "../api/failure";
import type { Reading } from "./find";
import { idOf } from "./record";

/** The company that the page before was about. */
const position = z.object({ after: z.string().regex(/^\d+$/) });

/**
 * @param from `next` of the page before; an invalid one begins at the start, which costs calls and misses nothing
 * @param rowsOf what is shown of a company; none when somebody has removed it meanwhile
 */
export async function eachCompany(
  { rest, lists }: Reading,
  from: string | undefined,
  rowsOf: (companyId: string) => Promise<readonly ListedRecord[] | Problem>,
): Promise<ListPage> {
  const after = position.safeParse(jsonIn(from)).data?.after;
  const companies = await attempt(() => lists.companies(rest, after === undefined));
  if (isFailed(companies)) return { rows: [], problem: problemOf(companies) };
  const ids = companies.map(idOf).sort(byAge);
  const at = ids.findIndex((id) => after === undefined || byAge(id, after) > 0);
  const companyId = ids[at];
  if (companyId === undefined) return { rows: [], partial: true };
  const rows = await rowsOf(companyId);
  if ("kind" in rows) return { rows: [], problem: rows };
  const isLast = at === ids.length - 1;
  // Nothing follows from what a page does not show.
  return isLast ? { rows, partial: true } : { rows, next: JSON.stringify({ after: companyId }), partial: true };
}

/** Ids are digits that count upwards. */
function byAge(left: string, right: string): number {
  return left.length - right.length || (left < right ? -1 : Number(left > right));
}

/**
 * The pages of a fetch: all companies in one, then the participants of one company after the other. Dependents are not
 * shown. Whether lists show archived participants is not known, so nothing follows from the absence of one.
 */
import { z } from "zod";
import { jsonIn } from "../../../json";
import type { Claims } from "../../../record";
import type { ListPage } from "../../connection";
import { textOf } from "../../mapping/attributes";
import { attempt, isFailed } from "../../failure";
import { isNotThere, problemOf } from "../api/failure";
import type { Row } from "../api/envelope";
import { COMPANIES, PARTICIPANTS } from "../objects";
import type { Reading } from "./find";
import { emailClaim, idOf, isEmployee, listedRecord } from "./record";

/** The company whose participants the page before showed. */
const position = z.object({ after: z.string().regex(/^\d+$/) });

export interface ListOptions {
  /** The EIN is the external id of the Hull account. */
  readonly claimsEin: boolean;
}

/** @param from `next` of the page before; an invalid one begins at the start, which costs calls and misses nothing */
export async function listPage(
  reading: Reading,
  type: string,
  fields: readonly string[],
  from: string | undefined,
  options: ListOptions,
): Promise<ListPage> {
  return type === COMPANIES.name
    ? companiesPage(reading, fields, options)
    : participantsPage(reading, fields, position.safeParse(jsonIn(from)).data?.after);
}

async function companiesPage(
  { rest, lists }: Reading,
  fields: readonly string[],
  { claimsEin }: ListOptions,
): Promise<ListPage> {
  const rows = await attempt(() => lists.companies(rest, true));
  if (isFailed(rows)) return { rows: [], problem: problemOf(rows) };
  const claimsOf = (row: Row): Claims => {
    const ein = claimsEin ? textOf(row["ein"]) : undefined;
    return ein === undefined ? {} : { external_id: ein };
  };
  return { rows: rows.map((row) => listedRecord(COMPANIES.name, row, fields, claimsOf(row))) };
}

async function participantsPage(
  { rest, lists }: Reading,
  fields: readonly string[],
  after: string | undefined,
): Promise<ListPage> {
  const companies = await attempt(() => lists.companies(rest, after === undefined));
  if (isFailed(companies)) return { rows: [], problem: problemOf(companies) };
  const ids = companies.map(idOf).sort(byAge);
  const at = ids.findIndex((id) => after === undefined || byAge(id, after) > 0);
  const companyId = ids[at];
  if (companyId === undefined) return { rows: [], partial: true };
  const found = await attempt(() => lists.participants(rest, companyId, true));
  // Somebody may have removed the company meanwhile.
  if (isFailed(found) && !isNotThere(found)) return { rows: [], problem: problemOf(found) };
  const rows = (isFailed(found) ? [] : found)
    .filter(isEmployee)
    .map((row) => listedRecord(PARTICIPANTS.name, row, fields, emailClaim(row), companyId));
  const isLast = at === ids.length - 1;
  return isLast ? { rows, partial: true } : { rows, next: JSON.stringify({ after: companyId }), partial: true };
}

/** Ids are digits that count upwards. */
function byAge(left: string, right: string): number {
  return left.length - right.length || (left < right ? -1 : Number(left > right));
}

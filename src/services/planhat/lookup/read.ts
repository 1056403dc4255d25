/**
 * Reading records whose ids are known. Planhat reads endusers and licenses by id one at a time, but lists those of 75
 * companies in one call: many of them are looked for in the lists of their companies first.
 */
import groupBy from "lodash/groupBy";
import type { Known, Problem, ReadBack } from "../../connection";
import { problemOf } from "../api/failure";
import { readCompanies } from "./companies";
import { idGroups, readSingles } from "./lookup";
import { COMPANIES, typeSpec } from "../object-types";
import { readPages } from "../api/paging";
import { remoteRecord, selectOf } from "./remote";
import type { Rest, Row } from "../api/rest";

/** Up to this many are read one by one: a list may have more pages than that. */
const FEW = 3;
/** Most pages of lists that one reading holds in memory. */
const MAX_PAGES = 20;

/**
 * @param known records, each with the company that it is believed to belong to
 * @returns also what else the lists showed
 */
export async function readRecords(
  rest: Rest,
  type: string,
  known: readonly Known[],
  fields: readonly string[],
): Promise<ReadBack> {
  const ids = [...new Set(known.map(({ id }) => id))];
  if (type === COMPANIES.name) {
    const { records, gone, problem } = await readCompanies(rest, ids, fields);
    return { records, gone, problem };
  }
  const rows = new Map<string, Row>();
  const trouble = await readListed(rest, type, known, fields, rows);
  const left = ids.filter((id) => !rows.has(id));
  const singles = await readSingles(rest, typeSpec(type).path, left, trouble);
  const records = [...rows.values(), ...singles.rows].map((row) => remoteRecord(type, row, fields));
  return { records, gone: singles.gone, problem: singles.problem };
}

/** The same without knowing their companies: all but companies are read one by one. */
export function readIds(rest: Rest, type: string, ids: readonly string[], fields: readonly string[] = []) {
  return readRecords(
    rest,
    type,
    ids.map((id) => ({ id })),
    fields,
  );
}

/** Adds what the lists of their companies show; of a long one at most half as many pages as there are records. */
async function readListed(
  rest: Rest,
  type: string,
  known: readonly Known[],
  fields: readonly string[],
  rows: Map<string, Row>,
): Promise<Problem | undefined> {
  const { path, listLimit: limit } = typeSpec(type);
  const query = { select: selectOf(type, fields) };
  const companies = groupBy(
    known.filter(({ parentId }) => parentId !== undefined),
    "parentId",
  );
  let left = MAX_PAGES;
  for (const group of idGroups(Object.keys(companies))) {
    const wanted = group.flatMap((companyId) => companies[companyId] ?? []).filter(({ id }) => !rows.has(id));
    if (wanted.length <= FEW || left === 0) continue;
    const paged = await readPages(rest, {
      path,
      limit,
      query: { ...query, companyId: group.join(",") },
      maxCalls: Math.min(left, Math.ceil(wanted.length / 2)),
      until: (read) => wanted.every(({ id }) => read.has(id)),
    });
    left -= paged.calls;
    for (const row of paged.rows.values()) rows.set(row._id, row);
    if (paged.error !== undefined) return problemOf(paged.error);
  }
  return undefined;
}

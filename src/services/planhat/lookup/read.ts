/**
 * Reading records whose ids are known. Planhat reads endusers and licenses by id one at a time, but lists those of 75
 * companies in one call: many of them are looked for in the lists of their companies first.
 */
import type { Known, Problem, ReadBack } from "../../connection";
import { problemOf } from "../api/failure";
import { idGroups, readSingles } from "./lookup";
import { COMPANIES, typeSpec } from "../object-types";
import { readPages } from "../api/paging";
import { readKnown } from "../write/readback";
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
  if (type === COMPANIES.name) return readKnown(rest, type, ids, fields);
  const { rows, problem } = await readListed(rest, type, known, fields);
  const recordsOf = (of: Iterable<Row>) => [...of].map((row) => remoteRecord(type, row, fields));
  if (problem !== undefined) return { records: recordsOf(rows.values()), gone: [], problem };
  const left = ids.filter((id) => !rows.has(id));
  const singles = await readSingles(rest, typeSpec(type).path, left);
  return {
    records: recordsOf([...rows.values(), ...singles.rows]),
    gone: singles.gone,
    ...(singles.problem !== undefined && { problem: singles.problem }),
  };
}

interface Listed {
  readonly rows: ReadonlyMap<string, Row>;
  readonly problem?: Problem;
}

/** What the lists of their companies show; of a long one at most half as many pages as there are records. */
async function readListed(
  rest: Rest,
  type: string,
  known: readonly Known[],
  fields: readonly string[],
): Promise<Listed> {
  const { path, listLimit: limit } = typeSpec(type);
  const query = { select: selectOf(type, fields) };
  const rows = new Map<string, Row>();
  const companies = new Map<string, string[]>();
  for (const { id, parentId } of known) {
    if (parentId !== undefined) companies.set(parentId, [...(companies.get(parentId) ?? []), id]);
  }
  let left = MAX_PAGES;
  for (const group of idGroups([...companies.keys()])) {
    const wanted = group.flatMap((companyId) => companies.get(companyId) ?? []).filter((id) => !rows.has(id));
    if (wanted.length <= FEW || left === 0) continue;
    const paged = await readPages(rest, {
      path,
      limit,
      query: { ...query, companyId: group.join(",") },
      maxCalls: Math.min(left, Math.ceil(wanted.length / 2)),
      until: (read) => wanted.every((id) => read.has(id)),
    });
    left -= paged.calls;
    for (const row of paged.rows.values()) rows.set(row._id, row);
    if (paged.error !== undefined) return { rows, problem: problemOf(paged.error) };
  }
  return { rows };
}

/** Finding companies by external id, and reading their content, in few calls. */
import type { Query } from "../../../http/route";
import type { Clock } from "../../../http/time";
import type { FindKnowledge, Found, Problem, Wanted } from "../../connection";
import type { RemoteRecord } from "../../model";
import { textOf } from "../../mapping/attributes";
import { attempt, isFailed, problemOf } from "../api/failure";
import type { Failed } from "../api/failure";
import { idGroups, readSingles } from "./lookup";
import type { Singles } from "./lookup";
import { COMPANIES, typeSpec } from "../object-types";
import { readPages } from "../api/paging";
import type { Paged, PagingOrder } from "../api/paging";
import { remoteRecord, selectOf } from "./remote";
import type { Rest, Row } from "../api/rest";

const { name: TYPE } = COMPANIES;
const { path: PATH, listLimit: LIMIT } = typeSpec(TYPE);
const LEAN = "/leancompanies";
/** From this number on one full lean list is cheaper than single look-ups. */
const FEW = 3;

interface Lean {
  readonly rows: ReadonlyMap<string, Row>;
  /** External ids of which every company is in `rows`; undefined = of all. */
  readonly covered: ReadonlySet<string> | undefined;
  readonly problem?: Problem;
}

export async function findCompanies(
  rest: Rest,
  wanted: readonly Wanted[],
  knowledge: FindKnowledge,
  clock: Clock,
): Promise<Found> {
  const startedAtMs = clock();
  const keys = new Set(wanted.flatMap((each) => each.keys["externalId"] ?? []));
  const lean = await readLean(rest, keys);
  const records = new Map<string, RemoteRecord>();
  for (const row of lean.rows.values()) records.set(row._id, remoteRecord(TYPE, row, undefined));
  const hits = [...records.values()].filter((record) => keys.has(record.keys["externalId"] ?? ""));

  const ids = knowledge.identityOnly ? [] : hits.map((hit) => hit.id);
  const content = await readCompanies(rest, ids, knowledge.fields);
  for (const record of content.records) {
    // Planhat's list may omit the external id; the lean list showed it.
    records.set(record.id, { ...record, keys: { ...records.get(record.id)?.keys, ...record.keys } });
  }
  for (const id of content.gone) records.delete(id);

  const found = new Set([...records.values()].flatMap((record) => record.keys["externalId"] ?? []));
  const hinted = wanted.filter((each) => each.hintId !== undefined && !found.has(each.keys["externalId"] ?? ""));
  const hintIds = hinted.flatMap((each) => each.hintId ?? []);
  const hints = await readSingles(rest, PATH, hintIds, lean.problem ?? content.problem);
  for (const row of hints.rows) records.set(row._id, remoteRecord(TYPE, row, knowledge.fields));

  const unread = new Set(content.unread);
  const unsure = new Set(hits.filter((hit) => unread.has(hit.id)).map((hit) => hit.keys["externalId"]));
  const exhaustive = wanted.map((each) => {
    const key = each.keys["externalId"];
    if (each.hintId !== undefined && hints.unread.includes(each.hintId)) return false;
    return key === undefined || ((lean.covered === undefined || lean.covered.has(key)) && !unsure.has(key));
  });
  const scan = lean.covered === undefined ? { startedAtMs, size: lean.rows.size } : undefined;
  return { records: [...records.values()], exhaustive, scan, problem: hints.problem };
}

/** Companies by external id, keys only. */
export async function readLean(rest: Rest, keys: ReadonlySet<string>): Promise<Lean> {
  if (keys.size === 0) return { rows: new Map(), covered: new Set() };
  if (keys.size <= FEW) return lookUpEach(rest, keys);
  const all = await readAllLean(rest);
  // A portfolio too large for one answer is no reason to give up.
  return all.problem?.kind === "configuration" ? lookUpEach(rest, keys) : all;
}

/** One call per external id. A row that does not fit shows that the filter was ignored: then all are read. */
async function lookUpEach(rest: Rest, keys: ReadonlySet<string>): Promise<Lean> {
  const rows = new Map<string, Row>();
  const covered = new Set<string>();
  for (const externalId of keys) {
    const found = await attempt(() => rest.list(LEAN, { externalId }));
    if (isFailed(found)) return { rows, covered, problem: problemOf(found) };
    if (found.some((row) => textOf(row["externalId"]) !== externalId)) return readAllLean(rest);
    for (const row of found) rows.set(row._id, row);
    covered.add(externalId);
  }
  return { rows, covered };
}

/** All companies in one answer; after a round number of rows the next page is requested, in case the list was cut. */
async function readAllLean(rest: Rest): Promise<Lean> {
  const rows = new Map<string, Row>();
  for (let before = -1; rows.size > before;) {
    before = rows.size;
    const page = await attempt(() => rest.list(LEAN, rows.size === 0 ? {} : { limit: LIMIT, offset: rows.size }));
    if (isFailed(page)) return { rows, covered: new Set(), problem: problemOf(page) };
    for (const row of page) rows.set(row._id, row);
    if (rows.size % 100 !== 0) break;
  }
  return { rows, covered: undefined };
}

/** Content by id, about 75 ids a call. Ids that a list leaves out are read one by one. */
export async function readCompanies(
  rest: Rest,
  ids: readonly string[],
  fields: readonly string[],
): Promise<Omit<Singles, "rows"> & { readonly records: readonly RemoteRecord[] }> {
  const rows = new Map<string, Row>();
  const missing = (of: readonly string[]) => of.filter((id) => !rows.has(id));
  const list = async (filter: Query, bounds: Pick<PagingOrder, "maxCalls" | "until">): Promise<Paged> => {
    const query = { select: selectOf(TYPE, fields), ...filter };
    const paged = await readPages(rest, { path: PATH, limit: LIMIT, query, ...bounds });
    for (const row of paged.rows.values()) rows.set(row._id, row);
    return paged;
  };
  let error: Failed | undefined;
  for (const group of idGroups([...new Set(ids)])) {
    if (error !== undefined || missing(group).length === 0) continue;
    const page = await list({ companyId: group.join(",") }, { maxCalls: 1 });
    error = page.error;
    const foreign = [...page.rows.keys()].some((id) => !group.includes(id));
    if (foreign && missing(group).length > FEW) {
      // The filter was ignored, so this is the plain list: reading it to the end is cheaper than one call per id.
      const left = missing(ids);
      await list({}, { until: (read) => left.every((id) => read.has(id)) });
    }
  }
  const singles = await readSingles(rest, PATH, missing(ids), error && problemOf(error));
  for (const row of singles.rows) rows.set(row._id, row);
  const found = [...new Set(ids)].flatMap((id) => rows.get(id) ?? []);
  return { ...singles, records: found.map((row) => remoteRecord(TYPE, row, fields)) };
}

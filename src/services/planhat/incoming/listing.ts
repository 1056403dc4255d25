/** The pages of a full fetch: as large as Planhat gives them, one call each. */
import { jsonIn } from "../../../json";
import type { ListedRecord, ListPage, Problem } from "../../connection";
import { COMPANY_PROPERTIES } from "../api/company-properties";
import { attempt, isFailed, lacksRight, problemOf } from "../api/failure";
import type { Failed } from "../api/failure";
import type { Reader } from "./incoming";
import { COMPANIES, LICENSES, typeSpec } from "../object-types";
import { position, readPage, START, stepAfter } from "../api/paging";
import type { Position } from "../api/paging";
import { propertyOf, selectOf } from "../lookup/remote";
import type { Page, Rest } from "../api/rest";

const STUCK_WAIT_MS = 300_000;
const SLICE = 250;

/**
 * One page, and where the next one begins. If rows moved up, it lies further back; the rows of this page still count.
 *
 * @param rest with the budget class of the fetch
 * @param from `next` of the page before; an invalid one begins at the start, which costs calls and misses nothing
 * @param readerOf called once the page is there
 */
export async function listPage(
  rest: Rest,
  type: string,
  fields: readonly string[],
  from: string | undefined,
  readerOf: () => Promise<Reader>,
): Promise<ListPage> {
  const { path, listLimit: limit } = typeSpec(type);
  if (limit === 0) throw new Error(`Planhat has no list of ${type}.`);
  const select = selected(type, fields);
  const at = positionOf(from);
  const page = await attempt(() => readPage(rest, { path, limit, query: { select } }, at));
  if (isFailed(page)) return failed(problemWith(page));
  const step = stepAfter(at, page, limit);
  if (step.kind === "stuck") return failed(stuck(path));
  const rows = await readRows(page, await readerOf());
  return { rows, ...(step.kind === "on" && { next: JSON.stringify(step.to) }) };
}

/** Thousands of wide rows take most of a second, so it yields to other requests. */
async function readRows(page: Page, read: Reader): Promise<readonly ListedRecord[]> {
  const rows: ListedRecord[] = [];
  for (const row of page) {
    if (row === undefined) continue;
    if (rows.length > 0 && rows.length % SLICE === 0) await new Promise(setImmediate);
    rows.push(read(row));
  }
  return rows;
}

/** Endusers come complete; of companies only the named properties, and of licenses only the mapped fields matter. */
function selected(type: string, fields: readonly string[]): string | undefined {
  if (type === COMPANIES.name) return selectOf(type, [...COMPANY_PROPERTIES, ...fields]);
  return type === LICENSES.name ? selectOf(type, fields) : undefined;
}

/** Of some fields those for which a row of the list shows what the record holds. */
export function listed(type: string, fields: readonly string[], wanted: readonly string[]): readonly string[] {
  const names = selected(type, fields)?.split(",");
  return names === undefined ? wanted : wanted.filter((each) => names.includes(propertyOf(each)));
}

function positionOf(from: string | undefined): Position {
  return position.safeParse(jsonIn(from)).data ?? START;
}

const failed = (problem: Problem): ListPage => ({ rows: [], problem });

/** A missing right for one list stops nothing else. */
function problemWith(error: Failed): Problem {
  const problem = problemOf(error);
  return lacksRight(error) ? { ...problem, scope: "type" } : problem;
}

function stuck(path: string): Problem {
  const message = `planhat GET ${path} shows the same rows whatever the offset; the list cannot be read to its end.`;
  return { scope: "type", kind: "configuration", message, waitMs: STUCK_WAIT_MS };
}

/**
 * Looking subscribers up. PlanSource finds one by code or id, a call each, and lists them by the five hundred: many are
 * looked for in the list first, as long as that costs fewer calls.
 */
import memoize from "lodash/memoize";
import type { Clock } from "../../../http/time";
import { foldedKey } from "../../../record";
import type { FindKnowledge, Found, Known, Problem, ReadBack, Wanted } from "../../connection";
import { attempt, isFailed } from "../../failure";
import { inParallel } from "../../../in-parallel";
import type { RemoteRecord } from "../../model";
import { isUnknownEmployee } from "../api/envelope";
import { problemOf } from "../api/failure";
import type { Row } from "../api/rest";
import { addressed, type Address, type Ways } from "./address";
import { PER_PAGE, readPage, type Position } from "./list";
import { codeOf, idOf, remoteRecord } from "./record";

/** Up to this many are looked up one by one. */
const FEW = 3;
/** Most pages of a list that one look-up holds in memory. */
const MAX_PAGES = 20;

/** @param width look-ups at once */
export async function find(
  ways: Ways,
  wanted: readonly Wanted[],
  { scanSize, fields }: FindKnowledge,
  clock: Clock,
  width: number,
): Promise<Found> {
  const startedAtMs = clock();
  const codes = new Set(wanted.flatMap(({ keys, fresh }) => (fresh ? [] : (keys["subscriber_code"] ?? []))));
  const listed = await readList(ways, codes.size, scanSize, (rows) => {
    const shown = new Set([...rows.values()].map(codeOf));
    return [...codes].every((code) => shown.has(code));
  });
  const rows = new Map(listed.rows);
  const listedCodes = new Set([...rows.values()].map(codeOf));
  const listedAlike = new Set([...listedCodes].map((code) => foldedKey(code ?? "")));
  /** Codes by which PlanSource found somebody whose code is spelt in another way, by id. */
  const spelt = new Map<string, string>();
  // Two people with one code are one look-up.
  const lookUp = memoize((code: string) => attempt(() => ways.byCode.one(code)));
  let problem = listed.problem;

  /** Whether everything that could match was read. */
  async function look({ keys, hintId, fresh }: Wanted): Promise<boolean> {
    const code = keys["subscriber_code"];
    if (!fresh && code !== undefined) {
      // Whether `emp-1` is `EMP-1` only PlanSource can say.
      const isAbsent = listed.provesAbsence && !listedAlike.has(foldedKey(code));
      if (isAbsent || listedCodes.has(code)) return true;
    }
    if (problem !== undefined) return false;
    const byCode = code === undefined ? undefined : await lookUp(code);
    const wantsHint = byCode === undefined && hintId !== undefined && !ways.usesCode;
    const found = wantsHint ? await attempt(() => ways.byId.one(hintId)) : byCode;
    if (isFailed(found)) problem ??= problemOf(found);
    else if (found !== undefined) {
      rows.set(idOf(found), found);
      if (found === byCode && code !== undefined && codeOf(found) !== undefined) spelt.set(idOf(found), code);
    }
    return !isFailed(found);
  }

  const exhaustive = await inParallel(wanted, width, look);
  const scan = listed.provesAbsence ? { startedAtMs, size: listed.rows.size } : undefined;
  const records = recordsOf(rows, fields).map((record) => {
    const code = spelt.get(record.id);
    return code === undefined ? record : { ...record, keys: { ...record.keys, subscriber_code: code } };
  });
  return { records, exhaustive, scan, problem };
}

/** Reads known subscribers; those that the list showed as well come with them. */
export async function read(
  ways: Ways,
  known: readonly Known[],
  fields: readonly string[],
  width: number,
): Promise<ReadBack> {
  const listed = await readList(ways, known.length, undefined, (rows) => known.every(({ id }) => rows.has(id)));
  const rows = new Map(listed.rows);
  const gone: string[] = [];
  let problem = listed.problem;
  await inParallel(known, width, async ({ id, keys }) => {
    if (rows.has(id) || problem !== undefined) return;
    const found = await attempt(() => readOne(ways, { id, code: keys?.["subscriber_code"] }));
    if (isFailed(found)) {
      if (isUnknownEmployee(found)) gone.push(id);
      else problem ??= problemOf(found);
    } else rows.set(idOf(found), found);
  });
  return { records: recordsOf(rows, fields), gone, problem };
}

/** The subscriber of the address, by id where the code has become somebody else's. */
export async function readOne(ways: Ways, address: Address): Promise<Row> {
  const row = await addressed(ways, address, (rest, ref) => rest.read(ref));
  return address.id === undefined || idOf(row) === address.id ? row : ways.byId.read(address.id);
}

function recordsOf(rows: ReadonlyMap<string, Row>, fields: readonly string[]): RemoteRecord[] {
  return [...rows.values()].map((row) => remoteRecord(row, fields));
}

interface Listed {
  readonly rows: ReadonlyMap<string, Row>;
  /** Whoever is not among them is not there. */
  readonly provesAbsence: boolean;
  readonly problem?: Problem;
}

/**
 * The list, page by page, until it showed all that are wanted or would cost more calls than it saves.
 *
 * @param count how many are wanted
 * @param size of the whole list, if it is known
 */
async function readList(
  { chosen }: Ways,
  count: number,
  size: number | undefined,
  isEnough: (rows: ReadonlyMap<string, Row>) => boolean,
): Promise<Listed> {
  const rows = new Map<string, Row>();
  const mostPages = Math.min(MAX_PAGES, Math.floor(count / 2));
  const isTooLong = size !== undefined && size / PER_PAGE > mostPages;
  if (count <= FEW || isTooLong) return { rows, provesAbsence: false };
  let at: Position | undefined;
  for (let pages = 0; pages < mostPages; pages += 1) {
    const page = await readPage(chosen, at);
    if (isFailed(page)) return { rows, provesAbsence: false, problem: problemOf(page) };
    // What the list does not show is looked up.
    if ("problem" in page) break;
    for (const row of page.rows) rows.set(idOf(row), row);
    if (page.next === undefined) return { rows, provesAbsence: page.showsEnded };
    if (isEnough(rows)) break;
    at = page.next;
  }
  return { rows, provesAbsence: false };
}

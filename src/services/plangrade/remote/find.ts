/**
 * Looking records up. plangrade finds nothing by a key: companies are matched in the list of all, participants in the list
 * of their company. Which of the records it is, the engine decides; dependents are not among them.
 */
import groupBy from "lodash/groupBy";
import { inParallel } from "../../../in-parallel";
import type { Found, Known, Problem, ReadBack, Wanted } from "../../connection";
import { attempt, isFailed, isRefusal, lacksRight } from "../../failure";
import type { RemoteRecord } from "../../model";
import { isId, type Row } from "../api/envelope";
import { isNotThere, problemOf } from "../api/failure";
import type { Rest } from "../api/rest";
import { COMPANIES, PARTICIPANTS } from "../objects";
import type { Lists } from "./lists";
import { idOf, isEmployee, remoteRecord } from "./record";

export interface Reading {
  readonly rest: Rest;
  readonly lists: Lists;
  readonly clock: () => number;
}

/** Calls at once. */
const SIDE_BY_SIDE = 4;
/** Up to this many of one list are read one by one. */
const FEW = 2;

export async function find(
  { rest, lists, clock }: Reading,
  type: string,
  wanted: readonly Wanted[],
  fields: readonly string[],
): Promise<Found> {
  const records = new Map<string, RemoteRecord>();
  const add = (rows: readonly Row[], listedIn?: string): void => {
    for (const row of rows) records.set(idOf(row), remoteRecord(type, row, fields, listedIn));
  };
  let problem: Problem | undefined;

  /** Whether the list was read. */
  async function readList(some: readonly Wanted[], list: (isFresh: boolean) => Promise<readonly Row[]>, of?: string) {
    if (problem !== undefined) return false;
    const rows = await attempt(() => list(some.some(({ fresh }) => fresh)));
    // A company that is gone has nobody; the engine finds out when it creates them.
    if (isFailed(rows) && of !== undefined && isNotThere(rows)) return true;
    if (isFailed(rows)) problem ??= problemOf(rows);
    else add(type === PARTICIPANTS.name ? rows.filter(isEmployee) : rows, of);
    return !isFailed(rows);
  }

  /**
   * What no list can show is read by the id that Hull remembers. Anybody can write something else there, such as
   * `archive`, which is a route of its own, or an id of an account that was left.
   *
   * @param listsAreRead what was asked for besides was answered, so a refusal is about this id alone
   */
  async function readHint({ keys, hintId, parentId }: Wanted, listsAreRead: boolean): Promise<boolean> {
    if (hintId === undefined || !isId(hintId) || records.has(hintId)) return true;
    if (isMatched(records, keys, parentId)) return true;
    if (problem !== undefined) return false;
    const row = await attempt(() => recordsOf(rest, type).read(hintId));
    if (!isFailed(row)) {
      add([row]);
      return true;
    }
    const isAnswered = isNotThere(row) || isRefusal(row) || (listsAreRead && lacksRight(row));
    if (!isAnswered) problem ??= problemOf(row);
    return isAnswered;
  }

  const startedAtMs = clock();
  if (type === COMPANIES.name) {
    const isRead = await readList(wanted, () => lists.companies(rest, true));
    const scan = isRead ? { startedAtMs, size: records.size } : undefined;
    const hinted = await inParallel(wanted, SIDE_BY_SIDE, (each) => readHint(each, isRead));
    return { records: [...records.values()], exhaustive: hinted.map((each) => isRead && each), scan, problem };
  }
  const listed = new Set<string>();
  const groups = Object.entries(groupBy(wanted.filter(isListed), "parentId"));
  await inParallel(groups, SIDE_BY_SIDE, async ([id, some]) => {
    const isRead = await readList(some, (isFresh) => lists.participants(rest, id, isFresh), id);
    if (isRead) listed.add(id);
  });
  const hinted = await inParallel(wanted, SIDE_BY_SIDE, (each) => readHint(each, listed.has(each.parentId ?? "")));
  const exhaustive = wanted.map((each, index) => {
    const isRead = !isListed(each) || listed.has(each.parentId ?? "");
    return isRead && hinted[index] === true;
  });
  return { records: [...records.values()], exhaustive, problem };
}

const isListed = ({ parentId, keys }: Wanted): boolean => parentId !== undefined && Object.keys(keys).length > 0;

function isMatched(
  records: ReadonlyMap<string, RemoteRecord>,
  keys: Wanted["keys"],
  parentId: string | undefined,
): boolean {
  return [...records.values()].some(
    (record) =>
      record.parentId === parentId && Object.entries(keys).some(([name, value]) => record.keys[name] === value),
  );
}

/**
 * Reads known records, and takes the others of a list along. An employee who became a dependent is read as well, without
 * keys: nobody is matched with them, and no write goes through.
 */
export async function read(
  { rest, lists }: Reading,
  type: string,
  known: readonly Known[],
  fields: readonly string[],
): Promise<ReadBack> {
  const records = new Map<string, RemoteRecord>();
  const gone: string[] = [];
  let problem: Problem | undefined;
  const ids = new Set(known.map(({ id }) => id));
  const ofCompanies = type === COMPANIES.name;
  const groups = ofCompanies
    ? { all: known }
    : groupBy(
        known.filter(({ parentId }) => parentId !== undefined),
        "parentId",
      );
  await inParallel(Object.entries(groups), SIDE_BY_SIDE, async ([id, some]) => {
    if (some.length <= FEW || problem !== undefined) return;
    const list = () => (ofCompanies ? lists.companies(rest, true) : lists.participants(rest, id, true));
    const rows = await attempt(list);
    // The company may be gone, or the list be refused: each is read by itself then.
    if (isFailed(rows)) problem ??= isNotThere(rows) ? undefined : problemOf(rows);
    else {
      for (const row of rows) {
        if (!ofCompanies && !isEmployee(row) && !ids.has(idOf(row))) continue;
        records.set(idOf(row), remoteRecord(type, row, fields, ofCompanies ? undefined : id));
      }
    }
  });
  await inParallel(known, SIDE_BY_SIDE, async ({ id }) => {
    if (records.has(id) || problem !== undefined) return;
    const row = await attempt(() => recordsOf(rest, type).read(id));
    if (!isFailed(row)) records.set(id, remoteRecord(type, row, fields));
    else if (isNotThere(row)) gone.push(id);
    else problem ??= problemOf(row);
  });
  return { records: [...records.values()], gone, problem };
}

export function recordsOf({ companies, participants }: Rest, type: string): Rest["companies"] | Rest["participants"] {
  return type === COMPANIES.name ? companies : participants;
}

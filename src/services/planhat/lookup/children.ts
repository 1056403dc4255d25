/**
 * Finding children of companies: endusers, licenses. Neither external id nor e-mail is unique, so the list of the
 * company decides first, then the e-mail filter for those who may have moved; a scan of everybody replaces both where
 * it costs fewer calls.
 */
import type { Clock } from "../../../http/time";
import { isAlike, withoutBlanks } from "../../../record";
import type { FindKnowledge, Found, Problem, Wanted } from "../../connection";
import type { RemoteRecord } from "../../model";
import { textOf } from "../../mapping/attributes";
import { problemOf } from "../api/failure";
import { keyMark } from "../write/body";
import { idGroups, readSingles } from "./lookup";
import type { Singles } from "./lookup";
import { typeSpec } from "../object-types";
import { readPages } from "../api/paging";
import type { Paged, PagingOrder } from "../api/paging";
import { idOf, remoteRecord, selectOf } from "./remote";
import type { Rest, Row } from "../api/rest";

/** Below this number of look-ups a scan of unknown length is not tried. */
const FEW = 3;
/** A scan inside a look-up is kept in memory: 200,000 endusers are about as many as that should hold. */
const MAX_SCAN_CALLS = 100;

/** A list call without its filter. */
type ListOrder = Pick<PagingOrder, "path" | "limit" | "query">;

interface State {
  readonly rows: Map<string, Row>;
  /** `company + kind + key` of every row, which shows who was found in which company. */
  readonly keys: Set<string>;
  /** Companies whose list was read to its end. */
  readonly listed: Set<string>;
  /** E-mail addresses that were looked up successfully. */
  readonly asked: Set<string>;
  scan?: { readonly startedAtMs: number; readonly size: number };
  problem?: Problem;
}

/** @param type endusers, or another type whose records belong to companies */
export async function findChildren(
  type: string,
  rest: Rest,
  wanted: readonly Wanted[],
  knowledge: FindKnowledge,
  clock: Clock,
): Promise<Found> {
  const { path, listLimit: limit } = typeSpec(type);
  const list: ListOrder = { path, limit, query: { select: selectOf(type, knowledge.fields) } };
  const state: State = { rows: new Map(), keys: new Set(), listed: new Set(), asked: new Set() };
  const { scanSize } = knowledge;
  const expected = scanSize === undefined ? undefined : Math.max(1, Math.ceil(scanSize / (limit - 1)));
  const scanCalls = expected === undefined || expected <= MAX_SCAN_CALLS ? expected : Infinity;

  const scan = async (maxCalls: number) => {
    const startedAtMs = clock();
    const paged = await readPages(rest, { ...list, maxCalls });
    absorb(state, paged);
    if (paged.complete) state.scan = { startedAtMs, size: paged.rows.size };
  };

  const groups = idGroups([...new Set(wanted.flatMap((each) => (hasKey(each) ? (each.parentId ?? []) : [])))]);
  if (scanCalls !== undefined && scanCalls < groups.length) await scan(MAX_SCAN_CALLS);
  else await listCompanies(rest, groups, list, state, clock);

  const emails = () => (state.problem === undefined && state.scan === undefined ? missingEmails(wanted, state) : []);
  const count = emails().length;
  if (scanCalls === undefined ? count > FEW : scanCalls < count)
    await scan(Math.min(MAX_SCAN_CALLS, scanCalls === undefined ? count - 1 : Infinity));
  await askForEmails(rest, emails(), list, state, clock);

  const hinted = wanted.filter((each) => each.hintId !== undefined && !isMatched(each, state));
  const unknownHints = hinted.flatMap((each) => each.hintId ?? []).filter((id) => !state.rows.has(id));
  const hints: Singles =
    state.problem === undefined
      ? await readSingles(rest, path, unknownHints)
      : { rows: [], gone: [], unread: unknownHints };
  for (const row of hints.rows) state.rows.set(row._id, row);

  const problem = state.problem ?? hints.problem;
  return {
    records: [...state.rows.values()].map((row): RemoteRecord => remoteRecord(type, row, knowledge.fields)),
    exhaustive: wanted.map((each) => isExhausted(each, state) && !hints.unread.includes(each.hintId ?? "")),
    ...(state.scan !== undefined && { scan: state.scan }),
    ...(problem !== undefined && { problem }),
  };
}

/**
 * Lists of endusers by company. A row of another company shows that the filter was ignored: then the rows are a scan
 * of everybody, and it is read to its end.
 */
async function listCompanies(
  rest: Rest,
  groups: readonly (readonly string[])[],
  list: ListOrder,
  state: State,
  clock: Clock,
): Promise<void> {
  for (const group of groups) {
    const startedAtMs = clock();
    const paged = await readPages(rest, { ...list, query: { ...list.query, companyId: group.join(",") } });
    absorb(state, paged);
    if (paged.error !== undefined) return;
    if ([...paged.rows.values()].some((row) => !group.includes(idOf(row["companyId"]) ?? ""))) {
      if (paged.complete) state.scan = { startedAtMs, size: paged.rows.size };
      return;
    }
    if (paged.complete) for (const companyId of group) state.listed.add(companyId);
  }
}

/** One call per address. A row with another address shows that the filter was ignored, so that nothing is proven. */
async function askForEmails(
  rest: Rest,
  emails: readonly string[],
  list: ListOrder,
  state: State,
  clock: Clock,
): Promise<void> {
  for (const email of emails) {
    const startedAtMs = clock();
    const paged = await readPages(rest, { ...list, query: { ...list.query, email } });
    absorb(state, paged);
    if (paged.error !== undefined) return;
    if ([...paged.rows.values()].some((row) => !sameEmail(row["email"], email))) {
      if (paged.complete) state.scan = { startedAtMs, size: paged.rows.size };
      return;
    }
    if (paged.complete) state.asked.add(email);
  }
}

function missingEmails(wanted: readonly Wanted[], state: State): readonly string[] {
  const emails = wanted.filter((each) => !isMatched(each, state)).flatMap(({ keys }) => formsOf(keys["email"]));
  return [...new Set(emails)].filter((email) => !state.asked.has(email));
}

function absorb(state: State, paged: Paged): void {
  for (const row of paged.rows.values()) {
    const companyId = idOf(row["companyId"]) ?? "";
    state.rows.set(row._id, row);
    state.keys.add(placed(companyId, "externalId", row["externalId"])).add(placed(companyId, "email", row["email"]));
  }
  if (paged.error !== undefined) state.problem ??= problemOf(paged.error);
}

/** A difference only in case or blanks around the address does not make a second person. */
function placed(companyId: string, key: "externalId" | "email", shown: unknown): string {
  const value = textOf(shown);
  return value === undefined ? "" : `${companyId} ${keyMark(key, value)}`;
}

/** Found in its own company: then no other record can be meant. */
function isMatched({ parentId, keys }: Wanted, state: State): boolean {
  if (parentId === undefined) return false;
  const places = [placed(parentId, "externalId", keys["externalId"]), placed(parentId, "email", keys["email"])];
  return places.some((place) => place !== "" && state.keys.has(place));
}

function isExhausted(wanted: Wanted, state: State): boolean {
  if (state.scan !== undefined || !hasKey(wanted)) return true;
  const listed = wanted.parentId === undefined || state.listed.has(wanted.parentId);
  if (!listed) return false;
  return isMatched(wanted, state) || formsOf(wanted.keys["email"]).every((email) => state.asked.has(email));
}

/** The filter compares exactly, and Planhat may have the address without the blanks that Hull has around it. */
function formsOf(email: string | undefined): readonly string[] {
  return email === undefined ? [] : [...new Set([email, withoutBlanks(email)])];
}

function hasKey(wanted: Wanted): boolean {
  return wanted.keys["externalId"] !== undefined || wanted.keys["email"] !== undefined;
}

function sameEmail(value: unknown, email: string): boolean {
  return typeof value === "string" && isAlike(value, email);
}

/**
 * Finding children of companies: endusers, licenses. Neither external id nor e-mail is unique, so the list of the
 * company decides first, then the e-mail filter for those who may have moved; a scan of everybody replaces both where
 * it costs fewer calls.
 */
import type { Query } from "../../../http/route";
import type { Clock } from "../../../http/time";
import { isAlike, withoutBlanks } from "../../../record";
import type { FindKnowledge, Found, Problem, Wanted } from "../../connection";
import { textOf } from "../../mapping/attributes";
import { problemOf } from "../api/failure";
import { idGroups, readSingles } from "./lookup";
import { keyMark, typeSpec } from "../object-types";
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
  /** Companies, and e-mail addresses, of which everybody was read. */
  readonly answered: Set<string>;
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
  const state: State = { rows: new Map(), keys: new Set(), answered: new Set() };
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
  else await askEach(rest, groups.map(inCompanies), list, state, clock);

  const emails = () => (state.problem === undefined && state.scan === undefined ? missingEmails(wanted, state) : []);
  const count = emails().length;
  if (scanCalls === undefined ? count > FEW : scanCalls < count)
    await scan(Math.min(MAX_SCAN_CALLS, scanCalls === undefined ? count - 1 : Infinity));
  await askEach(rest, emails().map(withEmail), list, state, clock);

  const hinted = wanted.filter((each) => each.hintId !== undefined && !isMatched(each, state));
  const unknownHints = hinted.flatMap((each) => each.hintId ?? []).filter((id) => !state.rows.has(id));
  const hints = await readSingles(rest, path, unknownHints, state.problem);
  for (const row of hints.rows) state.rows.set(row._id, row);

  return {
    records: [...state.rows.values()].map((row) => remoteRecord(type, row, knowledge.fields)),
    exhaustive: wanted.map((each) => isExhausted(each, state) && !hints.unread.includes(each.hintId ?? "")),
    scan: state.scan,
    problem: hints.problem,
  };
}

/** A filter of the list, and what it asks about. */
interface Question {
  readonly filter: Query;
  readonly about: readonly string[];
  readonly fits: (row: Row) => boolean;
}

const inCompanies = (ids: readonly string[]): Question => ({
  filter: { companyId: ids.join(",") },
  about: ids,
  fits: (row) => ids.includes(idOf(row["companyId"]) ?? ""),
});

const withEmail = (email: string): Question => ({
  filter: { email },
  about: [email],
  fits: ({ email: shown }) => typeof shown === "string" && isAlike(shown, email),
});

/**
 * A row that does not fit shows that the filter was ignored: then the rows are a scan of everybody, which is read to its
 * end.
 */
async function askEach(
  rest: Rest,
  questions: readonly Question[],
  list: ListOrder,
  state: State,
  clock: Clock,
): Promise<void> {
  for (const { filter, about, fits } of questions) {
    const startedAtMs = clock();
    const paged = await readPages(rest, { ...list, query: { ...list.query, ...filter } });
    absorb(state, paged);
    if (paged.error !== undefined) return;
    if (![...paged.rows.values()].every(fits)) {
      if (paged.complete) state.scan = { startedAtMs, size: paged.rows.size };
      return;
    }
    if (paged.complete) for (const each of about) state.answered.add(each);
  }
}

function missingEmails(wanted: readonly Wanted[], state: State): readonly string[] {
  const emails = wanted.filter((each) => !isMatched(each, state)).flatMap(({ keys }) => formsOf(keys["email"]));
  return [...new Set(emails)].filter((email) => !state.answered.has(email));
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
  const listed = wanted.parentId === undefined || state.answered.has(wanted.parentId);
  if (!listed) return false;
  return isMatched(wanted, state) || formsOf(wanted.keys["email"]).every((email) => state.answered.has(email));
}

/** The filter compares exactly, and Planhat may have the address without the blanks that Hull has around it. */
function formsOf(email: string | undefined): readonly string[] {
  return email === undefined ? [] : [...new Set([email, withoutBlanks(email)])];
}

function hasKey(wanted: Wanted): boolean {
  return wanted.keys["externalId"] !== undefined || wanted.keys["email"] !== undefined;
}

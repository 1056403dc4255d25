/** Reads and removes what became of records; written at the end of each commit, see `tables/counts.ts`. */
import sortedUniq from "lodash/sortedUniq";
import uniq from "lodash/uniq";
import type { Database, Key } from "../database/rows";
import { HISTORY_PLACE, type HistoryLine, type HistoryPage, type HistoryQuery } from "../port/figures";
import type { RecordName } from "../port/rows";
import { sumsOf } from "../tables/counts";
import { HISTORY, TALLY } from "../tables/tables";
import { commit, removeRows, type Reader, type View } from "../tables/view";
import { firstRow, type HistoryRow, type StoredLine } from "./row";

/** What one page looks at: where few lines are wanted, it ends early and says where to go on. */
const MOST_ROWS = 300;
const MOST_LINES = 10_000;
/** Rows of one commit, of up to 500 lines each. */
const SLICE = 200;

export function historyPage(view: Reader, query: HistoryQuery): HistoryPage {
  const { tenant, fromMs, untilMs, limit } = query;
  const [, row = "", done = "0"] = HISTORY_PLACE.exec(query.after ?? "") ?? [];
  // The row where the page before ended is looked at again.
  const first = Math.max(
    row === "" ? -Infinity : -Number(row),
    untilMs === undefined ? -Infinity : 1 - firstRow(untilMs),
  );
  const optionsFor = (...prefix: Key) => ({
    after: first === -Infinity ? undefined : [...prefix, first - 1],
    end: fromMs === undefined ? undefined : [...prefix, 1 - firstRow(fromMs)],
    limit: MOST_ROWS + 1,
  });
  const names = namesOf(view, query);
  const keys =
    names === undefined
      ? view.keys(HISTORY, [tenant], optionsFor(tenant))
      : merged(names.map((name) => view.places(HISTORY, "reasons", [tenant, name], optionsFor(tenant, name))));
  const lines: HistoryLine[] = [];
  let [rows, seen] = [0, 0];
  for (const key of keys) {
    const number = -Number(key.at(-1));
    if (rows === MOST_ROWS || seen > MOST_LINES) return { lines, next: `${number}.0` };
    const all = view.get(HISTORY, [tenant, -number])?.lines ?? [];
    rows += 1;
    seen += all.length;
    const skipped = String(number) === row ? Number(done) : 0;
    for (let index = skipped; index < all.length; index += 1) {
      const line = all[all.length - 1 - index];
      if (line === undefined || !isWanted(line, query)) continue;
      if (lines.length === limit) return { lines, next: `${number}.${index}` };
      lines.push(shown(line));
    }
  }
  return { lines };
}

/** Reasons that are asked for, as they were counted; undefined: all. */
function namesOf(view: Reader, { tenant, type, outcome, code }: HistoryQuery): readonly string[] | undefined {
  const asked = [type, outcome, code];
  if (asked.every((part) => part === undefined)) return undefined;
  if (asked.every((part) => part !== undefined)) return [asked.join("/")];
  const counted = (["outcomes", "derived"] as const).flatMap((family) =>
    Object.keys(sumsOf(view, TALLY, tenant, family)),
  );
  return uniq(counted).filter((name) => {
    const [ofType = "", ofOutcome = "", ...rest] = name.split("/");
    const parts = [ofType, ofOutcome, rest.join("/")];
    return asked.every((part, index) => part === undefined || part === parts[index]);
  });
}

/** Rows of several walks, each once and in order; as many as one walk may have. */
function merged(walks: readonly Iterable<Key>[]): readonly Key[] {
  const numbers = walks.flatMap((walk) => [...walk].map((place) => Number(place.at(-1))));
  return sortedUniq(numbers.sort((left, right) => left - right))
    .slice(0, MOST_ROWS + 1)
    .map((number) => [number]);
}

function isWanted({ type, ending }: StoredLine, query: HistoryQuery): boolean {
  if (ending === undefined) return false;
  const { type: asked = type, outcome = ending.outcome, code = ending.code, run = ending.run } = query;
  return asked === type && outcome === ending.outcome && code === ending.code && run === ending.run;
}

/** @param trail number of the row with the newest line */
export function timelineOf(
  view: Reader,
  tenant: string,
  { type, hullId }: RecordName,
  trail: number | undefined,
  limit: number,
): readonly HistoryLine[] {
  const lines: HistoryLine[] = [];
  let number = trail;
  // Rows that are too old are gone.
  while (number !== undefined && lines.length < limit) {
    const all: readonly StoredLine[] = view.get(HISTORY, [tenant, -number])?.lines ?? [];
    const own = all.filter((line) => line.type === type && line.hullId === hullId);
    lines.push(...own.toReversed().map(shown));
    const next: number | undefined = own[0]?.before;
    // Rows lead to earlier ones, or the walk would not end.
    number = next === number ? undefined : next;
  }
  return lines.slice(0, limit);
}

function shown({ before: _, ...line }: StoredLine): HistoryLine {
  return line;
}

/** Removes the lines about a record, which lead from one row to another. */
export async function forgetTrail(
  database: Database,
  tenant: string,
  { type, hullId }: RecordName,
  trail: number,
): Promise<void> {
  let number: number | undefined = trail;
  while (number !== undefined) {
    const from: number = number;
    number = await commit(database, (view) => {
      let next: number | undefined = from;
      for (let rows = 0; rows < SLICE && next !== undefined; rows += 1) {
        const key: Key = [tenant, -next];
        const row: HistoryRow | undefined = view.get(HISTORY, key);
        const isOwn = (line: StoredLine): boolean => line.type === type && line.hullId === hullId;
        const before: number | undefined = row?.lines.find(isOwn)?.before;
        if (row !== undefined) put(view, key, { ...row, lines: row.lines.filter((line) => !isOwn(line)) });
        next = before === next ? undefined : before;
      }
      return next;
    });
  }
}

function put(view: View, key: Key, row: HistoryRow): void {
  if (row.lines.length === 0) view.remove(HISTORY, key);
  else view.put(HISTORY, key, row);
}

/** Removes some rows of a tenant. @param beforeMs older ones; all, if absent @returns how many */
export const forgetHistory = (view: View, tenant: string, beforeMs?: number): number =>
  removeRows(view, HISTORY, [tenant], {
    after: beforeMs === undefined ? undefined : [tenant, -firstRow(beforeMs)],
    limit: SLICE,
  });

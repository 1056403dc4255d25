/** Reads and removes what became of records; written at the end of each commit, see `tables/counts.ts`. */
import chunk from "lodash/chunk";
import sortedUniq from "lodash/sortedUniq";
import uniq from "lodash/uniq";
import type { Database, Key } from "../database/rows";
import { HISTORY_PLACE, readOutcomeName, type HistoryLine, type HistoryPage, type HistoryQuery } from "../port/figures";
import type { RecordName } from "../port/rows";
import { sumsOf } from "../tables/counts";
import { HISTORY, TALLY } from "../tables/tables";
import { commit, read, removeRows, type Reader, type View } from "../tables/view";
import { firstRow, type StoredLine } from "./row";

/** What one page looks at: where few lines are wanted, it ends early and says where to go on. */
const [FEWEST_ROWS, MOST_ROWS] = [25, 300];
/** Rows have some lines each, and all rows of a page may have to be fetched before the first is read. */
const LINES_A_ROW = 4;
const MOST_LINES = 20_000;
/** Rows of one commit, of up to 500 lines each. */
const SLICE = 100;
/** Steps along a trail in one read: where rows are fetched, each step is a round trip, and begins the read anew. */
const STEPS = 10;

export function historyPage(view: Reader, query: HistoryQuery): HistoryPage {
  const { tenant, fromMs, untilMs, limit } = query;
  const mostRows = Math.min(MOST_ROWS, Math.max(FEWEST_ROWS, Math.ceil(limit / LINES_A_ROW)));
  const [, row = "", done = "0"] = HISTORY_PLACE.exec(query.after ?? "") ?? [];
  // The row where the page before ended is looked at again.
  const first = Math.max(
    row === "" ? -Infinity : -Number(row),
    untilMs === undefined ? -Infinity : 1 - firstRow(untilMs),
  );
  const optionsFor = (...prefix: Key) => ({
    after: first === -Infinity ? undefined : [...prefix, first - 1],
    end: fromMs === undefined ? undefined : [...prefix, 1 - firstRow(fromMs)],
    limit: mostRows + 1,
  });
  const names = namesOf(view, query);
  const keys =
    names === undefined
      ? view.keys(HISTORY, [tenant], optionsFor(tenant))
      : merged(
          names.map((name) => view.places(HISTORY, "reasons", [tenant, name], optionsFor(tenant, name))),
          mostRows + 1,
        );
  const lines: HistoryLine[] = [];
  let [rows, seen] = [0, 0];
  for (const key of keys) {
    const number = -Number(key.at(-1));
    if (rows === mostRows || seen > MOST_LINES) return { lines, next: `${number}.0` };
    const all = view.get(HISTORY, [tenant, -number])?.lines ?? [];
    rows += 1;
    seen += all.length;
    const skipped = String(number) === row ? Number(done) : 0;
    for (let index = skipped; index < all.length; index += 1) {
      const line = all[all.length - 1 - index];
      if (line === undefined || !isWanted(line, query)) continue;
      if (lines.length === limit) return { lines, next: `${number}.${index}` };
      lines.push(withSent(view, tenant, line));
    }
  }
  return { lines };
}

/** Reasons that are asked for, as they were counted; undefined: all. */
function namesOf(view: Reader, { tenant, type, outcome, code }: HistoryQuery): readonly string[] | undefined {
  if (type === undefined && outcome === undefined && code === undefined) return undefined;
  if (type !== undefined && outcome !== undefined && code !== undefined) return [`${type}/${outcome}/${code}`];
  const counted = (["outcomes", "derived"] as const).flatMap((family) =>
    Object.keys(sumsOf(view, TALLY, tenant, family)),
  );
  return uniq(counted).filter((name) => {
    const own = readOutcomeName(name);
    return (
      (type ?? own.type) === own.type && (outcome ?? own.outcome) === own.outcome && (code ?? own.code) === own.code
    );
  });
}

/** Rows of several walks, each once and in order; as many as one walk may have. */
function merged(walks: readonly Iterable<Key>[], most: number): readonly Key[] {
  const numbers = walks.flatMap((walk) => [...walk].map((place) => Number(place.at(-1))));
  return sortedUniq(numbers.sort((left, right) => left - right))
    .slice(0, most)
    .map((number) => [number]);
}

function isWanted({ type, ending }: StoredLine, query: HistoryQuery): boolean {
  if (ending === undefined) return false;
  const { type: asked = type, outcome = ending.outcome, code = ending.code, run = ending.run } = query;
  return asked === type && outcome === ending.outcome && code === ending.code && run === ending.run;
}

/** An outcome that waited for Hull has the fields that were sent before that. */
function withSent(view: Reader, tenant: string, line: StoredLine): HistoryLine {
  if (line.ending?.outcome !== "sent" || line.sent !== undefined || line.before === undefined) return shown(line);
  const earlier = linesIn(view, tenant, line.before, line).at(-1);
  return earlier === undefined || earlier.ending !== undefined ? shown(line) : { ...shown(line), sent: earlier.sent };
}

const shown = ({ before: _, ...line }: StoredLine): HistoryLine => line;

/** Lines of a row about one record. */
function linesIn(view: Reader, tenant: string, number: number, { type, hullId }: RecordName): readonly StoredLine[] {
  const all: readonly StoredLine[] = view.get(HISTORY, [tenant, -number])?.lines ?? [];
  return all.filter((line) => line.type === type && line.hullId === hullId);
}

/** Walks along a trail. @param visit is given each row's lines about the record, the newest row first; false: no further */
async function walkTrail(
  database: Database,
  tenant: string,
  record: RecordName,
  trail: number | undefined,
  visit: (lines: readonly StoredLine[], number: number) => boolean,
): Promise<void> {
  for (let number = trail; number !== undefined;) {
    const from: number = number;
    const steps = await read(database, (view) => {
      const found: { readonly number: number; readonly lines: readonly StoredLine[] }[] = [];
      for (let at: number | undefined = from; at !== undefined && found.length < STEPS;) {
        const lines = linesIn(view, tenant, at, record);
        found.push({ number: at, lines });
        // Rows that are too old are gone. A clock that was set back gives earlier rows higher numbers.
        at = lines[0]?.before;
      }
      return found;
    });
    if (!steps.every((step) => visit(step.lines, step.number))) return;
    number = steps.at(-1)?.lines[0]?.before;
  }
}

/** @param trail number of the row with the newest line */
export async function timelineOf(
  database: Database,
  tenant: string,
  record: RecordName,
  trail: number | undefined,
  limit: number,
): Promise<readonly HistoryLine[]> {
  const lines: HistoryLine[] = [];
  await walkTrail(database, tenant, record, trail, (own) => {
    lines.push(...own.toReversed().map(shown));
    return lines.length < limit;
  });
  return lines.slice(0, limit);
}

/** Removes the lines about a record, the oldest first: if interrupted, the trail still leads to what is left. */
export async function forgetTrail(
  database: Database,
  tenant: string,
  record: RecordName,
  trail: number,
): Promise<void> {
  const numbers: number[] = [];
  await walkTrail(database, tenant, record, trail, (_, number) => numbers.push(number) > 0);
  const isOwn = (line: StoredLine): boolean => line.type === record.type && line.hullId === record.hullId;
  for (const slice of chunk(numbers.reverse(), SLICE)) {
    await commit(database, (view) => {
      for (const number of slice) {
        const key = [tenant, -number];
        const row = view.get(HISTORY, key);
        const lines = row?.lines.filter((line) => !isOwn(line)) ?? [];
        if (row === undefined || lines.length === row.lines.length) continue;
        if (lines.length === 0) view.remove(HISTORY, key);
        else view.put(HISTORY, key, { ...row, lines });
      }
    });
  }
}

/** Rows of a tenant that are older. */
const olderThan = (tenant: string, beforeMs: number | undefined) => ({
  after: beforeMs === undefined ? undefined : [tenant, -firstRow(beforeMs)],
});

export const hasHistory = (view: Reader, tenant: string, beforeMs: number): boolean =>
  [...view.keys(HISTORY, [tenant], { ...olderThan(tenant, beforeMs), limit: 1 })].length > 0;

/** Removes some rows of a tenant. @param beforeMs older ones; all, if absent @returns how many */
export const forgetHistory = (view: View, tenant: string, beforeMs?: number): number =>
  removeRows(view, HISTORY, [tenant], { ...olderThan(tenant, beforeMs), limit: SLICE });

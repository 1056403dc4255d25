/**
 * One page of a list. Most of its rows are unchanged, so they are only counted; the others go to Hull in steps, several
 * at once, since each step spends most of its time waiting for Hull.
 */
import type { ListedRecord } from "../../services/connection";
import { parentsOn, sharedWithin, takeRows, type PageKnowledge, type StepContext } from "./step";
import { reason } from "../../outcome/outcome";
import type { Try } from "../rules/retry";

/** Rows that are told and stored together: as many as fit in one request to Hull. */
const STEP = 50;
/** Steps in progress at once. After a crash, this many may be told again. */
const ABREAST = 6;

export interface PageWork {
  /** Processes the rest of the page. Throws only when the store fails. */
  attempt(): Promise<Try<undefined>>;
}

/** @param readAtMs when the page was asked for, milliseconds since 1970 */
export async function openPage(
  context: StepContext,
  rows: readonly ListedRecord[],
  readAtMs: number,
): Promise<PageWork> {
  // A list that shifts may show a row twice.
  const { untouched, others } = await sorted(context, [...new Map(rows.map((row) => [row.id, row])).values()]);
  const { store, remote, type, run } = context;
  if (untouched.length > 0) {
    const { code } = reason("not_touched");
    await store.markSeen(remote, type.name, { readAtMs, run, ids: untouched, outcome: "unchanged", code });
  }
  const left = new Set<readonly ListedRecord[]>();
  for (let from = 0; from < others.length; from += STEP) left.add(others.slice(from, from + STEP));
  // For the whole page: an earlier try may have stored rows under other keys than the page shows.
  return workOn(context, left, readAtMs, sharedWithin(context, others));
}

/** @param left the remaining steps of a page; each is released when done, with everything derived from its rows */
function workOn(
  context: StepContext,
  left: Set<readonly ListedRecord[]>,
  readAtMs: number,
  twice: PageKnowledge["twice"],
): PageWork {
  return {
    attempt: async () => {
      const knowledge = { twice, parents: await parentsOn(context, [...left].flat()) };
      const before = left.size;
      const steps = left.values();
      const hindrances: Exclude<Try<undefined>, { kind: "done" }>[] = [];
      const work = async (): Promise<void> => {
        for (const step of steps) {
          // What keeps one step from Hull keeps the others from it, too.
          if (hindrances.length > 0) return;
          const result = await takeRows(context, step, readAtMs, knowledge);
          if (result.kind === "done") left.delete(step);
          else hindrances.push(result);
        }
      };
      await Promise.all(Array.from({ length: Math.min(ABREAST, left.size) }, work));
      const hindrance = hindrances.find(({ kind }) => kind === "failed") ?? hindrances[0];
      if (hindrance === undefined) return { kind: "done", value: undefined };
      // If Hull takes some items each time, that is progress, and the tries are counted anew.
      return hindrance.kind === "later" ? { ...hindrance, progressed: left.size < before } : hindrance;
    },
  };
}

/** Rows that did not change since the last fetch, and of which Hull knows everything, need no comparison. */
async function sorted(
  { store, remote, type, passBeforeMs, mapping, verbose }: StepContext,
  rows: readonly ListedRecord[],
): Promise<{ readonly untouched: readonly string[]; readonly others: readonly ListedRecord[] }> {
  // A report names the Hull entity that each record is linked to.
  if (passBeforeMs === undefined || verbose) return { untouched: [], others: rows };
  const ids = rows.map(({ id }) => id);
  const told = await store.toldUnder(remote, type.name, ids);
  const isUntouched = ({ updatedAtMs }: ListedRecord, index: number): boolean =>
    told[index] === mapping && updatedAtMs !== undefined && updatedAtMs < passBeforeMs;
  return {
    untouched: rows.flatMap((row, index) => (isUntouched(row, index) ? [row.id] : [])),
    others: rows.filter((row, index) => !isUntouched(row, index)),
  };
}

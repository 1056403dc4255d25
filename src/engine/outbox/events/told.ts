/** What happens when Hull was told: it confirmed, refused for good, or must be told again later. Pure. */
import pick from "lodash/pick";
import type { HullUpdateRow, Outcome, PendingHullUpdate, RecordDocument } from "../../../storage/port/rows";
import { foldedSince, unfolded } from "./settled";
import { hasArrived, ownOf, withOwn, type Change, type Moment } from "./document";

/**
 * Either way the record is done, unless more was written meanwhile.
 *
 * @param row what Hull was told
 * @returns undefined when nothing was waiting for Hull any more
 */
export function told(
  before: RecordDocument | undefined,
  row: HullUpdateRow,
  refused: Outcome | undefined,
  at: Moment,
): Change | undefined {
  const current = ownOf(before, at).hullUpdate;
  if (before === undefined || current === undefined) return undefined;
  const ended = row.outcomes.map((outcome): Outcome => {
    // What was refused or skipped was told of the rest, and stays what it is.
    if (refused === undefined || !hasArrived(outcome)) return outcome;
    return { ...outcome, ...pick(refused, "outcome", "code", "text", "atMs") };
  });
  const last = ended.at(-1);
  const document = refused === undefined ? { ...before, confirmedAtMs: at.nowMs } : before;
  const changes = { hullUpdate: leftOf(current, row), ...(last !== undefined && { last }) };
  return { document: withOwn(document, at, changes), ended, effects: [] };
}

/** Outcomes that were folded while Hull could not be told: how they count now. */
export function toldFolded(row: HullUpdateRow, refused: Outcome | undefined) {
  return unfolded(row).map((each) => {
    const { outcome, code } = refused !== undefined && hasArrived(each) ? refused : each;
    return { ...each, outcome, code };
  });
}

/** What was written again while Hull was being told waits for the next cycle. */
function leftOf(current: PendingHullUpdate, row: HullUpdateRow): PendingHullUpdate | undefined {
  if (current.seq === row.seq) return undefined;
  // Those that Hull was told of are counted now; what came since then is behind them, or was folded like them.
  const outcomes = current.outcomes.filter((each) => !row.outcomes.some((old) => isOne(old, each)));
  const folded = row.outcomes.filter((old) => !current.outcomes.some((each) => isOne(old, each)));
  return { ...current, outcomes, folded: foldedSince(current, row, folded), notBeforeMs: 0, attempts: 0 };
}

const isOne = (left: Outcome, right: Outcome): boolean =>
  left.messageId === right.messageId && left.atMs === right.atMs && left.code === right.code;

/** Tried again then. @param attempts how often it was tried in vain */
export function deferred(
  before: RecordDocument | undefined,
  notBeforeMs: number,
  attempts: number,
  at: Moment,
): RecordDocument | undefined {
  const { hullUpdate } = ownOf(before, at);
  if (before === undefined || hullUpdate === undefined) return before;
  return withOwn(before, at, { hullUpdate: { ...hullUpdate, notBeforeMs, attempts } });
}

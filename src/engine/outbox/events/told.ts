/** What happens when Hull was told: it confirmed, refused for good, or must be told again later. Pure. */
import pick from "lodash/pick";
import pickBy from "lodash/pickBy";
import type { Outcome, PendingHullUpdate, RecordDocument } from "../../../storage/port/rows";
import { addFolded, unfolded } from "./settled";
import { hasArrived, ownOf, withOwn, type Change, type Moment } from "./document";

/**
 * Either way the record is done, unless more was written meanwhile.
 *
 * @param row what Hull was told
 * @returns undefined when nothing of it was waiting for Hull any more
 */
export function told(
  before: RecordDocument | undefined,
  row: PendingHullUpdate,
  refused: Outcome | undefined,
  at: Moment,
): Change | undefined {
  const current = ownOf(before, at).hullUpdate;
  if (before === undefined || current === undefined) return undefined;
  const left = leftOf(current, row);
  if (left === "other") return undefined;
  const ended = row.outcomes.map((outcome): Outcome => {
    // What was refused or skipped was told of the rest, and stays what it is.
    if (refused === undefined || !hasArrived(outcome)) return outcome;
    return { ...outcome, ...pick(refused, "outcome", "code", "text", "atMs") };
  });
  const last = ended.at(-1);
  const document = refused === undefined ? { ...before, confirmedAtMs: at.nowMs } : before;
  const changes = last === undefined ? { hullUpdate: left } : { hullUpdate: left, last };
  return { document: withOwn(document, at, changes), ended };
}

/** Outcomes that were folded while Hull could not be told: how they count now. */
export function toldFolded(row: PendingHullUpdate, refused: Outcome | undefined) {
  return unfolded(row).map((each) => {
    const { outcome, code } = refused !== undefined && hasArrived(each) ? refused : each;
    return { ...each, outcome, code };
  });
}

/**
 * What was written again while Hull was being told waits for the next cycle: the outcomes that Hull was told of are
 * counted now, those that came since then are not.
 *
 * @returns `other` if what Hull was told of has ended otherwise: the entity was erased, and is written anew
 */
function leftOf(current: PendingHullUpdate, row: PendingHullUpdate): PendingHullUpdate | undefined | "other" {
  if (current.seq === row.seq) return undefined;
  // New ones come at the end, and the oldest are folded: those that Hull was told of come first, as far as they are here.
  const here = overlap(row.outcomes, current.outcomes);
  const gone = row.outcomes.slice(0, row.outcomes.length - here);
  const counts: Record<string, number> = { ...addFolded(current.folded, gone, -1) };
  for (const [name, times] of Object.entries(row.folded ?? {})) counts[name] = (counts[name] ?? 0) - times;
  if (Object.values(counts).some((times) => times < 0)) return "other";
  const left = pickBy(counts, (times) => times > 0);
  const folded = Object.keys(left).length === 0 ? undefined : left;
  return { ...current, outcomes: current.outcomes.slice(here), folded, notBeforeMs: 0, attempts: 0 };
}

/** How many of the first ones of a list are the last ones of an older one. */
function overlap(older: readonly Outcome[], newer: readonly Outcome[]): number {
  let many = Math.min(older.length, newer.length);
  const isAt = (from: number): boolean => older.slice(from).every((each, index) => isOne(each, newer[index]));
  while (many > 0 && !isAt(older.length - many)) many -= 1;
  return many;
}

function isOne(left: Outcome, right: Outcome | undefined): boolean {
  return left.messageId === right?.messageId && left.atMs === right.atMs && left.code === right.code;
}

/** Tried again then. @param attempts how often it was tried in vain */
export function deferred(before: RecordDocument, notBeforeMs: number, attempts: number, at: Moment): RecordDocument {
  const { hullUpdate } = ownOf(before, at);
  if (hullUpdate === undefined) return before;
  return withOwn(before, at, { hullUpdate: { ...hullUpdate, notBeforeMs, attempts } });
}

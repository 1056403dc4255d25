/** What the service is known to hold: as it was read, as a delivery left it, and as Hull confirmed it. Pure. */
import pickBy from "lodash/pickBy";
import type { Fact, MirrorRow } from "../../../storage/port/rows";
import type { FetchedRow, MirrorPatch, Observation } from "../../../storage/port/store";

const UNKNOWN: Fact = [null, null, null];

type NewFact = MirrorPatch["facts"][string];

/**
 * A row as one connector knows it: `sent` is what it sent itself. In a stored fact, `sent` is that of the remote's first
 * connector, and what the others sent comes at the end, so that a remote with one connector pays nothing.
 *
 * @param place the connector's number; undefined: it never sent anything
 */
export function seenFrom(place: string | undefined, row: MirrorRow): MirrorRow {
  if (place === "0") return row;
  const facts: Record<string, Fact> = {};
  for (const [field, [remote, , confirmed, ...others]] of Object.entries(row.facts)) {
    facts[field] = [remote, others[Number(place ?? NaN) - 1] ?? null, confirmed];
  }
  return { ...row, facts };
}

/** A fact after a delivery; absent parts stay. */
function factSent(before: Fact = UNKNOWN, place: number, { remote: there, sent, confirmed: shown }: NewFact): Fact {
  if (place === 0 && before.length === 3) return [there ?? before[0], sent ?? before[1], shown ?? before[2]];
  const [remote, first, known, ...others] = before;
  const confirmed = shown ?? known;
  if (place === 0) return [there ?? remote, sent ?? first, confirmed, ...others];
  if (sent !== undefined) {
    while (others.length < place) others.push(null);
    others[place - 1] = sent;
  }
  return [there ?? remote, first, confirmed, ...others];
}

function factRead(before: Fact = UNKNOWN, there: string | null): Fact {
  // A fetch makes many millions of them, nearly all without others.
  if (before.length === 3) return [there, before[1], before[2]];
  const [, sent, confirmed, ...others] = before;
  return [there, sent, confirmed, ...others];
}

function factConfirmed(before: Fact = UNKNOWN, confirmed: string | null): Fact {
  if (before.length === 3) return [before[0], before[1], confirmed];
  const [remote, sent, , ...others] = before;
  return [remote, sent, confirmed, ...others];
}

/** The row after a delivery by the connector with this number, or a comparison that found everything equal. */
export function patched(
  stored: MirrorRow | undefined,
  patch: MirrorPatch,
  hullId: string,
  { number, generation }: { readonly number: string; readonly generation: number },
): MirrorRow {
  const before = patch.fresh ? undefined : stored;
  const keys = { ...before?.keys, ...patch.keys };
  const facts: Record<string, Fact> = { ...before?.facts };
  const place = Number(number);
  for (const field in patch.facts) facts[field] = factSent(facts[field], place, patch.facts[field] ?? {});
  return {
    ...before,
    id: patch.id,
    generation,
    keys: Object.values(keys).includes("") ? pickBy(keys, (value) => value !== "") : keys,
    parentId: patch.parentId ?? before?.parentId,
    linkedTo: hullId,
    facts,
    complete: patch.fresh || (before?.complete ?? false),
    archived: patch.archived === true ? true : undefined,
    writtenAtMs: patch.writtenAtMs ?? before?.writtenAtMs,
    missing: undefined,
  };
}

/** A record that would match by a lost key is another one now. */
export function hasLostKey(before: MirrorRow | undefined, after: MirrorRow): boolean {
  return Object.entries(before?.keys ?? {}).some(([name, value]) => after.keys[name] !== value);
}

/** The row of a record that was read. What we wrote after the reading began is newer than what was read. */
export function observed(
  generation: number,
  before: MirrorRow | undefined,
  seen: Observation,
  readAtMs: number,
  settleMs: number,
): MirrorRow {
  const facts: Record<string, Fact> = { ...before?.facts };
  const isOld = before?.writtenAtMs !== undefined && before.writtenAtMs > readAtMs - settleMs;
  for (const field of Object.keys(seen.facts)) {
    // What we wrote is newer; fields without facts were not written by us.
    if (isOld && (facts[field]?.[0] ?? null) !== null) continue;
    facts[field] = factRead(facts[field], seen.facts[field] ?? null);
  }
  if (isOld) return { ...before, facts, seenAtMs: readAtMs };
  return {
    ...before,
    id: seen.id,
    generation,
    keys: seen.keys,
    parentId: seen.parentId ?? before?.parentId,
    facts,
    complete: seen.complete || (before?.complete ?? false),
    archived: seen.archived ? true : undefined,
    createdAtMs: seen.createdAtMs ?? before?.createdAtMs,
    seenAtMs: readAtMs,
    missing: undefined,
  };
}

/** Hull confirmed these facts. */
export function confirmed(row: MirrorRow, facts: Readonly<Record<string, string>>): MirrorRow {
  const merged: Record<string, Fact> = { ...row.facts };
  for (const field in facts) merged[field] = factConfirmed(merged[field], facts[field] ?? null);
  return { ...row, facts: merged };
}

/** A listed record, and what Hull knows of it now. Undefined: Hull may not know everything. */
export function listed(row: MirrorRow, known: FetchedRow["confirmed"]): MirrorRow {
  if (known === undefined) return row;
  return { ...confirmed(row, known.facts), confirmedRest: known.rest, confirmedUnder: known.mapping };
}

/** A complete scan did not show it: neither a hit any more nor proof of absence; it is compared again when it is back. */
export const missing = (row: MirrorRow): MirrorRow => ({
  ...row,
  missing: true,
  complete: false,
  confirmedUnder: undefined,
});

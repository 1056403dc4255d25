/** Content that waits: how a newer one takes the place of an older one, and what stays of that. Pure. */
import { MAX_AHEAD_MS } from "../../../instant";
import type { Content, Entry, RecordDocument } from "../../../storage/port/rows";

/** Version of the newest message; a date that was believed once and cannot be right is older than anything. */
export function versionOf(newest: Pick<RecordDocument, "version"> | undefined, nowMs: number): number {
  return newest === undefined || newest.version > nowMs + MAX_AHEAD_MS ? 0 : newest.version;
}

/**
 * The newest state wins; what must be kept of the older one is that it was forced or replayed, what was cleared, and
 * that the entity leaves, unless it is back.
 */
export function mergeContent(older: Content | undefined, newer: Content): Content {
  if (older === undefined || older.derived) return newer;
  const stillNull = older.desired.cleared.filter((field) => newer.desired.fields[field] === null);
  const cleared = [...new Set([...newer.desired.cleared, ...stillNull])];
  const { leaves, state, stateFields } = older.desired;
  const stillLeaves = leaves === true && newer.desired.outside === true;
  const departure = stillLeaves ? { leaves, state, stateFields: { ...stateFields, ...newer.desired.stateFields } } : {};
  return {
    ...newer,
    force: newer.force || older.force,
    replay: newer.replay ?? older.replay,
    desired: { ...newer.desired, ...departure, cleared },
  };
}

/**
 * A new message with the old content. It is not counted in its run again, and delivered from its first step on; the trace of
 * the old one ended with it.
 *
 * @param run in which it is counted
 */
export function again(
  { run: _, earlier: _steps, trace: _trace, ...content }: Content,
  seq: number,
  run?: string,
): Content {
  return { ...content, seq, counted: true, replay: true, run };
}

/** An entry that is due at once. */
export function newEntry(content: Content, acceptedAtMs: number, notBeforeMs = 0): Entry {
  return { acceptedAtMs, content, notBeforeMs, attempts: 0 };
}

/** The entry of a record with new content: what stopped the old content does not stop this. */
export function queued(
  entry: Entry | undefined,
  content: Content,
  document: Pick<RecordDocument, "unconfirmed" | "own"> | undefined,
  nowMs: number,
): Entry {
  const isOpen = document?.unconfirmed !== undefined;
  // A create of this record is unconfirmed: it is looked for before it is tried again, and not before its time.
  if (entry === undefined) return newEntry(content, nowMs, isOpen ? lookAtMs(document, nowMs) : 0);
  // Nothing that Hull says makes the answer come sooner; and what is in flight stays where a recovery, which goes through
  // the queue page by page, still comes to it.
  const notBeforeMs = isOpen || entry.attempt !== undefined ? entry.notBeforeMs : 0;
  return { ...entry, blockedOn: undefined, withdrawn: undefined, problem: undefined, content, notBeforeMs };
}

/** When another connector, whose create it was, looks for it. */
function lookAtMs({ own }: Pick<RecordDocument, "own">, nowMs: number): number {
  return Math.max(nowMs, ...Object.values(own).map(({ entry }) => entry?.notBeforeMs ?? 0));
}

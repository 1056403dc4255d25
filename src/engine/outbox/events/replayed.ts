/** What ended is sent again: its content is taken in as a new message, unless something newer came meanwhile. Pure. */
import { outcomeOf, reason } from "../../../outcome/outcome";
import type { Content, Entry, Outcome, RecordDocument, Refused } from "../../../storage/port/rows";
import type { Replay } from "../../../storage/port/store";
import { again, mergeContent, queued, versionOf } from "./content";
import { ownOf, unseen, withOwn, type Change, type Moment } from "./document";

export interface Replayed extends Change {
  readonly state: Replay["state"];
  /** It counts as a message, or as made for its children. */
  readonly counts?: "messages" | "derived";
}

/**
 * @param isAlone whether the remote has one connector only
 * @param run in which the new message is counted
 */
export function replayed(
  document: RecordDocument,
  { content, ending }: Refused,
  isAlone: boolean,
  at: Moment,
  run?: string,
): Replayed {
  const { entry, last } = ownOf(document, at);
  const unchanged = { document };
  // Whoever left is still to be ended: messages that a filter skipped since then say nothing else.
  const isStillGone = content.desired.leaves === true && last?.outcome === "skipped";
  const isOutdated = !isStillGone && isNewer(document, content, isAlone, at);
  if (!isOutdated && isUnderway(entry, content)) return { ...unchanged, state: "underway" };
  const end = (of: Content) => outcomeOf(of, "superseded", reason("newer_message", document.messageId), at.nowMs);
  const counts = content.derived ? "derived" : "messages";
  if (isOutdated) {
    const closed = withOwn(document, at, { deadLetter: undefined });
    return { ...unchanged, document: closed, ended: [end(again(content, 0, run))], state: "superseded", counts };
  }
  const replaced = entry?.content;
  return {
    document: takenIn(decided(document, ending), content, 0, at, run),
    ended: replaced === undefined ? [] : [end(replaced)],
    state: "queued",
    counts,
  };
}

/** Whether a lost create is in the service was left to a person, who has looked: from now on nobody wonders any more. */
export function decided(document: RecordDocument, { code }: Pick<Outcome, "code">): RecordDocument {
  return code === "unconfirmed" ? { ...document, unconfirmed: undefined } : document;
}

/** The same without a request: only if nothing newer came, and nothing of the record is in progress. */
export function retaken(
  before: RecordDocument | undefined,
  content: Content,
  isAlone: boolean,
  at: Moment,
): Replayed | undefined {
  const isOutdated = before !== undefined && before.messageId !== "" && isNewer(before, content, isAlone, at);
  if (isOutdated || ownOf(before, at).entry !== undefined) return undefined;
  const { version, derived, messageId } = content;
  const known = before ?? { ...unseen(), version, messageId: derived ? "" : messageId };
  return {
    // Due after the linked entity's record: that one goes first, if both are looked for now.
    document: takenIn(known, content, at.nowMs, at),
    state: "queued",
    counts: derived ? "derived" : "messages",
  };
}

function takenIn(
  document: RecordDocument,
  content: Content,
  notBeforeMs: number,
  at: Moment,
  run?: string,
): RecordDocument {
  const { entry } = ownOf(document, at);
  const row = queued(entry, mergeContent(entry?.content, again(content, at.nextSeq(), run)), document, at.nowMs);
  return withOwn(document, at, {
    same: undefined,
    entry: { ...row, notBeforeMs: Math.max(row.notBeforeMs, notBeforeMs) },
  });
}

/** A derived record updates nothing, so it is never old. */
function isNewer(newest: RecordDocument, content: Content, isAlone: boolean, at: Moment): boolean {
  if (content.derived) return false;
  const version = versionOf(newest, at.nowMs);
  if (version !== content.version || newest.messageId === content.messageId) return version > content.version;
  // Of two messages with one version the later one was remembered; several connectors are told of one change each.
  return isAlone;
}

/** The same content waits or is in flight already; for a derived record anything about it counts. */
function isUnderway(entry: Entry | undefined, content: Content): boolean {
  return [entry?.content, entry?.attempt?.content].some(
    (each) => each !== undefined && (content.derived || (!each.derived && each.messageId === content.messageId)),
  );
}

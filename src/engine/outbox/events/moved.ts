/** What waits moves along with a connector that points to another remote. Pure. */
import { outcomeOf, reason } from "../../../outcome/outcome";
import type { Content, Entry, Outcome, RecordDocument, UnconfirmedCreate } from "../../../storage/port/rows";
import { mergeContent, newEntry, queued } from "./content";
import { ownOf, unseen, withOwn, type Moment } from "./document";

export interface Moved {
  readonly from: RecordDocument;
  readonly to: RecordDocument | undefined;
  readonly ended: readonly Outcome[];
}

/** Links, unconfirmed creates and attempts belong to the old remote and stay. @param there what the new one has of it */
export function moved(from: RecordDocument, there: RecordDocument | undefined, at: Moment, atThere: Moment): Moved {
  const { entry } = ownOf(from, at);
  if (entry === undefined) return { from, to: there, ended: [] };
  const left = withOwn({ ...from, unconfirmed: openCreate(from, entry) }, at, { entry: undefined });
  const end = (content: Content): Outcome => outcomeOf(content, "superseded", reason("newer_message"), at.nowMs);
  const contents = [entry.attempt?.content, entry.content].filter((content) => content !== undefined);
  const isWithdrawn = entry.content === undefined && entry.withdrawn === true;
  const content = isWithdrawn ? undefined : contents.pop();
  const ended = contents.map(end);
  if (content === undefined) return { from: left, to: there, ended };
  const waiting = ownOf(there, atThere).entry;
  const seen = Math.max(there?.version ?? 0, waiting?.content?.version ?? 0);
  if (seen > content.version) return { from: left, to: there, ended: [...ended, end(content)] };
  if (waiting?.content !== undefined) ended.push(end(waiting.content));
  // What is in flight at the old remote is not this any more, should it come back.
  const next = { ...mergeContent(waiting?.content ?? contents[0], content), seq: atThere.nextSeq() };
  const acceptedAtMs = Math.min(entry.acceptedAtMs, waiting?.acceptedAtMs ?? Infinity);
  const known = withVersionOf(from, there);
  // A create that was lost there is looked for when it is time.
  const { notBeforeMs } = queued(waiting, next, known, atThere.nowMs);
  const to = withOwn(known, atThere, {
    same: undefined,
    entry: { ...newEntry(next, acceptedAtMs, notBeforeMs), attempt: waiting?.attempt },
  });
  return { from: left, to, ended };
}

/** Nobody will be there for the answer to a create that is in flight: whoever comes back looks for it. */
function openCreate({ unconfirmed }: RecordDocument, { attempt }: Entry): UnconfirmedCreate | undefined {
  if (unconfirmed !== undefined || attempt?.kind !== "create") return unconfirmed;
  return { sinceMs: attempt.startedAtMs, reads: 0 };
}

/** The newest version seen counts there too, so that an older message cannot come after it. */
function withVersionOf(from: RecordDocument, there: RecordDocument = unseen()): RecordDocument {
  if (there.version >= from.version && there.messageId !== "") return there;
  const { version, messageId, recent = there.recent, claims = there.claims } = from;
  return { ...there, version, messageId, recent, claims };
}

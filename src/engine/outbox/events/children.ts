/** What becomes of children when their parent has a remote id, or will never have one. Pure. */
import { outcomeOf, reason, type Reason } from "../../../outcome/outcome";
import type { Content, FanOut, RecordDocument } from "../../../storage/port/rows";
import type { ParentEntry } from "../../../storage/port/store";
import { indexedClaims } from "./claims";
import { queued } from "./content";
import { isRefused, ownOf, unseen, withOwn, type Change, type Moment } from "./document";
import { deadLetterAfter } from "./settled";

/** A child of a parent. @param parent as people are shown it: its type and Hull id */
export function childAfter(
  child: RecordDocument,
  what: FanOut,
  parent: string,
  deadLetterId: string,
  at: Moment,
): Change {
  const { entry } = ownOf(child, at);
  if (entry?.content === undefined) return { document: child };
  const isFreed = what.kind === "release" || (what.kind === "withdraw" && entry.content.once === true);
  if (isFreed) return { document: withOwn(child, at, { entry: { ...entry, blockedOn: undefined } }) };
  const words = `${parent}: ${what.text ?? ""}`;
  const why =
    what.kind === "withdraw" ? reason("parent_skipped", words) : reason(`parent_${what.cause ?? "dead"}`, words);
  return refused(child, why, deadLetterId, at);
}

/** It ends with its parent, and its own children end with it. */
function refused(child: RecordDocument, why: Reason, id: string, at: Moment): Change {
  const { entry, deadLetter } = ownOf(child, at);
  if (entry?.content === undefined) return { document: child };
  const { content, attempts } = entry;
  const ending = outcomeOf(content, "dead", why, at.nowMs);
  return {
    document: withOwn(child, at, {
      entry: undefined,
      last: ending,
      deadLetter: deadLetterAfter(deadLetter, { id, content, ending, attempts }),
    }),
    ended: [ending],
    effects: [{ kind: "children", what: { kind: "refuse", tenant: at.number, cause: "dead", text: ending.text } }],
  };
}

/**
 * A child waits for a record that nobody sent: the record is made of what the child carries, or the child ends with it
 * if it was refused already.
 *
 * @param content the child's
 */
export function parentMade(
  before: RecordDocument | undefined,
  content: Content,
  parent: ParentEntry,
  at: Moment,
): Change & { readonly isMade: boolean } {
  const known = before ?? unseen(indexedClaims(parent.content.claims));
  const end = endedBefore(before, content, at);
  if (end !== undefined) return { document: before, effects: [{ kind: "children", what: end }], isMade: false };
  const entry = queued(undefined, { ...parent.content, seq: at.nextSeq() }, known, at.nowMs);
  return { document: withOwn(known, at, { same: undefined, entry }), isMade: true };
}

/** How the parent ended with the same message: then it need not be tried again for this child. */
function endedBefore(parent: RecordDocument | undefined, content: Content, at: Moment): FanOut | undefined {
  const { last } = ownOf(parent, at);
  const isSame = last?.messageId === content.messageId && content.replay !== true;
  if (!isSame || !isRefused(last.outcome)) return undefined;
  return { kind: "refuse", tenant: at.number, cause: last.outcome, text: last.text };
}

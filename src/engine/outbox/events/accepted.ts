/**
 * What happens when a message arrives: it is older, the same, kept out, or takes the place of what waits; and the one
 * condition under which it ends unchanged. Pure.
 */
import { outcomeOf, reason } from "../../../outcome/outcome";
import type { Entry, Outcome, OwnPart, RecordDocument } from "../../../storage/port/rows";
import type { Acceptance, Accepted } from "../../../storage/port/store";
import { mergeContent, queued, versionOf } from "./content";
import { indexedClaims } from "./claims";
import { linkOf, ownOf, unseen, withOwn, type Change, type Effect, type Moment } from "./document";

/** Which of a message's ids are here for the first time, and what the record remembers of them from now on. */
export interface Taken {
  readonly first: ReadonlySet<string>;
  readonly recent: string | undefined;
}

export interface AcceptedChange extends Change {
  readonly state: Accepted["state"];
  readonly ended: readonly Outcome[];
}

/** Fingerprint of the last unchanged message, if the record is still linked as it was then. */
export function fingerprintOf(
  document: RecordDocument | undefined,
  at: Pick<Moment, "number" | "generation">,
): string | undefined {
  return linkOf(document, at.generation) === undefined ? undefined : ownOf(document, at).same;
}

/**
 * Why a message is not taken in now: `again`, what it was compared with is out of date; `duplicate`, it is an event that
 * was here. Asked before anything is remembered: such an answer leaves no trace.
 */
export function hindered(
  document: RecordDocument | undefined,
  { content, once }: Acceptance,
  at: Moment,
): "again" | "duplicate" | undefined {
  if (content.kind === "same" && content.fingerprint !== fingerprintOf(document, at)) return "again";
  // Something of it waits: then the lane compares anyway.
  const isCompared = content.kind === "unchanged" && ownOf(document, at).entry === undefined;
  if (isCompared && (document?.revision ?? 0) !== content.revision) return "again";
  return once === true && document !== undefined ? "duplicate" : undefined;
}

/** The version as it counts: a message that arrives now, whatever its own date, comes after one dated a little ahead. */
function versionFor(document: RecordDocument | undefined, { undated, version }: Acceptance, nowMs: number): number {
  return undated === true ? Math.max(version, versionOf(document, nowMs)) : version;
}

/** A message of a connector that has no target, or that names no record: it is only counted. */
export function acceptedNowhere(given: Acceptance, taken: Taken, nowMs: number): readonly Outcome[] {
  const { content, messageId, run } = given;
  const ends = mergedOnes(given, taken, nowMs);
  return content.kind === "entry" ? ends : [...ends, { ...content.outcome, counted: taken.first.has(messageId), run }];
}

export function accepted(
  before: RecordDocument | undefined,
  given: Acceptance,
  taken: Taken,
  at: Moment,
): AcceptedChange {
  const { messageId, content, run, once } = given;
  const { nowMs } = at;
  const counted = taken.first.has(messageId);
  const ended = [...mergedOnes(given, taken, nowMs)];
  const version = versionFor(before, given, nowMs);
  const own = ownOf(before, at);

  if (before !== undefined && version < versionOf(before, nowMs)) {
    const newer = reason("newer_message", before.messageId);
    ended.push(outcomeOf({ messageId, counted, run }, "superseded", newer, nowMs));
    const document = taken.first.size === 0 ? before : { ...before, recent: taken.recent };
    return { state: "ended", document, ended };
  }

  const claims = given.claims === undefined ? before?.claims : indexedClaims(given.claims, before?.claims);
  const seen: RecordDocument = { ...(before ?? unseen()), version, messageId, claims, recent: taken.recent };
  const withPart = (changes: OwnPart): RecordDocument => withOwn(seen, at, changes);
  const end = (outcome: Outcome, changes: OwnPart, effects: readonly Effect[] = []): AcceptedChange => {
    ended.push(outcome);
    return { state: "ended", document: withPart({ last: outcome, ...changes }), ended, effects };
  };

  if (content.kind === "same") return end({ ...content.outcome, counted }, { same: content.fingerprint });
  const { entry } = own;
  if (content.kind === "unchanged" && entry === undefined) {
    return end({ ...content.outcome, counted, run }, { same: content.fingerprint, deadLetter: undefined });
  }
  if (content.kind === "end") {
    const outcome = { ...content.outcome, counted, run };
    const left = entry === undefined || staysGone(entry, content) ? undefined : withdrawn(entry, given, at);
    ended.push(...(left?.ended ?? []));
    const changes = left === undefined ? { same: undefined } : { same: undefined, entry: left.entry };
    const all = end(outcome, changes, left?.effects);
    // An event that was not taken in may come again.
    return once === true ? { ...all, document: before } : all;
  }

  const replaced = entry?.content;
  // Counted a second time, because the first was forgotten long ago: then it also ends a second time.
  const isAgain = !counted && replaced?.messageId === messageId;
  if (replaced !== undefined && !isAgain) {
    ended.push(outcomeOf(replaced, "superseded", reason("newer_message", messageId), nowMs));
  }
  const next = {
    ...mergeContent(replaced, content.content),
    version,
    seq: at.nextSeq(),
    counted: counted || (isAgain && replaced.counted),
    run,
  };
  const document = withPart({ same: undefined, entry: queued(entry, next, before, nowMs) });
  return { state: "queued", document, ended };
}

/** Older messages of the same shipment, each with an outcome of its own. */
function mergedOnes({ merged, messageId, run }: Acceptance, { first }: Taken, nowMs: number): readonly Outcome[] {
  if (merged.length === 0) return [];
  const why = reason("merged", messageId);
  const uncounted = new Set(first);
  uncounted.delete(messageId);
  // One that was swallowed twice counts once.
  return merged.map((id) => outcomeOf({ messageId: id, counted: uncounted.delete(id), run }, "superseded", why, nowMs));
}

/** Whoever left is still to be ended: a message that a filter skips says nothing else. */
function staysGone({ content, attempt }: Entry, by: Extract<Acceptance["content"], { kind: "end" }>): boolean {
  return by.outcome.outcome === "skipped" && (content ?? attempt?.content)?.desired.leaves === true;
}

/** A filter keeps the newest state out, so the older one, if it still waits, must not be delivered either. */
function withdrawn(
  entry: Entry,
  { messageId }: Acceptance,
  at: Moment,
): Pick<Change, "ended" | "effects"> & { readonly entry: Entry | undefined } {
  const { content, ...rest } = entry;
  // A record made for its children does not depend on messages about itself, waiting or in flight.
  if (content?.derived === true) return { entry };
  const newer = reason("newer_message", messageId);
  const ended = content === undefined ? [] : [outcomeOf(content, "superseded", newer, at.nowMs)];
  if (entry.attempt !== undefined) {
    return { entry: entry.attempt.content.derived ? rest : { ...rest, withdrawn: true }, ended };
  }
  const what = { kind: "withdraw", tenant: at.number, text: messageId } as const;
  return { entry: undefined, ended, effects: [{ kind: "children", what }] };
}

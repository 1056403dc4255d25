/** What happens when the result of a piece of work is known: it was written, refused, or must wait. Pure. */
import type { OutcomeKind } from "../../../record";
import { outcomeOf, reason } from "../../../outcome/outcome";
import type {
  Content,
  Entry,
  HullUpdate,
  Outcome,
  OwnPart,
  PendingHullUpdate,
  RecordDocument,
  Refused,
} from "../../../storage/port/rows";
import type { ParentEntry, Settlement } from "../../../storage/port/store";
import { mergeContent, newEntry } from "./content";
import { keptOf, onceMore } from "./rechecked";
import {
  hasArrived,
  isRefused,
  linkOf,
  ownOf,
  withOwn,
  withoutFingerprints,
  type Change,
  type Effect,
  type Moment,
} from "./document";

export interface SettledChange extends Change {
  /** The record waits for a parent of which nobody sent anything: it is made. */
  readonly makes?: ParentEntry;
}

/** How many outcomes that wait for Hull are kept one by one. */
const MOST_OUTCOMES = 20;

/**
 * What a record is once its result is known.
 *
 * @param before with what is in flight of it
 * @param deadLetterId by which people will name it, should it be refused
 * @param parent of a record that must wait for it
 */
export function settled(
  before: RecordDocument,
  settlement: Settlement,
  deadLetterId: () => string,
  parent: RecordDocument | undefined,
  at: Moment,
): SettledChange {
  const { entry } = ownOf(before, at);
  const worked = (entry?.attempt ?? entry)?.content;
  const isCurrent = entry !== undefined && worked?.seq === settlement.seq;
  const isEarlier = isCurrent && beganEarlier(before, entry, at);
  const staysUnconfirmed = settlement.mirror === undefined ? isEarlier || !isCurrent : !isCurrent && isAwaited(before);
  const learned = learnedOf(before, settlement, staysUnconfirmed, at);
  // Nothing of it is left: it was replaced or withdrawn while the lane worked on it, and ended then.
  if (!isCurrent) return tellAnyway(learned, settlement, at);
  const { then } = settlement;
  if (then.kind === "tell" || then.kind === "end")
    return finished(learned, settlement, then, { entry, worked, isEarlier }, deadLetterId, at);
  return kept(learned, then, { entry, worked, isEarlier }, parent, at);
}

/** What the lane worked on. */
interface Worked {
  readonly entry: Entry;
  readonly worked: Content;
  readonly isEarlier: boolean;
}

/**
 * Whether another connector's create was lost after the lane had begun with this entry, which has to wait for it since
 * then: what the lane found does not decide what became of that create.
 */
function beganEarlier({ unconfirmed }: RecordDocument, { notBeforeMs }: Entry, { nowMs }: Moment): boolean {
  return unconfirmed !== undefined && notBeforeMs > nowMs;
}

/** An entry that nobody worked on still looks for a lost create. */
const isAwaited = ({ own }: RecordDocument): boolean => Object.values(own).some(({ entry }) => entry !== undefined);

/** What the record knows of the service from now on, whatever becomes of the content. */
function learnedOf(
  before: RecordDocument,
  { mirror, gone }: Settlement,
  staysUnconfirmed: boolean,
  at: Moment,
): Change {
  if (mirror === undefined && gone === undefined) return { document: before };
  const changed: RecordDocument = {
    ...withoutFingerprints(before),
    unconfirmed: staysUnconfirmed ? before.unconfirmed : undefined,
    revision: before.revision + 1,
  };
  if (mirror === undefined) {
    // A record found by its keys was never linked.
    const isUnlinked = before.remoteId === gone;
    const document = isUnlinked ? { ...changed, remoteId: undefined, generation: undefined } : changed;
    return { document };
  }
  const isConfirmed = Object.values(mirror.facts).some(({ confirmed }) => confirmed !== undefined);
  const document = {
    ...changed,
    confirmedAtMs: isConfirmed ? at.nowMs : before.confirmedAtMs,
    remoteId: mirror.id,
    generation: at.generation,
  };
  if (linkOf(before, at.generation) === mirror.id) return { document };
  const { id: remoteId } = mirror;
  return {
    document,
    effects: [
      { kind: "children", what: { kind: "release" } },
      { kind: "linked", remoteId },
    ],
  };
}

/** Its message has ended; what the service got of it all the same, Hull is told, unless newer content will do that. */
function tellAnyway(learned: Change, { then, mirror }: Settlement, at: Moment): Change {
  const { document } = learned;
  if (document === undefined || then.kind !== "tell" || mirror === undefined) return learned;
  const own = ownOf(document, at);
  // Without any part it was erased here; the record is still there for another connector.
  if (own.entry !== undefined || document.own[at.number] === undefined) return learned;
  const hullUpdate = hullUpdateOf(own.hullUpdate, then.hullUpdate, mirror.id, [], at);
  return { ...learned, document: withOwn(document, at, { hullUpdate }) };
}

type Finish = Extract<Settlement["then"], { kind: "tell" | "end" }>;

function finished(
  learned: Change,
  { mirror }: Settlement,
  then: Finish,
  { entry, worked, isEarlier }: Worked,
  deadLetterId: () => string,
  at: Moment,
): Change {
  const document = learned.document;
  if (document === undefined) return learned;
  const own = ownOf(document, at);
  const newer = entry.attempt === undefined ? undefined : entry.content;
  const { outcome, atMs, note } = then.outcome;
  const end = outcomeOf(worked, outcome, then.outcome, atMs, note);
  const told = then.kind === "tell" && mirror !== undefined;
  const link = linkOf(document, at.generation);
  // The service has what the message said; a warning about a record applies to its next message too.
  const isSame =
    newer === undefined && mirror !== undefined && hasArrived(end) && end.note === undefined && !worked.derived;
  // Another connector may have linked it to that very record meanwhile.
  const rival = then.kind === "end" && then.rivalFor !== undefined && then.rivalFor !== link && newer === undefined;
  const changes: OwnPart = {
    entry: newer === undefined ? recheckOf(entry, worked, end, at) : released(entry, newer, isEarlier),
    kept: keptOf(own, entry, worked, at),
    same: isSame ? worked.digest : own.same,
    deadLetter: deadLetterAfter(own.deadLetter, {
      id: isRefused(end.outcome) ? deadLetterId() : "",
      content: worked,
      ending: end,
      attempts: entry.attempts,
    }),
    ...(told
      ? { hullUpdate: hullUpdateOf(own.hullUpdate, then.hullUpdate, mirror.id, [end], at, worked.trace) }
      : { last: end }),
    ...(rival && { rival: { remoteId: then.rivalFor, content: worked, atMs: at.nowMs } }),
  };
  // A create that a person must look for: until then no message makes the record a second time. One that another
  // connector lost is still to be looked for by that one.
  const staysOpen =
    isEarlier ||
    (end.code === "unconfirmed" && link === undefined) ||
    (mirror === undefined && areOthersWaiting(document, at));
  const effects = [...(learned.effects ?? [])];
  if (newer === undefined && isRefused(end.outcome)) {
    effects.push({ kind: "children", what: { kind: "refuse", tenant: at.number, cause: end.outcome, text: end.text } });
  }
  const next = { ...document, unconfirmed: staysOpen ? document.unconfirmed : undefined };
  return { document: withOwn(next, at, changes), ended: told ? [] : [end], effects };
}

const areOthersWaiting = ({ own }: RecordDocument, { number }: Moment): boolean =>
  Object.entries(own).some(([other, { entry }]) => other !== number && entry !== undefined);

/** The newest refusal of a record; what Hull said about it counts more than what its children carried along. */
export function deadLetterAfter(before: Refused | undefined, after: Refused): Refused | undefined {
  if (hasArrived(after.ending)) return undefined;
  if (after.ending.outcome !== "rejected" && after.ending.outcome !== "dead") return before;
  const isLess = before?.content.derived === false && after.content.derived;
  return isLess ? { ...after, content: before.content } : after;
}

/** The newer content came while the older one was in flight, so it has waited since then at most. */
function released(entry: Entry, content: Content, isEarlier: boolean): Entry {
  const { attempt, blockedOn, withdrawn, acceptedAtMs, notBeforeMs, orphaned, recheck } = entry;
  const sinceMs = attempt?.startedAtMs ?? acceptedAtMs;
  return { ...newEntry(content, sinceMs, isEarlier ? notBeforeMs : 0), blockedOn, withdrawn, orphaned, recheck };
}

/** Somebody else wrote while this was being delivered: it is compared once more. */
function recheckOf({ recheck }: Entry, worked: Content, end: Outcome, at: Moment): Entry | undefined {
  return recheck === true && hasArrived(end) ? onceMore(worked, at) : undefined;
}

/** Newer values are added to what Hull has not been told yet; every outcome that waits for it stays. */
function hullUpdateOf(
  before: PendingHullUpdate | undefined,
  { claims, attributes, facts, account }: HullUpdate,
  remoteId: string,
  ended: readonly Outcome[],
  at: Moment,
  trace?: string,
): PendingHullUpdate {
  const same = before?.remoteId === remoteId ? before : undefined;
  const waiting = folded([...(before?.outcomes ?? []), ...ended], before?.folded);
  return {
    remoteId,
    claims,
    attributes: same === undefined ? attributes : { ...same.attributes, ...attributes },
    facts: same === undefined ? facts : { ...same.facts, ...facts },
    account: account ?? same?.account,
    outcomes: waiting.outcomes,
    folded: waiting.folded,
    seq: at.nextSeq(),
    notBeforeMs: before?.notBeforeMs ?? 0,
    attempts: before?.attempts ?? 0,
    trace: trace ?? before?.trace,
  };
}

/** The oldest of many outcomes are only counted: Hull may be gone for days. */
function folded(
  outcomes: readonly Outcome[],
  before: PendingHullUpdate["folded"],
): Pick<PendingHullUpdate, "outcomes" | "folded"> {
  const many = outcomes.slice(0, Math.max(0, outcomes.length - MOST_OUTCOMES));
  return { outcomes: outcomes.slice(many.length), folded: addFolded(before, many) };
}

/** Counts outcomes where those are counted that are not kept one by one. @param by -1 takes them off again */
export function addFolded(
  before: PendingHullUpdate["folded"],
  outcomes: readonly Outcome[],
  by = 1,
): PendingHullUpdate["folded"] {
  const counted = outcomes.filter((each) => each.counted);
  if (counted.length === 0) return before;
  const counts: Record<string, number> = { ...before };
  for (const { outcome, code, derived, run } of counted) {
    const name = foldedName(outcome, code, derived === true, run);
    counts[name] = (counts[name] ?? 0) + by;
  }
  return counts;
}

/** A list ends before what is absent: as text, that would be `null`. */
const foldedName = (outcome: string, code: string, derived: boolean, run: string | undefined): string =>
  JSON.stringify(run === undefined ? [outcome, code, derived] : [outcome, code, derived, run]);

/** Outcomes that were folded, as what they count: how often, and where. */
export function unfolded({ folded: counts = {} }: Pick<PendingHullUpdate, "folded">) {
  return Object.entries(counts).map(([name, times]) => {
    // Made above, and nowhere else.
    const [outcome, code, derived, run] = JSON.parse(name) as [OutcomeKind, string, boolean, string | null];
    // What is absent becomes null there.
    return { outcome, code, derived, run: run ?? undefined, times };
  });
}

type Keeping = Extract<Settlement["then"], { kind: "wait" | "block" }>;

/** It stays in the outbox: until a time, or until its parent has a remote id. */
function kept(
  learned: Change,
  then: Keeping,
  { entry, worked, isEarlier }: Worked,
  parent: RecordDocument | undefined,
  at: Moment,
): SettledChange {
  const document = learned.document;
  if (document === undefined) return learned;
  const newer = entry.attempt === undefined ? undefined : entry.content;
  const superseded = (by?: string): Outcome => outcomeOf(worked, "superseded", reason("newer_message", by), at.nowMs);
  const waits = then.kind === "wait";
  const unconfirmed = isEarlier ? document.unconfirmed : undefined;
  const open = waits ? { ...document, unconfirmed: then.unconfirmed ?? unconfirmed } : document;
  const ended = newer === undefined ? [] : [superseded(newer.messageId)];
  const leave = (effects: readonly Effect[]): Change => {
    const last = superseded();
    return {
      document: withOthersWaiting(withOwn(open, at, { entry: undefined, last }), waits ? then.notBeforeMs : 0, at),
      ended: [last],
      effects: [...(learned.effects ?? []), ...effects],
    };
  };
  if (newer === undefined && entry.withdrawn === true) {
    return leave([{ kind: "children", what: { kind: "withdraw", tenant: at.number, text: "withdrawn" } }]);
  }
  if (!waits && newer === undefined && isOutdated(worked, then.parent, parent, at)) return leave([]);
  const left = waits ? leftOf(worked, then) : worked;
  const content = newer === undefined ? left : mergeContent(left, newer);
  const base: Entry = { ...entry, attempt: undefined, content };
  const [last] = ended;
  const put = (next: Entry): RecordDocument =>
    withOthersWaiting(withOwn(open, at, { entry: next, ...(last && { last }) }), next.notBeforeMs, at);
  if (!waits) {
    const { entry: next, makes } = blocked(base, then.parent, parent, at);
    return { document: put(next), ended, effects: learned.effects, makes };
  }
  const { problem } = then;
  const notBeforeMs = isEarlier ? Math.max(then.notBeforeMs, entry.notBeforeMs) : then.notBeforeMs;
  return {
    document: put({ ...base, notBeforeMs, problem, attempts: entry.attempts + 1 }),
    ended,
    effects: learned.effects,
  };
}

/** What waits after a step: the content, and what earlier steps did. */
function leftOf(worked: Content, { written, earlier }: Extract<Keeping, { kind: "wait" }>): Content {
  const known = earlier === undefined ? worked : { ...worked, earlier };
  return written === true ? { ...known, force: false, replay: undefined } : known;
}

/** Other connectors of the remote do not look for a lost create before the one that lost it does. */
function withOthersWaiting(document: RecordDocument, notBeforeMs: number, at: Moment): RecordDocument {
  if (document.unconfirmed === undefined) return document;
  const own = Object.entries(document.own).map(([number, part]): [string, OwnPart] => {
    const other = part.entry;
    if (number === at.number || other === undefined || other.notBeforeMs >= notBeforeMs) return [number, part];
    return [number, { ...part, entry: { ...other, notBeforeMs } }];
  });
  return { ...document, own: Object.fromEntries(own) };
}

/** A newer message of the same entity removed the parent before it was created: the child goes with it. */
function isOutdated(
  content: Content,
  { together }: ParentEntry,
  document: RecordDocument | undefined,
  at: Moment,
): boolean {
  const isTaken = document !== undefined && document.version > content.version;
  return (
    together && isTaken && ownOf(document, at).entry === undefined && linkOf(document, at.generation) === undefined
  );
}

/** Puts a child behind its parent, or makes the parent when nobody sent it. */
function blocked(
  entry: Entry,
  parent: ParentEntry,
  document: RecordDocument | undefined,
  at: Moment,
): { readonly entry: Entry; readonly makes?: ParentEntry } {
  // The parent got its id meanwhile, or its former children are still being ended: the child stays in the queue.
  if (linkOf(document, at.generation) !== undefined || isEndingChildren(document, at)) return { entry };
  const waiting = { ...entry, blockedOn: parent.hullId };
  return ownOf(document, at).entry === undefined ? { entry: waiting, makes: parent } : { entry: waiting };
}

/** They end slice by slice, as the parent did then; who waited with them would end so as well. */
function isEndingChildren(parent: RecordDocument | undefined, { number }: Moment): boolean {
  return parent?.pending?.some(({ kind, tenant }) => kind !== "release" && tenant === number) === true;
}

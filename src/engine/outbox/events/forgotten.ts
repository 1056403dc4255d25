/** Hull deleted the entity: what waits of it ends, and nothing that names it stays. Pure. */
import { outcomeOf, reason } from "../../../outcome/outcome";
import { historyRowAtMs } from "../../../storage/port/figures";
import type { Outcome, OwnPart, RecordDocument } from "../../../storage/port/rows";
import { ownOf, withOwn, type Change, type Moment } from "./document";
import { isOver } from "./rechecked";

const FORGOTTEN = reason("forgotten");

/**
 * What waits of it ends `skipped / forgotten`; a record that only Hull had still to be told of was delivered, and ends
 * that way. No outcome names anybody.
 */
export function forgotten(document: RecordDocument, at: Moment): Change {
  const { entry, hullUpdate } = ownOf(document, at);
  const contents = [entry?.attempt?.content, entry?.content].filter((content) => content !== undefined);
  const ended: readonly Outcome[] = [
    ...contents.map((content) => outcomeOf(content, "skipped", FORGOTTEN, at.nowMs)),
    ...(hullUpdate?.outcomes ?? []),
  ];
  const what = { kind: "refuse", tenant: at.number, cause: "skipped", text: FORGOTTEN.text } as const;
  return { document, ended, effects: entry === undefined ? [] : [{ kind: "children", what }] };
}

/** What stays: nothing, unless another connector of the remote has not heard of it yet and must find its record. */
export function erased(document: RecordDocument, at: Moment): RecordDocument | undefined {
  const nothing = {
    last: undefined,
    same: undefined,
    entry: undefined,
    hullUpdate: undefined,
    deadLetter: undefined,
    rival: undefined,
    kept: undefined,
    trail: undefined,
  };
  const { version, messageId, revision, unconfirmed, own, pending } = withOwn(document, at, nothing);
  const isOpen = Object.values(own).some(({ entry, hullUpdate, deadLetter, rival }) =>
    [entry, hullUpdate, deadLetter, rival].some((each) => each !== undefined),
  );
  if (!isOpen && pending === undefined) return undefined;
  return { version, messageId, revision: revision + 1, ...(isOpen && { unconfirmed }), own, pending };
}

/** Whether nothing is left of it but what `erased` leaves: nobody has heard of it since, and nothing waits. */
export function isErased({ remoteId, unconfirmed, recent, own, pending }: RecordDocument): boolean {
  return [remoteId, unconfirmed, recent, pending, ...Object.values(own)].every((each) => each === undefined);
}

/** An event that comes once more within this time after its end is not sent again, whatever else is forgotten. */
const EVENTS_MS = 30 * 86_400_000;

/**
 * What is old is forgotten: dead letters, rivals, how the last message ended. The record stays, since its version and
 * its link count; one without either, such as an event, goes.
 *
 * @param historyMs as long its trail leads somewhere
 * @returns the same document when nothing is old
 */
export function aged(
  document: RecordDocument,
  nowMs: number,
  olderThanMs: number,
  historyMs = olderThanMs,
): RecordDocument | undefined {
  const isBare = isEmpty(document);
  const isOld = (atMs = Infinity, keptMs = olderThanMs): boolean => nowMs - atMs > keptMs;
  const own: Record<string, OwnPart> = {};
  let isAny = false;
  for (const [number, part] of Object.entries(document.own)) {
    const { last, deadLetter, rival, kept, trail } = part;
    const old = {
      ...(isOld(last?.atMs, isBare ? Math.max(olderThanMs, EVENTS_MS) : olderThanMs) && { last: undefined }),
      ...(trail !== undefined && isOld(historyRowAtMs(trail), historyMs) && { trail: undefined }),
      ...(isOld(deadLetter?.ending.atMs) && { deadLetter: undefined }),
      ...(isOld(rival?.atMs) && { rival: undefined }),
      ...(kept !== undefined && isOver(kept, nowMs) && { kept: undefined }),
    };
    isAny ||= Object.keys(old).length > 0;
    own[number] = { ...part, ...old };
  }
  if (!isAny) return document;
  const kept = { ...document, own };
  const isLeft = Object.values(own).some((part) => Object.values(part).some((each) => each !== undefined));
  return isBare && !isLeft ? undefined : kept;
}

/** Nothing was seen of it, nothing is linked, and nothing waits. */
function isEmpty({ version, remoteId, unconfirmed, own, pending }: RecordDocument): boolean {
  const isKnown = version !== 0 || remoteId !== undefined || unconfirmed !== undefined || pending !== undefined;
  return (
    !isKnown && Object.values(own).every(({ entry, hullUpdate }) => entry === undefined && hullUpdate === undefined)
  );
}

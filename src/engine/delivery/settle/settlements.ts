/** The settlements that a record in the hands of the delivery lane may come to. Pure. */
import type { Outcome, RecordPlace, UnconfirmedCreate } from "../../../storage/port/rows";
import type { MirrorPatch, Settlement } from "../../../storage/port/store";
import { outcomeOf, reason, type OutcomeKind, type Reason } from "../../../outcome/outcome";
import { hullUpdateOf } from "./hull-update";
import { patchOf } from "./mirror-patch";
import { sentOf } from "./sent";
import { earlierFor, noted, notedInPart } from "./notes";
import type { Delivery, TypeContext, Work } from "../work";

function settlementOf(work: Work, rest: Omit<Settlement, keyof RecordPlace | "seq">): Settlement {
  const { tenant, type, hullId } = work.entry;
  return { tenant, type, hullId, seq: work.content.seq, ...rest };
}

/** Ends without a write. */
export function ended(work: Work, outcome: OutcomeKind, why: Reason, nowMs: number): Settlement {
  const end = notedInPart(work, outcomeOf(work.content, outcome, why, nowMs));
  return settlementOf(work, { then: { kind: "end", outcome: end } });
}

/** Its record is linked to another Hull entity; it is tried again when that link goes. */
export function taken(work: Work, remoteId: string, by: string, nowMs: number): Settlement {
  const why = reason("same_remote_record", `${remoteId}, linked to ${by}`);
  const outcome = outcomeOf(work.content, "skipped", why, nowMs);
  return settlementOf(work, { then: { kind: "end", outcome, rivalFor: remoteId } });
}

/** Stays in the outbox; an unconfirmed create stays unconfirmed unless it was resolved. */
export function postponed(
  work: Work,
  notBeforeMs: number,
  problem: string,
  unconfirmed?: UnconfirmedCreate,
): Settlement {
  return settlementOf(work, { then: { kind: "wait", notBeforeMs, problem, unconfirmed } });
}

/**
 * Waits for its parent; the parent is created from the child's data if nobody sent it.
 *
 * @param together parent and child come from one message, and are replaced together
 */
export function blockedBy(work: Work, together: boolean): Settlement | undefined {
  const parent = work.content.desired.parent;
  if (parent === undefined) return undefined;
  const { type, hullId, ...known } = parent;
  const { messageId, trace } = work.content;
  const content = { ...known, force: false, messageId, version: 0, seq: 0, derived: true, counted: true, trace };
  return settlementOf(work, { then: { kind: "block", parent: { type, hullId, together, content } } });
}

/** The service has the record: the mirror is updated, and Hull is told what it does not know yet. */
export function delivered(
  work: Work,
  context: TypeContext,
  delivery: Delivery,
  patch = patchOf(work, context, delivery),
): Settlement {
  const { hullUpdate, shown = {}, leftOut } = context.type.untold === true ? {} : hullUpdateOf(work, context, delivery);
  const mirror = withShown(patch, shown);
  const outcome = outcomeAfter(work, delivery, context.nowMs);
  const sent = sentOf(work, context, delivery.sent);
  if (hullUpdate === undefined) return settlementOf(work, { mirror, leftOut, sent, then: { kind: "end", outcome } });
  return settlementOf(work, { mirror, leftOut, sent, then: { kind: "tell", outcome, hullUpdate } });
}

function withShown(patch: MirrorPatch, shown: Readonly<Record<string, string>>): MirrorPatch {
  if (Object.keys(shown).length === 0) return patch;
  const facts = { ...patch.facts };
  for (const [field, confirmed] of Object.entries(shown)) facts[field] = { ...facts[field], confirmed };
  return { ...patch, facts };
}

function outcomeAfter(work: Work, { outcome, why, sent }: Delivery, nowMs: number): Outcome {
  const { stuck, content } = work;
  if (stuck === undefined) return noted(work, outcomeOf(content, outcome, why, nowMs));
  return notedInPart(work, outcomeOf(content, stuck.outcome, stuck.reason, nowMs), sent);
}

/** One of several steps is done, such as a restart before an update: the next one follows at once. */
export function advanced(
  work: Work,
  context: TypeContext,
  delivery: Delivery,
  mirror = patchOf(work, context, delivery),
): Settlement {
  const problem = "Part of it was written; the rest follows.";
  return settlementOf(work, {
    mirror,
    sent: sentOf(work, context, delivery.sent),
    // Otherwise an export would send its fields again before every next step, and never come to it.
    then: {
      kind: "wait",
      notBeforeMs: context.nowMs,
      problem,
      written: delivery.archived === undefined || undefined,
      earlier: earlierFor(work, delivery.sent),
    },
  });
}

/** Linked to `remoteId` but not delivered: processed again at once. */
export function relinked(work: Work, context: TypeContext, remoteId: string, sent: readonly string[]): Settlement {
  const created = false;
  const why = reason("updated");
  const patch = patchOf(work, context, { remoteId, sent, equal: [], outcome: "sent", why, created, archived: false });
  return settlementOf(work, {
    ...goneOf(work),
    mirror: { ...patch, fresh: true },
    sent: sentOf(work, context, sent),
    then: { kind: "wait", notBeforeMs: context.nowMs, problem: "Its id was gone; the service made a new record." },
  });
}

const goneOf = ({ mirror }: Work): Pick<Settlement, "gone"> => (mirror === undefined ? {} : { gone: mirror.id });

/** The id that we knew is gone: forget it and look again. */
export function unlinked(work: Work, nowMs: number): Settlement {
  return settlementOf(work, {
    ...goneOf(work),
    then: { kind: "wait", notBeforeMs: nowMs, problem: "The record is gone from the service; it is looked for again." },
  });
}

/** Removes the link of a record whose remote record is gone. No content of an entry has this number. */
export function forgotten(tenant: string, type: string, hullId: string, gone: string): Settlement {
  const then = { kind: "wait", notBeforeMs: 0, problem: "" } as const;
  return { tenant, type, hullId, seq: 0, gone, then };
}

/** One record in the hands of the delivery lane, and the settlements that it may come to. Pure. */
import { fitForHull } from "../../hull/firehose/attribute-values";
import type { Desired, DesiredParent, Json, Keys, LeftOut } from "../../record";
import type { Result, Stuck } from "../../services/connection";
import type { FieldSpec, ObjectType, RemoteRecord } from "../../services/model";
import type { Service } from "../../services/service";
import type {
  Content,
  UnconfirmedCreate,
  Outcome,
  EntryRow,
  Fact,
  MirrorRow,
  RecordRow,
} from "../../storage/port/rows";
import type { MirrorPatch, Observation, Settlement, HullUpdate } from "../../storage/port/store";
import { agrees, fingerprint, NOTHING } from "../../services/compare";
import { nextStep, type Step } from "../rules/state";
import { markOf } from "../rules/write-only";
import { ACCOUNT } from "../hull-updates/what-hull-knows";
import { reason, type OutcomeCodes, type OutcomeKind, type Reason } from "../../outcome/outcome";
import { isForgotten } from "../intake/unchanged";
import { earlierFor, noted, notedInPart } from "./said";

/** For an intent without a result. */
export const NO_RESULT: Result = { kind: "unconfirmed", message: "The service gave no result." };

export interface Work {
  readonly entry: EntryRow;
  readonly content: Content;
  readonly record?: RecordRow;
  /** The linked remote record, as far as it is known. */
  readonly mirror?: MirrorRow;
  /** Remote id of the parent. */
  readonly parentId?: string;
  /** Another remote record has one of its keys. */
  readonly namesake: boolean;
  /** What a person should know about how the record was found, and about values that were changed before sending. */
  readonly note?: Reason;
  /** It shall be ended or restarted, and cannot be. */
  readonly stuck?: Stuck;
  /** Values as the service stores them; write-only ones are open here, and nowhere else. */
  readonly wire: Readonly<Record<string, Json>>;
}

/** What the cycle needs to know about its type. */
export interface TypeContext {
  readonly type: ObjectType;
  readonly specOf: (field: string) => FieldSpec;
  readonly attributeOf: (field: string) => string;
  readonly mapped: readonly string[];
  readonly stepOf: (desired: Desired, known: Pick<MirrorRow, "archived" | "facts">) => Step | undefined;
  /** The service's own outcome codes. */
  readonly outcomes: OutcomeCodes;
  readonly nowMs: number;
}

export function typeContext<S>(service: Service<S>, type: ObjectType, settings: S, nowMs: number): TypeContext {
  return {
    type,
    specOf: (field) => service.field(type.name, field),
    attributeOf: (field) => service.hullAttribute(type.name, field),
    mapped: service.mappedFields(type.name, settings),
    stepOf: (desired, known) => nextStep(service, type, desired, known),
    outcomes: service.outcomes,
    nowMs,
  };
}

export function outcomeFor(content: Content, outcome: OutcomeKind, why: Reason, atMs: number): Outcome {
  const { messageId, counted, derived } = content;
  const { code, text } = why;
  return { messageId, outcome, code, text, atMs, counted, derived: derived ? true : undefined };
}

function settlementOf(work: Work, rest: Omit<Settlement, "tenant" | "type" | "hullId" | "seq">): Settlement {
  const { tenant, type, hullId } = work.entry;
  return { tenant, type, hullId, seq: work.content.seq, ...rest };
}

/** Ends without a write. */
export function ended(work: Work, outcome: OutcomeKind, why: Reason, nowMs: number): Settlement {
  const end = notedInPart(work, outcomeFor(work.content, outcome, why, nowMs));
  return settlementOf(work, { then: { kind: "end", outcome: end } });
}

/** Its record is linked to another Hull entity; it is tried again when that link goes. */
export function taken(work: Work, remoteId: string, by: string, nowMs: number): Settlement {
  const why = reason("same_remote_record", `${remoteId}, linked to ${by}`);
  const outcome = outcomeFor(work.content, "skipped", why, nowMs);
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
  const content = { ...known, force: false, messageId: work.content.messageId, version: 0, derived: true };
  return settlementOf(work, { then: { kind: "block", parent: { type, hullId, together, content } } });
}

export interface Delivery {
  readonly remoteId: string;
  /** Fields that were sent in this delivery. */
  readonly sent: readonly string[];
  /** Fields found equal. */
  readonly equal: readonly string[];
  readonly outcome: "sent" | "unchanged";
  readonly why: Reason;
  /** A new record: what we did not send is empty there. */
  readonly created: boolean;
  /** Whether it is ended now; absent: that did not change. */
  readonly archived?: boolean;
  /** The record as the answer showed it. */
  readonly shown?: RemoteRecord;
}

/** The service has the record: the mirror is updated, and Hull is told what it does not know yet. */
export function delivered(work: Work, context: TypeContext, delivery: Delivery): Settlement {
  const patch = patchOf(work, context, delivery);
  const { hullUpdate, shown = {}, leftOut } = context.type.untold === true ? {} : hullUpdateOf(work, context, delivery);
  const facts = { ...patch.facts };
  for (const [field, confirmed] of Object.entries(shown)) facts[field] = { ...facts[field], confirmed };
  const mirror = { ...patch, facts };
  const outcome = outcomeOf(work, delivery, context.nowMs);
  const delivered = { mirror, leftOut };
  if (hullUpdate === undefined) return settlementOf(work, { ...delivered, then: { kind: "end", outcome } });
  return settlementOf(work, { ...delivered, then: { kind: "tell", outcome, hullUpdate } });
}

function outcomeOf(work: Work, { outcome, why, sent }: Delivery, nowMs: number): Outcome {
  const { stuck, content } = work;
  if (stuck === undefined) return noted(work, outcomeFor(content, outcome, why, nowMs));
  return notedInPart(work, outcomeFor(content, stuck.outcome, stuck.reason, nowMs), sent);
}

/** The record as it is known after a delivery, for the question what comes next. */
export function afterwards(
  work: Work,
  context: TypeContext,
  delivery: Delivery,
): Pick<MirrorRow, "archived" | "facts"> {
  const { archived, facts } = patchOf(work, context, delivery);
  const known: Record<string, Fact> = delivery.created ? {} : { ...work.mirror?.facts };
  for (const [field, { remote = null, sent = null }] of Object.entries(facts)) {
    const [remoteBefore, sentBefore, confirmed] = known[field] ?? [null, null, null];
    known[field] = [remote ?? remoteBefore, sent ?? sentBefore, confirmed];
  }
  return { archived, facts: known };
}

/** One of several steps is done, such as a restart before an update: the next one follows at once. */
export function advanced(work: Work, context: TypeContext, delivery: Delivery): Settlement {
  const problem = "Part of it was written; the rest follows.";
  return settlementOf(work, {
    mirror: patchOf(work, context, delivery),
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

function patchOf(work: Work, context: TypeContext, delivery: Delivery): MirrorPatch {
  const { desired } = work.content;
  const facts: Record<string, { remote?: string; sent?: string }> = {};
  if (delivery.created) {
    for (const field of context.mapped)
      if (context.specOf(field).writeOnly !== true) facts[field] = { remote: NOTHING };
  }
  for (const field of [...delivery.sent, ...delivery.equal]) {
    const own = desired.fields[field] ?? null;
    const spec = context.specOf(field);
    const sent = markOf(own, spec);
    facts[field] = spec.writeOnly === true ? { sent } : { remote: markOf(work.wire[field] ?? own, spec), sent };
  }
  for (const [field, value] of Object.entries(delivery.shown?.fields ?? {})) {
    const spec = context.specOf(field);
    if (spec.writeOnly === true) continue;
    const remote = markOf(value, spec);
    const own = desired.fields[field];
    // What ending or restarting it changed counts as delivered: Hull's former value is not sent back.
    const isMoved = delivery.archived !== undefined && own !== undefined && work.mirror?.facts[field]?.[0] !== remote;
    facts[field] = { ...facts[field], remote, ...(isMoved ? { sent: markOf(own, spec) } : {}) };
  }
  const wrote = delivery.outcome === "sent";
  return {
    id: delivery.remoteId,
    keys: keysAfter(work, delivery),
    parentId: work.parentId === undefined || !placed(delivery, context) ? undefined : work.parentId,
    facts,
    fresh: delivery.created,
    beside: context.type.identity === "ownKey" ? true : undefined,
    archived: delivery.archived ?? delivery.shown?.archived ?? work.mirror?.archived,
    writtenAtMs: wrote ? context.nowMs : undefined,
  };
}

/** Keys that the service now holds: all of a new record, otherwise those that were sent; empty = cleared. */
function keysAfter(work: Work, delivery: Delivery): Keys {
  const known = delivery.created ? Object.keys(work.content.desired.keys) : [...delivery.sent, ...delivery.equal];
  const keys: Record<string, string> = {};
  for (const name of known) {
    const value = work.content.desired.keys[name];
    if (value !== undefined) keys[name] = value;
    else if (work.content.desired.fields[name] === null) keys[name] = "";
  }
  return keys;
}

/** Whether the record is known to belong to the parent that Hull names. */
function placed(delivery: Delivery, { type }: TypeContext): boolean {
  if (type.parent === undefined || delivery.created) return true;
  return delivery.sent.includes(type.parent.field) || delivery.equal.includes(type.parent.field);
}

interface Confirming {
  /** What Hull does not know yet of the service's known state; absent when it knows everything. */
  readonly hullUpdate?: HullUpdate;
  /** What it was never told and showed to know anyway; fingerprints by field. */
  readonly shown: Readonly<Record<string, string>>;
  /** Values that Hull cannot hold, if any: neither told nor remembered as told. */
  readonly leftOut?: readonly LeftOut[];
}

function hullUpdateOf(work: Work, context: TypeContext, delivery: Delivery): Confirming {
  const known: Readonly<Record<string, Fact>> = delivery.created ? {} : (work.mirror?.facts ?? {});
  const { idField } = context.type;
  const attributes: Record<string, Json> = {};
  const facts: Record<string, string> = {};
  const shown: Record<string, string> = {};
  const unfit: LeftOut[] = [];
  /** A message may be older than the last Hull update, so it counts only where there was none. */
  const isShown = (field: string, isIt: (mark: string) => boolean): boolean => {
    const { hintId, shown: marks, replay } = work.content;
    const [, sent, confirmed] = known[field] ?? [null, null, null];
    const mark = field === idField ? hintId : marks?.[field];
    const isOpen = sent === null && confirmed === null && replay !== true && !(delivery.created && field !== ACCOUNT);
    if (!isOpen || mark === undefined || !isIt(mark)) return false;
    shown[field] = mark;
    return true;
  };

  // A profile that lost the id (Hull shows none although it confirmed one long ago) is told again.
  const { hintId, derived, version } = work.content;
  const confirmedAtMs = work.record?.confirmedAtMs;
  const lost = hintId === undefined && !derived && (confirmedAtMs === undefined || isForgotten(version, confirmedAtMs));
  const isSame = (id: string): boolean => id === delivery.remoteId;
  if (idField !== undefined && (lost || !(known[idField]?.[2] === delivery.remoteId || isShown(idField, isSame)))) {
    attributes[context.attributeOf(idField)] = delivery.remoteId;
    facts[idField] = delivery.remoteId;
  }
  for (const field of [...delivery.sent, ...delivery.equal]) {
    const value = work.wire[field] ?? work.content.desired.fields[field] ?? null;
    const { type, writeOnly } = context.specOf(field);
    if (writeOnly === true) continue;
    const fitted = fitForHull(value);
    if (!fitted.fits) {
      unfit.push({ field, misfit: fitted.misfit });
      continue;
    }
    // Earlier versions told objects as such, and not as text; that counts as known as well.
    const isHeld = (mark: string | null): boolean =>
      agrees(mark, fitted.value, type) || (fitted.value !== value && agrees(mark, value, type));
    if (isHeld(known[field]?.[2] ?? null) || isShown(field, isHeld)) continue;
    attributes[context.attributeOf(field)] = fitted.value;
    facts[field] = fingerprint(fitted.value, type);
  }
  const parent = work.content.desired.parent;
  const isLinked = ({ hullId }: DesiredParent): boolean =>
    known[ACCOUNT]?.[2] === hullId || isShown(ACCOUNT, (id) => id === hullId);
  const link = parent !== undefined && !isLinked(parent) ? parent : undefined;
  if (link !== undefined) facts[ACCOUNT] = link.hullId;
  const rest = { shown, leftOut: unfit.length === 0 ? undefined : unfit };
  if (Object.keys(attributes).length === 0 && link === undefined) return rest;
  return { hullUpdate: { claims: work.content.claims, attributes, facts, account: link?.claims }, ...rest };
}

/** A remote record as the mirror remembers it. */
export function observationOf(record: RemoteRecord, context: TypeContext): Observation {
  const facts: Record<string, string> = {};
  for (const [field, value] of Object.entries(record.fields)) {
    facts[field] = fingerprint(value, context.specOf(field).type);
  }
  return {
    id: record.id,
    keys: record.keys,
    parentId: record.parentId,
    complete: record.complete,
    archived: record.archived === true,
    createdAtMs: record.createdAtMs,
    facts,
  };
}

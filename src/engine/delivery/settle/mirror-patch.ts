/** What the mirror learns of a delivery. Pure. */
import type { Keys } from "../../../record";
import type { Fact, MirrorRow } from "../../../storage/port/rows";
import type { MirrorPatch } from "../../../storage/port/store";
import { NOTHING } from "../../../services/compare";
import { markOf } from "../../rules/write-only";
import type { Delivery, TypeContext, Work } from "../work";

/** The record as it is known after a delivery, for the question what comes next. */
export function afterwards(work: Work, { archived, facts, fresh }: MirrorPatch): Pick<MirrorRow, "archived" | "facts"> {
  const known: Record<string, Fact> = fresh ? {} : { ...work.mirror?.facts };
  for (const [field, { remote = null, sent = null }] of Object.entries(facts)) {
    const [remoteBefore, sentBefore, confirmed] = known[field] ?? [null, null, null];
    known[field] = [remote ?? remoteBefore, sent ?? sentBefore, confirmed];
  }
  return { archived, facts: known };
}

/** What is known of the record now. */
export function patchOf(work: Work, context: TypeContext, delivery: Delivery): MirrorPatch {
  const { desired } = work.content;
  const facts: Record<string, { remote?: string; sent?: string }> = {};
  if (delivery.created) {
    for (const field of context.mapped) facts[field] = { remote: NOTHING };
  }
  for (const field of [...delivery.sent, ...delivery.equal]) {
    const own = desired.fields[field] ?? null;
    const spec = context.specOf(field);
    const sent = markOf(own, spec);
    const held = work.wire[field] ?? own;
    facts[field] = spec.writeOnly === true ? { sent } : { remote: held === own ? sent : markOf(held, spec), sent };
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

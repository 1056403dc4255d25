/** What Hull is told after a delivery: the id, and every value of the service that it does not know yet. Pure. */
import { fitForHull } from "../../../hull/firehose/attribute-values";
import type { DesiredParent, Json, LeftOut } from "../../../record";
import type { Fact, HullUpdate } from "../../../storage/port/rows";
import { agrees, fingerprint } from "../../../services/compare";
import { ACCOUNT } from "../../hull-updates/what-hull-knows";
import { isForgotten } from "../../intake/unchanged";
import type { Delivery, TypeContext, Work } from "../work";

interface Confirming {
  /** What Hull does not know yet of the service's known state; absent when it knows everything. */
  readonly hullUpdate?: HullUpdate;
  /** What it was never told and showed to know anyway; fingerprints by field. */
  readonly shown: Readonly<Record<string, string>>;
  /** Values that Hull cannot hold, if any: neither told nor remembered as told. */
  readonly leftOut?: readonly LeftOut[];
}

export function hullUpdateOf(work: Work, context: TypeContext, delivery: Delivery): Confirming {
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
    // It takes the place of one that may have been marked.
    if (context.markAttribute !== undefined) attributes[context.markAttribute] = null;
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

/**
 * Which remote record is it? (docs/state.md, "Which remote record is it?") Pure: everything known goes in, a
 * verdict comes out. When several answers are possible none is given: a wrong link is worse than no link.
 */
import { isAlike, type Desired, type Keys } from "../../record";
import type { ObjectType } from "../../services/model";
import type { MirrorRow } from "../../storage/port/rows";

export type Identity =
  | {
      readonly kind: "match";
      readonly row: MirrorRow;
      readonly moved: boolean;
      readonly note?: "case_only" | "blanks_only" | "several";
    }
  /** No record matches; `namesake` when another record has one of its keys. */
  | { readonly kind: "absent"; readonly namesake: boolean }
  | { readonly kind: "ambiguous"; readonly ids: readonly string[] }
  /** The record is linked to another Hull entity. */
  | { readonly kind: "taken"; readonly row: MirrorRow; readonly by: string }
  | { readonly kind: "archived"; readonly row: MirrorRow };

export interface Subject {
  readonly hullId: string;
  readonly keys: Keys;
  readonly parentId?: string;
  /** The id that Hull remembers; it counts only when the record was read and its keys fit. */
  readonly hintId?: string;
}

/**
 * @param rows every known record that shares a key with the subject, and the one that the hint names
 */
export function identify(type: ObjectType, subject: Subject, rows: readonly MirrorRow[]): Identity {
  const inScope = (row: MirrorRow): boolean => type.parent === undefined || row.parentId === subject.parentId;

  for (const key of type.keys) {
    const value = subject.keys[key.name];
    if (value === undefined) continue;
    const hits = rows.filter((row) => (key.scope === "remote" || inScope(row)) && carries(row, key.name, value));
    const isExact = (row: MirrorRow): boolean => row.keys[key.name] === value;
    const isCased = (row: MirrorRow): boolean => row.keys[key.name]?.toLowerCase() === value.toLowerCase();
    // External ids are compared exactly; a movable key (an e-mail) may differ in case, or else in blanks around it.
    const nearest = [isExact, isCased].map((fits) => hits.filter(fits)).find((rows) => rows.length > 0) ?? hits;
    const fitting = key.movable === true ? nearest : hits.filter(isExact);
    const verdict = choose(type, subject, fitting, key.scope === "remote");
    if (verdict === undefined) continue;
    if (verdict.kind !== "match" || isExact(verdict.row)) return verdict;
    return { ...verdict, note: isCased(verdict.row) ? "case_only" : "blanks_only" };
  }

  const hinted = rows.find((row) => row.id === subject.hintId);
  if (hinted !== undefined && fits(type, subject, hinted)) return accept(type, subject, hinted, !inScope(hinted));

  const elsewhere = rows.filter((row) => !inScope(row));
  const alike = elsewhere.filter((row) => sharesMovableKey(type, subject, row));
  const strangers = alike.filter((row) => isSomebodyElse(type, subject, row));
  const movable = alike.filter((row) => !strangers.includes(row));
  const [only] = movable;
  if (only !== undefined && movable.length === 1 && strangers.length === 0) return accept(type, subject, only, true);
  if (movable.length > 0) return { kind: "ambiguous", ids: alike.map((row) => row.id) };
  return { kind: "absent", namesake: rows.some((row) => type.keys.some((key) => shares(subject, row, key.name))) };
}

function carries(row: MirrorRow, name: string, value: string): boolean {
  return isAlike(row.keys[name], value);
}

function shares(subject: Subject, row: MirrorRow, name: string): boolean {
  const value = subject.keys[name];
  return value !== undefined && carries(row, name, value);
}

/** A single hit decides; several records with one key: the linked one, else the oldest. */
function choose(
  type: ObjectType,
  subject: Subject,
  hits: readonly MirrorRow[],
  preferOldest: boolean,
): Identity | undefined {
  const active = hits.filter((row) => row.archived !== true);
  const present = active.length === 0 && isOpen(type) ? hits : active;
  const [first] = present;
  if (first === undefined) return hits[0] === undefined ? undefined : { kind: "archived", row: hits[0] };
  if (present.length === 1) return accept(type, subject, first, false);
  const own = present.find((row) => row.linkedTo === subject.hullId);
  if (own !== undefined) return { kind: "match", row: own, moved: false, note: "several" };
  if (!preferOldest) return { kind: "ambiguous", ids: present.map((row) => row.id) };
  // Ids of this service begin with their time of creation, so they decide where no date is known.
  const dated = present.every((row) => row.createdAtMs !== undefined);
  const age = (row: MirrorRow): number => (dated ? (row.createdAtMs ?? 0) : 0);
  const [oldest] = [...present].sort((a, b) => age(a) - age(b) || (a.id < b.id ? -1 : 1));
  const verdict = accept(type, subject, oldest ?? first, false);
  return verdict.kind === "match" ? { ...verdict, note: "several" } : verdict;
}

/** Archived records are no end of the matter: they are ended ones, come back, or are written like others. */
function isOpen({ archived, endable }: ObjectType): boolean {
  return archived !== undefined || endable === true;
}

/** The id of a record of a type that has no ids of the service's own. */
export function ownId(type: ObjectType | undefined, desired: Desired): string | undefined {
  const [key] = type?.keys ?? [];
  return type?.identity === "ownKey" && key !== undefined ? desired.keys[key.name] : undefined;
}

/** The record is archived, must be there, and is left alone. */
export function isClosed(
  { archived }: ObjectType,
  row: Pick<MirrorRow, "archived"> | undefined,
  { state }: Desired,
): boolean {
  return row?.archived === true && archived === undefined && state !== "ended";
}

function accept(type: ObjectType, subject: Subject, row: MirrorRow, moved: boolean): Identity {
  if (row.linkedTo !== undefined && row.linkedTo !== subject.hullId) return { kind: "taken", row, by: row.linkedTo };
  if (row.archived === true && !isOpen(type)) return { kind: "archived", row };
  return { kind: "match", row, moved };
}

/** The remembered id is believed when the record shares a key and contradicts no identifying one. */
function fits(type: ObjectType, subject: Subject, row: MirrorRow): boolean {
  const trusted = type.keys[0];
  const contradicts =
    trusted !== undefined &&
    subject.keys[trusted.name] !== undefined &&
    row.keys[trusted.name] !== undefined &&
    row.keys[trusted.name] !== subject.keys[trusted.name];
  if (contradicts) return false;
  return type.parent === undefined || type.keys.some((key) => shares(subject, row, key.name));
}

/** Linked to another Hull entity, or with another trusted key: certainly not ours. */
function isSomebodyElse(type: ObjectType, subject: Subject, row: MirrorRow): boolean {
  if (row.linkedTo !== undefined && row.linkedTo !== subject.hullId) return true;
  const trusted = type.keys[0];
  if (trusted === undefined) return false;
  const theirs = row.keys[trusted.name];
  return theirs !== undefined && theirs !== subject.keys[trusted.name];
}

function sharesMovableKey(type: ObjectType, subject: Subject, row: MirrorRow): boolean {
  return type.keys.some((key) => key.movable === true && shares(subject, row, key.name));
}

/**
 * Types that every folder shares: JSON values, keys, claims, the desired state of a record, and how it ends. Pure.
 */

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** How every record ends; see `outcome/outcome.ts` for the reasons. */
export type OutcomeKind = "sent" | "unchanged" | "skipped" | "rejected" | "superseded" | "dead";

/** Why Hull cannot hold a value; `unstorable`: no database can. See `hull/firehose/attribute-values.ts`. */
export type Misfit = "too_long" | "too_many" | "unstorable";

/** A value that Hull is not told because it cannot hold it. */
export interface LeftOut {
  /** The service's own name of the field. */
  readonly field: string;
  readonly misfit: Misfit;
}

/** Under which left-out values are counted: `misfit/field`. */
export const leftOutKey = ({ misfit, field }: LeftOut): string => `${misfit}/${field}`;

export function leftOutAt(key: string): LeftOut {
  const slash = key.indexOf("/");
  // Keys are made above, and nowhere else.
  return { field: key.slice(slash + 1), misfit: key.slice(0, slash) as Misfit };
}

/** Keys are plain strings by key name (`externalId`, `email`); empty ones are left out. */
export type Keys = Readonly<Record<string, string>>;

/** White space and invisible characters: a no-break or zero-width blank, a byte order mark. */
const BLANK = /[\s\p{Cc}\p{Cf}]/u;

/**
 * The form in which a key is looked up, without case and blanks around it. Finding comes first; identity decides
 * afterwards whether it is the record (docs/decisions/07-email-case.md).
 */
export function foldedKey(value: string): string {
  return withoutBlanks(value).toLowerCase();
}

/** A text without the blanks around it, visible or not; one of blanks only is kept, so it is never empty. */
export function withoutBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && BLANK.test(text.charAt(start))) start += 1;
  while (end > start && BLANK.test(text.charAt(end - 1))) end -= 1;
  return start === end ? text : text.slice(start, end);
}

/** Whether one value of a key finds the other; see `foldedKey`. */
export function isAlike(left: string | undefined, right: string): boolean {
  return left !== undefined && foldedKey(left) === foldedKey(right);
}

/**
 * A write-only value as it is stored: encrypted for its record, with a keyed hash by which it is compared. Whatever a
 * person is shown of it is the word `hidden`.
 */
export type Hidden = { readonly sealed: string; readonly mark: string };

export function isHidden(value: Json | undefined): value is Hidden {
  if (typeof value !== "object" || value === null || !("sealed" in value && "mark" in value)) return false;
  // Somebody's own object may have properties of these names, too.
  return typeof value.sealed === "string" && typeof value.mark === "string" && Object.keys(value).length === 2;
}

/** Fields as people are shown them. */
export function shownFields(fields: Readonly<Record<string, Json>>): Readonly<Record<string, Json>> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, isHidden(value) ? "hidden" : value]));
}

/** Identity claims towards Hull: any of id, external_id, email, domain, anonymous_id. */
export type Claims = Readonly<Record<string, string>>;

/** The whole state that Hull wants a record to have: never a patch, never a remote id. */
export interface Desired {
  /**
   * Field name → value; `null` means that Hull holds nothing and clearing is switched on. From the plan on, write-only
   * values are `Hidden`.
   */
  readonly fields: Readonly<Record<string, Json>>;
  readonly keys: Keys;
  /** Fields that are null now and had a value before, according to Hull's `changes`. */
  readonly cleared: readonly string[];
  /** The data of the parent, so that a missing one can be created. */
  readonly parent?: DesiredParent;
  /** Only for types that can be ended; absent: the record is to be there, or `Service.next` decides. */
  readonly state?: "ended";
  /** The entity left what is synchronised: messages that a filter skips do not withdraw that. */
  readonly leaves?: true;
  /** Sent by hand from outside of what is synchronised: whoever was to leave still leaves. */
  readonly outside?: true;
  /** What ending or restarting it needs to say (a date, a reason): sent with those alone, and never compared. */
  readonly stateFields?: Readonly<Record<string, Json>>;
}

/** A desired record as people are shown it, with its parent. */
export function shownDesired({ fields, stateFields, parent, ...rest }: Desired): Desired {
  return {
    fields: shownFields(fields),
    ...rest,
    ...(stateFields && { stateFields: shownFields(stateFields) }),
    ...(parent && { parent: { ...parent, desired: shownDesired(parent.desired) } }),
  };
}

export interface DesiredParent {
  readonly type: string;
  /** Hull id of the parent entity. */
  readonly hullId: string;
  readonly desired: Desired;
  readonly claims: Claims;
  /** The id that Hull remembers for the parent (`planhat/id`), only a hint. */
  readonly hintId?: string;
}

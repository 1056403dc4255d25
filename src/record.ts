/**
 * What travels through the house: JSON values, keys, claims, the desired state of a record, and how it ends.
 * Pure data; every floor may know it.
 */

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** How every record ends; see `engine/outcome.ts` for the reasons. */
export type OutcomeKind = "sent" | "unchanged" | "skipped" | "rejected" | "superseded" | "dead";

/** Keys are plain strings by key name (`externalId`, `email`); empty ones are left out. */
export type Keys = Readonly<Record<string, string>>;

/** Identity claims towards Hull: any of id, external_id, email, domain, anonymous_id. */
export type Claims = Readonly<Record<string, string>>;

/** The whole state that Hull wants a record to have: never a patch, never a remote id. */
export interface Desired {
  /** Field name → value; `null` means that Hull holds nothing and clearing is switched on. */
  readonly fields: Readonly<Record<string, Json>>;
  readonly keys: Keys;
  /** Fields that are null now and that Hull's `changes` show to have held a value. */
  readonly cleared: readonly string[];
  /** What the parent looks like, so that a missing one can be created. */
  readonly parent?: DesiredParent;
}

export interface DesiredParent {
  readonly type: string;
  /** Hull id of the parent entity. */
  readonly hullId: string;
  readonly desired: Desired;
  readonly claims: Claims;
  /** The id that Hull remembers for the parent (`planhat/id`), a hint only. */
  readonly hintId?: string;
}

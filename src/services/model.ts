/** What the seam speaks of: object types, fields, plans and records. */
import type { Reason } from "../outcome/outcome";
import type { Claims, Desired, Json, Keys } from "../record";

/** How two values of a field are compared; see `compare.ts`. */
export type FieldType = "text" | "name" | "number" | "boolean" | "instant" | "day" | "set" | "any";

export interface FieldSpec {
  /** The service's own field name. A custom field is `custom.` + its literal name, dots and brackets included. */
  readonly name: string;
  readonly type: FieldType;
  /** Never compared, only sent when the record is created (for example a creation date). */
  readonly writeOnce?: boolean;
  /** The old settings tables offered it, but the service computes it; never sent. */
  readonly readOnly?: boolean;
  /**
   * A secret of a person, such as a social security number: compared by a keyed hash, encrypted while it is stored,
   * opened only for the call, never read, shown or told.
   */
  readonly writeOnly?: boolean;
  /** Another field that is sent whenever this one is, whether it changed or not. */
  readonly alongside?: string;
}

/** A key by which the service or we may recognise a record, in order of trust. */
export interface KeySpec {
  readonly name: string;
  /** The claim by which Hull knows the same, if it does. */
  readonly claim?: "external_id" | "email" | "domain";
  /** Unique in the whole remote, or only among the children of one parent. */
  readonly scope: "remote" | "parent";
  /** Secondary: finding it under another parent may mean that the record moved. */
  readonly movable?: boolean;
}

/**
 * A kind of record of the service. What a type says it lacks is never asked for: `find` and `read` are needed unless
 * every type says `lookup: false`, `list` only if the fetch policy names a type, and only `endable` types get intents
 * to end or restart.
 */
export interface ObjectType {
  readonly name: string;
  readonly entity: "user" | "account";
  readonly keys: readonly KeySpec[];
  /** The service gives no ids: the first key, which is unique in the remote, is the id. */
  readonly identity?: "ownKey";
  /** The field under which Hull is told the remote id; absent: it is not told. Stored, so it never changes. */
  readonly idField?: string;
  /** Records can be neither found nor read: only what this connector wrote is known. */
  readonly lookup?: false;
  /** Records can be ended (terminated, archived); ended ones are `archived`. */
  readonly endable?: true;
  /**
   * What becomes of archived records that should be there. By default they are left alone; `revive`: they come back;
   * `update`: they are written like others, and only `Service.next` brings them back.
   */
  readonly archived?: "revive" | "update";
  readonly writes?: Writes;
  /** The type whose record must have a remote id first, and the field that carries that id. */
  readonly parent?: { readonly type: string; readonly field: string };
  /** Things that happened: sent once each, never looked up, compared, changed or told to Hull. */
  readonly append?: true;
  /** Hull has no object of this kind, so nothing is written back. */
  readonly untold?: true;
  /** What log lines call it, when not by the entity: `outgoing.user_event.success`. */
  readonly logName?: string;
}

/** How records of a type are written. */
export interface Writes {
  /** Records of one request, where `Service.chunks` does not cut; 1 by default. */
  readonly most?: number;
  /** Requests at once; 1 by default. */
  readonly concurrent?: number;
  /**
   * What may simply be sent again when its answer was lost; by default everything but a create. For types with `append`
   * `Service.unconfirmed` decides.
   */
  readonly repeatable?: readonly IntentKind[];
  /** Whether a record was ended is not shown: when the answer to that is lost, a person looks. */
  readonly endUnseen?: true;
  /** A write carries every field of the record, and not only those that differ. */
  readonly whole?: true;
  /** Requests name a record by its key, so that another one with the same key could be meant, unless `Intent.namesake`. */
  readonly byKey?: true;
  /** `apply` with `dryRun` asks the service what it would do. */
  readonly dryRun?: true;
}

/** `insert`: what is there is never changed. `update`: what is missing is never created. */
export type WritePolicy = "insert" | "update";

export type IntentKind = "create" | "update" | "end" | "restart";

/** What becomes of a message before anything remote is asked: one plan per record, the entity's own record first. */
export type Plan = { readonly type: string; readonly hullId: string } & PlannedRecord;

export type PlannedRecord =
  | { readonly kind: "end"; readonly outcome: "skipped" | "rejected"; readonly reasons: readonly Reason[] }
  | {
      readonly kind: "record";
      readonly desired: Desired;
      readonly claims: Claims;
      /** The remote id as Hull shows it: a hint, used only after the record was read and its keys fit. */
      readonly hintId?: string;
      readonly warnings: readonly Reason[];
    };

/** A remote record as it was read: only the fields that were asked for. */
export interface RemoteRecord {
  readonly id: string;
  readonly keys: Keys;
  readonly parentId?: string;
  /** Field name → value as the service stores it; an asked field that is absent there is `null`. */
  readonly fields: Readonly<Record<string, Json>>;
  /** False when only keys were read (a lean list): the content is unknown. */
  readonly complete: boolean;
  /** Archived or, of a type that can be ended, ended. */
  readonly archived?: boolean;
  /** Milliseconds since 1970; the oldest of several namesakes wins. */
  readonly createdAtMs?: number;
  readonly updatedAtMs?: number;
}

/** One condition for a message, and whether it is met. */
export interface Check {
  /** For people: the setting's title, or what must be there. */
  readonly name: string;
  /** `bypassed`: it would have failed, but exports and batches ignore it. */
  readonly verdict: "passed" | "failed" | "bypassed";
  /** What the outcome says when it fails. */
  readonly reason: Reason;
}

/**
 * The seam between the engine and a remote service.
 *
 * A service declares its object types as data and implements a handful of functions. The engine thinks in
 * desired records, intents and results; which verbs, order and routes those become is the service's business.
 */
import type { EntityMessage } from "./message";
import type { Reason } from "../outcome/outcome";
import type { Claims, Desired, Json, Keys, LeftOut } from "../record";

export type { Claims, Desired, DesiredParent, Json, Keys } from "../record";

/** How two values of a field are compared; see `engine/compare.ts`. */
export type FieldType = "text" | "name" | "number" | "boolean" | "instant" | "set" | "any";

export interface FieldSpec {
  /** The service's own field name. A custom field is `custom.` + its literal name, dots and brackets included. */
  readonly name: string;
  readonly type: FieldType;
  /** Never compared, only sent when the record is created (for example a creation date). */
  readonly writeOnce?: boolean;
  /** The old settings tables offered it, but the service computes it; never sent. */
  readonly readOnly?: boolean;
}

/** A key by which the service or we may recognise a record, in order of trust. */
export interface KeySpec {
  readonly name: string;
  /** The claim by which Hull knows the same. */
  readonly claim: "external_id" | "email";
  /** Unique in the whole remote, or only among the children of one parent. */
  readonly scope: "remote" | "parent";
  /** Secondary: finding it under another parent may mean that the record moved. */
  readonly movable?: boolean;
}

export interface ObjectType {
  readonly name: string;
  readonly entity: "user" | "account";
  readonly keys: readonly KeySpec[];
  /** The type whose record must have a remote id first, and the field that carries that id. */
  readonly parent?: { readonly type: string; readonly field: string };
  /** Things that happened: sent once each, never looked up, compared, changed or told to Hull. */
  readonly append?: true;
  /** Hull has no object of this kind, so nothing is written back. */
  readonly untold?: true;
  /** What log lines call it, when not by the entity: `outgoing.user_event.success`. */
  readonly logName?: string;
}

/** What becomes of a message before anything remote is asked: one plan per record, the entity's own record first. */
export type Plan = { readonly type: string; readonly hullId: string } & PlannedRecord;

export type PlannedRecord =
  | { readonly kind: "end"; readonly outcome: "skipped" | "rejected"; readonly reasons: readonly Reason[] }
  | {
      readonly kind: "record";
      readonly desired: Desired;
      readonly claims: Claims;
      /** `planhat/id` as Hull shows it: a hint, used only after the record was read and its keys fit. */
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
  readonly archived?: boolean;
  /** Milliseconds since 1970; the oldest of several namesakes wins. */
  readonly createdAtMs?: number;
  readonly updatedAtMs?: number;
}

/** A record that is looked for by its keys. */
export interface Wanted {
  readonly keys: Keys;
  readonly parentId?: string;
  /** The id that Hull remembers; read it directly when nothing else fits. */
  readonly hintId?: string;
  /** An unconfirmed create: neither mirror nor earlier scans count, ask the service now. */
  readonly fresh: boolean;
}

export interface Found {
  /** Everything that was read on the way, wanted or not: all of it updates the mirror. */
  readonly records: readonly RemoteRecord[];
  /** Per wanted record: true when `records` now holds every record that could match it. */
  readonly exhaustive: readonly boolean[];
  /** Set when all remote records of the type were read. */
  readonly scan?: { readonly startedAtMs: number; readonly size: number };
  /** Why some are not exhaustive. */
  readonly problem?: Problem;
}

/** What the engine already knows when it looks for records; decides which way costs the fewest calls. */
export interface FindKnowledge {
  /** Size of the last complete scan; unknown before the first one. */
  readonly scanSize?: number;
  /** Field names to read, in the engine's naming. */
  readonly fields: readonly string[];
  /** Only the identity matters, the content need not be read (parents that exist already). */
  readonly identityOnly: boolean;
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

/** One record to be written. `fields` holds wire values; nothing else may be sent except keys. */
export interface Intent {
  readonly kind: "create" | "update";
  /** The Hull entity that it is for; nothing for the service to send. */
  readonly hullId?: string;
  /** Known for updates. */
  readonly remoteId?: string;
  readonly keys: Keys;
  readonly parentId?: string;
  readonly fields: Readonly<Record<string, Json>>;
  /** Another remote record shares one of the keys: the write must not be matched by key. */
  readonly namesake: boolean;
}

export type Result =
  | { readonly kind: "created"; readonly remoteId: string }
  | { readonly kind: "updated" }
  /** The id of an update was gone; the service made a new record out of it. */
  | { readonly kind: "replaced"; readonly remoteId: string }
  /** The id of an update is gone and nothing was written. */
  | { readonly kind: "gone" }
  /** A create came back as the update of another record. */
  | { readonly kind: "conflict"; readonly remoteId: string; readonly message: string }
  | { readonly kind: "rejected"; readonly message: string; readonly status: number }
  /** Perhaps written, perhaps not: must be read back before it is tried again. */
  | { readonly kind: "unconfirmed"; readonly message: string }
  /** Certainly not written; try again after the wait. */
  | { readonly kind: "later"; readonly waitMs: number; readonly message: string };

/** A problem that concerns more than one record. */
export interface Problem {
  readonly scope: "lane" | "type";
  readonly kind: "auth" | "configuration" | "transient" | "mapping";
  readonly message: string;
  readonly waitMs: number;
}

export interface Applied {
  /** One result per intent, same order. */
  readonly results: readonly Result[];
  readonly problem?: Problem;
}

export type Prepared =
  | {
      readonly kind: "ready";
      readonly fields: Readonly<Record<string, Json>>;
      /** Fields that are not to be written, and why: they are neither compared nor remembered as sent. */
      readonly withheld?: Readonly<Record<string, Reason>>;
      /** What else a person should know about the values. */
      readonly warnings?: readonly Reason[];
    }
  | { readonly kind: "skip"; readonly reason: Reason }
  | { readonly kind: "later"; readonly waitMs: number; readonly message: string };

/** A record whose id is known. */
export interface Known {
  readonly id: string;
  /** Its last known parent, which may make reading cheaper. */
  readonly parentId?: string;
}

export interface ReadBack {
  /** What was read, perhaps with others that were not asked for. */
  readonly records: readonly RemoteRecord[];
  /** Ids that the service says it does not have. */
  readonly gone: readonly string[];
  readonly problem?: Problem;
}

/** A value of a remote record that Hull may be told. */
export interface IncomingAttribute {
  /**
   * What Hull confirmed is remembered under this name. For the attribute that a write-back fills it is the service's
   * own field name; a further attribute of that field has a name of its own. Two attributes may share one
   * (`planhat/name` and `name`): they hold the same value and are told together.
   */
  readonly field: string;
  /** Without entity prefix, once in a record: `planhat/phase`, `name`. */
  readonly attribute: string;
  /** As Hull can hold it; null = the service holds nothing. */
  readonly value: Json;
  /** Written only where Hull holds nothing. */
  readonly setIfNull?: true;
  /** Sent together with a message, but never the cause of one. */
  readonly volatile?: true;
}

/** A row of a list. Parts that are not used need not be computed: of most rows id and age are enough. */
export interface ListedRecord {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly updatedAtMs?: number | undefined;
  readonly record: RemoteRecord;
  /** The record's own claims towards Hull: external_id, email or domain. Nobody has checked that they are unique. */
  readonly claims: Claims;
  /** What the service shows; an absent field is unknown, not empty. */
  readonly attributes: readonly IncomingAttribute[];
  /** What was left out because Hull cannot hold it; each field once. */
  readonly leftOut?: readonly LeftOut[];
}

export interface ListPage {
  readonly rows: readonly ListedRecord[];
  /** Where to continue: a short text that may be stored. Absent at the end of the list. */
  readonly next?: string;
  /** Nothing of the page counts. */
  readonly problem?: Problem;
}

/** How much a finding matters, the lightest first; `ok`: nothing is wrong, just a hint. */
export const FINDING_LEVELS = ["ok", "warning", "error", "setupRequired"] as const;

export type FindingLevel = (typeof FINDING_LEVELS)[number];

/** Something about a connector that a person should know. The text says what it is and what to do, without secrets. */
export interface Finding {
  readonly level: FindingLevel;
  readonly text: string;
}

/** A field that can be chosen in the settings. */
export interface FieldOption {
  readonly value: string;
  readonly label: string;
}

/** `custom`: a tenant's own fields alone, by their bare names. */
export type FieldUse = "outgoing" | "incoming" | "custom";

/** Fields to choose from; a problem means that the tenant's own ones are missing. */
export interface FieldChoice {
  readonly options: readonly FieldOption[];
  readonly problem?: string;
}

/** A service reached with one tenant's credentials. Every call goes through the tenant's request budget. */
export interface Connection {
  /** Turns desired values into wire values (an owner's e-mail into an id). `parentIds[i]` belongs to `records[i]`. */
  prepare(type: string, records: readonly Desired[]): Promise<readonly Prepared[]>;
  /** Looks records up by key in the cheapest way. Never throws for remote failures: see `problem`. */
  find(type: string, wanted: readonly Wanted[], knowledge: FindKnowledge): Promise<Found>;
  /** Reads known ids in the cheapest way. Never throws for remote failures. */
  read(type: string, known: readonly Known[], fields: readonly string[]): Promise<ReadBack>;
  /**
   * One page of all records of a type, in the order of their creation where the service has one, in one call where it
   * can. Pages overlap: a row may come twice. Never throws for remote failures.
   *
   * @param fields what `ListedRecord.record` shall hold, usually the mapped fields
   * @param from `next` of the page before; undefined = the start
   * @param shown fields that lists have shown so far: where a row that is known to be complete does not show one of them,
   *   its attribute is null
   */
  list(type: string, fields: readonly string[], from: string | undefined, shown?: readonly string[]): Promise<ListPage>;
  /** Writes one chunk as cut by `Service.chunks`. Never throws for remote failures. */
  apply(type: string, chunk: readonly Intent[]): Promise<Applied>;
  /** Asks the service itself whether the settings work, in a handful of calls. Never throws for remote failures. */
  inspect(): Promise<readonly Finding[]>;
  /** `Service.fieldOptions` and the tenant's own fields; undefined as there. Never throws for remote failures. */
  fieldOptions(table: string, use: FieldUse): Promise<FieldChoice | undefined>;
}

/** What a full fetch reads, and what it does in Hull besides setting attributes. */
export interface FetchPolicy {
  /** Parents before children. */
  readonly types: readonly FetchedType[];
  /** Children are linked to their parent in Hull, as users are to accounts. */
  readonly linkToParent: boolean;
  /** The Hull attribute that says when a record went missing. */
  readonly deletedAttribute: string;
  /** Missing records are marked. The return of a record is told even if it was marked under former settings. */
  readonly marksDeleted: boolean;
}

export interface FetchedType {
  readonly type: string;
  /** From one fetch to the next; 0 = at every call. */
  readonly intervalMinutes: number;
}

export type SettingsResult<S> =
  | { readonly ok: true; readonly settings: S; readonly warnings: readonly Reason[] }
  | { readonly ok: false; readonly problems: readonly string[] };

export interface Service<S> {
  readonly name: string;
  /** Parents before children. */
  readonly types: readonly ObjectType[];
  /** Parses `private_settings` of any installation, old or new. */
  readSettings(privateSettings: unknown): SettingsResult<S>;
  /** What can be said from the settings alone, in the order in which it is best mended; pure. */
  checkSettings(settings: S): readonly Finding[];
  /**
   * What the outcomes of the last day say about values that the settings cannot show. Pure.
   * @param outcomes `type/outcome/code` → count
   */
  checkOutcomes(outcomes: Readonly<Record<string, number>>): readonly Finding[];
  /** The fields that every tenant has, for a list in the settings; undefined when there is no such list. Pure. */
  fieldOptions(table: string, use: FieldUse): readonly FieldOption[] | undefined;
  /** Undefined when a setting that reaching the service needs (the token) is missing. */
  target(settings: S): Target | undefined;
  /** Filter and mapping; pure, no I/O. `isExport` skips the filters, never the hard restrictions. */
  plan(message: EntityMessage, settings: S): readonly Plan[];
  /** What `plan` checks before it maps the entity's own record, in its order; for people who ask why. Pure. */
  checks(message: EntityMessage, settings: S): readonly Check[];
  /**
   * A short text that is the same for two messages of an entity only if `plan` makes the same single record of both;
   * undefined where that cannot be told cheaply. Pure.
   */
  fingerprint(message: EntityMessage, settings: S): string | undefined;
  /** What to do with an appended record whose answer was lost: send it again, or keep it for a person. */
  unconfirmed(settings: S): "repeat" | "hold";
  field(type: string, name: string): FieldSpec;
  /** The fields that today's mapping reads and writes. */
  mappedFields(type: string, settings: S): readonly string[];
  /** The Hull attribute that fills each field by today's mapping, in one spelling; none where nothing is sent. Pure. */
  fieldSources(type: string, settings: S): Readonly<Record<string, string>>;
  /** Hull attribute under which a field is written back, without entity prefix: `planhat/custom_nps`. */
  hullAttribute(type: string, field: string): string;
  /** How the remote records come to Hull. */
  fetchPolicy(settings: S): FetchPolicy;
  /** Cuts intents into chunks that one `apply` may carry; every intent in exactly one chunk, by index. */
  chunks(type: string, intents: readonly Intent[], settings: S): readonly (readonly number[])[];
  connect(settings: S, target: Target): Connection;
}

/** Where a tenant's records live. */
export interface Target {
  /** Base URL + tenant at the service; never derived from a token that rotates. Undefined tenant: not known. */
  readonly baseUrl: string;
  readonly account?: string;
  /** Changes whenever token, host or tenant id change. A keyed hash, not a secret. */
  readonly fingerprint: string;
  /** The key by which the service counts quotas. */
  readonly quotaKey: string;
}

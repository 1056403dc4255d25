/** A service reached with one tenant's credentials: what the engine asks of it, and what it answers. */
import type { Reason } from "../outcome/outcome";
import type { Claims, Desired, Json, Keys, LeftOut } from "../record";
import type { IntentKind, RemoteRecord } from "./model";

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

/**
 * One record to be written. `fields` holds wire values; nothing else may be sent except keys. To end or restart a
 * record is an intent of its own, with `Desired.stateFields` as fields.
 */
export interface Intent {
  readonly kind: IntentKind;
  /** The Hull entity that it is for; nothing for the service to send. */
  readonly hullId?: string;
  /** Known for all but creates. */
  readonly remoteId?: string;
  readonly keys: Keys;
  readonly parentId?: string;
  readonly fields: Readonly<Record<string, Json>>;
  /** Another remote record shares one of the keys: the write must not be matched by key. */
  readonly namesake: boolean;
  /** Keys under which the record is known, for services that address it by one. None for creates. */
  readonly knownKeys?: Keys;
}

/** The answer showed the record as it is now. */
interface Answered {
  readonly record?: RemoteRecord;
}

export type Result =
  /** @property remoteId where the type has remote ids */
  | ({ readonly kind: "created"; readonly remoteId?: string } & Answered)
  | ({ readonly kind: "updated" | "ended" | "restarted" } & Answered)
  /** Taken, and cannot be confirmed record by record; it counts as done. */
  | { readonly kind: "accepted"; readonly remoteId?: string }
  /** The id of an update was gone; the service made a new record out of it. */
  | { readonly kind: "replaced"; readonly remoteId: string }
  /** The id of an update is gone and nothing was written. */
  | { readonly kind: "gone" }
  /** A create came back as the update of another record. */
  | { readonly kind: "conflict"; readonly remoteId: string; readonly message: string }
  /** @property reason says more than the common `refused` does, with one of the service's own codes */
  | { readonly kind: "rejected"; readonly message: string; readonly status: number; readonly reason?: Reason }
  /** Nothing was written, because of what the service showed only then: nobody need do anything about it. */
  | { readonly kind: "skipped"; readonly reason: Reason }
  /** Perhaps written, perhaps not: must be read back before it is tried again. */
  | { readonly kind: "unconfirmed"; readonly message: string }
  /**
   * Certainly not written; try again after the wait.
   *
   * @property notAttempted it stood behind others of the chunk; once one of these has ended, it need not wait
   */
  | { readonly kind: "later"; readonly waitMs: number; readonly message: string; readonly notAttempted?: true };

/** A problem that concerns more than one record. */
export interface Problem {
  readonly scope: "lane" | "type";
  readonly kind: "auth" | "configuration" | "transient" | "mapping";
  readonly message: string;
  readonly waitMs: number;
}

export interface ApplyOptions {
  /** Nothing is written: the service says what it would do. Only for types whose `writes.dryRun` says that it can. */
  readonly dryRun?: true;
  /** What stands behind a failure is not attempted, and its result is `later`. Asked for by dry runs. */
  readonly stopOnError?: true;
}

export interface Applied {
  /** One result per intent, same order. */
  readonly results: readonly Result[];
  readonly problem?: Problem;
  /** Of a dry run: what the service itself reported, as it came, for people; one for each request. */
  readonly reports?: readonly Json[];
}

export type Prepared =
  | {
      readonly kind: "ready";
      readonly fields: Readonly<Record<string, Json>>;
      /** Fields that are not to be written, and why: they are neither compared nor remembered as sent. */
      readonly withheld?: Readonly<Record<string, Reason>>;
      /** What else a person should know about the values. */
      readonly warnings?: readonly Reason[];
      /** The record is to be ended or restarted, and cannot be: the rest is written, and this is its outcome. */
      readonly stuck?: Stuck;
    }
  | ({ readonly kind: "end" } & Stuck)
  | { readonly kind: "later"; readonly waitMs: number; readonly message: string };

/** How the message ends. The reason names fields, never the values of write-only ones. */
export interface Stuck {
  readonly outcome: "skipped" | "rejected";
  readonly reason: Reason;
}

/** What is remembered of a remote record. */
export interface Remembered {
  readonly archived: boolean;
  /** Field → fingerprint of what it holds, see `compare.ts`: days and short texts can be read. Absent: not known. */
  readonly holds: Readonly<Record<string, string>>;
}

/** A record whose id is known. */
export interface Known {
  readonly id: string;
  /** Keys under which it is known. */
  readonly keys?: Keys;
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

/** Something that happened, told to Hull once: see `ListedRecord.event`. */
export interface HappenedEvent {
  /** As Hull shows it: `Company activity`. */
  readonly name: string;
  /** Milliseconds since 1970; undefined: the service does not say. */
  readonly atMs?: number;
  readonly properties: Readonly<Record<string, Json>>;
}

/** A row of a list. Parts that are not used need not be computed: of most rows id and age are enough. */
export interface ListedRecord {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly updatedAtMs?: number | undefined;
  readonly record: RemoteRecord;
  /**
   * The record's own claims towards Hull: external_id, email or domain. Nobody has checked that they are unique. Undefined
   * where one that the settings require is missing: Hull is told nothing, unless it is known to have the record.
   */
  readonly claims: Claims | undefined;
  /** What the service shows; an absent field is unknown, not empty. */
  readonly attributes: readonly IncomingAttribute[];
  /** What was left out because Hull cannot hold it; each field once. */
  readonly leftOut?: readonly LeftOut[];
  /**
   * The row is no record, but something that happened to the record's parent, an account: Hull is told the event instead
   * of attributes. Hull has events of users alone, so they are those of one user for each parent, who is linked to it.
   * Its attributes say whether it was told: one, which never changes.
   */
  readonly event?: HappenedEvent;
}

export interface ListPage {
  readonly rows: readonly ListedRecord[];
  /** Where to continue: a short text that may be stored. Absent at the end of the list. */
  readonly next?: string;
  /** The list may leave out records: what none of its pages shows may be there nevertheless. */
  readonly partial?: true;
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

/**
 * A service reached with one tenant's credentials. Every call goes through the tenant's request budget. `find` and
 * `read` are there unless every type says `lookup: false`, `list` if the fetch policy names some type.
 */
export interface Connection {
  /**
   * What can be refused before anything is looked up, so that it costs no call; undefined: nothing. Write-only values are
   * open here and in `prepare`.
   */
  check?(
    type: string,
    records: readonly Desired[],
  ): Promise<readonly (Exclude<Prepared, { kind: "ready" }> | undefined)[]>;
  /**
   * Turns desired values into wire values (an owner's e-mail into an id), those of `stateFields` as well.
   *
   * @param known what is remembered of each record; undefined: it is to be created
   */
  prepare(
    type: string,
    records: readonly Desired[],
    known: readonly (Remembered | undefined)[],
  ): Promise<readonly Prepared[]>;
  /** Looks records up by key in the cheapest way. Never throws for remote failures: see `problem`. */
  find?(type: string, wanted: readonly Wanted[], knowledge: FindKnowledge): Promise<Found>;
  /** Reads known ids in the cheapest way. Never throws for remote failures. */
  read?(type: string, known: readonly Known[], fields: readonly string[]): Promise<ReadBack>;
  /**
   * One page of all records of a type, in the order of their creation where the service has one, in one call where it
   * can. Pages overlap: a row may come twice. Never throws for remote failures.
   *
   * @param fields what `ListedRecord.record` shall hold, usually the mapped fields
   * @param from `next` of the page before; undefined = the start
   * @param shown fields that lists have shown so far: where a row that is known to be complete does not show one of them,
   *   its attribute is null
   * @param sinceMs rows that changed before this moment need not be shown, milliseconds since 1970; undefined: all are
   */
  list?(
    type: string,
    fields: readonly string[],
    from: string | undefined,
    shown?: readonly string[],
    sinceMs?: number,
  ): Promise<ListPage>;
  /** Writes one chunk as cut by `Service.chunks`. Never throws for remote failures. */
  apply(type: string, chunk: readonly Intent[], options?: ApplyOptions): Promise<Applied>;
  /**
   * What a record would show after a request that a dry run does not make, as far as that decides what comes next. Only
   * for types with `endable`, whose service has a rule of its own about it.
   */
  foretell?(type: string, intent: Intent): RemoteRecord | undefined;
  /** Asks the service itself whether the settings work, in a handful of calls. Never throws for remote failures. */
  inspect(): Promise<readonly Finding[]>;
  /** `Service.fieldOptions` and the tenant's own fields; undefined as there. Never throws for remote failures. */
  fieldOptions(table: string, use: FieldUse): Promise<FieldChoice | undefined>;
}

/** What is remembered, row by row. Everything below a tenant belongs to a remote: see docs/state.md. */
import type { Claims, Desired, Json, Keys, OutcomeKind } from "../../record";

/** Names a record among those of a remote. */
export interface RecordName {
  readonly type: string;
  readonly hullId: string;
}

/** Names the part of a record that is one connector's own. */
export interface RecordPlace extends RecordName {
  readonly tenant: string;
}

/** One installed connector of a service. */
export interface TenantRow {
  readonly key: string;
  readonly organization: string;
  readonly connectorId: string;
  /** Connector secret and private settings, encrypted at rest. */
  readonly sealed: string;
  /** `connector.updated_at` of the settings, milliseconds since 1970; older settings never replace newer ones. */
  readonly settingsAtMs: number;
  /** When Hull gave the answer that allowed these settings, milliseconds since 1970; absent without such an answer. */
  readonly askedAtMs?: number;
  /** Where this tenant's records live; absent until the settings name a reachable target. */
  readonly remote?: string;
  /** Fingerprint of the credentials with which `remote` was last confirmed to be the same. */
  readonly fingerprint?: string;
}

/** What became of a call that came with an Idempotency-Key. */
export interface KeyedCallRow {
  /** When it was begun, milliseconds since 1970. */
  readonly atMs: number;
  /** Nobody else ever has the same; who began it may end it. */
  readonly by: string;
  /** Encrypted; empty: it was lost. */
  readonly sealed: string;
}

/** One tenant of the service as seen through one Hull organization. */
export interface RemoteDocument {
  readonly key: string;
  /** By which its rows are found; 0: it has none yet. */
  readonly number: number;
  /** Grows when the known ids turn out to belong to another remote; older links and mirrors no longer count. */
  readonly generation: number;
  /** Last complete scan by type. */
  readonly scans: Readonly<Record<string, Scan>>;
  /** Its connectors in the order of their numbers: their parts of records, and what each sent of a field. */
  readonly senders?: readonly string[];
  /** The store was set back then, milliseconds since 1970: what had been taken in before may have been written already. */
  readonly wentBackAtMs?: number;
}

export interface Scan {
  readonly startedAtMs: number;
  readonly size: number;
  /** The list may leave out records: it proves no absence. */
  readonly partial?: true;
}

/** What is known of one Hull entity, as one connector sees it; it stays after the outbox entry is gone. */
export type RecordRow = Omit<RecordDocument, "own" | "pending"> & Pick<OwnPart, "last" | "same">;

export interface Outcome {
  readonly messageId: string;
  readonly outcome: OutcomeKind;
  readonly code: string;
  readonly text: string;
  readonly atMs: number;
  /** False for a redelivered message: counted before. */
  readonly counted: boolean;
  /** A warning about how the record was found or converted. */
  readonly note?: string;
  /** For a record made for its children: counted apart, since no message asked for it. */
  readonly derived?: true;
  /** The run that the message belongs to. */
  readonly run?: string;
}

/**
 * `remote`: what is there. `sent`: what this connector delivered or found equal. `told`: what Hull confirmed.
 * Fingerprints. Stored rows have what further connectors sent at the end; see `RemoteDocument.senders`.
 */
export type Fact = readonly [
  remote: string | null,
  sent: string | null,
  told: string | null,
  ...others: readonly (string | null)[],
];

/** What the service is known to hold for one of its records. */
export interface MirrorRow {
  readonly id: string;
  readonly generation: number;
  readonly keys: Keys;
  readonly parentId?: string;
  /** Hull id of the one entity that is linked to it. */
  readonly linkedTo?: string;
  readonly facts: Readonly<Record<string, Fact>>;
  /** False while only keys are known (seen in a lean list). */
  readonly complete: boolean;
  readonly archived?: boolean;
  readonly createdAtMs?: number;
  readonly writtenAtMs?: number;
  /** When its content was read last; a list may have shown it since. */
  readonly seenAtMs?: number;
  /** A complete scan did not show it: read it before anything is concluded. */
  readonly missing?: true;
  /** What Hull was told besides the mapped fields: numbers of field and value, alternating; see `what-hull-knows.ts`. */
  readonly confirmedRest?: readonly number[];
  /** Number of the mapping under which Hull knows everything of it; absent when it may not. */
  readonly confirmedUnder?: number;
}

/** The whole desired state of one record, with the message it came from. The newest version wins. */
export interface Content {
  readonly desired: Desired;
  readonly claims: Claims;
  readonly hintId?: string;
  /** What Hull's message showed of what it was never told: fingerprints by field. */
  readonly shown?: Readonly<Record<string, string>>;
  /** Send even what is equal (batches and exports). */
  readonly force: boolean;
  /** A replayed dead letter: compared as if nothing had been sent, so that Hull wins. */
  readonly replay?: true;
  readonly messageId: string;
  readonly version: number;
  /** Identifies this content; 0 until it is taken in. */
  readonly seq: number;
  /** Created for the children of a record that nobody sent itself: it may create, never update. */
  readonly derived: boolean;
  /** False for a redelivered message: its outcome was counted before. */
  readonly counted: boolean;
  /** The run that the message belongs to. */
  readonly run?: string;
  /** Fingerprint of the message: once it is delivered, another one with the same fingerprint is unchanged. */
  readonly digest?: string;
  /** An event: it is sent even when a newer message removes its parent. */
  readonly once?: true;
  readonly earlier?: Earlier;
  /** Only where it is stored: fields and claims are a row of their own. */
  readonly apart?: true;
  /** Where the trace of its message goes on, if one was recorded; see `tracing.ts`. */
  readonly trace?: string;
}

/** Of a delivery in several steps: what those that are done wrote, and what people should know of them. */
export interface Earlier {
  /** Names of the fields that were written. */
  readonly fields: readonly string[];
  readonly note?: string;
}

/** Accepted, not yet delivered. */
export interface Entry {
  /** How long something of this record has been waiting; newer messages do not reset it. */
  readonly acceptedAtMs: number;
  /** Waiting; absent while an attempt carries the only content. */
  readonly content?: Content;
  /** In flight: what was journaled before the request. */
  readonly attempt?: Attempt;
  readonly notBeforeMs: number;
  readonly attempts: number;
  /** Hull id of the parent without remote id that this record waits for. */
  readonly blockedOn?: string;
  /** A newer message removed the record while it was in flight. */
  readonly withdrawn?: true;
  readonly problem?: string;
  /** A process that had it in flight fell silent, and may write it still; see `engine/outbox/events/rechecked.ts`. */
  readonly orphaned?: true;
  /** It did: once this is delivered, the record is read and compared again. */
  readonly recheck?: true;
}

/** An entry with what the queue needs to know of its record. */
export type EntryRow = RecordPlace & Entry & Pick<RecordDocument, "unconfirmed">;

export interface Attempt {
  readonly content: Content;
  /** `update`: may simply be sent again. */
  readonly kind: "create" | "update";
  readonly startedAtMs: number;
}

export interface UnconfirmedCreate {
  readonly sinceMs: number;
  /** How often it was looked for in vain. */
  readonly reads: number;
}

/** What Hull is told of a delivered record. */
export interface HullUpdate {
  readonly claims: Claims;
  /** Hull attribute → value. */
  readonly attributes: Readonly<Record<string, Json>>;
  /** Field → fingerprint that becomes `told` once Hull confirms. */
  readonly facts: Readonly<Record<string, string>>;
  /** Claims of the account that the user is to be linked to. */
  readonly account?: Claims;
}

/** The same while it waits: the service has it, Hull does not know yet. */
export interface PendingHullUpdate extends HullUpdate {
  readonly remoteId: string;
  readonly outcomes: readonly Outcome[];
  readonly seq: number;
  readonly notBeforeMs: number;
  readonly attempts: number;
  /** Outcomes beyond those, by `outcome/code`: they were so many while Hull could not be told. */
  readonly folded?: Readonly<Record<string, number>>;
  /** Where the trace of the newest message that had one goes on; see `tracing.ts`. */
  readonly trace?: string;
}

export type HullUpdateRow = RecordPlace & PendingHullUpdate;

/** Refused for good; a person can read it. A later success of the same record closes it. */
export interface Refused {
  /** By which people name it; see `deadLetterId`. */
  readonly id: string;
  readonly content: Content;
  readonly ending: Outcome;
  readonly attempts: number;
}

export type DeadLetterRow = RecordPlace & { readonly remote: string } & Omit<Refused, "id">;

/** Skipped because the service's record is linked to another Hull entity; see `engine/outbox/effects.ts`. */
export interface RivalRow {
  readonly remoteId: string;
  readonly content: Content;
  readonly atMs: number;
}

/**
 * Everything that is remembered of one Hull entity at one remote: one document, so that every rule about it is one
 * commit about one row.
 */
export interface RecordDocument {
  /** Newest version seen, and the message that had it; 0: made for its children. */
  readonly version: number;
  readonly messageId: string;
  /** Grows with every settlement, so that a comparison made on older knowledge is detected. */
  readonly revision: number;
  readonly remoteId?: string;
  readonly generation?: number;
  /** When Hull last confirmed a write-back, or showed what it would have been. */
  readonly confirmedAtMs?: number;
  /** A create whose answer was lost, whichever connector sent it: it must be looked for before it is tried again. */
  readonly unconfirmed?: UnconfirmedCreate;
  /** The last few messages that were taken in; see `engine/outbox/dedupe.ts`. */
  readonly recent?: string;
  /** E-mail, external id and domain of the newest message; see `engine/outbox/events/claims.ts`. */
  readonly claims?: Claims;
  /** By the connector's number at the remote: what is its own. */
  readonly own: Readonly<Record<string, OwnPart>>;
  /** Children that end, or are freed, slice by slice. */
  readonly pending?: readonly FanOut[];
}

/** What one connector knows of a record, and has still to do for it. */
export interface OwnPart {
  /** How the last message ended. */
  readonly last?: Outcome;
  /**
   * Fingerprint of everything relevant in Hull's last unchanged message. Every other change of the
   * record removes it, so a message with the same fingerprint is unchanged too.
   */
  readonly same?: string;
  readonly entry?: Entry;
  readonly hullUpdate?: PendingHullUpdate;
  readonly deadLetter?: Refused;
  readonly rival?: RivalRow;
  /** What was delivered last of a record that a silent process may still write. */
  readonly kept?: { readonly content: Content; readonly atMs: number };
  /** Number of the row with the newest lines about it; see `storage/history/`. */
  readonly trail?: number;
}

/** What becomes of the children that wait for a record; see `engine/outbox/events/children.ts`. */
export interface FanOut {
  readonly kind: "release" | "refuse" | "withdraw";
  /** Number of the connector whose children they are; absent: everybody's. */
  readonly tenant?: string;
  /** How the record ended. */
  readonly cause?: "rejected" | "dead" | "skipped";
  readonly text?: string;
}

/** `replay`: dead letters are sent again. */
export type RunKind = "batch" | "fetch" | "drain" | "replay";

/** `stopped`: ended early at the first error, as requested, or because a person said so. */
export type RunState = "waiting" | "running" | "success" | "error" | "stopped";

export interface RunOptions {
  /** A dry run; the counts say what would happen. */
  readonly simulate?: true;
  /** A report line per record. */
  readonly verbose?: true;
  /** Ends at the first record that is rejected or dead. */
  readonly stopOnError?: true;
  /** A person asked for it: everything is compared, and a list that lost most of its records is believed. */
  readonly trust?: true;
}

/** A batch, a fetch or the draining of a backlog. */
export interface RunRow {
  /** Begins with the time, so that runs are in order. */
  readonly id: string;
  readonly tenant: string;
  readonly kind: RunKind;
  /** The object type that it is about. */
  readonly type: string;
  readonly options: RunOptions;
  readonly state: RunState;
  readonly createdAtMs: number;
  readonly startedAtMs?: number;
  readonly endedAtMs?: number;
  /** What was asked for, encrypted: links to extracts carry signatures. */
  readonly order?: string;
  /** Where to go on after a restart. */
  readonly checkpoint?: Json;
  /** Records with an outcome. */
  readonly done: number;
  /** Records found so far. */
  readonly total?: number;
  /** `total` will not grow any more: the run ends when every record has its outcome. */
  readonly complete?: true;
  /** `type/outcome/code` → records. */
  readonly counts: Readonly<Record<string, number>>;
  /** `misfit/field` → records of which Hull was not told that field, since it cannot hold the value. */
  readonly leftOut?: Readonly<Record<string, number>>;
  /** What the service itself reported of a dry run, as it came; the first reports if they are many. */
  readonly reports?: readonly Json[];
  /** Why it ended early, and what to do. */
  readonly error?: string;
  /** Its end was logged. */
  readonly announced?: true;
  /** When a person asked for its end, milliseconds since 1970; it ends at its next durable point. */
  readonly stopAskedAtMs?: number;
}

/** Why a lane or one of its types is paused. */
export interface PauseRow {
  readonly tenant: string;
  /** `*` for the whole lane, otherwise an object type. */
  readonly scope: string;
  readonly kind: string;
  readonly message: string;
  readonly sinceMs: number;
  readonly untilMs: number;
  /** Passing problems in a row; each makes the next wait longer. */
  readonly setbacks?: number;
}

/** What one receiver was told of one alert, and what it is still to be told. Times are milliseconds since 1970. */
export interface AlertRow {
  /** Key of the tenant that it is about, or `server`. */
  readonly subject: string;
  /** Such as `connector.paused`. */
  readonly kind: string;
  /** Stands for the receiver's address, which it does not show. */
  readonly receiver: string;
  readonly sinceMs: number;
  readonly title: string;
  readonly text: string;
  /** The receiver was told that it began, or may have been: it must hear of the end. */
  readonly mayKnow: boolean;
  /** When the receiver took the last message. */
  readonly toldAtMs?: number;
  /** Not taken yet. */
  readonly message?: AlertMessage;
}

/** A message to a receiver, until that has taken it. */
export interface AlertMessage {
  /** The same in each try. */
  readonly id: string;
  readonly state: "firing" | "resolved";
  readonly atMs: number;
  /** Tries that were begun. */
  readonly attempts: number;
  /** It is not sent before. */
  readonly dueAtMs: number;
}

/** Ids that one page of a list showed, and when it was asked for; milliseconds since 1970. */
export interface ListedPage {
  readonly atMs: number;
  readonly ids: readonly string[];
}

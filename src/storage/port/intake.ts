/** How messages are taken in, and what is known of their records. Part of the Store port. */
import type { Claims } from "../../record";
import type {
  Content,
  DeadLetterRow,
  Outcome,
  EntryRow,
  MirrorRow,
  RecordPlace,
  RecordRow,
  HullUpdateRow,
} from "./rows";
import type { Lane, RecordOutcome } from "./lane";
import type { RunChange } from "./runs";

/** Everything known of one Hull entity, read at once. */
export interface RecordView {
  readonly record?: RecordRow;
  readonly mirror?: MirrorRow;
  readonly entry?: EntryRow;
}

/** Everything that is remembered of one Hull entity's record, for a person who asks. */
export interface InspectedRecord extends RecordView {
  /** Delivered; Hull is still to be told. */
  readonly hullUpdate?: HullUpdateRow;
  readonly deadLetter?: DeadLetterRow;
  /** When a list showed the remote record last, milliseconds since 1970. */
  readonly listedAtMs?: number;
}

/** What people ask by; a Hull id is found without an index. */
export type Asked = "email" | "external_id" | "domain";

export interface KnownFingerprint {
  readonly fingerprint: string;
  /** When Hull last confirmed a write-back, milliseconds since 1970. */
  readonly confirmedAtMs?: number;
}

/** One message of one record, to be taken in. */
export interface Acceptance extends RecordPlace {
  /** Absent when the tenant has no target (missing token) or the message names no record: only counted. */
  readonly remote?: string;
  readonly messageId: string;
  readonly version: number;
  /** The version is the time of arrival, so it says nothing about whether the message was here before. */
  readonly undated?: true;
  /** Older messages of the same entity that were merged into this one. */
  readonly merged: readonly string[];
  /** How a person may ask for the entity; only of its own record. */
  readonly claims?: Claims;
  /** The run that the message belongs to: its outcome counts there too. */
  readonly run?: string;
  /** Taken in only once: what has the same id later is the same event again. */
  readonly once?: true;
  readonly content:
    | { readonly kind: "end"; readonly outcome: Outcome }
    | { readonly kind: "entry"; readonly content: Content }
    /** Ends `unchanged` if nothing of the record is waiting or in flight and nothing was settled meanwhile. */
    | {
        readonly kind: "unchanged";
        readonly outcome: Outcome;
        readonly content: Content;
        readonly revision: number;
        /** Fingerprint of the message, if one with the same fingerprint is certain to be unchanged as well. */
        readonly fingerprint?: string;
      }
    /** Says the same as the last unchanged message of the record; ends as that one did if it still is the last. */
    | { readonly kind: "same"; readonly outcome: Outcome; readonly fingerprint: string };
}

export interface RunProgress {
  readonly run: string;
  readonly change: RunChange;
}

export interface Accepted {
  /** `again`: what is known changed since the comparison; read and compare once more. */
  readonly state: "queued" | "ended" | "duplicate" | "again";
  /** Every outcome of the record that was written: this message's and those that it replaced. */
  readonly outcomes: readonly Outcome[];
  /** Children that waited for the record and ended with it. */
  readonly children: readonly RecordOutcome[];
}

export interface IntakeStore {
  /** False when the id was used by another tenant within the last two days. */
  mayUseNotification(id: string, tenant: string): Promise<boolean>;
  /** The same, and the id is the tenant's from then on. Commits may claim it along with what they write: see `Terms`. */
  claimNotification(id: string, tenant: string): Promise<boolean>;
  /** Fingerprints of the records' last unchanged messages; undefined where something else happened since. */
  fingerprints(
    lane: Lane,
    type: string,
    hullIds: readonly string[],
  ): Promise<readonly (KnownFingerprint | undefined)[]>;
  view(lane: Lane, type: string, hullIds: readonly string[]): Promise<readonly RecordView[]>;
  /** @param progress a run's checkpoint, stored together with the last of the messages */
  accept(acceptances: readonly Acceptance[], progress?: RunProgress): Promise<readonly Accepted[]>;
  /** Everything that is remembered of one record. */
  inspectRecord(lane: Lane, type: string, hullId: string): Promise<InspectedRecord>;
  /** Hull ids of records with a claim; `key`: the service's name of it. */
  findBy(
    lane: Lane,
    type: string,
    asked: { readonly name: Asked; readonly value: string; readonly key?: string | undefined },
    limit: number,
  ): Promise<readonly string[]>;
}

/** The outbox, the mirror and the write-back. Part of the Store port. */
import type { Keys, LeftOut } from "../../record";
import type {
  Content,
  Earlier,
  UnconfirmedCreate,
  Outcome,
  EntryRow,
  MirrorRow,
  Scan,
  HullUpdate,
  HullUpdateRow,
  RecordName,
  RecordPlace,
} from "./rows";
import type { SentFields } from "./figures";
import type { RecordView } from "./intake";
import type { Lane, RecordOutcome } from "./lane";

export interface MirrorPatch {
  readonly id: string;
  /** Keys that it has now; an empty one was cleared, absent ones stay. */
  readonly keys: Keys;
  readonly parentId?: string;
  /** Field → fingerprints; absent ones stay. */
  readonly facts: Readonly<
    Record<string, { readonly remote?: string; readonly sent?: string; readonly confirmed?: string }>
  >;
  /** The record is new there: forget what an older one had. */
  readonly fresh: boolean;
  /** The record that it was linked to before is there as well, under a key of its own. */
  readonly beside?: true;
  /** A write of ours (not only a comparison) led to it. */
  readonly writtenAtMs?: number;
  /** It was ended (true) or restarted; absent: neither. */
  readonly archived?: boolean;
}

/** The result for one piece of content that the lane worked on. */
export interface Settlement extends RecordPlace {
  /** The content that was worked on. */
  readonly seq: number;
  readonly mirror?: MirrorPatch;
  /** Values of the delivered record that Hull cannot hold and is not told; for the log, not stored. */
  readonly leftOut?: readonly LeftOut[];
  /** What was sent to the service, as people may see it. */
  readonly sent?: SentFields;
  /** Id of a remote record that is gone: it is forgotten, and the link to it. With `mirror`: that replaced it. */
  readonly gone?: string;
  readonly then:
    /** Delivered or equal; Hull is told, then the outcome is written. */
    | { readonly kind: "tell"; readonly outcome: Outcome; readonly hullUpdate: HullUpdate }
    /**
     * Ended without anything to tell. A refused one (`rejected`, `dead`) leaves a dead letter. `rivalFor`: id of the
     * record that it would be, were that not linked to another one; tried again when that link goes.
     */
    | { readonly kind: "end"; readonly outcome: Outcome; readonly rivalFor?: string }
    /** Stays in the outbox. `written`: its fields were, so that from here on only what differs is sent. */
    | {
        readonly kind: "wait";
        readonly notBeforeMs: number;
        readonly unconfirmed?: UnconfirmedCreate;
        readonly problem: string;
        readonly written?: true;
        /** What the next step must know of the steps before it. */
        readonly earlier?: Earlier;
      }
    /** Waits for a parent without remote id; the parent's entry is made if there is none. */
    | { readonly kind: "block"; readonly parent: ParentEntry };
}

export interface ParentEntry extends RecordName {
  /** Parent and child come from one message: when a newer one took the parent out, the child goes with it. */
  readonly together: boolean;
  readonly content: Content;
}

export interface Settled {
  /** Outcomes written now, with the record they belong to: ends, superseded ones, children of a refused parent. */
  readonly outcomes: readonly RecordOutcome[];
}

export interface Observation {
  readonly id: string;
  readonly keys: Keys;
  readonly parentId?: string;
  readonly complete: boolean;
  readonly archived: boolean;
  readonly createdAtMs?: number;
  /** Field → fingerprint of what is there. */
  readonly facts: Readonly<Record<string, string>>;
}

/** An entry with what is known of its record. */
export interface DueEntry extends EntryRow, Pick<RecordView, "record" | "mirror"> {}

export interface DeliveryStore {
  /** Lanes that have anything in outbox or write-back. */
  lanes(): Promise<readonly Lane[]>;
  /** Entries that are due, oldest first; fewer when they are large, and at least one. */
  ready(lane: Lane, type: string, limit: number): Promise<readonly DueEntry[]>;
  /** When the next entry of these types is due; undefined when none waits for time. Milliseconds since 1970. */
  nextDue(lane: Lane, types: readonly string[]): Promise<number | undefined>;
  /** The same for the write-back. */
  nextHullUpdateDue(lane: Lane): Promise<number | undefined>;
  /** Journals what is about to be written. Content that was replaced meanwhile is left out of the answer. */
  attempt(
    lane: Lane,
    attempts: readonly (RecordName & {
      readonly seq: number;
      /** As `ready` gave it, where nothing is in flight: then its place in the queue tells whether it still waits. */
      readonly notBeforeMs?: number;
      /** Whether it may simply be sent again when nobody knows its result. */
      readonly repeatable: boolean;
    })[],
  ): Promise<readonly boolean[]>;
  settle(lane: Lane, settlements: readonly Settlement[]): Promise<Settled>;
  /** Makes everything due that waits for a retry, Hull updates too; unconfirmed creates keep their time. */
  retryNow(lane: Lane): Promise<void>;
  /**
   * After a restart: attempts that nobody will complete any more. Repeatable ones wait again, others are unconfirmed.
   *
   * Where the store was set back, what waits counts as such an attempt.
   *
   * @param isSilent whose they were may be alive, and write them still
   * @param isRepeatable whether changes of a type may simply be made again; by default those of all
   */
  recover(
    lane: Lane,
    settleMs: number,
    isSilent?: boolean,
    isRepeatable?: (type: string) => boolean,
  ): Promise<Settled & { readonly recovered: number }>;
  /** A former owner may have written these: they are read, and what differs from what was delivered last is sent again. */
  recheck(lane: Lane, records: readonly RecordName[]): Promise<void>;
  /** Stores what was read. Rows that we wrote after `readAtMs` minus the settling delay keep what we know. */
  observe(
    remote: string,
    type: string,
    readAtMs: number,
    settleMs: number,
    observations: readonly Observation[],
    scan?: Scan,
  ): Promise<void>;
  /** Rows as the lane's tenant knows them: `sent` is what it sent itself. */
  candidates(
    lane: Lane,
    type: string,
    keys: readonly { readonly name: string; readonly value: string }[],
  ): Promise<readonly MirrorRow[]>;
  mirrors(lane: Lane, type: string, ids: readonly string[]): Promise<readonly (MirrorRow | undefined)[]>;
  /** A few linked ids, to find out whether the remote is still the same. */
  sampleLinked(remote: string, type: string, limit: number): Promise<readonly string[]>;
  /** Hull updates that are due, oldest first; fewer when the rows are large, and at least one. */
  hullUpdates(lane: Lane, limit: number): Promise<readonly HullUpdateRow[]>;
  /** Hull confirmed (or refused for good): facts become `told`, outcomes are written. */
  confirmed(
    lane: Lane,
    rows: readonly { readonly row: HullUpdateRow; readonly refused?: Outcome }[],
  ): Promise<readonly RecordOutcome[]>;
  deferHullUpdates(lane: Lane, rows: readonly HullUpdateRow[], notBeforeMs: number): Promise<void>;
}

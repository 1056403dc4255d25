/**
 * The Store port: named atomic operations over many keys, never callback transactions, so that an embedded
 * database and a shared one can both offer it. Every write resolves only when it is durable.
 */
import type { Claims, Json, Keys } from "../record";
import type { HourCount } from "./hours";
import type { Asked } from "./known-by";
import type { Recalled } from "./recall";
import type {
  Content,
  DeadLetterRow,
  Doubt,
  Ending,
  EntryRow,
  HoldRow,
  MirrorRow,
  RecordRow,
  RemoteRow,
  RunKind,
  RunRow,
  Scan,
  TellRow,
  TenantRow,
} from "./rows";

/** Everything known of one Hull entity, read in one go. */
export interface RecordView {
  readonly record?: RecordRow;
  readonly mirror?: MirrorRow;
  readonly entry?: EntryRow;
}

export interface KnownDigest {
  readonly digest: string;
  /** When Hull last confirmed a write-back, milliseconds since 1970. */
  readonly toldAtMs?: number;
}

/** Content before it is taken in. */
export type NewContent = Omit<Content, "seq" | "counted">;

/** One message of one record, to be taken in. */
export interface Acceptance {
  readonly tenant: string;
  /** Absent when the tenant has no target (missing token) or the message names no record: only counted. */
  readonly remote?: string;
  readonly type: string;
  readonly hullId: string;
  readonly messageId: string;
  readonly version: number;
  /** The version is the time of arrival, so it says nothing about whether the message was here before. */
  readonly undated?: true;
  /** Older messages of the same entity that this one swallowed. */
  readonly merged: readonly string[];
  /** By which a person may ask for the entity; only of its own record. */
  readonly claims?: Claims;
  /** The run that the message belongs to: its outcome counts there too. */
  readonly run?: string;
  /** Taken in once for all time: what has the same id later is the same thing again. */
  readonly once?: true;
  readonly content:
    | { readonly kind: "end"; readonly ending: Ending }
    | { readonly kind: "entry"; readonly content: NewContent }
    /** Ends `unchanged` if nothing of the record is waiting or in flight and nothing was settled meanwhile. */
    | {
        readonly kind: "unchanged";
        readonly ending: Ending;
        readonly content: NewContent;
        readonly revision: number;
        /** Of what the message says, if a message with the same digest is certain to be unchanged as well. */
        readonly digest?: string;
      }
    /** Says the same as the last unchanged message of the record; ends as that one did if it still is the last. */
    | { readonly kind: "same"; readonly ending: Ending; readonly digest: string };
}

export interface RunProgress {
  readonly run: string;
  readonly change: RunChange;
}

export interface Accepted {
  /** `again`: knowledge moved since the comparison; read and compare once more. */
  readonly state: "queued" | "ended" | "duplicate" | "again";
  /** Every outcome of the record that was written, this message's and those that it replaced. */
  readonly endings: readonly Ending[];
  /** Children that waited for the record and ended with it. */
  readonly children: readonly RecordEnding[];
}

export interface MirrorPatch {
  readonly id: string;
  /** Keys that it holds now; an empty one was cleared, what is not named stays. */
  readonly keys: Keys;
  readonly parentId?: string;
  /** Field → fingerprints; what is not named stays. */
  readonly facts: Readonly<Record<string, { readonly remote?: string; readonly sent?: string }>>;
  /** The record is new there: forget what an older one held. */
  readonly fresh: boolean;
  /** A write of ours (not only a comparison) led to it. */
  readonly writtenAtMs?: number;
}

export interface TellContent {
  readonly claims: Claims;
  readonly attributes: Readonly<Record<string, Json>>;
  readonly facts: Readonly<Record<string, string>>;
  readonly account?: Claims;
}

/** What became of one piece of content that the lane worked on. */
export interface Settlement {
  readonly tenant: string;
  readonly type: string;
  readonly hullId: string;
  /** The content that was worked on. */
  readonly seq: number;
  readonly mirror?: MirrorPatch;
  /** The link turned out to be dead: forget it. */
  readonly unlink?: true;
  readonly then:
    /** Delivered or equal; Hull is told, then the outcome is written. */
    | { readonly kind: "tell"; readonly ending: Ending; readonly tell: TellContent }
    /** Ended without anything to tell. A refused one (`rejected`, `dead`) leaves a dead letter. */
    | { readonly kind: "end"; readonly ending: Ending }
    /** Stays in the outbox. */
    | { readonly kind: "wait"; readonly notBeforeMs: number; readonly doubt?: Doubt; readonly problem: string }
    /** Waits for a parent without remote id; the parent's entry is made if there is none. */
    | { readonly kind: "block"; readonly parent: ParentEntry };
}

export interface ParentEntry {
  readonly type: string;
  readonly hullId: string;
  /** Parent and child come from one message: when a newer one took the parent out, the child goes with it. */
  readonly together: boolean;
  readonly content: NewContent;
}

export interface Settled {
  /** Outcomes written now, with the record they belong to: ends, superseded ones, children of a refused parent. */
  readonly endings: readonly RecordEnding[];
}

export interface RecordEnding {
  readonly type: string;
  readonly hullId: string;
  readonly claims: Claims;
  readonly ending: Ending;
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

export interface Lane {
  readonly remote: string;
  readonly tenant: string;
}

/** The record that a dead letter is about; also the place where a page of them ended. */
export interface LetterKey extends Lane {
  readonly type: string;
  readonly hullId: string;
}

export interface LetterQuery {
  readonly tenant?: string | undefined;
  readonly type?: string | undefined;
  readonly code?: string | undefined;
  /** `next` of the page before. */
  readonly after?: string | undefined;
  /** Most letters of the page. */
  readonly limit: number;
}

export interface LetterPage {
  readonly letters: readonly DeadLetterRow[];
  /** The place where this page ends: there may be more behind it, even if the page is empty. */
  readonly next?: string;
}

/** What became of a letter that was to be sent again. */
export interface Replay extends LetterKey {
  /** Of the letter. */
  readonly id: string;
  /** `underway`: its content waits or is in flight already. `superseded`: a newer message was seen; the letter is closed. */
  readonly state: "queued" | "underway" | "superseded";
  readonly endings: readonly RecordEnding[];
}

export type NewRun = Pick<RunRow, "id" | "tenant" | "kind" | "type" | "options" | "order" | "checkpoint" | "total">;

export interface BegunRun {
  readonly run: RunRow;
  /** False when another run of its tenant, kind and type is under way, both real or both simulated; `run` is that one. */
  readonly begun: boolean;
}

/** `counts` are added, everything else replaces what was there. */
export type RunChange = Partial<Omit<RunRow, "id" | "tenant" | "kind" | "type" | "options" | "createdAtMs" | "done">>;

export interface RunQuery {
  readonly tenant: string;
  readonly limit: number;
  /** Only runs that began before this one. */
  readonly before?: string | undefined;
}

/** What became of one record of a verbose run, or would become of it. */
export interface ReportLine {
  readonly type: string;
  readonly hullId: string;
  readonly remoteId?: string;
  readonly outcome: string;
  readonly code: string;
  readonly text: string;
}

/** One listed record, and what Hull knows of it now. */
export interface FetchedRow {
  readonly seen: Observation;
  /** Undefined when Hull was not told and what it knows is not known to be up to date. */
  readonly told?: {
    readonly facts: Readonly<Record<string, string>>;
    readonly rest: readonly number[];
    /** Number of the mapping under which Hull knows everything now; absent when it does not. */
    readonly mapping?: number;
  };
  /** For the run's counts, and its report. */
  readonly line: ReportLine;
}

export interface FetchStep {
  /** When the page was asked for, milliseconds since 1970. */
  readonly readAtMs: number;
  readonly settleMs: number;
  readonly rows: readonly FetchedRow[];
  readonly run: string;
}

/** Listed records that need no comparison: no more is noted than that they are there. */
export interface Passing {
  /** When the page was asked for, milliseconds since 1970. */
  readonly readAtMs: number;
  readonly ids: readonly string[];
  readonly run: string;
  /** For the run's counts. */
  readonly outcome: string;
  readonly code: string;
}

export interface VanishQuery {
  readonly scanStartedAtMs: number;
  /** Also those that were marked before and of which Hull has not confirmed this fact; `nothing` is its empty mark. */
  readonly untold?: { readonly field: string; readonly nothing: string } | undefined;
  /** `after` of the step before. */
  readonly after?: string | undefined;
  readonly limit: number;
}

export interface Vanished {
  readonly gone: readonly MirrorRow[];
  readonly after?: string;
}

/** Counts by `type/outcome/code`; derived records (companies made for users) are counted apart. */
export interface Tally {
  readonly messages: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly derived: Readonly<Record<string, number>>;
}

/** What waits and what stands still, over all lanes. */
export interface Backlog {
  /** Lanes that have anything in outbox or write-back. */
  readonly lanes: number;
  readonly outbox: number;
  readonly tells: number;
  /** When the entry that has waited longest was accepted, milliseconds since 1970; undefined when none waits. */
  readonly oldestAtMs: number | undefined;
  /** Kinds of the holds in force, one each. */
  readonly holds: readonly string[];
  readonly deadLetters: number;
}

/** What a person should look at in one lane; big numbers are cut off. */
export interface Checkup {
  readonly outbox: number;
  readonly tells: number;
  /** When the entry that has waited longest was accepted, milliseconds since 1970. */
  readonly oldestAtMs?: number;
  /** Dead letters by reason code. */
  readonly letters: Readonly<Record<string, number>>;
  /** There may be more than were counted. */
  readonly moreLetters: boolean;
  /** Values of keys that should be unique and that several records hold. */
  readonly shared: readonly { readonly of: UniqueKey; readonly value: string }[];
}

export interface UniqueKey {
  readonly type: string;
  readonly key: string;
}

export interface Store {
  tenant(key: string): Promise<TenantRow | undefined>;
  tenants(): Promise<readonly TenantRow[]>;
  /** Stores the row unless the stored settings are newer; returns the row that counts now. */
  saveTenant(row: TenantRow): Promise<TenantRow>;
  /** Points the tenant to a remote; waiting entries of an earlier remote move along. */
  assign(tenant: string, remote: string, fingerprint: string): Promise<TenantRow>;
  /** Moves what was accepted for an earlier remote after the tenant had left it. */
  move(lane: Lane, remote: string): Promise<void>;
  remote(key: string): Promise<RemoteRow>;
  /** All ids known so far count no more. */
  newGeneration(remote: string): Promise<RemoteRow>;

  /** False when the id was used by another tenant within the last two days. */
  claimNotification(id: string, tenant: string): Promise<boolean>;

  /** Of the records' last unchanged messages; undefined where something else happened since. */
  digests(lane: Lane, type: string, hullIds: readonly string[]): Promise<readonly (KnownDigest | undefined)[]>;
  view(lane: Lane, type: string, hullIds: readonly string[]): Promise<readonly RecordView[]>;
  /** @param progress a run's checkpoint, written together with the last of the messages */
  accept(acceptances: readonly Acceptance[], progress?: RunProgress): Promise<readonly Accepted[]>;

  /** Everything that is remembered of one record. */
  recall(lane: Lane, type: string, hullId: string): Promise<Recalled>;
  /** Hull ids of records that carry a claim; `key`: the service's name of it. */
  findBy(
    lane: Lane,
    type: string,
    asked: { readonly name: Asked; readonly value: string; readonly key?: string | undefined },
    limit: number,
  ): Promise<readonly string[]>;

  /** Lanes that have anything in outbox or write-back. */
  lanes(): Promise<readonly Lane[]>;
  /** Entries whose time has come, oldest first. */
  ready(lane: Lane, type: string, limit: number): Promise<readonly EntryRow[]>;
  /** When the next entry of these types is due; undefined when none waits for time. Milliseconds since 1970. */
  nextDue(lane: Lane, types: readonly string[]): Promise<number | undefined>;
  /** The same for the write-back. */
  nextTellDue(lane: Lane): Promise<number | undefined>;
  /** Journals what is about to be written. Content that was replaced meanwhile is left out of the answer. */
  attempt(
    lane: Lane,
    attempts: readonly {
      readonly type: string;
      readonly hullId: string;
      readonly seq: number;
      readonly kind: "create" | "update";
    }[],
  ): Promise<readonly boolean[]>;
  settle(lane: Lane, settlements: readonly Settlement[]): Promise<Settled>;
  /** Makes everything due that waits for another try, tells too; creates in doubt keep their time. */
  hurry(lane: Lane): Promise<void>;
  /** After a restart: attempts that nobody will fold any more. Updates wait again, creates are in doubt. */
  recover(lane: Lane, settleMs: number): Promise<number>;

  /** Takes in what was read. Rows that we wrote after `readAtMs` minus the settling delay keep what we know. */
  observe(
    remote: string,
    type: string,
    readAtMs: number,
    settleMs: number,
    observations: readonly Observation[],
    scan?: Scan,
  ): Promise<void>;
  candidates(
    remote: string,
    type: string,
    keys: readonly { readonly name: string; readonly value: string }[],
  ): Promise<readonly MirrorRow[]>;
  mirrors(remote: string, type: string, ids: readonly string[]): Promise<readonly (MirrorRow | undefined)[]>;
  /** A few ids that are linked, to find out whether the remote is still the same. */
  sampleLinked(remote: string, type: string, limit: number): Promise<readonly string[]>;

  /** What is remembered of listed records, and whether something of them waits or is in flight. */
  fetchView(
    remote: string,
    type: string,
    ids: readonly string[],
  ): Promise<readonly { readonly mirror?: MirrorRow; readonly busy: boolean }[]>;
  /** Per record the number of the mapping under which Hull knows everything of it; undefined when it may not. */
  toldUnder(remote: string, type: string, ids: readonly string[]): Promise<readonly (number | undefined)[]>;
  /** Names of each record's keys that another record of today has, too. */
  sharedKeys(
    remote: string,
    type: string,
    wanted: readonly { readonly id: string; readonly keys: Keys }[],
  ): Promise<readonly (readonly string[])[]>;
  /** What was listed, what Hull confirmed of it, and the counts become known together. */
  takeFetched(remote: string, type: string, step: FetchStep): Promise<void>;
  /** Counts listed records that need no comparison, and notes that they are there. */
  passOver(remote: string, type: string, passing: Passing): Promise<void>;
  /** A complete scan of a type has ended. */
  noteScan(remote: string, type: string, scan: Scan): Promise<void>;
  /** Marks some of what a complete scan did not meet. */
  markVanished(remote: string, type: string, query: VanishQuery): Promise<Vanished>;
  /** Hull confirmed these facts of remote records. */
  confirmFacts(
    remote: string,
    type: string,
    confirmed: readonly { readonly id: string; readonly facts: Readonly<Record<string, string>> }[],
  ): Promise<void>;
  /** The service does not have these ids any more. */
  forgetGone(remote: string, type: string, ids: readonly string[]): Promise<void>;

  beginRun(run: NewRun, exclusive: boolean): Promise<BegunRun>;
  /** Undefined when there is no such run under way. */
  changeRun(id: string, change: RunChange): Promise<RunRow | undefined>;
  run(id: string): Promise<RunRow | undefined>;
  runs(query: RunQuery): Promise<readonly RunRow[]>;
  /** Under way, or ended without anybody being told; oldest first. */
  openRuns(): Promise<readonly RunRow[]>;
  /** The last one that ended well and was no simulation. */
  lastRun(tenant: string, kind: RunKind, type: string): Promise<RunRow | undefined>;
  /** Adds lines to a run's report, such as those of its simulation. */
  report(run: string, lines: readonly ReportLine[]): Promise<void>;
  /** A page of a verbose run's report. */
  reportLines(run: string, after: number, limit: number): Promise<readonly (ReportLine & { readonly at: number })[]>;

  tells(lane: Lane, limit: number): Promise<readonly TellRow[]>;
  /** Hull confirmed (or refused for good): facts become `told`, outcomes are written. */
  told(
    lane: Lane,
    rows: readonly { readonly row: TellRow; readonly refused?: Ending }[],
  ): Promise<readonly RecordEnding[]>;
  deferTells(lane: Lane, rows: readonly TellRow[], notBeforeMs: number): Promise<void>;

  hold(lane: Lane, scope: string, hold: Omit<HoldRow, "tenant" | "scope"> | undefined): Promise<void>;
  holds(lane: Lane): Promise<readonly HoldRow[]>;

  tally(tenant: string): Promise<Tally>;
  /** Outcomes by the hour, oldest first; kept for eight days. @param fromMs milliseconds since 1970 */
  hours(tenant: string, fromMs: number): Promise<readonly HourCount[]>;
  /** Entries and tells that wait. */
  depth(lane: Lane): Promise<{ readonly outbox: number; readonly tells: number }>;
  deadLetters(lane: Lane): Promise<readonly DeadLetterRow[]>;
  /** Dead letters of all lanes, page by page. */
  letters(query: LetterQuery): Promise<LetterPage>;
  /** @param tenant whose letter it must be; without it, anybody's */
  letter(id: string, tenant?: string): Promise<DeadLetterRow | undefined>;
  /** Forgets a letter; undefined when there is none. */
  dropLetter(id: string, tenant?: string): Promise<DeadLetterRow | undefined>;
  /** Takes the content of a letter in again, then that of its children; empty when there is no such letter. */
  replayLetter(id: string, tenant?: string): Promise<readonly Replay[]>;

  /** Removes a bounded number of rows that are older than this many milliseconds; to be called again and again. */
  housekeep(olderThanMs: number): Promise<number>;
  /**
   * Erases what is stored about one Hull entity. What waited of it ends `skipped / forgotten`.
   * @param what the entity's own types, and the types whose records name it as their parent
   */
  forgetEntity(
    tenant: string,
    what: { readonly types: readonly string[]; readonly children: readonly string[] },
    hullId: string,
  ): Promise<readonly RecordEnding[]>;
  /** Erases a tenant, and what is known of its remotes unless another tenant uses them; answers how many rows. */
  forgetTenant(tenant: string, remotes?: readonly string[]): Promise<number>;
  /** Every remote where something of the tenant may be kept. */
  remotesOf(tenant: string): Promise<readonly string[]>;
  /** @param unique keys that no two records of a type should share */
  checkup(lane: Lane, unique: readonly UniqueKey[]): Promise<Checkup>;
  /** For those who watch: quick, whatever waits. */
  backlog(): Promise<Backlog>;

  /** Resolves when the store answers. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

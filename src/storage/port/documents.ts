/**
 * What the rules of the engine work on: the documents of one remote, as one commit sees them. Part of the Store port.
 * Work over them is synchronous and may be run more than once with the same result.
 */
import type { Claims } from "../../record";
import type { MirrorRow, RecordDocument, RecordName, RecordPlace, RemoteDocument } from "./rows";
import type { HistoryLine } from "./figures";
import type { RunChange, ReportLine } from "./runs";

export interface Documents {
  /** When the work began, milliseconds since 1970: the same in each of its runs. */
  readonly nowMs: number;
  /** What was never stored begins with the first generation. */
  remote(): RemoteDocument;
  putRemote(row: RemoteDocument): void;
  /** Number of a connector at the remote, which it gets if it has none yet. */
  numberOf(tenant: string): string;
  /** The same; undefined: it never had anything here. */
  numberIn(tenant: string): string | undefined;
  /** The connector with a number. */
  tenantOf(number: string): string;

  record(type: string, hullId: string): RecordDocument | undefined;
  /** @param document undefined: nothing is known of it any more */
  putRecord(type: string, hullId: string, document: RecordDocument | undefined): void;

  /** What the remote is known to hold, of any generation. */
  mirror(type: string, id: string): MirrorRow | undefined;
  putMirror(type: string, id: string, row: MirrorRow | undefined): void;
  /** Rows of a type in the order of their ids. @param after the last id of the page before */
  mirrors(type: string, after: string | undefined, limit: number): readonly MirrorRow[];
  /** Their ids alone. */
  mirrorIds(type: string, after: string | undefined, limit: number): readonly string[];
  /** Ids of remote records with a value of a key, in its folded form; of any generation. */
  idsWith(type: string, name: string, value: string): Iterable<string>;

  /** Hull ids of records with a claim. */
  idsClaiming(type: string, name: string, value: string, limit: number): readonly string[];
  /** Records that wait for a parent. @param tenant one connector's only */
  waitingFor(type: string, hullId: string, limit: number, tenant?: string): readonly RecordPlace[];
  /** Dead letters of a connector that name a record as their parent. */
  orphansOf(parent: RecordPlace, query: PageQuery<RecordPlace>): readonly RecordPlace[];
  /** Skipped since a remote record is linked to another one. */
  rivalsFor(type: string, remoteId: string): readonly RecordPlace[];
  /** Records of a connector that could be worked on, or are: what is due first. */
  due(tenant: string, type: string | undefined, query: DueQuery): readonly DuePlace[];
  /** The same for what Hull must be told. */
  dueHullUpdates(tenant: string, query: DueQuery): readonly DuePlace[];
  /** Whether a place where `due` has found content is still there. */
  isDue(tenant: string, place: DuePlace): boolean;
  /** Records that wait for a parent, whichever connector's they are. */
  blocked(query: PageQuery<BlockedPlace>): readonly BlockedPlace[];
  deadLetters(tenant: string): readonly RecordPlace[];
  /** Since when content of a connector is in flight that may be repeated: by its number, milliseconds since 1970. */
  flights(tenant: string): ReadonlyMap<number, number>;
  /** @param seqs content that is sent together */
  putFlight(tenant: string, seqs: readonly number[]): void;
  /** The results of some of it are known, or nobody will learn them. */
  endFlights(tenant: string, isEnded: (seq: number) => boolean): void;
  /** Records whose children are not done yet. */
  pending(limit: number): readonly RecordName[];
  /** How many connectors have, or had, something here. */
  lanes(): number;
  /** A page of a run's list was read: what of it no earlier page had shown. */
  putListed(type: string, run: string, atMs: number, ids: readonly string[]): void;

  /** Whether a message was remembered by itself within the last one to two days. */
  remembered(id: string): boolean;
  remember(id: string): void;
  /** Ids of a record's messages that no longer fit into its document. @param record a hash of its name */
  earlierIds(record: string): readonly string[];
  rememberIds(record: string, first: string, ids: string): void;

  /** A number that no other content has; it carries no order. */
  nextSeq(): number;
  count(tenant: string, family: "messages" | "outcomes" | "derived", name: string, by?: number): void;
  /** Number of the row to which the commit writes what becomes of a connector's records; undefined: nothing is kept. */
  historyRow(tenant: string): number | undefined;
  /** @param before the row with the line before this one about the same record */
  note(tenant: string, line: HistoryLine, before?: number): void;
  /** Counts an outcome of a run, or a record that it found. @param by how many without a line of their own */
  countInRun(run: string, line: ReportLine | "met", by?: number): void;
  /** A run's checkpoint. */
  changeRun(run: string, change: RunChange): void;
  /** How many documents were changed so far. */
  changed(): number;
}

/** Gives the documents of a remote. */
export type DocumentsOf = (remote: string) => Documents;

/** What a run's list has shown so far. */
export interface Listed {
  has(id: string): boolean;
  /** To be called once it is stored. */
  add(ids: readonly string[]): void;
}

/** What the rules need of the store. */
export interface Commits {
  /** Resolves when everything that the work changed is durable. The work may be run more than once. */
  readonly commit: <T>(work: (documentsOf: DocumentsOf) => T) => Promise<T>;
  /** Reads at one moment. The work may be run more than once. */
  readonly look: <T>(work: (documentsOf: DocumentsOf) => T) => Promise<T>;
  /** What a run's list has shown so far; pages of runs before the last one are forgotten. */
  listed(remote: string, type: string, run: string): Promise<Listed>;
}

export interface PageQuery<Place> {
  readonly limit: number;
  /** Where the page before ended. */
  readonly after?: Place | undefined;
}

export interface DueQuery extends PageQuery<DuePlace> {
  /** Due until then, milliseconds since 1970; all, if absent. */
  readonly untilMs?: number | undefined;
}

/** A record that waits for a parent. */
export interface BlockedPlace extends RecordPlace {
  readonly parent: RecordName;
  /** The connector's number. */
  readonly number: number;
}

/** Where an entry or a Hull update stands in its queue. */
export interface DuePlace extends RecordName {
  readonly atMs: number;
  readonly seq: number;
}

/** What is still known of a record whose document is lost. */
export interface Traces {
  /** Connectors of which something waited for the service, or Hull was still to be told: once for each that did. */
  readonly waited: readonly string[];
  readonly claims: Claims;
  /** What it is linked to; absent when nobody knows. */
  readonly remoteId: string | undefined;
}

/** Each is done in the commit that mends the row. */
export interface DamageRules {
  /** A record's document is lost; nothing is stored of it any more. */
  record(documents: Documents, record: RecordName, traces: Traces): void;
  /** Content that stood apart from its record is lost: that of a part of the document, which is there. */
  content(documents: Documents, record: RecordPlace, part: "entry" | "deadLetter" | "rival"): void;
  /** What a remote record holds is lost. @param linkedTo Hull id of the record that is linked to it, if any is */
  mirror(documents: Documents, type: string, id: string, linkedTo: string | undefined): void;
  /** Goes on with children, in further commits. @returns whether some are left */
  goOn(documents: Documents): boolean;
}

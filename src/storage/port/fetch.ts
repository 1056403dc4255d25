/** What a full fetch found, and what Hull knows of it. Part of the Store port. */
import type { Keys } from "../../record";
import type { MirrorRow, Scan } from "./rows";
import type { Observation } from "./delivery";
import type { ReportLine } from "./runs";

/** One listed record, and what Hull knows of it now. */
export interface FetchedRow {
  readonly seen: Observation;
  /** Undefined when Hull was not told and what it knows is not known to be up to date. */
  readonly confirmed?: {
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

/** Listed records that need no comparison: only that they exist is stored. */
export interface SeenBatch {
  /** When the page was asked for, milliseconds since 1970. */
  readonly readAtMs: number;
  readonly ids: readonly string[];
  readonly run: string;
  /** For the run's counts. */
  readonly outcome: string;
  readonly code: string;
}

export interface MissingQuery {
  /** The run whose list it was. */
  readonly run: string;
  readonly scanStartedAtMs: number;
  /** Also those that were marked before without Hull having confirmed this fact; `nothing` is its empty value. */
  readonly untold?: { readonly field: string; readonly nothing: string } | undefined;
  /** `after` of the previous step. */
  readonly after?: string | undefined;
  readonly limit: number;
}

export interface MissingPage {
  readonly gone: readonly MirrorRow[];
  readonly after?: string;
}

export interface FetchStore {
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
  /** Stores what was listed, what Hull confirmed of it, and the counts together. */
  takeFetched(remote: string, type: string, step: FetchStep): Promise<void>;
  /** Counts listed records that need no comparison, and stores that they exist. */
  markSeen(remote: string, type: string, passing: SeenBatch): Promise<void>;
  /** A complete scan of a type has ended. */
  noteScan(remote: string, type: string, scan: Scan): Promise<void>;
  /** Marks some of what a complete scan did not show. */
  markMissing(remote: string, type: string, query: MissingQuery): Promise<MissingPage>;
  /** Hull confirmed these facts of remote records. */
  confirmFacts(
    remote: string,
    type: string,
    confirmed: readonly { readonly id: string; readonly facts: Readonly<Record<string, string>> }[],
  ): Promise<void>;
  /**
   * Somebody may have changed or made this record, or without an id any of the type: it is read before it is written,
   * and if it is not known, no scan proves that it does not exist.
   */
  markUnknown(remote: string, type: string, id?: string): Promise<void>;
  /** These ids do not exist in the service any more. */
  forgetGone(remote: string, type: string, ids: readonly string[]): Promise<void>;
}

/** Batches, fetches and backlogs, their progress and reports. Part of the Store port. */
import type { LeftOut } from "../../record";
import type { RunKind, RunRow } from "./rows";

export type NewRun = Pick<RunRow, "id" | "tenant" | "kind" | "type" | "options" | "order" | "checkpoint" | "total">;

export interface BegunRun {
  readonly run: RunRow;
  /** False when another run of its tenant, kind and type is in progress, both real or both dry; `run` is that one. */
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
  /** Values that Hull was not told, since it cannot hold them. */
  readonly leftOut?: readonly LeftOut[];
}

export interface RunStore {
  /** @param since what `lastRun` was when it was decided to begin; if it has changed, nothing begins, and that is `run` */
  beginRun(run: NewRun, exclusive: boolean, since?: { readonly last: string | undefined }): Promise<BegunRun>;
  /** Undefined when no such run is in progress. */
  changeRun(id: string, change: RunChange): Promise<RunRow | undefined>;
  run(id: string): Promise<RunRow | undefined>;
  runs(query: RunQuery): Promise<readonly RunRow[]>;
  /** In progress, or ended without its end being logged; oldest first. */
  openRuns(): Promise<readonly RunRow[]>;
  /** The last one that ended well and was no dry run. */
  lastRun(tenant: string, kind: RunKind, type: string): Promise<RunRow | undefined>;
  /** Adds lines to a run's report, such as those of its dry run. */
  report(run: string, lines: readonly ReportLine[]): Promise<void>;
  /** A page of a verbose run's report. */
  reportLines(run: string, after: number, limit: number): Promise<readonly (ReportLine & { readonly at: number })[]>;
}

/** `type/outcome/code` of a record that a person must look at, if a run has one. */
export function failureIn(counts: RunRow["counts"]): string | undefined {
  return Object.keys(counts).find((name) => /\/(?:rejected|dead)\//.test(name) && (counts[name] ?? 0) > 0);
}

/** A run as the API shows it, in Hull's spelling: names in snake_case, instants in ISO 8601. */
import type { RunRow } from "../../src/storage/rows";
import type { ReportLine } from "../../src/storage/store";

/** Type → outcome → code → records. */
export type NestedCounts = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, number>>>>>>;

export interface RunAnswer {
  readonly id: string;
  /** batch, fetch or drain. */
  readonly kind: string;
  /** The object type: endusers, companies. */
  readonly type: string;
  /** waiting, running; ended: success, error, stopped (at the first error, as it was told to). */
  readonly state: string;
  readonly options: { readonly simulate: boolean; readonly verbose: boolean; readonly stop_on_error: boolean };
  readonly counts: NestedCounts;
  /** Records with an outcome. */
  readonly done: number;
  /** Records that were met so far; null before the first one. */
  readonly total: number | null;
  /** Whether `total` will not grow any more. */
  readonly total_is_final: boolean;
  /** 0 to 1, of the records that were met so far; null while none was. */
  readonly progress: number | null;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly ended_at: string | null;
  /** Why it ended early, and what to do. */
  readonly error: string | null;
}

/** The row's order and checkpoint stay behind: they may hold links with signatures. */
export function showRun(row: RunRow): RunAnswer {
  const { id, kind, type, state, options, done, total } = row;
  return {
    id,
    kind,
    type,
    state,
    options: {
      simulate: options.simulate === true,
      verbose: options.verbose === true,
      stop_on_error: options.stopOnError === true,
    },
    counts: nested(row.counts),
    done,
    total: total ?? null,
    total_is_final: row.complete === true || row.endedAtMs !== undefined,
    progress: progressOf(row),
    created_at: isoOf(row.createdAtMs),
    started_at: row.startedAtMs === undefined ? null : isoOf(row.startedAtMs),
    ended_at: row.endedAtMs === undefined ? null : isoOf(row.endedAtMs),
    error: row.error ?? null,
  };
}

/** A line of a verbose run's report; `at` is its place. */
export function showLine(line: ReportLine & { readonly at: number }): Readonly<Record<string, string | number | null>> {
  const { at, type, hullId, remoteId, outcome, code, text } = line;
  return { at, type, hull_id: hullId, remote_id: remoteId ?? null, outcome, code, text };
}

function progressOf({ state, done, total }: RunRow): number | null {
  if (state === "success") return 1;
  return total === undefined || total === 0 ? null : Math.min(1, done / total);
}

/** From `type/outcome/code`; a code may hold slashes of its own. */
function nested(counts: RunRow["counts"]): NestedCounts {
  const types = new Map<string, Map<string, Map<string, number>>>();
  for (const [name, count] of Object.entries(counts)) {
    const [type = "", outcome = "", ...code] = name.split("/");
    const outcomes = types.get(type) ?? new Map<string, Map<string, number>>();
    const codes = outcomes.get(outcome) ?? new Map<string, number>();
    types.set(type, outcomes.set(outcome, codes.set(code.join("/"), count)));
  }
  const plain = [...types].map(([type, outcomes]) => {
    const shown = [...outcomes].map(([outcome, codes]) => [outcome, Object.fromEntries(codes)] as const);
    return [type, Object.fromEntries(shown)] as const;
  });
  return Object.fromEntries(plain);
}

function isoOf(atMs: number): string {
  return new Date(atMs).toISOString();
}

/** A run as the API shows it, in Hull's spelling: names in snake_case, instants in ISO 8601. */
import groupBy from "lodash/groupBy";
import mapValues from "lodash/mapValues";
import { z } from "zod";
import { readOutcomeName } from "../../../src/storage/port/figures";
import type { RunRow } from "../../../src/storage/port/rows";
import type { ReportLine } from "../../../src/storage/port/store";
import { leftOutOf } from "../../../src/outcome/left-out";
import { instantAnswer, isoOf, isoOrNull } from "../../openapi/instants";

/** Type → outcome → code → records. */
const nestedCounts = z.record(z.string(), z.record(z.string(), z.record(z.string(), z.int())));

const instant = instantAnswer.nullable();

export const runAnswer = z.object({
  id: z.string(),
  kind: z.string().meta({ description: "batch, fetch, drain (of a large backlog) or replay (of dead letters)." }),
  type: z.string().meta({ description: "The object type: {{types}}; `*` of a drain and a replay." }),
  state: z.string().meta({
    description: "waiting, running; ended: success, error, stopped (at the first error, as requested, or by a person).",
  }),
  options: z.object({ simulate: z.boolean(), verbose: z.boolean(), stop_on_error: z.boolean() }),
  counts: nestedCounts.meta({ description: "Records by type, outcome and code." }),
  left_out: z
    .array(z.object({ field: z.string(), misfit: z.enum(["too_long", "too_many", "unstorable"]), records: z.int() }))
    .optional()
    .meta({
      description:
        "Only where there are any: fields that Hull was not told of some records, because it cannot hold the values: longer than 2,000 bytes, more than 49 entries, or what no database takes.",
    }),
  done: z.int().meta({ description: "Records with an outcome." }),
  total: z.int().nullable().meta({ description: "Records found so far; null before the first one." }),
  total_is_final: z.boolean().meta({ description: "Whether `total` will not grow any more." }),
  progress: z.number().nullable().meta({
    description: "0 to 1, of the records found so far; null while there are none.",
  }),
  created_at: instantAnswer,
  started_at: instant,
  ended_at: instant,
  error: z.string().nullable().meta({ description: "Why it ended early, and what to do." }),
  stop_requested_at: instantAnswer
    .optional()
    .meta({ description: "Only where somebody asked for its end: when. It ends at its next durable point." }),
});

export const lineAnswer = z.object({
  at: z.int().meta({ description: "The place of the line." }),
  type: z.string(),
  hull_id: z.string(),
  remote_id: z.string().nullable().meta({ description: "The record's id in {{service}}." }),
  outcome: z.string(),
  code: z.string(),
  text: z.string(),
});

export const reportAnswer = z.object({
  lines: z.array(lineAnswer).optional(),
  next: z.int().nullable().optional().meta({ description: "`after` of the next page; null where nothing may follow." }),
  service: z
    .array(z.unknown())
    .optional()
    .meta({ description: "Of a dry run: what {{service}} itself reported, as it came; one for each request." }),
});

export const runDetailAnswer = runAnswer.extend({
  report: reportAnswer
    .optional()
    .meta({ description: "`lines` and `next` only with `lines` or `after` in the query." }),
});

export const runPage = z.object({
  runs: z.array(runAnswer),
  next: z.string().nullable().meta({ description: "`before` of the next page; null where nothing may follow." }),
});

type NestedCounts = z.output<typeof nestedCounts>;
type RunAnswer = Readonly<z.output<typeof runAnswer>>;
type LineAnswer = Readonly<z.output<typeof lineAnswer>>;

/** The row's order and checkpoint are left out: they may contain links with signatures. */
export function showRun(row: RunRow): RunAnswer {
  const { id, kind, type, state, options, done, total } = row;
  const leftOut = leftOutOf(row.leftOut);
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
    ...(leftOut.length > 0 && { left_out: leftOut.map((each) => ({ ...each })) }),
    done,
    total: total ?? null,
    total_is_final: row.complete === true || row.endedAtMs !== undefined,
    progress: progressOf(row),
    created_at: isoOf(row.createdAtMs),
    started_at: isoOrNull(row.startedAtMs),
    ended_at: isoOrNull(row.endedAtMs),
    error: row.error ?? null,
    ...(row.stopAskedAtMs !== undefined && { stop_requested_at: isoOf(row.stopAskedAtMs) }),
  };
}

/** A line of a verbose run's report; `at` is its place. */
export function showLine(line: ReportLine & { readonly at: number }): LineAnswer {
  const { at, type, hullId, remoteId, outcome, code, text } = line;
  return { at, type, hull_id: hullId, remote_id: remoteId ?? null, outcome, code, text };
}

function progressOf({ state, done, total }: RunRow): number | null {
  if (state === "success") return 1;
  return total === undefined || total === 0 ? null : Math.min(1, done / total);
}

function nested(counts: RunRow["counts"]): NestedCounts {
  const rows = Object.entries(counts).map(([name, count]) => ({ ...readOutcomeName(name), count }));
  return mapValues(groupBy(rows, "type"), (ofType) =>
    mapValues(groupBy(ofType, "outcome"), (own) => Object.fromEntries(own.map(({ code, count }) => [code, count]))),
  );
}

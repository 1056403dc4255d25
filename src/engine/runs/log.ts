/** Log lines of runs: one each for start, progress and end, with the same figures as everywhere. */
import { randomBytes } from "node:crypto";
import type { RunRow } from "../../storage/port/rows";
import { leftOutOf } from "../../outcome/left-out";
import type { LogLine } from "../../outcome/log-lines";
import type { Credentials } from "../tenants";

export type JobEvent = "start" | "resume" | "progress" | "success" | "error" | "warning" | "skip";

const LEVELS = {
  start: "info",
  resume: "info",
  progress: "info",
  success: "info",
  error: "error",
  warning: "warn",
  skip: "debug",
} as const;

/** @param message what a person should know besides the figures */
export function jobLine(
  { organization, id }: Pick<Credentials, "organization" | "id">,
  event: JobEvent,
  run: Pick<RunRow, "kind" | "type"> & Partial<RunRow>,
  message?: string,
): LogLine {
  return {
    level: LEVELS[event],
    event: `incoming.job.${event}`,
    context: { organization, id },
    data: { ...figures(run), reason: message },
  };
}

/** The figures of a run, as people and programs read them. */
export function figures(run: Pick<RunRow, "kind" | "type"> & Partial<RunRow>): Record<string, unknown> {
  const at = (ms: number | undefined): string | undefined =>
    ms === undefined ? undefined : new Date(ms).toISOString();
  const { id, kind, type, options, state, done, total, counts, leftOut, startedAtMs, endedAtMs, error } = run;
  const all = {
    ...options,
    run: id,
    kind,
    type,
    state,
    done,
    total,
    counts,
    left_out: Object.keys(leftOut ?? {}).length > 0 ? leftOutOf(leftOut) : undefined,
    started_at: at(startedAtMs),
    ended_at: at(endedAtMs),
    error,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** Begins with the time, so that ids are in order. */
export function newRunId(nowMs: number): string {
  return `${nowMs.toString(36).padStart(9, "0")}-${randomBytes(6).toString("hex")}`;
}

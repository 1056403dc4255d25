/**
 * Imports rows, and finds out what became of each: by the report where it names rows, and where a call is refused or says
 * that some failed without saying which, by halves. A row that is imported twice has the same effect, so trying again is
 * always possible.
 */
import chunk from "lodash/chunk";
import { RemoteError } from "../../../http/errors";
import { isJson } from "../../../json";
import type { Json } from "../../../record";
import type { Applied, ApplyOptions, Intent, Problem, Result } from "../../connection";
import { attempt, isFailed, waitOf, type Failed } from "../../failure";
import { wordsOf } from "../api/envelope";
import { problemOf } from "../api/failure";
import type { Rest } from "../api/rest";
import type { ImportSettings, PlanningPmeSettings } from "../settings/settings";
import { modelOf } from "./model";
import { NOT_ATTEMPTED, readReport, type Row } from "./report";

export interface ImportDeps {
  readonly rest: Rest;
  readonly settings: Pick<PlanningPmeSettings, "layout" | "modelProperty" | "stopOnError">;
  readonly into: Pick<ImportSettings, "template" | "keyProperty">;
  /** Called when a report named no row although one was asked for. */
  readonly onSilence: () => void;
}

/** Calls that one chunk may need, so that an outage does not use up the hour. */
const MOST_CALLS = 40;

/** Single rows over which a server may fall, one after the other, before it counts as out of order. */
const MOST_SUSPECT = 3;

/** What can be said of a row that nothing is said of. */
const ACCEPTED: Result = { kind: "accepted" };

/** Never throws for failures at PlanningPME. */
export async function importRows(
  { rest, settings, into, onSilence }: ImportDeps,
  intents: readonly Intent[],
  options: ApplyOptions = {},
): Promise<Applied> {
  const simulate = options.dryRun === true;
  const stopOnError = options.stopOnError ?? settings.stopOnError;
  const rows = intents.map(({ fields }): Row => presentIn(fields));
  const results = new Map<Row, Result>();
  const reports: Json[] = [];
  /** Rows over which the server fell, while it took no others. */
  const suspect = new Map<Row, RemoteError>();
  let calls = 0;
  const server = { takesRows: false };
  let problem: Problem | undefined;
  const settle = (some: readonly Row[], result: Result): void => {
    for (const row of some) results.set(row, result);
  };

  async function send(some: readonly Row[]): Promise<void> {
    if (problem !== undefined || calls >= MOST_CALLS || suspect.size >= MOST_SUSPECT) return;
    calls += 1;
    const how = { simulate, verbose: true, stopOnError };
    const answer = await attempt(() => rest.import(into.template, modelOf(some, settings), how));
    const body = isFailed(answer) ? reportIn(answer) : answer;
    const { results: named, tellsFailures } = readReport(body, some, into.keyProperty ?? "");
    if (simulate && isJson(body)) reports.push(body);
    for (const [row, result] of named) results.set(row, result);
    const left = some.filter((row) => !named.has(row));
    if (named.size === 0 && isFailed(answer)) return refused(some, answer);
    server.takesRows = true;
    if (left.length === 0) return;
    if (!tellsFailures && !isFailed(answer)) {
      if (named.size === 0) onSilence();
      settle(left, ACCEPTED);
      return;
    }
    // Where it stopped, nothing is known of the others: they may have been taken back.
    if (stopOnError && named.size > 0) settle(left, NOT_ATTEMPTED);
    else if (some.length === 1) settle(left, rejected("The row failed, and the report does not say why"));
    else await halves(left);
  }

  /** A call that failed as a whole. */
  async function refused(some: readonly Row[], error: Failed): Promise<void> {
    const [row, ...others] = some;
    if (!(error instanceof RemoteError) || !isContent(error)) {
      problem = problemOf(error);
      settle(some, later(error));
    } else if (row !== undefined && others.length === 0) {
      if (error.status === 500) suspect.set(row, error);
      else settle(some, rejected(wordsOf(error), error.status));
    } else await halves(some);
  }

  async function halves(some: readonly Row[]): Promise<void> {
    for (const half of chunk(some, Math.ceil(some.length / 2))) await send(half);
  }

  await send(rows);
  for (const [row, error] of suspect) {
    // A server that is out of order falls over every row; one that takes others fell over this one.
    if (!server.takesRows) problem ??= problemOf(error);
    settle(
      [row],
      server.takesRows ? rejected(`PlanningPME fell over this row: ${wordsOf(error)}`, error.status) : later(error),
    );
  }
  return { results: rows.map((row) => results.get(row) ?? NOT_ATTEMPTED), problem, reports };
}

const later = (error: Failed): Result => ({ kind: "later", waitMs: waitOf(error), message: error.message });

const rejected = (message: string, status = 200): Result => ({ kind: "rejected", message, status });

/** Refused because of what it holds. A server error may be about one row as well. */
function isContent({ kind, status }: RemoteError): boolean {
  return kind === "validation" || kind === "too_large" || status === 500;
}

/** Some servers report rows in an answer whose status is an error. */
function reportIn(error: Failed): unknown {
  return error instanceof RemoteError ? error.answer : undefined;
}

/** What is empty is left out. */
function presentIn(fields: Intent["fields"]): Row {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

/**
 * Imports rows, and finds out what became of each: by the report where it names rows, and where a call is refused or says
 * that some failed without saying which, by halves. A row that is imported twice has the same effect, so trying again is
 * always possible.
 */
import chunk from "lodash/chunk";
import { RemoteError, UnexpectedAnswer } from "../../../http/errors";
import { isJson } from "../../../json";
import type { Json } from "../../../record";
import type { Applied, ApplyOptions, Intent, Problem, Result } from "../../connection";
import { attempt, isFailed, isPage, later, type Failed } from "../../failure";
import { wordsOf } from "../api/envelope";
import { problemOf } from "../api/failure";
import type { Rest } from "../api/rest";
import type { ImportSettings, PlanningPmeSettings } from "../settings/settings";
import { modelOf } from "./model";
import { NOT_ATTEMPTED, readReport, type Row } from "./report";

export interface ImportDeps {
  readonly rest: Pick<Rest, "import">;
  readonly settings: Pick<PlanningPmeSettings, "layout" | "modelProperty" | "stopOnError">;
  readonly into: Pick<ImportSettings, "template" | "keyProperty">;
  /** Takes out what a report must not show: an error may repeat the request with its headers. */
  readonly redact: (report: unknown) => unknown;
  /** Called when a report named no row although one was asked for. */
  readonly onSilence: () => void;
}

/** Calls that one chunk may need, so that an outage does not use up the hour. */
const MOST_CALLS = 40;

/** Single rows that may be refused, one after the other and no others taken, before one from elsewhere is tried. */
const MOST_SUSPECT = 3;

/** It is tried again when the settings change, else after this time. */
const MAPPING_WAIT_MS = 600_000;

/** What can be said of a row that nothing is said of. */
const ACCEPTED: Result = { kind: "accepted" };

/** Never throws for failures at PlanningPME. */
export async function importRows(
  { rest, settings, into, redact, onSilence }: ImportDeps,
  intents: readonly Intent[],
  options: ApplyOptions = {},
): Promise<Applied> {
  const simulate = options.dryRun === true;
  const stopOnError = options.stopOnError ?? settings.stopOnError;
  const rows = intents.map(({ fields }): Row => presentIn(fields));
  const results = new Map<Row, Result>();
  const reports: Json[] = [];
  /** Rows that were refused by themselves: their own fault if the server takes others. */
  const suspect = new Map<Row, RemoteError>();
  let calls = 0;
  const server = { takesRows: false };
  let problem: Problem | undefined;
  const settle = (some: readonly Row[], result: Result): void => {
    for (const row of some) results.set(row, result);
  };

  async function send(some: readonly Row[]): Promise<void> {
    if (problem === undefined && calls < MOST_CALLS && !isStuck()) await ask(some);
  }

  const isStuck = (): boolean => suspect.size >= MOST_SUSPECT && !server.takesRows;

  async function ask(some: readonly Row[]): Promise<void> {
    calls += 1;
    const how = { simulate, verbose: true, stopOnError };
    const answer = await attempt(async () => reported(await rest.import(into.template, modelOf(some, settings), how)));
    const body = isFailed(answer) ? reportIn(answer) : answer;
    const { results: named, tellsFailures } = readReport(body, some, into.keyProperty ?? "");
    const shown = simulate ? redact(body) : undefined;
    if (isJson(shown)) reports.push(shown);
    for (const [row, result] of named) {
      // Nothing stood before it at which the import could have stopped.
      const isLeft = some.length === 1 && result === NOT_ATTEMPTED;
      results.set(row, isLeft ? rejected("PlanningPME did not process the row") : result);
    }
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
      suspect.set(row, error);
    } else await halves(some);
  }

  async function halves(some: readonly Row[]): Promise<void> {
    for (const half of chunk(some, Math.ceil(some.length / 2))) await send(half);
  }

  await send(rows);
  // Bad rows may be adjacent: one from elsewhere shows whether any is taken.
  const last = rows.at(-1);
  if (last !== undefined && problem === undefined && isStuck() && !suspect.has(last)) await ask([last]);
  const mapping = server.takesRows ? undefined : wrongMapping([...suspect.values()]);
  problem ??= mapping;
  for (const [row, error] of suspect) {
    // A server that is out of order falls over every row; one that takes others fell over this one.
    const isItsFault = server.takesRows || (error.status !== 500 && mapping === undefined);
    if (!isItsFault) problem ??= problemOf(error);
    settle([row], isItsFault ? refusal(error) : later(error));
  }
  return { results: rows.map((row) => results.get(row) ?? NOT_ATTEMPTED), problem, reports };
}

const rejected = (message: string, status = 200): Result => ({ kind: "rejected", message, status });

function refusal(error: RemoteError): Result {
  const fell = error.status === 500 ? "PlanningPME fell over this row: " : "";
  return rejected(`${fell}${wordsOf(error)}`, error.status);
}

/** Rows from everywhere were refused for the same reason, and none was taken. */
function wrongMapping(refused: readonly RemoteError[]): Problem | undefined {
  const [words = "", ...others] = refused.map((error) => `${error.status} ${wordsOf(error)}`);
  if (refused.length <= MOST_SUSPECT || words.startsWith("500") || others.some((each) => each !== words)) return;
  const message = `PlanningPME refused all rows that were tried for the same reason, so the template, the layout of the rows or the mapping is probably at fault. PlanningPME answers: ${words}`;
  return { scope: "type", kind: "mapping", message, waitMs: MAPPING_WAIT_MS };
}

/** A good answer, unless it is a page for people. */
function reported(answer: unknown): unknown {
  if (isPage(answer)) throw new UnexpectedAnswer("PlanningPME answered an import with a page, and not with a report.");
  return answer;
}

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

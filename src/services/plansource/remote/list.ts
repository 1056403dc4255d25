/**
 * The pages of the list of subscribers. Test employees are always asked for: without them a list would not prove that
 * somebody is not there. Lists may hide the terminated ones, so a list that shows none proves nothing either.
 */
import { z } from "zod";
import { jsonIn } from "../../../json";
import type { ListPage, Problem } from "../../connection";
import { attempt, isFailed, type Failed } from "../../failure";
import { textOf } from "../../mapping/attributes";
import { problemOf } from "../api/failure";
import type { Rest, Row } from "../api/rest";
import { standingOf } from "../rules/life-cycle";
import { listedRecord, type ClaimOptions, idOf } from "./record";

/** PlanSource's own measure. */
export const PER_PAGE = 500;
/** A server that cuts pages shorter than asked for cuts them at a round number, such as 25, 30 or 100. */
const ROUND = 5;
const STUCK_WAIT_MS = 300_000;

const position = z.object({
  page: z.int().min(1),
  /** Id of the first row of the page before. */
  first: z.string().optional(),
  /** Rows of the longest page so far. */
  longest: z.int().optional(),
  /** Somebody terminated was shown. */
  showsEnded: z.boolean(),
});
export type Position = z.infer<typeof position>;

const START: Position = { page: 1, showsEnded: false };

export interface Paged {
  readonly rows: readonly Row[];
  /** Absent at the end of the list. */
  readonly next?: Position;
  readonly showsEnded: boolean;
}

/** @returns a problem where the list does not move on */
export async function readPage(rest: Rest, at = START): Promise<Paged | Failed | { readonly problem: Problem }> {
  const page = await attempt(() => rest.page(at.page, { perPage: PER_PAGE, includeTest: true }));
  if (isFailed(page)) return page;
  const rows = page.filter((row) => row !== undefined);
  const first = rows[0] === undefined ? undefined : idOf(rows[0]);
  if (first !== undefined && first === at.first) return { problem: stuck() };
  const showsEnded = at.showsEnded || rows.some((row) => standingOf(row) === "ended");
  const { longest = 0 } = at;
  const isLast = page.length === 0 || page.length < longest || page.length % ROUND !== 0;
  return {
    rows,
    showsEnded,
    next: isLast ? undefined : { page: at.page + 1, first, longest: page.length, showsEnded },
  };
}

export interface ListOptions extends ClaimOptions {
  readonly includeTest: boolean;
}

/**
 * One page of a fetch.
 *
 * @param from `next` of the page before; an invalid one begins at the start, which costs calls and misses nothing
 */
export async function listPage(
  rest: Rest,
  fields: readonly string[],
  from: string | undefined,
  { includeTest, ...how }: ListOptions,
): Promise<ListPage> {
  const page = await readPage(rest, positionOf(from));
  if (isFailed(page)) return { rows: [], problem: problemOf(page) };
  if ("problem" in page) return { rows: [], problem: page.problem };
  const { next, showsEnded } = page;
  const rows = page.rows.map((row) => listedRecord(row, fields, { ...how, updatesHull: includeTest || !isTest(row) }));
  if (next !== undefined) return { rows, next: JSON.stringify(next) };
  return { rows, partial: showsEnded ? undefined : true };
}

/** Somebody who only serves to try PlanSource out. */
const isTest = (row: Row): boolean =>
  /^(?:true|t|y|yes|1)$/i.test(textOf(row["test_employee"]) ?? String(row["test_employee"]));

function positionOf(from: string | undefined): Position {
  return position.safeParse(jsonIn(from)).data ?? START;
}

function stuck(): Problem {
  const message =
    "plansource GET /subscribers shows the same rows whatever the page; the list cannot be read to its end.";
  return { scope: "type", kind: "configuration", message, waitMs: STUCK_WAIT_MS };
}

/**
 * Reading a whole list. Planhat gives no total and no cursor, so pages overlap by one row: a page without the last
 * row we know means that rows moved up between two calls, and the reading steps back until it finds its place.
 *
 * The position is a small value, never the set of rows that were seen, so that a list of any length can be
 * read, and continued after a restart.
 */
import { z } from "zod";
import type { Query } from "../../../http/route";
import { attempt, isFailed } from "./failure";
import type { Failed } from "./failure";
import type { Page, Rest, Row } from "./rest";

/** Where the next page begins, and what is expected there. */
export const position = z.readonly(
  z.object({
    offset: z.int().min(0),
    /** The row that was read last: this page must show it, or begin before it. */
    last: z.string().optional(),
    /** The position before it stepped back; it continues there once the pages meet at the row `first`. */
    ahead: z
      .readonly(z.object({ first: z.string(), offset: z.int().min(0), last: z.string(), ended: z.boolean() }))
      .optional(),
    /** How often a page brought nothing, or the place was lost for good. */
    vain: z.int().min(0).optional(),
  }),
);

export type Position = z.infer<typeof position>;

export const START: Position = { offset: 0 };

/** The result of a page. Stuck: the list does not go on although it should. */
export type Step = { readonly kind: "on"; readonly to: Position } | { readonly kind: "end" | "stuck" };

/** A server that ignores our limit cuts its pages at a round number; such a page need not be the last. */
const ROUND = 100;
/** A server that repeats its first page, or a list in which no row keeps its place, would be read forever. */
const MAX_VAIN = 3;

/**
 * Where to go after a page. Its rows count in any case; some come twice.
 *
 * @param at where the page was asked for, with `sort=_id`
 * @param limit rows that were asked for
 */
export function stepAfter(at: Position, page: Page, limit: number): Step {
  const rows = page.filter((row) => row !== undefined);
  const lastIndex = page.findLastIndex((row) => row !== undefined);
  const [first, last] = [rows[0], rows.at(-1)];
  const ended = page.length < limit && (page.length === 0 || page.length % ROUND !== 0);
  const { ahead, vain } = at;
  const meets = ahead !== undefined && holds(rows, ahead.first);
  const isInPlace = isAttached(rows, at.last);

  if (!isInPlace && at.offset > 0) {
    const to = { offset: Math.max(0, at.offset - Math.max(1, limit - 1)), last: at.last, vain };
    if (first === undefined || last === undefined) return { kind: "on", to };
    const read = meets ? ahead : { offset: at.offset + lastIndex, last: last._id, ended };
    return { kind: "on", to: { ...to, ahead: { ...read, first: first._id } } };
  }
  if (meets)
    return ahead.ended ? { kind: "end" } : { kind: "on", to: { offset: ahead.offset, last: ahead.last, vain } };
  if (ended) return { kind: "end" };
  if (last === undefined || lastIndex === 0) return { kind: "stuck" };
  const isVain = !isInPlace || (ahead === undefined && last._id === at.last);
  if (isVain && (vain ?? 0) >= MAX_VAIN) return { kind: "stuck" };
  return { kind: "on", to: { offset: at.offset + lastIndex, last: last._id, vain: isVain ? (vain ?? 0) + 1 : vain } };
}

/** Nothing was skipped before this page: it shows the last known row, or in an ordered list an earlier one. */
function isAttached(rows: readonly Row[], last: string | undefined): boolean {
  const [first] = rows;
  if (last === undefined || holds(rows, last)) return true;
  const isOrdered = rows.every(({ _id }, index) => index === 0 || (rows[index - 1]?._id ?? "") < _id);
  return first !== undefined && isOrdered && first._id < last;
}

function holds(rows: readonly Row[], id: string): boolean {
  return rows.some((row) => row._id === id);
}

export interface PagingOrder {
  readonly path: string;
  readonly query: Query;
  readonly limit: number;
  /** Calls after which the reading gives up; unlimited when left out. */
  readonly maxCalls?: number;
  /** Ends the reading early, once what was looked for has been found. */
  readonly until?: (rows: ReadonlyMap<string, Row>) => boolean;
}

/** One page of the list. @throws RemoteError, UnexpectedAnswer */
export function readPage(rest: Rest, order: PagingOrder, at: Position): Promise<Page> {
  return rest.page(order.path, { ...order.query, limit: order.limit, offset: at.offset, sort: "_id" });
}

export interface Paged {
  readonly rows: ReadonlyMap<string, Row>;
  /** True when the list was read to its end. */
  readonly complete: boolean;
  readonly calls: number;
  /** Why the reading stopped before the end. */
  readonly error?: Failed;
}

/** Reads pages until the list ends. Remote failures are part of the answer; the rows read so far are kept. */
export async function readPages(rest: Rest, order: PagingOrder): Promise<Paged> {
  const rows = new Map<string, Row>();
  let calls = 0;
  for (let at = START; calls < (order.maxCalls ?? Infinity);) {
    calls += 1;
    const from = at;
    const page = await attempt(() => readPage(rest, order, from));
    if (isFailed(page)) return { rows, complete: false, calls, error: page };
    for (const row of page) if (row !== undefined) rows.set(row._id, row);
    if (order.until?.(rows) === true) break;
    const step = stepAfter(at, page, order.limit);
    if (step.kind !== "on") return { rows, complete: step.kind === "end", calls };
    at = step.to;
  }
  return { rows, complete: false, calls };
}

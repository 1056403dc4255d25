/**
 * Reading a whole list. Planhat gives no total and no cursor, so pages overlap by one row: a page that does not begin
 * with a row we know means that rows moved up between two calls, and the reading steps back until it does.
 */
import type { Query } from "../../http/route";
import { isFailed } from "./failure";
import type { Failed } from "./failure";
import type { Rest, Row } from "./rest";

export interface PagingOrder {
  readonly path: string;
  readonly query: Query;
  readonly limit: number;
  /** Calls after which the reading gives up; unlimited when left out. */
  readonly maxCalls?: number;
  /** Ends the reading early, once what was looked for is there. */
  readonly until?: (rows: ReadonlyMap<string, Row>) => boolean;
}

export interface Paged {
  readonly rows: ReadonlyMap<string, Row>;
  /** True when the list was read to its end. */
  readonly complete: boolean;
  readonly calls: number;
  /** Why the reading stopped before the end. */
  readonly error?: Failed;
}

/** A server that does not honour our limit cuts its pages at a round number; such a page need not be the last. */
const ROUND = 100;

/** Reads pages until the list ends. Remote failures are part of the answer; the rows read so far are kept. */
export async function readPages(rest: Rest, order: PagingOrder): Promise<Paged> {
  const rows = new Map<string, Row>();
  const most = order.maxCalls ?? Infinity;
  let calls = 0;
  const page = async (offset: number) => {
    calls += 1;
    const found = await rest.list(order.path, { ...order.query, limit: order.limit, offset, sort: "_id" });
    const first = found[0];
    const attached = offset === 0 || (first !== undefined && rows.has(first._id));
    const before = rows.size;
    for (const row of found) rows.set(row._id, row);
    return { length: found.length, attached, grew: rows.size > before };
  };
  const end = (complete: boolean, error?: Failed): Paged => ({
    rows,
    complete,
    calls,
    ...(error !== undefined && { error }),
  });

  try {
    for (let offset = 0; calls < most;) {
      const read = await page(offset);
      for (let back = offset, { attached } = read; !attached;) {
        if (calls >= most) return end(false);
        back = Math.max(0, back - Math.max(1, order.limit - 1));
        ({ attached } = await page(back));
      }
      if (order.until?.(rows) === true) return end(false);
      if (isLast(read.length, order.limit)) return end(true);
      if (!read.grew) return end(false);
      offset += read.length - 1;
    }
    return end(false);
  } catch (error) {
    if (isFailed(error)) return end(false, error);
    throw error;
  }
}

function isLast(length: number, limit: number): boolean {
  return length < limit && (length === 0 || length % ROUND !== 0);
}

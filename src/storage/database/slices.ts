import type { Key, KeyValue, Table } from "./kv";
import { notTooMany } from "../port/weight";

/** Records that one transaction works on; a few milliseconds' worth. */
export const SLICE = 500;

/**
 * Goes through all rows under a prefix, in several transactions, each of at most `limit` rows, or fewer when they are
 * large; rows that `visit` writes behind it are visited, too.
 */
export async function walk<V>(
  kv: KeyValue,
  table: Table<V>,
  prefix: Key,
  visit: (key: Key, row: V) => void,
  limit = SLICE,
): Promise<void> {
  const step = (after: Key | undefined): Promise<Key | undefined> =>
    kv.transact(() => {
      const slice = notTooMany(table.range(prefix, { limit, after }));
      for (const [key, row] of slice) visit(key, row);
      const last = slice.at(-1)?.[0];
      const hasMore = last !== undefined && [...table.range(prefix, { after: last, limit: 1 })].length > 0;
      return hasMore ? last : undefined;
    });
  for (let after = await step(undefined); after !== undefined;) after = await step(after);
}

/** Processes many, or large, records in several transactions, so that requests are served in between. */
export async function inSlices<T, R>(
  items: readonly T[],
  work: (slice: readonly T[]) => Promise<readonly R[]>,
): Promise<R[]> {
  const results: R[] = [];
  for (let from = 0; from < items.length;) {
    const slice = notTooMany(items.slice(from, from + SLICE));
    results.push(...(await work(slice)));
    from += slice.length;
  }
  return results;
}

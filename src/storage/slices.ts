import { notTooMany } from "./weight";

/** Records that one transaction works on; a few milliseconds' worth. */
export const SLICE = 500;

/** Works through many, or large, records in several transactions, so that requests get their turn in between. */
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

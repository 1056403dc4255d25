/** Many records are worked on in several commits, so that requests are served in between. */
import { notTooMany } from "../../weight";

/** Records of one commit: each may change its own document and that of its remote record; a few milliseconds' worth. */
export const SLICE = 250;

/** Works on many, or large, items in several steps; the results of all of them in their order. */
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

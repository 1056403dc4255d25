/** Rows of a file in groups that are taken in at once, limited in number and in bytes. */
import type { ExtractRow } from "../../hull/extract/extract";

/** Rows that are taken in at once. */
const MOST_ROWS = 200;
/** A parsed row is many times larger than in the file, and while a group is compared nothing else is answered. */
const MOST_BYTES = 4_000_000;

/** Groups of rows as they come; what was read before the download broke off is a group, too. */
export async function* groupsOf(
  batches: AsyncIterable<readonly ExtractRow[]>,
): AsyncGenerator<readonly ExtractRow[], void, void> {
  let group: ExtractRow[] = [];
  let bytes = 0;
  let broken: { readonly error: unknown } | undefined;
  try {
    for await (const batch of batches) {
      for (const row of batch) {
        group.push(row);
        bytes += row.bytes;
        if (group.length < MOST_ROWS && bytes < MOST_BYTES) continue;
        yield group;
        group = [];
        bytes = 0;
      }
    }
  } catch (error) {
    broken = { error };
  }
  if (group.length > 0) yield group;
  if (broken !== undefined) throw broken.error;
}

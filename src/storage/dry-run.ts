/** A store for one dry run: it knows what the real one knows, and what is written to it is gone with the run. */
import { createDryDatabase } from "./database/dry-run";
import type { Database } from "./database/rows";
import type { Stored } from "./port/stored";
import { createStored } from "./store";
import { LAST_RUNS, META, RECORDS, REPORTS, RUN_COUNTS, RUNS } from "./tables/tables";
import { commit, indexName } from "./tables/view";

const MOST_ROWS = 400_000;

/** What a run itself is asked for at its end. */
const KEPT: ReadonlySet<string> = new Set([
  ...[META, RUNS, RUN_COUNTS, REPORTS, LAST_RUNS].map(({ name }) => name),
  ...["time", "open"].map((index) => indexName(RUNS, index)),
]);

/** Here are records that wait for something. */
const WAITING = (["due", "waiting", "updates", "pending"] as const).map((index) => indexName(RECORDS, index));

/** Numbers of remotes that the real store does not reach while a run lasts. */
const APART = 2 ** 32;

/**
 * @param base database of the running store
 * @param now milliseconds since 1970
 * @param mostRows rows that are held in memory; beyond them, what is done with is forgotten
 */
export async function createDryStored(base: Database, now: () => number, mostRows = MOST_ROWS): Promise<Stored> {
  const dry = createDryDatabase(base);
  const stored = await createStored({ database: dry, now, keepsHistory: false });
  // A remote that is first met here must not get the number of one that the real store meets meanwhile.
  await commit(dry, (view) => view.put(META, ["remotes"], (view.get(META, ["remotes"]) ?? 0) + APART));
  return {
    ...stored,
    commit: async (work) => {
      // Records that wait for nothing are not asked about again: the real store tells as much of them. What waits
      // there for real is no matter.
      if (dry.size() > mostRows) await dry.keepOnly(KEPT, WAITING);
      return stored.commit(work);
    },
  };
}

/** A store for one dry run: it knows what the real one knows, and what is written to it is gone with the run. */
import { createDryDatabase } from "./database/dry-run";
import type { Database } from "./database/rows";
import type { Stored } from "./port/stored";
import { createStored } from "./store";
import { LAST_RUNS, META, REPORTS, RUN_COUNTS, RUNS } from "./tables/tables";
import { indexName } from "./tables/view";

/** Rows that are held in memory; beyond them, what is done with is forgotten. */
const MOST_ROWS = 400_000;

/** What a run itself is asked for at its end. */
const KEPT: ReadonlySet<string> = new Set([
  ...[META, RUNS, RUN_COUNTS, REPORTS, LAST_RUNS].map(({ name }) => name),
  ...["time", "open"].map((index) => indexName(RUNS, index)),
]);

/**
 * @param base database of the running store
 * @param now milliseconds since 1970
 */
export async function createDryStored(base: Database, now: () => number): Promise<Stored> {
  const dry = createDryDatabase(base);
  const stored = await createStored({ database: dry, now });
  return {
    ...stored,
    commit: async (work) => {
      // Records that wait for nothing are not asked about again: the real store tells as much of them.
      if (dry.size() > MOST_ROWS && (await stored.lanes()).length === 0) dry.keepOnly(KEPT);
      return stored.commit(work);
    },
  };
}

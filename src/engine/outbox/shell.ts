/** How operations run: in one commit, or slice by slice, and on with what did not fit. */
import type { Documents, PageQuery } from "../../storage/port/documents";
import type { RecordDocument, RecordName } from "../../storage/port/rows";
import type { RecordOutcome } from "../../storage/port/store";
import type { Stored } from "../../storage/port/stored";
import { createYielding } from "../../yielding";
import { goOn, isUnfinished, openCommit, type Commit } from "./effects";
import { inSlices } from "./slices";
import { PAGE } from "./views";

export interface Shell {
  /** Works in one commit on some records of a remote. */
  readonly work: <T>(remote: string, change: (commit: Commit) => T) => Promise<T>;
  /**
   * Works on many items, slice by slice.
   *
   * @param atEnd of each slice, in its commit
   * @returns what ended; `finish` does what did not fit
   */
  readonly each: <T>(
    remote: string,
    items: readonly T[],
    change: (commit: Commit, item: T) => void,
    atEnd?: (commit: Commit, slice: readonly T[]) => void,
  ) => Promise<readonly RecordOutcome[]>;
  /**
   * Writes records anew that are still there, slice by slice.
   *
   * @param change returns undefined when nothing is known of a record any more
   */
  readonly rewrite: <T extends RecordName>(
    remote: string,
    items: readonly T[],
    change: (document: RecordDocument, commit: Commit, item: T) => RecordDocument | undefined,
  ) => Promise<void>;
  /** Goes on with what did not fit into earlier commits, whoever made them. Only for those who report what ends. */
  readonly finish: (remote: string) => Promise<readonly RecordOutcome[]>;
  readonly reading: <T>(remote: string, read: (documents: Documents) => T) => Promise<T>;
  /** Reads places page by page, since there may be far more than should be read at once. @param isWanted all, if absent */
  readonly placesWhere: <P>(
    remote: string,
    pageAfter: (documents: Documents, query: PageQuery<P>) => readonly P[],
    isWanted?: (documents: Documents, place: P) => boolean,
  ) => Promise<readonly P[]>;
}

export function createShell({ commit, look }: Pick<Stored, "commit" | "look">): Shell {
  const work: Shell["work"] = (remote, change) => commit((documentsOf) => change(openCommit(documentsOf(remote))));
  const reading: Shell["reading"] = (remote, read) => look((documentsOf) => read(documentsOf(remote)));

  const each: Shell["each"] = (remote, items, change, atEnd) =>
    inSlices(items, (slice) =>
      work(remote, (open) => {
        slice.forEach((item) => change(open, item));
        atEnd?.(open, slice);
        return open.outcomes;
      }),
    );

  async function placesWhere<P>(
    remote: string,
    pageAfter: (documents: Documents, query: PageQuery<P>) => readonly P[],
    isWanted: (documents: Documents, place: P) => boolean = () => true,
  ): Promise<readonly P[]> {
    const yieldIfLong = createYielding();
    const found: P[] = [];
    for (let after: P | undefined, more = true; more;) {
      const query = { limit: PAGE, after };
      const { places, wanted } = await reading(remote, (documents) => {
        const page = pageAfter(documents, query);
        return { places: page, wanted: page.filter((place) => isWanted(documents, place)) };
      });
      found.push(...wanted);
      after = places.at(-1);
      more = places.length === PAGE;
      await yieldIfLong();
    }
    return found;
  }

  return {
    work,
    each,
    rewrite: async (remote, items, change) => {
      await each(remote, items, (open, item) => {
        const document = open.documents.record(item.type, item.hullId);
        if (document !== undefined) open.documents.putRecord(item.type, item.hullId, change(document, open, item));
      });
    },
    finish: async (remote) => {
      const outcomes: RecordOutcome[] = [];
      while (await reading(remote, isUnfinished)) {
        const ended = await work(remote, (open) => {
          goOn(open);
          return open.outcomes;
        });
        outcomes.push(...ended);
      }
      return outcomes;
    },
    reading,
    placesWhere,
  };
}

/** How operations run: in one commit, or slice by slice, and on with what did not fit. */
import type { Documents } from "../../storage/port/documents";
import type { RecordOutcome } from "../../storage/port/store";
import type { Stored } from "../../storage/port/stored";
import { goOn, openCommit, type Commit } from "./effects";
import { inSlices } from "./slices";

export interface Shell {
  /** Works in one commit on some records of a remote; what does not fit goes on in further ones. */
  readonly work: <T>(
    remote: string,
    change: (commit: Commit) => T,
  ) => Promise<{ readonly result: T; readonly outcomes: readonly RecordOutcome[] }>;
  /** The same for many items, slice by slice; outcomes of all of them together. */
  readonly each: <T>(
    remote: string,
    items: readonly T[],
    change: (commit: Commit, item: T) => void,
  ) => Promise<readonly RecordOutcome[]>;
  /** Goes on with what did not fit into earlier commits, those of a former process too. */
  readonly finish: (remote: string) => Promise<readonly RecordOutcome[]>;
  readonly reading: <T>(remote: string, read: (documents: Documents) => T) => Promise<T>;
}

export function createShell({ commit, look }: Pick<Stored, "commit" | "look">): Shell {
  const once = <T>(remote: string, change: (commit: Commit) => T) =>
    commit((documentsOf) => {
      const documents = documentsOf(remote);
      const open = openCommit(documents);
      const result = change(open);
      // What another commit could not go on with is done after this one.
      return { result, outcomes: open.outcomes, unfinished: open.unfinished || documents.pending(1).length > 0 };
    });

  async function finish(remote: string): Promise<readonly RecordOutcome[]> {
    const outcomes: RecordOutcome[] = [];
    for (let unfinished = true; unfinished;) {
      const done = await once(remote, goOn);
      outcomes.push(...done.outcomes);
      ({ unfinished } = done);
    }
    return outcomes;
  }

  const work: Shell["work"] = async (remote, change) => {
    const { result, outcomes, unfinished } = await once(remote, change);
    return { result, outcomes: unfinished ? [...outcomes, ...(await finish(remote))] : outcomes };
  };

  return {
    work,
    finish,
    each: (remote, items, change) =>
      inSlices(items, async (slice) => {
        const { outcomes } = await work(remote, (open) => slice.forEach((item) => change(open, item)));
        return outcomes;
      }),
    reading: (remote, read) => look((documentsOf) => read(documentsOf(remote))),
  };
}

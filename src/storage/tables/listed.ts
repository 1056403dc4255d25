/**
 * What the lists of fetches have shown: a row for each page with the ids that no page before it had. Whether a run has
 * shown an id already is asked for every listed record, so the ids of a run under way are in memory as well.
 */
import type { Database, Key } from "../database/rows";
import type { Listed } from "../port/documents";
import { createIdSet, type IdSet } from "./id-set";
import { isUnderway } from "./runs";
import { LISTED, remoteRow, RUNS } from "./tables";
import { commit, read } from "./view";

/** Pages that are removed in one commit. */
const PAGES = 100;

export interface ListedPages {
  /** Of runs that have ended, only the last one is kept. */
  of(remote: string, type: string, run: string): Promise<Listed>;
  /** When a list showed a remote record last, milliseconds since 1970. */
  atMs(remote: string, type: string, id: string): Promise<number | undefined>;
}

export function openListed(database: Database): ListedPages {
  /** By remote and type, then by run: connectors that share a remote may read the same list at once. */
  const current = new Map<string, Map<string, Promise<IdSet>>>();

  /** @param others runs that are remembered as well @returns what the run has shown, and which of the others are over */
  async function load(
    remote: string,
    type: string,
    run: string,
    others: readonly string[],
  ): Promise<{ readonly ids: IdSet; readonly ended: readonly string[] }> {
    const { ids, old, ended } = await read(database, (view) => {
      const isOver = (each: string): boolean => {
        const row = view.get(RUNS, [each]);
        return each !== run && (row === undefined || !isUnderway(row));
      };
      const { number } = remoteRow(view, remote);
      const found = createIdSet();
      const over = new Set<string>();
      for (const [[, , own], page] of number === 0 ? [] : view.range(LISTED, [number, type])) {
        if (own === run) for (const id of page.ids) found.add(id);
        else if (!over.has(String(own)) && isOver(String(own))) over.add(String(own));
      }
      // The last one before it tells until this one has ended.
      const old = [...over].sort().slice(0, -1);
      return { ids: found, old: old.map((each) => [number, type, each]), ended: others.filter(isOver) };
    });
    for (const prefix of old) await removeAll(prefix);
    return { ids, ended };
  }

  async function removeAll(prefix: Key): Promise<void> {
    for (let more = true; more;) {
      more = await commit(database, (view) => {
        const keys = [...view.range(LISTED, prefix, { limit: PAGES })].map(([key]) => key);
        for (const key of keys) view.remove(LISTED, key);
        return keys.length === PAGES;
      });
    }
  }

  function begin(runs: Map<string, Promise<IdSet>>, remote: string, type: string, run: string): Promise<IdSet> {
    const ids = load(remote, type, run, [...runs.keys()]).then(({ ids, ended }) => {
      for (const each of ended) runs.delete(each);
      return ids;
    });
    runs.set(run, ids);
    // What could not be read is read anew the next time.
    ids.catch(() => runs.delete(run));
    return ids;
  }

  return {
    of: async (remote, type, run) => {
      const name = JSON.stringify([remote, type]);
      const runs = current.get(name) ?? new Map<string, Promise<IdSet>>();
      current.set(name, runs);
      const known = runs.get(run) ?? begin(runs, remote, type, run);
      const ids = await known;
      return {
        has: (id) => ids.has(id),
        add: (more) => {
          for (const id of more) ids.add(id);
        },
      };
    },
    atMs: (remote, type, id) =>
      read(database, (view) => {
        let latest: number | undefined;
        const { number } = remoteRow(view, remote);
        for (const [, page] of view.range(LISTED, [number, type])) {
          if (page.atMs > (latest ?? 0) && page.ids.includes(id)) latest = page.atMs;
        }
        return latest;
      }),
  };
}

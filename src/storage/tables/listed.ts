/**
 * What the lists of fetches have shown: a row for each page with the ids that no page before it had. Whether a run has
 * shown an id already is asked for every listed record, so the ids of a run under way are in memory as well.
 */
import type { Database, Key } from "../database/rows";
import type { Listed } from "../port/documents";
import { LISTED, remoteRow } from "./tables";
import { commit, read } from "./view";

/** Pages that are removed in one commit. */
const PAGES = 100;

export interface ListedPages {
  /** Of runs before the last one nothing is kept. */
  of(remote: string, type: string, run: string): Promise<Listed>;
  /** When a list showed a remote record last, milliseconds since 1970. */
  atMs(remote: string, type: string, id: string): Promise<number | undefined>;
}

export function openListed(database: Database): ListedPages {
  /** By remote and type: one run of a type is under way at a time. */
  const current = new Map<string, { readonly run: string; readonly ids: Promise<Set<string>> }>();

  async function load(remote: string, type: string, run: string): Promise<Set<string>> {
    const { ids, old } = await read(database, (view) => {
      const { number } = remoteRow(view, remote);
      const found = new Set<string>();
      const others = new Set<string>();
      if (number === 0) return { ids: found, old: [] };
      for (const [[, , own], page] of view.range(LISTED, [number, type])) {
        if (own === run) for (const id of page.ids) found.add(id);
        else others.add(String(own));
      }
      // The last one before it tells until this one has ended.
      return {
        ids: found,
        old: [...others]
          .sort()
          .slice(0, -1)
          .map((each) => [number, type, each]),
      };
    });
    for (const prefix of old) await removeAll(prefix);
    return ids;
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

  return {
    of: async (remote, type, run) => {
      const name = JSON.stringify([remote, type]);
      let known = current.get(name);
      if (known?.run !== run) {
        known = { run, ids: load(remote, type, run) };
        current.set(name, known);
        // What could not be read is read anew the next time.
        known.ids.catch(() => current.delete(name));
      }
      const ids = await known.ids;
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

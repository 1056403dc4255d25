/**
 * A database over another one, for one dry run: it reads what the lower one contains, and what is written to it stays in
 * memory. The lower one is never written.
 *
 * Rows that were not written here are read from the lower database each time, so what others write there meanwhile is
 * seen. Each row is consistent in itself; rows of one record may come from two moments. That is good enough to say what
 * a run would do.
 */
import { createLayer, writesTo } from "./layer";
import { wholeOr, type Database, type Rows, type Work } from "./rows";

export interface DryDatabase extends Database {
  /** Rows that were written. */
  size(): number;
  /** Forgets what was written so far, but for some tables. */
  keepOnly(tables: ReadonlySet<string>): void;
}

export function createDryDatabase(base: Database): DryDatabase {
  const layer = createLayer();
  let last: Promise<unknown> = Promise.resolve();

  async function write<T>(work: (rows: Rows) => Work<T>): Promise<T> {
    const { result, apply } = await base.read((rows) => {
      const below = wholeRows(rows);
      const decided = work(layer.over(below));
      return { result: decided.result, apply: writesTo(layer, below, decided.changes) };
    });
    apply();
    return result;
  }

  return {
    read: (work) => base.read((below) => work(layer.over(wholeRows(below)))),
    // The lower database may run the work more than once, so its changes are written after the last run. Until then no
    // other work may be decided on what they change.
    write: (work) => {
      const done = last.then(() => write(work));
      last = done.catch(() => undefined);
      return done;
    },
    size: () => layer.size(),
    keepOnly: (tables) => layer.keepOnly(tables),
    close: () => Promise.resolve(layer.keepOnly(new Set())),
  };
}

/** Damaged rows are not there: the lower database's own store mends them when it meets them. */
function wholeRows(rows: Rows): Rows {
  return {
    get: (table, key) => wholeOr(() => rows.get(table, key)),
    range: (table, prefix, options) => rows.range(table, prefix, { ...options, skipDamaged: true }),
    size: (table, prefix) => rows.size(table, prefix),
  };
}

/**
 * A database over another one, for one dry run: it reads what the lower one contains, and what is written to it stays in
 * memory. The lower one is never written.
 *
 * Rows that were not written here are read from the lower database each time, so what others write there meanwhile is
 * seen. Each row is consistent in itself; rows of one record may come from two moments. That is good enough to say what
 * a run would do.
 */
import { createLayer, prepared } from "./layer";
import { wholeOr, type Database, type Rows } from "./rows";

export interface DryDatabase extends Database {
  /** Rows that were written. */
  size(): number;
  /** Forgets what was written so far, but for some tables; nothing, as long as a row is written in one of `unless`. */
  keepOnly(tables: ReadonlySet<string>, unless: readonly string[]): Promise<void>;
}

export function createDryDatabase(base: Database): DryDatabase {
  const layer = createLayer();
  /** One write at a time: nobody changes what it read before it is there. */
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(step: () => T | Promise<T>): Promise<T> => {
    const done = last.then(step);
    last = done.catch(() => undefined);
    return done;
  };
  return {
    read: (work) => base.read((below) => work(layer.over(wholeRows(below)))),
    write: (work) =>
      inTurn(async () => {
        // The lower database may run the work more than once, so what it comes to is written afterwards.
        const { result, apply } = await base.read((rows) => {
          const below = wholeRows(rows);
          const done = work(layer.over(below));
          return { result: done.result, apply: prepared(layer, below, done.changes) };
        });
        apply();
        return result;
      }),
    size: () => layer.size(),
    keepOnly: (tables, unless) =>
      inTurn(() => {
        if (!unless.some((table) => layer.has(table))) layer.keepOnly(tables);
      }),
    close: () =>
      inTurn(() => {
        layer.keepOnly(new Set());
      }),
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

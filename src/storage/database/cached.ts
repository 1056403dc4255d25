/**
 * Rows that were read or written lately, in memory, since the next step of the same record needs them again: with them
 * a changed record costs a third less. Only for a database that one process has alone. Others see what is committed: a
 * row that is being written is read from the database until that is done.
 */
import { LRUCache } from "lru-cache";
import type { Database, Key, Rows, Work } from "./rows";

/** A row that is not there is remembered as well. */
interface Cell {
  readonly value: unknown;
}

/**
 * @param tables whose rows are kept
 * @param most rows; those that were not used for longest go first
 */
export function cached<D extends Database>(database: D, tables: ReadonlySet<string>, most: number): D {
  const cells = new LRUCache<string, Cell>({ max: most });
  /** The commit that wrote a row last, as long as it is not known to be durable. */
  const underway = new Map<string, object>();

  const pathOf = (table: string, key: Key): string => `${table}\0${key.join("\0")}`;

  const over = (rows: Rows): Rows => ({
    ...rows,
    get: (table, key) => {
      if (!tables.has(table)) return rows.get(table, key);
      const path = pathOf(table, key);
      const known = cells.get(path);
      if (known !== undefined) return known.value;
      const value = rows.get(table, key);
      if (!underway.has(path)) cells.set(path, { value });
      return value;
    },
  });

  return {
    ...database,
    read: (work) => database.read((rows) => work(over(rows))),
    write: async <T>(work: (rows: Rows) => Work<T>) => {
      const own = {};
      const written = new Map<string, Cell>();
      const end = (isDurable: boolean): void => {
        for (const [path, cell] of written) {
          // A later commit wrote it again: that one decides.
          if (underway.get(path) !== own) continue;
          underway.delete(path);
          if (isDurable) cells.set(path, cell);
        }
      };
      try {
        const result = await database.write((rows) => {
          const done = work(over(rows));
          for (const change of done.changes) {
            if (!tables.has(change.table) || "by" in change) continue;
            const path = pathOf(change.table, change.key);
            cells.delete(path);
            underway.set(path, own);
            written.set(path, { value: change.value });
          }
          return done;
        });
        end(true);
        return result;
      } catch (error) {
        end(false);
        throw error;
      }
    },
  };
}

/** The Store's database on disk: LMDB in `DATA_DIR`, one process at a time, commits grouped and flushed. */
import { open } from "lmdb";
import type { Key, KeyValue, Table } from "./kv";

type MutableKey = (string | number)[];

/** Sorts after every key part that we use. */
const AFTER_ALL = "\u{10FFFF}";

/**
 * @param path folder of the database; created when missing
 */
export function createLmdbKeyValue(path: string): KeyValue {
  const root = open({ path, maxDbs: 32, noMemInit: true });
  const tables = new Map<string, unknown>();

  function createTable<V>(name: string): Table<V> {
    const database = root.openDB<V, MutableKey>({ name, encoding: "msgpack" });
    return {
      get: (key) => database.get([...key]),
      put: (key, value) => void database.put([...key], value),
      remove: (key) => void database.remove([...key]),
      range: (prefix, options = {}) =>
        database
          .getRange({
            start: [...prefix],
            end: options.end === undefined ? [...prefix, AFTER_ALL] : [...options.end],
            ...(options.limit === undefined ? {} : { limit: options.limit }),
          })
          .map(({ key, value }): readonly [Key, V] => [key, value]),
    };
  }

  return {
    table<V>(name: string): Table<V> {
      const existing = tables.get(name);
      // Each name is asked for with one value type only, by embedded.ts.
      if (existing !== undefined) return existing as Table<V>;
      const table = createTable<V>(name);
      tables.set(name, table);
      return table;
    },
    transact: async (work) => {
      const result = await root.transaction(work);
      await root.flushed;
      return result;
    },
    read: (work) => work(),
    close: () => root.close(),
  };
}

/** The Store's database on disk: LMDB in `DATA_DIR`, one process at a time, commits grouped and flushed. */
import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { open } from "lmdb";
import { tablesBy, type Key, type KeyValue, type Table } from "./kv";

/** Most tables that a database may have. */
export const MOST_TABLES = 64;

type MutableKey = (string | number)[];

/** Sorts after every key part that we use. */
const AFTER_ALL = "\u{10FFFF}";

/** lmdb-js reads a key of one part back as that part alone. */
function asKey(key: MutableKey | string | number): Key {
  return Array.isArray(key) ? key : [key];
}

/** LMDB's magic number, which opens the meta data of its first page (`mdb.c`, MDB_meta). */
const MAGIC = 0xbeefc0de;
const MAGIC_OFFSET = 24;

/** LMDB maps any file; one that is not LMDB's would end the process without a word. */
function assertReadable(path: string): void {
  const file = join(path, "data.mdb");
  if (!existsSync(file)) return;
  const head = Buffer.alloc(MAGIC_OFFSET + 4);
  const handle = openSync(file, "r");
  const length = readSync(handle, head, 0, head.length, 0);
  closeSync(handle);
  // An empty file is one that was just created.
  if (length === 0 || (length === head.length && head.readUInt32LE(MAGIC_OFFSET) === MAGIC)) return;
  throw new Error(
    `The store in ${path} cannot be read. Restore it from a backup, or point DATA_DIR to an empty folder.`,
  );
}

/**
 * @param path folder of the database; created when missing
 * @throws Error when there is something else in its place
 */
export function createLmdbKeyValue(path: string): KeyValue {
  assertReadable(path);
  // Never with noMemInit: that leaves the process's memory, secrets included, in the unused parts of pages.
  const root = open({ path, maxDbs: MOST_TABLES });

  function createTable<V>(name: string): Table<V> {
    const database = root.openDB<V, MutableKey>({ name, encoding: "msgpack" });
    return {
      get: (key) => database.get([...key]),
      put: (key, value) => void database.put([...key], value),
      remove: (key) => void database.remove([...key]),
      size: (prefix = []) => database.getKeysCount({ start: [...prefix], end: [...prefix, AFTER_ALL] }),
      range: (prefix, options = {}) =>
        database
          .getRange({
            start: [...(options.after ?? prefix)],
            exclusiveStart: options.after !== undefined,
            end: options.end === undefined ? [...prefix, AFTER_ALL] : [...options.end],
            limit: options.limit,
          })
          .map(({ key, value }): readonly [Key, V] => [asKey(key), value]),
    };
  }

  return {
    table: tablesBy(createTable),
    transact: async (work) => {
      // A child transaction, because only that takes back what it wrote when `work` throws.
      const result = await root.childTransaction(work);
      await root.flushed;
      return result;
    },
    read: (work) => work(),
    close: () => root.close(),
  };
}

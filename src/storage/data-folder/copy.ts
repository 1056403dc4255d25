/**
 * Copies a database row by row into a new one. LMDB's own copy also copies the unused parts of pages, which may contain
 * what the process that wrote them had in memory.
 */
import { open, type Database, type RootDatabase } from "lmdb";
import { MOST_TABLES } from "../database/lmdb";

interface Row {
  readonly key: Buffer;
  readonly value: Buffer;
}

type RawTable = Database<Buffer, Buffer>;

/** Bytes of rows that are in memory at once, and written in one transaction; a single row may be larger. */
const SLICE_BYTES = 8_000_000;
/** Memory of a row besides its content. */
const ROW_BYTES = 500;

/**
 * @param from folder of a database that no process has open
 * @param to folder of the new one; not flushed to disk yet
 * @throws Error when a row is missing in the copy
 */
export async function copyDatabase(from: string, to: string): Promise<void> {
  const source = open({ path: from, maxDbs: MOST_TABLES });
  try {
    // A half-written copy may be torn without loss: it is begun anew.
    const target = open({ path: to, maxDbs: MOST_TABLES, noSync: true });
    try {
      for (const name of source.getKeys()) copyTable(source, target, String(name));
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

/** Keys and values as bytes, which is fast and cannot change what they mean. */
function rawTable(database: RootDatabase, name: string): RawTable {
  return database.openDB<Buffer, Buffer>({ name, encoding: "binary", keyEncoding: "binary" });
}

function copyTable(source: RootDatabase, target: RootDatabase, name: string): void {
  const rows = rawTable(source, name);
  const copy = rawTable(target, name);
  let slice: Row[] = [];
  let bytes = 0;
  const write = (): void => {
    target.transactionSync(() => {
      for (const { key, value } of slice) copy.putSync(key, value);
    });
    slice = [];
    bytes = 0;
  };
  for (const { key, value } of rows.getRange()) {
    slice.push({ key, value });
    bytes += key.length + value.length + ROW_BYTES;
    if (bytes >= SLICE_BYTES) write();
  }
  write();
  if (rows.getCount() !== copy.getCount()) throw new Error(`The copy of the table "${name}" lacks rows.`);
}

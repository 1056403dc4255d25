/** Whether LMDB may open a store: it ends the process at a page that is missing or damaged, so the file is read before. */
import { unpack } from "msgpackr";
import { contentStart, isWhole } from "../database/checks";
import { systemErrorOf } from "../port/disk";
import { DamageError, openDataFile, type DataFile, type State } from "./file";
import { FREE, freePagesOf, openTrees, type OnRow, type Table, type Trees } from "./tree";

/** What is read of tables' pages at the most before the server starts; `npm run check` reads all of them. */
export const LOOK_BYTES = 512 * 1024 * 1024;

/** The format and the counters, and their checks. Damaged rows of all others cost their record alone, see `mend.ts`. */
const NEEDED: ReadonlySet<string> = new Set(["meta", "checks"]);

/** What to do about a store that cannot be used. */
export const REMEDY =
  "Restore it from a backup (docs/operations/operate.md#a-damaged-store), or point DATA_DIR to an empty folder: what was " +
  "taken in and not delivered yet, dead letters, runs, links and settings are lost then, and the next notifications and " +
  "fetches build the rest anew.";

/**
 * Makes sure that no used page is missing; takes no time, whatever the size. Pages at the end that nobody uses may be:
 * LMDB does not write those.
 *
 * @param path folder of the database; nothing has to be in it
 * @throws Error with a sentence
 */
export function assertComplete(path: string): void {
  withStates(path, (file, state) => {
    const missing = (state.lastPage + 1) * file.pageBytes - file.bytes;
    if (missing <= 0) return;
    const beyond = freePagesOf(file, state).subarray(Math.floor(file.bytes / file.pageBytes));
    if (beyond.some((use) => use !== FREE)) {
      throw new DamageError(`data.mdb is cut off: it has ${file.bytes} bytes, and ${missing} more are missing`);
    }
  });
}

/**
 * What is done after an unclean stop: reads the structure of every table, as far as `bytes` go, and every row of those
 * that all others need.
 *
 * @param path folder of a database that nobody has open
 * @throws Error with a sentence
 */
export function assertWhole(path: string, bytes = LOOK_BYTES): void {
  readStore(path, (trees) => {
    let left = bytes;
    const isRead = (): boolean => (left -= trees.pageBytes) >= 0;
    for (const table of trees.tables) {
      if (!NEEDED.has(table.name)) {
        trees.walk(table, { isRead });
        continue;
      }
      const { damaged } = rowsOf(trees, table);
      if (damaged.length > 0) {
        throw new DamageError(`${damaged.length} of the rows in the table ${table.name} are damaged`);
      }
    }
  });
}

/**
 * Reads of a database what `work` asks for.
 *
 * @param path folder of a database whose newest state nobody overwrites meanwhile
 * @returns undefined when there is no database
 * @throws Error with a sentence when what was read is damaged
 */
export function readStore<T>(path: string, work: (trees: Trees) => T): T | undefined {
  assertComplete(path);
  return withStates(path, (file, state) => work(openTrees(file, state)));
}

export interface Rows {
  readonly rows: number;
  /** Keys of the damaged ones, as bytes. */
  readonly damaged: readonly Buffer[];
}

/**
 * Reads every row of a table.
 *
 * @param onRow called with the content of each row that is not damaged; the memory is used again afterwards
 * @throws DamageError when its structure is damaged
 */
export function rowsOf(trees: Trees, table: Table, onRow: OnRow = () => undefined): Rows {
  const damaged: Buffer[] = [];
  let rows = 0;
  trees.walk(table, {
    onRow: (key, value) => {
      rows += 1;
      const content = contentOf(value);
      if (content === undefined) damaged.push(Buffer.from(key));
      else onRow(key, content);
    },
  });
  return { rows, damaged };
}

/** What is written of a row; undefined when it is damaged. */
function contentOf(value: Buffer): Buffer | undefined {
  if (!isWhole(value)) return undefined;
  const content = value.subarray(contentStart(value));
  try {
    unpack(content);
    return content;
  } catch {
    return undefined;
  }
}

/** Where it is not known which state LMDB goes on with, one that is whole will do. */
function withStates<T>(path: string, work: (file: DataFile, state: State) => T): T | undefined {
  let file: DataFile | undefined;
  try {
    file = openDataFile(path);
    if (file === undefined) return undefined;
    const [first, second] = file.states;
    try {
      return work(file, first);
    } catch (error) {
      if (second === undefined || !(error instanceof DamageError)) throw error;
      return work(file, second);
    }
  } catch (cause) {
    if (cause instanceof DamageError) {
      throw new Error(`The store in ${path} cannot be read: ${cause.message}. ${REMEDY}`, { cause });
    }
    if (systemErrorOf(cause)?.code === "EIO") {
      throw new Error(`The store in ${path} cannot be read: the disk reports an error (EIO). ${REMEDY}`, { cause });
    }
    throw cause;
  } finally {
    file?.close();
  }
}

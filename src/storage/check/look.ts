/** Whether LMDB may open a store: it ends the process at a page that is missing or damaged, so the file is read before. */
import { unpack } from "msgpackr";
import { contentStart, isWhole } from "../database/checks";
import { systemErrorOf } from "../port/disk";
import { DamageError, openDataFile, type DataFile, type State } from "./file";
import { assertNotCut, tablesOf, type Table } from "./tree";

/** What is read of tables' pages at the most before the server starts; `npm run check` reads all of them. */
const LOOK_BYTES = 512 * 1024 * 1024;

/** The format and the counters, and their checks. Damaged rows of all others cost their record alone, see `mend.ts`. */
const NEEDED: ReadonlySet<string> = new Set(["meta", "checks"]);

/** What to do about a store that cannot be used. */
const REMEDY =
  "Restore it from a backup (docs/operations/operate.md#a-damaged-store), or point DATA_DIR to an empty folder: what was " +
  "taken in and not delivered yet, dead letters, runs, links and settings are lost then, and the next notifications and " +
  "fetches build the rest anew.";

/**
 * Makes sure that no used page is missing; takes no time, whatever the size.
 *
 * @param path folder of the database; nothing has to be in it
 * @throws Error with a sentence
 */
export function assertComplete(path: string): void {
  withStates(path, assertNotCut);
}

/**
 * What is done after an unclean stop: reads the structure of every table, as far as `bytes` go, and every row of those
 * that all others need.
 *
 * @param path folder of a database that nobody has open
 * @throws Error with a sentence
 */
export function assertWhole(path: string, bytes = LOOK_BYTES): void {
  readTables(path, (tables) => {
    let left = bytes;
    const isRead = (pageBytes: number): boolean => (left -= pageBytes) >= 0;
    for (const table of tables) {
      if (!NEEDED.has(table.name)) {
        table.walk({ isRead });
        continue;
      }
      const { damaged } = rowsOf(table);
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
export function readTables<T>(path: string, work: (tables: readonly Table[]) => T): T | undefined {
  return withStates(path, (file, state) => {
    assertNotCut(file, state);
    return work(tablesOf(file, state));
  });
}

/**
 * Reads every row of a table.
 *
 * @param onKey called with the key of each row that is not damaged
 * @returns how many rows there are, and the keys of the damaged ones
 * @throws DamageError when its structure is damaged
 */
export function rowsOf(
  table: Table,
  onKey: (key: Buffer) => void = () => undefined,
): { readonly rows: number; readonly damaged: readonly Buffer[] } {
  const damaged: Buffer[] = [];
  let rows = 0;
  table.walk({
    onRow: (key, value) => {
      rows += 1;
      if (isReadable(value)) onKey(key);
      else damaged.push(key);
    },
  });
  return { rows, damaged };
}

function isReadable(value: Buffer): boolean {
  if (!isWhole(value)) return false;
  try {
    unpack(value.subarray(contentStart(value)));
    return true;
  } catch {
    return false;
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
    const isUnreadable = systemErrorOf(cause)?.code === "EIO";
    if (!isUnreadable && !(cause instanceof DamageError)) throw cause;
    const reason = cause instanceof DamageError ? cause.message : "the disk reports an error (EIO)";
    throw new Error(`The store in ${path} cannot be read: ${reason}. ${REMEDY}`, { cause });
  } finally {
    file?.close();
  }
}

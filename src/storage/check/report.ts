/** Every row of a store, read for a person. */
import { fromBufferKey } from "ordered-binary";
import { compareKeys, DamagedRow, type Database, type Key, type Rows } from "../database/rows";
import { META, TABLE_NAMES } from "../tables/tables";
import { readTables, rowsOf } from "./look";

export interface TableReport {
  readonly table: string;
  readonly rows: number;
  /** Keys of its damaged rows, as far as they may be shown. */
  readonly damaged: readonly string[];
}

/** Tables whose keys are shown, since they lead to a record and are no personal data. */
const SHOWN: ReadonlySet<string> = new Set([
  ...["meta", "tenants", "grants", "remotes", "remotes.numbers", "remotes.generations", "remotes.senders", "pauses"],
  ...["depth", "tally", "hours", "runs", "runs.time", "runs.open", "runCounts", "lastRuns", "reports"],
]);
/** Those as well, with the remote instead of its number, with which their keys begin. */
const NUMBERED: ReadonlySet<string> = new Set([
  ...["records", "records.due", "records.updates", "records.dead", "records.pending", "contents", "mirror", "listed"],
]);

/** Rows that are read at once where others use the same database. */
const SLICE_ROWS = 200;

/**
 * @param path folder of a database whose newest state nobody overwrites meanwhile
 * @returns undefined when there is no database
 * @throws Error with a sentence when its structure is damaged
 */
export function reportOn(path: string): readonly TableReport[] | undefined {
  return readTables(path, (tables) => {
    const remotes = new Map<unknown, unknown>();
    const reports = tables.map((table) => ({
      table: table.name,
      ...rowsOf(table, (key) => {
        if (table.name !== "remotes.numbers") return;
        const [number, remote] = partsOf(key);
        remotes.set(number, remote);
      }),
    }));
    return reports.map(({ table, rows, damaged }) => ({
      table,
      rows,
      damaged: damaged.map((key) => textOf(table, partsOf(key), remotes)),
    }));
  });
}

/**
 * The same of a database that others may use meanwhile, slice by slice. A row counts as damaged, too, if its key does not
 * come behind the one before: it stands twice, or is not what was written.
 *
 * @returns undefined when there is no store
 */
export async function reportOnRows(database: Database): Promise<readonly TableReport[] | undefined> {
  const format = await database.read((rows) => [...rows.range(META.name, ["format"], { skipDamaged: true })]);
  if (format.length === 0) return undefined;
  const remotes = new Map<unknown, unknown>();
  const read: { readonly table: string; readonly rows: number; readonly damaged: readonly Key[] }[] = [];
  for (const table of TABLE_NAMES) {
    read.push(
      await readTable(database, table, ([number, remote]) => {
        if (table === "remotes.numbers") remotes.set(number, remote);
      }),
    );
  }
  return read.map(({ table, rows, damaged }) => ({
    table,
    rows,
    damaged: damaged.map((key) => textOf(table, key, remotes)),
  }));
}

async function readTable(database: Database, table: string, onKey: (key: Key) => void) {
  const damaged: Key[] = [];
  let rows = 0;
  let last: Key | undefined;
  for (let isEnd = false; !isEnd;) {
    const slice = await database.read((all) => readSlice(all, table, last));
    for (const { key, isWhole } of slice.rows) {
      rows += 1;
      if (isWhole && (last === undefined || compareKeys(last, key) < 0)) onKey(key);
      else damaged.push(key);
      last = key;
    }
    isEnd = slice.isEnd;
  }
  return { table, rows, damaged };
}

/** Ends at a damaged row, as every walk does. */
function readSlice(all: Rows, table: string, after: Key | undefined) {
  const rows: { readonly key: Key; readonly isWhole: boolean }[] = [];
  try {
    for (const [key, value] of all.range(table, [], { after, limit: SLICE_ROWS })) {
      // No number: what begins as one and goes on as something else.
      rows.push({ key, isWhole: !Number.isNaN(value) });
    }
  } catch (error) {
    if (!(error instanceof DamagedRow)) throw error;
    return { rows: [...rows, { key: error.key, isWhole: false }], isEnd: false };
  }
  const isEnd = rows.length < SLICE_ROWS;
  // The last one is left to the next slice, which would not see that its key stands twice.
  const [before, last] = rows.slice(-2);
  const isPair = before !== undefined && last !== undefined && compareKeys(before.key, last.key) === 0;
  return { rows: isEnd || isPair ? rows : rows.slice(0, -1), isEnd };
}

const partsOf = (key: Buffer): Key => [fromBufferKey(key)].flat() as Key;

function textOf(table: string, key: Key, remotes: ReadonlyMap<unknown, unknown>): string {
  const isNumbered = NUMBERED.has(table);
  if (!isNumbered && !SHOWN.has(table)) return "(its key is not shown: it may be personal data)";
  const [first, ...rest] = key;
  return [isNumbered ? (remotes.get(first) ?? first) : first, ...rest].map(String).join(", ");
}

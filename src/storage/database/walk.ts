/** Walks over whole tables, some rows at a time, so that memory stays flat and others are served in between. */
import { notTooMany } from "../../weight";
import type { Database, Key, Rows } from "./rows";

export type Row = readonly [Key, unknown];

/** Rows of one slice, fewer when they are large; Redis answers so many to the first question of a walk. */
const SLICE_ROWS = 200;

export interface Walk {
  /** The row at which it stands; undefined at the end. */
  row(): Row | undefined;
  /** Goes on to the next row; to be awaited if it has to be read. */
  step(): Promise<void> | undefined;
}

/** Each slice is of one moment, and read while the one before it is worked on. @throws DamagedRow */
export async function openWalk(database: Database, table: string): Promise<Walk> {
  const read = (after?: Key): Promise<readonly Row[]> => {
    const slice = database.read((rows: Rows) => notTooMany(rows.range(table, [], { after, limit: SLICE_ROWS })));
    // The error is thrown where the slice is awaited, if anybody comes that far.
    slice.catch(() => undefined);
    return slice;
  };
  let slice: readonly Row[] = [];
  let coming = read();
  let at = 0;

  async function turn(): Promise<void> {
    slice = await coming;
    at = 0;
    const last = slice.at(-1);
    if (last !== undefined) coming = read(last[0]);
  }

  await turn();
  return {
    row: () => slice[at],
    step: () => {
      at += 1;
      return at < slice.length || slice.length === 0 ? undefined : turn();
    },
  };
}

/** All rows of a table that fits into memory. @throws DamagedRow */
export async function readAll(database: Database, table: string): Promise<readonly Row[]> {
  const all: Row[] = [];
  const walk = await openWalk(database, table);
  for (let row = walk.row(); row !== undefined; row = walk.row()) {
    all.push(row);
    await walk.step();
  }
  return all;
}

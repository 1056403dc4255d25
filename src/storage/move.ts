/**
 * Copies a whole store into an empty database, row by row, whichever databases they are; nobody uses either meanwhile.
 * The target has a format that no program reads until it is complete.
 */
import { randomUUID } from "node:crypto";
import type { Database, Key, RowChange, Rows } from "./database/rows";
import { notTooMany } from "../weight";
import { tenantPlace } from "./port/seal";
import { resealed, type Reseal } from "./tables/sealed";
import { FLIGHTS, FORMAT, LEASES, META, RECORDS, REMOTES, RENEWALS, TABLE_NAMES, TENANTS } from "./tables/tables";

export interface MoveOptions {
  readonly from: Database;
  readonly to: Database;
  /** @throws when the text was encrypted with another key than that of the source */
  readonly reseal: Reseal;
}

export interface Moved {
  readonly tables: readonly MovedTable[];
  /** Texts that did not open with the key of the source, and were copied as they are. */
  readonly unopened: number;
}

export interface MovedTable {
  readonly table: string;
  readonly rows: number;
}

/** Rows of one commit; fewer when they are large. */
const SLICE_ROWS = 500;
/** In place of a format while the copy is not complete. */
const UNFINISHED = 0;
/** Written last; and what is true of a process that had the source is not of one that has the target. */
const APART: ReadonlySet<string> = new Set([META.name, LEASES.name, RENEWALS.name]);

/** @throws Error with a sentence when nothing was copied, or not everything */
export async function moveStore({ from, to, reseal }: MoveOptions): Promise<Moved> {
  await assertEmpty(to);
  await assertFormat(from);
  await assertKey(from, reseal);
  const remotes = new Map(
    (await readAll(from, REMOTES.name)).map(([, value]) => {
      const remote = REMOTES.codec.unpack(value);
      return [remote.number, remote] as const;
    }),
  );
  await write(to, [{ table: META.name, key: ["format"], value: UNFINISHED }]);

  const unopened = new Set<string>();
  const tolerant: Reseal = (sealed, place) => {
    try {
      return reseal(sealed, place);
    } catch {
      unopened.add(sealed);
      return sealed;
    }
  };
  /** Remotes where something is in flight, and whatever somebody worked on when he fell silent. */
  const left = new Set((await readAll(from, LEASES.name)).map(([[name = ""]]) => name));
  const noteFlight = (table: string, key: Key, value: unknown): void => {
    const isFlight =
      table === FLIGHTS.name ||
      (table === RECORDS.name &&
        Object.values(RECORDS.codec.unpack(value).own).some(({ entry }) => entry?.attempt !== undefined));
    const remote = isFlight ? remotes.get(Number(key[0])) : undefined;
    if (remote !== undefined) left.add(remote.key);
  };

  for (const table of TABLE_NAMES) {
    if (APART.has(table)) continue;
    for await (const slice of slicesOf(from, table)) {
      for (const [key, value] of slice) noteFlight(table, key, value);
      await write(
        to,
        slice.map(([key, value]) => ({
          table,
          key,
          value: resealed(table, key, value, tolerant, (number) => remotes.get(number)),
        })),
      );
    }
  }
  // Nobody has these ids: whoever comes first waits, and recovers.
  const owners = [...left].map((name) => ({ table: LEASES.name, key: [name], value: { id: randomUUID() } }));
  await write(to, owners);
  const tables = await compared(from, to);
  await write(
    to,
    (await readAll(from, META.name)).map(([key, value]) => ({ table: META.name, key, value })),
  );
  return { tables, unopened: unopened.size };
}

async function assertEmpty(to: Database): Promise<void> {
  const [format, used] = await to.read((rows) => [
    rows.get(META.name, ["format"]),
    TABLE_NAMES.find((table) => rows.size(table, []) > 0),
  ]);
  if (format === UNFINISHED) {
    throw new Error("The target holds a part of a copy that was not finished. Empty it, and start again.");
  }
  if (used !== undefined) throw new Error(`The target is not empty: it has rows of "${used}". Name an empty one.`);
}

async function assertFormat(from: Database): Promise<void> {
  const format = await from.read((rows) => rows.get(META.name, ["format"]) as number | undefined);
  if (format === FORMAT) return;
  throw new Error(
    format === undefined
      ? "There is no store at the source."
      : `The source has format ${format}, this program reads format ${FORMAT}. Start the version that goes with it.`,
  );
}

/** A key that opens nothing is the wrong one. */
async function assertKey(from: Database, reseal: Reseal): Promise<void> {
  const rows = await readAll(from, TENANTS.name);
  const opens = ([key, value]: Row): boolean => {
    try {
      reseal(TENANTS.codec.unpack(value).sealed, tenantPlace(String(key[0])));
      return true;
    } catch {
      return false;
    }
  };
  if (rows.length === 0 || rows.some(opens)) return;
  throw new Error(
    "SECRET is not the key of the source: it opens the settings of no connector. Set it to the one that the server has.",
  );
}

/** @throws Error when the target has not as many rows as the source */
async function compared(from: Database, to: Database): Promise<readonly MovedTable[]> {
  const sizes = (database: Database): Promise<readonly number[]> =>
    database.read((rows) => TABLE_NAMES.map((table) => rows.size(table, [])));
  const [source, target] = [await sizes(from), await sizes(to)];
  const tables = TABLE_NAMES.map((table, index) => ({ table, rows: source[index] ?? 0, there: target[index] ?? 0 }));
  const counted = tables.filter(({ table }) => !APART.has(table));
  const wrong = counted.filter(({ rows, there }) => rows !== there);
  if (wrong.length === 0) return counted.map(({ table, rows }) => ({ table, rows }));
  const words = wrong.map(({ table, rows, there }) => `${table} ${there} of ${rows}`).join(", ");
  throw new Error(
    `The copy is not complete: ${words}. Somebody wrote to the source or the target meanwhile. ` +
      "Stop all servers, empty the target, and start again.",
  );
}

type Row = readonly [Key, unknown];

/** Rows of a table in their order, some at a time. */
async function* slicesOf(database: Database, table: string): AsyncGenerator<readonly Row[]> {
  const sliceAfter = (after?: Key): Promise<readonly Row[]> =>
    database.read((rows: Rows) => notTooMany(rows.range(table, [], { after, limit: SLICE_ROWS })));
  for (let slice = await sliceAfter(); slice.length > 0; slice = await sliceAfter(slice.at(-1)?.[0])) yield slice;
}

async function readAll(database: Database, table: string): Promise<readonly Row[]> {
  const all: Row[] = [];
  for await (const slice of slicesOf(database, table)) all.push(...slice);
  return all;
}

const write = (database: Database, changes: readonly RowChange[]): Promise<void> =>
  database.write(() => ({ result: undefined, changes }));

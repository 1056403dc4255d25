/**
 * Makes one database a copy of another: walks both side by side, in the order of their keys, and writes what differs. So a run
 * goes on where a killed one ended, and most can be copied while servers use the source: the last pass, while nobody does,
 * writes what has changed since. Until then the target has a format that no program reads.
 */
import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import sumBy from "lodash/sumBy";
import { weightOf } from "../weight";
import { compareKeys, type Database, type Key, type RowChange } from "./database/rows";
import { openWalk, readAll, type Row } from "./database/walk";
import { tenantPlace, type Seal } from "./port/seal";
import { maySeal, resealed, type Reseal } from "./tables/sealed";
import { FLIGHTS, FORMAT, LEASES, META, RECORDS, REMOTES, RENEWALS, TABLE_NAMES, TENANTS } from "./tables/tables";

/** One of the two databases. */
export interface MovePlace {
  /** For people; and an unfinished copy knows its source by it. */
  readonly name: string;
  readonly database: Database;
  /** With the key of what is stored there. */
  readonly seal: Seal;
}

export interface MoveOptions {
  readonly from: MovePlace;
  /** Nobody else uses it. */
  readonly to: MovePlace;
  /** Who uses the source, as a sentence; undefined: nobody. Asked before the pass and after it. */
  readonly usedBy: () => Promise<string | undefined>;
  readonly onProgress?: (progress: Progress) => void;
  /** Ends the pass between two slices; its reason is thrown. */
  readonly signal?: AbortSignal;
}

export interface Progress {
  readonly table: string;
  /** Rows of the source that were compared so far, in all tables. */
  readonly rows: number;
  /** Rows that the source had at the beginning. */
  readonly all: number;
  /** Rows that were written or removed so far. */
  readonly changed: number;
}

/** What one pass has done. */
export interface Moved {
  /** Who used the source meanwhile, as a sentence, so that the copy is not finished; undefined: it is. */
  readonly usedBy: string | undefined;
  readonly tables: readonly MovedTable[];
  /** Texts that did not open with the key of the source, and were copied as they are. */
  readonly unopened: number;
}

export interface MovedTable {
  readonly table: string;
  /** Rows of the source. */
  readonly rows: number;
  /** Rows that were missing in the target, or different there. */
  readonly written: number;
  /** Rows that were only in the target. */
  readonly removed: number;
}

/** Of one commit: rows, and bytes. */
const MOST_CHANGES = 1_000;
const MOST_WEIGHT = 4_000_000;
/** In place of a format while the copy is not complete. */
const UNFINISHED = 0;
/** Where an unfinished copy names its source. */
const COPY_OF = ["copyOf"];
/** Not copied row by row: `meta` is written last, and leases of the source count for nothing at the target. */
const APART: ReadonlySet<string> = new Set([META.name, LEASES.name, RENEWALS.name]);
const COPIED = TABLE_NAMES.filter((table) => !APART.has(table));

/** One pass. @throws Error with a sentence when nothing can be copied, or not everything was */
export async function moveStore({ from, to, usedBy, onProgress, signal }: MoveOptions): Promise<Moved> {
  const isBegun = await assertOurs(to.database, from.name);
  await assertFormat(from.database);
  await assertKey(from);
  if (!isBegun) {
    await write(to.database, [
      { table: META.name, key: ["format"], value: UNFINISHED },
      { table: META.name, key: COPY_OF, value: from.name },
    ]);
  }
  const usedBefore = await usedBy();
  const meta = await readAll(from.database, META.name);
  const all = (await sizesOf(from.database)).reduce((sum, size) => sum + size, 0);
  const texts = await openTexts(from, to);
  const tables: MovedTable[] = [];
  for (const table of COPIED) {
    const before = { rows: sumBy(tables, "rows"), changed: sumBy(tables, "written") + sumBy(tables, "removed") };
    const copied = await copyTable(table, { from: from.database, to: to.database, texts }, (rows, changed) => {
      signal?.throwIfAborted();
      onProgress?.({ table, rows: before.rows + rows, all, changed: before.changed + changed });
    });
    tables.push(copied);
  }
  const used = usedBefore ?? (await usedBy()) ?? (await usedSince(from.database, meta));
  if (used === undefined) {
    await assertSameSizes(from.database, to.database);
    await finish(to.database, meta, texts.inFlight());
  }
  return { usedBy: used, tables, unopened: texts.unopened() };
}

/** Each opening of a store is counted in `meta`. */
async function usedSince(from: Database, meta: readonly Row[]): Promise<string | undefined> {
  const isSame = isDeepStrictEqual(await readAll(from, META.name), meta);
  return isSame ? undefined : "A server or a tool was started on the source meanwhile.";
}

/** @returns whether the target holds a part of a copy of this source. @throws Error when it holds anything else */
async function assertOurs(to: Database, source: string): Promise<boolean> {
  const [format, copyOf, used] = await to.read((rows) => [
    rows.get(META.name, ["format"]),
    rows.get(META.name, COPY_OF),
    TABLE_NAMES.find((table) => rows.size(table, []) > 0),
  ]);
  if (format !== UNFINISHED) {
    if (used === undefined) return false;
    throw new Error(`The target is not empty: it has rows of "${used}". Name an empty one.`);
  }
  if (copyOf === source) return true;
  throw new Error(
    `The target holds a part of a copy of ${typeof copyOf === "string" ? copyOf : "another place"}, not of ${source}. ` +
      "If that is another name of the same place, use that name; or else empty the target, or name an empty one.",
  );
}

async function assertFormat(from: Database): Promise<void> {
  const format = await from.read((rows) => rows.get(META.name, ["format"]) as number | undefined);
  if (format === FORMAT) return;
  if (format === undefined) throw new Error("There is no store at the source.");
  if (format === UNFINISHED)
    throw new Error("The source is itself a copy that was not finished. Finish that one first.");
  throw new Error(
    `The source has format ${format}, this program reads format ${FORMAT}. Start the version that goes with it.`,
  );
}

/** A key that opens nothing is the wrong one. */
async function assertKey({ database, seal }: MovePlace): Promise<void> {
  const rows = await readAll(database, TENANTS.name);
  const opens = ([key, value]: Row): boolean => {
    try {
      seal.open(TENANTS.codec.unpack(value).sealed, tenantPlace(String(key[0])));
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

/** Encrypted texts, which depend on the keys of both places; and while their rows go by, what was in flight. */
async function openTexts(from: MovePlace, to: MovePlace) {
  const remotes = new Map(
    (await readAll(from.database, REMOTES.name)).map(([, value]) => {
      const remote = REMOTES.codec.unpack(value);
      return [remote.number, remote] as const;
    }),
  );
  const unopened = new Set<string>();
  /** Remotes where something is in flight, and whatever has an owner who may have been killed. */
  const inFlight = new Set((await readAll(from.database, LEASES.name)).map(([[name = ""]]) => String(name)));

  /** Texts that do not open stay as they are. */
  const openWith =
    (seal: Seal, onFailure: (sealed: string) => void): Reseal =>
    (sealed, place) => {
      try {
        return seal.open(sealed, place);
      } catch {
        onFailure(sealed);
        return sealed;
      }
    };
  const openHere = openWith(from.seal, (sealed) => unopened.add(sealed));
  const openThere = openWith(to.seal, () => undefined);
  const sealAnew: Reseal = (sealed, place) => {
    const text = openHere(sealed, place);
    return unopened.has(sealed) ? sealed : to.seal.seal(text, place);
  };
  const rewrite = (table: string, key: Key, value: unknown, reseal: Reseal): unknown =>
    resealed(table, key, value, reseal, (number) => remotes.get(number));

  function noteFlight(table: string, key: Key, value: unknown): void {
    const isFlight =
      table === FLIGHTS.name ||
      (table === RECORDS.name &&
        Object.values(RECORDS.codec.unpack(value).own).some(({ entry }) => entry?.attempt !== undefined));
    const remote = isFlight ? remotes.get(Number(key[0])) : undefined;
    if (remote !== undefined) inFlight.add(remote.key);
  }

  return {
    /** @param there the row of the target; undefined if it has none. @returns what it must become; undefined: it is right */
    wanted: (table: string, [key, value]: Row, there: unknown): unknown => {
      const isSealed = maySeal(table, value);
      if (isSealed || table === FLIGHTS.name) noteFlight(table, key, value);
      // A text that is encrypted again is another one each time.
      const isRight =
        there !== undefined &&
        (isSealed
          ? isDeepStrictEqual(rewrite(table, key, value, openHere), rewrite(table, key, there, openThere))
          : isDeepStrictEqual(value, there));
      if (isRight) return undefined;
      return isSealed ? rewrite(table, key, value, sealAnew) : value;
    },
    inFlight: (): ReadonlySet<string> => inFlight,
    unopened: () => unopened.size,
  };
}

interface Copying {
  readonly from: Database;
  readonly to: Database;
  readonly texts: Pick<Awaited<ReturnType<typeof openTexts>>, "wanted">;
}

/** @param onProgress told now and then how many rows were compared, and how many changed */
async function copyTable(
  table: string,
  { from, to, texts }: Copying,
  onProgress: (rows: number, changed: number) => void,
): Promise<MovedTable> {
  const [here, there] = [await openWalk(from, table), await openWalk(to, table)];
  const changes = openChanges(to);
  let [rows, written, removed] = [0, 0, 0];

  /** Looks at the row that comes first. @returns what changes in the target, and which walks go on */
  function compare(row: Row | undefined, old: Row | undefined) {
    const order = row === undefined ? 1 : old === undefined ? -1 : compareKeys(row[0], old[0]);
    const isBoth = order === 0;
    if (row === undefined || order > 0) {
      removed += 1;
      return { change: old && { table, key: old[0], value: undefined }, passed: [there] };
    }
    rows += 1;
    const value = texts.wanted(table, row, isBoth ? old?.[1] : undefined);
    written += value === undefined ? 0 : 1;
    return {
      change: value === undefined ? undefined : { table, key: row[0], value },
      passed: isBoth ? [here, there] : [here],
    };
  }

  try {
    for (let [row, old] = [here.row(), there.row()]; row ?? old; [row, old] = [here.row(), there.row()]) {
      const { change, passed } = compare(row, old);
      const full = change && changes.add(change);
      if (full !== undefined) await full;
      for (const walk of passed) {
        const slice = walk.step();
        if (slice === undefined) continue;
        await slice;
        onProgress(rows, written + removed);
      }
    }
    await changes.end();
  } finally {
    await changes.settled();
  }
  onProgress(rows, written + removed);
  return { table, rows, written, removed };
}

/** Commits of bounded size; while one is written the next one is collected. */
function openChanges(database: Database) {
  let changes: RowChange[] = [];
  let weight = 0;
  let writing: Promise<void> | undefined;

  async function flush(): Promise<void> {
    const some = changes;
    [changes, weight] = [[], 0];
    await writing;
    if (some.length === 0) return;
    writing = write(database, some);
    // The error is thrown where it is awaited: by the next flush, or the end.
    writing.catch(() => undefined);
  }

  return {
    /** @returns to be awaited if there is too much of it */
    add: (change: RowChange): Promise<void> | undefined => {
      changes.push(change);
      weight += weightOf(change);
      return changes.length >= MOST_CHANGES || weight >= MOST_WEIGHT ? flush() : undefined;
    },
    end: async (): Promise<void> => {
      await flush();
      await writing;
    },
    /** Resolves when nothing is written any more, however it went. */
    settled: async (): Promise<void> => {
      await writing?.catch(() => undefined);
    },
  };
}

const sizesOf = (database: Database): Promise<readonly number[]> =>
  database.read((rows) => COPIED.map((table) => rows.size(table, [])));

/** @throws Error when the target has not as many rows as the source */
async function assertSameSizes(from: Database, to: Database): Promise<void> {
  const [source, target] = [await sizesOf(from), await sizesOf(to)];
  const wrong = COPIED.flatMap((table, index) =>
    source[index] === target[index] ? [] : [`${table} ${target[index]} of ${source[index]}`],
  );
  if (wrong.length === 0) return;
  throw new Error(
    `The copy is not complete: ${wrong.join(", ")}. Somebody wrote to the source or the target meanwhile. ` +
      "Stop all servers, and run the same command again.",
  );
}

/** In one commit: the target is either whole, or still an unfinished copy. */
async function finish(to: Database, meta: readonly Row[], inFlight: ReadonlySet<string>): Promise<void> {
  await write(to, [
    // Nobody has these ids: whoever comes first waits, and recovers.
    ...[...inFlight].map((name) => ({ table: LEASES.name, key: [name], value: { id: randomUUID() } })),
    ...meta.map(([key, value]) => ({ table: META.name, key, value })),
    { table: META.name, key: COPY_OF, value: undefined },
  ]);
}

const write = (database: Database, changes: readonly RowChange[]): Promise<void> =>
  database.write(() => ({ result: undefined, changes }));

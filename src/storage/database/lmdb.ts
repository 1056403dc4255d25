/** The Store's database on disk: LMDB in `DATA_DIR`, one process at a time, commits grouped and flushed. */
import { closeSync, mkdirSync, openSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import memoize from "lodash/memoize";
import { open, type Database as LmdbTable } from "lmdb";
import { Packr } from "msgpackr";
import { assertComplete } from "../check/look";
import { DiskError, systemErrorOf } from "../port/disk";
import { checkBeside, createChecks, DAMAGED } from "./checks";
import { endOf, numberIn } from "./layer";
import { DamagedRow, type Database, type Key, type RowChange, type Rows, type Work } from "./rows";

/** Most tables that a database may have. */
export const MOST_TABLES = 64;

type MutableKey = (string | number)[];

type Table = LmdbTable<unknown, MutableKey>;

/** Older programs read it first, and refuse in their own words what they cannot read: its checks are in a table beside it. */
const META = "meta";
const CHECKS = "checks";

/** lmdb-js reads a key of one part back as that part alone. */
function asKey(key: MutableKey | string | number): Key {
  return Array.isArray(key) ? key : [key];
}

/** lmdb-js leaves keys as they are, though its types do not say so. */
const given = (key: Key): MutableKey => key as MutableKey;

/** More than LMDB's table of readers needs, and where its second page begins; the first one is written at each start. */
const LOCK_BYTES = 16_384;
const PAGE_BYTES = 4_096;

/**
 * LMDB writes to its lock file through memory, where a full disk ends the process (SIGBUS) instead of being reported;
 * so the file has its blocks before. Nobody uses it yet: one process has the folder.
 */
function reserveLock(path: string): void {
  mkdirSync(path, { recursive: true });
  const lock = join(path, "lock.mdb");
  const found = statSync(lock, { throwIfNoEntry: false });
  if (found !== undefined && found.blocks * 512 >= LOCK_BYTES) return;
  const file = openSync(lock, found === undefined ? "w" : "r+", 0o600);
  try {
    for (let at = found === undefined ? 0 : PAGE_BYTES; at < LOCK_BYTES;) {
      at += writeSync(file, Buffer.alloc(LOCK_BYTES - at), 0, LOCK_BYTES - at, at);
    }
  } finally {
    closeSync(file);
  }
}

/**
 * A table that was not used yet is opened outside of a transaction: if that were taken back, LMDB would give the handle to
 * another table.
 */
class NotOpen extends Error {
  constructor(readonly table: string) {
    super(`The table "${table}" is not open.`);
  }
}

/** LMDB's error for a database that had one from which it cannot recover. */
const PANIC = "MDB_PANIC";

/** A database on disk, which can be copied while it is in use. */
export interface DurableDatabase extends Database {
  /**
   * Writes one moment of the database into an existing empty folder, without the pages that are free: what was erased
   * before does not come along. The event loop and transactions go on.
   *
   * @throws Error with the system's words, and no code; a part of the file may be there then
   */
  backup(folder: string): Promise<void>;
}

export interface LmdbOptions {
  /** Nothing is written, and tables that are not there have no rows; the database must exist. */
  readonly readOnly?: boolean;
}

/**
 * @param path folder of the database; created when missing
 * @throws Error when there is something else in its place, or a part of it is missing
 */
export function createLmdbDatabase(path: string, { readOnly = false }: LmdbOptions = {}): DurableDatabase {
  assertComplete(path);
  reserveLock(path);
  // Never with noMemInit: that leaves the process's memory, secrets included, in the unused parts of pages. Batches by
  // the turn of the event loop have a promise of their own, which nobody could handle when a commit fails.
  const root = open({ path, maxDbs: MOST_TABLES, eventTurnBatching: false, readOnly });
  // Names of fields are mostly left out before (`tables/structure.ts`); records of its own would only cost time.
  const checks = createChecks(new Packr({ useRecords: false, variableMapSize: true }));
  let failed = false;
  let broken = false;

  let isWriting = false;

  const table = memoize((name: string): Table => {
    if (isWriting) throw new NotOpen(name);
    const isPlain = name === META;
    return root.openDB<unknown, MutableKey>({ name, ...(isPlain ? { encoding: "msgpack" } : { encoder: checks }) });
  });

  /** What is only read makes no tables. */
  const found = new Set(readOnly ? [...root.getKeys()].map(String) : []);
  const isThere = (name: string): boolean => !readOnly || found.has(name);
  // There, opening one ends the transaction that walks read through.
  found.forEach((name) => table(name));

  function assertWhole(name: string, key: Key, value: unknown): void {
    if (value === DAMAGED) throw new DamagedRow(name, key);
    if (name !== META || !isThere(CHECKS)) return;
    const check = table(CHECKS).get([name, ...key]);
    if (check !== undefined && check !== checkBeside(key, value)) throw new DamagedRow(name, key);
  }

  const rows: Rows = {
    get: (name, key) => {
      if (!isThere(name)) return undefined;
      const value = table(name).get(given(key));
      if (value !== undefined) assertWhole(name, key, value);
      return value;
    },
    size: (name, prefix) =>
      isThere(name) ? table(name).getKeysCount({ start: [...prefix], end: [...endOf(prefix, undefined)] }) : 0,
    *range(name, prefix, options = {}) {
      if (!isThere(name)) return;
      const bounds = {
        start: [...(options.after ?? prefix)],
        exclusiveStart: options.after !== undefined,
        end: [...endOf(prefix, options.end)],
        limit: options.limit,
      };
      if (options.keysOnly === true) {
        for (const key of table(name).getKeys(bounds)) yield [asKey(key), undefined] as const;
        return;
      }
      const walk = table(name).getRange(bounds);
      // A walk that is left, by a damaged row too, closes LMDB's cursor.
      for (const { key: raw, value } of walk) {
        const key = asKey(raw);
        if (value === DAMAGED && options.skipDamaged === true) continue;
        assertWhole(name, key, value);
        yield [key, value] as const;
      }
    },
  };

  /** What a row becomes; a sum of what is there, which may be damaged. */
  const valueOf = (change: RowChange): unknown =>
    "by" in change ? numberIn(rows.get(change.table, change.key)) + change.by : change.value;

  function put(name: string, key: Key, value: unknown): void {
    const set = (to: string, at: Key, row: unknown): void =>
      void (row === undefined ? table(to).remove(given(at)) : table(to).put(given(at), row));
    set(name, key, value);
    if (name === META) set(CHECKS, [name, ...key], value === undefined ? undefined : checkBeside(key, value));
  }

  async function write<T>(work: (rows: Rows) => Work<T>): Promise<T> {
    if (broken) throw new DiskError(`The store in ${path} had an error that only a restart ends.`, PANIC);
    try {
      // A child transaction, because only that takes back what was written when a later row cannot be: a damaged
      // counter, a key that is too long. It resolves when it is on disk; `root.flushed` would wait for later ones as
      // well, and for ever if one of them fails.
      return await root.childTransaction(() => {
        isWriting = true;
        try {
          const { result, changes } = work(rows);
          // Everything is read before anything is written: what was written stays, also if a later step throws.
          const values = changes.map(valueOf);
          changes.forEach(({ table: name, key }, index) => put(name, key, values[index]));
          return result;
        } finally {
          isWriting = false;
        }
      });
    } catch (error) {
      if (!(error instanceof NotOpen)) throw await failureOf(error);
      try {
        table(error.table);
      } catch (failure) {
        throw await failureOf(failure);
      }
      return write(work);
    }
  }

  return {
    // Rows are read where LMDB has them, and nobody writes while JavaScript does.
    read: (work) => Promise.resolve().then(() => work(rows)),
    write,
    backup: (folder) => root.backup(folder, true),
    close: async () => {
      if (!broken && failed) {
        // Closing would wait for the failed commit for ever; an empty one, which writes nothing, takes its place.
        failed = false;
        await root.childTransaction(() => undefined);
      }
      await root.close();
    },
  };

  /** Why a transaction failed, in the system's words; what `work` itself threw is handed on. */
  async function failureOf(error: unknown): Promise<unknown> {
    const ofCommit = error instanceof Error && "commitError" in error;
    const cause = ofCommit ? await Promise.resolve(error.commitError).catch((reason: unknown) => reason) : error;
    // LMDB's errors have numbers; a large transaction is written in part before its end, and fails there.
    if (!(cause instanceof Error && "code" in cause && typeof cause.code === "number")) return error;
    failed = true;
    broken = isBroken();
    const { code, words } = systemErrorOf(cause) ?? { code: String(cause.code), words: cause.message };
    return new DiskError(`The store in ${path} cannot be written: ${code}, ${words}.`, broken ? PANIC : code, {
      cause,
    });
  }

  /** After some failures LMDB serves nobody any more, and a further transaction would wait for ever. */
  function isBroken(): boolean {
    try {
      root.resetReadTxn();
      root.doesExist("meta");
      return false;
    } catch {
      return true;
    }
  }
}

/**
 * Does something while no page of the newest state is written over, beside the process that has the database open.
 *
 * @param path its folder
 */
export async function whileKept<T>(path: string, work: () => T): Promise<T> {
  const root = open({ path, maxDbs: MOST_TABLES, readOnly: true });
  try {
    const reader = root.useReadTransaction();
    try {
      return work();
    } finally {
      reader.done();
    }
  } finally {
    await root.close();
  }
}

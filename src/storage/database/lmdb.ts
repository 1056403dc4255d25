/** The Store's database on disk: LMDB in `DATA_DIR`, one process at a time, commits grouped and flushed. */
import { closeSync, mkdirSync, openSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { open } from "lmdb";
import { assertComplete } from "../check/look";
import { DiskError, systemErrorOf } from "../port/disk";
import { checkedBeside, createChecks, DAMAGED, DamagedRow, isPacker, type Packer } from "./checks";
import { tablesBy, type Key, type KeyValue, type Table } from "./kv";

/** Most tables that a database may have. */
export const MOST_TABLES = 64;

type MutableKey = (string | number)[];

/** Sorts after every key part that we use. */
const AFTER_ALL = "\u{10FFFF}";

/**
 * Tables that a program of before reads first, to refuse what it cannot read in its own words: their
 * checks are in a table of their own. */
const PLAIN_TABLES: ReadonlySet<string> = new Set(["meta", "names"]);

/** The encoder that lmdb-js makes for itself. */
function packerOf(database: object): Packer {
  // Its types do not show it.
  const packer: unknown = Reflect.get(database, "encoder");
  if (!isPacker(packer)) throw new Error("LMDB's interface has no encoder; is it another version than package.json's?");
  return packer;
}

/** lmdb-js reads a key of one part back as that part alone. */
function asKey(key: MutableKey | string | number): Key {
  return Array.isArray(key) ? key : [key];
}

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

/** LMDB's error for a database that had one from which it cannot recover. */
const PANIC = "MDB_PANIC";

/** A database on disk, which can be copied while it is in use. */
export interface DurableKeyValue extends KeyValue {
  /**
   * Writes one moment of the database into an existing empty folder, without the pages that are free: what was erased
   * before does not come along. The event loop and transactions go on.
   *
   * @throws Error with the system's words, and no code; a part of the file may be there then
   */
  backup(folder: string): Promise<void>;
}

/**
 * @param path folder of the database; created when missing
 * @throws Error when there is something else in its place, or a part of it is missing
 */
export function createLmdbKeyValue(path: string): DurableKeyValue {
  assertComplete(path);
  reserveLock(path);
  // Never with noMemInit: that leaves the process's memory, secrets included, in the unused parts of pages. Batches by
  // the turn of the event loop have a promise of their own, which nobody could handle when a commit fails.
  const root = open({ path, maxDbs: MOST_TABLES, eventTurnBatching: false });
  const checks = createChecks(packerOf(root));
  let failed = false;
  let broken = false;

  function createTable<V>(name: string): Table<V> {
    const form = PLAIN_TABLES.has(name) ? { encoding: "msgpack" as const } : { encoder: checks };
    const database = root.openDB<V | typeof DAMAGED, MutableKey>({ name, ...form });
    return {
      get: (key) => {
        const value = database.get([...key]);
        if (value === DAMAGED) throw new DamagedRow(name, key);
        return value;
      },
      put: (key, value) => void database.put([...key], value),
      remove: (key) => void database.remove([...key]),
      size: (prefix = []) => database.getKeysCount({ start: [...prefix], end: [...prefix, AFTER_ALL] }),
      *range(prefix, options = {}) {
        const rows = database.getRange({
          start: [...(options.after ?? prefix)],
          exclusiveStart: options.after !== undefined,
          end: options.end === undefined ? [...prefix, AFTER_ALL] : [...options.end],
          limit: options.limit,
        });
        // A walk that is left, by a damaged row too, closes LMDB's cursor.
        for (const { key, value } of rows) {
          if (value !== DAMAGED) yield [asKey(key), value] as const;
          else if (options.skipDamaged !== true) throw new DamagedRow(name, asKey(key));
        }
      },
    };
  }

  const bare = tablesBy(createTable);
  return {
    table: tablesBy(<V>(name: string): Table<V> => {
      const table = bare<V>(name);
      return PLAIN_TABLES.has(name) ? checkedBeside(name, table, bare<number>("checks")) : table;
    }),
    transact: async (work) => {
      if (broken) throw new DiskError(`The store in ${path} had an error that only a restart ends.`, PANIC);
      try {
        // A child transaction, because only that takes back what it wrote when `work` throws. It resolves when it is on
        // disk; `root.flushed` would wait for later ones as well, and for ever if one of them fails.
        return await root.childTransaction(work);
      } catch (error) {
        throw await failureOf(error);
      }
    },
    read: (work) => work(),
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

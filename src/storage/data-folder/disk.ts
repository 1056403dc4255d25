/**
 * The disk under the data folder. Long before it is full nothing new is taken in, so that what was taken in can still
 * be delivered; and when it cannot be written at all, nothing is tried until it can: no call goes to a service whose
 * answer could not be kept. Both end by themselves.
 */
import { statfsSync, statSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Database } from "../database/rows";
import { DiskError, systemErrorOf, type Disk } from "../port/disk";
import type { Store } from "../port/store";

export interface DiskOptions {
  /** `DATA_DIR`. */
  readonly folder: string;
  /** The file that grows. */
  readonly storeFile: string;
  /** Less free space than this, and nothing is taken in. */
  readonly reserveBytes: number;
  /** Told once when a trouble begins, and once when it is over. */
  readonly onChange: (trouble: string | undefined, freeBytes: number) => void;
}

export interface WatchedDisk extends Disk {
  /** Tries to write. @throws DiskError when that is not possible */
  probe(): Promise<void>;
  /** The database, which is not written while nothing can be, and whose failures are noted. */
  guard(database: Database): Database;
  /** The store, which refuses what makes it grow while there is no room for it. */
  withRoom(store: Store): Store;
  /** Looks again and again from now on. */
  watch(): void;
  close(): void;
}

/** How often it is looked whether a trouble has begun or ended. */
const LOOK_MS = 1_000;
/** A measurement is good for this long. */
const FRESH_MS = 100;
/** What must remain for writing anything at all: more than any transaction needs; at most a quarter of the reserve. */
const FLOOR_BYTES = 4 * 1024 * 1024;
/** A trouble is over when there is this much more than at its beginning, so that it does not come and go. */
const RELIEF = 1.1;
/** What must fit on the disk before the database is tried again. */
const PROBE_BYTES = 1024 * 1024;

/** What a person can do. */
const REMEDIES: Readonly<Record<string, string>> = {
  EDQUOT: "Raise the quota of this user, or free some of it",
  EFBIG: "Raise the largest size of a file (ulimit -f)",
  EROFS: "Mount it so that it can be written",
  EACCES: "Allow this user to write there",
  EIO: "Free some space; if there is enough, the system's log says what the disk lacks",
};
const FREE_SOME = "Free some space there, or move DATA_DIR to a larger disk";

interface Failure {
  readonly code: string;
  readonly words: string;
  /** The database serves nobody any more. */
  readonly broken: boolean;
}

/** @throws nothing; a disk that cannot be measured is written until that fails */
export function createDisk({ folder, storeFile, reserveBytes, onChange }: DiskOptions): WatchedDisk {
  const floorBytes = Math.min(FLOOR_BYTES, reserveBytes / 4);
  const probeFile = join(folder, "disk.probe");
  let free = NaN;
  let measuredAtMs = -Infinity;
  let isLow = false;
  let isFull = false;
  let failure: Failure | undefined;
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | undefined;
  let said = false;
  /** There is room again, and the database has not been written yet: what it lacks may be something else. */
  let unproven = false;

  function measure(): void {
    const nowMs = performance.now();
    if (nowMs - measuredAtMs < FRESH_MS) return;
    measuredAtMs = nowMs;
    try {
      const { bavail, bsize } = statfsSync(folder);
      free = bavail * bsize;
    } catch {
      free = NaN;
    }
    isLow = free < reserveBytes * (isLow ? RELIEF : 1);
    isFull = free < floorBytes * (isFull ? RELIEF : 1);
    say();
  }

  /** One word about each trouble when it begins, and one when it is over. */
  function say(): void {
    const trouble = sentence();
    if (said === (trouble !== undefined) || (trouble === undefined && unproven)) return;
    said = !said;
    onChange(trouble, free);
  }

  const place = `DATA_DIR (${folder})`;
  const left = (): string => (Number.isNaN(free) ? "" : `; ${free} bytes are free`);

  /** Who is not watching yet is about to end. */
  const then = (broken = false): string =>
    broken || timer === undefined ? "and start the server again" : "and everything goes on by itself";

  function sentence(): string | undefined {
    if (failure !== undefined) {
      const { code, words, broken } = failure;
      const remedy = REMEDIES[code] ?? FREE_SOME;
      return `The store in ${place} cannot be written: ${code}, ${words}${left()}. ${remedy}, ${then(broken)}.`;
    }
    if (isFull) return `The disk of ${place} is full${left()}. ${FREE_SOME}, ${then()}.`;
    if (!isLow) return undefined;
    return (
      `The disk of ${place} is almost full${left()}, and MIN_FREE_DISK_MB asks for ${reserveBytes}. What was taken in ` +
      `is delivered, and nothing new is taken in. ${FREE_SOME}, ${then()}.`
    );
  }

  function fail(error: unknown): DiskError | undefined {
    const broken = error instanceof DiskError && error.code === "MDB_PANIC";
    const own = error instanceof DiskError ? { code: error.code, words: "the database refuses it" } : undefined;
    const found = systemErrorOf(error) ?? own;
    if (found === undefined) return undefined;
    failure = { ...found, broken };
    unproven = false;
    measuredAtMs = -Infinity;
    // What LMDB could write in part only is EIO for it: a write of our own finds out why.
    if (found.code === "EIO" && !broken) void lookOnce();
    else say();
    return new DiskError(sentence() ?? found.words, found.code, { cause: error });
  }

  /** As much as a large transaction, behind the end of the store, where a limit of the size of files shows as well. */
  async function write(): Promise<void> {
    const at = statSync(storeFile, { throwIfNoEntry: false })?.size ?? 0;
    try {
      const file = await open(probeFile, "w", 0o600);
      try {
        const block = Buffer.alloc(PROBE_BYTES);
        const { bytesWritten } = await file.write(block, 0, block.length, at);
        // What did not fit the first time fails the second time, and says why.
        if (bytesWritten < block.length) await file.write(block, bytesWritten, undefined, at + bytesWritten);
        await file.sync();
      } finally {
        await file.close();
      }
    } finally {
      await rm(probeFile, { force: true }).catch(() => undefined);
    }
  }

  async function look(): Promise<void> {
    measure();
    if (failure === undefined || failure.broken || isFull) return;
    try {
      await write();
      // It had not been said yet.
      say();
      failure = undefined;
      unproven = true;
    } catch (error) {
      const found = systemErrorOf(error);
      if (found !== undefined) failure = { ...found, broken: false };
    }
    say();
  }

  function lookOnce(): Promise<void> {
    looking ??= look().finally(() => {
      looking = undefined;
    });
    return looking;
  }

  const isWritable = (): boolean => {
    measure();
    return failure === undefined && !isFull;
  };
  const assertWritable = (): void => {
    if (!isWritable()) throw new DiskError(sentence() ?? "", failure?.code ?? "FULL");
  };
  const assertRoom = (): void => {
    assertWritable();
    if (isLow) throw new DiskError(sentence() ?? "", "LOW");
  };
  const ifRoom =
    <A extends readonly unknown[], T>(work: (...given: A) => Promise<T>) =>
    async (...given: A): Promise<T> => {
      assertRoom();
      return work(...given);
    };

  return {
    freeBytes: () => {
      measure();
      return free;
    },
    trouble: () => {
      measure();
      return sentence();
    },
    assertRoom,
    assertWritable,
    hasRoom: () => isWritable() && !isLow,
    isWritable,
    probe: async () => {
      assertWritable();
      await write().catch((error: unknown) => {
        throw fail(error) ?? error;
      });
    },
    guard: (database) => ({
      ...database,
      write: async (work) => {
        assertWritable();
        try {
          const result = await database.write(work);
          unproven = false;
          say();
          return result;
        } catch (error) {
          throw error instanceof DiskError ? (fail(error) ?? error) : error;
        }
      },
    }),
    withRoom: (store) => ({
      ...store,
      accept: ifRoom(store.accept.bind(store)),
      takeFetched: ifRoom(store.takeFetched.bind(store)),
      report: ifRoom(store.report.bind(store)),
      beginRun: async (run, ...given) => {
        if (run.kind !== "drain") assertRoom();
        return store.beginRun(run, ...given);
      },
    }),
    watch: () => {
      timer = setInterval(() => void lookOnce(), LOOK_MS);
      timer.unref();
    },
    close: () => clearInterval(timer),
  };
}

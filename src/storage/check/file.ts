/**
 * LMDB's file, read as a file. LMDB itself maps it, and a process that reads a mapped page which is not there, or follows
 * a damaged one, is ended by the system without a word; whoever reads it this way gets an error instead.
 *
 * The layout is that of `mdb.c` as lmdb-js ships it: MDB_meta, MDB_db and MDB_page_header.
 */
import { closeSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { join } from "node:path";

/** What is wrong with the file, as a clause. */
export class DamageError extends Error {
  override readonly name = "DamageError";
}

/** MDB_db: one tree of the file. */
export interface Tree {
  readonly depth: number;
  readonly branchPages: number;
  readonly leafPages: number;
  readonly overflowPages: number;
  readonly entries: number;
  /** Undefined: it is empty. */
  readonly root: number | undefined;
}

/** MDB_meta: what the file was after one transaction. */
export interface State {
  readonly transaction: number;
  readonly lastPage: number;
  readonly free: Tree;
  /** The tree of the tables. */
  readonly main: Tree;
}

export interface DataFile {
  readonly bytes: number;
  readonly pageBytes: number;
  /** The state that LMDB goes on with; several where it is not known whether the system was started again since. */
  readonly states: readonly [State, ...State[]];
  /** Reads a page into memory of the caller. @throws DamageError when it is not there */
  read(page: number, into: Buffer): void;
  close(): void;
}

interface Meta extends State {
  /** Which start of the system wrote it; 0: not known. */
  readonly boot: bigint;
  /** It was not flushed when it was written. */
  readonly isLoose: boolean;
}

const MAGIC = 0xbeefc0de;
const VERSION = 2;
export const HEADER_BYTES = 24;
const META_BYTES = HEADER_BYTES + 144;
export const TREE_BYTES = 48;
/** Behind a page's header. */
const AT = {
  magic: 24,
  version: 28,
  free: 48,
  main: 96,
  flags: 52,
  lastPage: 144,
  transaction: 152,
  boot: 160,
} as const;
/** MDB_OVERLAPPINGSYNC */
const LOOSE = 0x1000;
const MIN_PAGE_BYTES = 512;
const MAX_PAGE_BYTES = 65_536;

/** 64 bits; what is larger than a safe integer only has to be refused as too large. */
export function numberAt(buffer: Buffer, offset: number): number {
  return Number(buffer.readBigUInt64LE(offset));
}

export function treeAt(buffer: Buffer, offset: number): Tree {
  const root = numberAt(buffer, offset + 40);
  return {
    depth: buffer.readUInt16LE(offset + 6),
    branchPages: numberAt(buffer, offset + 8),
    leafPages: numberAt(buffer, offset + 16),
    overflowPages: numberAt(buffer, offset + 24),
    entries: numberAt(buffer, offset + 32),
    root: Number.isSafeInteger(root) ? root : undefined,
  };
}

/**
 * @param path folder of the database
 * @returns undefined when there is no file, or an empty one: it is about to be made
 * @throws DamageError when it does not begin as a database does
 */
export function openDataFile(path: string): DataFile | undefined {
  const file = join(path, "data.mdb");
  const bytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (bytes === 0) return undefined;
  const handle = openSync(file, "r");
  const close = (): void => closeSync(handle);
  try {
    const { pageBytes, states } = readStates(handle, bytes);
    const read = (page: number, into: Buffer): void => {
      const length = readSync(handle, into, 0, into.length, page * pageBytes);
      if (length < into.length) {
        const missing = page * pageBytes + into.length - bytes;
        throw new DamageError(
          `page ${page} is used, and data.mdb ends before it: it has ${bytes} bytes, and ${missing} more are missing at least`,
        );
      }
    };
    return { bytes, pageBytes, states, read, close };
  } catch (error) {
    close();
    throw error;
  }
}

function readStates(handle: number, bytes: number): Pick<DataFile, "pageBytes" | "states"> {
  const block = Buffer.alloc(META_BYTES);
  const readMeta = (offset: number, isWhole: boolean): Meta | undefined => {
    if (readSync(handle, block, 0, META_BYTES, offset) < META_BYTES) return undefined;
    const isMeta = block.readUInt32LE(AT.magic) === MAGIC && block.readUInt16LE(AT.version) === VERSION;
    return isWhole && !isMeta ? undefined : metaAt(block);
  };
  const first = readMeta(0, true);
  const pageBytes = block.readUInt32LE(AT.free);
  const isPage = pageBytes >= MIN_PAGE_BYTES && pageBytes <= MAX_PAGE_BYTES && (pageBytes & (pageBytes - 1)) === 0;
  const second = isPage ? readMeta(pageBytes, true) : undefined;
  // Where lmdb-js writes down what is flushed; only the rest of such a block is written, never its beginning.
  const flushed = isPage ? readMeta(pageBytes / 2, false) : undefined;
  if (first === undefined || second === undefined || flushed === undefined) {
    throw new DamageError(`data.mdb (${bytes} bytes) does not begin as a database does`);
  }
  const pickFor = (current: bigint): Meta => pick(pick(first, second, current), flushed, current);
  const boot = bootOfSystem();
  if (boot !== undefined) return { pageBytes, states: [pickFor(boot)] };
  const newest = first.transaction >= second.transaction ? first : second;
  return { pageBytes, states: [pickFor(newest.boot), pickFor(-1n)] };
}

function metaAt(block: Buffer): Meta {
  return {
    transaction: numberAt(block, AT.transaction),
    lastPage: numberAt(block, AT.lastPage),
    free: treeAt(block, AT.free),
    main: treeAt(block, AT.main),
    boot: block.readBigInt64LE(AT.boot),
    isLoose: (block.readUInt16LE(AT.flags) & LOOSE) !== 0,
  };
}

/** `mdb_pick_meta` of lmdb-js, when nobody else has the file open: after a new start of the system, what was flushed. */
function pick(left: Meta, right: Meta, boot: bigint): Meta {
  const latest = left.transaction >= right.transaction ? left : right;
  if (right.transaction === 0) return left;
  if ((latest.boot !== 0n && latest.boot === boot) || !latest.isLoose) return latest;
  return left.transaction > right.transaction ? right : left;
}

/** As lmdb-js reads it; undefined where it does so in another way. */
function bootOfSystem(): bigint | undefined {
  try {
    // `strtoll` stops at the first hyphen.
    return BigInt(`0x${readFileSync("/proc/sys/kernel/random/boot_id", "latin1").slice(0, 8)}`);
  } catch {
    return undefined;
  }
}

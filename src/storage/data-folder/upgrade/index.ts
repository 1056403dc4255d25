/**
 * Upgrades stores of older formats to today's when they are opened, in one step whatever their format is. A new file is
 * made beside the old one and takes its place, so a crash at any moment leaves one of the two, whole. The old one stays
 * beside it until the store was closed cleanly.
 */
import {
  closeSync,
  copyFileSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { createLmdbDatabase, type DurableDatabase } from "../../database/lmdb";
import type { DamagedName } from "../../port/disk";
import type { Seal } from "../../port/seal";
import { FORMAT } from "../../tables/tables";
import { convert } from "./convert";
import { oldFormatOf, UNBOUND } from "./legacy";

/** Inside the store's folder, which may be a volume of its own: renaming does not work across volumes. */
const DRAFT = "upgrade";
const FILE = "data.mdb";
/** The old file, with the number of its format behind. */
const COPY = "data.mdb.format-";
/** What the new file may need beyond the size of the old one. */
const MARGIN = 0.25;
const MARGIN_BYTES = 16 * 1024 * 1024;
const MEGABYTE = 1_000_000;

export interface UpgradeOptions {
  /** Told of each row that was damaged, and is not what it was in the upgraded store. */
  readonly onDamaged?: ((row: DamagedName) => void) | undefined;
  /** How much room there is in a folder, in bytes. */
  readonly freeBytes?: (folder: string) => number;
}

/**
 * Opens the database of a store, upgraded if need be.
 *
 * @param path its folder; created when missing
 * @param service the one that every tenant had before keys named it
 * @param seal made only when it is needed; undefined: a store of format 2 is refused
 * @throws Error when the upgrade failed or is not possible here; the old store is unchanged then
 */
export async function openUpgraded(
  path: string,
  service: string,
  seal: (() => Seal) | undefined,
  { onDamaged = () => undefined, freeBytes = freeBytesOf }: UpgradeOptions = {},
): Promise<DurableDatabase> {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === false) {
    throw new Error(
      `${path} should be the folder of the store, but it is a file. Move it away, or set another DATA_DIR.`,
    );
  }
  // Removes what an interrupted upgrade left behind.
  rmSync(join(path, DRAFT), { recursive: true, force: true });
  const bytes = statSync(join(path, FILE), { throwIfNoEntry: false })?.size ?? 0;
  if (bytes > 0) {
    const old = createLmdbDatabase(path, { readOnly: true });
    try {
      const format = await old.read(oldFormatOf);
      if (format !== undefined) {
        if (format === UNBOUND && seal === undefined) throw new Error(keyMessage(path));
        assertRoom(path, format, bytes, freeBytes(path));
        const bind = format === UNBOUND ? seal?.() : undefined;
        await replace(path, format, (draft) =>
          convert(old, draft, { format, service, seal: bind, nowMs: Date.now(), onDamaged }),
        );
      }
    } finally {
      await old.close();
    }
  }
  return createLmdbDatabase(path);
}

/** Removes what upgrades left of older formats: the upgraded store has proved to be one. @param path its folder */
export function removeOldFiles(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  for (const name of readdirSync(path)) if (name.startsWith(COPY)) rmSync(join(path, name), { force: true });
}

function keyMessage(path: string): string {
  return (
    `The store in ${path} has format ${UNBOUND}. ` +
    `Start the server once, with its SECRET: it upgrades the store to format ${FORMAT}.`
  );
}

function freeBytesOf(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

const roomFor = (bytes: number): number => Math.ceil(bytes * (1 + MARGIN)) + MARGIN_BYTES;

function assertRoom(path: string, format: number, bytes: number, free: number): void {
  const needed = roomFor(bytes);
  if (free >= needed) return;
  throw new Error(
    `The store in ${path} has format ${format}. Its upgrade to format ${FORMAT} makes a new file beside the old one and ` +
      `needs ${Math.ceil(needed / MEGABYTE)} MB for it; ${Math.floor(free / MEGABYTE)} MB are free. The old store is ` +
      "unchanged. Free some space there, or move DATA_DIR to a larger disk, and start again.",
  );
}

/** @param fill writes the new database, which is empty */
async function replace(path: string, format: number, fill: (draft: DurableDatabase) => Promise<void>): Promise<void> {
  const draft = join(path, DRAFT);
  try {
    mkdirSync(draft, { mode: 0o700 });
    const database = createLmdbDatabase(draft);
    try {
      await fill(database);
    } finally {
      await database.close();
    }
    flush(join(draft, FILE), "r+");
    keep(join(path, FILE), join(path, `${COPY}${format}`));
    renameSync(join(draft, FILE), join(path, FILE));
  } catch (cause) {
    rmSync(draft, { recursive: true, force: true });
    rmSync(join(path, `${COPY}${format}`), { force: true });
    throw new Error(failureMessage(path, format, cause), { cause });
  }
  if (process.platform !== "win32") flush(path, "r");
  rmSync(draft, { recursive: true, force: true });
}

/** The same file under a second name; a copy of it where a file has one name only. */
function keep(file: string, copy: string): void {
  rmSync(copy, { force: true });
  try {
    linkSync(file, copy);
  } catch {
    copyFileSync(file, copy);
  }
}

function failureMessage(path: string, format: number, cause: unknown): string {
  const words = cause instanceof Error ? cause.message : String(cause);
  const megabytes = Math.ceil(roomFor(statSync(join(path, FILE)).size) / MEGABYTE);
  return (
    `The store in ${path} could not be upgraded from format ${format} to format ${FORMAT} (${words.replace(/\.$/, "")}). ` +
    `The old store is unchanged. Make sure that this user may write there and that ${megabytes} MB are free, and start again.`
  );
}

/** Content of a file, or the names in a folder; Windows needs write access for a flush. */
function flush(path: string, access: "r" | "r+"): void {
  const handle = openSync(path, access);
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

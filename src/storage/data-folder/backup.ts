/**
 * Copies the store of a running process, and the key file if there is one, in the form of a data folder. The copy is one
 * moment of the store: whatever was confirmed before it began is in it.
 */
import { chmod, copyFile, mkdir, open, readdir, rm, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { getSystemErrorMap } from "node:util";
import type { DurableDatabase } from "../database/lmdb";
import { BackupError, systemErrorOf, type Backup } from "../port/disk";

export interface BackupOptions {
  readonly database: Pick<DurableDatabase, "backup">;
  /** The file that the database is in. */
  readonly storeFile: string;
  /** Undefined: the key is elsewhere, and no part of the backup. */
  readonly keyFile: string | undefined;
  /** Free space that the disk of the store must keep. */
  readonly reserveBytes: number;
  /** Aborted when nobody wants the backup any more. */
  readonly signal: AbortSignal;
}

/**
 * Everything is on the disk when it resolves. Whatever goes wrong, the folder is removed.
 *
 * @param to an existing empty folder, absolute
 * @throws BackupError when there is no backup
 */
export async function backUp(to: string, options: BackupOptions): Promise<Backup> {
  await assertEmpty(to);
  try {
    await assertRoom(to, options);
    const backup = await copy(to, options);
    options.signal.throwIfAborted();
    return backup;
  } catch (error) {
    await rm(to, { recursive: true, force: true }).catch(() => undefined);
    throw error instanceof BackupError ? error : new BackupError(failureIn(to, error), { cause: error });
  }
}

async function assertEmpty(to: string): Promise<void> {
  const names = await readdir(to).catch((cause: unknown) => {
    throw new BackupError(failureIn(to, cause), { cause });
  });
  if (names.length > 0) throw new BackupError(`${to} is not empty. Name a folder that does not exist yet.`);
}

/** Never takes the room that the running server needs to go on; the copy is at most as large as the store. */
async function assertRoom(to: string, { storeFile, reserveBytes }: BackupOptions): Promise<void> {
  const [store, target, { bavail, bsize }] = await Promise.all([stat(storeFile), stat(to), statfs(to)]);
  const reserve = store.dev === target.dev ? reserveBytes : 0;
  const free = bavail * bsize;
  if (free >= store.size + reserve) return;
  const kept = reserve === 0 ? "" : `, and MIN_FREE_DISK_MB keeps ${reserve} for the server`;
  throw new BackupError(
    `There is not enough room for a backup in ${to}: the store has ${store.size} bytes, ${free} are free${kept}. ` +
      "Free some space there, or name a folder on another disk.",
  );
}

async function copy(to: string, { database, keyFile }: BackupOptions): Promise<Backup> {
  const store = join(to, "store");
  await mkdir(store, { mode: 0o700 });
  await database.backup(store);
  const files = [join(store, "data.mdb")];
  if (keyFile !== undefined) {
    const key = join(to, "secret.key");
    await copyFile(keyFile, key);
    files.push(key);
  }
  let bytes = 0;
  for (const file of files) {
    await chmod(file, 0o600);
    await flush(file, "r+");
    bytes += (await stat(file)).size;
  }
  if (process.platform !== "win32") for (const folder of [store, to]) await flush(folder, "r");
  return { bytes, hasKey: keyFile !== undefined };
}

/** Content of a file, or the names in a folder; Windows needs write access for a flush. */
async function flush(path: string, access: "r" | "r+"): Promise<void> {
  const handle = await open(path, access);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function failureIn(to: string, cause: unknown): string {
  const message = messageOf(cause);
  const { code, words } = systemErrorOf(cause) ?? systemErrorIn(message) ?? { code: "", words: message };
  return `There is no backup in ${to}: ${code === "" ? "" : `${code}, `}${words}. ${remedyOf(code)}`;
}

/** Not by its class: errors of LMDB and of Node's own code may come from another realm than ours. */
function messageOf(cause: unknown): string {
  return typeof cause === "object" && cause !== null && "message" in cause ? String(cause.message) : String(cause);
}

/** LMDB's copy fails with the system's words alone, behind which it may say where some earlier opening of it failed. */
function systemErrorIn(message: string): ReturnType<typeof systemErrorOf> {
  const said = `${message}:`.toLowerCase();
  for (const [code, words] of getSystemErrorMap().values()) {
    if (said.startsWith(`${words.toLowerCase()}:`)) return { code, words };
  }
  // Two of which the system's own words differ.
  if (/quota exceeded/i.test(message)) return { code: "EDQUOT", words: message };
  return /file too large/i.test(message) ? { code: "EFBIG", words: message } : undefined;
}

function remedyOf(code: string): string {
  const user = process.getuid?.();
  const who = user === undefined ? "the server's user" : `the user with id ${user}, as which the store is served`;
  switch (code) {
    case "ENOENT":
      return "Name a folder that the server sees under the same path: not one in another container or a private /tmp.";
    case "EACCES":
    case "EPERM":
      return `Run the tool as ${who}, and name a folder where it may write.`;
    case "EFBIG":
      return "Raise the largest size of a file (ulimit -f) of the process that copies, and try again.";
    case "ENOSPC":
    case "EDQUOT":
      return "Free some space there, or name a folder on another disk.";
    default:
      return "Name a folder on another disk; or stop the server, and copy DATA_DIR as it is.";
  }
}

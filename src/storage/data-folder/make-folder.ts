/**
 * Makes folders one by one. Node's own `recursive` goes round in circles for ever where a file system takes no folders and
 * says that there is none, such as /proc.
 */
import { existsSync, lstatSync, mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { systemErrorOf } from "../port/disk";

/**
 * Makes a folder and those above it that are missing; one that is there stays as it is.
 *
 * @param mode of the new ones, before the umask
 * @throws the error of the file system
 */
export function makeFolder(path: string, mode = 0o777): void {
  const missing: string[] = [];
  for (let each = resolve(path); !isFolder(each) && dirname(each) !== each; each = dirname(each)) missing.push(each);
  for (const each of missing.reverse()) {
    try {
      mkdirSync(each, { mode });
    } catch (error) {
      // Another process was quicker.
      if (!isFolder(each)) throw error;
    }
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** Why a folder cannot be made or written, as a clause, by the code of the file system's error. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: "this user may not write there",
  EPERM: "this user may not write there",
  EROFS: "the file system is mounted read-only",
  ENOENT: "the file system takes no folders there",
  EINVAL: "the file system does not take what a store needs",
  EOPNOTSUPP: "the file system does not take what a store needs",
  ENOTSUP: "the file system does not take what a store needs",
  EEXIST: "a part of its path is no folder",
  ENOTDIR: "a part of its path is no folder",
  ENAMETOOLONG: "its path is too long",
  ELOOP: "its links lead in a circle",
  ENOSPC: "the disk is full",
  EDQUOT: "the quota of this user is used up",
};

/**
 * The sentence that refuses a data folder: which, why, and what to do.
 *
 * @param folder as DATA_DIR names it
 */
export function folderRefusal(folder: string, cause: unknown): Error {
  const code = systemErrorOf(cause)?.code ?? "";
  const whole = resolve(folder) === folder ? folder : `${folder} (${resolve(folder)})`;
  const why = shapeProblem(folder) ?? REASONS[code] ?? "the file system refuses it";
  const reason = code === "" ? why : `${why} (${code})`;
  return new Error(`The data folder ${whole} cannot be used: ${reason}. ${remedyOf(code)}`, { cause });
}

function remedyOf(code: string): string {
  if (code === "ENOSPC" || code === "EDQUOT") return "Make room, or set DATA_DIR to a folder elsewhere.";
  if (code !== "EACCES" && code !== "EPERM")
    return "Set DATA_DIR to a folder on a local disk that this user may write to.";
  const user = process.getuid?.();
  const who = user === undefined ? "this user" : `the user with id ${user}`;
  return `Allow ${who} to write there, or set DATA_DIR to another folder.`;
}

/** What is in the folder's place, where that is the reason. */
function shapeProblem(folder: string): string | undefined {
  try {
    const found = lstatSync(folder, { throwIfNoEntry: false });
    if (found === undefined) return undefined;
    if (found.isSymbolicLink() && !existsSync(folder)) return "it is a link that leads nowhere";
    return isFolder(folder) ? undefined : "it is no folder but a file";
  } catch {
    return undefined;
  }
}

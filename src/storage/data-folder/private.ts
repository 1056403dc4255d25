/** Closes files and folders to other users that an older version, or a wider umask, left open. */
import { chmodSync, lstatSync, readdirSync, type Stats } from "node:fs";
import { join } from "node:path";

/** The rights of the group and of others. */
const OTHERS = 0o077;

/**
 * Removes the rights of everybody but the owner from folders and the files right in them. What belongs to another user
 * (a mounted volume) or is a link was arranged by somebody else and stays unchanged.
 *
 * @param paths files and folders; missing ones are left out
 */
export function keepPrivate(paths: readonly string[]): void {
  for (const path of paths) {
    const stats = closeToOthers(path);
    if (stats?.isDirectory() !== true) continue;
    for (const name of readdirSync(path)) closeToOthers(join(path, name));
  }
}

function closeToOthers(path: string): Stats | undefined {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined || stats.isSymbolicLink()) return stats;
  if (stats.uid !== process.getuid?.() || (stats.mode & OTHERS) === 0) return stats;
  try {
    chmodSync(path, stats.mode & 0o7700);
  } catch {
    // A file system without rights, or one that is mounted read-only: nothing that we could mend.
  }
  return stats;
}

/**
 * Where the owner of a data folder listens: in the folder itself. If that path is longer than the address of a socket
 * may be, in the system's temporary folder, in a folder that only this user may enter.
 */
import { hash } from "node:crypto";
import { lstatSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeFolder } from "./make-folder";

/** Longest path that the address of a socket holds here, bytes: `sun_path` of unix(7) without the zero at its end. */
export const MAX_ADDRESS_BYTES = process.platform === "linux" ? 107 : 103;
const LOCK = "process.lock";
/** The longest path of a data folder whose socket is in it, bytes. */
export const MAX_FOLDER_BYTES = MAX_ADDRESS_BYTES - `/${LOCK}`.length;

/**
 * The same address for every spelling of the folder: two processes must not miss each other.
 *
 * @param folder an existing folder
 * @param temporary the system's temporary folder, which server and tools must share
 * @throws Error when the folder for short addresses cannot be used
 */
export function lockAddress(folder: string, temporary = tmpdir()): string {
  const resolved = realpathSync(folder);
  if (process.platform === "win32") return `\\\\?\\pipe\\${join(resolved, "lock").replaceAll("\\", "-")}`;
  const inside = join(resolved, LOCK);
  return fits(inside) ? inside : shortAddress(resolved, temporary);
}

function shortAddress(folder: string, temporary: string): string {
  // Not the user's name: a container may run as an id that no user has.
  const uid = process.getuid?.() ?? 0;
  const ours = join(temporary, `hull-connector-${uid}`);
  const address = join(ours, `${hash("sha256", folder, "hex").slice(0, 16)}.lock`);
  const shorter = `set DATA_DIR to a folder whose path has at most ${MAX_FOLDER_BYTES} bytes`;
  if (!fits(address)) {
    throw new Error(
      `The path of the data folder ${folder} has ${Buffer.byteLength(folder)} bytes, which is too long for a socket, ` +
        `and so is that of the temporary folder ${temporary}. Either ${shorter}, or TMPDIR to a shorter one.`,
    );
  }
  try {
    makeFolder(ours, 0o700);
  } catch (cause) {
    throw new Error(
      `The path of the data folder ${folder} is too long for a socket, and in the temporary folder ${temporary} no ` +
        `folder can be made for it. Either ${shorter}, or TMPDIR to a folder that this user may write to.`,
      { cause },
    );
  }
  const found = lstatSync(ours);
  // Anybody may make a folder there first, and would then stand between the tools and the server.
  if (!found.isDirectory() || found.uid !== uid || (found.mode & 0o077) !== 0) {
    throw new Error(
      `${ours} should be a folder that only this user may enter, but it is not. Remove it, or ${shorter}.`,
    );
  }
  return address;
}

function fits(path: string): boolean {
  return Buffer.byteLength(path) <= MAX_ADDRESS_BYTES;
}

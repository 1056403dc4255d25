/**
 * Where the owner of a data folder listens: in the folder itself. If that path is longer than the address of a socket
 * may be, in the system's temporary folder, in a folder that only this user may enter.
 */
import { hash } from "node:crypto";
import { lstatSync, mkdirSync, realpathSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

/** Longest path that the address of a socket can hold on every platform. */
const MAX_ADDRESS_BYTES = 100;

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
  const inside = join(resolved, "process.lock");
  return fits(inside) ? inside : shortAddress(resolved, temporary);
}

function shortAddress(folder: string, temporary: string): string {
  const { uid } = userInfo();
  const ours = join(temporary, `hull-connector-${uid}`);
  const address = join(ours, `${hash("sha256", folder, "hex").slice(0, 16)}.lock`);
  if (!fits(address)) {
    throw new Error(
      `The path of the data folder ${folder} is too long for a socket, and so is that of the temporary folder ` +
        `${temporary}. Use a DATA_DIR whose path is shorter than ${MAX_ADDRESS_BYTES} characters.`,
    );
  }
  mkdirSync(ours, { recursive: true, mode: 0o700 });
  const found = lstatSync(ours);
  // Anybody may make a folder there first, and would then stand between the tools and the server.
  if (!found.isDirectory() || found.uid !== uid || (found.mode & 0o077) !== 0) {
    throw new Error(
      `${ours} should be a folder that only this user may enter, but it is not. Remove it, or use a DATA_DIR whose ` +
        `path is shorter than ${MAX_ADDRESS_BYTES} characters.`,
    );
  }
  return address;
}

function fits(path: string): boolean {
  return Buffer.byteLength(path) <= MAX_ADDRESS_BYTES;
}

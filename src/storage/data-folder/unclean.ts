/** Finds out whether the last process closed the store, and has a look at what it left if it did not. */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { assertWhole } from "../check/look";

/** Inside the store's folder while a process has it open; whoever is killed, or loses its power, leaves it behind. */
const MARKER = "open";

/**
 * Begins to use a store: after an unclean stop only if it is whole.
 *
 * @param path its folder; created when missing; the caller owns it
 * @returns says that the store is closed
 * @throws Error with a sentence when it is damaged; the next start looks again
 */
export function beginUse(path: string): () => void {
  // What is there in its place is refused where it is opened.
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === false) return () => undefined;
  const marker = join(path, MARKER);
  if (existsSync(marker)) assertWhole(path);
  else {
    mkdirSync(path, { recursive: true });
    closeSync(openSync(marker, "w", 0o600));
    flushNames(path);
  }
  return () => rmSync(marker, { force: true });
}

/** A loss of power must not take the marker along; Windows cannot flush a folder. */
function flushNames(path: string): void {
  if (process.platform === "win32") return;
  const handle = openSync(path, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

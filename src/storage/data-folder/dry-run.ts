/** A store for one dry run: it knows what the real one knows, and what is written to it is discarded with the run. */
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { createEmbeddedStore } from "../embedded";
import type { KeyValue } from "../database/kv";
import { createLmdbKeyValue } from "../database/lmdb";
import { createDryKeyValue } from "../database/dry-run";
import type { Store } from "../port/store";
import { makeFolder } from "./make-folder";

export interface DryFolder {
  readonly store: Store;
  /** Closes the store and removes everything that was written to it; the real store stays open. */
  close(): Promise<void>;
}

const PREFIX = "simulation-";

/**
 * What the embedded store does when it opens is harmless: the format is that of the real store, old dead letters were
 * indexed by it, and both rows are written to the overlay.
 *
 * @param base database of the running store, the same object: LMDB may open a file only once in a process
 * @param folder where the dry run's own sub-folder is made; created when missing
 * @param now milliseconds since 1970
 * @param guard what watches a database's disk
 */
export async function openDryFolder(
  base: KeyValue,
  folder: string,
  now: () => number,
  guard: (database: KeyValue) => KeyValue = (database) => database,
): Promise<DryFolder> {
  makeFolder(folder);
  const path = await mkdtemp(join(folder, PREFIX));
  let top: KeyValue | undefined;
  try {
    top = guard(createLmdbKeyValue(path));
    const store = await createEmbeddedStore({ kv: createDryKeyValue(base, top), now });
    let closing: Promise<void> | undefined;
    const close = (): Promise<void> => (closing ??= store.close().finally(() => remove(path)));
    return { store: { ...store, close }, close };
  } catch (error) {
    await top?.close();
    await remove(path);
    throw error;
  }
}

/**
 * Removes what dry runs of a killed process left behind; at the start, before this process opens one, and while it owns
 * the folder.
 */
export async function clearDryFolders(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory() && entry.name.startsWith(PREFIX)) await remove(join(folder, entry.name));
  }
}

/** Windows releases the file of a closed database a moment later. */
function remove(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true, maxRetries: 5 });
}

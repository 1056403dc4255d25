/** The data folder of this process: its lock, and the embedded store in it. */
import { join } from "node:path";
import { createEmbeddedStore } from "../src/storage/embedded";
import { lockFolder, type ExclusiveLock } from "../src/storage/data-folder/exclusive";
import type { KeyValue } from "../src/storage/database/kv";
import { keepPrivate } from "../src/storage/data-folder/private";
import { ROOT_SERVICE } from "../src/services";
import type { Seal } from "../src/storage/port/seal";
import { clearDryFolders, openDryFolder, type DryFolder } from "../src/storage/data-folder/dry-run";
import type { Store } from "../src/storage/port/store";
import { openUpgraded } from "../src/storage/data-folder/upgrade";

export interface DataFolder {
  readonly lock: ExclusiveLock;
  readonly store: Store;
  /** A store for one dry run; the caller closes it. @param clock its clock, if it is another one */
  dryRun(clock?: () => number): Promise<DryFolder>;
  /** Closes the store, then unlocks the folder. */
  close(): Promise<void>;
}

/** The database, inside the data folder. */
export const storePath = (dataDir: string): string => join(dataDir, "store");

/**
 * @param now milliseconds since 1970
 * @param seal the key of what is stored, for upgrading an older store; undefined: such a store is refused
 * @throws Error when another process owns the folder, or its data cannot be read
 */
export async function openDataFolder(dataDir: string, now: () => number, seal?: () => Seal): Promise<DataFolder> {
  const lock = await lockFolder(dataDir);
  let kv: KeyValue | undefined;
  try {
    const dryFolders = join(dataDir, "simulations");
    keepPrivate([storePath(dataDir), dryFolders, join(dataDir, "secret.key")]);
    await clearDryFolders(dryFolders);
    const database = await openUpgraded(storePath(dataDir), ROOT_SERVICE, seal);
    kv = database;
    const store = await createEmbeddedStore({ kv: database, now });
    return {
      lock,
      store,
      dryRun: (clock = now) => openDryFolder(database, dryFolders, clock),
      close: async () => {
        lock.serve(undefined);
        await store.close();
        await lock.release();
      },
    };
  } catch (error) {
    await kv?.close();
    await lock.release();
    throw error;
  }
}

/** The data folder of this process: its lock, and the embedded store in it. */
import { join } from "node:path";
import { createEmbeddedStore } from "../src/storage/embedded";
import { lockFolder, type ExclusiveLock } from "../src/storage/exclusive";
import { createLmdbKeyValue } from "../src/storage/lmdb";
import type { Store } from "../src/storage/store";

export interface DataFolder {
  readonly lock: ExclusiveLock;
  readonly store: Store;
  /** Closes the store, then lets others have the folder. */
  close(): Promise<void>;
}

/** The database, below the data folder. */
export const storePath = (dataDir: string): string => join(dataDir, "store");

/**
 * @param now milliseconds since 1970
 * @throws Error when another process owns the folder, or its data cannot be read
 */
export async function openDataFolder(dataDir: string, now: () => number): Promise<DataFolder> {
  const lock = await lockFolder(dataDir);
  try {
    const store = await createEmbeddedStore({ kv: createLmdbKeyValue(storePath(dataDir)), now });
    return {
      lock,
      store,
      close: async () => {
        lock.serve(undefined);
        await store.close();
        await lock.release();
      },
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** The data folder of this process: its lock, and the embedded store in it. */
import { join } from "node:path";
import { createEmbeddedStore } from "../src/storage/embedded";
import { lockFolder, type ExclusiveLock } from "../src/storage/exclusive";
import { createLmdbKeyValue } from "../src/storage/lmdb";
import { clearSimulations, openSimulation, type Simulation } from "../src/storage/simulation";
import type { Store } from "../src/storage/store";

export interface DataFolder {
  readonly lock: ExclusiveLock;
  readonly store: Store;
  /** A store for one simulation; to be closed before the folder. @param clock its time, if it is another one */
  simulate(clock?: () => number): Promise<Simulation>;
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
    const simulations = join(dataDir, "simulations");
    await clearSimulations(simulations);
    const kv = createLmdbKeyValue(storePath(dataDir));
    const store = await createEmbeddedStore({ kv, now });
    return {
      lock,
      store,
      simulate: (clock = now) => openSimulation(kv, simulations, clock),
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

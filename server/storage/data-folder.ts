/** The data folder of this process: its lock, and the embedded store in it. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { openStore } from "../open-store";
import { createOutbox } from "../../src/engine/outbox/outbox";
import { createDryStored } from "../../src/storage/dry-run";
import type { StoreOptions } from "../../src/storage/store";
import { lockFolder, type ExclusiveLock } from "../../src/storage/data-folder/exclusive";
import type { Database } from "../../src/storage/database/rows";
import { keepPrivate } from "../../src/storage/data-folder/private";
import { ROOT_SERVICE } from "../../src/services";
import type { Seal } from "../../src/storage/port/seal";
import { createDisk, type DiskOptions } from "../../src/storage/data-folder/disk";
import { backUp } from "../../src/storage/data-folder/backup";
import { BackupError, type Backup } from "../../src/storage/port/disk";
import { beginUse } from "../../src/storage/data-folder/unclean";
import { openUpgraded, removeOldFiles } from "../../src/storage/data-folder/upgrade";
import type { Storage } from "./storage";

/** Closing it closes the store, then unlocks the folder. */
export interface DataFolder extends Storage {
  readonly lock: ExclusiveLock;
  /**
   * Copies the store, while it is in use, into an existing empty folder; one at a time.
   *
   * @param keyFile what is copied beside it, if anything
   * @throws BackupError when there is no backup
   */
  backUp(to: string, keyFile: string | undefined, signal: AbortSignal): Promise<Backup>;
}

/** The database, inside the data folder. */
export const storePath = (dataDir: string): string => join(dataDir, "store");

/**
 * @param now milliseconds since 1970
 * @param seal the key of what is stored, for upgrading an older store; undefined: such a store is refused
 * @param watched how the disk is watched; by default nothing is refused before it is full
 * @param options of the store in it
 * @throws Error when another process owns the folder, its data cannot be read, or its disk cannot be written: then
 * nothing could be taken in, and what a former process left could not be recovered
 */
export async function openDataFolder(
  dataDir: string,
  now: () => number,
  seal?: () => Seal,
  watched: Pick<DiskOptions, "reserveBytes" | "onChange"> = { reserveBytes: 0, onChange: () => undefined },
  options: Pick<StoreOptions, "onDamaged" | "keepsHistory"> = {},
): Promise<DataFolder> {
  const lock = await lockFolder(dataDir);
  const storeFile = join(storePath(dataDir), "data.mdb");
  let opened: Database | undefined;
  const disk = createDisk({ ...watched, folder: dataDir, storeFile });
  let copying: Promise<Backup> | undefined;
  let endUse: () => void = () => undefined;
  try {
    keepPrivate([storePath(dataDir), join(dataDir, "secret.key")]);
    // Where former versions kept what dry runs wrote.
    rmSync(join(dataDir, "simulations"), { recursive: true, force: true });
    await disk.probe();
    const end = beginUse(storePath(dataDir));
    const file = await openUpgraded(storePath(dataDir), ROOT_SERVICE, seal, options);
    const database = disk.guard(file);
    opened = database;
    endUse = end;
    const store = disk.withRoom(await openStore({ ...options, database, now }));
    disk.watch();
    return {
      lock,
      store,
      disk,
      dryRun: async (clock = now) => {
        const dry = createOutbox(await createDryStored(database, clock));
        return { store: dry, close: () => dry.close() };
      },
      backUp: async (to, keyFile, signal) => {
        if (copying !== undefined) throw new BackupError("Another backup is being made. Try again when it is done.");
        const { reserveBytes } = watched;
        try {
          return await (copying = backUp(to, { database: file, storeFile, keyFile, reserveBytes, signal }));
        } finally {
          copying = undefined;
        }
      },
      close: async () => {
        disk.close();
        lock.serve(undefined);
        // The copy reads the store in a thread of its own.
        await copying?.catch(() => undefined);
        await store.close();
        endUse();
        removeOldFiles(storePath(dataDir));
        await lock.release();
      },
    };
  } catch (error) {
    await opened?.close();
    endUse();
    await lock.release();
    throw error;
  }
}

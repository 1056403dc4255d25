/** What a tool talks to: the running server of the data folder, or the store itself when no server runs. */
import { existsSync } from "node:fs";
import { lockAddress } from "../../src/storage/data-folder/lock-address";
import { command, readAnswer, type Admin } from "../admin/commands";
import { createRemoteAdmin, isServed } from "../admin/control";
import { openDataFolder, storePath } from "../data-folder";
import { createAdmin } from "../admin/admin";
import { createDeadLetters } from "../admin/dead-letters";

export interface OpenAdmin extends Admin {
  /** Whether a server runs, so that replayed records are delivered now. */
  readonly running: boolean;
  close(): Promise<void>;
}

/** @throws Error with a sentence when there is no store, or it cannot be opened */
export async function openAdmin(dataDir: string): Promise<OpenAdmin> {
  if (!existsSync(storePath(dataDir))) {
    throw new Error(`There is no store in ${dataDir}. Set DATA_DIR to the data folder of the server.`);
  }
  const address = lockAddress(dataDir);
  if (await isServed(address)) return { ...createRemoteAdmin(address), running: true, close: () => Promise.resolve() };

  const folder = await openDataFolder(dataDir, Date.now);
  const { store } = folder;
  const carryOut = createAdmin({
    store,
    // The server looks at every lane when it starts, and counts are in the store.
    deadLetters: createDeadLetters({ store, wake: () => undefined, announce: () => Promise.resolve() }),
    forgetTenant: (tenant) => store.forgetTenant(tenant),
  });
  return {
    running: false,
    ask: async (name, parameters) => readAnswer(name, await carryOut(command.parse({ command: name, ...parameters }))),
    close: () => folder.close(),
  };
}

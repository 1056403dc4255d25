/** What a tool talks to: the running server of the data folder, or the store itself when no server runs. */
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { duplexPair } from "node:stream";
import { Router } from "express";
import { reportOn, type TableReport } from "../../src/storage/check/report";
import { lockFolder } from "../../src/storage/data-folder/exclusive";
import { lockAddress } from "../../src/storage/data-folder/lock-address";
import { whileKept } from "../../src/storage/database/lmdb";
import { definitionOf, SERVICES } from "../../src/services";
import { backupRoutes } from "../admin/backup";
import { createConnectors } from "../admin/connectors";
import { createDeadLetters } from "../admin/dead-letters";
import { createMachineDoor } from "../admin/machine";
import { adminRoutes } from "../admin/route";
import { openDataFolder, storePath } from "../data-folder";
import { createLogger } from "../log";
import { keyFile } from "../secret";
import { createAdminClient, type AdminClient } from "./client";

export interface OpenAdmin extends AdminClient {
  /** Whether a server runs, so that replayed records are delivered now. */
  readonly running: boolean;
  close(): Promise<void>;
}

/** @throws Error with a sentence when there is no store, or it cannot be opened */
export async function openAdmin(dataDir: string): Promise<OpenAdmin> {
  assertStore(dataDir);
  const address = lockAddress(dataDir);
  if (await isServed(address)) {
    return { ...createAdminClient(() => connect(address)), running: true, close: () => Promise.resolve() };
  }
  const folder = await openDataFolder(dataDir, Date.now, undefined, undefined, ({ table, ...name }) => {
    const words = `A damaged row of the store's table "${table}" was mended: ${JSON.stringify(name)}.`;
    process.stderr.write(`${words} See connector.store.damaged in docs/operations/outcomes.md.\n`);
  });
  const { store } = folder;
  // Whoever runs the tool sees what it does.
  const logger = createLogger("silent");
  const routes = adminRoutes({
    services: SERVICES,
    // The server looks at every lane when it starts, and counts are in the store.
    deadLetters: createDeadLetters({ store, wake: () => undefined, announce: () => undefined }),
    connectors: createConnectors({
      store,
      titleOf: (tenant) => definitionOf(tenant)?.face.title ?? tenant,
      forget: (tenant) => store.forgetTenant(tenant),
      now: Date.now,
    }),
    now: Date.now,
    logger,
  });
  // Whether the server has its key from SECRET is not known here.
  const key = existsSync(keyFile(dataDir)) ? keyFile(dataDir) : undefined;
  const backups = backupRoutes((to, signal) => folder.backUp(to, key, signal));
  const serve = createMachineDoor(Router().use(routes, backups), logger);
  const dial = () => {
    const [ours, theirs] = duplexPair();
    serve(theirs);
    return ours;
  };
  return { ...createAdminClient(dial), running: false, close: () => folder.close() };
}

/** @throws Error with a sentence when there is no store, or its structure is damaged */
export async function storeReport(dataDir: string): Promise<readonly TableReport[]> {
  assertStore(dataDir);
  const path = storePath(dataDir);
  const read = (): readonly TableReport[] => reportOn(path) ?? [];
  if (await isServed(lockAddress(dataDir))) {
    try {
      return await whileKept(path, read);
    } catch {
      // The server may have written what the file begins with at the very moment when it was read.
      return whileKept(path, read);
    }
  }
  const lock = await lockFolder(dataDir);
  try {
    return read();
  } finally {
    await lock.release();
  }
}

function assertStore(dataDir: string): void {
  if (existsSync(storePath(dataDir))) return;
  throw new Error(`There is no store in ${dataDir}. Set DATA_DIR to the data folder of the server.`);
}

/** Whether a server listens at the address. */
function isServed(address: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(address);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "ECONNREFUSED") resolve(false);
      else reject(new Error(`The running server cannot be asked at ${address} (${error.code ?? error.message}).`));
    });
  });
}

/** What a tool talks to: the running server of the data folder; or the store itself, if no server runs or it is on Redis. */
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { duplexPair } from "node:stream";
import { Router } from "express";
import { reportOn, reportOnRows, type TableReport } from "../../src/storage/check/report";
import { isServed, lockFolder } from "../../src/storage/data-folder/exclusive";
import { lockAddress } from "../../src/storage/data-folder/lock-address";
import { whileKept } from "../../src/storage/database/lmdb";
import { openRedisDatabase } from "../../src/storage/database/redis/database";
import { createPresence } from "../../src/storage/database/redis/presence";
import { formatIn } from "../../src/storage/upgrade";
import type { DamagedName } from "../../src/storage/port/disk";
import type { Store } from "../../src/storage/port/store";
import { definitionOf, SERVICES } from "../../src/services";
import { backupRoutes } from "../admin/backup";
import { createConnectors } from "../admin/connectors";
import { createDeadLetters } from "../admin/dead-letters";
import { createMachineDoor } from "../admin/machine";
import { adminRoutes } from "../admin/route";
import type { StorePlace } from "../config";
import { openDataFolder, storePath } from "../storage/data-folder";
import { createLogger } from "../log";
import { openStore } from "../open-store";
import { keyFile } from "../secret";
import { createAdminClient, type AdminClient } from "./client";

export interface OpenAdmin extends AdminClient {
  /** Whether a server runs, so that replayed records are delivered now; undefined: that is not known. */
  readonly running: boolean | undefined;
  close(): Promise<void>;
}

/** @throws Error with a sentence when there is no store, or it cannot be opened */
export async function openAdmin(place: StorePlace): Promise<OpenAdmin> {
  if ("redisUrl" in place) return openOnRedis(place.redisUrl);
  const { dataDir } = place;
  assertStore(dataDir);
  const address = lockAddress(dataDir);
  if (await isServed(address)) {
    return { ...createAdminClient(() => connect(address)), running: true, close: () => Promise.resolve() };
  }
  const folder = await openDataFolder(dataDir, Date.now, undefined, undefined, { onDamaged: sayDamaged });
  // Whether the server has its key from SECRET is not known here.
  const key = existsSync(keyFile(dataDir)) ? keyFile(dataDir) : undefined;
  const backups = backupRoutes((to, signal) => folder.backUp(to, key, signal));
  return { ...adminOf(folder.store, backups), running: false, close: () => folder.close() };
}

/** Several processes may use Redis at once, so it does not matter whether servers run. */
async function openOnRedis(url: string): Promise<OpenAdmin> {
  const { database } = await openRedisDatabase(url);
  try {
    const store = await openStore({ database, now: Date.now, onDamaged: sayDamaged });
    return { ...adminOf(store), running: undefined, close: () => store.close() };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/**
 * Begins a new era: Redis was restored, and no server could notice.
 *
 * @returns the name of Redis
 * @throws Error with a sentence
 */
export async function noteRestored(url: string): Promise<string> {
  const { database, connection } = await openRedisDatabase(url);
  try {
    // It would be made, where somebody only names another Redis.
    const { format } = await database.read(formatIn);
    if (format === undefined) throw new Error(`There is no store on Redis at ${connection.name}.`);
    const store = await openStore({ database, now: Date.now, onDamaged: sayDamaged });
    if (await store.noteLoss({ atMs: Date.now(), kind: "said" }, await store.era())) return connection.name;
    throw new Error("Somebody else has just said or noticed the same. Nothing is left to do.");
  } finally {
    await database.close();
  }
}

/** The servers that use the store on Redis, and its format. @throws Error with a sentence */
export async function processesOn(url: string) {
  const { database, connection } = await openRedisDatabase(url);
  try {
    const present = await createPresence({ connection }).look();
    return { redis: connection.name, ...(await database.read(formatIn)), present };
  } finally {
    await database.close();
  }
}

function sayDamaged({ table, ...name }: DamagedName): void {
  const words = `A damaged row of the store's table "${table}" was mended: ${JSON.stringify(name)}.`;
  process.stderr.write(`${words} See connector.store.damaged in docs/operations/outcomes.md.\n`);
}

/** Calls the routes of `/admin` in this process. */
function adminOf(store: Store, ...more: readonly Router[]): AdminClient {
  // Whoever runs the tool sees what it does.
  const logger = createLogger("silent");
  const routes = adminRoutes({
    services: SERVICES,
    // Workers look at every lane regularly, and counts are in the store.
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
  const serve = createMachineDoor(Router().use(routes, ...more), logger);
  return createAdminClient(() => {
    const [ours, theirs] = duplexPair();
    serve(theirs);
    return ours;
  });
}

/** @throws Error with a sentence when there is no store, or its structure is damaged */
export async function storeReport(place: StorePlace): Promise<readonly TableReport[]> {
  if ("redisUrl" in place) return reportOnRedis(place.redisUrl);
  const { dataDir } = place;
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

async function reportOnRedis(url: string): Promise<readonly TableReport[]> {
  const { database, connection } = await openRedisDatabase(url);
  try {
    const report = await reportOnRows(database);
    if (report === undefined) throw new Error(`There is no store on Redis at ${connection.name}.`);
    return report;
  } finally {
    await database.close();
  }
}

function assertStore(dataDir: string): void {
  if (existsSync(storePath(dataDir))) return;
  throw new Error(`There is no store in ${dataDir}. Set DATA_DIR to the data folder of the server.`);
}

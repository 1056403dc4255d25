/** Opens the storage of a server. */
import { Router as createRouter, type Router } from "express";
import type { Logger } from "pino";
import { createSeal } from "../../src/storage/port/seal";
import { backupRoutes } from "../admin/backup";
import { createMachineDoor } from "../admin/machine";
import type { Config } from "../config";
import { createOwnCoordination, type Coordination } from "../coordination";
import { openDataFolder } from "./data-folder";
import { createDamageLog, createDiskLog, createFaultLog, createRedisLog } from "../log";
import { keyFile, readSecret } from "../secret";
import type { KnownLoss } from "../../src/storage/port/leases";
import { openRedisStorage } from "./redis";
import type { SharedEvent, Storage } from "./storage";

/** The storage of a server, and what comes with it. */
export interface OpenStorage extends Storage {
  readonly coordination: Coordination;
  /** Key of what is stored. */
  readonly secret: string;
  /** Where it is, for the log: the folder, or Redis without its password. */
  readonly place: { readonly data_dir: string } | { readonly redis: string };
  /** What could be lost as Redis is set up; sentences for operators. */
  readonly warnings: () => readonly string[];
  /** Lets the tools of this machine in, where they have a way of their own. */
  serve(routes: Router | undefined): void;
}

/** Redis may lose what it held; then everything that was built on it begins anew. */
export interface Renewal {
  /** What was noticed by those who began before. */
  readonly lost?: KnownLoss | undefined;
  /** Told once when that must be done. */
  readonly onLoss?: (lost: KnownLoss, why: string) => void;
}

type OnShared = (event: SharedEvent) => void;

const MEGABYTE = 1024 * 1024;

/** @throws Error with a sentence when it cannot be opened */
export async function openStorage(
  config: Config,
  logger: Logger,
  onShared: OnShared,
  renewal: Renewal = {},
): Promise<OpenStorage> {
  const { REDIS_URL: url } = config;
  return url === undefined ? openFolder(config, logger) : openRedis(url, config, logger, onShared, renewal);
}

async function openFolder(config: Config, logger: Logger): Promise<OpenStorage> {
  const { SECRET, DATA_DIR: dataDir } = config;
  const watched = { reserveBytes: config.MIN_FREE_DISK_MB * MEGABYTE, onChange: createDiskLog(logger, dataDir) };
  const readKey = (): string => readSecret(SECRET, dataDir);
  const folder = await openDataFolder(dataDir, Date.now, () => createSeal(readKey()), watched, createDamageLog(logger));
  const backups = backupRoutes((to, signal) =>
    folder.backUp(to, SECRET === undefined ? keyFile(dataDir) : undefined, signal),
  );
  try {
    return {
      ...folder,
      coordination: createOwnCoordination(),
      secret: readKey(),
      place: { data_dir: dataDir },
      warnings: () => [],
      serve: (routes) => folder.lock.serve(routes && createMachineDoor(createRouter().use(routes, backups), logger)),
    };
  } catch (error) {
    await folder.close();
    throw error;
  }
}

async function openRedis(
  url: string,
  config: Config,
  logger: Logger,
  onShared: OnShared,
  renewal: Renewal,
): Promise<OpenStorage> {
  const { SECRET: secret, LEASE_MS: leaseMs, REQUEST_TIMEOUT_MS } = config;
  if (secret === undefined) throw new Error("With REDIS_URL, SECRET must be set.");
  const storage = await openRedisStorage({
    url,
    now: Date.now,
    leaseMs,
    // Calls in bulk take twice as long.
    requestMs: 2 * REQUEST_TIMEOUT_MS,
    onChange: createRedisLog(logger),
    onError: createFaultLog(logger),
    onDamaged: createDamageLog(logger),
    lost: renewal.lost,
    onLoss: (...given) => renewal.onLoss?.(...given),
    onShared,
  });
  return { ...storage, secret, place: { redis: storage.name }, serve: () => undefined };
}

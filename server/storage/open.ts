/** Opens the storage of a server. */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import pick from "lodash/pick";
import { Router as createRouter, type Router } from "express";
import type { Logger } from "pino";
import type { AlertBook } from "../../src/engine/alerts/alerts";
import { createSeal } from "../../src/storage/port/seal";
import { backupRoutes } from "../admin/backup";
import { createMachineDoor } from "../admin/machine";
import type { Config } from "../config";
import { createOwnCoordination, type Coordination } from "../coordination";
import { openDataFolder } from "./data-folder";
import { createDamageLog, createDiskLog, createFaultLog, createRedisLog } from "../log";
import { keyFile, readSecret } from "../secret";
import { PROJECT_VERSION } from "../version";
import type { KnownLoss, PresentProcess } from "../../src/storage/port/leases";
import { openRedisStorage, type RedisStorageOptions } from "./redis";
import type { OwnProcess, SharedEvent, Storage } from "./storage";

/** The storage of a server, and what comes with it. */
export interface OpenStorage extends Storage {
  readonly coordination: Coordination;
  /** Key of what is stored. */
  readonly secret: string;
  /** Where it is, for the log: the folder, or Redis without its password. */
  readonly place: { readonly data_dir: string } | { readonly redis: string };
  /** What operators should know of it; sentences. */
  readonly warnings: () => readonly string[];
  /** All processes that use the store, this one too. */
  readonly processes: () => Promise<readonly PresentProcess[]>;
  /** Lets the tools of this machine in, where they have a way of their own. */
  serve(routes: Router | undefined): void;
}

/** When Redis has lost what it held, or the store is upgraded, everything that was built on it begins anew. */
export interface Renewal extends Pick<RedisStorageOptions, "formats" | "silentMs"> {
  /** Of the process: the same, however often it begins anew. */
  readonly id?: string;
  /** What those who run the server were told of its storage, which outlives a beginning. */
  readonly alerts?: AlertBook;
  /** What was noticed before this beginning. */
  readonly lost?: KnownLoss | undefined;
  /** Told once when it must begin anew. @param lost undefined: nothing is lost */
  readonly onOver?: (why: string, lost: KnownLoss | undefined) => void;
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
  const { REDIS_URL: url, ROLE: role } = config;
  const own = { id: renewal.id ?? randomUUID(), version: PROJECT_VERSION, role };
  return url === undefined ? openFolder(config, logger, own) : openRedis(url, config, logger, onShared, renewal, own);
}

async function openFolder(config: Config, logger: Logger, own: OwnProcess): Promise<OpenStorage> {
  const { SECRET, DATA_DIR: dataDir } = config;
  const watched = { reserveBytes: config.MIN_FREE_DISK_MB * MEGABYTE, onChange: createDiskLog(logger, dataDir) };
  const readKey = (): string => readSecret(SECRET, dataDir);
  const folder = await openDataFolder(dataDir, Date.now, () => createSeal(readKey()), watched, {
    onDamaged: createDamageLog(logger),
    keepsHistory: config.HISTORY_DAYS > 0,
  });
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
      processes: () =>
        Promise.resolve([{ ...own, name: `${hostname()}/${process.pid}`, forMs: performance.now(), silentMs: 0 }]),
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
  own: OwnProcess,
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
    keepsHistory: config.HISTORY_DAYS > 0,
    lost: renewal.lost,
    onOver: (...given) => renewal.onOver?.(...given),
    own,
    ...pick(renewal, "formats", "silentMs"),
    onShared,
  });
  return { ...storage, secret, place: { redis: storage.name }, serve: () => undefined };
}

/** The two places of a move, each a data folder or a Redis. */
import { existsSync, realpathSync } from "node:fs";
import { ROOT_SERVICE } from "../../src/services";
import { isServed, lockFolder } from "../../src/storage/data-folder/exclusive";
import { lockAddress } from "../../src/storage/data-folder/lock-address";
import { keepPrivate } from "../../src/storage/data-folder/private";
import { beginUse } from "../../src/storage/data-folder/unclean";
import { openUpgraded } from "../../src/storage/data-folder/upgrade";
import { createLmdbDatabase } from "../../src/storage/database/lmdb";
import { openRedisDatabase } from "../../src/storage/database/redis/database";
import { usersOf } from "../../src/storage/database/redis/presence";
import type { MovePlace } from "../../src/storage/move";
import { createSeal } from "../../src/storage/port/seal";
import { storePath } from "../storage/data-folder";
import { keyFile, readSecret } from "../secret";

export interface Place extends MovePlace {
  /** What a person should know of it, in sentences. */
  readonly warnings: readonly string[];
  /** Who else uses it, as a sentence; undefined: nobody. */
  usedBy(): Promise<string | undefined>;
  close(): Promise<void>;
}

export const isRedis = (place: string): boolean => /^rediss?(?:\+sentinel)?:\/\//.test(place);

/**
 * @param isStopped what the person says where Redis does not tell who uses it
 * @throws Error with a sentence when there is no store, or it cannot be opened
 */
export async function openSource(place: string, secret: string | undefined, isStopped: boolean): Promise<Place> {
  if (isRedis(place)) return openRedis(place, secret, "SECRET", isStopped);
  if (!existsSync(storePath(place))) throw new Error(`There is no store in ${place}.`);
  if (secret === undefined && !existsSync(keyFile(place))) {
    throw new Error(`There is no ${keyFile(place)}. Set SECRET to the key that the server of this folder has.`);
  }
  return (await isServed(lockAddress(place))) ? openUsedFolder(place, secret) : openFolder(place, secret);
}

/** @throws Error with a sentence when it cannot be opened, or somebody uses it */
export async function openTarget(place: string, secret: string | undefined): Promise<Place> {
  if (!isRedis(place)) return openFolder(place, secret);
  // No server starts on an unfinished copy, so it does not matter if Redis does not tell who is connected.
  const target = await openRedis(place, secret, "TARGET_SECRET", true);
  try {
    const used = await target.usedBy();
    if (used === undefined) return target;
    throw new Error(
      `${used} Stop them. The connection of a killed process is gone at once, that of a lost machine after some minutes.`,
    );
  } catch (error) {
    await target.close();
    throw error;
  }
}

/** Of one folder always the same, wherever the tool runs: the target knows its source by it. */
const nameOf = (dataDir: string): string => realpathSync(dataDir);

/** Locks the folder: nobody else can use it meanwhile. */
async function openFolder(dataDir: string, secret: string | undefined): Promise<Place> {
  const lock = await lockFolder(dataDir);
  const path = storePath(dataDir);
  let endUse = (): void => undefined;
  try {
    keepPrivate([path, keyFile(dataDir)]);
    const seal = createSeal(readSecret(secret, dataDir));
    const end = beginUse(path);
    const database = await openUpgraded(path, ROOT_SERVICE, () => seal);
    endUse = end;
    return {
      name: nameOf(dataDir),
      database,
      seal,
      warnings: [],
      usedBy: () => Promise.resolve(undefined),
      close: async () => {
        await database.close();
        endUse();
        await lock.release();
      },
    };
  } catch (error) {
    endUse();
    await lock.release();
    throw error;
  }
}

/** Reads a folder beside the process that has locked it. */
function openUsedFolder(dataDir: string, secret: string | undefined): Place {
  const seal = createSeal(readSecret(secret, dataDir));
  const open = () => createLmdbDatabase(storePath(dataDir), { readOnly: true });
  let database: ReturnType<typeof open>;
  try {
    database = open();
  } catch {
    // The server may have written what the file begins with at the very moment when it was read.
    database = open();
  }
  return {
    name: nameOf(dataDir),
    database,
    seal,
    warnings: [],
    usedBy: () => Promise.resolve(`The data folder ${dataDir} is in use: a server or a tool has locked it.`),
    close: () => database.close(),
  };
}

async function openRedis(
  url: string,
  secret: string | undefined,
  variable: string,
  isStopped: boolean,
): Promise<Place> {
  if (secret === undefined) throw new Error(`Set ${variable} to the SECRET of the servers on Redis.`);
  const { database, connection, warnings } = await openRedisDatabase(url);
  const users = await usersOf(connection);
  const untold = `Redis at ${connection.name} does not allow CLIENT LIST, so it is not known who uses it.`;
  return {
    name: `Redis at ${connection.name}`,
    database,
    seal: createSeal(secret),
    warnings:
      users === undefined && isStopped ? [...warnings, `${untold} Make sure that all servers are stopped.`] : warnings,
    usedBy: async () => {
      const found = await usersOf(connection);
      if (found === undefined)
        return isStopped ? undefined : `${untold} When all servers are stopped, say so: --stopped.`;
      if (found.length === 0) return undefined;
      return `Redis at ${connection.name} is in use: servers or tools at ${found.join(", ")} are connected.`;
    },
    close: () => database.close(),
  };
}

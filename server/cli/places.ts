/** The two places of a migration, each a data folder or a Redis that no other process uses meanwhile. */
import { existsSync } from "node:fs";
import { ROOT_SERVICE } from "../../src/services";
import { lockFolder } from "../../src/storage/data-folder/exclusive";
import { keepPrivate } from "../../src/storage/data-folder/private";
import { beginUse } from "../../src/storage/data-folder/unclean";
import { openUpgraded } from "../../src/storage/data-folder/upgrade";
import { CLIENT_NAME, type RedisConnection } from "../../src/storage/database/redis/connection";
import { openRedisDatabase } from "../../src/storage/database/redis/database";
import type { Database } from "../../src/storage/database/rows";
import { createSeal, type Seal } from "../../src/storage/port/seal";
import { storePath } from "../storage/data-folder";
import { keyFile, readSecret } from "../secret";

export interface Place {
  /** For people, without a password. */
  readonly name: string;
  readonly database: Database;
  readonly seal: Seal;
  /** What a person should know of it, in sentences. */
  readonly warnings: readonly string[];
  close(): Promise<void>;
}

export const isRedis = (place: string): boolean => /^rediss?(?:\+sentinel)?:\/\//.test(place);

/** @throws Error with a sentence when there is no store, it cannot be opened, or somebody uses it */
export async function openSource(place: string, secret: string | undefined): Promise<Place> {
  if (isRedis(place)) return openRedis(place, secret, "SECRET");
  if (!existsSync(storePath(place))) throw new Error(`There is no store in ${place}.`);
  if (secret === undefined && !existsSync(keyFile(place))) {
    throw new Error(`There is no ${keyFile(place)}. Set SECRET to the key that the server of this folder has.`);
  }
  return openFolder(place, secret);
}

/** @throws Error with a sentence when it cannot be opened, or somebody uses it */
export async function openTarget(place: string, secret: string | undefined): Promise<Place> {
  return isRedis(place) ? openRedis(place, secret, "TARGET_SECRET") : openFolder(place, secret);
}

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
      name: dataDir,
      database,
      seal,
      warnings: [],
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

async function openRedis(url: string, secret: string | undefined, variable: string): Promise<Place> {
  if (secret === undefined) throw new Error(`Set ${variable} to the SECRET of the servers on Redis.`);
  const { database, connection, warnings } = await openRedisDatabase(url);
  try {
    return {
      name: `Redis at ${connection.name}`,
      database,
      seal: createSeal(secret),
      warnings: [...warnings, ...(await assertUnused(connection))],
      close: () => database.close(),
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** @returns a sentence when that could not be found out; @throws Error when other processes of ours are connected */
async function assertUnused(connection: RedisConnection): Promise<readonly string[]> {
  let clients: string;
  let own: string;
  try {
    clients = await connection.command("CLIENT", "LIST");
    own = await connection.command("CLIENT", "ID");
  } catch {
    return [
      `Redis at ${connection.name} does not allow CLIENT LIST, so it is not known who uses it. Make sure that all servers are stopped.`,
    ];
  }
  const factsOf = (line: string): ReadonlyMap<string, string> =>
    new Map(line.split(" ").map((fact) => [fact.slice(0, fact.indexOf("=")), fact.slice(fact.indexOf("=") + 1)]));
  const all = clients.split("\n").map(factsOf);
  const database = all.find((client) => client.get("id") === own)?.get("db");
  const others = all.filter(
    (client) => client.get("name") === CLIENT_NAME && client.get("id") !== own && client.get("db") === database,
  );
  if (others.length === 0) return [];
  const addresses = [...new Set(others.map((client) => client.get("addr")?.replace(/:\d+$/, "") ?? "?"))].join(", ");
  throw new Error(
    `Redis at ${connection.name} is in use: servers or tools at ${addresses} are connected. ` +
      "Stop them. The connection of a killed process is gone at once, that of a lost machine after some minutes.",
  );
}

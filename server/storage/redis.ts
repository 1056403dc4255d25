/** The store of a process that shares it with others: on Redis. */
import once from "lodash/once";
import { createOutbox } from "../../src/engine/outbox/outbox";
import { readRedisUrl } from "../../src/storage/database/redis/address";
import { connectRedis } from "../../src/storage/database/redis/connection";
import { openRedisDatabase } from "../../src/storage/database/redis/database";
import { watchRedis } from "../../src/storage/database/redis/watch";
import { createDryStored } from "../../src/storage/dry-run";
import type { EraOver, KnownLoss, Loss } from "../../src/storage/port/leases";
import type { StoreOptions } from "../../src/storage/store";
import { createRedisCoordination, type Coordination, type RedisCoordinationOptions } from "../coordination";
import { openStore } from "../open-store";
import type { SharedEvent, Storage } from "./storage";

export interface RedisStorageOptions
  extends Pick<StoreOptions, "onDamaged">, Pick<RedisCoordinationOptions, "leaseMs" | "requestMs"> {
  /** `REDIS_URL`. */
  readonly url: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Told once when Redis is lost, and once when it is back. */
  readonly onChange: (trouble: string | undefined) => void;
  /** Called with errors of work that is tried again, such as renewals of leases. */
  readonly onError: (error: unknown) => void;
  /** Told of each thing that happens only because other processes use the same store. */
  readonly onShared: (event: SharedEvent) => void;
  /** What the store is known to have lost; noted when it is opened, unless somebody else was faster. */
  readonly lost?: KnownLoss | undefined;
  /**
   * Told once when Redis has lost something, or somebody else says so. From then on this storage refuses everything, and
   * nothing is sent by those who held leases.
   */
  readonly onLoss: (lost: KnownLoss, why: string) => void;
}

export interface RedisStorage extends Storage {
  readonly coordination: Coordination;
  /** Where it is, without a password. */
  readonly name: string;
  /** What could be lost as Redis is set up; sentences. */
  readonly warnings: () => readonly string[];
}

/** After this long without an answer Redis counts as lost. */
const LOST_MS = 2_000;

/** @throws RedisError when Redis cannot be reached, or is not fit; its sentence holds no password */
export async function openRedisStorage(options: RedisStorageOptions): Promise<RedisStorage> {
  const { url, now, onChange, onError, onDamaged, lost, onLoss, onShared } = options;
  const address = readRedisUrl(url);
  let era: number | undefined;
  let giveUp = (_why: string): void => undefined;
  const lose = once((loss: Omit<Loss, "atMs">, why: string): void => {
    giveUp(why);
    if (era !== undefined) onLoss({ loss: { atMs: now(), ...loss }, era }, why);
  });
  const opened = await openRedisDatabase(url, { onLost: lose, onAgain: (why) => onShared(`commit_${why}`) });
  // Short requests do not wait behind commits.
  const connection = connectRedis(address);
  let warnings = opened.warnings;
  const watch = watchRedis({
    connection: connectRedis(address, LOST_MS),
    assertFit: async () => {
      warnings = await opened.look();
    },
    onChange,
  });
  try {
    // Where there is another era, somebody else has noted what was lost; or nobody could, since all of it was.
    const onOver = ({ message }: EraOver): void => lose({ kind: "emptied" }, message);
    const database = watch.guard(opened.database);
    const store = await openStore({ database, now, onDamaged, onEraOver: onOver, lost });
    era = await store.era();
    const coordination = createRedisCoordination({
      ...options,
      address,
      connection,
      store,
      onError,
      onChange: (change) => onShared(`lease_${change}`),
    });
    giveUp = (why) => {
      watch.giveUp(why);
      // Nobody sends anything any more; that it cannot be given back is known.
      void coordination.leases.close();
    };
    watch.start();
    return {
      store,
      disk: watch,
      coordination,
      name: address.name,
      warnings: () => warnings,
      dryRun: async (clock = now) => {
        const dry = createOutbox(await createDryStored(database, clock));
        return { store: dry, close: () => dry.close() };
      },
      close: async () => {
        watch.close();
        connection.close();
        await store.close();
      },
    };
  } catch (error) {
    watch.close();
    connection.close();
    await opened.database.close();
    throw error;
  }
}

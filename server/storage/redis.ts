/** The store of a process that shares it with others: on Redis. */
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import once from "lodash/once";
import { createOutbox } from "../../src/engine/outbox/outbox";
import { readRedisUrl } from "../../src/storage/database/redis/address";
import { connectRedis } from "../../src/storage/database/redis/connection";
import { openRedisDatabase } from "../../src/storage/database/redis/database";
import { createPresence, SILENT_MS } from "../../src/storage/database/redis/presence";
import { watchRedis } from "../../src/storage/database/redis/watch";
import { createDryStored } from "../../src/storage/dry-run";
import {
  EraOver,
  StoreTooNew,
  StoreWaits,
  type KnownLoss,
  type Loss,
  type PresentProcess,
} from "../../src/storage/port/leases";
import type { StoreOptions } from "../../src/storage/store";
import { formatIn, FORMATS, upgradeShared, type Formats } from "../../src/storage/upgrade";
import { createRedisCoordination, type Coordination, type RedisCoordinationOptions } from "../coordination";
import { openStore } from "../open-store";
import type { OwnProcess, SharedEvent, Storage } from "./storage";

export interface RedisStorageOptions
  extends Pick<StoreOptions, "onDamaged" | "keepsHistory">, Pick<RedisCoordinationOptions, "leaseMs" | "requestMs"> {
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
   * Told once when the store is another one: Redis has lost something, somebody else says so, or it was upgraded. From then
   * on this storage refuses everything, and whoever holds a lease sends nothing more.
   *
   * @param lost undefined: nothing is lost
   */
  readonly onOver: (why: string, lost: KnownLoss | undefined) => void;
  /** What others are told of this process. */
  readonly own: OwnProcess;
  /** What this program can do with formats of the store. */
  readonly formats?: Formats;
  /** After so many milliseconds without a word a process counts as gone. */
  readonly silentMs?: number;
}

export interface RedisStorage extends Storage {
  readonly coordination: Coordination;
  /** Where it is, without a password. */
  readonly name: string;
  /** What operators should know of it; sentences. */
  readonly warnings: () => readonly string[];
  /** All processes that use the store, this one too. @throws RedisError */
  readonly processes: () => Promise<readonly PresentProcess[]>;
}

/** After this long without an answer Redis counts as lost. */
const LOST_MS = 2_000;
/** How long Redis is waited for when a process leaves. */
const LEAVE_MS = 1_000;
/** So often a process says that it is there within the time after which it would count as gone. */
const BEATS = 5;

/**
 * @throws RedisError when Redis cannot be reached, or is not fit; its sentence holds no password
 * @throws StoreWaits while the store must be upgraded, and older processes work on it
 * @throws StoreTooNew when a newer version has upgraded it
 */
export async function openRedisStorage(options: RedisStorageOptions): Promise<RedisStorage> {
  const { url, now, onChange, onError, onDamaged, keepsHistory, lost, onOver, onShared, own } = options;
  const { formats = FORMATS, silentMs = SILENT_MS } = options;
  const address = readRedisUrl(url);
  let era: number | undefined;
  let giveUp = (_why: string): void => undefined;
  const end = once((why: string, loss?: Omit<Loss, "atMs">): void => {
    giveUp(why);
    if (era !== undefined) onOver(why, loss && { loss: { atMs: now(), ...loss }, era });
  });
  const lose = (loss: Omit<Loss, "atMs">, why: string): void => end(why, loss);
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
  const presence = createPresence({ connection, id: own.id, silentMs });
  let beats: NodeJS.Timeout | undefined;
  try {
    const database = watch.guard(opened.database);
    let waits: string | undefined;
    /** Says that this process is there, and upgrades the store if that is due and may be done. */
    const beat = async () => {
      const { version, role } = own;
      const name = `${hostname()}/${process.pid}`;
      const reads = [formats.oldest, formats.newest] as const;
      const { format: writes = formats.newest } = await database.read(formatIn);
      const present = await presence.renew({ name, version, role, writes, reads });
      const look = await upgradeShared({ database, formats, silentMs }, present);
      waits = look.waits;
      return look;
    };
    const first = await beat();
    if (first.fit === "outdated" && first.waits !== undefined) throw new StoreWaits(first.waits, address.name);
    // In another era somebody else has noted the loss; in an emptied store there may be nobody who has.
    const onEraOver = ({ kind, message }: EraOver): void =>
      end(message, kind === "upgraded" ? undefined : { kind: "emptied" });
    const store = await openStore({ database, now, onDamaged, keepsHistory, onEraOver, lost, formats });
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
      clearInterval(beats);
      watch.giveUp(why);
      // So that nobody sends anything any more; nothing can be given back.
      void coordination.leases.close();
    };
    watch.start();
    beats = setInterval(() => {
      beat()
        // So that a process which has nothing to do finds out, too, that the store is another one.
        .then(() => store.era())
        .catch((error: unknown) => {
          if (error instanceof StoreTooNew) end(error.message);
          else if (!(error instanceof EraOver)) onError(error);
        });
    }, silentMs / BEATS).unref();
    return {
      store,
      disk: watch,
      coordination,
      name: address.name,
      warnings: () => (waits === undefined ? warnings : [...warnings, waits]),
      processes: async () => {
        watch.assertWritable();
        return presence.look();
      },
      dryRun: async (clock = now) => {
        const dry = createOutbox(await createDryStored(database, clock));
        return { store: dry, close: () => dry.close() };
      },
      close: async () => {
        clearInterval(beats);
        // A process that begins anew stays there; and a Redis that is lost is not waited for.
        const leaving = watch.trouble() === undefined ? presence.leave().catch(onError) : undefined;
        await Promise.race([leaving, sleep(LEAVE_MS, undefined, { ref: false })]);
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

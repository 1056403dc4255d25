/**
 * Whether Redis is there. When it is lost nothing is tried until it is back: no notification waits for it, and no call
 * goes to a service whose answer could not be kept. It is looked for again and again, and everything goes on by itself.
 */
import type { Disk } from "../../port/disk";
import type { Database } from "../rows";
import { RedisError, type RedisConnection } from "./connection";
import { PREFIX } from "./database";

export interface RedisWatchOptions {
  /** For nobody else; its time-out says when Redis counts as lost. Closed with the watch. */
  readonly connection: RedisConnection;
  /** Before Redis counts as back: it may be another one. @throws RedisError when it is not fit */
  readonly assertFit?: () => Promise<void>;
  /** Told once when Redis is lost, and once when it is back. */
  readonly onChange: (trouble: string | undefined) => void;
  /** Of all keys in Redis. */
  readonly prefix?: string;
}

export interface RedisWatch extends Disk {
  /** The database, which is not asked while Redis is lost. */
  guard(database: Database): Database;
  /** Looks again and again from now on. */
  start(): void;
  /** Whatever Redis says from now on, this process does not use it any more. @param why a sentence */
  giveUp(why: string): void;
  close(): void;
}

/** How often it is looked whether Redis is there. */
const LOOK_MS = 1_000;
const PROBE_SECONDS = "60";

export function watchRedis({ connection, assertFit, onChange, prefix = PREFIX }: RedisWatchOptions): RedisWatch {
  let trouble: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isLooking = false;
  let isOver = false;

  function change(found: string | undefined): void {
    if (isOver || (trouble === undefined) === (found === undefined)) return;
    trouble = found;
    onChange(found);
  }

  const lost = ({ message }: RedisError): void =>
    change(`${message.replace(/\.$/, "")}. Everything goes on by itself when that is over.`);

  /** A write: a server that is full, or a replica, answers questions. */
  async function look(): Promise<void> {
    if (isLooking) return;
    isLooking = true;
    try {
      await connection.command("SET", `${prefix}probe`, "", "EX", PROBE_SECONDS);
      if (trouble !== undefined) await assertFit?.();
      change(undefined);
    } catch (error) {
      if (error instanceof RedisError) lost(error);
    } finally {
      isLooking = false;
    }
  }

  function assertThere(): void {
    if (trouble !== undefined) throw new RedisError(trouble);
  }

  const whileThere =
    <A extends readonly unknown[], T>(ask: (...given: A) => Promise<T>) =>
    async (...given: A): Promise<T> => {
      assertThere();
      try {
        return await ask(...given);
      } catch (error) {
        if (error instanceof RedisError) lost(error);
        throw error;
      }
    };

  return {
    freeBytes: () => NaN,
    trouble: () => trouble,
    hasRoom: () => trouble === undefined,
    assertRoom: assertThere,
    isWritable: () => trouble === undefined,
    assertWritable: assertThere,
    guard: (database) => ({
      read: (work) => whileThere(() => database.read(work))(),
      write: (work) => whileThere(() => database.write(work))(),
      close: () => database.close(),
    }),
    start: () => {
      timer = setInterval(() => void look(), LOOK_MS).unref();
    },
    giveUp: (why) => {
      trouble = why;
      isOver = true;
      clearInterval(timer);
    },
    close: () => {
      isOver = true;
      clearInterval(timer);
      connection.close();
    },
  };
}

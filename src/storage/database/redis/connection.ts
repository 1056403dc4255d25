/** The connection to Redis: what is sent on it is asked again until there is an answer. */
import { hash } from "node:crypto";
import memoize from "lodash/memoize";
import { Redis, ReplyError, type RedisOptions } from "ioredis";
import { DiskError, REDIS_LOST } from "../../port/disk";

/** Redis did not answer, or refuses, or is not fit; the message says what a person can do, and holds no password. */
export class RedisError extends DiskError {
  override readonly name = "RedisError";

  constructor(message: string) {
    super(message, REDIS_LOST);
  }
}

export interface RedisAddress {
  /** For people: hosts and ports, without passwords. */
  readonly name: string;
  readonly options: RedisOptions;
}

/** What Redis calls the connections of versions whose processes do not say that they are there (`presence.ts`). */
export const FORMER_CLIENT_NAME = "hull-connector";
/** What it calls those of this version (`CLIENT LIST`). */
export const CLIENT_NAME = `${FORMER_CLIENT_NAME}:2`;
/** How long one request is asked again. */
const ASKED_AGAIN_MS = 15_000;
const COMMAND_TIMEOUT_MS = 5_000;
/** ioredis's words for that. */
const TIMED_OUT = "Command timed out";
const PAUSE_MS = 50;
/** An event of ours: a connection was looked at (`checkEach`). */
const CHECKED = "checked";
const MOST_RECONNECT_MS = 1_000;

/**
 * Answers of a server that will take the same request later: it starts, is busy, or another one takes its place. Before
 * version 7 there are other words first if a script met it.
 */
const LATER = /(?:^|: -)(?:LOADING|READONLY|MASTERDOWN|TRYAGAIN|BUSY|UNBLOCKED|NOREPLICAS|MISCONF)\b/;
const IS_REPLICA = /(?:^|: -)READONLY\b/;

/** What no second attempt changes. */
const UNKNOWN_USER = /^(?:WRONGPASS|NOAUTH|NOPERM|ERR invalid password)\b/;

/** Node's words for a certificate that it does not trust, or that names somebody else. */
const DISTRUSTED = /certificate|altnames/i;

/** The server's own words; ioredis does not tell TypeScript what its `ReplyError` is. */
const isReply = (error: unknown): error is Error => error instanceof (ReplyError as unknown as typeof Error);

const shaOf = memoize((script: string): string => hash("sha1", script));

export type Argument = string | number | Buffer;

export interface RedisConnection {
  /** Who is asked, for people. */
  readonly name: string;
  /** @throws RedisError */
  command(name: string, ...parts: readonly string[]): Promise<string>;
  /**
   * The script must do no harm when it is run twice: an answer may get lost.
   *
   * @throws RedisError
   */
  run(script: string, keys: readonly string[], parts: readonly Argument[]): Promise<unknown>;
  /**
   * Has each further connection looked at before anything else is asked on it: at its end may be another server, or an
   * earlier state of the same one.
   *
   * @param check answers why nothing may be asked any more; undefined: all is well
   */
  checkEach(check: (run: RedisConnection["run"]) => Promise<string | undefined>): void;
  close(): void;
}

/** @param waitMs how long each request is asked again without an answer */
export function connectRedis({ name, options }: RedisAddress, waitMs = ASKED_AGAIN_MS): RedisConnection {
  const client = new Redis({
    ...options,
    connectionName: CLIENT_NAME,
    // Asked again here, so that it is known which commit may have been applied.
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    // What was sent on a connection that ended fails at once, instead of by its time-out.
    maxRetriesPerRequest: 0,
    commandTimeout: COMMAND_TIMEOUT_MS,
    retryStrategy: (times) => Math.min(PAUSE_MS * times, MOST_RECONNECT_MS),
    // A master that became a replica: the name leads to another one.
    reconnectOnError: ({ message }) => IS_REPLICA.test(message),
  });
  // Each request that waits for the connection listens.
  client.setMaxListeners(0);
  let problem: string | undefined;
  let closed = false;
  let check: Parameters<RedisConnection["checkEach"]>[0] | undefined;
  let isChecked = true;
  /** Why nothing is asked any more. */
  let barred: string | undefined;
  client.on("error", ({ message }: Error) => (problem = message));
  client.on("close", () => (isChecked = check === undefined));
  client.on("ready", () => {
    problem = undefined;
    if (!isChecked) void look();
  });

  /** If that fails, the next connection is looked at. */
  async function look(): Promise<void> {
    try {
      barred = await check?.(once);
      isChecked = true;
    } catch (error) {
      problem = (error as Error).message;
      client.disconnect(true);
    }
    client.emit(CHECKED);
  }

  /** As a list: so many arguments of a call would not fit on the stack. */
  async function once(script: string, keys: readonly string[], parts: readonly Argument[]): Promise<unknown> {
    const given = [keys.length, ...keys, ...parts];
    try {
      return await client.callBuffer("EVALSHA", [shaOf(script), ...given]);
    } catch (error) {
      if (!isReply(error) || !error.message.startsWith("NOSCRIPT")) throw error;
      return client.callBuffer("EVAL", [script, ...given]);
    }
  }

  async function ask<T>(send: () => Promise<T>): Promise<T> {
    const endMs = performance.now() + waitMs;
    for (;;) {
      if (closed) throw new RedisError(`The connection to Redis at ${name} is closed.`);
      if (barred !== undefined) throw new RedisError(barred);
      let message: string;
      try {
        if (!isChecked) throw new Error("It is not connected.");
        return await send();
      } catch (error) {
        // Never the error itself: it carries the command, which may hold a password, and rows.
        message = (isReply(error) ? undefined : problem) ?? (error as Error).message;
        const isFinal = isReply(error) ? !LATER.test(message) : UNKNOWN_USER.test(message) || DISTRUSTED.test(message);
        if (isFinal) throw new RedisError(`Redis at ${name} refuses: ${message}${remedyFor(message)}`);
        // Whoever is gone without a word ends no connection, and the address may lead to somebody else by now.
        if (message === TIMED_OUT) client.disconnect(true);
      }
      await pause();
      // The process may have been stopped for long: a commit that is asked for too late would be applied twice.
      if (performance.now() > endMs)
        throw new RedisError(`Redis at ${name} does not answer: ${message}. Start it, or correct REDIS_URL.`);
    }
  }

  /** Until the client is connected, if it is not, or a while. */
  async function pause(): Promise<void> {
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        client.off(awaited, end);
        resolve();
      };
      const timer = setTimeout(end, PAUSE_MS);
      const awaited = isChecked ? "ready" : CHECKED;
      if (client.status !== "ready" || !isChecked) client.once(awaited, end);
    });
  }

  return {
    name,
    command: (command, ...parts) => ask(async () => String(await client.call(command, ...parts))),
    run: (script, keys, parts) => ask(() => once(script, keys, parts)),
    checkEach: (wanted) => (check = wanted),
    close: () => {
      closed = true;
      client.disconnect();
    },
  };
}

/** What is not put right by waiting. */
function remedyFor(message: string): string {
  if (/^(?:WRONGPASS|NOAUTH|NOPERM)/.test(message)) return ". Correct the user and the password in REDIS_URL.";
  if (!DISTRUSTED.test(message)) return "";
  return (
    ". Let NODE_EXTRA_CA_CERTS name a file with the certificates of its authority, " +
    "and REDIS_URL a host that its certificate names."
  );
}

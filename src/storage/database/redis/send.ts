/** Sends scripts to Redis until there is an answer. */
import { hash } from "node:crypto";
import memoize from "lodash/memoize";
import { ReplyError, type Redis } from "ioredis";

/** Redis did not answer, or refuses; the message says what a person can do. */
export class RedisError extends Error {
  override readonly name = "RedisError";
}

/** How long one request is asked again. */
const ASKED_AGAIN_MS = 15_000;
const PAUSE_MS = 50;

/** Answers of a server that will take the same request later: it starts, or another one takes its place. */
const LATER = /^(?:LOADING|READONLY|MASTERDOWN|TRYAGAIN|CLUSTERDOWN|BUSY|UNBLOCKED|NOREPLICAS)\b/;

/** The server's own words; ioredis does not tell TypeScript what its `ReplyError` is. */
const isReply = (error: unknown): error is Error => error instanceof (ReplyError as unknown as typeof Error);

const shaOf = memoize((script: string): string => hash("sha1", script));

/** Until the client is connected, if it is not, or a while. */
async function pause(client: Redis): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      client.off("ready", end);
      resolve();
    };
    const timer = setTimeout(end, PAUSE_MS);
    if (client.status !== "ready") client.once("ready", end);
  });
}

export function createSender(client: Redis) {
  let closed = false;

  async function once(
    script: string,
    keys: readonly string[],
    parts: readonly (string | number | Buffer)[],
  ): Promise<unknown> {
    try {
      return await client.callBuffer("EVALSHA", shaOf(script), keys.length, ...keys, ...parts);
    } catch (error) {
      if (!(isReply(error) && error.message.startsWith("NOSCRIPT"))) throw error;
      return await client.callBuffer("EVAL", script, keys.length, ...keys, ...parts);
    }
  }

  return {
    /** The script must do no harm when it is run twice: an answer may get lost. */
    run: async (
      script: string,
      keys: readonly string[],
      parts: readonly (string | number | Buffer)[],
    ): Promise<unknown> => {
      const endMs = Date.now() + ASKED_AGAIN_MS;
      for (;;) {
        if (closed) throw new RedisError("The connection to Redis is closed.");
        try {
          return await once(script, keys, parts);
        } catch (error) {
          const { message } = error as Error;
          // Never the error itself: it carries the command, and so may carry a password.
          if (isReply(error) && !LATER.test(message)) throw new RedisError(`Redis refuses: ${message}`);
          if (Date.now() > endMs) throw new RedisError(`Redis does not answer: ${message}`);
        }
        await pause(client);
      }
    },
    close: (): Promise<void> => {
      closed = true;
      client.disconnect();
      return Promise.resolve();
    },
  };
}

/** Places that all processes share, by Redis' own clock; those of a process that ended become free by themselves. */
import { randomUUID } from "node:crypto";
import type { Places } from "../http/limits/gate";
import { systemSleep, type Sleep } from "../http/time";
import type { RedisConnection } from "../storage/database/redis/connection";

/**
 * What a clock that was ahead wrote would be there for long: it counts from now.
 *
 * KEYS: the places. ARGV: id, how many there are, how long one is kept at most, milliseconds
 * @returns whether it is taken
 */
const ENTER = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local latest = now + ARGV[3]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local ahead = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. latest, '+inf')
for _, id in ipairs(ahead) do redis.call('ZADD', KEYS[1], latest, id) end
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], latest, ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
`;

const LEAVE = `return redis.call('ZREM', KEYS[1], ARGV[1])`;

/** How often a free place is looked for: at random between once and twice this time. */
const LOOK_MS = 20;

export interface RedisPlacesOptions {
  readonly connection: RedisConnection;
  /** Of all keys in Redis. */
  readonly prefix: string;
  /** Longest time of the work inside, milliseconds. */
  readonly longestMs: number;
  readonly sleep?: Sleep;
  readonly random?: () => number;
}

/** @param key whose calls at a time are counted together */
export function createRedisPlaces(
  { connection, prefix, longestMs, sleep = systemSleep, random = Math.random }: RedisPlacesOptions,
  key: string,
): Places {
  const keys = [`${prefix}places:{${key}}`];
  return {
    enter: async (atOnce, signal) => {
      const id = randomUUID();
      while (Number(await connection.run(ENTER, keys, [id, atOnce, longestMs])) === 0) {
        await sleep(LOOK_MS * (1 + random()), signal);
      }
      // A place that cannot be given back becomes free in time.
      return () => void connection.run(LEAVE, keys, [id]).catch(() => undefined);
    },
  };
}

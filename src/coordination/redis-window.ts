/** A window that all processes count in, by Redis' own clock. */
import { randomUUID } from "node:crypto";
import type { BudgetClass } from "../http/limits/budget";
import type { Window, WindowLimits } from "../http/limits/window";
import type { RedisConnection } from "../storage/database/redis/connection";

/**
 * What is left of a window's starts, and the time. Of the arguments the first is the window, in milliseconds. What a clock
 * that was ahead wrote would be there for long: it counts from now.
 */
const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local windowMs = tonumber(ARGV[1])
for number = 1, 2 do
  redis.call('ZREMRANGEBYSCORE', KEYS[number], '-inf', now - windowMs)
  local ahead = redis.call('ZRANGEBYSCORE', KEYS[number], '(' .. now, '+inf')
  for _, id in ipairs(ahead) do redis.call('ZADD', KEYS[number], now, id) end
end
local blockedMs = math.max(0, redis.call('PTTL', KEYS[3]))
if blockedMs > windowMs and tonumber(redis.call('GET', KEYS[3])) > now then
  blockedMs = windowMs
  redis.call('SET', KEYS[3], now, 'PX', blockedMs)
end
`;

/**
 * KEYS: starts, those of fetches among them, since when nothing starts for as long as the key is there.
 * ARGV: window, id of the start, most starts before it, most fetches before it; -1: any number.
 * @returns 0: it is counted; otherwise how long to wait, milliseconds
 */
const START = `
${NOW}
if redis.call('ZSCORE', KEYS[1], ARGV[2]) then return 0 end
local waitMs = blockedMs
for number = 1, 2 do
  local most = tonumber(ARGV[2 + number])
  local size = most < 0 and 0 or redis.call('ZCARD', KEYS[number])
  if most >= 0 and size >= most then
    local leaving = redis.call('ZRANGE', KEYS[number], size - most, size - most, 'WITHSCORES')[2]
    waitMs = math.max(waitMs, tonumber(leaving) + windowMs - now)
  end
end
if waitMs > 0 then return waitMs end
for number = 1, tonumber(ARGV[4]) < 0 and 1 or 2 do
  redis.call('ZADD', KEYS[number], now, ARGV[2])
  redis.call('PEXPIRE', KEYS[number], windowMs)
end
return 0
`;

/** KEYS as above. ARGV: window, wait, milliseconds. */
const PENALISE = `
${NOW}
local waitMs = tonumber(ARGV[2])
if waitMs > blockedMs then redis.call('SET', KEYS[3], now, 'PX', waitMs) end
return 0
`;

/** KEYS as above. ARGV: window. @returns how many have started, or -1 while nothing starts */
const LOOK = `
${NOW}
if blockedMs > 0 then return -1 end
return redis.call('ZCARD', KEYS[1])
`;

/** Redis takes no penalty of less. */
const LEAST_PENALTY_MS = 1;

/**
 * @param prefix of all keys in Redis
 * @param quotaKey whose requests are counted together
 */
export function createRedisWindow(connection: RedisConnection, prefix: string, quotaKey: string) {
  const keys = ["starts", "fetches", "blocked"].map((name) => `${prefix}budget:{${quotaKey}}:${name}`);
  const ask = async (script: string, ...parts: readonly (string | number)[]): Promise<number> =>
    Number(await connection.run(script, keys, parts));
  return {
    start: (asking: BudgetClass, { windowMs, mostOf, fetches }: WindowLimits) =>
      ask(START, windowMs, randomUUID(), mostOf[asking] ?? -1, asking === "fetch" ? (fetches ?? -1) : -1),
    penalise: async (waitMs: number, { windowMs }: WindowLimits) => {
      await ask(PENALISE, windowMs, Math.max(LEAST_PENALTY_MS, Math.ceil(waitMs)));
    },
    left: async ({ windowMs, most }: WindowLimits) => {
      const started = await ask(LOOK, windowMs);
      if (started < 0) return 0;
      return most === null ? Infinity : Math.max(0, most - started);
    },
  } satisfies Window;
}

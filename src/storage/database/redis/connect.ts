import { Redis } from "ioredis";

export function connectRedis(options: { path?: string; port?: number }): Redis {
  const client = new Redis({
    ...options,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: null,
    commandTimeout: 5_000,
    retryStrategy: (times) => Math.min(20 * times, 1_000),
  });
  client.on("error", () => undefined);
  return client;
}

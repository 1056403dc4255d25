/** Leases, jobs and quotas: shared with other processes through Redis, or of this process alone. */
import type { Queue } from "bull";
import { createBullJobs } from "../src/coordination/bull-jobs";
import type { Jobs } from "../src/coordination/jobs";
import { createLeases, createSoleOwner, type Leases, type LeasesOptions } from "../src/coordination/leases";
import { createOwnJobs, type OwnJobsOptions } from "../src/coordination/own-jobs";
import { createRedisPlaces } from "../src/coordination/redis-places";
import { createRedisWindow } from "../src/coordination/redis-window";
import type { Places } from "../src/http/limits/gate";
import type { Window } from "../src/http/limits/window";
import { RedisError, type RedisAddress, type RedisConnection } from "../src/storage/database/redis/connection";
import { PREFIX } from "../src/storage/database/redis/database";

export interface Coordination {
  /** Jobs of one service. */
  jobs(service: string, options: OwnJobsOptions): Jobs;
  /** Who works on what. */
  readonly leases: Leases;
  /** Where requests under a quota key are counted; undefined: in this process. */
  readonly windowOf: ((quotaKey: string) => Window) | undefined;
  /** Where calls at a time under a quota key are counted; undefined: in this process. */
  readonly placesOf: ((quotaKey: string) => Places) | undefined;
  /** The Bull queues, for people who look at them; undefined: jobs stay in this process. */
  readonly queues: readonly Queue[] | undefined;
  /** Lets go of everything, jobs as well. */
  close(): Promise<void>;
}

/** For the only process of its store. */
export function createOwnCoordination(): Coordination {
  const leases = createSoleOwner();
  return {
    jobs: (_, options) => createOwnJobs(options),
    leases,
    windowOf: undefined,
    placesOf: undefined,
    queues: undefined,
    close: () => leases.close(),
  };
}

export interface RedisCoordinationOptions extends Omit<LeasesOptions, "clocks"> {
  readonly address: RedisAddress;
  /** For short requests, beside the one that commits use. */
  readonly connection: RedisConnection;
}

/** For one of several processes of a store. */
export function createRedisCoordination(options: RedisCoordinationOptions): Coordination {
  const { address, connection, leaseMs, requestMs } = options;
  const leases = createLeases(options);
  const queues: Queue[] = [];
  const closers: (() => Promise<void>)[] = [];
  return {
    jobs: (service, { onError, now }) => {
      const jobs = createBullJobs({
        queue: service,
        redis: address.options,
        prefix: PREFIX,
        silenceMs: leaseMs,
        now,
        onError: (job, error) => {
          if (job !== undefined) onError(job, error);
          // It reconnects by itself, and `watchRedis` reports that Redis is lost.
          else options.onError(new RedisError(error instanceof Error ? error.message : String(error)));
        },
      });
      queues.push(jobs.queue);
      closers.push(() => jobs.close());
      return jobs;
    },
    leases,
    windowOf: (quotaKey) => createRedisWindow(connection, PREFIX, quotaKey),
    placesOf: (key) => createRedisPlaces({ connection, prefix: PREFIX, longestMs: requestMs }, key),
    queues,
    close: async () => {
      // Whoever could not begin has not closed its own.
      await Promise.all(closers.map((close) => close()));
      await leases.close();
    },
  };
}

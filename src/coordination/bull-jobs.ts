/** The same jobs for all processes that share a Redis: one of them does each run, and runs of one name follow each other. */
import { hash } from "node:crypto";
import once from "lodash/once";
import Bull, { type Job, type Queue } from "bull";
import { Redis, type RedisOptions } from "ioredis";
import type { JobHandler, Jobs } from "./jobs";
import { createOwnJobs } from "./own-jobs";

export interface BullJobsOptions {
  /** Name of the queue; other queues have jobs of their own. */
  readonly queue: string;
  readonly redis: RedisOptions;
  /** Of all keys in Redis. */
  readonly prefix: string;
  /** Undefined: this process only asks. */
  readonly handler: JobHandler | undefined;
  /** @param name undefined: Redis did not answer */
  readonly onError: (name: string | undefined, error: unknown) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface BullJobs extends Jobs {
  /** For those who look at it. */
  readonly queue: Queue;
}

interface JobData {
  readonly name: string;
}

/** Runs of one process at a time. */
const AT_ONCE = 50;
/** Nobody waits for a wish longer; the poll finds what it was for. */
const WISH_KEPT_SECONDS = 3_600;
/** Wake-ups at a time count as one when they are this near. */
const SAME_TIME_MS = 1_000;
const DONE_WITH = { removeOnComplete: true, removeOnFail: true } as const;

export function createBullJobs({ queue: queueName, redis, prefix, handler, onError, now }: BullJobsOptions): BullJobs {
  const clients: Redis[] = [];
  const createClient = (): Redis => {
    const client = new Redis({ ...redis, maxRetriesPerRequest: null, enableReadyCheck: false });
    clients.push(client);
    return client;
  };
  const queue = new Bull<JobData>(queueName, { prefix: `${prefix}bull`, createClient });
  const asking = new Set<Promise<unknown>>();
  /** How often a name had been asked for when its job began here. */
  const heard = new Map<string, string | null>();
  let isClosing = false;
  queue.on("error", (error) => onError(undefined, error));

  /** Returns at once; what fails is found by a poll. */
  function ask(name: string, work: () => Promise<unknown>): void {
    if (isClosing) return;
    const asked = work()
      .catch((error: unknown) => onError(name, error))
      .finally(() => asking.delete(asked));
    asking.add(asked);
  }

  const wishKey = (name: string): string => `${prefix}wish:${queueName}:${idOf(name)}`;

  /** A job that is active swallows those of the same name, so wishes are counted. */
  function wake(name: string): void {
    ask(name, async () => {
      await queue.client.multi().incr(wishKey(name)).expire(wishKey(name), WISH_KEPT_SECONDS).exec();
      await queue.add({ name }, { jobId: idOf(name), ...DONE_WITH });
    });
  }

  function serve(handle: JobHandler): Jobs & { run(name: string): Promise<void> } {
    const own = createOwnJobs({ handler: handle, onError, now });
    const work = async ({ data: { name } }: Job<JobData>): Promise<void> => {
      heard.set(name, await queue.client.get(wishKey(name)));
      await own.run(name);
    };
    queue.process(AT_ONCE, work).catch((error: unknown) => onError(undefined, error));
    queue.on("completed", ({ data: { name } }: Job<JobData>) => {
      ask(name, async () => {
        const before = heard.get(name);
        heard.delete(name);
        if ((await queue.client.get(wishKey(name))) !== before) wake(name);
      });
    });
    return own;
  }

  const served = handler === undefined ? undefined : serve(handler);

  return {
    queue,
    wake,
    wakeAt: (name, atMs) => {
      const jobId = `${idOf(name)}@${Math.ceil(atMs / SAME_TIME_MS)}`;
      ask(name, () => queue.add({ name }, { jobId, delay: Math.max(0, atMs - now()), ...DONE_WITH }));
    },
    every: (name, periodMs) => {
      ask(name, () => queue.add({ name }, { jobId: idOf(name), repeat: { every: periodMs }, ...DONE_WITH }));
    },
    close: once(async () => {
      isClosing = true;
      await Promise.all(asking);
      // It waits for the jobs that are active.
      await Promise.all([queue.close(), served?.close()]);
      for (const client of clients) client.disconnect();
    }),
  };
}

/** Names hold what a remote is called, colons too, which Bull takes for its own. */
const idOf = (name: string): string => hash("sha256", name, "base64url").slice(0, 22);

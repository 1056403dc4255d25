/** The same jobs for all processes that share a Redis: one of them does each run, and runs of one job follow each other. */
import { hash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import noop from "lodash/noop";
import once from "lodash/once";
import Bull, { type Job as BullJob, type Queue } from "bull";
import { Redis, type RedisOptions } from "ioredis";
import type { Job, Jobs } from "./jobs";
import { createOwnJobs } from "./own-jobs";

export interface BullJobsOptions {
  /** Name of the queue; other queues have jobs of their own. */
  readonly queue: string;
  readonly redis: RedisOptions;
  /** Of all keys in Redis. */
  readonly prefix: string;
  /** How long a process that says nothing keeps the runs that it began; then others do them. Milliseconds. */
  readonly silenceMs: number;
  /** @param job undefined: Redis did not answer */
  readonly onError: (job: Job | undefined, error: unknown) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface BullJobs extends Jobs {
  /** For those who look at it. */
  readonly queue: Queue;
}

interface JobData {
  readonly job: Job;
  /** It is asked for when this comes: another process may be running it, and must hear of it. */
  readonly isWish?: boolean;
}

/** Runs of one process at a time. */
const AT_ONCE = 50;
/** Nobody waits for a wish longer; the poll finds what it was for. */
const WISH_KEPT_SECONDS = 3_600;
/** Wake-ups at a time count as one when they are this near. */
const SAME_TIME_MS = 1_000;
/** How long Redis is waited for at the end. */
const CLOSE_MS = 3_000;
/** A run that ends its process is no worse than the next one, for which a poll asks. */
const MOST_SILENCES = 1_000_000;
const AFTER_ERROR_MS = 500;
const DONE_WITH = { removeOnComplete: true, removeOnFail: true } as const;

export function createBullJobs(options: BullJobsOptions): BullJobs {
  const { queue: name, redis, prefix, silenceMs, onError, now } = options;
  const clients: Redis[] = [];
  let isClosing = false;
  let isClosed = false;
  const createClient = (type: string): Redis => {
    const client = new Redis({ ...redis, maxRetriesPerRequest: null, enableReadyCheck: false });
    const connect = client.connect.bind(client);
    // When it closes, Bull connects once more and leaves what becomes of that to nobody.
    client.connect = () =>
      connect().catch((error: unknown) => {
        if (!isClosing) throw error;
      });
    // Where jobs are waited for, a goodbye would wait as well.
    if (type === "bclient") Object.assign(client, { quit: () => Promise.resolve().then(() => client.disconnect()) });
    clients.push(client);
    // Bull makes one when it first needs it, even if that is after its end.
    if (isClosed) client.disconnect();
    return client;
  };
  const queue = new Bull<JobData>(name, {
    prefix: `${prefix}bull`,
    createClient,
    settings: {
      lockDuration: silenceMs,
      stalledInterval: silenceMs,
      maxStalledCount: MOST_SILENCES,
      retryProcessDelay: AFTER_ERROR_MS,
    },
  });
  // Bull names its connection so that workers can be listed, and an error of that would end the process.
  Object.assign(queue, { setWorkerName: noop });
  const own = createOwnJobs({ onError, now });
  const asking = new Set<Promise<unknown>>();
  /** How often a job had been asked for when it began here. */
  const heard = new Map<string, string | null>();
  const onQueueError = (error: unknown): void => {
    if (!isClosing) onError(undefined, error);
  };
  queue.on("error", onQueueError);

  /** Returns at once; what fails is found by a poll. */
  function ask(job: Job, work: () => Promise<unknown>): void {
    if (isClosing) return;
    const asked = work()
      .catch((error: unknown) => {
        if (!isClosing) onError(job, error);
      })
      .finally(() => asking.delete(asked));
    asking.add(asked);
  }

  const wishKey = (id: string): string => `${prefix}wish:${name}:${id}`;

  /** A job that is active swallows others with its id, so wishes are counted. */
  async function wish(job: Job): Promise<void> {
    const jobId = idOf(job);
    await queue.client.multi().incr(wishKey(jobId)).expire(wishKey(jobId), WISH_KEPT_SECONDS).exec();
    await queue.add({ job }, { jobId, ...DONE_WITH });
  }

  const wake = (job: Job): void => ask(job, () => wish(job));

  /** What it was asked for at a later moment is asked for now. */
  async function work({ data: { job, isWish = false } }: BullJob<JobData>): Promise<void> {
    if (isWish) return wish(job);
    const id = idOf(job);
    heard.set(id, await queue.client.get(wishKey(id)));
    await own.run(job);
  }

  function again({ data: { job, isWish = false } }: BullJob<JobData>): void {
    if (isWish) return;
    ask(job, async () => {
      const id = idOf(job);
      const before = heard.get(id);
      heard.delete(id);
      if ((await queue.client.get(wishKey(id))) !== before) wake(job);
    });
  }

  return {
    queue,
    serve: (kind, handler) => own.serve(kind, handler),
    start: () => {
      own.start();
      queue.on("completed", again);
      queue.process(AT_ONCE, work).catch(onQueueError);
    },
    wake,
    wakeHere: (job) => own.wake(job),
    wakeHereAt: (job, atMs) => own.wakeAt(job, atMs),
    wakeAt: (job, atMs) => {
      const jobId = `${idOf(job)}@${Math.ceil(atMs / SAME_TIME_MS)}`;
      ask(job, () => queue.add({ job, isWish: true }, { jobId, delay: Math.max(0, atMs - now()), ...DONE_WITH }));
    },
    every: (job, periodMs) => {
      ask(job, () => queue.add({ job }, { jobId: idOf(job), repeat: { every: periodMs }, ...DONE_WITH }));
    },
    idle: (kind) => own.idle(kind),
    close: once(async () => {
      isClosing = true;
      // It waits for the jobs that are active.
      const closing = Promise.all(asking)
        .then(() => queue.close())
        // Redis may be lost at this very moment.
        .catch(noop);
      await own.close();
      // What Redis is not told of them now, it finds out by itself.
      await Promise.race([closing, sleep(CLOSE_MS, undefined, { ref: false })]);
      isClosed = true;
      // While Redis is lost Bull does not come to an end, and would keep the process.
      clearInterval(stalledTimerOf(queue));
      for (const client of clients) client.disconnect();
    }),
  };
}

/** What a remote is called may hold colons, which Bull takes for its own. */
const idOf = (job: Job): string => hash("sha256", JSON.stringify(job), "base64url").slice(0, 22);

/** Bull looks for stalled jobs by it; its types do not name it. */
const stalledTimerOf = (queue: Queue): NodeJS.Timeout | undefined =>
  (queue as { readonly moveUnlockedJobsToWaitInterval?: NodeJS.Timeout }).moveUnlockedJobsToWaitInterval;

/** Jobs inside one process: one run of each at a time; requests during a run lead to exactly one more. */
import { detached } from "../tracing";
import type { Job, JobHandler, Jobs } from "./jobs";

export interface OwnJobsOptions {
  readonly onError: (job: Job, error: unknown) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface OwnJobs extends Jobs {
  /** Like `wake`; resolves when that job runs no more. */
  run(job: Job): Promise<void>;
}

interface Slot {
  readonly job: Job;
  running?: Promise<void>;
  /** How often it was asked for. */
  wishes: number;
  timer?: NodeJS.Timeout;
  timerAtMs: number;
}

/** Longest delay that a Node.js timer understands. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export function createOwnJobs({ onError, now }: OwnJobsOptions): OwnJobs {
  const handlers = new Map<string, JobHandler>();
  const slots = new Map<string, Slot>();
  const periods: NodeJS.Timeout[] = [];
  let state: "new" | "started" | "closed" = "new";

  const nameOf = (job: Job): string => JSON.stringify(job);

  function slotOf(job: Job): Slot {
    const slot = slots.get(nameOf(job)) ?? { job, wishes: 0, timerAtMs: Infinity };
    slots.set(nameOf(job), slot);
    return slot;
  }

  function wake(job: Job): void {
    if (state !== "started") return;
    const slot = slotOf(job);
    slot.wishes += 1;
    if (slot.running !== undefined) return;
    const heard = slot.wishes;
    slot.running = look(job).finally(() => {
      delete slot.running;
      if (slot.wishes !== heard) wake(job);
      // There is a job for each run, of which none comes again.
      else if (slot.timerAtMs === Infinity) slots.delete(nameOf(job));
    });
  }

  async function look(job: Job): Promise<void> {
    const [kind, ...on] = job;
    try {
      await detached(() => handlers.get(kind)?.(...on));
    } catch (error) {
      onError(job, error);
    }
  }

  function clear(slot: Slot): void {
    clearTimeout(slot.timer);
    slot.timerAtMs = Infinity;
  }

  function wakeAt(job: Job, atMs: number): void {
    if (state !== "started") return;
    const slot = slotOf(job);
    if (slot.timerAtMs <= atMs) return;
    clear(slot);
    slot.timerAtMs = atMs;
    slot.timer = setTimeout(
      () => {
        clear(slot);
        wake(job);
      },
      Math.min(Math.max(0, atMs - now()), MAX_TIMER_MS),
    );
  }

  async function ended(isMeant: (job: Job) => boolean): Promise<void> {
    await Promise.all([...slots.values()].flatMap(({ job, running }) => (isMeant(job) && running) || []));
  }

  return {
    serve: (kind, handler) => void handlers.set(kind, handler),
    start: () => {
      if (state === "new") state = "started";
    },
    wake,
    wakeHere: wake,
    run: async (job) => {
      wake(job);
      const running = (): Promise<void> | undefined => slots.get(nameOf(job))?.running;
      for (let current = running(); current !== undefined; current = running()) await current;
    },
    wakeAt,
    wakeHereAt: wakeAt,
    every: (job, periodMs) => void periods.push(setInterval(() => wake(job), periodMs).unref()),
    idle: (kind) => ended((job) => job[0] === kind),
    close: async () => {
      state = "closed";
      for (const period of periods) clearInterval(period);
      for (const slot of slots.values()) clear(slot);
      await ended(() => true);
    },
  };
}

/** Jobs inside one process: one run per name at a time; requests during a run lead to exactly one more. */
import type { JobHandler, Jobs } from "./jobs";

export interface OwnJobsOptions {
  readonly handler: JobHandler;
  readonly onError: (name: string, error: unknown) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface OwnJobs extends Jobs {
  /** Like `wake`; resolves when nothing of that name runs any more. */
  run(name: string): Promise<void>;
}

interface Slot {
  running?: Promise<void>;
  /** How often it was asked for. */
  wishes: number;
  timer?: NodeJS.Timeout;
  timerAtMs: number;
}

/** Longest delay that a Node.js timer understands. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export function createOwnJobs({ handler, onError, now }: OwnJobsOptions): OwnJobs {
  const slots = new Map<string, Slot>();
  const life = new AbortController();
  const periods: NodeJS.Timeout[] = [];
  const closed = (): boolean => life.signal.aborted;

  function slotOf(name: string): Slot {
    const slot = slots.get(name) ?? { wishes: 0, timerAtMs: Infinity };
    slots.set(name, slot);
    return slot;
  }

  function wake(name: string): void {
    if (closed()) return;
    const slot = slotOf(name);
    slot.wishes += 1;
    if (slot.running !== undefined) return;
    const heard = slot.wishes;
    slot.running = look(name).finally(() => {
      delete slot.running;
      if (slot.wishes !== heard) wake(name);
    });
  }

  async function look(name: string): Promise<void> {
    try {
      await handler(name);
    } catch (error) {
      onError(name, error);
    }
  }

  function clear(slot: Slot): void {
    clearTimeout(slot.timer);
    slot.timerAtMs = Infinity;
  }

  return {
    wake,
    run: async (name) => {
      wake(name);
      for (let slot = slots.get(name); slot?.running !== undefined;) await slot.running;
    },
    every: (name, periodMs) => void periods.push(setInterval(() => wake(name), periodMs).unref()),
    wakeAt: (name, atMs) => {
      if (closed()) return;
      const slot = slotOf(name);
      if (slot.timerAtMs <= atMs) return;
      clear(slot);
      slot.timerAtMs = atMs;
      slot.timer = setTimeout(
        () => {
          clear(slot);
          wake(name);
        },
        Math.min(Math.max(0, atMs - now()), MAX_TIMER_MS),
      );
    },
    close: async () => {
      life.abort();
      for (const period of periods) clearInterval(period);
      for (const slot of slots.values()) clear(slot);
      await Promise.all([...slots.values()].flatMap((slot) => slot.running ?? []));
    },
  };
}

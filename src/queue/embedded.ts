/** Jobs inside one process: one run per name at a time, wishes during a run lead to exactly one more. */
import type { JobHandler, Jobs } from "./jobs";

export interface EmbeddedJobsOptions {
  readonly handler: JobHandler;
  readonly onError: (name: string, error: unknown) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

interface Slot {
  running?: Promise<void>;
  again: boolean;
  timer?: NodeJS.Timeout;
  timerAtMs: number;
}

/** Longest delay that a Node.js timer understands. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export function createEmbeddedJobs({ handler, onError, now }: EmbeddedJobsOptions): Jobs {
  const slots = new Map<string, Slot>();
  let closed = false;

  function slotOf(name: string): Slot {
    const slot = slots.get(name) ?? { again: false, timerAtMs: Infinity };
    slots.set(name, slot);
    return slot;
  }

  function wake(name: string): void {
    if (closed) return;
    const slot = slotOf(name);
    if (slot.running !== undefined) {
      slot.again = true;
      return;
    }
    slot.running = run(name, slot);
  }

  async function run(name: string, slot: Slot): Promise<void> {
    do {
      slot.again = false;
      try {
        await handler(name);
      } catch (error) {
        onError(name, error);
      }
    } while (slot.again && !closed);
    delete slot.running;
  }

  function clear(slot: Slot): void {
    clearTimeout(slot.timer);
    slot.timerAtMs = Infinity;
  }

  return {
    wake,
    wakeAt: (name, atMs) => {
      if (closed) return;
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
      closed = true;
      for (const slot of slots.values()) clear(slot);
      await Promise.all([...slots.values()].map((slot) => slot.running));
    },
  };
}

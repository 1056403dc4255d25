/**
 * The job port. A job carries no data and no truth: it says "look at this lane". Losing one costs a moment, never a
 * record, because a poll wakes every lane that has work.
 */
export interface Jobs {
  /** Asks for a lane to be looked at; many requests become one run. Returns at once. */
  wake(name: string): void;
  /** Asks for a run at a later moment; the earliest request counts. */
  wakeAt(name: string, atMs: number): void;
  /** Asks for a run again and again, of all processes together. Milliseconds. */
  every(name: string, periodMs: number): void;
  /** Starts no more jobs, and resolves when the running ones have ended. */
  close(): Promise<void>;
}

/** Does one run. Rejections are reported, and the next wake-up tries again. */
export type JobHandler = (name: string) => Promise<void>;

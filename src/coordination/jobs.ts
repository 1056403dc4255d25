/**
 * The job port. A job carries no data and no truth: it says "look at this lane". Losing one costs a moment, never a
 * record, because a poll wakes every lane that has work.
 */
export interface Jobs {
  /** Says what the jobs of a kind do. Before `start`; a process that never starts only asks. */
  serve(kind: string, handler: JobHandler): void;
  start(): void;
  /** Asks for a run of a job; many requests become one, those during a run become one more. Returns at once. */
  wake(job: Job): void;
  /** The same in this process, whichever others there are. */
  wakeHere(job: Job): void;
  /** Asks for a run at a later moment, milliseconds since 1970; the earliest request counts. */
  wakeAt(job: Job, atMs: number): void;
  /** The same in this process, whichever others there are. */
  wakeHereAt(job: Job, atMs: number): void;
  /** Asks for a run again and again, of all processes together. Milliseconds. */
  every(job: Job, periodMs: number): void;
  /** Resolves when the jobs of a kind that run here now have ended. */
  idle(kind: string): Promise<void>;
  /** Starts no more jobs, and resolves when the running ones have ended. */
  close(): Promise<void>;
}

/** A kind of work, and what it is to be done on. */
export type Job = readonly [kind: string, ...on: string[]];

/** Does one run. Rejections are reported, and the next wake-up tries again. */
export type JobHandler = (...on: string[]) => Promise<void>;

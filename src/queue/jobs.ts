/**
 * The job port. A job carries no data and no truth: it says "look at this lane". Losing one costs a moment, never a
 * record, because a sweep wakes every lane that has anything to do.
 */
export interface Jobs {
  /** Asks for a lane to be looked at; many wishes become one look. Returns at once. */
  wake(name: string): void;
  /** Asks for a look at a later moment; the earliest wish counts. */
  wakeAt(name: string, atMs: number): void;
  /** Stops starting jobs and resolves when those that run have ended. */
  close(): Promise<void>;
}

/** Does one look. Rejections are reported, and the job is tried again by the next wake-up. */
export type JobHandler = (name: string) => Promise<void>;

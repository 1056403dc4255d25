/** Where a process keeps everything: in its data folder, or on Redis. */
import type { Disk } from "../../src/storage/port/disk";
import type { Store } from "../../src/storage/port/store";

/** What happens only because several processes share the store; docs/operations/redis.md says what each of them means. */
export const SHARED_EVENTS = [
  "lease_taken",
  "lease_taken_over",
  "lease_lost",
  "fence_refused",
  "record_rechecked",
  "commit_rerun",
  "commit_conflict",
] as const;
export type SharedEvent = (typeof SHARED_EVENTS)[number];

/** What others are told of a process that shares the store. */
export interface OwnProcess {
  readonly id: string;
  /** Of the program. */
  readonly version: string;
  readonly role: string;
}

export interface Storage {
  readonly store: Store;
  /** What the store is on: a disk, or Redis. */
  readonly disk: Disk;
  /** A store for one dry run; the caller closes it. @param clock its clock, if it is another one */
  dryRun(clock?: () => number): Promise<Pick<Storage, "store" | "close">>;
  close(): Promise<void>;
}

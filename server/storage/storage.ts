/** Where a process keeps everything: in its data folder, or on Redis. */
import type { Disk } from "../../src/storage/port/disk";
import type { Store } from "../../src/storage/port/store";

export interface Storage {
  readonly store: Store;
  /** What the store is on: a disk, or Redis. */
  readonly disk: Disk;
  /** A store for one dry run; the caller closes it. @param clock its clock, if it is another one */
  dryRun(clock?: () => number): Promise<Pick<Storage, "store" | "close">>;
  close(): Promise<void>;
}

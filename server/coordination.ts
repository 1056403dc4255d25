/** What the engines of a process share with those of other processes, or have for themselves. */
import type { Jobs } from "../src/coordination/jobs";
import { createSoleOwner, type Leases } from "../src/coordination/leases";
import { createOwnJobs, type OwnJobsOptions } from "../src/coordination/own-jobs";
import type { Places } from "../src/http/limits/gate";
import type { Window } from "../src/http/limits/window";

export interface Coordination {
  /** Jobs of one service. */
  jobs(service: string, options: OwnJobsOptions): Jobs;
  /** Who works on what. */
  readonly leases: Leases;
  /** Where requests under a quota key are counted; undefined: in this process. */
  readonly windowOf: ((quotaKey: string) => Window) | undefined;
  /** Where calls at a time under a quota key are counted; undefined: in this process. */
  readonly placesOf: ((quotaKey: string) => Places) | undefined;
  /** Lets go of everything, once all jobs have ended. */
  close(): Promise<void>;
}

/** For the only process of its store. */
export function createOwnCoordination(): Coordination {
  const leases = createSoleOwner();
  return {
    jobs: (_, options) => createOwnJobs(options),
    leases,
    windowOf: undefined,
    placesOf: undefined,
    close: () => leases.close(),
  };
}

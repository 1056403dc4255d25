/** Who works on what, where several processes work on one store. Part of the Store port. */

/** The right to work on something, as it counts in commits. */
export interface Fence {
  /** What is worked on. */
  readonly name: string;
  /** Nobody else ever has the same. */
  readonly id: string;
}

/** What must be so when a commit is made; otherwise it writes nothing. */
export interface Terms {
  /** It is the owner's: `FenceLost`, if somebody else works on it. */
  readonly fence?: Fence | undefined;
  /** The tenant that it is done for: `TenantErased`, once that is erased. */
  readonly tenant?: string | undefined;
  /** Id of the tenant's notification that brings it, claimed by the same commit: `ForeignNotification`, if it is another's. */
  readonly notification?: string | undefined;
}

export interface LeaseRow {
  /** Of the fence under which it is worked on. */
  readonly id: string;
}

export interface LeaseState extends LeaseRow {
  /** Grows while the owner lives. */
  readonly renewals: number;
}

/** Somebody else works on it now: nothing was written. */
export class FenceLost extends Error {
  override readonly name = "FenceLost";

  constructor(readonly fence: Fence) {
    super(`Another process works on ${fence.name} by now; what this one decided was not written.`);
  }
}

/** The tenant was erased meanwhile: nothing was written. */
export class TenantErased extends Error {
  override readonly name = "TenantErased";

  constructor() {
    super("The connector was erased meanwhile; what was done for it was not written.");
  }
}

/** Another connector used the notification's id: nothing was written. */
export class ForeignNotification extends Error {
  override readonly name = "ForeignNotification";

  constructor() {
    super("Another connector used the id of this notification; what was done for it was not written.");
  }
}

export interface LeaseStore {
  /** Undefined: nobody works on it. */
  lease(name: string): Promise<LeaseState | undefined>;
  /**
   * Makes somebody the owner, if everything is as it was.
   *
   * @returns false, and nothing done, when another one came first or the owner before is alive
   */
  takeLease(fence: Fence, was: LeaseState | undefined): Promise<boolean>;
  /** False, and nothing done, when somebody else is the owner. */
  renewLease(fence: Fence): Promise<boolean>;
  /** Lets go of it: whoever comes next need not wait. */
  releaseLease(fence: Fence): Promise<void>;
}

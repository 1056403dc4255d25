/**
 * What processes that share a store must know of each other and of it: who works on what, who is there, what the store has
 * lost (it may be emptied, or set back to an earlier state), and whether it is for this version. Part of the Store port.
 */
import { DiskError, REDIS_LOST } from "./disk";

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

/** Something that the store held is gone. */
export interface Loss {
  /** When it was noticed, or said; milliseconds since 1970. */
  readonly atMs: number;
  /** `emptied`: nothing was left; `older`: the last commits were gone; `said`: a person restored it. */
  readonly kind: "emptied" | "older" | "said";
  /** How many commits were lost; undefined: that is not known. */
  readonly commits?: number | undefined;
  /** The era that began with it. */
  readonly era?: number;
  /** The eras that it ended: that of the process that noted it, and that of the state to which the store was set back. */
  readonly ended?: readonly number[];
}

/** A loss as a process notices it. */
export interface KnownLoss {
  readonly loss: Loss;
  /** The era that was lost. */
  readonly era: number;
}

/** Why an era is over. */
const OVER = {
  emptied: "Redis was emptied. This process begins anew.",
  older: "Redis was set back to an earlier state. This process begins anew.",
  upgraded: "The store is being upgraded to a later format. This process begins anew.",
};

/** The store is not the one that was opened any more: nothing was read or written. */
export class EraOver extends DiskError {
  override readonly name = "EraOver";

  constructor(readonly kind: keyof typeof OVER) {
    super(OVER[kind], REDIS_LOST);
  }
}

/** A newer version has upgraded the store, or begun to: older ones may not work on it any more. */
export class StoreTooNew extends DiskError {
  override readonly name = "StoreTooNew";

  /** @param format the oldest one that a program must read to work on it. @param own the newest one that this program reads */
  constructor(format: number, own: number) {
    super(
      `The stored data has format ${format}, this program reads format ${own}. ` +
        "Start the version that wrote it, or point DATA_DIR to an empty folder.",
      REDIS_LOST,
    );
  }
}

/** The store must be upgraded, and older processes work on it: nothing can be done before they are gone. */
export class StoreWaits extends DiskError {
  override readonly name = "StoreWaits";

  /**
   * @param message whom it waits for
   * @param redis where the store is, without a password
   */
  constructor(
    message: string,
    readonly redis: string,
  ) {
    super(message, REDIS_LOST);
  }
}

/** What a process says of itself to those with whom it shares the store. Older versions say nothing: only their name is known. */
export interface ProcessFacts {
  /** Host and number of the process; of one that says nothing, the address of its connections. */
  readonly name: string;
  /** Of the program. */
  readonly version?: string | undefined;
  /** `ROLE`. */
  readonly role?: string | undefined;
  /** The format in which it writes. */
  readonly writes?: number | undefined;
  /** The formats in which it can work, and all between them. */
  readonly reads?: readonly [oldest: number, newest: number] | undefined;
}

export interface PresentProcess extends ProcessFacts {
  readonly id: string;
  /** How long it has been there, milliseconds. */
  readonly forMs: number;
  /** How long ago it said so last, milliseconds. */
  readonly silentMs: number;
}

export interface LossStore {
  /** Changes when the store has lost something, or is upgraded; whoever has it open must begin anew then. */
  era(): Promise<number>;
  /** Those of the last week, twenty at most; the latest is the last. */
  losses(): Promise<readonly Loss[]>;
  /**
   * Begins a new era. From then on nobody works on a remote before the calls of its former owners must have ended, earlier
   * scans prove no absence, and what waits counts as perhaps written already.
   *
   * @param era the one that was lost
   * @returns false, and nothing done, if somebody else has noted it
   */
  noteLoss(loss: Loss, era: number): Promise<boolean>;
  /** What waited at a remote when the store was set back has been dealt with. */
  trust(remote: string): Promise<void>;
}

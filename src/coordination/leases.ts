/**
 * One owner at a time for whatever must not be done twice, where several processes share a store. No process trusts
 * another one's clock: an owner counts the time since it asked for its last renewal, and whoever waits counts the time
 * since it first saw a renewal that no other one followed.
 */
import { randomUUID } from "node:crypto";
import { FenceLost, type Fence, type LeaseState, type LeaseStore } from "../storage/port/leases";

export interface Lease {
  /** What commits must name; undefined where there is one process only. */
  readonly fence: Fence | undefined;
  /** Aborts once somebody else may be the owner. */
  readonly signal: AbortSignal;
  /** Whether a request may be sent now. To be asked just before. */
  mayStart(): boolean;
  /** Lets go, once everybody here has. */
  release(): Promise<void>;
  /** Lets whoever comes next, here as well, wait and recover. */
  abandon(): void;
}

/** Deals with what an owner that did not let go had in flight, which has no owner now. */
export type Recover = (fence: Fence | undefined) => Promise<void>;

export interface Leases {
  /**
   * Undefined: somebody else works on it, or may do so still.
   *
   * @param recover done once, before anybody here begins
   * @param requestMs how long a request of this work that was sent in time may go on, if not as long as others
   */
  take(name: string, recover?: Recover, requestMs?: number): Promise<Lease | undefined>;
  /** Lets go of everything. */
  close(): Promise<void>;
}

/** Where there is one process only, it owns everything, and recovers what the one before it left. */
export function createSoleOwner(): Leases {
  const recovered = new Map<string, Promise<void>>();
  const { signal } = new AbortController();
  return {
    take: async (name, recover) => {
      const recovering = recovered.get(name) ?? recover?.(undefined);
      const abandon = (): void => void recovered.delete(name);
      if (recovering !== undefined) recovered.set(name, recovering);
      await recovering?.catch((error: unknown) => {
        abandon();
        throw error;
      });
      return { fence: undefined, signal, mayStart: () => true, release: () => Promise.resolve(), abandon };
    },
    close: () => Promise.resolve(),
  };
}

/** Milliseconds, of clocks of this process alone. */
export interface LeaseClocks {
  /** Never set, but may stand still while the machine sleeps. */
  readonly monotonic: () => number;
  /** Goes on while the machine sleeps, but may be set. */
  readonly wall: () => number;
}

export interface LeasesOptions {
  readonly store: LeaseStore;
  /** How long an owner that says nothing stays the owner. Milliseconds. */
  readonly leaseMs: number;
  /** How long a request that was sent in time may go on. Milliseconds. */
  readonly requestMs: number;
  /** Called when a renewal fails, which is tried again. */
  readonly onError: (error: unknown) => void;
  /** Told when a lease is taken, from nobody or from an owner that fell silent, and when it is lost to somebody else. */
  readonly onChange?: (change: "taken" | "taken_over" | "lost") => void;
  readonly clocks?: LeaseClocks;
}

/** Renewals in the time of one lease. */
const RENEWALS = 3;

interface Held {
  readonly fence: Fence;
  readonly requestMs: number;
  readonly lost: AbortController;
  readonly renewer: NodeJS.Timeout;
  /** Both clocks when the last renewal that counted was asked for. */
  askedAt: Moment;
  users: number;
}

interface Former {
  readonly id: string;
  /** How it was when it was first seen like that; absent where this process was the owner. */
  readonly renewals?: number;
  readonly freeAtMs: number;
}

interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

export function createLeases(options: LeasesOptions): Leases {
  const { store, leaseMs, onError } = options;
  const clocks = options.clocks ?? { monotonic: () => performance.now(), wall: Date.now };
  const held = new Map<string, Promise<Held | undefined>>();
  /** Owners of before, and when they may be replaced, by the clock that is never set. */
  const former = new Map<string, Former>();

  const moment = (): Moment => ({ monotonicMs: clocks.monotonic(), wallMs: clocks.wall() });

  /** A clock that was set ahead, or stood still in sleep, must not make a lease longer. */
  function isOver({ askedAt }: Held): boolean {
    const { monotonicMs, wallMs } = moment();
    return Math.max(monotonicMs - askedAt.monotonicMs, wallMs - askedAt.wallMs) >= leaseMs;
  }

  async function become(name: string, recover: Recover | undefined, requestMs: number): Promise<Held | undefined> {
    const askedAt = moment();
    const row = await store.lease(name);
    if (row !== undefined && !isFree(name, row, requestMs)) return undefined;
    const fence = { name, id: randomUUID() };
    if (!(await store.takeLease(fence, row))) return undefined;
    options.onChange?.(row === undefined ? "taken" : "taken_over");
    former.delete(name);
    const renewer = setInterval(() => void renew(own), leaseMs / RENEWALS).unref();
    const own: Held = { fence, requestMs, lost: new AbortController(), renewer, askedAt, users: 0 };
    try {
      if (row !== undefined) await recover?.(fence);
    } catch (error) {
      lose(own);
      if (error instanceof FenceLost) return undefined;
      throw error;
    }
    return own;
  }

  /** Of itself a process knows when it stopped; of others it has to see that they are silent. */
  function isFree(name: string, { id, renewals }: LeaseState, requestMs: number): boolean {
    const nowMs = clocks.monotonic();
    const known = former.get(name);
    if (known?.id === id && (known.renewals ?? renewals) === renewals) return nowMs >= known.freeAtMs;
    former.set(name, { id, renewals, freeAtMs: nowMs + leaseMs + requestMs });
    return false;
  }

  async function renew(own: Held): Promise<void> {
    const askedAt = moment();
    try {
      if (await store.renewLease(own.fence)) own.askedAt = askedAt;
      else lose(own);
    } catch (error) {
      if (isOver(own)) lose(own);
      onError(error);
    }
  }

  /** @param restMs how long requests that were sent may go on */
  function lose({ lost, renewer, requestMs, fence: { name, id } }: Held, restMs = requestMs): void {
    if (lost.signal.aborted) return;
    if (restMs > 0) options.onChange?.("lost");
    clearInterval(renewer);
    lost.abort();
    held.delete(name);
    former.set(name, { id, freeAtMs: clocks.monotonic() + restMs });
  }

  async function letGo(own: Held): Promise<void> {
    own.users -= 1;
    if (own.users > 0 || own.lost.signal.aborted) return;
    lose(own, 0);
    await release(own.fence);
  }

  async function release(fence: Fence): Promise<void> {
    await store.releaseLease(fence);
    former.delete(fence.name);
  }

  function leaseOn(own: Held): Lease {
    let released = false;
    own.users += 1;
    return {
      fence: own.fence,
      signal: own.lost.signal,
      mayStart: () => !own.lost.signal.aborted && !isOver(own),
      release: async () => {
        if (released) return;
        released = true;
        await letGo(own);
      },
      abandon: () => lose(own),
    };
  }

  return {
    take: async (name, recover, requestMs = options.requestMs) => {
      const known = held.get(name);
      const becoming = known ?? become(name, recover, requestMs);
      if (known === undefined) {
        held.set(name, becoming);
        const forget = (): void => void held.delete(name);
        becoming.then((own) => own ?? forget(), forget);
      }
      const own = await becoming;
      return own === undefined || own.lost.signal.aborted ? undefined : leaseOn(own);
    },
    close: async () => {
      const all = await Promise.allSettled(held.values());
      for (const result of all) {
        if (result.status !== "fulfilled" || result.value === undefined) continue;
        lose(result.value);
        await release(result.value.fence).catch(onError);
      }
    },
  };
}

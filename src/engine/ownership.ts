/** Work that one process at a time does on something; what it writes counts only while that process is the owner. */
import type { Lease, Leases, Recover } from "../coordination/leases";
import { whilePermitted } from "../http/guards/permit";
import { FenceLost, TenantErased } from "../storage/port/leases";
import type { Store } from "../storage/port/store";

/** What somebody works with while this process is the owner. */
export interface Owned {
  /** Writes only as long as that is so; after that its commits throw `FenceLost`. */
  readonly store: Store;
  /** The same for one tenant: once it is erased they throw `TenantErased`. */
  storeFor(tenant: string): Store;
  /** Aborts once somebody else may be the owner. */
  readonly signal: AbortSignal;
}

export interface OwnershipOptions {
  readonly store: Store;
  readonly leases: Leases;
  /** How long a request may go on, if not as long as those of others. Milliseconds. */
  readonly requestMs?: number | undefined;
  /** Called when somebody else has become the owner in the middle of some work. */
  readonly onLost: (name: string) => void;
}

export interface OwnedTask<T> {
  readonly work: (owned: Owned) => Promise<T>;
  /** Deals with what an owner that did not let go had in flight. */
  readonly recover?: (store: Store) => Promise<void>;
  /** Whether something may be left in flight where the work throws, so that whoever comes next must recover. */
  readonly leavesFlights?: boolean;
}

export interface Ownership {
  /** @returns undefined, perhaps with half of the work done, when somebody else is the owner, or the tenant was erased */
  own<T>(name: string, task: OwnedTask<T>): Promise<T | undefined>;
}

export function createOwnership({ store, leases, requestMs, onLost }: OwnershipOptions): Ownership {
  const storeOf = ({ fence }: Pick<Lease, "fence">, tenant?: string): Store =>
    fence === undefined ? store : store.under({ fence, tenant });
  return {
    own: async (name, { work, recover, leavesFlights = false }) => {
      const recovering: Recover | undefined = recover && ((fence) => recover(storeOf({ fence })));
      const lease = await leases.take(name, recovering, requestMs);
      if (lease === undefined) return undefined;
      const { signal } = lease;
      try {
        return await whilePermitted(
          () => lease.mayStart(),
          () => work({ store: storeOf(lease), storeFor: (tenant) => storeOf(lease, tenant), signal }),
        );
      } catch (error) {
        if (error instanceof TenantErased) return undefined;
        const isLost = error instanceof FenceLost;
        if (isLost || leavesFlights) lease.abandon();
        if (!isLost) throw error;
        onLost(name);
        return undefined;
      } finally {
        await lease.release();
      }
    },
  };
}

/** Which process works on what, and whether it is alive. Renewals are rows apart: they do not conflict with commits under a fence. */
import isEqual from "lodash/isEqual";
import type { Database } from "../database/rows";
import {
  FenceLost,
  ForeignNotification,
  TenantErased,
  type Fence,
  type LeaseRow,
  type LeaseState,
  type Terms,
} from "../port/leases";
import { claim } from "./notifications";
import { LEASES, RENEWALS, TENANTS } from "./tables";
import type { Reader, View } from "./view";

export function leaseOf(view: Reader, name: string): LeaseState | undefined {
  const row = view.get(LEASES, [name]);
  return row && { ...row, renewals: view.sum(RENEWALS, [name]) };
}

export function takeLease(view: View, { name, id }: Fence, was: LeaseState | undefined): boolean {
  if (!isEqual(leaseOf(view, name), was)) return false;
  view.put(LEASES, [name], { id });
  return true;
}

const isHeld = (view: Reader, { name, id }: Fence): boolean => view.get(LEASES, [name])?.id === id;

export function renewLease(view: View, fence: Fence): boolean {
  if (!isHeld(view, fence)) return false;
  view.add(RENEWALS, [fence.name], 1);
  return true;
}

export function releaseLease(view: View, fence: Fence): void {
  if (!isHeld(view, fence)) return;
  view.remove(LEASES, [fence.name]);
  view.drop(RENEWALS, [fence.name]);
}

/** The same database, whose commits write nothing, and throw, where the terms are not met. @param now milliseconds since 1970 */
export function fenced(database: Database, { fence, tenant, notification }: Terms, now: () => number): Database {
  return {
    ...database,
    write: (work) => {
      const nowMs = now();
      return database.write((rows) => {
        if (fence !== undefined) {
          const row = rows.get(LEASES.name, [fence.name]) as LeaseRow | undefined;
          if (row?.id !== fence.id) throw new FenceLost(fence);
        }
        if (tenant !== undefined && rows.get(TENANTS.name, [tenant]) === undefined) throw new TenantErased();
        if (tenant === undefined || notification === undefined) return work(rows);
        const claimed = claim(rows, notification, tenant, nowMs);
        if (!claimed.result) throw new ForeignNotification();
        const { result, changes } = work(rows);
        return { result, changes: [...claimed.changes, ...changes] };
      });
    },
  };
}

/** Who works on what, and whether he lives. Renewals stand apart, so that commits under a fence do not meet them. */
import isEqual from "lodash/isEqual";
import type { Database } from "../database/rows";
import { FenceLost, type Fence, type LeaseRow, type LeaseState } from "../port/leases";
import { LEASES, RENEWALS } from "./tables";
import type { Reader, View } from "./view";

export function leaseOf(view: Reader, name: string): LeaseState | undefined {
  const row = view.get(LEASES, [name]);
  return row && { ...row, renewals: view.sum(RENEWALS, [name]) };
}

/** Fences begin with the time: where a lease was forgotten, none that was given before counts again. */
export function takeLease(
  view: View,
  name: string,
  owner: string,
  was: LeaseState | undefined,
  nowMs: number,
): Fence | undefined {
  if (!isEqual(leaseOf(view, name), was)) return undefined;
  const fence = Math.max((was?.fence ?? 0) + 1, nowMs);
  view.put(LEASES, [name], { owner, fence });
  return { name, number: fence };
}

export function renewLease(view: View, { name, number }: Fence): boolean {
  const isOwn = view.get(LEASES, [name])?.fence === number;
  if (isOwn) view.add(RENEWALS, [name], 1);
  return isOwn;
}

export function releaseLease(view: View, { name, number }: Fence): void {
  if (view.get(LEASES, [name])?.fence === number) view.put(LEASES, [name], { owner: "", fence: number });
}

/** The same database, whose commits write nothing once somebody else is the owner; then they throw `FenceLost`. */
export function fenced(database: Database, fence: Fence): Database {
  return {
    ...database,
    write: (work) =>
      database.write((rows) => {
        const row = rows.get(LEASES.name, [fence.name]) as LeaseRow | undefined;
        if (row?.fence !== fence.number) throw new FenceLost(fence);
        return work(rows);
      }),
  };
}

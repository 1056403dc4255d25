/** Who works on what, and whether he lives. Renewals stand apart, so that commits under a fence do not meet them. */
import isEqual from "lodash/isEqual";
import { FenceLost, type Fence, type LeaseState } from "../port/leases";
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

/** @throws FenceLost when somebody else is the owner */
export function assertFence(view: Reader, fence: Fence): void {
  if (view.get(LEASES, [fence.name])?.fence !== fence.number) throw new FenceLost(fence);
}

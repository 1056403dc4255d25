/** Long work in the one thread that all tenants share: it yields, so that others are served in between. */
import { setImmediate } from "node:timers/promises";

/** After this much work it yields; a single step may take longer. */
const TURN_MS = 10;

/** @returns to be awaited after each step of long work: if the steps since the last time took long, others are served */
export function createYielding(): () => Promise<void> {
  let beganMs = performance.now();
  return async () => {
    if (performance.now() - beganMs < TURN_MS) return;
    await setImmediate();
    beganMs = performance.now();
  };
}

/** Same as `items.map(work)`, in several turns when it takes long. */
export async function mapYielding<T, R>(items: readonly T[], work: (item: T, index: number) => R): Promise<R[]> {
  const results: R[] = [];
  const yieldIfLong = createYielding();
  for (const [index, item] of items.entries()) {
    results.push(work(item, index));
    await yieldIfLong();
  }
  return results;
}

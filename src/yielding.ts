/** Long work in the one thread that all tenants share: it yields, so that others are served in between. */
import { setImmediate } from "node:timers/promises";

/** After this much work it yields; a single step may take longer. */
const TURN_MS = 10;

/** @returns to be awaited after each step of long work: if the steps since the last time took long, others are served */
export function createYielding(): () => Promise<void> | undefined {
  let beganMs = performance.now();
  return () => {
    if (performance.now() - beganMs < TURN_MS) return undefined;
    return setImmediate().then(() => {
      beganMs = performance.now();
    });
  };
}

/** Same as `items.map(work)`, in several turns when it takes long. */
export async function mapYielding<T, R>(items: readonly T[], work: (item: T, index: number) => R): Promise<R[]> {
  const results: R[] = [];
  const yieldIfLong = createYielding();
  for (const item of items) {
    results.push(work(item, results.length));
    const others = yieldIfLong();
    if (others !== undefined) await others;
  }
  return results;
}

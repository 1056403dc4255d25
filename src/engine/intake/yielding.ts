/** Long work in the one thread that all tenants share: it yields, so that others are served in between. */
import { setImmediate } from "node:timers/promises";

/** After this much work it yields; a single step may take longer. */
const TURN_MS = 10;

/** Same as `items.map(work)`, in several turns when it takes long. */
export async function mapYielding<T, R>(items: readonly T[], work: (item: T, index: number) => R): Promise<R[]> {
  const results: R[] = [];
  let beganMs = performance.now();
  for (const [index, item] of items.entries()) {
    results.push(work(item, index));
    if (performance.now() - beganMs < TURN_MS) continue;
    await setImmediate();
    beganMs = performance.now();
  }
  return results;
}

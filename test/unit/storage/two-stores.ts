/** What two stores of one database do side by side. */
import type { Store } from "../../../src/storage/port/store";
import { deliver, LANE, update, workedOn } from "./builders";

/** Five versions of eight companies. */
export const MESSAGES = Array.from({ length: 40 }, (_, index) =>
  update({ id: `c${index}`, hullId: `a${index % 8}`, version: 1 + Math.floor(index / 8) }),
);

/** Takes up what is due and delivers it, as far as the other store has not done so already. */
export async function deliverSome(store: Store): Promise<number> {
  const entries = await store.ready(LANE, "companies", 3);
  const attempts = entries.map((entry) => {
    const { type, hullId } = entry;
    return { type, hullId, seq: workedOn(entry).seq, repeatable: false };
  });
  const taken = await store.attempt(LANE, attempts);
  const own = entries.filter((_, index) => taken[index] === true);
  await store.settle(
    LANE,
    own.map((entry) => deliver(entry, `p-${entry.hullId}`)),
  );
  return own.length;
}

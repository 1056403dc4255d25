/** The database in memory: for tests. Same order, same commits, nothing durable. */
import { applyTo, createLayer, NO_ROWS } from "./layer";
import type { Database } from "./rows";

export function createMemoryDatabase(): Database {
  const layer = createLayer();
  const rows = layer.over(NO_ROWS);
  return {
    read: (work) => Promise.resolve().then(() => work(rows)),
    write: (work) =>
      Promise.resolve().then(() => {
        const { result, changes } = work(rows);
        // What is stored is a copy: a caller that changes its own object must not change the database.
        applyTo(layer, NO_ROWS, structuredClone(changes));
        return result;
      }),
    close: () => Promise.resolve(),
  };
}

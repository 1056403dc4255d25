/** The database in memory: for tests. Same order, same commits, nothing durable. */
import { createLayer, NO_ROWS, prepared } from "./layer";
import type { Database, Rows } from "./rows";

export function createMemoryDatabase(): Database {
  const layer = createLayer();
  const stored = layer.over(NO_ROWS);
  const rows: Rows = {
    get: (table, key) => copyOf(stored.get(table, key)),
    *range(table, prefix, options) {
      for (const [key, value] of stored.range(table, prefix, options)) yield [key, copyOf(value)] as const;
    },
    size: (table, prefix) => stored.size(table, prefix),
  };
  return {
    read: (work) => Promise.resolve().then(() => work(rows)),
    write: (work) =>
      Promise.resolve().then(() => {
        const { result, changes } = work(rows);
        prepared(layer, NO_ROWS, structuredClone(changes))();
        return result;
      }),
    close: () => Promise.resolve(),
  };
}

/** As on a disk, nobody changes what is stored by changing what was written or read. */
const copyOf = (value: unknown): unknown => (typeof value === "object" ? structuredClone(value) : value);

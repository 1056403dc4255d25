/** The Store's database in memory: for unit tests. Same order, same transactions, nothing durable. */
import { compareKeys, tablesBy, type Key, type KeyValue, type Table } from "./kv";

function startsWith(key: Key, prefix: Key): boolean {
  return prefix.every((part, index) => key[index] === part);
}

function createTable<V>(): Table<V> {
  const values = new Map<string, V>();
  const order: Key[] = [];

  /** Index of the first key that is not smaller. */
  const position = (key: Key): number => {
    let low = 0;
    let high = order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const there = order[middle];
      if (there !== undefined && compareKeys(there, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  };

  return {
    get: (key) => values.get(JSON.stringify(key)),
    put: (key, value) => {
      const text = JSON.stringify(key);
      if (!values.has(text)) order.splice(position(key), 0, key);
      // Stored values are copies: a caller that changes its own object must not change the database.
      values.set(text, structuredClone(value));
    },
    size: (prefix = []) => order.filter((key) => startsWith(key, prefix)).length,
    remove: (key) => {
      if (values.delete(JSON.stringify(key))) order.splice(position(key), 1);
    },
    range: (prefix, options = {}) => {
      const found: [Key, V][] = [];
      const { after } = options;
      for (let index = position(after ?? prefix); index < order.length; index += 1) {
        const key = order[index];
        if (key === undefined || !startsWith(key, prefix)) break;
        if (after !== undefined && compareKeys(key, after) === 0) continue;
        if (options.end !== undefined && compareKeys(key, options.end) >= 0) break;
        if (found.length >= (options.limit ?? Infinity)) break;
        const value = values.get(JSON.stringify(key));
        if (value !== undefined) found.push([key, value]);
      }
      return found;
    },
  };
}

export function createMemoryKeyValue(): KeyValue {
  return {
    table: tablesBy(createTable),
    transact: (work) => Promise.resolve().then(work),
    read: (work) => work(),
    close: () => Promise.resolve(),
  };
}

/**
 * A cache of rows that were read or written lately, since the next step of the same record needs them again. Others
 * only see what is committed: a row that a transaction wrote comes from the database until that transaction is
 * committed.
 */
import { withoutAbsent } from "./absent";
import type { Key, KeyValue, Table } from "./kv";
import type { Names } from "./names";

interface Write {
  readonly rows: Map<string, unknown>;
  readonly pending: Map<string, Writes>;
  readonly path: string;
  readonly value: unknown;
  /** Cached rows. */
  readonly limit: number;
  readonly isKept: (value: unknown) => boolean;
  /** Read once: cached only if it was cached before. */
  readonly inPassing: boolean;
}

/** What one transaction wrote, in order. */
type Writes = Write[];

export interface CachedTable<V> extends Table<V> {
  /** The same rows for a walk through all of them: it does not push other rows out of the cache. */
  readonly inPassing: Table<V>;
}

export interface Cache {
  /** @param limit rows that are cached; the oldest go first @param isKept false for a row that is too large for it */
  table<V>(table: Table<V>, limit: number, isKept?: (value: unknown) => boolean): CachedTable<V>;
  /** The database's `transact`, which alone may change cached rows. */
  readonly transact: KeyValue["transact"];
}

/** @param names is told where a transaction begins, and how it ended */
export function createCache(database: KeyValue, names: Pick<Names, "begin">): Cache {
  /** Of the current transaction: transactions run one after the other, and never wait inside. */
  let current: Writes | undefined;

  function end(writes: Writes, committed: boolean): void {
    for (const { rows, pending, path, value, limit, isKept, inPassing } of writes) {
      // A later transaction wrote it again: that one decides.
      if (pending.get(path) !== writes) continue;
      const wasKept = rows.delete(path);
      if (committed && (wasKept || !inPassing) && isKept(value)) keep(rows, path, value, limit);
    }
    for (const { pending, path } of writes) if (pending.get(path) === writes) pending.delete(path);
  }

  return {
    transact: async (work) => {
      const writes: Writes = [];
      let named: ReturnType<Names["begin"]> | undefined;
      try {
        const result = await database.transact(() => {
          current = writes;
          named = names.begin();
          try {
            return work();
          } finally {
            current = undefined;
          }
        });
        end(writes, true);
        named?.(true);
        return result;
      } catch (error) {
        end(writes, false);
        named?.(false);
        throw error;
      }
    },

    table: <V>(table: Table<V>, limit: number, isKept: (value: unknown) => boolean = () => true): CachedTable<V> => {
      const rows = new Map<string, V | undefined>();
      const pending = new Map<string, Writes>();
      const write = (key: Key, value: V | undefined, inPassing: boolean): void => {
        if (current === undefined) throw new Error("Rows are written in transactions only.");
        const path = pathOf(key);
        current.push({ rows, pending, path, value, limit, isKept, inPassing });
        pending.set(path, current);
      };
      const view = (inPassing: boolean): Table<V> => ({
        ...table,
        get: (key) => {
          const path = pathOf(key);
          if (pending.has(path)) return table.get(key);
          const cached = rows.get(path);
          if (cached !== undefined || rows.has(path)) return cached;
          const value = table.get(key);
          if (!inPassing && isKept(value)) keep(rows, path, value, limit);
          return value;
        },
        put: (key, value) => {
          const row = withoutAbsent(value);
          write(key, row, inPassing);
          table.put(key, row);
        },
        remove: (key) => {
          write(key, undefined, inPassing);
          table.remove(key);
        },
      });
      return { ...view(false), inPassing: view(true) };
    },
  };
}

function pathOf(key: Key): string {
  return key.join("\0");
}

function keep(rows: Map<string, unknown>, path: string, value: unknown, limit: number): void {
  rows.set(path, value);
  if (rows.size <= limit) return;
  const [oldest] = rows.keys();
  if (oldest !== undefined) rows.delete(oldest);
}

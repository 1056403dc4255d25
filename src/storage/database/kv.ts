/**
 * An ordered key-value database with synchronous transactions: what LMDB is, and what the memory adapter imitates.
 * `embedded.ts` builds the Store on it once, so that both adapters share every rule.
 */
export type Key = readonly (string | number)[];

export interface RangeOptions {
  /** Where an earlier walk stopped: a whole key with the same prefix. */
  readonly after?: Key;
  readonly end?: Key;
  readonly limit?: number;
}

export interface Table<V> {
  get(key: Key): V | undefined;
  put(key: Key, value: V): void;
  remove(key: Key): void;
  /** Entries whose key starts with `prefix`, in key order; `after` and `end` (both exclusive) and `limit` bound the walk. */
  range(prefix: Key, options?: RangeOptions): Iterable<readonly [Key, V]>;
  /** Number of entries whose key starts with `prefix`; their values are not read. */
  size(prefix?: Key): number;
}

export interface KeyValue {
  table<V>(name: string): Table<V>;
  /** Runs `work` alone, commits, and resolves when the commit is durable. `work` must not throw halfway. */
  transact<T>(work: () => T): Promise<T>;
  /** Runs `work` on one snapshot. */
  read<T>(work: () => T): T;
  close(): Promise<void>;
}

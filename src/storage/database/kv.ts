/**
 * An ordered key-value database with synchronous transactions: what LMDB is, and what the memory adapter imitates.
 * `embedded.ts` builds the Store on it once, so that both adapters share every rule.
 */
import memoize from "lodash/memoize";

export type Key = readonly (string | number)[];

export interface RangeOptions {
  /** Where an earlier walk stopped: a whole key with the same prefix. */
  readonly after?: Key;
  readonly end?: Key;
  readonly limit?: number;
  /** Rows whose value is not what was written are left out; without it they are thrown as a `DamagedRow`. */
  readonly skipDamaged?: true;
}

export interface Table<V> {
  /** @throws DamagedRow when its value is not what was written */
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

/** Makes each table once. Each name is requested with one value type only, by embedded.ts. */
export const tablesBy = (create: KeyValue["table"]): KeyValue["table"] => memoize(create);

/** LMDB's order: numbers before strings, shorter keys first, strings by their UTF-8 bytes. */
export function compareKeys(left: Key, right: Key): number {
  for (const [index, a] of left.entries()) {
    const b = right[index];
    if (b === undefined) return 1;
    if (a === b) continue;
    if (typeof a === "string" && typeof b === "string") return compareTexts(a, b);
    if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
    return a < b ? -1 : 1;
  }
  return left.length - right.length;
}

/** By code point, which is the order of the bytes; `<` compares UTF-16 units and puts emoji before other characters. */
function compareTexts(left: string, right: string): number {
  let at = 0;
  while (at < left.length && left.charCodeAt(at) === right.charCodeAt(at)) at += 1;
  return (left.codePointAt(at) ?? -1) - (right.codePointAt(at) ?? -1);
}

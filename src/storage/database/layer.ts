/** Rows over other rows: what was changed lately lies above, what was there before below, and both read as one. */
import BTree from "sorted-btree";
import { compareKeys, startsWith, type Key, type RangeOptions, type RowChange, type Rows } from "./rows";

/** A row of the upper layer: its value, or nothing when the row below counts as removed. */
type Cell = readonly [value: unknown] | readonly [];

type Sorted = BTree<Key, Cell>;

const REMOVED: Cell = [];
/** After every key with the same beginning. */
const AFTER_ALL = "\u{10FFFF}";

/** No rows at all: what lies under a database in memory. */
export const NO_ROWS: Rows = { get: () => undefined, range: () => [], size: () => 0 };

export interface Layer {
  /** Lays what was changed over some rows. */
  over(below: Rows): Rows;
  put(table: string, key: Key, value: unknown): void;
  /** The row is removed, whatever lies below. */
  hide(table: string, key: Key): void;
  /** The row was only here. */
  forget(table: string, key: Key): void;
  /** Changed and removed rows. */
  size(): number;
  /** Whether any row of a table is here, removed ones aside. */
  has(table: string): boolean;
  keepOnly(tables: ReadonlySet<string>): void;
}

export function createLayer(): Layer {
  const tables = new Map<string, Sorted>();
  const sorted = (table: string): Sorted => {
    const found = tables.get(table);
    if (found !== undefined) return found;
    const made: Sorted = new BTree<Key, Cell>(undefined, compareKeys);
    tables.set(table, made);
    return made;
  };
  return {
    over: (below) => ({
      get: (table, key) => {
        const cell = tables.get(table)?.get(key);
        return cell === undefined ? below.get(table, key) : cell[0];
      },
      range: (table, prefix, options) => {
        const above = tables.get(table);
        if (above === undefined || above.size === 0) return below.range(table, prefix, options);
        return merge(below.range(table, prefix, { ...options, limit: undefined }), above, prefix, options);
      },
      size: (table, prefix) => {
        let size = below.size(table, prefix);
        for (const [key, cell] of cellsIn(tables.get(table), prefix, {})) {
          size += cell.length - (below.get(table, key) === undefined ? 0 : 1);
        }
        return size;
      },
    }),
    put: (table, key, value) => void sorted(table).set(key, [value]),
    hide: (table, key) => void sorted(table).set(key, REMOVED),
    forget: (table, key) => void tables.get(table)?.delete(key),
    size: () => [...tables.values()].reduce((sum, { size }) => sum + size, 0),
    has: (table) => {
      for (const [, cell] of cellsIn(tables.get(table), [], {})) if (cell.length > 0) return true;
      return false;
    },
    keepOnly: (kept) => {
      for (const table of tables.keys()) if (!kept.has(table)) tables.delete(table);
    },
  };
}

/** Reads everything that is needed to write a commit's changes into a layer. @returns what writes them */
export function prepared(layer: Layer, below: Rows, changes: readonly RowChange[]): () => void {
  const rows = layer.over(below);
  const writes = changes.map((change) => {
    const { table, key } = change;
    if ("by" in change) {
      const sum = numberIn(rows.get(table, key)) + change.by;
      return () => layer.put(table, key, sum);
    }
    if (change.value !== undefined) return () => layer.put(table, key, change.value);
    // Queues are walked from their head, and must not fill with marks of what is gone.
    return below.get(table, key) === undefined ? () => layer.forget(table, key) : () => layer.hide(table, key);
  });
  return () => {
    for (const write of writes) write();
  };
}

export const numberIn = (value: unknown): number => (typeof value === "number" ? value : 0);

/** Cells of the upper layer in key order. */
function* cellsIn(
  above: Sorted | undefined,
  prefix: Key,
  { after, end }: RangeOptions,
): Generator<readonly [Key, Cell]> {
  if (above === undefined) return;
  const from = after ?? prefix;
  // The tree uses one array for all its pairs.
  for (const [key, cell] of above.entries([...from], [] as never)) {
    if (after !== undefined && compareKeys(key, after) === 0) continue;
    if (!startsWith(key, prefix) || (end !== undefined && compareKeys(key, end) >= 0)) return;
    yield [key, cell];
  }
}

/** Both layers in key order, row by row: neither is read further than the caller walks. */
function* merge(
  below: Iterable<readonly [Key, unknown]>,
  sorted: Sorted,
  prefix: Key,
  options: RangeOptions = {},
): Generator<readonly [Key, unknown]> {
  let left = options.limit ?? Infinity;
  if (left <= 0) return;
  const base = below[Symbol.iterator]();
  const top = cellsIn(sorted, prefix, options);
  try {
    let lower = next(base);
    let upper = next(top);
    while (lower !== undefined || upper !== undefined) {
      const order = compareRows(lower, upper);
      const row = order < 0 ? lower : shown(upper);
      if (row !== undefined) {
        yield row;
        left -= 1;
        if (left === 0) return;
      }
      if (order <= 0) lower = next(base);
      if (order >= 0) upper = next(top);
    }
  } finally {
    // A database's cursors stay open until the walk is ended.
    base.return?.();
  }
}

/** The row of a cell; none when it was removed. */
function shown(entry: readonly [Key, Cell] | undefined): readonly [Key, unknown] | undefined {
  if (entry === undefined) return undefined;
  const [key, cell] = entry;
  return cell.length === 0 ? undefined : [key, cell[0]];
}

function next<T>(iterator: Iterator<T>): T | undefined {
  const result = iterator.next();
  return result.done === true ? undefined : result.value;
}

/** Which of two rows comes first; one that is not there comes last. */
function compareRows(left: readonly [Key, unknown] | undefined, right: readonly [Key, unknown] | undefined): number {
  if (left === undefined) return 1;
  return right === undefined ? -1 : compareKeys(left[0], right[0]);
}

/** The bounds of a walk as two keys. */
export const endOf = (prefix: Key, end: Key | undefined): Key => end ?? [...prefix, AFTER_ALL];

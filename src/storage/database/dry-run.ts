/**
 * A database over another one, for dry runs: it reads what the lower one contains and writes into the
 * upper one. The lower one is never written.
 *
 * Rows are looked up in the lower database each time, so what others write there meanwhile is seen, except for rows
 * that were written here. Each row is consistent in itself; rows of one record may come from two moments. That is good
 * enough to say what a run would do.
 */
import { wholeOr } from "./checks";
import { compareKeys, tablesBy, type Key, type KeyValue, type RangeOptions, type Table } from "./kv";
import { createMemoryKeyValue } from "./memory";

/** A row of the upper table: its value, or nothing when the row of the lower table counts as removed. */
type Cell<V> = readonly [V] | readonly [];

/** Takes back one write. */
type Undo = () => void;

const REMOVED = [] as const;

/**
 * Names that are made here are numbered from this offset, so that both databases may go on adding names: seven
 * characters where the lower one has fewer.
 */
const OWN_NAMES = 36 ** 6;

/**
 * @param base is only read; its tables that are used here should exist, since LMDB creates missing ones
 * @param top contains only what is written; closed with the overlay
 */
export function createDryKeyValue(base: KeyValue, top: KeyValue): KeyValue {
  const fixed = new Map<string, unknown>([
    ["names", copyOf(base.table<string>("names"))],
    ["meta", withOwnNames(base.table<number>("meta"))],
  ]);
  /** Of the current transaction; not every database takes back what was written when `work` throws. */
  let undos: Undo[] | undefined;

  return {
    table: tablesBy(<V>(name: string): Table<V> => {
      const lower = (fixed.get(name) as Table<V> | undefined) ?? wholeRows(base.table<V>(name));
      return layTable(lower, top.table<Cell<V>>(name), (undo) => undos?.push(undo));
    }),
    transact: (work) =>
      top.transact(() => {
        const writes: Undo[] = [];
        undos = writes;
        try {
          return work();
        } catch (error) {
          for (const undo of writes.reverse()) undo();
          throw error;
        } finally {
          undos = undefined;
        }
      }),
    read: (work) => base.read(() => top.read(work)),
    close: () => top.close(),
  };
}

/** Damaged rows are not there: the lower database's own store mends them when it meets them. */
function wholeRows<V>(table: Table<V>): Table<V> {
  return {
    ...table,
    get: (key) => wholeOr(() => table.get(key)),
    range: (prefix, options) => table.range(prefix, { ...options, skipDamaged: true }),
  };
}

/** @param onWrite gets, before each write, the function that undoes it */
function layTable<V>(lower: Table<V>, upper: Table<Cell<V>>, onWrite: (undo: Undo) => void): Table<V> {
  function write(key: Key, cell: Cell<V> | undefined): void {
    const before = upper.get(key);
    onWrite(() => set(key, before));
    set(key, cell);
  }

  function set(key: Key, cell: Cell<V> | undefined): void {
    if (cell === undefined) upper.remove(key);
    else upper.put(key, cell);
  }

  return {
    get: (key) => {
      const cell = upper.get(key);
      return cell === undefined ? lower.get(key) : cell[0];
    },
    put: (key, value) => write(key, [value]),
    // A row that is only here is removed without a mark: queues are walked from their head, and must not fill with
    // marks.
    remove: (key) => write(key, lower.get(key) === undefined ? undefined : REMOVED),
    range: (prefix, options) => merge(lower, upper, prefix, options),
    /** Exact; looks at every row of the upper table. */
    size: (prefix = []) => {
      let size = lower.size(prefix);
      for (const [key, cell] of upper.range(prefix)) size += cell.length - (lower.get(key) === undefined ? 0 : 1);
      return size;
    },
  };
}

/** Both tables in key order, row by row: neither is read further than the caller walks. */
function* merge<V>(
  lower: Table<V>,
  upper: Table<Cell<V>>,
  prefix: Key,
  { limit = Infinity, ...bounds }: RangeOptions = {},
): Generator<readonly [Key, V]> {
  if (limit <= 0) return;
  const base = lower.range(prefix, bounds)[Symbol.iterator]();
  const top = upper.range(prefix, bounds)[Symbol.iterator]();
  try {
    let left = limit;
    let below = next(base);
    let above = next(top);
    while (below !== undefined || above !== undefined) {
      const order = compareRows(below, above);
      const [row] = order < 0 ? [below] : shown(above);
      if (row !== undefined) {
        yield row;
        left -= 1;
        if (left === 0) return;
      }
      if (order <= 0) below = next(base);
      if (order >= 0) above = next(top);
    }
  } finally {
    // LMDB's cursors stay open until the walk is ended.
    base.return?.();
    top.return?.();
  }
}

/** The row of a cell; none when it was removed. */
function shown<V>(entry: readonly [Key, Cell<V>] | undefined): readonly (readonly [Key, V])[] {
  if (entry === undefined) return [];
  const [key, cell] = entry;
  return cell.map((value) => [key, value]);
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

/** The dictionary as it is now: a word that the lower database names later has no rows here, and gets its own name. */
function copyOf<V>(table: Table<V>): Table<V> {
  const copy = createMemoryKeyValue().table<V>("copy");
  for (const [key, value] of table.range([])) copy.put(key, value);
  return copy;
}

/** The counter of names continues far beyond the lower database's. */
function withOwnNames(meta: Table<number>): Table<number> {
  const get: Table<number>["get"] = (key) =>
    key.length === 1 && key[0] === "names" ? (meta.get(key) ?? 0) + OWN_NAMES : meta.get(key);
  return { ...meta, get };
}

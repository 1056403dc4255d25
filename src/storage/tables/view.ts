/**
 * What a piece of work sees of the store: documents and counters as they are, with what it has changed so far. Nothing
 * is written before the work has ended, so work that throws leaves nothing behind, and may be run again.
 */
import { createLayer, numberIn } from "../database/layer";
import { compareKeys, type Database, type Key, type RangeOptions, type RowChange, type Rows } from "../database/rows";
import { asIs, type Codec } from "./structure";

/**
 * Finds documents by something else than their key: where each one stands, as many places as it has. Those of parts that
 * it shares with the other document, the one that it replaces or that replaces it, may be left out.
 */
type IndexRule<V> = (document: V, key: Key, other?: V) => readonly Key[];

/** Documents of one kind, found by their key and by their indexes. Writing one keeps its indexes; nobody else does. */
export interface Table<V, I extends string = never> {
  readonly name: string;
  readonly codec: Codec<V>;
  /** The table `<name>.<index>` has a row for each place, with the last part of the document's key behind it. */
  readonly indexes: Readonly<Record<I, IndexRule<V>>>;
}

export interface Counter {
  readonly name: string;
}

export function defineTable<V>() {
  return <I extends string = never>(
    name: string,
    codec: Codec<V> = asIs<V>(),
    indexes: Readonly<Record<I, IndexRule<V>>> = {} as Readonly<Record<I, IndexRule<V>>>,
  ): Table<V, I> => ({ name, codec, indexes });
}

/** Numbers that are added to and never read by what adds to them, so that many may add at once. */
export const defineCounter = (name: string): Counter => ({ name });

/** The database's name of an index. */
export const indexName = ({ name }: { readonly name: string }, index: string): string => `${name}.${index}`;

export const isIndex = (table: string): boolean => table.includes(".");

export interface Reader {
  get<V, I extends string>(table: Table<V, I>, key: Key): V | undefined;
  range<V, I extends string>(table: Table<V, I>, prefix: Key, options?: RangeOptions): Iterable<readonly [Key, V]>;
  keys<V, I extends string>(table: Table<V, I>, prefix: Key, options?: RangeOptions): Iterable<Key>;
  /** Rows of an index: each place with the last part of the document's key behind it. */
  places<V, I extends string>(table: Table<V, I>, index: I, prefix: Key, options?: RangeOptions): Iterable<Key>;
  /** Whether an index has a row. @param row a place, and the last part of the document's key */
  hasPlace<V, I extends string>(table: Table<V, I>, index: I, row: Key): boolean;
  /** How many documents, or places of an index, there are under a prefix. */
  size<V, I extends string>(table: Table<V, I>, prefix: Key, index?: I): number;
  sum(counter: Counter, key: Key): number;
  sumsCount(counter: Counter, prefix: Key): number;
  sums(counter: Counter, prefix: Key, options?: RangeOptions): Iterable<readonly [Key, number]>;
}

export interface View extends Reader {
  put<V, I extends string>(table: Table<V, I>, key: Key, document: V): void;
  remove<V, I extends string>(table: Table<V, I>, key: Key): void;
  add(counter: Counter, key: Key, by: number): void;
  /** Forgets a counter. */
  drop(counter: Counter, key: Key): void;
  /** Replaces a row of any table or index, whatever is there, or removes it: for rows that cannot be read. */
  overwrite(table: string, key: Key, value: unknown): void;
  /** How many documents were changed so far. */
  changed(): number;
}

/** Another text for every key: a number is not its digits, and a text may contain anything. */
function pathOf(table: string, key: Key): string {
  let path = table;
  for (const part of key) path += typeof part === "number" ? `\0${part}` : `\0${part.length}:${part}`;
  return path;
}

const isIn = (places: readonly Key[], place: Key): boolean => places.some((each) => compareKeys(each, place) === 0);

/** An index has nothing to say but that it has a row. */
export const MARK = 1;

const NOWHERE: readonly Key[] = [];

/** Documents that are kept as they were read or written: an event reads its own again and again, and soon never more. */
const MOST_KEPT = 32;

function createView(base: Rows): { readonly view: View; readonly changes: () => readonly RowChange[] } {
  /** The last documents; earlier ones are read again, so that they need not live until the work has ended. */
  const kept = new Map<string, unknown>();
  /** By path; rows of an index by themselves, which costs less: what becomes of a row later comes behind. */
  const changes = new Map<string | Key, RowChange>();
  let changed = 0;
  /** Walks see what was changed: laid over the stored rows of tables that are walked, since most never are. */
  const layer = createLayer();
  const rows = layer.over(base);
  const walked = new Set<string>();

  function lay({ table, key, value }: RowChange & { readonly value: unknown }): void {
    if (value === undefined) layer.hide(table, key);
    else layer.put(table, key, value);
  }

  function set(path: string | Key, table: string, key: Key, value: unknown): void {
    const change = { table, key, value };
    changes.set(path, change);
    if (walked.has(table)) lay(change);
  }

  function setDocument(path: string, table: string, key: Key, value: unknown): void {
    if (!changes.has(path)) changed += 1;
    set(path, table, key, value);
  }

  /** Stored rows with what was changed of a table. */
  function laid(table: string): Rows {
    if (!walked.has(table)) {
      walked.add(table);
      for (const change of changes.values()) if (change.table === table && "value" in change) lay(change);
    }
    return rows;
  }

  function keep(path: string, document: unknown): void {
    if (kept.size >= MOST_KEPT) kept.clear();
    kept.set(path, document);
  }

  function get<V, I extends string>(table: Table<V, I>, key: Key, path = pathOf(table.name, key)): V | undefined {
    const document = kept.get(path);
    if (document !== undefined || kept.has(path)) return document as V | undefined;
    const change = changes.get(path);
    const found = change !== undefined && "value" in change ? change.value : base.get(table.name, key);
    const read = found === undefined ? undefined : table.codec.unpack(found);
    keep(path, read);
    return read;
  }

  /** Writes the rows of an index that only one of two documents has. */
  function setPlaces(name: string, last: Key[number], old: readonly Key[], now: readonly Key[]): void {
    for (const place of old) if (!isIn(now, place)) setRow(name, [...place, last], undefined);
    for (const place of now) if (!isIn(old, place)) setRow(name, [...place, last], MARK);
  }

  const setRow = (name: string, row: Key, value: unknown): void => set(row, name, row, value);

  function write<V, I extends string>(table: Table<V, I>, key: Key, document: V | undefined): void {
    const path = pathOf(table.name, key);
    const before = get(table, key, path);
    if (document === before) return;
    for (const index in table.indexes) {
      const placesOf = table.indexes[index];
      const old = before === undefined ? NOWHERE : placesOf(before, key, document);
      const now = document === undefined ? NOWHERE : placesOf(document, key, before);
      if (old.length + now.length > 0) setPlaces(indexName(table, index), key.at(-1) ?? "", old, now);
    }
    keep(path, document);
    setDocument(path, table.name, key, document === undefined ? undefined : table.codec.pack(document));
  }

  const view: View = {
    get: (table, key) => get(table, key),
    *range(table, prefix, options) {
      for (const [key, value] of laid(table.name).range(table.name, prefix, options))
        yield [key, table.codec.unpack(value)] as const;
    },
    *keys({ name }, prefix, options) {
      for (const [key] of laid(name).range(name, prefix, { ...options, keysOnly: true })) yield key;
    },
    *places(table, index, prefix, options) {
      const name = indexName(table, index);
      for (const [key] of laid(name).range(name, prefix, options)) yield key;
    },
    hasPlace: (table, index, row) => {
      const name = indexName(table, index);
      return laid(name).get(name, row) !== undefined;
    },
    size: (table, prefix, index) => {
      const name = index === undefined ? table.name : indexName(table, index);
      return laid(name).size(name, prefix);
    },
    sum: ({ name }, key) => Number(laid(name).get(name, key) ?? 0),
    sumsCount: ({ name }, prefix) => laid(name).size(name, prefix),
    *sums({ name }, prefix, options) {
      for (const [key, value] of laid(name).range(name, prefix, options)) yield [key, Number(value)] as const;
    },
    put: (table, key, document) => write(table, key, document),
    remove: (table, key) => write(table, key, undefined),
    add: ({ name }, key, by) => {
      const path = pathOf(name, key);
      const before = changes.get(path);
      const isDropped = before !== undefined && "value" in before;
      const sum = (before === undefined ? 0 : numberIn("by" in before ? before.by : before.value)) + by;
      if (isDropped) set(path, name, key, sum);
      else changes.set(path, { table: name, key, by: sum });
    },
    drop: ({ name }, key) => set(pathOf(name, key), name, key, undefined),
    overwrite: (table, key, value) => {
      const path = pathOf(table, key);
      kept.delete(path);
      changes.delete(path);
      setDocument(path, table, key, value);
    },
    changed: () => changed,
  };
  return { view, changes: () => [...changes.values()] };
}

/** Reads at one moment. The work may be run more than once. */
export function read<T>(database: Database, work: (view: Reader) => T): Promise<T> {
  return database.read((rows) => work(createView(rows).view));
}

/**
 * Resolves when everything that the work changed is durable. The work may be run more than once.
 *
 * @param work gets the stored rows as well, as they were before
 */
export function commit<T>(database: Database, work: (view: View, rows: Rows) => T): Promise<T> {
  return database.write((rows) => {
    const { view, changes } = createView(rows);
    return { result: work(view, rows), changes: changes() };
  });
}

/** Removes the rows under a prefix; returns how many. */
export function removeRows<V, I extends string>(
  view: View,
  table: Table<V, I>,
  prefix: Key,
  options?: RangeOptions,
): number {
  const rows = [...view.range(table, prefix, options)];
  for (const [key] of rows) view.remove(table, key);
  return rows.length;
}

/** Forgets the counters under a prefix; returns how many. */
export function dropSums(view: View, counter: Counter, prefix: Key, options?: RangeOptions): number {
  const sums = [...view.sums(counter, prefix, options)];
  for (const [key] of sums) view.drop(counter, key);
  return sums.length;
}

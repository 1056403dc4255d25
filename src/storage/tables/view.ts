/**
 * What a piece of work sees of the store: documents and counters as they are, with what it has changed so far. Nothing
 * is written before the work has ended, so work that throws leaves nothing behind, and may be run again.
 */
import { createLayer } from "../database/layer";
import type { Database, Key, RangeOptions, RowChange, Rows } from "../database/rows";
import { asIs, type Codec } from "./structure";

/** Finds documents by something else than their key: where each one stands, as many places as it has. */
type IndexRule<V> = (document: V, key: Key) => readonly Key[];

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

export interface Reader {
  get<V, I extends string>(table: Table<V, I>, key: Key): V | undefined;
  range<V, I extends string>(table: Table<V, I>, prefix: Key, options?: RangeOptions): Iterable<readonly [Key, V]>;
  /** Rows of an index: each place with the last part of the document's key behind it. */
  places<V, I extends string>(table: Table<V, I>, index: I, prefix: Key, options?: RangeOptions): Iterable<Key>;
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
  /** Documents that were changed so far; see `SLICE`. */
  changed(): number;
}

const pathOf = (table: string, key: Key): string => `${table}\0${key.join("\0")}`;

/** An index has nothing to say but that it has a row. */
export const MARK = 1;

function createView(base: Rows): { readonly view: View; readonly changes: () => readonly RowChange[] } {
  const layer = createLayer();
  const rows = layer.over(base);
  /** Documents as they were read or written here. */
  const known = new Map<string, unknown>();
  const changes = new Map<string, RowChange>();
  const documents = new Set<string>();

  function set(table: string, key: Key, value: unknown): void {
    changes.set(pathOf(table, key), { table, key, value });
    if (value === undefined) layer.hide(table, key);
    else layer.put(table, key, value);
  }

  function get<V, I extends string>(table: Table<V, I>, key: Key): V | undefined {
    const path = pathOf(table.name, key);
    if (known.has(path)) return known.get(path) as V | undefined;
    const found = rows.get(table.name, key);
    const document = found === undefined ? undefined : table.codec.unpack(found);
    known.set(path, document);
    return document;
  }

  function placesOf<V, I extends string>(
    table: Table<V, I>,
    key: Key,
    document: V | undefined,
  ): Map<string, [string, Key]> {
    const places = new Map<string, [string, Key]>();
    if (document === undefined) return places;
    for (const index in table.indexes) {
      for (const place of table.indexes[index](document, key)) {
        const row = [...place, ...key.slice(-1)];
        places.set(pathOf(index, row), [indexName(table, index), row]);
      }
    }
    return places;
  }

  function write<V, I extends string>(table: Table<V, I>, key: Key, document: V | undefined): void {
    const before = get(table, key);
    if (document === before) return;
    const old = placesOf(table, key, before);
    const now = placesOf(table, key, document);
    for (const [path, [name, row]] of old) if (!now.has(path)) set(name, row, undefined);
    for (const [path, [name, row]] of now) if (!old.has(path)) set(name, row, MARK);
    const path = pathOf(table.name, key);
    known.set(path, document);
    documents.add(path);
    set(table.name, key, document === undefined ? undefined : table.codec.pack(document));
  }

  const view: View = {
    get,
    *range(table, prefix, options) {
      for (const [key, value] of rows.range(table.name, prefix, options))
        yield [key, table.codec.unpack(value)] as const;
    },
    *places(table, index, prefix, options) {
      for (const [key] of rows.range(indexName(table, index), prefix, options)) yield key;
    },
    size: (table, prefix, index) => rows.size(index === undefined ? table.name : indexName(table, index), prefix),
    sum: ({ name }, key) => Number(rows.get(name, key) ?? 0),
    sumsCount: ({ name }, prefix) => rows.size(name, prefix),
    *sums({ name }, prefix, options) {
      for (const [key, value] of rows.range(name, prefix, options)) yield [key, Number(value)] as const;
    },
    put: (table, key, document) => write(table, key, document),
    remove: (table, key) => write(table, key, undefined),
    add: ({ name }, key, by) => {
      const path = pathOf(name, key);
      const before = changes.get(path);
      const sum = before !== undefined && "by" in before ? before.by + by : by;
      changes.set(path, { table: name, key, by: sum });
    },
    drop: ({ name }, key) => set(name, key, undefined),
    overwrite: set,
    changed: () => documents.size,
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

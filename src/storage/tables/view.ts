/**
 * What a piece of work sees of the store: documents and counters as they are, with what it has changed so far. Nothing
 * is written before the work has ended, so work that throws leaves nothing behind, and may be run again.
 */
import { createLayer, numberIn } from "../database/layer";
import type { Database, Key, RangeOptions, RowChange, Rows } from "../database/rows";
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

/** Another text for every key: a number is not its digits, and a text may contain anything. */
function pathOf(table: string, key: Key): string {
  let path = table;
  for (const part of key) path += typeof part === "number" ? `\0${part}` : `\0${part.length}:${part}`;
  return path;
}

/** An index has nothing to say but that it has a row. */
export const MARK = 1;

/** A row of an index. */
interface Place {
  readonly path: string;
  readonly table: string;
  readonly key: Key;
}

const NOWHERE: readonly Place[] = [];

function createView(base: Rows): { readonly view: View; readonly changes: () => readonly RowChange[] } {
  /** Documents as they were read or written here. */
  const known = new Map<string, unknown>();
  const changes = new Map<string, RowChange>();
  const documents = new Set<string>();
  /** Walks see what was changed: laid over the stored rows when a table is walked, since most never are. */
  const layer = createLayer();
  const rows = layer.over(base);
  const unlaid = new Map<string, RowChange[]>();

  function set(path: string, table: string, key: Key, value: unknown): void {
    const change = { table, key, value };
    changes.set(path, change);
    const others = unlaid.get(table);
    if (others === undefined) unlaid.set(table, [change]);
    else others.push(change);
  }

  /** Stored rows with what was changed of a table. */
  function laid(table: string): Rows {
    for (const change of unlaid.get(table) ?? []) {
      if (!("value" in change)) continue;
      if (change.value === undefined) layer.hide(table, change.key);
      else layer.put(table, change.key, change.value);
    }
    unlaid.delete(table);
    return rows;
  }

  function get<V, I extends string>(table: Table<V, I>, key: Key, path = pathOf(table.name, key)): V | undefined {
    const document = known.get(path);
    if (document !== undefined || known.has(path)) return document as V | undefined;
    const found = base.get(table.name, key);
    const read = found === undefined ? undefined : table.codec.unpack(found);
    known.set(path, read);
    return read;
  }

  function placesOf<V, I extends string>(
    table: Table<V, I>,
    key: Key,
    document: V | undefined,
    other: V | undefined,
  ): readonly Place[] {
    if (document === undefined) return NOWHERE;
    const last = key[key.length - 1] ?? "";
    const places: Place[] = [];
    for (const index in table.indexes) {
      for (const place of table.indexes[index](document, key, other)) {
        const name = indexName(table, index);
        const row = [...place, last];
        places.push({ path: pathOf(name, row), table: name, key: row });
      }
    }
    return places;
  }

  function write<V, I extends string>(table: Table<V, I>, key: Key, document: V | undefined): void {
    const path = pathOf(table.name, key);
    const before = get(table, key, path);
    if (document === before) return;
    const old = placesOf(table, key, before, document);
    const now = placesOf(table, key, document, before);
    const isIn = (places: readonly Place[], place: Place): boolean => places.some((each) => each.path === place.path);
    for (const place of old) if (!isIn(now, place)) set(place.path, place.table, place.key, undefined);
    for (const place of now) if (!isIn(old, place)) set(place.path, place.table, place.key, MARK);
    known.set(path, document);
    documents.add(path);
    set(path, table.name, key, document === undefined ? undefined : table.codec.pack(document));
  }

  const view: View = {
    get: (table, key) => get(table, key),
    *range(table, prefix, options) {
      for (const [key, value] of laid(table.name).range(table.name, prefix, options))
        yield [key, table.codec.unpack(value)] as const;
    },
    *places(table, index, prefix, options) {
      const name = indexName(table, index);
      for (const [key] of laid(name).range(name, prefix, options)) yield key;
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
      changes.set(path, { table: name, key, ...(isDropped ? { value: sum } : { by: sum }) });
    },
    drop: ({ name }, key) => set(pathOf(name, key), name, key, undefined),
    overwrite: (table, key, value) => {
      const path = pathOf(table, key);
      known.set(path, undefined);
      documents.add(path);
      set(path, table, key, value);
    },
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

/**
 * What every database offers: rows in order, read as they are at one moment and changed together or not at all. What
 * the rows mean is told by `tables/`; how a commit sees its own changes is told by `view.ts`.
 */

export type Key = readonly (string | number)[];

export interface RangeOptions {
  /** Where an earlier walk stopped: a whole key with the same prefix. */
  readonly after?: Key | undefined;
  /** The first key that is not wanted any more. */
  readonly end?: Key | undefined;
  readonly limit?: number | undefined;
  /** Rows whose value is not what was written are left out; without it they are thrown as a `DamagedRow`. */
  readonly skipDamaged?: true | undefined;
  /** Nobody looks at the values: they may be left out, and need not be what was written. */
  readonly keysOnly?: true | undefined;
}

/** Rows as they are stored, of any table. */
export interface Rows {
  /** @throws DamagedRow when its value is not what was written */
  get(table: string, key: Key): unknown;
  /** Entries whose key starts with `prefix`, in key order; `after` and `end` (both exclusive) and `limit` bound the walk. */
  range(table: string, prefix: Key, options?: RangeOptions): Iterable<readonly [Key, unknown]>;
  /** Number of entries whose key starts with `prefix`; their values are not read. */
  size(table: string, prefix: Key): number;
}

/** One row of a commit: its new value, nothing when it is removed, or what is added to the number that it holds. */
export type RowChange = { readonly table: string; readonly key: Key } & (
  { readonly value: unknown } | { readonly by: number }
);

/** What a piece of work came to, and what it changes. */
export interface Work<T> {
  readonly result: T;
  readonly changes: readonly RowChange[];
}

export interface Database {
  /** Reads at one moment. The work may be run more than once. */
  read<T>(work: (rows: Rows) => T): Promise<T>;
  /**
   * Resolves when the changes are durable. They are written as they were decided: nobody changes what the work read
   * before they are there. The work may be run more than once, and what it throws leaves nothing behind.
   */
  write<T>(work: (rows: Rows) => Work<T>): Promise<T>;
  close(): Promise<void>;
}

/** The order of all databases: numbers before strings, shorter keys first, strings by their UTF-8 bytes. */
export function compareKeys(left: Key, right: Key): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index += 1) {
    const a = left[index];
    const b = right[index];
    if (a === undefined || b === undefined || a === b) continue;
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

export function startsWith(key: Key, prefix: Key): boolean {
  return prefix.every((part, index) => key[index] === part);
}

/** A row whose value is not what was written. What becomes of it: `mend.ts`. */
export class DamagedRow extends Error {
  override readonly name = "DamagedRow";

  constructor(
    readonly table: string,
    readonly key: Key,
  ) {
    super(
      `A row of the store's table "${table}" cannot be read: its value is not what was written. ` +
        "Have the disk checked, and restore a backup if there are many.",
    );
  }
}

/** The value, or nothing if it is damaged: where it is not this row's turn to be mended. */
export function wholeOr<V>(get: () => V): V | undefined {
  try {
    return get();
  } catch (error) {
    if (error instanceof DamagedRow) return undefined;
    throw error;
  }
}

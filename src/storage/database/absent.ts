/** Fields that are undefined are left out where rows are written, and nowhere else. */
import type { Table } from "./kv";

/** The row itself, or a copy without the fields that are undefined. */
export function withoutAbsent<T>(row: T): T {
  if (typeof row !== "object" || row === null || Array.isArray(row)) return row;
  for (const name in row) {
    if (row[name] === undefined) {
      return Object.fromEntries(Object.entries(row).filter(([, field]) => field !== undefined)) as T;
    }
  }
  return row;
}

/** A table whose rows, and the rows in them, are written without what is absent. */
export function stripped<V>(table: Table<V>): Table<V> {
  return { ...table, put: (key, value) => table.put(key, deeply(value)) };
}

function deeply<T>(value: T): T {
  if (Array.isArray(value)) return value.map(deeply) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(withoutAbsent(value)).map(([name, field]) => [name, deeply<unknown>(field)]),
  ) as T;
}

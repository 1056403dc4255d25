/** Every row of a store, read for a person. */
import { unpack } from "msgpackr";
import { fromBufferKey } from "ordered-binary";
import { readStore, rowsOf } from "./look";

export interface TableReport {
  readonly table: string;
  readonly rows: number;
  /** Keys of its damaged rows, as far as they may be shown. */
  readonly damaged: readonly string[];
}

/**
 * Tables whose keys lead to a record and are no personal data, and how many words such a key begins with that stand in
 * the table of names.
 */
const SHOWN: Readonly<Record<string, number>> = {
  ...{ meta: 0, names: 0, tenants: 0, grants: 0, remotes: 0, holds: 0, depth: 0, tally: 0, hours: 0 },
  ...{ runs: 0, openRuns: 0, lastRuns: 0, runsByTime: 0, reports: 0, dead: 0, rivals: 0 },
  ...{ records: 2, mirror: 2, outbox: 3, tells: 3 },
};

/**
 * @param path folder of a database whose newest state nobody overwrites meanwhile
 * @returns undefined when there is no database
 * @throws Error with a sentence when its structure is damaged
 */
export function reportOn(path: string): readonly TableReport[] | undefined {
  const words = new Map<unknown, string>();
  return readStore(path, (trees) => {
    const reports = trees.tables.map((table) => {
      const { rows, damaged } = rowsOf(trees, table, (key, value) => {
        if (table.name === "names") words.set(partsOf(key)[0], String(unpack(value)));
      });
      return { table: table.name, rows, damaged };
    });
    return reports.map(({ table, rows, damaged }) => ({
      table,
      rows,
      damaged: damaged.map((key) => textOf(table, key, words)),
    }));
  });
}

function partsOf(key: Buffer): readonly unknown[] {
  const decoded = fromBufferKey(key);
  return Array.isArray(decoded) ? decoded : [decoded];
}

function textOf(table: string, key: Buffer, words: ReadonlyMap<unknown, string>): string {
  const short = SHOWN[table];
  if (short === undefined) return "(its key is not shown: it may be personal data)";
  const parts = partsOf(key).map((part, index) => (index < short ? (words.get(part) ?? part) : part));
  return parts.map(String).join(", ");
}

/** Every row of a store, read for a person. */
import { fromBufferKey } from "ordered-binary";
import { readStore, rowsOf } from "./look";

export interface TableReport {
  readonly table: string;
  readonly rows: number;
  /** Keys of its damaged rows, as far as they may be shown. */
  readonly damaged: readonly string[];
}

/** Tables whose keys lead to a record and are no personal data, and those of them whose keys begin with a remote's number. */
const SHOWN: ReadonlySet<string> = new Set([
  ...["meta", "tenants", "grants", "remotes", "remotes.numbers", "remotes.generations", "remotes.senders", "pauses"],
  ...["depth", "tally", "hours", "runs", "runs.time", "runs.open", "runCounts", "lastRuns", "reports"],
]);
const NUMBERED: ReadonlySet<string> = new Set([
  ...["records", "records.due", "records.updates", "records.dead", "records.pending", "contents", "mirror", "listed"],
]);

/**
 * @param path folder of a database whose newest state nobody overwrites meanwhile
 * @returns undefined when there is no database
 * @throws Error with a sentence when its structure is damaged
 */
export function reportOn(path: string): readonly TableReport[] | undefined {
  const remotes = new Map<unknown, string>();
  return readStore(path, (trees) => {
    const reports = trees.tables.map((table) => {
      const { rows, damaged } = rowsOf(trees, table, (key) => {
        if (table.name !== "remotes.numbers") return;
        const [number, remote] = partsOf(key);
        remotes.set(number, String(remote));
      });
      return { table: table.name, rows, damaged };
    });
    return reports.map(({ table, rows, damaged }) => ({
      table,
      rows,
      damaged: damaged.map((key) => textOf(table, key, remotes)),
    }));
  });
}

function partsOf(key: Buffer): readonly unknown[] {
  const decoded = fromBufferKey(key);
  return Array.isArray(decoded) ? decoded : [decoded];
}

function textOf(table: string, key: Buffer, remotes: ReadonlyMap<unknown, string>): string {
  const isNumbered = NUMBERED.has(table);
  if (!isNumbered && !SHOWN.has(table)) return "(its key is not shown: it may be personal data)";
  const [first, ...rest] = partsOf(key);
  return [isNumbered ? (remotes.get(first) ?? first) : first, ...rest].map(String).join(", ");
}

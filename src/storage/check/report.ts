/** Every row of a store, read for a person. */
import { fromBufferKey } from "ordered-binary";
import { readTables, rowsOf } from "./look";

export interface TableReport {
  readonly table: string;
  readonly rows: number;
  /** Keys of its damaged rows, as far as they may be shown. */
  readonly damaged: readonly string[];
}

/** Tables whose keys are shown, since they lead to a record and are no personal data. */
const SHOWN: ReadonlySet<string> = new Set([
  ...["meta", "tenants", "grants", "remotes", "remotes.numbers", "remotes.generations", "remotes.senders", "pauses"],
  ...["depth", "tally", "hours", "runs", "runs.time", "runs.open", "runCounts", "lastRuns", "reports"],
]);
/** Those as well, with the remote instead of its number, with which their keys begin. */
const NUMBERED: ReadonlySet<string> = new Set([
  ...["records", "records.due", "records.updates", "records.dead", "records.pending", "contents", "mirror", "listed"],
]);

/**
 * @param path folder of a database whose newest state nobody overwrites meanwhile
 * @returns undefined when there is no database
 * @throws Error with a sentence when its structure is damaged
 */
export function reportOn(path: string): readonly TableReport[] | undefined {
  return readTables(path, (tables) => {
    const remotes = new Map<unknown, unknown>();
    const reports = tables.map((table) => ({
      table: table.name,
      ...rowsOf(table, (key) => {
        if (table.name !== "remotes.numbers") return;
        const [number, remote] = partsOf(key);
        remotes.set(number, remote);
      }),
    }));
    return reports.map(({ table, rows, damaged }) => ({
      table,
      rows,
      damaged: damaged.map((key) => textOf(table, key, remotes)),
    }));
  });
}

const partsOf = (key: Buffer): readonly unknown[] => [fromBufferKey(key)].flat();

function textOf(table: string, key: Buffer, remotes: ReadonlyMap<unknown, unknown>): string {
  const isNumbered = NUMBERED.has(table);
  if (!isNumbered && !SHOWN.has(table)) return "(its key is not shown: it may be personal data)";
  const [first, ...rest] = partsOf(key);
  return [isNumbered ? (remotes.get(first) ?? first) : first, ...rest].map(String).join(", ");
}

/** Stores as format 4 left them: tenants' keys do not name the service. */
import type { Key } from "../../../src/storage/database/rows";
import { ofFormat } from "./format-five";
import { rowsOfFormatSix, writeOld, type OldRow } from "./format-six";

/** All tables of that format that hold tenants, or words that may be tenants. */
const TABLES: ReadonlySet<string> = new Set(
  ["names", "tenants", "remotes", "outbox", "tells", "dead", "rivals", "holds", "tally", "hours", "depth"].concat([
    "runs",
    "lastRuns",
  ]),
);

/** An attribute such as `planhat/id` is none. */
const TENANT = /"planhat\/(?=[^"/]+\/)/g;

/** Takes the service out of every key and row. */
export function takeServiceOut(rows: readonly OldRow[]): readonly OldRow[] {
  const changed = rows.map(([table, key, value]): OldRow => {
    if (!TABLES.has(table)) return [table, key, value];
    const text = JSON.stringify([key, value]).replaceAll(TENANT, '"');
    const [unnamed, row] = JSON.parse(text) as [Key, unknown];
    return [table, unnamed, row];
  });
  return ofFormat(changed, 4);
}

/** Makes a closed store of today one of format 4. */
export async function makeFormatFour(path: string): Promise<void> {
  await writeOld(path, takeServiceOut(await rowsOfFormatSix(path)), false);
}

/**
 * Writes the service into every tenant's key, from format 4 to format 5. Whatever was hashed, signed or encrypted under
 * a tenant goes by organization and connector id, as before (`connectorOf`), so nothing is recounted or opened.
 */
import type { Key, KeyValue, Table } from "../database/kv";
import { SLICE, walk } from "../database/slices";

/** Tables whose keys hold a tenant as it is, and where in the key. Elsewhere keys hold its short form in `names`. */
const KEYS = {
  tenants: 0,
  tally: 0,
  hours: 0,
  runsByTime: 0,
  openRuns: 0,
  lastRuns: 0,
  depth: 1,
  dead: 1,
  rivals: 1,
  holds: 1,
  letterParents: 1,
  letterIds: 2,
  rivalsFor: 3,
  blocked: 3,
} as const;

/** Each row is one small write: more of them than of records go into one transaction. */
const ROWS = 10 * SLICE;

/** Does nothing twice, so it may be begun again after it broke off. */
export async function addService(kv: KeyValue, service: string): Promise<void> {
  const prefix = `${service}/`;
  const named = (tenant: string): string => (tenant === "" || tenant.startsWith(prefix) ? tenant : prefix + tenant);
  const all = <V>(name: string, change: (table: Table<V>, key: Key, row: V) => void): Promise<void> => {
    const table = kv.table<V>(name);
    return walk(kv, table, [], (key, row) => change(table, key, row), ROWS);
  };
  /** Before any key is changed or after: the words of keys that are tenants, in their old form. */
  const tenants = new Set<string>();
  const unnamed = (key: string): string => (key.startsWith(prefix) ? key.slice(prefix.length) : key);
  for (const [key] of kv.table("depth").range([])) tenants.add(unnamed(String(key[1])));
  for (const [key] of kv.table("tenants").range([])) tenants.add(unnamed(String(key[0])));

  await all<string>("names", (table, key, word) => {
    if (tenants.has(word)) table.put(key, named(word));
  });
  // Packed rows begin with their tenant.
  for (const name of ["outbox", "tells"]) {
    await all<readonly unknown[]>(name, (table, key, row) => {
      if (row[0] !== named(String(row[0]))) table.put(key, row.with(0, named(String(row[0]))));
    });
  }
  await all<{ readonly senders?: readonly string[] }>("remotes", (table, key, row) => {
    if (row.senders !== undefined) table.put(key, { ...row, senders: row.senders.map(named) });
  });
  await all<{ readonly tenant: string }>("runs", (table, key, row) => {
    table.put(key, { ...row, tenant: named(row.tenant) });
  });
  for (const [name, place] of Object.entries(KEYS)) {
    await all<unknown>(name, (table, key, row) => {
      const tenant = String(key[place]);
      if (tenant === named(tenant)) return;
      table.remove(key);
      table.put(key.with(place, named(tenant)), name === "tenants" ? tenantOf(row, named) : rowOf(row, named));
    });
  }
}

type Named = (tenant: string) => string;

function tenantOf(row: unknown, named: Named): unknown {
  const { key, ...rest } = row as { readonly key: string };
  return { key: named(key), ...rest };
}

/** Dead letters and pauses name their tenant; counts and marks are numbers. */
function rowOf(row: unknown, named: Named): unknown {
  if (typeof row !== "object" || row === null || !("tenant" in row)) return row;
  return { ...row, tenant: named(String(row.tenant)) };
}

/** Erasing a tenant: what waits, what was refused, what was counted, and its remotes unless another tenant uses them. */
import uniqBy from "lodash/uniqBy";
import { openEntries } from "../tables/entries";
import { removeHullUpdate } from "../tables/hull-updates";
import type { Key, Table } from "../database/kv";
import { closeDeadLetter } from "../tables/dead-letters";
import { dropRival } from "../outbox/rivals";
import { forgetRunsOf } from "../tables/runs";
import { forgetSender } from "../tables/senders";
import { SLICE } from "../database/slices";
import type { Lane } from "../port/store";
import { transact, type Ledger } from "../tables/ledger";
import { keyOf, lanesOf, type Tables } from "../tables/tables";

/**
 * Returns how many rows there were. If interrupted, it is simply begun again: the tenant's own row goes last.
 *
 * @param remotes its remotes before it was erased, for checking that nothing was written since
 */
export async function forgetTenant(tables: Tables, tenant: string, remotes: readonly string[]): Promise<number> {
  const { kv } = tables;
  let removed = 0;
  const untilNothing = async (step: () => Promise<number>): Promise<void> => {
    for (let rows = await step(); rows > 0; rows = await step()) removed += rows;
  };
  for (const lane of kv.read(() => lanesWith(tables, tenant, remotes))) {
    await untilNothing(() => transact(tables, (ledger) => forgetLaneRows(tables, ledger, lane, SLICE)));
    await untilNothing(() => kv.transact(() => forgetRemoteRows(tables, lane, SLICE)));
    await forgetSender(tables, lane);
  }
  await untilNothing(() => kv.transact(() => forgetRunsOf(tables, tenant, SLICE)));
  return removed + (await kv.transact(() => forgetTenantRow(tables, tenant, remotes)));
}

function lanesWith(tables: Tables, tenant: string, remotes: readonly string[]): readonly Lane[] {
  return uniqBy([...lanesOf(tables, tenant), ...remotes.map((remote) => ({ remote, tenant }))], "remote");
}

/** Erases up to `limit` rows of a lane; returns how many. Nothing is counted: the counts are erased as well. */
function forgetLaneRows(tables: Tables, ledger: Ledger, lane: Lane, limit: number): number {
  const prefix = [lane.remote, lane.tenant];
  const entries = openEntries(tables, ledger, lane, []);
  const erase = <V>(table: Table<V>, forget: (row: V, key: Key) => void): number => {
    const rows = [...table.range(prefix, { limit })];
    for (const [key, row] of rows) forget(row, key);
    return rows.length;
  };
  return (
    erase(tables.outbox, (entry) => entries.remove(entry)) +
    erase(tables.hullUpdates, (row) => removeHullUpdate(tables, ledger, lane, row)) +
    erase(tables.dead, (row) => closeDeadLetter(tables, row)) +
    erase(tables.rivals, (_, key) => dropRival(tables, keyOf(key))) +
    erase(tables.pauses, (_, key) => tables.pauses.remove(key))
  );
}

/** Erases up to `limit` rows of a remote, unless another tenant uses it; returns how many. */
function forgetRemoteRows(tables: Tables, { remote, tenant }: Lane, limit: number): number {
  const users = [...tables.tenants.range([])].filter(([, row]) => row.remote === remote && row.key !== tenant);
  const busy = [...tables.depth.range([remote])].filter(
    ([[, owner], { outbox, tells: hullUpdates }]) => owner !== tenant && outbox + hullUpdates > 0,
  );
  if (users.length + busy.length > 0) return 0;
  let removed = 0;
  for (const table of [...knowledgeOf(tables), tables.remotes]) {
    const rows = [...table.range([remote], { limit })];
    for (const [key] of rows) table.remove(key);
    removed += rows.length;
  }
  return removed;
}

/** The last step: after it nothing names the tenant any more. */
function forgetTenantRow(tables: Tables, tenant: string, remotes: readonly string[]): number {
  const lanes = lanesWith(tables, tenant, remotes);
  for (const { remote } of lanes) tables.depth.remove([remote, tenant]);
  const counts = [tables.tally, tables.hours].flatMap((table) => {
    const keys = [...table.range([tenant])].map(([key]) => key);
    for (const key of keys) table.remove(key);
    return keys;
  });
  const known = tables.tenants.get([tenant]) !== undefined;
  tables.tenants.remove([tenant]);
  tables.grants.remove([tenant]);
  const abandoned = lanes.map(({ remote }) => remote).filter((remote) => tables.remotes.get([remote]) === undefined);
  tables.names.drop([tenant, ...abandoned.filter((remote) => isUnused(tables, remote))]);
  return counts.length + (known ? 1 : 0);
}

function isUnused(tables: Tables, remote: string): boolean {
  const all = [...knowledgeOf(tables), tables.outbox, tables.hullUpdates];
  return all.every((table) => [...table.range([remote], { limit: 1 })].length === 0);
}

/** What is known of the records of a remote, whoever sent them. */
function knowledgeOf({ records, claimIndex, mirror, lastSeen, mirrorKeys }: Tables): readonly Table<unknown>[] {
  return [records, claimIndex, mirror, lastSeen, mirrorKeys];
}

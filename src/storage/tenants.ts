/** Tenants and the remote that each of them points to. */
import { openEntries } from "./entries";
import type { RemoteRow, TenantRow } from "./rows";
import { remoteRow, type Ledger, type Tables } from "./tables";

export function saveTenant(tables: Tables, row: TenantRow): TenantRow {
  const before = tables.tenants.get([row.key]);
  if (before !== undefined && before.settingsAtMs > row.settingsAtMs) return before;
  const kept: TenantRow = {
    ...row,
    ...(before?.remote === undefined ? {} : { remote: before.remote }),
    ...(before?.fingerprint === undefined ? {} : { fingerprint: before.fingerprint }),
  };
  tables.tenants.put([row.key], kept);
  return kept;
}

/** Points a tenant to a remote. What waits for delivery moves along; what Hull must still be told stays. */
export function assignRemote(
  tables: Tables,
  ledger: Ledger,
  tenantKey: string,
  remote: string,
  fingerprint: string,
): TenantRow {
  const before = tables.tenants.get([tenantKey]);
  if (before === undefined) throw new Error(`Tenant ${tenantKey} is not known.`);
  const row: TenantRow = { ...before, remote, fingerprint };
  tables.tenants.put([tenantKey], row);
  if (before.remote !== undefined && before.remote !== remote) {
    const from = openEntries(tables, ledger, { remote: before.remote, tenant: tenantKey }, []);
    const to = openEntries(tables, ledger, { remote, tenant: tenantKey }, []);
    for (const [, entry] of [...tables.outbox.range([before.remote, tenantKey])]) {
      const content = entry.content ?? entry.attempt?.content;
      from.remove(entry);
      if (content === undefined) continue;
      const { type, hullId } = entry;
      const record = tables.records.get([before.remote, type, hullId]);
      if (record !== undefined) {
        const { remoteId: _, generation: _generation, ...unlinked } = record;
        tables.records.put([remote, type, hullId], unlinked);
      }
      // Links, doubts and attempts belong to the other remote; here everything is looked up anew.
      to.put(to.get(type, hullId), { tenant: tenantKey, type, hullId, content, notBeforeMs: 0, attempts: 0 });
    }
  }
  return row;
}

export function newGeneration(tables: Tables, key: string): RemoteRow {
  const next: RemoteRow = { key, generation: remoteRow(tables, key).generation + 1, scans: {} };
  tables.remotes.put([key], next);
  return next;
}

/** Tenants and the remote that each of them points to. */
import type { RemoteRow, TenantRow } from "../port/rows";
import type { Lane } from "../port/store";
import type { TriedAt } from "../port/tenants";
import { remoteRow, type Tables } from "./tables";

export function saveTenant(tables: Tables, row: TenantRow, evenOver: string | undefined): TenantRow {
  const before = tables.tenants.get([row.key]);
  if (before !== undefined && before.settingsAtMs > row.settingsAtMs && before.sealed !== evenOver) return before;
  const { remote = row.remote, fingerprint = row.fingerprint } = before ?? {};
  const kept: TenantRow = { ...row, remote, fingerprint };
  tables.tenants.put([row.key], kept);
  return kept;
}

export function replaceGrant(
  tables: Tables,
  tenant: string,
  before: string | undefined,
  after: string | undefined,
): boolean {
  if (tables.grants.get([tenant]) !== before) return false;
  // An erased tenant's grant must not come back by a refresh that was under way.
  const isErased = tables.tenants.get([tenant]) === undefined;
  if (after === undefined || isErased) tables.grants.remove([tenant]);
  else tables.grants.put([tenant], after);
  return after === undefined || !isErased;
}

/** Points a tenant to a remote. `left`: the lane whose entries must move along; what Hull must still be told stays. */
export function assignRemote(
  tables: Tables,
  tenantKey: string,
  remote: string,
  fingerprint: string,
): { readonly row: TenantRow; readonly left?: Lane } {
  const before = tables.tenants.get([tenantKey]);
  if (before === undefined) throw new Error(`Tenant ${tenantKey} is not known.`);
  const row: TenantRow = { ...before, remote, fingerprint };
  tables.tenants.put([tenantKey], row);
  if (before.remote === undefined || before.remote === remote) return { row };
  return { row, left: { remote: before.remote, tenant: tenantKey } };
}

/** The same, if tenant and remote are unchanged; undefined, and nothing done, if not. */
export function reassignRemote(
  tables: Tables,
  tenantKey: string,
  from: TriedAt,
  to: { readonly remote: string; readonly fingerprint: string; readonly renewed: boolean },
): ReturnType<typeof assignRemote> | undefined {
  const row = tables.tenants.get([tenantKey]);
  if (row?.remote !== from.remote || row.fingerprint !== from.fingerprint) return undefined;
  if (remoteRow(tables, from.remote).generation !== from.generation) return undefined;
  if (to.renewed) newGeneration(tables, to.remote);
  return assignRemote(tables, tenantKey, to.remote, to.fingerprint);
}

export function newGeneration(tables: Tables, key: string): RemoteRow {
  const next: RemoteRow = { key, generation: remoteRow(tables, key).generation + 1, scans: {} };
  tables.remotes.put([key], next);
  return next;
}

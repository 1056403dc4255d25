/** Tenants and the remote that each of them points to. */
import { reason } from "../../outcome/outcome";
import { mergeContent } from "../outbox/accept";
import { openEntries } from "./entries";
import { reindex } from "./claim-index";
import type { Content, RemoteRow, TenantRow } from "../port/rows";
import type { Lane } from "../port/store";
import type { TriedAt } from "../port/tenants";
import { countOutcome, type Ledger } from "./ledger";
import { outcomeOf, remoteRow, type Tables } from "./tables";

export function saveTenant(tables: Tables, row: TenantRow, evenOver: string | undefined): TenantRow {
  const before = tables.tenants.get([row.key]);
  if (before !== undefined && before.settingsAtMs > row.settingsAtMs && before.sealed !== evenOver) return before;
  const { remote = row.remote, fingerprint = row.fingerprint } = before ?? {};
  const kept: TenantRow = { ...row, remote, fingerprint };
  tables.tenants.put([row.key], kept);
  return kept;
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

/**
 * Moves some of a lane's entries to another remote. Links, unconfirmed creates and attempts belong to the old one and
 * stay.
 *
 * @returns false when none was left
 */
export function moveEntries(tables: Tables, ledger: Ledger, lane: Lane, remote: string, limit: number): boolean {
  const { tenant } = lane;
  const from = openEntries(tables, ledger, lane, []);
  const to = openEntries(tables, ledger, { remote, tenant }, []);
  const slice = [...tables.outbox.range([lane.remote, tenant], { limit })];
  for (const [, entry] of slice) {
    const { type, hullId, attempt } = entry;
    from.remove(entry);
    const end = (content: Content): void => {
      const superseded = outcomeOf(content, "superseded", reason("newer_message"), tables.now());
      countOutcome(ledger, tenant, type, hullId, superseded);
    };
    if (entry.content === undefined && entry.withdrawn === true) {
      if (attempt !== undefined) end(attempt.content);
      continue;
    }
    if (entry.content !== undefined && attempt !== undefined) end(attempt.content);
    const moved = entry.content ?? attempt?.content;
    if (moved === undefined) continue;
    const there = to.get(type, hullId);
    const waiting = there?.content;
    const seen = tables.records.get([remote, type, hullId])?.version ?? 0;
    if (seen > moved.version || (waiting !== undefined && waiting.version > moved.version)) {
      end(moved);
      continue;
    }
    if (waiting !== undefined) end(waiting);
    moveVersion(tables, lane.remote, remote, type, hullId);
    const older = waiting ?? (entry.content === undefined ? undefined : attempt?.content);
    const content: Content = { ...moved, ...mergeContent(older, moved) };
    const { attempt: kept, unconfirmed } = there ?? {};
    to.put(there, {
      tenant,
      type,
      hullId,
      acceptedAtMs: Math.min(entry.acceptedAtMs, there?.acceptedAtMs ?? Infinity),
      content,
      notBeforeMs: 0,
      attempts: 0,
      attempt: kept,
      unconfirmed,
    });
  }
  return slice.length > 0;
}

/** The newest version seen counts there too, so that an older message cannot come after it. */
function moveVersion(tables: Tables, from: string, to: string, type: string, hullId: string): void {
  const record = tables.records.get([from, type, hullId]);
  const there = tables.records.get([to, type, hullId]);
  if (record === undefined || (there !== undefined && there.version >= record.version)) return;
  const { version, messageId, recent = there?.recent, claims = there?.claims } = record;
  reindex(tables, [to, type, hullId], there?.claims, claims);
  tables.records.put([to, type, hullId], { ...(there ?? { revision: 0 }), version, messageId, recent, claims });
}

export function newGeneration(tables: Tables, key: string): RemoteRow {
  const next: RemoteRow = { key, generation: remoteRow(tables, key).generation + 1, scans: {} };
  tables.remotes.put([key], next);
  return next;
}

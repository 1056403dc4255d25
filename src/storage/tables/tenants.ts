/** Tenants and the remote that each of them points to. */
import { randomUUID } from "node:crypto";
import type { Key } from "../database/rows";
import type { KeyedCallRow, RemoteDocument, TenantRow } from "../port/rows";
import { TenantErased } from "../port/leases";
import type { Lane } from "../port/store";
import type { Assigned } from "../port/stored";
import type { TriedAt } from "../port/tenants";
import { KEYED_CALLS, DEPTH, GRANTS, LEASES, LOSSES, META, remoteRow, REMOTES, TENANTS } from "./tables";
import type { Reader, View } from "./view";

export function saveTenant(view: View, row: TenantRow, evenOver: string | undefined): TenantRow {
  const before = view.get(TENANTS, [row.key]);
  if (before !== undefined && before.settingsAtMs > row.settingsAtMs && before.sealed !== evenOver) return before;
  const { remote = row.remote, fingerprint = row.fingerprint } = before ?? {};
  const kept: TenantRow = { ...row, remote, fingerprint };
  view.put(TENANTS, [row.key], kept);
  return kept;
}

export function replaceGrant(
  view: View,
  tenant: string,
  before: string | undefined,
  after: string | undefined,
): boolean {
  if (view.get(GRANTS, [tenant]) !== before) return false;
  // An erased tenant's grant must not come back by a refresh that was under way.
  const isErased = view.get(TENANTS, [tenant]) === undefined;
  if (after === undefined || isErased) view.remove(GRANTS, [tenant]);
  else view.put(GRANTS, [tenant], after);
  return after === undefined || !isErased;
}

/** For so long the same Idempotency-Key means the same call. */
export const KEY_LIFE_MS = 86_400_000;
/** Of one tenant. */
const MAX_KEYED_CALLS = 10_000;

/**
 * Begins a call, unless one with its key was begun within a day.
 *
 * @returns the row of that one; `full`, and nothing done, when the tenant has too many
 * @throws TenantErased
 */
export function beginCall(
  view: View,
  [tenant, key]: readonly [tenant: string, key: string],
  row: KeyedCallRow,
): KeyedCallRow | "begun" | "full" {
  if (view.get(TENANTS, [tenant]) === undefined) throw new TenantErased();
  const before = view.get(KEYED_CALLS, [tenant, key]);
  if (before !== undefined && row.atMs - before.atMs <= KEY_LIFE_MS) return before;
  if (before === undefined && view.size(KEYED_CALLS, [tenant]) >= MAX_KEYED_CALLS) return "full";
  view.put(KEYED_CALLS, [tenant, key], row);
  return "begun";
}

/**
 * Stores what became of it; undefined: nothing, so that it may be begun again.
 *
 * @param by of the row that was put when it was begun
 * @returns false, and nothing done, when that row is not there any more
 */
export function endCall(
  view: View,
  [tenant, key]: readonly [tenant: string, key: string],
  by: string,
  sealed: string | undefined,
): boolean {
  const row = view.get(KEYED_CALLS, [tenant, key]);
  if (row?.by !== by) return false;
  if (sealed === undefined) view.remove(KEYED_CALLS, [tenant, key]);
  else view.put(KEYED_CALLS, [tenant, key], { ...row, sealed });
  return true;
}

/** Removes those that were begun more than a day ago; returns how many. @param limit of rows */
export function forgetKeyedCalls(view: View, nowMs: number, limit: number): number {
  const places = [...view.places(KEYED_CALLS, "age", [], { end: [nowMs - KEY_LIFE_MS], limit })];
  for (const [, tenant = "", key = ""] of places) view.remove(KEYED_CALLS, [tenant, key]);
  return places.length;
}

/** Points a tenant to a remote. `left`: the lane whose entries must move along; what Hull must still be told stays. */
export function assignRemote(view: View, tenantKey: string, remote: string, fingerprint: string): Assigned {
  const before = view.get(TENANTS, [tenantKey]);
  if (before === undefined) throw new Error(`Tenant ${tenantKey} is not known.`);
  const row: TenantRow = { ...before, remote, fingerprint };
  view.put(TENANTS, [tenantKey], row);
  if (before.remote === undefined || before.remote === remote) return { row };
  return { row, left: { remote: before.remote, tenant: tenantKey } };
}

/** The same, if tenant and remote are unchanged; undefined, and nothing done, if not. */
export function reassignRemote(
  view: View,
  tenantKey: string,
  from: TriedAt,
  to: { readonly remote: string; readonly fingerprint: string; readonly renewed: boolean },
): Assigned | undefined {
  const row = view.get(TENANTS, [tenantKey]);
  if (row?.remote !== from.remote || row.fingerprint !== from.fingerprint) return undefined;
  if (remoteRow(view, from.remote).generation !== from.generation) return undefined;
  if (to.renewed) newGeneration(view, to.remote);
  return assignRemote(view, tenantKey, to.remote, to.fingerprint);
}

/** The ids that were known do not count any more, nor do their scans. */
export function newGeneration(view: View, key: string): RemoteDocument {
  const before = remoteRow(view, key);
  return putRemote(view, { ...before, generation: before.generation + 1, scans: {}, senders: before.senders });
}

/** Writes a remote's row, with a number of its own. */
export function putRemote(view: View, row: RemoteDocument): RemoteDocument {
  if (row.number > 0) {
    view.put(REMOTES, [row.key], row);
    return row;
  }
  const numbered = { ...row, number: newNumber(view) };
  view.put(REMOTES, [row.key], numbered);
  // It may be among what was lost, and its owner may still write.
  if ([...view.range(LOSSES, [], { limit: 1 })].length > 0) disown(view, row.key);
  return numbered;
}

/** Nobody has the id of this lease: whoever comes first waits, and recovers. */
export const disown = (view: View, name: string): void => view.put(LEASES, [name], { id: randomUUID() });

/** Numbers of remotes are never used again. */
function newNumber(view: View): number {
  const number = (view.get(META, ["remotes"]) ?? 0) + 1;
  view.put(META, ["remotes"], number);
  return number;
}

/** The key of the remote with a number. */
export function remoteNumbered(view: Reader, number: Key[number]): string | undefined {
  const [place] = view.places(REMOTES, "numbers", [number], { limit: 1 });
  return place === undefined ? undefined : String(place[1]);
}

/** Every lane in which something was taken in. @param prefix of one remote only */
export function allLanes(view: Reader, prefix: Key = []): readonly Lane[] {
  const lanes = new Map<string, Lane>();
  for (const [[remote, tenant]] of view.sums(DEPTH, prefix)) {
    lanes.set(`${remote}\n${tenant}`, { remote: String(remote), tenant: String(tenant) });
  }
  return [...lanes.values()];
}

/** Every place where something of a tenant may be stored: its current remote and earlier ones. */
export function lanesOf(view: Reader, tenant: string): readonly Lane[] {
  const lanes = allLanes(view).filter((lane) => lane.tenant === tenant);
  const remote = view.get(TENANTS, [tenant])?.remote;
  return remote === undefined || lanes.some((lane) => lane.remote === remote) ? lanes : [...lanes, { remote, tenant }];
}

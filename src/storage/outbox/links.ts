/** Links of Hull entities to the service's records: a delivery makes them, and rivals wait until they go. */
import pickBy from "lodash/pickBy";
import { keepMirror } from "../tables/mirror";
import { enlist, factSent } from "../tables/senders";
import type { Fact, RemoteRow } from "../port/rows";
import type { MirrorPatch } from "../port/store";
import type { Ledger } from "../tables/ledger";
import { mirrorRow, reindex, type Tables } from "../tables/tables";
import { admitRivals } from "./rivals";

/** Stores a delivery of the tenant (or a comparison that found everything equal). */
export function patchMirror(
  tables: Tables,
  ledger: Ledger,
  remote: RemoteRow,
  tenant: string,
  type: string,
  hullId: string,
  patch: MirrorPatch,
  linkedBefore: string | undefined,
): void {
  if (linkedBefore !== undefined && linkedBefore !== patch.id) {
    const old = mirrorRow(tables, remote, type, linkedBefore);
    // A new record in place of the linked one means that the linked one is gone: it must not be found by its keys.
    if (patch.fresh && patch.beside !== true) forgetMirror(tables, ledger, remote, type, linkedBefore);
    else if (old?.linkedTo === hullId) {
      tables.mirror.put([remote.key, type, linkedBefore], { ...old, linkedTo: undefined });
      admitRivals(tables, ledger, remote.key, type, linkedBefore);
    }
  }
  const stored = mirrorRow(tables, remote, type, patch.id);
  const before = patch.fresh ? undefined : stored;
  const facts: Record<string, Fact> = { ...before?.facts };
  const place = enlist(tables, remote, tenant);
  for (const [field, fact] of Object.entries(patch.facts)) facts[field] = factSent(facts[field], place, fact);
  const parentId = patch.parentId ?? before?.parentId;
  const keys = pickBy({ ...before?.keys, ...patch.keys }, (value) => value !== "");
  if (patch.fresh) tables.lastSeen.remove([remote.key, type, patch.id]);
  keepMirror(tables, remote, type, stored, {
    id: patch.id,
    generation: remote.generation,
    keys,
    parentId,
    linkedTo: hullId,
    facts,
    complete: patch.fresh || (before?.complete ?? false),
    archived: patch.archived === true ? true : undefined,
    createdAtMs: before?.createdAtMs,
    writtenAtMs: patch.writtenAtMs ?? before?.writtenAtMs,
    seenAtMs: before?.seenAtMs,
    confirmedRest: before?.confirmedRest,
  });
  // A record that would match by a lost key is another one now.
  const lost = Object.entries(before?.keys ?? {}).some(([name, value]) => keys[name] !== value);
  if (lost) admitRivals(tables, ledger, remote.key, type, patch.id);
}

/** The record is gone there: neither its keys nor its content count any more, and nothing is linked to it. */
export function forgetMirror(tables: Tables, ledger: Ledger, remote: RemoteRow, type: string, id: string): void {
  admitRivals(tables, ledger, remote.key, type, id);
  const row = tables.mirror.get([remote.key, type, id]);
  if (row === undefined) return;
  reindex(tables.mirrorKeys, [remote.key, type, id], row.keys);
  tables.mirror.remove([remote.key, type, id]);
  tables.lastSeen.remove([remote.key, type, id]);
}

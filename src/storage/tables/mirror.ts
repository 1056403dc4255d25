/** What the service is known to hold: written by our own deliveries, by what is read, and by what Hull confirms. */
import { isAlike, type Keys } from "../../record";
import type { Fact, MirrorRow, RemoteRow, Scan } from "../port/rows";
import { admitRivals } from "../outbox/rivals";
import { enlist, factRead, factSent, factConfirmed, placeOf, seenFrom } from "./senders";
import type { Lane, MirrorPatch, Observation } from "../port/store";
import { type Ledger } from "./ledger";
import { indexValue, mirrorRow, remoteRow, type Tables } from "./tables";

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
    if (patch.fresh) forgetMirror(tables, ledger, remote, type, linkedBefore);
    else if (old?.linkedTo === hullId) {
      const { linkedTo: _, ...free } = old;
      tables.mirror.put([remote.key, type, linkedBefore], free);
      admitRivals(tables, ledger, remote.key, type, linkedBefore);
    }
  }
  const stored = mirrorRow(tables, remote, type, patch.id);
  const before = patch.fresh ? undefined : stored;
  const facts: Record<string, Fact> = { ...before?.facts };
  const place = enlist(tables, remote, tenant);
  for (const [field, fact] of Object.entries(patch.facts)) facts[field] = factSent(facts[field], place, fact);
  const parentId = patch.parentId ?? before?.parentId;
  const keys = withoutEmpty({ ...before?.keys, ...patch.keys });
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

function withoutEmpty(keys: Keys): Keys {
  return Object.fromEntries(Object.entries(keys).filter(([, value]) => value !== ""));
}

/** Rows that were read. What we wrote after the reading began is newer than what was read. */
export function observe(
  tables: Tables,
  remoteKey: string,
  type: string,
  readAtMs: number,
  settleMs: number,
  observations: readonly Observation[],
): void {
  const remote = remoteRow(tables, remoteKey);
  for (const seen of observations) {
    const before = mirrorRow(tables, remote, type, seen.id);
    keepMirror(tables, remote, type, before, observed(remote, before, seen, readAtMs, settleMs));
  }
}

/** The row of a record that was read. */
export function observed(
  remote: RemoteRow,
  before: MirrorRow | undefined,
  seen: Observation,
  readAtMs: number,
  settleMs: number,
): MirrorRow {
  const facts: Record<string, Fact> = { ...before?.facts };
  if (before?.writtenAtMs !== undefined && before.writtenAtMs > readAtMs - settleMs) {
    // What we wrote is newer; fields without facts were not written by us.
    for (const field of Object.keys(seen.facts)) {
      if ((facts[field]?.[0] ?? null) === null) facts[field] = factRead(facts[field], seen.facts[field] ?? null);
    }
    return { ...before, facts, seenAtMs: readAtMs };
  }
  for (const field of Object.keys(seen.facts)) facts[field] = factRead(facts[field], seen.facts[field] ?? null);
  const created = seen.createdAtMs ?? before?.createdAtMs;
  const parentId = seen.parentId ?? before?.parentId;
  // Built field by field: a fetch makes a million of them.
  const row: { -readonly [Field in keyof MirrorRow]: MirrorRow[Field] } = {
    id: seen.id,
    generation: remote.generation,
    keys: seen.keys,
    facts,
    complete: seen.complete || (before?.complete ?? false),
    seenAtMs: readAtMs,
  };
  if (parentId !== undefined) row.parentId = parentId;
  if (before?.linkedTo !== undefined) row.linkedTo = before.linkedTo;
  if (seen.archived) row.archived = true;
  if (created !== undefined) row.createdAtMs = created;
  if (before?.writtenAtMs !== undefined) row.writtenAtMs = before.writtenAtMs;
  if (before?.confirmedRest !== undefined) row.confirmedRest = before.confirmedRest;
  return row;
}

/** Everything of a type was read. */
export function noteScan(tables: Tables, remoteKey: string, type: string, scan: Scan): void {
  const remote = remoteRow(tables, remoteKey);
  tables.remotes.put([remote.key], { ...remote, scans: { ...remote.scans, [type]: scan } });
}

/** Hull confirmed these facts. */
export function confirmFacts(
  tables: Tables,
  remote: RemoteRow,
  type: string,
  id: string,
  facts: Readonly<Record<string, string>>,
): void {
  const row = mirrorRow(tables, remote, type, id);
  if (row === undefined) return;
  const merged: Record<string, Fact> = { ...row.facts };
  for (const [field, confirmed] of Object.entries(facts)) merged[field] = factConfirmed(merged[field], confirmed);
  tables.mirror.put([remote.key, type, id], { ...row, facts: merged });
}

/** Writes a row with its index. @param stored the row that is there now */
export function keepMirror(
  tables: Tables,
  remote: RemoteRow,
  type: string,
  stored: MirrorRow | undefined,
  row: MirrorRow,
): void {
  const before: Keys = stored?.keys ?? {};
  const path = (name: string, value: string): string[] => [remote.key, type, name, indexValue(value), row.id];
  for (const [name, value] of Object.entries(before)) {
    if (row.keys[name] !== value) tables.mirrorKeys.remove(path(name, value));
  }
  for (const [name, value] of Object.entries(row.keys)) {
    if (before[name] !== value) tables.mirrorKeys.put(path(name, value), 1);
  }
  tables.mirror.put([remote.key, type, row.id], row);
}

/** The record is gone there: neither its keys nor its content count any more, and nothing is linked to it. */
export function forgetMirror(tables: Tables, ledger: Ledger, remote: RemoteRow, type: string, id: string): void {
  admitRivals(tables, ledger, remote.key, type, id);
  const row = tables.mirror.get([remote.key, type, id]);
  if (row === undefined) return;
  for (const [name, value] of Object.entries(row.keys)) {
    tables.mirrorKeys.remove([remote.key, type, name, indexValue(value), id]);
  }
  tables.mirror.remove([remote.key, type, id]);
  tables.lastSeen.remove([remote.key, type, id]);
}

/** Today's rows with a key value, in its folded form, as the tenant knows them. */
export function candidates(
  tables: Tables,
  { remote: remoteKey, tenant }: Lane,
  type: string,
  keys: readonly { readonly name: string; readonly value: string }[],
): MirrorRow[] {
  const remote = remoteRow(tables, remoteKey);
  const place = placeOf(remote, tenant);
  const found = new Map<string, MirrorRow>();
  for (const { name, value } of keys) {
    for (const [path] of tables.mirrorKeys.range([remoteKey, type, name, indexValue(value)])) {
      const id = String(path[4]);
      const row = mirrorRow(tables, remote, type, id);
      // Index rows of an older generation may still point here.
      if (row !== undefined && isAlike(row.keys[name], value)) found.set(id, seenFrom(place, row));
    }
  }
  return [...found.values()];
}

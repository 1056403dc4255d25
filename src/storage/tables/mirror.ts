/** What the service is known to hold, as it was read, and as Hull confirmed it; deliveries: `outbox/links.ts`. */
import { isAlike } from "../../record";
import type { Fact, MirrorRow, RemoteRow, Scan } from "../port/rows";
import { factRead, factConfirmed, placeOf, seenFrom } from "./senders";
import type { Lane, Observation } from "../port/store";
import { walk } from "../database/slices";
import { idsWith, mirrorRow, reindex, remoteRow, type Tables } from "./tables";

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
  const isOld = before?.writtenAtMs !== undefined && before.writtenAtMs > readAtMs - settleMs;
  for (const field of Object.keys(seen.facts)) {
    // What we wrote is newer; fields without facts were not written by us.
    if (isOld && (facts[field]?.[0] ?? null) !== null) continue;
    facts[field] = factRead(facts[field], seen.facts[field] ?? null);
  }
  if (isOld) return { ...before, facts, seenAtMs: readAtMs };
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

/** The last scan no longer shows everything that exists: it proves no absence any more. */
export function distrustScan(tables: Tables, remoteKey: string, type: string): void {
  const remote = remoteRow(tables, remoteKey);
  const scan = remote.scans[type];
  if (scan === undefined) return;
  tables.remotes.put([remoteKey], { ...remote, scans: { ...remote.scans, [type]: { ...scan, startedAtMs: 0 } } });
}

/** Somebody writes the record, or any of the type, as of now: what is being read at the moment may be older. */
export async function markUnknown(tables: Tables, remoteKey: string, type: string, id?: string): Promise<void> {
  const { kv, mirror, mirrorInPassing, now } = tables;
  await kv.transact(() => {
    // It may be new there, too.
    if (id === undefined || mirror.get([remoteKey, type, id]) === undefined) distrustScan(tables, remoteKey, type);
  });
  await walk(kv, mirrorInPassing, id === undefined ? [remoteKey, type] : [remoteKey, type, id], (key, row) =>
    mirror.put(key, { ...row, complete: false, writtenAtMs: now() }),
  );
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
  reindex(tables.mirrorKeys, [remote.key, type, row.id], stored?.keys, row.keys);
  tables.mirror.put([remote.key, type, row.id], row);
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
    for (const id of idsWith(tables.mirrorKeys, [remoteKey, type], name, value)) {
      const row = mirrorRow(tables, remote, type, id);
      // Index rows of an older generation may still point here.
      if (row !== undefined && isAlike(row.keys[name], value)) found.set(id, seenFrom(place, row));
    }
  }
  return [...found.values()];
}

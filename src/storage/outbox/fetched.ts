/** What a full fetch found: it is stored at the moment when Hull knows it. */
import { isAlike, type Keys } from "../../record";
import { forgetMirror } from "./links";
import { keepMirror, observed } from "../tables/mirror";
import type { Fact, MirrorRow } from "../port/rows";
import { factConfirmed } from "../tables/senders";
import { markSeen, lastSeenOf, NOT_WHOLLY } from "../tables/last-seen";
import type { FetchedRow, FetchStep, MissingPage, MissingQuery } from "../port/store";
import { type Ledger } from "../tables/ledger";
import { idsWith, mirrorRow, forgetFingerprint, remoteRow, type Tables } from "../tables/tables";

/** What is remembered of a listed record, and whether something of it waits or is in flight. */
export function fetchView(
  tables: Tables,
  remoteKey: string,
  type: string,
  ids: readonly string[],
): { readonly mirror?: MirrorRow; readonly busy: boolean }[] {
  const remote = remoteRow(tables, remoteKey);
  return ids.map((id) => {
    const mirror = mirrorRow(tables, remote, type, id);
    const linked = mirror?.linkedTo;
    return { mirror, busy: linked !== undefined && isBusy(tables, remoteKey, type, linked) };
  });
}

/** Something of it waits, is in flight, or is still to be told to Hull. */
function isBusy(tables: Tables, remote: string, type: string, hullId: string): boolean {
  return [...tables.depth.range([remote])].some(
    ([[, tenant = ""], { outbox, tells: hullUpdates }]) =>
      (outbox > 0 && tables.outbox.get([remote, tenant, type, hullId]) !== undefined) ||
      (hullUpdates > 0 && tables.hullUpdates.get([remote, tenant, type, hullId]) !== undefined),
  );
}

/** Stores what was listed, what Hull confirmed of it, and the counts; each row counts once in its run. */
export function takeFetched(tables: Tables, ledger: Ledger, remoteKey: string, type: string, step: FetchStep): void {
  const { readAtMs, settleMs, rows, run } = step;
  const remote = remoteRow(tables, remoteKey);
  for (const { seen, confirmed, line } of rows) {
    const before = mirrorRow(tables, remote, type, seen.id);
    const row = observed(remote, before, seen, readAtMs, settleMs);
    keepMirror(tables, remote, type, before, withConfirmed(row, confirmed));
    const known = confirmed === undefined ? "keep" : (confirmed.mapping ?? NOT_WHOLLY);
    if (markSeen(tables, remote, type, seen.id, { readAtMs, run, confirmed: known })) ledger.run(run, line);
  }
}

function withConfirmed(before: MirrorRow, known: FetchedRow["confirmed"]): MirrorRow {
  if (known === undefined) return before;
  const facts: Record<string, Fact> = { ...before.facts };
  for (const field of Object.keys(known.facts)) facts[field] = factConfirmed(facts[field], known.facts[field] ?? null);
  return { ...before, facts, confirmedRest: known.rest };
}

/**
 * Marks what a complete scan did not show: neither a hit any more nor proof of absence. Checks some rows only.
 *
 * @returns the ids that were newly marked, and where to go on
 */
export function markMissing(tables: Tables, remoteKey: string, type: string, query: MissingQuery): MissingPage {
  const { scanStartedAtMs, untold, after, limit } = query;
  const remote = remoteRow(tables, remoteKey);
  const from = after === undefined ? undefined : [remoteKey, type, after];
  const rows = [...tables.mirror.range([remoteKey, type], { after: from, limit })];
  const gone: MirrorRow[] = [];
  for (const [key, row] of rows) {
    const listedAtMs = lastSeenOf(tables, remote, type, row.id)?.[0] ?? 0;
    const known = Math.max(listedAtMs, row.seenAtMs ?? 0, row.writtenAtMs ?? 0);
    if (row.generation !== remote.generation || known >= scanStartedAtMs) continue;
    if (row.missing === true && (untold === undefined || isConfirmed(row, untold))) continue;
    const marked: MirrorRow = { ...row, missing: true, complete: false };
    tables.mirror.put(key, marked);
    // It is compared again when it is back.
    tables.lastSeen.remove(key);
    if (row.linkedTo !== undefined) forgetFingerprint(tables, [remoteKey, type, row.linkedTo]);
    gone.push(marked);
  }
  const last = rows.at(-1)?.[0][2];
  return { gone, after: rows.length < limit || last === undefined ? undefined : String(last) };
}

function isConfirmed({ facts }: MirrorRow, { field, nothing }: NonNullable<MissingQuery["untold"]>): boolean {
  const confirmed = facts[field]?.[2] ?? null;
  return confirmed !== null && confirmed !== nothing;
}

/** Names of each record's keys that another record has, too. Only existing records count. */
export function sharedKeys(
  tables: Tables,
  remoteKey: string,
  type: string,
  wanted: readonly { readonly id: string; readonly keys: Keys }[],
): string[][] {
  const remote = remoteRow(tables, remoteKey);
  const isOther = (id: string, name: string, value: string): boolean => {
    for (const other of idsWith(tables.mirrorKeys, [remoteKey, type], name, value)) {
      const row = other === id ? undefined : mirrorRow(tables, remote, type, other);
      if (row !== undefined && row.missing !== true && isAlike(row.keys[name], value)) return true;
    }
    return false;
  };
  return wanted.map(({ id, keys }) => Object.keys(keys).filter((name) => isOther(id, name, keys[name] ?? "")));
}

/** The service says that these ids do not exist. */
export function forgetGone(
  tables: Tables,
  ledger: Ledger,
  remoteKey: string,
  type: string,
  ids: readonly string[],
): void {
  const remote = remoteRow(tables, remoteKey);
  for (const id of ids) forgetMirror(tables, ledger, remote, type, id);
}

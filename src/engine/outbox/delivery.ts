/** Results of deliveries: the record, the remote record and those that wait for it, in one commit. */
import type { Documents } from "../../storage/port/documents";
import type { RecordDocument } from "../../storage/port/rows";
import type { MirrorPatch, Settlement } from "../../storage/port/store";
import { parentMade } from "./events/children";
import { linkOf, ownOf, withFlight, type Effect, type Moment } from "./events/document";
import { carryOut, claimsOf, idOf, limitRivals, momentOf, type Commit } from "./effects";
import { hasLostKey, patched } from "./events/remote-record";
import { settled } from "./events/settled";
import { mirrorOf } from "./views";

/** Settles one piece of content. */
export function settleOne(commit: Commit, settlement: Settlement): void {
  const { documents } = commit;
  const { tenant, type, hullId, then } = settlement;
  const at = momentOf(commit, tenant);
  const before = withFlight(documents.record(type, hullId), at);
  // It was erased meanwhile.
  if (before === undefined) return;
  const worked = (ownOf(before, at).entry?.attempt ?? ownOf(before, at).entry)?.content;
  const claims = claimsOf(before, at);
  const freed = learn(documents, settlement, linkOf(before, at.generation), at);
  const parent = then.kind === "block" ? then.parent : undefined;
  const known = parent === undefined ? undefined : documents.record(parent.type, parent.hullId);
  const letterId = (): string => idOf(documents, settlement);
  const { document, ended, makes, effects: own = [] } = settled(before, settlement, letterId, known, at);
  // The link comes first: a record is no rival for what it is linked to.
  const effects = [
    ...own.filter(({ kind }) => kind === "linked"),
    ...freed,
    ...own.filter(({ kind }) => kind !== "linked"),
  ];
  carryOut(commit, settlement, { document, ended, sent: settlement.sent, effects }, claims);
  const { recheck } = ownOf(before, at).entry ?? {};
  if (recheck === true) markUnread(documents, type, documents.record(type, hullId), at);
  if (then.kind === "end" && then.rivalFor !== undefined) limitRivals(commit, type, then.rivalFor);
  if (makes === undefined || worked === undefined) return;
  const made = parentMade(known, worked, makes, at);
  if (made.isMade) documents.count(tenant, "derived", makes.type);
  carryOut(commit, { tenant, type: makes.type, hullId: makes.hullId }, made, {});
}

/** Whatever is known of what a record is linked to, it is read before the next write. */
export function markUnread(
  documents: Documents,
  type: string,
  document: RecordDocument | undefined,
  { generation, nowMs }: Moment,
): void {
  const id = linkOf(document, generation);
  const row = id === undefined ? undefined : documents.mirror(type, id);
  if (row !== undefined) documents.putMirror(type, row.id, { ...row, complete: false, writtenAtMs: nowMs });
}

/** What the remote holds from now on. @returns what is free for its rivals */
function learn(
  documents: Documents,
  { type, hullId, mirror, gone }: Settlement,
  linked: string | undefined,
  at: Moment,
): Effect[] {
  const freed = gone === undefined ? [] : [forgetMirror(documents, type, gone)];
  return mirror === undefined ? freed : [...freed, ...patchMirror(documents, type, hullId, mirror, linked, at)];
}

function patchMirror(
  documents: Documents,
  type: string,
  hullId: string,
  patch: MirrorPatch,
  linked: string | undefined,
  at: Moment,
): Effect[] {
  const freed: Effect[] = [];
  if (linked !== undefined && linked !== patch.id) {
    const old = mirrorOf(documents, type, linked);
    // A new record in place of the linked one means that the linked one is gone: it must not be found by its keys.
    if (patch.fresh && patch.beside !== true) freed.push(forgetMirror(documents, type, linked));
    else if (old?.linkedTo === hullId) {
      documents.putMirror(type, linked, { ...old, linkedTo: undefined });
      freed.push({ kind: "freed", remoteId: linked });
    }
  }
  const stored = mirrorOf(documents, type, patch.id);
  const row = patched(stored, patch, hullId, at);
  documents.putMirror(type, patch.id, row);
  if (!patch.fresh && hasLostKey(stored, row)) freed.push({ kind: "freed", remoteId: patch.id });
  return freed;
}

/** The record is gone there: neither its keys nor its content count any more, and nothing is linked to it. */
export function forgetMirror(documents: Documents, type: string, id: string): Effect {
  documents.putMirror(type, id, undefined);
  return { kind: "freed", remoteId: id };
}

/** The last scan no longer shows everything that exists: it proves no absence any more. */
export function distrustScan(documents: Documents, type: string): void {
  const remote = documents.remote();
  const scan = remote.scans[type];
  if (scan === undefined || scan.startedAtMs === 0) return;
  documents.putRemote({ ...remote, scans: { ...remote.scans, [type]: { ...scan, startedAtMs: 0 } } });
}

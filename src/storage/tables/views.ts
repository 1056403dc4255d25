/** Reads what is remembered of one Hull entity's record, or of the service's record. */
import { withoutAbsent } from "../database/absent";
import type { MirrorRow } from "../port/rows";
import type { Lane, InspectedRecord, RecordView } from "../port/store";
import { lastSeenOf } from "./last-seen";
import { placeOf, seenFrom } from "./senders";
import { linkOf, mirrorRow, pathOf, remoteRow, type Tables } from "./tables";

/** A row of the mirror as the lane's tenant knows it. */
export function mirrorSeenFrom(
  tables: Tables,
  lane: Lane,
  type: string,
  id: string | undefined,
): MirrorRow | undefined {
  const remote = remoteRow(tables, lane.remote);
  const row = id === undefined ? undefined : mirrorRow(tables, remote, type, id);
  return row === undefined ? undefined : seenFrom(placeOf(remote, lane.tenant), row);
}

export function viewOf(tables: Tables, lane: Lane, type: string, hullId: string): RecordView {
  const record = tables.records.get([lane.remote, type, hullId]);
  const entry = tables.outbox.get(pathOf({ ...lane, type, hullId }));
  const remoteId = linkOf(remoteRow(tables, lane.remote), record);
  return { record, entry, mirror: mirrorSeenFrom(tables, lane, type, remoteId) };
}

export function inspectRecord(tables: Tables, lane: Lane, type: string, hullId: string): InspectedRecord {
  const path = pathOf({ ...lane, type, hullId });
  const remote = remoteRow(tables, lane.remote);
  const view = viewOf(tables, lane, type, hullId);
  const remoteId = linkOf(remote, view.record);
  return withoutAbsent({
    ...view,
    hullUpdate: tables.hullUpdates.get(path),
    deadLetter: tables.dead.get(path),
    listedAtMs: remoteId === undefined ? undefined : lastSeenOf(tables, remote, type, remoteId)?.[0],
  });
}

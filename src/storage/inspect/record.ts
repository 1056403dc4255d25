/** Reads everything that is remembered of one Hull entity's record. */
import { withoutAbsent } from "../database/absent";
import { placeOf, seenFrom } from "../tables/senders";
import { lastSeenOf } from "../tables/last-seen";
import type { Lane, InspectedRecord } from "../port/store";
import { linkOf, mirrorRow, remoteRow, type Tables } from "../tables/tables";

export function inspectRecord(tables: Tables, lane: Lane, type: string, hullId: string): InspectedRecord {
  const remote = remoteRow(tables, lane.remote);
  const record = tables.records.get([lane.remote, type, hullId]);
  const place = [lane.remote, lane.tenant, type, hullId];
  const [entry, hullUpdate, deadLetter] = [
    tables.outbox.get(place),
    tables.hullUpdates.get(place),
    tables.dead.get(place),
  ];
  const remoteId = linkOf(remote, record);
  const mirror = remoteId === undefined ? undefined : mirrorRow(tables, remote, type, remoteId);
  const listedAtMs = remoteId === undefined ? undefined : lastSeenOf(tables, remote, type, remoteId)?.[0];
  return withoutAbsent({
    record,
    mirror: mirror === undefined ? undefined : seenFrom(placeOf(remote, lane.tenant), mirror),
    entry,
    hullUpdate,
    deadLetter,
    listedAtMs,
  });
}

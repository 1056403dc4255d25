/** What the rest of the engine is shown of documents: what is due, and everything that is known of a record. */
import type { Documents, DuePlace } from "../../storage/port/documents";
import type {
  DeadLetterRow,
  HullUpdateRow,
  MirrorRow,
  OwnPart,
  RecordDocument,
  RecordPlace,
} from "../../storage/port/rows";
import type { DueEntry, RecordView } from "../../storage/port/store";
import { linkOf, ownOf, recordRow, withFlight } from "./events/document";
import { seenFrom } from "./events/remote-record";

/** Places of a queue that are looked at together. */
export const PAGE = 500;

/** A connector's part of a record, as it is stored. */
export function ownAt(documents: Documents, { tenant, type, hullId }: RecordPlace): OwnPart {
  return ownOf(documents.record(type, hullId), { number: documents.numberIn(tenant) ?? "" });
}

/** A remote record of today's generation. */
export function mirrorOf(documents: Documents, type: string, id: string | undefined): MirrorRow | undefined {
  const row = id === undefined ? undefined : documents.mirror(type, id);
  return row?.generation === documents.remote().generation ? row : undefined;
}

/** The same as a connector knows it. */
export function mirrorFor(
  documents: Documents,
  tenant: string,
  type: string,
  id: string | undefined,
): MirrorRow | undefined {
  const row = mirrorOf(documents, type, id);
  return row && seenFrom(documents.numberIn(tenant), row);
}

export function deadLetterIn(documents: Documents, place: RecordPlace): DeadLetterRow | undefined {
  const { deadLetter } = ownAt(documents, place);
  if (deadLetter === undefined) return undefined;
  const { id: _, ...rest } = deadLetter;
  const { tenant, type, hullId } = place;
  return { remote: documents.remote().key, tenant, type, hullId, ...rest };
}

/** Everything that a connector's queue leads to: what is due first. */
function* walk<T>(
  placesAfter: (after: DuePlace | undefined) => readonly DuePlace[],
  rowAt: (place: DuePlace) => T | undefined,
): Iterable<T> {
  for (let after: DuePlace | undefined, full = true; full;) {
    const places = placesAfter(after);
    for (const place of places) {
      const row = rowAt(place);
      if (row !== undefined) yield row;
    }
    after = places.at(-1);
    full = places.length === PAGE;
  }
}

export function entriesOf(documents: Documents, tenant: string, type: string, untilMs?: number): Iterable<DueEntry> {
  return walk(
    (after) => documents.due(tenant, type, { limit: PAGE, untilMs, after }),
    ({ hullId }) => {
      const { document, own, mirror } = knownOf(documents, tenant, type, hullId);
      const { entry } = own;
      // What is in flight is in the queue as well, until its result is known.
      if (document === undefined || entry === undefined || entry.attempt !== undefined) return undefined;
      // What is copied comes last, here and below: V8 is slow where fields are added to a copy.
      const { unconfirmed } = document;
      return { tenant, type, hullId, unconfirmed, record: recordRow(document, own), mirror, ...entry };
    },
  );
}

export function hullUpdatesOf(documents: Documents, tenant: string, untilMs?: number): Iterable<HullUpdateRow> {
  return walk(
    (after) => documents.dueHullUpdates(tenant, { limit: PAGE, untilMs, after }),
    ({ type, hullId }) => {
      const { hullUpdate } = ownAt(documents, { tenant, type, hullId });
      return hullUpdate && { tenant, type, hullId, ...hullUpdate };
    },
  );
}

interface Known {
  /** With what is in flight of it. */
  readonly document: RecordDocument | undefined;
  readonly own: OwnPart;
  readonly mirror: MirrorRow | undefined;
}

function knownOf(documents: Documents, tenant: string, type: string, hullId: string): Known {
  const flightOf = (seq: number): number | undefined => documents.flights(tenant).get(seq);
  const at = { number: documents.numberIn(tenant) ?? "", flightOf };
  const document = withFlight(documents.record(type, hullId), at);
  const own = ownOf(document, at);
  return { document, own, mirror: mirrorFor(documents, tenant, type, linkOf(document, documents.remote().generation)) };
}

export function viewOf(documents: Documents, tenant: string, type: string, hullId: string): RecordView {
  const { document, own, mirror } = knownOf(documents, tenant, type, hullId);
  return {
    record: document && recordRow(document, own),
    entry: own.entry && { tenant, type, hullId, unconfirmed: document?.unconfirmed, ...own.entry },
    mirror,
  };
}

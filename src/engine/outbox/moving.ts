/** A connector points to another remote: what waits moves along. */
import type { BlockedPlace, DocumentsOf, DuePlace, PageQuery } from "../../storage/port/documents";
import type { RecordName } from "../../storage/port/rows";
import type { Lane, RecordOutcome, Store } from "../../storage/port/store";
import type { Stored } from "../../storage/port/stored";
import { carryOut, claimsOf, momentOf, openCommit } from "./effects";
import { ownOf } from "./events/document";
import { moved } from "./events/moved";
import type { Shell } from "./shell";
import { inSlices } from "./slices";

export function createMoving(stored: Stored, { placesWhere }: Shell): Pick<Store, "assign" | "reassign" | "move"> {
  const move = async (lane: Lane, to: string): Promise<readonly RecordOutcome[]> => {
    const { remote, tenant } = lane;
    const due = await placesWhere(remote, (documents, query: PageQuery<DuePlace>) =>
      documents.due(tenant, undefined, query),
    );
    const waiting = await placesWhere(
      remote,
      (documents, query: PageQuery<BlockedPlace>) => documents.blocked(query),
      (_, place) => place.tenant === tenant,
    );
    return inSlices([...due, ...waiting], (slice) =>
      stored.commit((documentsOf) => moveSome(documentsOf, lane, to, slice)),
    );
  };

  return {
    assign: async (tenant, remote, fingerprint) => {
      const { row, left } = await stored.assignRemote(tenant, remote, fingerprint);
      if (left !== undefined) await move(left, remote);
      return row;
    },
    reassign: async (tenant, from, to) => {
      const done = await stored.reassignRemote(tenant, from, to);
      return done && { row: done.row, outcomes: done.left === undefined ? [] : await move(done.left, to.remote) };
    },
    move,
  };
}

function moveSome(
  documentsOf: DocumentsOf,
  { remote, tenant }: Lane,
  to: string,
  places: readonly RecordName[],
): readonly RecordOutcome[] {
  const from = openCommit(documentsOf(remote));
  const there = openCommit(documentsOf(to));
  const left = new Set<number>();
  for (const { type, hullId } of places) {
    const document = from.documents.record(type, hullId);
    if (document === undefined) continue;
    const [at, atThere] = [momentOf(from, tenant), momentOf(there, tenant)];
    const { entry } = ownOf(document, at);
    for (const content of [entry?.content, entry?.attempt?.content]) if (content) left.add(content.seq);
    const result = moved(document, there.documents.record(type, hullId), at, atThere);
    const change = { document: result.from, ended: result.ended };
    carryOut(from, { tenant, type, hullId }, change, claimsOf(document, at));
    there.documents.putRecord(type, hullId, result.to);
  }
  // Content keeps its number: should it come back, it must not count as in flight.
  from.documents.endFlights(tenant, (seq) => left.has(seq));
  return from.outcomes;
}

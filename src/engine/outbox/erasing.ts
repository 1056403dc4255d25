/** What is forgotten: entities that Hull deleted, and what is old. */
import groupBy from "lodash/groupBy";
import type { Documents } from "../../storage/port/documents";
import type { RecordPlace } from "../../storage/port/rows";
import type { RecordOutcome, Store } from "../../storage/port/store";
import type { Stored } from "../../storage/port/stored";
import { distrustScan, forgetMirror } from "./delivery";
import { carryOut, countFolded, follow, momentOf } from "./effects";
import { ownOf } from "./events/document";
import { aged, erased, forgotten, isErased } from "./events/forgotten";
import { unfolded } from "./events/settled";
import type { Shell } from "./shell";
import { ownAt } from "./views";

/** Records that housekeeping looks at in one step. */
const AGED_AT_ONCE = 1_000;

export function createErasing(
  stored: Stored,
  { each, rewrite, finish, reading }: Shell,
): Pick<Store, "forgetEntity" | "housekeep"> {
  async function forgetEntity(
    ...[tenant, { types, children }, hullId]: Parameters<Store["forgetEntity"]>
  ): Promise<readonly RecordOutcome[]> {
    const outcomes: RecordOutcome[] = [];
    for (const remote of await stored.remotesOf(tenant)) {
      for (const type of types) {
        const own = { tenant, type, hullId };
        for (const child of children) {
          const found = await stored.childrenOf({ remote, tenant }, own, child);
          outcomes.push(...(await forgetAll(remote, found)));
        }
        outcomes.push(...(await forgetAll(remote, [own])));
      }
    }
    await stored.forgetReportLines(tenant, hullId);
    return outcomes;
  }

  async function forgetAll(remote: string, places: readonly RecordPlace[]): Promise<readonly RecordOutcome[]> {
    const forgetTrails = async (): Promise<void> => {
      const trails = await reading(remote, (documents) => places.map((place) => ownAt(documents, place).trail));
      for (const [index, place] of places.entries()) {
        const trail = trails[index];
        if (trail !== undefined) await stored.forgetTrail(place.tenant, place, trail);
      }
    };
    // As long as the document leads to it; and once more, of what came meanwhile.
    await forgetTrails();
    const late = new Map<string, readonly [RecordPlace, number]>();
    // In one commit: a message that comes between two of them is of somebody new, and must not go with the old one.
    const ended = await each(remote, places, (open, place) => {
      const { documents } = open;
      const { type, hullId } = place;
      for (const id of forgetLinked(documents, place)) follow(open, place, forgetMirror(documents, type, id));
      const document = documents.record(type, hullId);
      if (document === undefined) return;
      const at = momentOf(open, place.tenant);
      const { trail } = ownOf(document, at);
      if (trail !== undefined) late.set(`${type} ${hullId}`, [place, trail]);
      carryOut(open, place, { ...forgotten(document, at), document: erased(document, at) }, {});
      countFolded(open, { ...place, hullId: "" }, unfolded(ownOf(document, at).hullUpdate ?? {}));
    });
    const outcomes = [...ended, ...(await finish(remote))];
    for (const [place, trail] of late.values()) await stored.forgetTrail(place.tenant, place, trail);
    // What had only to stay until its children were done.
    await rewrite(remote, places, (document) => (isErased(document) ? undefined : document));
    return outcomes;
  }

  /** Forgets what is old of the next records. */
  async function age(olderThanMs: number, historyMs: number): Promise<number> {
    let removed = 0;
    for (const [remote, places] of Object.entries(groupBy(await stored.nextRecords(AGED_AT_ONCE), "remote"))) {
      const old = await reading(remote, (documents) =>
        places.filter(({ type, hullId }) => {
          const document = documents.record(type, hullId);
          return document !== undefined && aged(document, documents.nowMs, olderThanMs, historyMs) !== document;
        }),
      );
      // Since then it may have been written again.
      await rewrite(remote, old, (document, { nowMs }) => aged(document, nowMs, olderThanMs, historyMs));
      removed += old.length;
    }
    return removed;
  }

  return {
    forgetEntity,
    housekeep: async (olderThanMs, historyMs = olderThanMs) =>
      (await stored.housekeep(olderThanMs, historyMs)) + (await age(olderThanMs, historyMs)),
  };
}

/** The remote record that the entity is linked to, and those that it was linked to in earlier generations. */
function forgetLinked(documents: Documents, { type, hullId }: RecordPlace): readonly string[] {
  const { remoteId } = documents.record(type, hullId) ?? {};
  const mirror = remoteId === undefined ? undefined : documents.mirror(type, remoteId);
  if (mirror === undefined || mirror.linkedTo !== hullId) return [];
  const namesakes = Object.entries(mirror.keys).flatMap(([name, value]) => [...documents.idsWith(type, name, value)]);
  // The last scan did see that record.
  distrustScan(documents, type);
  return [...new Set([mirror.id, ...namesakes])].filter((id) => documents.mirror(type, id)?.linkedTo === hullId);
}

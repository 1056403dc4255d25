/** What was refused for good: it is shown, dropped, or sent again. */
import countBy from "lodash/countBy";
import groupBy from "lodash/groupBy";
import { deadLetterId } from "../../storage/port/dead-letters";
import type { DeadLetterRow, RecordPlace } from "../../storage/port/rows";
import type { DeadLetterStore, Replay } from "../../storage/port/store";
import type { Stored } from "../../storage/port/stored";
import { createYielding } from "../../yielding";
import { carryOut, idOf, isAlone, isOrphaned, momentOf } from "./effects";
import { ownOf, withFlight, withOwn } from "./events/document";
import { decided, replayed } from "./events/replayed";
import type { Shell } from "./shell";
import { deadLetterIn } from "./views";

export function createDeadLetters(stored: Stored, { work, each, reading, placesWhere }: Shell): DeadLetterStore {
  async function replay(id: string, tenant?: string, run?: string): Promise<readonly Replay[]> {
    const found = await stored.deadLetterPlace(id, tenant);
    if (found === undefined) return [];
    const { remote } = found;
    const yieldIfLong = createYielding();
    const family: RecordPlace[] = [found];
    // The list grows while it is walked; types are a tree, so this ends.
    for (const member of family) {
      family.push(...(await placesWhere(remote, (documents, query) => documents.orphansOf(member, query), isOrphaned)));
      await yieldIfLong();
    }
    // By their ids: a commit may be run more than once, and what an earlier run said of a record does not count.
    const replays = new Map<string, Replay>();
    await each(remote, family, (open, place) => {
      replays.delete(idOf(open.documents, place));
      const at = momentOf(open, place.tenant);
      const document = withFlight(open.documents.record(place.type, place.hullId), at);
      const { deadLetter } = ownOf(document, at);
      if (document === undefined || deadLetter === undefined) return;
      const { state, counts, ...change } = replayed(document, deadLetter, isAlone(open), at, run);
      if (counts !== undefined) open.documents.count(place.tenant, counts, place.type);
      // Like the outcomes of derived records, which no run counts.
      if (run !== undefined && counts === "messages") open.documents.countInRun(run, "met");
      const before = open.outcomes.length;
      carryOut(open, place, change, deadLetter.content.claims);
      const outcomes = open.outcomes.slice(before);
      const { tenant: owner, type, hullId } = place;
      replays.set(deadLetter.id, { id: deadLetter.id, remote, tenant: owner, type, hullId, state, outcomes });
    });
    return [...replays.values()];
  }

  return {
    deadLettersOf: ({ remote, tenant }) =>
      reading(remote, (documents) =>
        documents.deadLetters(tenant).flatMap((place) => deadLetterIn(documents, place) ?? []),
      ),
    deadLetters: async (query) => {
      const { places, next } = await stored.deadLetterPlaces(query);
      const byRemote = groupBy(places, "remote");
      const rows = new Map<string, DeadLetterRow>();
      for (const [remote, own] of Object.entries(byRemote)) {
        const found = await reading(remote, (documents) =>
          own.flatMap((place) => deadLetterIn(documents, place) ?? []),
        );
        for (const row of found) rows.set(deadLetterId(row), row);
      }
      const deadLetters = places.flatMap((place) => rows.get(deadLetterId(place)) ?? []);
      return next === undefined ? { deadLetters } : { deadLetters, next };
    },
    deadLetterCounts: async (query) => {
      const { places, next } = await stored.deadLetterPlaces({ ...query, limit: Infinity });
      const counts = countBy(places, ({ type, code }) => `${type}/${code}`);
      return next === undefined ? { counts } : { counts, next };
    },
    deadLetter: async (id, tenant) => {
      const place = await stored.deadLetterPlace(id, tenant);
      return place && reading(place.remote, (documents) => deadLetterIn(documents, place));
    },
    dropDeadLetter: async (id, tenant) => {
      const place = await stored.deadLetterPlace(id, tenant);
      if (place === undefined) return undefined;
      return work(place.remote, (open) => {
        const row = deadLetterIn(open.documents, place);
        const document = open.documents.record(place.type, place.hullId);
        if (row === undefined || document === undefined) return undefined;
        const closed = withOwn(decided(document, row.ending), momentOf(open, place.tenant), { deadLetter: undefined });
        open.documents.putRecord(place.type, place.hullId, closed);
        return row;
      });
    },
    replayDeadLetter: replay,
  };
}

/**
 * The outbox as the rest of the engine uses it: each operation is a few commits, in which events are worked on by the
 * rules beside this file. Long ones go in slices, so that requests are served in between.
 */
import groupBy from "lodash/groupBy";
import { deadLetterId } from "../../storage/port/dead-letters";
import type { Documents, DocumentsOf, DuePlace, RecordPlace } from "../../storage/port/documents";
import type { DeadLetterRow } from "../../storage/port/rows";
import type { Accepted, InspectedRecord, Lane, RecordOutcome, Replay, Store } from "../../storage/port/store";
import type { Stored } from "../../storage/port/stored";
import { notTooMany } from "../../storage/port/weight";
import { fingerprintOf } from "./events/accepted";
import { attempted, lost } from "./events/attempted";
import { distrustScan, forgetMirror, settleOne } from "./delivery";
import { hullUpdateRow, ownOf, present, withFlight, withOwn } from "./events/document";
import { carryOut, countFolded, familyOf, follow, idOf, isAlone, momentOf, openCommit } from "./effects";
import { aged, erased, forgotten, isShell } from "./events/forgotten";
import { acceptOne } from "./intake";
import { moved } from "./events/moved";
import { createReading } from "./reading";
import { confirmed } from "./events/remote-record";
import { decided, replayed } from "./events/replayed";
import { createShell } from "./shell";
import { inSlices } from "./slices";
import { unfolded } from "./events/settled";
import { deferred, told, toldFolded } from "./events/told";
import { deadLetterIn, entriesOf, hullUpdatesOf, mirrorOf, ownIn, PAGE, viewOf } from "./views";

/** Records that housekeeping looks at in one step. */
const AGED_AT_ONCE = 1_000;

export function createOutbox(stored: Stored): Store {
  const { commit } = stored;
  const shell = createShell(stored);
  const { work, each, finish, reading } = shell;

  async function accept(...[acceptances, progress]: Parameters<Store["accept"]>): Promise<readonly Accepted[]> {
    const last = acceptances.at(-1);
    return inSlices(acceptances, async (slice) => {
      const accepted = await commit((documentsOf) => {
        const all = slice.map((given) => acceptOne(documentsOf, given));
        if (progress !== undefined && slice.at(-1) === last) documentsOf("").changeRun(progress.run, progress.change);
        return all;
      });
      const late = new Map<string, readonly RecordOutcome[]>();
      for (const [index, { unfinished }] of accepted.entries()) {
        const remote = slice[index]?.remote;
        if (unfinished && remote !== undefined && !late.has(remote)) late.set(remote, await finish(remote));
      }
      return accepted.map(({ unfinished: _, ...result }, index) => {
        const children = late.get(slice[index]?.remote ?? "") ?? [];
        late.delete(slice[index]?.remote ?? "");
        return children.length === 0 ? result : { ...result, children: [...result.children, ...children] };
      });
    });
  }

  async function moveAll(lane: Lane, remote: string): Promise<void> {
    for (let more = true; more;) {
      more = await commit((documentsOf) => moveSome(documentsOf, lane, remote));
    }
  }

  function moveSome(documentsOf: DocumentsOf, { remote, tenant }: Lane, to: string): boolean {
    const from = openCommit(documentsOf(remote));
    const there = openCommit(documentsOf(to));
    const places = entryPlaces(from.documents, tenant, PAGE / 2);
    const left = new Set<number>();
    for (const { type, hullId } of places) {
      const document = from.documents.record(type, hullId);
      if (document === undefined) continue;
      const { entry } = ownOf(document, momentOf(from, tenant));
      for (const content of [entry?.content, entry?.attempt?.content]) if (content) left.add(content.seq);
      const result = moved(
        document,
        there.documents.record(type, hullId),
        momentOf(from, tenant),
        momentOf(there, tenant),
      );
      const place = { tenant, type, hullId };
      carryOut(from, place, { document: result.from, ended: result.ended, effects: [] }, {});
      there.documents.putRecord(type, hullId, result.to);
    }
    // Content keeps its number: should it come back, it must not count as in flight.
    from.documents.endFlights(tenant, (seq) => left.has(seq));
    return places.length > 0;
  }

  /** Records of a connector with an entry, whatever it waits for. */
  function entryPlaces(documents: Documents, tenant: string, limit: number): readonly RecordPlace[] {
    const due = documents.due(tenant, undefined, { limit });
    return due.length > 0
      ? due.map(({ type, hullId }) => ({ tenant, type, hullId }))
      : documents.blocked(tenant, limit);
  }

  /** Places of a queue. Page by page: a queue may hold far more than should be in memory at once. */
  async function placesWhere(
    remote: string,
    placesAfter: (documents: Documents, after: DuePlace | undefined) => readonly DuePlace[],
    isWanted: (place: DuePlace, documents: Documents) => boolean,
  ): Promise<readonly DuePlace[]> {
    const found: DuePlace[] = [];
    for (let after: DuePlace | undefined, more = true; more;) {
      const from = after;
      const page = await reading(remote, (documents) => {
        const places = placesAfter(documents, from);
        return { places, wanted: places.filter((place) => isWanted(place, documents)) };
      });
      found.push(...page.wanted);
      after = page.places.at(-1);
      more = page.places.length === PAGE;
    }
    return found;
  }

  async function recover({ remote, tenant }: Lane, settleMs: number): Promise<number> {
    const { result: repeatable } = await work(remote, ({ documents }) => {
      const { size } = documents.flights(tenant);
      documents.endFlights(tenant, () => true);
      return size;
    });
    // From here on a newer message makes no attempt of it any more, which would be found by nobody.
    const flying = await placesWhere(
      remote,
      (documents, after) => documents.due(tenant, undefined, { limit: PAGE, after }),
      ({ type, hullId }, documents) =>
        ownIn(documents, documents.record(type, hullId), tenant).entry?.attempt !== undefined,
    );
    await each(remote, flying, (open, { type, hullId }) => {
      const document = open.documents.record(type, hullId);
      const settlement = document && lost(document, { tenant, type, hullId }, settleMs, momentOf(open, tenant));
      if (settlement !== undefined) settleOne(open, { remote, tenant }, settlement);
    });
    await finish(remote);
    return flying.length + repeatable;
  }

  async function retryNow({ remote, tenant }: Lane): Promise<void> {
    const nowMs = await reading(remote, (documents) => documents.nowMs);
    const isLater = ({ atMs }: DuePlace): boolean => atMs > nowMs;
    const entries = await placesWhere(
      remote,
      (documents, after) => documents.due(tenant, undefined, { limit: PAGE, after }),
      isLater,
    );
    const updates = await placesWhere(
      remote,
      (documents, after) => documents.dueHullUpdates(tenant, { limit: PAGE, after }),
      isLater,
    );
    await each(remote, entries, (open, { type, hullId }) => {
      const document = open.documents.record(type, hullId);
      const at = momentOf(open, tenant);
      const { entry } = ownOf(document, at);
      // Nothing makes the answer to a lost create come sooner.
      if (document === undefined || entry?.content === undefined || document.unconfirmed !== undefined) return;
      open.documents.putRecord(type, hullId, withOwn(document, at, { entry: { ...entry, notBeforeMs: open.nowMs } }));
    });
    await each(remote, updates, (open, { type, hullId }) => {
      const document = open.documents.record(type, hullId);
      open.documents.putRecord(type, hullId, deferred(document, open.nowMs, 0, momentOf(open, tenant)));
    });
  }

  async function inspectRecord({ remote, tenant }: Lane, type: string, hullId: string): Promise<InspectedRecord> {
    const known = await reading(remote, (documents) => {
      const own = ownIn(documents, documents.record(type, hullId), tenant);
      const place = { tenant, type, hullId };
      return {
        ...viewOf(documents, tenant, type, hullId),
        hullUpdate: own.hullUpdate && hullUpdateRow(place, own.hullUpdate),
        deadLetter: deadLetterIn(documents, place),
      };
    });
    const id = known.mirror?.id;
    const listedAtMs = id === undefined ? undefined : await stored.listedAt(remote, type, id);
    return present({ ...known, listedAtMs });
  }

  async function replay(id: string, tenant?: string): Promise<readonly Replay[]> {
    const found = await stored.deadLetterPlace(id, tenant);
    if (found === undefined) return [];
    const { remote } = found;
    const family = await reading(remote, (documents) => familyOf(documents, found));
    // By their ids: a commit may be run more than once, and what an earlier run said of a record does not count.
    const replays = new Map<string, Replay>();
    await each(remote, family, (open, place) => {
      replays.delete(idOf(open.documents, place));
      const at = momentOf(open, place.tenant);
      const document = withFlight(open.documents.record(place.type, place.hullId), at);
      const { deadLetter } = ownOf(document, at);
      if (document === undefined || deadLetter === undefined) return;
      const { state, counts, ...change } = replayed(document, deadLetter, isAlone(open), at);
      if (counts !== undefined) open.documents.count(place.tenant, counts, place.type);
      const before = open.outcomes.length;
      carryOut(open, place, change, deadLetter.content.claims);
      const outcomes = open.outcomes.slice(before);
      const { tenant: owner, type, hullId } = place;
      replays.set(deadLetter.id, { id: deadLetter.id, remote, tenant: owner, type, hullId, state, outcomes });
    });
    return [...replays.values()];
  }

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
    // In one commit: a message that comes between two of them is of somebody new, and must not go with the old one.
    const outcomes = await each(remote, places, (open, place) => {
      const { documents } = open;
      const { type, hullId } = place;
      for (const id of forgetLinked(documents, place)) follow(open, place, forgetMirror(documents, type, id));
      const document = documents.record(type, hullId);
      if (document === undefined) return;
      const at = momentOf(open, place.tenant);
      carryOut(open, place, { ...forgotten(document, at), document: erased(document, at) }, {});
      countFolded(open, place, unfolded(ownOf(document, at).hullUpdate ?? {}));
    });
    // What had only to stay until its children were done.
    await each(remote, places, ({ documents }, { type, hullId }) => {
      const document = documents.record(type, hullId);
      if (document !== undefined && isShell(document)) documents.putRecord(type, hullId, undefined);
    });
    return outcomes;
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

  /** Forgets what is old of the next records. */
  async function age(olderThanMs: number): Promise<number> {
    let removed = 0;
    for (const [remote, places] of Object.entries(groupBy(await stored.nextRecords(AGED_AT_ONCE), "remote"))) {
      const old = await reading(remote, (documents) =>
        places.filter(({ type, hullId }) => {
          const document = documents.record(type, hullId);
          return document !== undefined && aged(document, documents.nowMs, olderThanMs) !== document;
        }),
      );
      await each(remote, old, ({ documents, nowMs }, { type, hullId }) => {
        const document = documents.record(type, hullId);
        // Since then it may have been written again.
        if (document !== undefined) documents.putRecord(type, hullId, aged(document, nowMs, olderThanMs));
      });
      removed += old.length;
    }
    return removed;
  }

  return {
    ...stored,
    ...createReading(stored, shell),
    assign: async (tenant, remote, fingerprint) => {
      const { row, left } = await stored.assignRemote(tenant, remote, fingerprint);
      if (left !== undefined) await moveAll(left, remote);
      return row;
    },
    reassign: async (tenant, from, to) => {
      const done = await stored.reassignRemote(tenant, from, to);
      if (done?.left !== undefined) await moveAll(done.left, to.remote);
      return done?.row;
    },
    move: moveAll,

    fingerprints: ({ remote, tenant }, type, hullIds) =>
      reading(remote, (documents) => {
        const at = { number: documents.numberIn(tenant) ?? "", generation: documents.remote().generation };
        return hullIds.map((hullId) => {
          const document = documents.record(type, hullId);
          const fingerprint = fingerprintOf(document, at);
          return fingerprint === undefined ? undefined : { fingerprint, confirmedAtMs: document?.confirmedAtMs };
        });
      }),
    view: ({ remote, tenant }, type, hullIds) =>
      reading(remote, (documents) => hullIds.map((hullId) => viewOf(documents, tenant, type, hullId))),
    accept,
    inspectRecord,
    findBy: ({ remote }, type, { name, value, key }, limit) =>
      reading(remote, (documents) => {
        const found = new Set(documents.idsClaiming(type, name, value, limit));
        if (key === undefined) return [...found];
        for (const id of documents.idsWith(type, key, value)) {
          if (found.size >= limit) break;
          const linked = mirrorOf(documents, type, id)?.linkedTo;
          if (linked !== undefined) found.add(linked);
        }
        return [...found].slice(0, limit);
      }),

    ready: ({ remote, tenant }, type, limit) =>
      reading(remote, (documents) => notTooMany(entriesOf(documents, tenant, type, documents.nowMs), limit)),
    nextDue: ({ remote, tenant }, types) =>
      reading(remote, (documents) => {
        const heads = types.flatMap((type) => notTooMany(entriesOf(documents, tenant, type), 1));
        return heads.length === 0 ? undefined : Math.min(...heads.map(({ notBeforeMs }) => notBeforeMs));
      }),
    nextHullUpdateDue: ({ remote, tenant }) =>
      reading(remote, (documents) => documents.dueHullUpdates(tenant, { limit: 1 })[0]?.atMs),
    attempt: ({ remote, tenant }, requests) =>
      inSlices(requests, async (slice) => {
        const { result } = await work(remote, (open) => {
          const at = momentOf(open, tenant);
          const taken = slice.map((request) => {
            const { type, hullId } = request;
            const document = withFlight(open.documents.record(type, hullId), at);
            const change = attempted(document, request, at);
            if (change !== undefined) open.documents.putRecord(type, hullId, change.document);
            return change !== undefined;
          });
          const isFlight = ({ repeatable }: (typeof slice)[number], index: number): boolean =>
            repeatable && taken[index] === true;
          open.documents.putFlight(
            tenant,
            slice.filter(isFlight).map(({ seq }) => seq),
          );
          return taken;
        });
        return result;
      }),
    settle: async (lane, settlements) => ({
      outcomes: await inSlices(settlements, async (slice) => {
        const seqs = new Set(slice.map(({ seq }) => seq));
        const { outcomes } = await work(lane.remote, (open) => {
          slice.forEach((settlement) => settleOne(open, lane, settlement));
          open.documents.endFlights(lane.tenant, (seq) => seqs.has(seq));
        });
        return outcomes;
      }),
    }),
    retryNow,
    recover,

    hullUpdates: ({ remote, tenant }, limit) =>
      reading(remote, (documents) => notTooMany(hullUpdatesOf(documents, tenant, documents.nowMs), limit)),
    confirmed: ({ remote, tenant }, rows) =>
      each(remote, rows, (open, { row, refused }) => {
        const { type, hullId } = row;
        const at = momentOf(open, tenant);
        const change = told(open.documents.record(type, hullId), row, refused, at);
        if (change === undefined) return;
        const mirror = refused === undefined ? mirrorOf(open.documents, type, row.remoteId) : undefined;
        if (mirror !== undefined) open.documents.putMirror(type, mirror.id, confirmed(mirror, row.facts));
        carryOut(open, { tenant, type, hullId }, change, row.claims);
        countFolded(open, { tenant, type, hullId }, toldFolded(row, refused));
      }),
    deferHullUpdates: async ({ remote, tenant }, rows, notBeforeMs) => {
      await each(remote, rows, (open, { type, hullId, attempts }) => {
        const document = open.documents.record(type, hullId);
        open.documents.putRecord(type, hullId, deferred(document, notBeforeMs, attempts + 1, momentOf(open, tenant)));
      });
    },

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
    deadLetter: async (id, tenant) => {
      const place = await stored.deadLetterPlace(id, tenant);
      return place && reading(place.remote, (documents) => deadLetterIn(documents, place));
    },
    dropDeadLetter: async (id, tenant) => {
      const place = await stored.deadLetterPlace(id, tenant);
      if (place === undefined) return undefined;
      const { result } = await work(place.remote, (open) => {
        const row = deadLetterIn(open.documents, place);
        const document = open.documents.record(place.type, place.hullId);
        if (row === undefined || document === undefined) return undefined;
        const closed = withOwn(decided(document, row.ending), momentOf(open, place.tenant), { deadLetter: undefined });
        open.documents.putRecord(place.type, place.hullId, closed);
        return row;
      });
      return result;
    },
    replayDeadLetter: replay,
    forgetEntity,
    housekeep: async (olderThanMs) => (await stored.housekeep(olderThanMs)) + (await age(olderThanMs)),
  };
}

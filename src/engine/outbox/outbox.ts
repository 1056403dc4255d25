/**
 * The outbox as the rest of the engine uses it: each operation is a few commits, in which events are worked on by the
 * rules beside this file. Long ones go in slices, so that requests are served in between.
 */
import pickBy from "lodash/pickBy";
import type { BlockedPlace, Documents, DuePlace, PageQuery } from "../../storage/port/documents";
import type { RecordName } from "../../storage/port/rows";
import type { Accepted, InspectedRecord, Lane, Store } from "../../storage/port/store";
import type { Stored } from "../../storage/port/stored";
import { notTooMany } from "../../weight";
import { createDeadLetters } from "./dead-letters";
import { markUnread, settleOne } from "./delivery";
import { carryOut, countFolded, momentOf } from "./effects";
import { createErasing } from "./erasing";
import { fingerprintOf } from "./events/accepted";
import { attempted, lost } from "./events/attempted";
import { linkOf, ownOf, withFlight, withOwn } from "./events/document";
import { orphaned, rechecked } from "./events/rechecked";
import { confirmed } from "./events/remote-record";
import { deferred, told, toldFolded } from "./events/told";
import { acceptOne } from "./intake";
import { createMoving } from "./moving";
import { createReading } from "./reading";
import { createShell } from "./shell";
import { inSlices } from "./slices";
import { deadLetterIn, entriesOf, hullUpdatesOf, mirrorOf, ownAt, viewOf } from "./views";

export function createOutbox(stored: Stored): Store {
  const { commit } = stored;
  const shell = createShell(stored);
  const { work, each, rewrite, finish, reading, placesWhere } = shell;

  async function accept(...[acceptances, progress]: Parameters<Store["accept"]>): Promise<readonly Accepted[]> {
    const last = acceptances.at(-1);
    const accepted = await inSlices(acceptances, (slice) =>
      commit((documentsOf) => {
        const all = slice.map((given) => acceptOne(documentsOf, given));
        if (progress !== undefined && slice.at(-1) === last) documentsOf("").changeRun(progress.run, progress.change);
        return all;
      }),
    );
    const results: Accepted[] = [];
    for (const [index, { unfinished, ...result }] of accepted.entries()) {
      const late = unfinished ? await finish(acceptances[index]?.remote ?? "") : [];
      results.push(late.length === 0 ? result : { ...result, children: [...result.children, ...late] });
    }
    return results;
  }

  const dueOf =
    (tenant: string) =>
    (documents: Documents, query: PageQuery<DuePlace>): readonly DuePlace[] =>
      documents.due(tenant, undefined, query);

  const recover: Store["recover"] = async (
    { remote, tenant },
    settleMs,
    isSilent = false,
    isRepeatable = () => true,
  ) => {
    if (isSilent) await markOrphaned({ remote, tenant });
    await journalWaiting({ remote, tenant }, isRepeatable);
    const repeatable = await work(remote, ({ documents }) => {
      const { size } = documents.flights(tenant);
      documents.endFlights(tenant, () => true);
      return size;
    });
    // From here on a newer message makes no attempt of it any more, which would be found by nobody.
    const flying = await placesWhere(
      remote,
      dueOf(tenant),
      (documents, { type, hullId }) => ownAt(documents, { tenant, type, hullId }).entry?.attempt !== undefined,
    );
    const ended = await each(remote, flying, (open, { type, hullId }) => {
      const document = open.documents.record(type, hullId);
      const settlement = document && lost(document, { tenant, type, hullId }, settleMs, momentOf(open, tenant));
      if (settlement !== undefined) settleOne(open, settlement);
    });
    return { recovered: flying.length + repeatable, outcomes: [...ended, ...(await finish(remote))] };
  };

  /** The store was set back: what waits may be written already, as if it had been in flight when the process ended. */
  async function journalWaiting({ remote, tenant }: Lane, isRepeatable: (type: string) => boolean): Promise<void> {
    const { wentBackAtMs } = await reading(remote, (documents) => documents.remote());
    if (wentBackAtMs === undefined) return;
    const mayBeWritten = (documents: Documents, { type, hullId }: RecordName): boolean => {
      const document = documents.record(type, hullId);
      const at = { number: documents.numberIn(tenant) ?? "", generation: documents.remote().generation };
      const { content, acceptedAtMs = Infinity } = ownOf(document, at).entry ?? {};
      if (content === undefined || acceptedAtMs > wentBackAtMs) return false;
      return content.once === true || linkOf(document, at.generation) === undefined || !isRepeatable(type);
    };
    const due = await placesWhere(remote, dueOf(tenant), mayBeWritten);
    const blocked = await placesWhere(
      remote,
      (documents, query: PageQuery<BlockedPlace>) => documents.blocked(query),
      (documents, place) => place.tenant === tenant && mayBeWritten(documents, place),
    );
    await rewrite<RecordName>(remote, [...due, ...blocked], (document, open, { type, hullId }) => {
      const at = momentOf(open, tenant);
      const { entry } = ownOf(document, at);
      if (entry?.content === undefined) return document;
      const free = withOwn(document, at, { entry: { ...entry, blockedOn: undefined } });
      return attempted(free, { type, hullId, seq: entry.content.seq, repeatable: false }, at) ?? document;
    });
  }

  /** Whoever had it in flight may write it still. */
  async function markOrphaned({ remote, tenant }: Lane): Promise<void> {
    const flying = await placesWhere(remote, dueOf(tenant), (documents, { type, hullId }) => {
      const { entry } = ownAt(documents, { tenant, type, hullId });
      return entry?.attempt !== undefined || documents.flights(tenant).has(entry?.content?.seq ?? 0);
    });
    await rewrite(remote, flying, (document, open) => orphaned(document, momentOf(open, tenant)));
  }

  async function retryNow({ remote, tenant }: Lane): Promise<void> {
    const nowMs = await reading(remote, (documents) => documents.nowMs);
    const isLater = (_: Documents, { atMs }: DuePlace): boolean => atMs > nowMs;
    const entries = await placesWhere(remote, dueOf(tenant), isLater);
    const updates = await placesWhere(remote, (documents, query) => documents.dueHullUpdates(tenant, query), isLater);
    await rewrite(remote, entries, (document, open) => {
      const at = momentOf(open, tenant);
      const { entry } = ownOf(document, at);
      // Nothing makes the answer to a lost create come sooner.
      if (entry?.content === undefined || document.unconfirmed !== undefined) return document;
      return withOwn(document, at, { entry: { ...entry, notBeforeMs: open.nowMs } });
    });
    await rewrite(remote, updates, (document, open) => deferred(document, open.nowMs, 0, momentOf(open, tenant)));
  }

  async function inspectRecord({ remote, tenant }: Lane, type: string, hullId: string): Promise<InspectedRecord> {
    const known = await reading(remote, (documents) => {
      const place = { tenant, type, hullId };
      const { hullUpdate } = ownAt(documents, place);
      return {
        ...viewOf(documents, tenant, type, hullId),
        hullUpdate: hullUpdate && { ...place, ...hullUpdate },
        deadLetter: deadLetterIn(documents, place),
      };
    });
    const id = known.mirror?.id;
    const listedAtMs = id === undefined ? undefined : await stored.listedAt(remote, type, id);
    return pickBy<InspectedRecord>({ ...known, listedAtMs }, (part) => part !== undefined);
  }

  return {
    ...stored,
    under: (terms) => createOutbox(stored.under(terms)),
    ...createReading(stored, shell),
    ...createMoving(stored, shell),
    ...createErasing(stored, shell),
    ...createDeadLetters(stored, shell),

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
      inSlices(requests, (slice) =>
        work(remote, (open) => {
          const at = momentOf(open, tenant);
          const isQueued = ({ type, hullId, seq, notBeforeMs: atMs }: (typeof slice)[number]): boolean =>
            atMs !== undefined &&
            at.flightOf(seq) === undefined &&
            open.documents.isDue(tenant, { type, hullId, seq, atMs });
          const taken = slice.map((request) => {
            // Nothing of the record changes then, so it is not read.
            if (request.repeatable && isQueued(request)) return true;
            const { type, hullId } = request;
            const document = attempted(withFlight(open.documents.record(type, hullId), at), request, at);
            if (document !== undefined) open.documents.putRecord(type, hullId, document);
            return document !== undefined;
          });
          const isFlight = ({ repeatable }: (typeof slice)[number], index: number): boolean =>
            repeatable && taken[index] === true;
          open.documents.putFlight(
            tenant,
            slice.filter(isFlight).map(({ seq }) => seq),
          );
          return taken;
        }),
      ),
    settle: async (lane, settlements) => {
      const ended = await each(
        lane.remote,
        settlements,
        (open, settlement) => settleOne(open, settlement),
        ({ documents }, slice) => {
          const seqs = new Set(slice.map(({ seq }) => seq));
          documents.endFlights(lane.tenant, (seq) => seqs.has(seq));
        },
      );
      return { outcomes: [...ended, ...(await finish(lane.remote))] };
    },
    retryNow,
    recover,
    recheck: async ({ remote, tenant }, records) => {
      await rewrite(remote, records, (document, open, { type }) => {
        if (open.documents.numberIn(tenant) === undefined) return document;
        const at = momentOf(open, tenant);
        markUnread(open.documents, type, document, at);
        return rechecked(document, at);
      });
    },

    hullUpdates: ({ remote, tenant }, limit) =>
      reading(remote, (documents) => notTooMany(hullUpdatesOf(documents, tenant, documents.nowMs), limit)),
    confirmed: async ({ remote, tenant }, rows) => {
      const ended = await each(remote, rows, (open, { row, refused }) => {
        const { type, hullId } = row;
        const at = momentOf(open, tenant);
        const change = told(open.documents.record(type, hullId), row, refused, at);
        if (change === undefined) return;
        const mirror = refused === undefined ? mirrorOf(open.documents, type, row.remoteId) : undefined;
        if (mirror !== undefined) open.documents.putMirror(type, mirror.id, confirmed(mirror, row.facts));
        carryOut(open, { tenant, type, hullId }, change, row.claims);
        countFolded(open, { tenant, type, hullId }, toldFolded(row, refused));
      });
      return [...ended, ...(await finish(remote))];
    },
    deferHullUpdates: ({ remote, tenant }, rows, notBeforeMs) =>
      rewrite(remote, rows, (document, open, { attempts }) =>
        deferred(document, notBeforeMs, attempts + 1, momentOf(open, tenant)),
      ),
  };
}

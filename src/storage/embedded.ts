/** The Store on an ordered key-value database with transactions (LMDB on disk, or memory in unit tests). */
import min from "lodash/min";
import { acceptOne, fingerprintOf } from "./outbox/accept";
import { backlogOf, busyLanes, depthOf, laneHealth, noteStart, startsOf, tallyOf } from "./tables/figures";
import { fetchView, forgetGone, markMissing, sharedKeys, takeFetched } from "./outbox/fetched";
import { forgetEntity } from "./erase/record";
import { forgetTenant } from "./erase/tenant";
import { retryEntriesNow, readyEntries } from "./tables/entries";
import { findBy } from "./tables/claim-index";
import type { KeyValue } from "./database/kv";
import { closeDeadLetter, familyOf, findDeadLetter, indexOldDeadLetters, listDeadLetters } from "./tables/dead-letters";
import { candidates, confirmFacts, markUnknown, noteScan, observe } from "./tables/mirror";
import { inspectRecord, mirrorSeenFrom, viewOf } from "./tables/views";
import { decide, replayDeadLetter } from "./outbox/replay";
import { createHousekeeping } from "./erase/retention";
import { connectorOf } from "./port/lane";
import type { EntryRow } from "./port/rows";
import { beginRun, changeRun, lastRun, listRuns, openRunsOf } from "./tables/runs";
import { markSeenBatch, toldUnder } from "./tables/last-seen";
import { createMend } from "./outbox/damaged";
import type { DamagedName } from "./port/disk";
import { inSlices, SLICE } from "./database/slices";
import { attemptOne, recoverOne, settleOne } from "./outbox/settle";
import type { Lane, Store } from "./port/store";
import { hourCounts, transact, type Ledger } from "./tables/ledger";
import {
  FORMAT,
  foldOldIndexes,
  lanesOf,
  openTables,
  remember,
  remembered,
  remoteRow,
  type Tables,
} from "./tables/tables";
import { deferHullUpdate, dueHullUpdates, retryHullUpdatesNow, confirmHullUpdate } from "./tables/hull-updates";
import { moveEntries } from "./outbox/move";
import { assignRemote, newGeneration, reassignRemote, replaceGrant, saveTenant } from "./tables/tenants";

/** How far to search for linked samples. */
const SAMPLE_WALK = 20_000;

export interface EmbeddedStoreOptions {
  readonly kv: KeyValue;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Told of each row whose value was not what was written, once it is mended; see `outbox/damaged.ts`. */
  readonly onDamaged?: ((row: DamagedName) => void) | undefined;
}

/**
 * @throws when the stored data was written by another version of this program
 */
export async function createEmbeddedStore({
  kv: database,
  now,
  onDamaged = () => undefined,
}: EmbeddedStoreOptions): Promise<Store> {
  const opened = openTables(database, now);
  const mend = createMend(opened, onDamaged);
  const kv: KeyValue = { ...opened.kv, transact: (work) => mend(() => opened.kv.transact(work)) };
  const tables: Tables = { ...opened, kv };
  /** For a fetch, which reads every record once and would push out what deliveries need. */
  const passing: Tables = { ...tables, mirror: tables.mirrorInPassing };
  await kv.transact(() => {
    const format = tables.meta.get(["format"]);
    if (format !== undefined && format !== FORMAT) {
      throw new Error(
        `The stored data has format ${format}, this program reads format ${FORMAT}. ` +
          "Start the version that wrote it, or point DATA_DIR to an empty folder.",
      );
    }
    tables.meta.put(["format"], FORMAT);
    indexOldDeadLetters(tables);
  });
  await foldOldIndexes(tables);

  const housekeep = createHousekeeping(tables);

  const laneKey = (lane: Lane): [string, string] => [lane.remote, lane.tenant];
  const read = <T>(work: () => T): Promise<T> => mend(() => kv.read(work));

  const sliced = <T, R>(items: readonly T[], work: (slice: readonly T[], ledger: Ledger) => readonly R[]) =>
    inSlices(items, (slice) => transact(tables, (ledger) => work(slice, ledger)));

  async function eachSlice<T>(items: readonly T[], work: (slice: readonly T[], ledger: Ledger) => void): Promise<void> {
    await sliced(items, (slice, ledger) => {
      work(slice, ledger);
      return [];
    });
  }

  async function moveAll(lane: Lane, remote: string): Promise<void> {
    while (await transact(tables, (ledger) => moveEntries(tables, ledger, lane, remote, SLICE))) {
      // Slice by slice, so that requests are served in between.
    }
  }

  return {
    tenant: (key) => read(() => tables.tenants.get([key])),
    tenants: () => read(() => [...tables.tenants.range([])].map(([, row]) => row)),
    saveTenant: (row, evenOver) => kv.transact(() => saveTenant(tables, row, evenOver)),
    assign: async (tenant, remote, fingerprint) => {
      const { row, left } = await kv.transact(() => assignRemote(tables, tenant, remote, fingerprint));
      if (left !== undefined) await moveAll(left, remote);
      return row;
    },
    reassign: async (tenant, from, to) => {
      const done = await kv.transact(() => reassignRemote(tables, tenant, from, to));
      if (done?.left !== undefined) await moveAll(done.left, to.remote);
      return done?.row;
    },
    move: (lane, remote) => moveAll(lane, remote),
    grant: (tenant) => read(() => tables.grants.get([tenant])),
    replaceGrant: (tenant, before, after) => kv.transact(() => replaceGrant(tables, tenant, before, after)),
    remote: (key) => read(() => remoteRow(tables, key)),
    newGeneration: (key) => kv.transact(() => newGeneration(tables, key)),

    claimNotification: (id, tenant) =>
      kv.transact(() => {
        const connector = connectorOf(tenant);
        const owner = remembered(tables.notifications, id, now());
        if (owner !== undefined) return owner === connector;
        remember(tables.notifications, id, connector, now());
        return true;
      }),

    fingerprints: (lane, type, hullIds) =>
      read(() =>
        hullIds.map((hullId) => {
          const record = tables.records.get([lane.remote, type, hullId]);
          const fingerprint = fingerprintOf(tables, lane.remote, record);
          return fingerprint === undefined ? undefined : { fingerprint, confirmedAtMs: record?.confirmedAtMs };
        }),
      ),

    view: (lane, type, hullIds) => read(() => hullIds.map((hullId) => viewOf(tables, lane, type, hullId))),

    accept: (acceptances, progress) => {
      const last = acceptances.at(-1);
      return sliced(acceptances, (slice, ledger) => {
        const accepted = slice.map((acceptance) => acceptOne(tables, ledger, acceptance));
        if (progress !== undefined && slice.at(-1) === last) changeRun(tables, progress.run, progress.change);
        return accepted;
      });
    },

    inspectRecord: (lane, type, hullId) => read(() => inspectRecord(tables, lane, type, hullId)),
    findBy: (lane, type, asked, limit) => read(() => findBy(tables, lane, type, asked, limit)),

    lanes: () => read(() => busyLanes(tables)),

    ready: (lane, type, limit) => read(() => readyEntries(tables, lane, type, limit)),

    nextDue: (lane, types) =>
      read(() => {
        const heads = types.map((type) => [...tables.queue.range([...laneKey(lane), type], { limit: 1 })][0]?.[0][3]);
        return min(heads.flatMap((time) => (time === undefined ? [] : [Number(time)])));
      }),
    nextHullUpdateDue: (lane) =>
      read(() => {
        const head = [...tables.hullUpdateQueue.range(laneKey(lane), { limit: 1 })][0]?.[0][2];
        return head === undefined ? undefined : Number(head);
      }),

    attempt: (lane, attempts) =>
      sliced(attempts, (slice, ledger) => slice.map((attempt) => attemptOne(tables, ledger, lane, attempt))),

    settle: async (lane, settlements) => ({
      outcomes: await sliced(settlements, (slice, ledger) =>
        slice.flatMap((settlement) => settleOne(tables, ledger, lane, settlement)),
      ),
    }),

    retryNow: async (lane) => {
      await retryEntriesNow(tables, lane);
      await retryHullUpdatesNow(tables, lane);
    },

    recover: (lane, settleMs) =>
      transact(tables, (ledger) => {
        const open: EntryRow[] = [];
        // One by one: an outbox may hold far more than should be in memory at once.
        for (const [, entry] of tables.outbox.range(laneKey(lane))) if (entry.attempt !== undefined) open.push(entry);
        for (const entry of open) recoverOne(tables, ledger, lane, entry, settleMs);
        return open.length;
      }),

    observe: async (remote, type, readAtMs, settleMs, observations, scan) => {
      await eachSlice(observations, (slice) => observe(tables, remote, type, readAtMs, settleMs, slice));
      if (scan !== undefined) await kv.transact(() => noteScan(tables, remote, type, scan));
    },
    candidates: (lane, type, keys) => read(() => candidates(tables, lane, type, keys)),
    mirrors: (lane, type, ids) => read(() => ids.map((id) => mirrorSeenFrom(tables, lane, type, id))),
    sampleLinked: (remote, type, limit) =>
      read(() => {
        const row = remoteRow(tables, remote);
        const ids: string[] = [];
        for (const [, mirror] of tables.mirror.range([remote, type], { limit: SAMPLE_WALK })) {
          if (mirror.generation === row.generation && mirror.linkedTo !== undefined) ids.push(mirror.id);
          if (ids.length >= limit) break;
        }
        return ids;
      }),

    fetchView: (remote, type, ids) => read(() => fetchView(passing, remote, type, ids)),
    takeFetched: (remote, type, step) =>
      eachSlice(step.rows, (rows, ledger) => takeFetched(passing, ledger, remote, type, { ...step, rows })),
    toldUnder: (remote, type, ids) => read(() => toldUnder(tables, remote, type, ids)),
    markSeen: (remote, type, batch) =>
      eachSlice(batch.ids, (ids, ledger) => markSeenBatch(tables, ledger, remote, type, { ...batch, ids })),
    noteScan: (remote, type, scan) => kv.transact(() => noteScan(tables, remote, type, scan)),
    markMissing: (remote, type, query) => kv.transact(() => markMissing(tables, remote, type, query)),
    sharedKeys: (remote, type, wanted) => read(() => sharedKeys(passing, remote, type, wanted)),
    confirmFacts: (remote, type, confirmed) =>
      kv.transact(() => {
        const row = remoteRow(tables, remote);
        for (const { id, facts } of confirmed) confirmFacts(tables, row, type, id, facts);
      }),
    markUnknown: (remote, type, id) => markUnknown(tables, remote, type, id),
    forgetGone: (remote, type, ids) => transact(tables, (ledger) => forgetGone(tables, ledger, remote, type, ids)),

    beginRun: (run, exclusive, since) => kv.transact(() => beginRun(tables, run, exclusive, since)),
    changeRun: (id, change) => kv.transact(() => changeRun(tables, id, change)),
    run: (id) => read(() => tables.runs.get([id])),
    runs: (query) => read(() => listRuns(tables, query)),
    openRuns: () => read(() => openRunsOf(tables, [])),
    lastRun: (tenant, kind, type) => read(() => lastRun(tables, tenant, kind, type)),
    report: (id, lines) =>
      transact(tables, (ledger) => {
        // Lines of a run that was forgotten meanwhile would never be erased.
        if (tables.runs.get([id]) === undefined) return;
        for (const line of lines) tables.reports.put([id, ledger.nextSeq()], line);
      }),
    reportLines: (id, after, limit) =>
      read(() =>
        [...tables.reports.range([id], { after: [id, after], limit })].map(([key, line]) => ({
          ...line,
          at: Number(key[1]),
        })),
      ),

    hullUpdates: (lane, limit) => read(() => dueHullUpdates(tables, lane, limit)),
    confirmed: (lane, rows) =>
      transact(tables, (ledger) =>
        rows.flatMap(({ row, refused }) => confirmHullUpdate(tables, ledger, lane, row, refused)),
      ),
    deferHullUpdates: (lane, rows, notBeforeMs) =>
      kv.transact(() => rows.forEach((row) => deferHullUpdate(tables, lane, row, notBeforeMs))),

    pause: (lane, scope, pause) =>
      kv.transact(() => {
        const key = [...laneKey(lane), scope];
        if (pause === undefined) tables.pauses.remove(key);
        else tables.pauses.put(key, { tenant: lane.tenant, scope, ...pause });
      }),
    pauses: (lane) => read(() => [...tables.pauses.range(laneKey(lane))].map(([, row]) => row)),

    tally: (tenant) => read(() => tallyOf(tables, tenant)),
    hours: (tenant, fromMs) => read(() => hourCounts(tables, tenant, fromMs)),
    depth: (lane) => read(() => depthOf(tables, lane)),
    deadLettersOf: (lane) => read(() => [...tables.dead.range(laneKey(lane))].map(([, row]) => row)),
    deadLetters: (query) => read(() => listDeadLetters(tables, query)),
    deadLetter: (id, tenant) => read(() => findDeadLetter(tables, id, tenant)),
    dropDeadLetter: (id, tenant) =>
      kv.transact(() => {
        const found = findDeadLetter(tables, id, tenant);
        if (found !== undefined) decide(tables, found);
        return found === undefined ? undefined : closeDeadLetter(tables, found);
      }),
    replayDeadLetter: async (id, tenant) => {
      const deadLetter = await read(() => findDeadLetter(tables, id, tenant));
      if (deadLetter === undefined) return [];
      const family = await read(() => familyOf(tables, deadLetter));
      return sliced(family, (slice, ledger) => slice.flatMap((key) => replayDeadLetter(tables, ledger, key) ?? []));
    },

    housekeep: (olderThanMs) => mend(() => housekeep(olderThanMs)),
    forgetEntity: (tenant, what, hullId) => mend(() => forgetEntity(tables, tenant, what, hullId)),
    remotesOf: (tenant) => read(() => lanesOf(tables, tenant).map(({ remote }) => remote)),
    forgetTenant: (tenant, remotes = []) => mend(() => forgetTenant(tables, tenant, remotes)),

    requestStarts: (quotaKey, sinceMs) => read(() => startsOf(tables, quotaKey, sinceMs)),
    noteStart: (quotaKey, atMs, forgetBeforeMs) => kv.transact(() => noteStart(tables, quotaKey, atMs, forgetBeforeMs)),
    laneHealth: (lane, unique) => read(() => laneHealth(tables, lane, unique)),

    backlog: (service) => read(() => backlogOf(tables, service)),

    ping: async () => {
      await read(() => tables.meta.get(["format"]));
    },
    close: () => kv.close(),
  };
}

/** The store on any database: what it does by itself, and the documents on which the engine's rules work. */
import chunk from "lodash/chunk";
import memoize from "lodash/memoize";
import type { DamagedName } from "./port/disk";
import type { DamageRules, DocumentsOf } from "./port/documents";
import type { Content, RecordPlace } from "./port/rows";
import type { EraOver, KnownLoss } from "./port/leases";
import type { Stored } from "./port/stored";
import type { Database, Key, Rows } from "./database/rows";
import { createHousekeeping } from "./erase/retention";
import { forgetReportLines, forgetTenant } from "./erase/tenant";
import { createMend, type Mend } from "./mend";
import { fitOf, formatIn, formatOf, FORMATS, isUpgraded, nameFormat, type Formats } from "./upgrade";
import { forgetTrail, historyPage, timelineOf } from "./history/read";
import { openingRow } from "./history/row";
import { countsOf, hourCounts, tallyOf, type Counts } from "./tables/counts";
import { deadLetterPlaces, findDeadLetter } from "./tables/dead-letters";
import { documentsOf, numberIn } from "./tables/documents";
import { backlogOf, busyLanes, depthOf, laneHealth, noteStart, startsOf } from "./tables/figures";
import { beginEra, distrustSome, inEra, isUnnoted, lossesOf, noteLoss, provesSomething, trust } from "./tables/eras";
import { fenced, leaseOf, releaseLease, renewLease, takeLease } from "./tables/leases";
import { openListed } from "./tables/listed";
import { claim } from "./tables/notifications";
import { beginRun, changeRun, endIfDone, lastRun, listRuns, mayBeDone, openRunsOf, runIn } from "./tables/runs";
import {
  ALERTS,
  GRANTS,
  META,
  MIRRORS,
  PAUSES,
  RECORDS,
  remoteRow,
  REPORTS,
  RUNS,
  TABLE_NAMES,
  TENANTS,
} from "./tables/tables";
import {
  assignRemote,
  beginCall,
  endCall,
  lanesOf,
  newGeneration,
  putRemote,
  reassignRemote,
  replaceGrant,
  saveTenant,
} from "./tables/tenants";
import { commit as commitTo, read as readFrom, type Reader, type View } from "./tables/view";

/** How far to search for linked samples. */
const SAMPLE_WALK = 20_000;
/** Records that are looked at together. */
const PAGE = 500;
/** Numbers that one opening of the store may give. */
const SEQS = 2 ** 32;

export interface StoreOptions {
  readonly database: Database;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Told of each row whose value was not what was written, once it is mended; see `mend.ts`. */
  readonly onDamaged?: ((row: DamagedName) => void) | undefined;
  /** What it costs a record; without them nothing is mended, and such a row is thrown. */
  readonly rules?: DamageRules | undefined;
  /** Told when the store has another era than at its opening, or none: from then on it refuses everything. */
  readonly onEraOver?: ((error: EraOver) => void) | undefined;
  /** What is known to be lost; noted at the opening, unless somebody else was faster. */
  readonly lost?: KnownLoss | undefined;
  /** Whether what becomes of each record is kept, by default it is; see `history/`. */
  readonly keepsHistory?: boolean | undefined;
  /** What this program can do with formats; tests have made-up ones. */
  readonly formats?: Formats | undefined;
}

/**
 * @throws when the stored data was written by another version of this program, which this one does not read
 */
export async function createStored(options: StoreOptions): Promise<Stored> {
  const { database, now, onDamaged = () => undefined, rules, onEraOver, lost, formats = FORMATS } = options;
  const { keepsHistory = true } = options;
  // All tables are there from now on: none has to be made when the disk is full.
  await database.read((rows) => TABLE_NAMES.forEach((name) => rows.size(name, [])));
  const { number, found } = await commitTo(database, (view) => {
    const { format } = formatOf(view);
    if (fitOf(formatOf(view), formats) === "outdated")
      throw new Error(
        `The stored data has format ${format}. A server of this version upgrades it to ${formats.newest}.`,
      );
    nameFormat(view, formats);
    const number = (view.get(META, ["openings"]) ?? 0) + 1;
    view.put(META, ["openings"], number);
    return { number, found: formatOf(view) };
  });
  let seq = number * SEQS;
  let row = 0;
  const nextSeqs = () => repeatable(() => (seq += 1));
  const nextRows = () => repeatable(() => openingRow(number, (row += 1)));

  const mend: Mend =
    rules === undefined
      ? (work) => work()
      : createMend({
          database,
          documents: () => {
            const [nowMs, seqs, rows] = [now(), nextSeqs(), nextRows()];
            return (view) => documentsIn(view, seqs(), nowMs, rows());
          },
          rules,
          onDamaged,
        });
  const mended: Database = {
    ...database,
    read: (work) => mend(() => database.read(work)),
    write: (work) => mend(() => database.write(work)),
  };
  const housekeep = createHousekeeping(mended, now);
  if (onEraOver === undefined) return storedOn(mended);
  const first = storedOn(mended);
  if (lost !== undefined) await first.noteLoss(lost.loss, lost.era);
  const kindOf = (rows: Rows) => (isUpgraded(found, formatIn(rows)) ? "upgraded" : "older");
  return storedOn(inEra(mended, await first.era(), kindOf, onEraOver));

  /** The documents of each remote, once in a commit. */
  function documentsIn(
    view: View,
    nextSeq: () => number,
    nowMs: number,
    nextRow: () => number,
  ): { readonly of: DocumentsOf; readonly counts: Pick<Counts, "runs" | "end"> } {
    const counts = countsOf(view, nowMs, nextSeq, keepsHistory ? nextRow : undefined);
    const of = memoize<DocumentsOf>((remote) => documentsOf(view, remote, counts, { nowMs, nextSeq }));
    return { of, counts };
  }

  /** The store as it is written by somebody. */
  function storedOn(own: Database): Stored {
    // Each owner remembers what it has seen itself: between two of its turns somebody else may have gone on with the run.
    const listed = openListed(own);
    /** The time is the same in each run of the work: what it reads must be the same rows. */
    const read = <T>(work: (view: Reader, nowMs: number) => T): Promise<T> => {
      const nowMs = now();
      return readFrom(own, (view) => work(view, nowMs));
    };
    /** Numbers too, which are parts of keys. */
    const commit = <T>(
      work: (view: View, nextSeq: () => number, nowMs: number, nextRow: () => number) => T,
    ): Promise<T> => {
      const [nowMs, seqs, rows] = [now(), nextSeqs(), nextRows()];
      return commitTo(own, (view) => work(view, seqs(), nowMs, rows()));
    };

    /** A run is done when all that was found in it is counted, which is known when that is written. */
    async function endRuns(ids: Iterable<string>, looks = false): Promise<void> {
      for (const id of ids) {
        if (await read((view) => mayBeDone(view, id)))
          await commit((view, _, nowMs) => endIfDone(view, id, nowMs, looks));
      }
    }

    return {
      commit: async (work) => {
        const { result, runs } = await commit((view, nextSeq, nowMs, nextRow) => {
          const { of, counts } = documentsIn(view, nextSeq, nowMs, nextRow);
          const result = work(of);
          counts.end();
          return { result, runs: counts.runs };
        });
        await endRuns(runs);
        return result;
      },
      // Nothing is written: what the work changes is thrown away.
      look: (work) =>
        read((view, nowMs) =>
          work(
            documentsIn(
              view as View,
              () => 0,
              nowMs,
              () => 0,
            ).of,
          ),
        ),
      listed: (remote, type, run) => listed.of(remote, type, run),
      listedAt: (remote, type, id) => listed.atMs(remote, type, id),
      under: (terms) => storedOn(fenced(own, terms, now)),

      tenant: (key) => read((view) => view.get(TENANTS, [key])),
      tenants: () => read((view) => [...view.range(TENANTS, [])].map(([, row]) => row)),
      saveTenant: (row, evenOver) => commit((view) => saveTenant(view, row, evenOver)),
      assignRemote: (tenant, remote, fingerprint) => commit((view) => assignRemote(view, tenant, remote, fingerprint)),
      reassignRemote: (tenant, from, to) => commit((view) => reassignRemote(view, tenant, from, to)),
      grant: (tenant) => read((view) => view.get(GRANTS, [tenant])),
      replaceGrant: (tenant, before, after) => commit((view) => replaceGrant(view, tenant, before, after)),
      beginCall: (tenant, key, row) =>
        commit((view, _, nowMs) => beginCall(view, [tenant, key], { ...row, atMs: nowMs })),
      endCall: (tenant, key, by, sealed) => commit((view) => endCall(view, [tenant, key], by, sealed)),
      remote: (key) => read((view) => remoteRow(view, key)),
      newGeneration: (key) => commit((view) => newGeneration(view, key)),
      remotesOf: (tenant) => read((view) => lanesOf(view, tenant).map(({ remote }) => remote)),
      pause: ({ remote, tenant }, scope, pause) =>
        commit((view) => {
          const key = [remote, tenant, scope];
          if (pause === undefined) view.remove(PAUSES, key);
          else view.put(PAUSES, key, { tenant, scope, ...pause });
        }),
      pauses: ({ remote, tenant }) => read((view) => [...view.range(PAUSES, [remote, tenant])].map(([, row]) => row)),

      alerts: () => read((view) => [...view.range(ALERTS, [])].map(([, row]) => row)),
      putAlert: (row) => commit((view) => view.put(ALERTS, [row.subject, row.kind, row.receiver], row)),
      dropAlert: ({ subject, kind, receiver }) => commit((view) => view.remove(ALERTS, [subject, kind, receiver])),

      mayUseNotification: (id, tenant) => {
        const nowMs = now();
        return own.read((rows) => claim(rows, id, tenant, nowMs).result);
      },
      claimNotification: (id, tenant) => {
        const nowMs = now();
        return own.write((rows) => claim(rows, id, tenant, nowMs));
      },

      era: () => commit(beginEra),
      losses: () => read(lossesOf),
      noteLoss: async (loss, era) => {
        let after: string | undefined;
        do {
          const key: string | undefined = after;
          after = await commit((view) => (isUnnoted(view, era) ? distrustSome(view, key, loss.atMs) : undefined));
        } while (after !== undefined);
        return commit((view) => {
          if (!isUnnoted(view, era)) return false;
          noteLoss(view, loss, era);
          return true;
        });
      },
      trust: async (remote) => {
        if (await read((view) => remoteRow(view, remote).wentBackAtMs !== undefined))
          await commit((view) => trust(view, remote));
      },

      lease: (name) => read((view) => leaseOf(view, name)),
      takeLease: (fence, was) => commit((view) => takeLease(view, fence, was)),
      renewLease: (fence) => commit((view) => renewLease(view, fence)),
      releaseLease: (fence) => commit((view) => releaseLease(view, fence)),

      lanes: () => read(busyLanes),
      sampleLinked: (key, type, limit) =>
        read((view) => {
          const { number, generation } = remoteRow(view, key);
          const ids: string[] = [];
          for (const [, row] of view.range(MIRRORS, [number, type], { limit: SAMPLE_WALK })) {
            if (row.generation === generation && row.linkedTo !== undefined) ids.push(row.id);
            if (ids.length >= limit) break;
          }
          return ids;
        }),
      noteScan: (key, type, scan) =>
        commit((view) => {
          const remote = remoteRow(view, key);
          if (provesSomething(view, scan)) putRemote(view, { ...remote, scans: { ...remote.scans, [type]: scan } });
        }),

      beginRun: (run, exclusive, since) => commit((view, _, nowMs) => beginRun(view, run, exclusive, since, nowMs)),
      changeRun: async (id, change) => {
        const changed = await commit((view, _, nowMs) => changeRun(view, id, change, nowMs));
        if (changed === undefined) return undefined;
        await endRuns([id]);
        return read((view) => runIn(view, id));
      },
      run: (id) => read((view) => runIn(view, id)),
      runs: (query) => read((view) => listRuns(view, query)),
      openRuns: async () => {
        // A process may have ended between the last count and the end of its run.
        const ids = await read((view) => [...view.places(RUNS, "open", [])].map((place) => String(place.at(-1))));
        await endRuns(ids, true);
        return read((view) => openRunsOf(view, []));
      },
      lastRun: (tenant, kind, type) => read((view) => lastRun(view, tenant, kind, type)),
      report: (id, lines) =>
        commit((view, nextSeq) => {
          // Lines of a run that was forgotten meanwhile would never be erased.
          if (view.get(RUNS, [id]) === undefined) return;
          for (const line of lines) view.put(REPORTS, [id, nextSeq()], line);
        }),
      reportLines: (id, after, limit) =>
        read((view) =>
          [...view.range(REPORTS, [id], { after: [id, after], limit })].map(([key, line]) => ({
            ...line,
            at: Number(key[1]),
          })),
        ),

      tally: (tenant) => read((view) => tallyOf(view, tenant)),
      hours: (tenant, fromMs) => read((view) => hourCounts(view, tenant, fromMs)),
      history: (query) => read((view) => historyPage(view, query)),
      timeline: async ({ remote: key, tenant }, { type, hullId }, limit) => {
        const trail = await read((view) => {
          const remote = remoteRow(view, key);
          return view.get(RECORDS, [remote.number, type, hullId])?.own[numberIn(remote, tenant) ?? ""]?.trail;
        });
        return timelineOf(mended, tenant, { type, hullId }, trail, limit);
      },
      forgetTrail: (tenant, record, trail) => forgetTrail(mended, tenant, record, trail),
      depth: (lane) => read((view) => depthOf(view, lane)),
      laneHealth: (lane, unique) => read((view) => laneHealth(view, lane, unique)),
      backlog: (service) => read((view, nowMs) => backlogOf(view, service, nowMs)),
      requestStarts: (quotaKey, sinceMs) => read((view) => startsOf(view, quotaKey, sinceMs)),
      noteStart: (quotaKey, atMs, forgetBeforeMs) =>
        commit((view, nextSeq) => noteStart(view, quotaKey, atMs, forgetBeforeMs, nextSeq())),

      deadLetterPlaces: (query) => read((view) => deadLetterPlaces(view, query)),
      deadLetterPlace: (id, tenant) => read((view) => findDeadLetter(view, id, tenant)),
      childrenOf: async ({ remote: key, tenant }, parent, type) => {
        const { number, own, named, queued } = await read((view) => {
          const remote = remoteRow(view, key);
          const own = Number(numberIn(remote, tenant) ?? -1);
          const idsIn = (index: keyof typeof RECORDS.indexes, ...prefix: Key): readonly string[] =>
            [...view.places(RECORDS, index, [remote.number, ...prefix])].map((place) => String(place.at(-1)));
          return {
            number: remote.number,
            own,
            named: [
              ...idsIn("orphans", own, parent.type, parent.hullId, type),
              ...idsIn("waiting", parent.type, parent.hullId, own, type),
            ],
            // At one moment: places in a queue change while it is read.
            queued: idsIn("due", own, type),
          };
        });
        const isOne = (view: Reader, hullId: string): boolean => {
          const { entry } = view.get(RECORDS, [number, type, hullId])?.own[own] ?? {};
          return isChild(entry?.content, parent) || isChild(entry?.attempt?.content, parent);
        };
        const found = new Set(named);
        for (const slice of chunk(queued, PAGE)) {
          const children = await read((view) => slice.filter((hullId) => isOne(view, hullId)));
          for (const hullId of children) found.add(hullId);
          // The outbox may be long: requests are served in between.
          await new Promise(setImmediate);
        }
        return [...found].map((hullId) => ({ tenant, type, hullId }));
      },
      forgetReportLines: (tenant, hullId) => forgetReportLines(mended, tenant, hullId),
      nextRecords: housekeep.nextRecords,
      housekeep: housekeep.step,
      forgetTenant: (tenant, remotes = []) => forgetTenant(mended, tenant, remotes),

      ping: async () => {
        await read((view) => view.get(META, ["format"]));
      },
      close: () => database.close(),
    };
  }
}

function isChild(content: Content | undefined, { type, hullId }: RecordPlace): boolean {
  const parent = content?.desired.parent;
  return parent?.type === type && parent.hullId === hullId;
}

/** @returns begins a run of a commit's work, in which the numbers are those of its first run */
function repeatable(next: () => number): () => () => number {
  const given: number[] = [];
  return () => {
    let used = 0;
    return () => {
      used += 1;
      return (given[used - 1] ??= next());
    };
  };
}

/**
 * Writes what formats 2 to 6 stored into a new database of today's format. It goes through the old tables slice by
 * slice, so that no store is too large for the memory; indexes are made by the tables themselves. The format is written
 * last: a database that is not complete has none.
 */
import chunk from "lodash/chunk";
import compact from "lodash/compact";
import groupBy from "lodash/groupBy";
import mapValues from "lodash/mapValues";
import omit from "lodash/omit";
import zipObject from "lodash/zipObject";
import type { Database, Key } from "../../database/rows";
import { deadLetterId, type DeadLetterKey } from "../../port/dead-letters";
import type { DamagedName } from "../../port/disk";
import type { MirrorRow, Outcome, RecordDocument, RemoteDocument } from "../../port/rows";
import { runPlace, tenantPlace, type Place, type Seal } from "../../port/seal";
import { notTooMany } from "../../../weight";
import { putRecordIn, recordIn } from "../../tables/documents";
import * as today from "../../tables/tables";
import { commit, type View } from "../../tables/view";
import * as old from "./legacy";
import { lostOutcome, lostPart, NOTHING, withoutRow, withPart, withRow, type OldPart } from "./record";
import { readRemotes } from "./remotes";

/** Rows that are in memory at once, and written in one commit; fewer when they are large. */
export const SLICE_ROWS = 500;
const HOUR_MS = 3_600_000;

export interface ConvertOptions {
  /** Of the old database. */
  readonly format: number;
  /** The one that every tenant had before keys named it. */
  readonly service: string;
  /** For format 2, whose encrypted texts are not bound to their rows. */
  readonly seal: Seal | undefined;
  readonly nowMs: number;
  /** Told of each row that is left out, or made anew as far as possible, because it is damaged. */
  readonly onDamaged: (row: DamagedName) => void;
}

/**
 * @param from nobody writes it meanwhile
 * @param to empty
 * @throws DamagedRow when a row is damaged without which no other can be read
 */
export async function convert(from: Database, to: Database, options: ConvertOptions): Promise<void> {
  const { format, service, seal, nowMs, onDamaged } = options;
  // Nobody writes them: what is read later is read at the same moment.
  const rows = await from.read((found) => found);
  const names = old.readDictionary(rows, format, service);
  const remotes = readRemotes(rows, names, onDamaged);

  /** Slice by slice, a commit for each, which may be run more than once. */
  async function slices<V>(
    table: old.OldTable<V>,
    write: (view: View, slice: readonly old.OldRow<V>[]) => void,
  ): Promise<void> {
    const sliceAfter = (after?: Key) => notTooMany(old.walk(rows, table, names, after), SLICE_ROWS);
    for (let slice = sliceAfter(); slice.length > 0; slice = sliceAfter(slice.at(-1)?.raw)) {
      for (const { key } of slice.filter(({ value }) => value === undefined)) {
        onDamaged({ table: table.name, ...omit(zipObject(table.key, key.map(String)), "remote") });
      }
      const written = slice;
      await commit(to, (view) => write(view, written));
    }
  }

  const each = <V>(table: old.OldTable<V>, write: (view: View, row: old.OldRow<V>) => void): Promise<void> =>
    slices(table, (view, slice) => slice.forEach((row) => write(view, row)));

  /** Rows that only need to be read again; damaged ones are left out. */
  const copy = <V>(table: old.OldTable<V>, put: (view: View, key: Key, value: V) => void): Promise<void> =>
    each(table, (view, { key, value }) => {
      if (value !== undefined) put(view, key, value);
    });

  const bound = (text: string, place: Place): string => {
    try {
      return seal === undefined ? text : seal.bind(text, place);
    } catch {
      // Another key encrypted it: it is replaced as usual.
      return text;
    }
  };

  /** Tenants, and what is stored beside records and runs. */
  async function convertTenants(): Promise<void> {
    await copy(old.TENANTS, (view, [key = ""], row) => {
      const own = String(key);
      view.put(today.TENANTS, [own], { ...row, key: own, sealed: bound(row.sealed, tenantPlace(own)) });
    });
    for (const table of [today.GRANTS, today.LAST_RUNS]) {
      await copy(old.texts(table.name, "tenant"), (view, key, text) => view.put(table, key, text));
    }
    for (const table of [today.NOTIFICATIONS, today.SEEN]) {
      await copy(old.texts(table.name), (view, key, text) => view.put(table, key, text));
    }
    for (const counter of [today.TALLY, today.HOURS]) {
      await copy(old.counts(counter.name), (view, key, count) => view.add(counter, key, count));
    }
    await copy(old.STARTS, (view, key) => view.put(today.STARTS, key, 1));
    await copy(old.PAUSES, (view, key, pause) => view.put(today.PAUSES, key, { ...pause, tenant: String(key[1]) }));
  }

  async function convertRuns(): Promise<void> {
    await copy(old.RUNS, (view, key, { leftOut = {}, counts, total, ...row }) => {
      const run = { ...row, tenant: names.named(row.tenant) };
      const order = row.order && bound(row.order, runPlace(run));
      view.put(today.RUNS, key, { ...run, order, total: total === undefined ? undefined : 0, done: 0, counts: {} });
      for (const [name, count] of Object.entries(counts)) view.add(today.RUN_COUNTS, [...key, "counts", name], count);
      for (const [name, count] of Object.entries(leftOut)) view.add(today.RUN_COUNTS, [...key, "leftOut", name], count);
      if (total !== undefined) view.add(today.RUN_COUNTS, [...key, "total", ""], total);
    });
    await copy(old.REPORTS, (view, key, line) => {
      // Lines of a run that is not there would never be erased.
      if (view.get(today.RUNS, key.slice(0, 1)) !== undefined) view.put(today.REPORTS, key, line);
    });
  }

  /** Lanes are listed by their depths. @returns the connector's number */
  function addLane(view: View, remote: string, tenant: string): string {
    view.add(today.DEPTH, [remote, tenant, "outbox"], 0);
    return remotes.numberOf(remote, tenant);
  }

  /** Changes a record, of which nothing may be known yet. */
  function change(
    view: View,
    [name, type, hullId]: readonly [remote: string, type: string, hullId: string],
    rule: (before: RecordDocument, remote: RemoteDocument) => RecordDocument,
  ): void {
    const remote = remotes.of(name);
    const key = [remote.number, type, hullId];
    putRecordIn(view, remote, key, rule(recordIn(view, key) ?? NOTHING, remote));
  }

  /** What is one connector's own. @param isWaiting a message ends with a row that is damaged */
  const convertOwn = <V>(
    table: old.OldTable<V>,
    partOf: (row: V, place: DeadLetterKey) => OldPart,
    isWaiting = false,
  ): Promise<void> =>
    each(table, (view, { key, raw, value }) => {
      const [remote = "", tenant = "", type = "", hullId = ""] = key.map(String);
      const place = { remote, tenant, type, hullId };
      const number = addLane(view, remote, tenant);
      let part = value && partOf(value, place);
      if (value === undefined && isWaiting) {
        const { value: record } = old.rowAt(rows, old.RECORDS, raw.toSpliced(1, 1)) ?? { value: NOTHING };
        const last = lostOutcome(record, nowMs);
        countLost(view, place, last);
        part = lostPart(last, number, linkOf(record, remote) !== undefined);
      }
      if (part !== undefined) change(view, [remote, type, hullId], (before) => withPart(before, number, part));
    });

  function countLost(view: View, { tenant, type }: DeadLetterKey, { derived, run = "", code }: Outcome): void {
    const name = `${type}/dead/${code}`;
    view.add(today.TALLY, [tenant, derived === true ? "derived" : "outcomes", name], 1);
    if (derived === true) return;
    view.add(today.HOURS, [tenant, Math.floor(nowMs / HOUR_MS), name], 1);
    if (view.get(today.RUNS, [run])?.tenant === tenant) view.add(today.RUN_COUNTS, [run, "counts", name], 1);
  }

  /** Its remote id, if its link belongs to today's generation. */
  const linkOf = (record: old.OldRecord | undefined, remote: string): string | undefined =>
    record?.generation === remotes.of(remote).generation ? record.remoteId : undefined;

  /** Their parts are there already. */
  const convertRecords = (): Promise<void> =>
    each(old.RECORDS, (view, { key, raw, value: row }) => {
      const [remote = "", type = "", hullId = ""] = key.map(String);
      const id = linkOf(row, remote);
      const isUnread = id !== undefined && old.isDamagedAt(rows, old.MIRRORS, [...raw.slice(0, 2), id]);
      change(view, [remote, type, hullId], (parts, { senders }) => {
        if (row === undefined) return withoutRow(parts, nowMs);
        return withRow(parts, isUnread ? { ...row, same: undefined } : row, senders);
      });
      if (!isUnread) return;
      const { number, generation } = remotes.of(remote);
      // Nothing is known of it but who is linked to it.
      const mirror = { id, generation, keys: {}, linkedTo: hullId, facts: {}, complete: false };
      view.put(today.MIRRORS, [number, type, id], mirror);
    });

  /** The records are there already. @returns what a run's list has shown */
  function convertMirror(view: View, { key, raw, value: row }: old.OldRow<MirrorRow>) {
    const [remote = "", type = "", id = ""] = key.map(String);
    if (row === undefined) {
      remotes.distrust(remote, type);
      return undefined;
    }
    const { number, generation } = remotes.of(remote);
    const isCurrent = row.generation === generation;
    const [atMs = 0, seenIn, told = 0, run] = old.rowAt(rows, old.LAST_SEEN, raw)?.value ?? [];
    const isSeen = isCurrent && seenIn === generation;
    view.put(today.MIRRORS, [number, type, id], {
      ...row,
      facts: mapValues(row.facts, (fact) => remotes.factOf(remote, fact)),
      confirmedUnder: isSeen && told > 0 && row.missing !== true ? told : undefined,
    });
    const { linkedTo } = row;
    // The link of a damaged record stands here, too.
    if (isCurrent && linkedTo !== undefined && old.isDamagedAt(rows, old.RECORDS, [...raw.slice(0, 2), linkedTo])) {
      const link = { unconfirmed: undefined, remoteId: id, generation };
      change(view, [remote, type, linkedTo], (before) => ({ ...before, ...link }));
    }
    return isSeen && run !== undefined ? { page: [number, type, run], id, atMs } : undefined;
  }

  const convertMirrors = (): Promise<void> =>
    slices(old.MIRRORS, (view, slice) => {
      const listed = compact(slice.map((row) => convertMirror(view, row)));
      for (const rows of Object.values(groupBy(listed, ({ page }) => JSON.stringify(page)))) {
        const [{ page } = { page: [] }] = rows;
        // None of them is known to have been seen later than it was.
        const atMs = Math.min(...rows.map((row) => row.atMs));
        view.put(today.LISTED, [...page, view.size(today.LISTED, page)], { atMs, ids: rows.map(({ id }) => id) });
      }
    });

  await convertTenants();
  await convertRuns();
  await each(old.DEPTHS, (view, { key }) => addLane(view, String(key[0]), String(key[1])));
  await convertOwn(old.ENTRIES, ({ unconfirmed, ...entry }) => ({ entry, unconfirmed }), true);
  await convertOwn(old.HULL_UPDATES, (hullUpdate) => ({ hullUpdate }), true);
  await convertOwn(old.DEAD_LETTERS, ({ content, ending, attempts }, place) => ({
    deadLetter: { id: deadLetterId(place), content, ending, attempts },
  }));
  await convertOwn(old.RIVALS, (rival) => ({ rival }));
  await convertRecords();
  await convertMirrors();
  for (const slice of chunk(remotes.all(), SLICE_ROWS)) {
    await commit(to, (view) => slice.forEach((row) => view.put(today.REMOTES, [row.key], row)));
  }
  await commit(to, (view) => {
    view.put(today.META, ["remotes"], remotes.all().length);
    view.put(today.META, ["format"], today.FORMAT);
  });
}

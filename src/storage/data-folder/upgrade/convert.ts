/**
 * Writes what formats 2 to 6 stored into a new database of today's format. It goes through the old tables slice by
 * slice, so that no store is too large for the memory; indexes are made by the tables themselves. The format is written
 * last: a database that is not complete has none.
 */
import chunk from "lodash/chunk";
import groupBy from "lodash/groupBy";
import mapValues from "lodash/mapValues";
import omit from "lodash/omit";
import zipObject from "lodash/zipObject";
import type { Database, Key } from "../../database/rows";
import { deadLetterId, type DeadLetterKey } from "../../port/dead-letters";
import type { DamagedName } from "../../port/disk";
import type { RecordDocument, RemoteDocument } from "../../port/rows";
import { runPlace, tenantPlace, type Place, type Seal } from "../../port/seal";
import { notTooMany } from "../../port/weight";
import { putRecordIn, recordIn } from "../../tables/documents";
import * as today from "../../tables/tables";
import { commit, type View } from "../../tables/view";
import * as old from "./legacy";
import { lostPart, NOTHING, withoutRow, withPart, withRow, type OldPart } from "./record";
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
  // They stay as they are, so what is read later is read at the same moment.
  const rows = await from.read((found) => found);
  const names = old.readDictionary(rows, format, service);
  const remotes = readRemotes(rows, names, onDamaged);

  /** Slice by slice, a commit for each. */
  async function each<V>(
    table: old.OldTable<V>,
    write: (view: View, slice: readonly old.OldRow<V>[]) => void,
  ): Promise<void> {
    const sliceAfter = (after?: Key) => notTooMany(old.walk(rows, table, names, after), SLICE_ROWS);
    for (let slice = sliceAfter(); slice.length > 0; slice = sliceAfter(slice.at(-1)?.raw)) {
      for (const { key, value } of slice) {
        if (value === undefined)
          onDamaged({ table: table.name, ...omit(zipObject(table.key, key.map(String)), "remote") });
      }
      const written = slice;
      await commit(to, (view) => write(view, written));
    }
  }

  /** Rows that only need to be read again; damaged ones are left out. */
  const copy = <V>(table: old.OldTable<V>, put: (view: View, key: Key, value: V) => void): Promise<void> =>
    each(table, (view, slice) => {
      for (const { key, value } of slice) if (value !== undefined) put(view, key, value);
    });

  const bound = (text: string, place: Place): string => {
    try {
      return seal === undefined ? text : seal.bind(text, place);
    } catch {
      // Another key encrypted it: it is replaced as usual.
      return text;
    }
  };

  async function convertTenants(): Promise<void> {
    await copy(old.TENANTS, (view, [key = ""], row) => {
      const own = String(key);
      view.put(today.TENANTS, [own], { ...row, key: own, sealed: bound(row.sealed, tenantPlace(own)) });
    });
    await copy(old.GRANTS, (view, key, grant) => view.put(today.GRANTS, key, grant));
    await copy(old.NOTIFICATIONS, (view, key, owner) => view.put(today.NOTIFICATIONS, key, owner));
    await copy(old.SEEN, (view, key, ids) => view.put(today.SEEN, key, ids));
    await copy(old.STARTS, (view, key) => view.put(today.STARTS, key, 1));
    await copy(old.PAUSES, (view, key, pause) => view.put(today.PAUSES, key, { ...pause, tenant: String(key[1]) }));
    await copy(old.TALLY, (view, key, count) => view.add(today.TALLY, key, count));
    await copy(old.HOURS, (view, key, count) => view.add(today.HOURS, key, count));
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
    await copy(old.LAST_RUNS, (view, key, id) => view.put(today.LAST_RUNS, key, id));
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

  /** What is one connector's own. @param waiting what is lost with a row that is damaged */
  const convertOwn = <V>(
    table: old.OldTable<V>,
    partOf: (row: V, place: DeadLetterKey) => OldPart,
    waiting?: "entry" | "hullUpdate",
  ): Promise<void> =>
    each(table, (view, slice) => {
      for (const { key, raw, value } of slice) {
        const [remote = "", tenant = "", type = "", hullId = ""] = key.map(String);
        const place = { remote, tenant, type, hullId };
        const number = addLane(view, remote, tenant);
        const part = value === undefined ? loseOwn(view, place, number, raw, waiting) : partOf(value, place);
        if (part !== undefined) change(view, [remote, type, hullId], (before) => withPart(before, number, part));
      }
    });

  /** What waited ends, and is counted. */
  function loseOwn(
    view: View,
    { tenant, type }: DeadLetterKey,
    number: string,
    raw: Key,
    waiting?: "entry" | "hullUpdate",
  ) {
    if (waiting === undefined) return undefined;
    const part = lostPart(waiting, number, old.rowAt(rows, old.RECORDS, raw.toSpliced(1, 1))?.value, nowMs);
    const { derived, run = "", code } = part.last;
    const name = `${type}/dead/${code}`;
    view.add(today.TALLY, [tenant, derived === true ? "derived" : "outcomes", name], 1);
    if (derived === true) return part;
    view.add(today.HOURS, [tenant, Math.floor(nowMs / HOUR_MS), name], 1);
    if (view.get(today.RUNS, [run])?.tenant === tenant) view.add(today.RUN_COUNTS, [run, "counts", name], 1);
    return part;
  }

  /** Their parts are there already. */
  const convertRecords = (): Promise<void> =>
    each(old.RECORDS, (view, slice) => {
      for (const { key, raw, value: row } of slice) {
        const [remote = "", type = "", hullId = ""] = key.map(String);
        const { number, generation } = remotes.of(remote);
        const id = row?.generation === generation ? row.remoteId : undefined;
        const isUnread = id !== undefined && old.isDamagedAt(rows, old.MIRRORS, [...raw.slice(0, 2), id]);
        change(view, [remote, type, hullId], (parts, { senders }) =>
          row === undefined
            ? withoutRow(parts, nowMs)
            : withRow(parts, isUnread ? { ...row, same: undefined } : row, senders),
        );
        if (!isUnread) continue;
        // Nothing is known of it but who is linked to it.
        const mirror = { id, generation, keys: {}, linkedTo: hullId, facts: {}, complete: false };
        view.put(today.MIRRORS, [number, type, id], mirror);
      }
    });

  /** The records are there already. */
  const convertMirrors = (): Promise<void> =>
    each(old.MIRRORS, (view, slice) => {
      const listed: { readonly key: Key; readonly id: string; readonly atMs: number }[] = [];
      for (const { key, raw, value: row } of slice) {
        const [remote = "", type = "", id = ""] = key.map(String);
        if (row === undefined) {
          remotes.distrust(remote, type);
          continue;
        }
        const { number, generation } = remotes.of(remote);
        const isCurrent = row.generation === generation;
        const [atMs, seenIn, told = 0, run = ""] = old.rowAt(rows, old.LAST_SEEN, raw)?.value ?? [];
        const isSeen = isCurrent && seenIn === generation;
        view.put(today.MIRRORS, [number, type, id], {
          ...row,
          facts: mapValues(row.facts, (fact) => remotes.factOf(remote, fact)),
          confirmedUnder: isSeen && told > 0 && row.missing !== true ? told : undefined,
        });
        if (isSeen && atMs !== undefined) listed.push({ key: [number, type, run], id, atMs });
        const { linkedTo } = row;
        if (!isCurrent || linkedTo === undefined) continue;
        // The link of a damaged record stands here, too.
        if (old.isDamagedAt(rows, old.RECORDS, [...raw.slice(0, 2), linkedTo])) {
          const link = { unconfirmed: undefined, remoteId: id, generation };
          change(view, [remote, type, linkedTo], (before) => ({ ...before, ...link }));
        }
      }
      for (const page of Object.values(groupBy(listed, ({ key }) => JSON.stringify(key)))) {
        const { key = [] } = page[0] ?? {};
        // None of them is known to have been seen later than it was.
        const atMs = Math.min(...page.map((row) => row.atMs));
        view.put(today.LISTED, [...key, view.size(today.LISTED, key)], { atMs, ids: page.map(({ id }) => id) });
      }
    });

  await convertTenants();
  await convertRuns();
  await each(old.DEPTHS, (view, slice) => {
    for (const { key } of slice) addLane(view, String(key[0]), String(key[1]));
  });
  await convertOwn(old.ENTRIES, ({ unconfirmed, ...entry }) => ({ entry, unconfirmed }), "entry");
  await convertOwn(old.HULL_UPDATES, (hullUpdate) => ({ hullUpdate }), "hullUpdate");
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

/**
 * Writes what formats 2 to 6 stored into a new database of today's format. It goes through the old tables slice by
 * slice, so that no store is too large for the memory; indexes are made by the tables themselves. The format is written
 * last: a database that is not complete has none.
 */
import chunk from "lodash/chunk";
import groupBy from "lodash/groupBy";
import mapValues from "lodash/mapValues";
import type { Database, Key, Rows } from "../../database/rows";
import type { DamagedName } from "../../port/disk";
import type { Fact, MirrorRow, PauseRow, RemoteDocument, RunRow, TenantRow } from "../../port/rows";
import type { ReportLine } from "../../port/store";
import { runPlace, tenantPlace, type Place, type Seal } from "../../port/seal";
import { weightOf } from "../../port/weight";
import { putRecordIn } from "../../tables/documents";
import * as today from "../../tables/tables";
import { commit, type View } from "../../tables/view";
import {
  beginnings,
  DEAD_LETTERS,
  DEPTHS,
  DIVIDED,
  ENTRIES,
  HULL_UPDATES,
  MIRRORS,
  numberTable,
  plainTable,
  readDictionary,
  RECORDS,
  RIVALS,
  rowAt,
  LAST_SEEN,
  textTable,
  UNBOUND,
  walk,
  type Dictionary,
  type OldRow,
  type OldTable,
  type LastSeen,
} from "./legacy";
import { documentOf, type Lost, type OldPart, type OldRecord } from "./record";

/** Rows that are in memory at once, and written in one commit; fewer when they are large. */
export const SLICE_ROWS = 2_000;
const SLICE_WEIGHT = 8_000_000;
/** Ids of one page of a list. */
const PAGE = 500;
const HOUR_MS = 3_600_000;

export interface ConvertOptions {
  /** Of the old database. */
  readonly format: number;
  /** The one that every tenant had before keys named it. */
  readonly service: string;
  /** Needed for format 2. */
  readonly seal: Seal | undefined;
  readonly nowMs: number;
  /** Told of each row that is left out, or made anew as far as possible, because it is damaged. */
  readonly onDamaged: (row: DamagedName) => void;
}

/** A lane's rows in a table, and how their keys begin as they are stored. */
interface OldLane {
  readonly remote: string;
  readonly tenant: string;
  readonly raw: Key;
}

const OWN = { entry: ENTRIES, hullUpdate: HULL_UPDATES, deadLetter: DEAD_LETTERS, rival: RIVALS } as const;
type Own = keyof typeof OWN;

/** What is known of the old database before anything is written. */
interface Plan {
  readonly names: Dictionary;
  /** With their numbers, and the connectors of each. */
  readonly remotes: Map<string, RemoteDocument>;
  readonly lanes: readonly Pick<OldLane, "remote" | "tenant">[];
  readonly own: Readonly<Record<Own, ReadonlyMap<string, readonly OldLane[]>>>;
  /** Remotes for each of whose connectors counts what was sent. */
  readonly shared: ReadonlyMap<string, number>;
}

/**
 * @param from nobody writes it meanwhile
 * @param to empty
 * @throws DamagedRow when a row is damaged without which no other can be read
 */
export async function convert(from: Database, to: Database, options: ConvertOptions): Promise<void> {
  const { format, service, seal, nowMs } = options;
  const plan = await from.read((rows) => planOf(rows, readDictionary(rows, format, service), options));
  const { names, remotes } = plan;
  const { named } = names;
  let seq = 0;

  /** Slice by slice. @param read what is written of a row; undefined: nothing */
  async function each<V, T>(
    table: OldTable<V>,
    read: (row: OldRow<V>, rows: Rows) => T | undefined,
    write: (view: View, items: readonly T[]) => void,
  ): Promise<void> {
    let after: Key | undefined;
    for (let more = true; more;) {
      const start = after;
      const slice = await from.read((rows) => sliceOf(walk(rows, table, names, start), (row) => read(row, rows)));
      if (slice.items.length > 0) await commit(to, (view) => write(view, slice.items));
      after = slice.last;
      more = slice.more;
    }
  }

  /** Rows that only need to be read again; damaged ones are left out. */
  const copy = <V>(table: OldTable<V>, put: (view: View, key: Key, value: V) => void): Promise<void> =>
    each(
      table,
      ({ key, value }): readonly [Key, V] | undefined => {
        if (value === undefined) options.onDamaged({ table: table.name });
        return value === undefined ? undefined : [key, value];
      },
      (view, items) => {
        for (const [key, value] of items) put(view, key, value);
      },
    );

  const bound = (text: string, place: Place): string => {
    if (format !== UNBOUND || seal === undefined) return text;
    try {
      return seal.bind(text, place);
    } catch {
      // Another key encrypted it: it is replaced as usual.
      return text;
    }
  };

  async function convertRemotes(): Promise<void> {
    for (const slice of chunk([...remotes.values()], SLICE_ROWS)) {
      await commit(to, (view) => {
        for (const row of slice) view.put(today.REMOTES, [row.key], row);
        view.put(today.META, ["remotes"], remotes.size);
      });
    }
    for (const slice of chunk(plan.lanes, SLICE_ROWS)) {
      await commit(to, (view) => {
        // Lanes are listed by their depths.
        for (const { remote, tenant } of slice) view.add(today.DEPTH, [remote, tenant, "outbox"], 0);
      });
    }
  }

  async function convertTenants(): Promise<void> {
    await copy(plainTable<TenantRow>("tenants", 0), (view, [key = ""], row) => {
      const own = String(key);
      view.put(today.TENANTS, [own], { ...row, key: own, sealed: bound(row.sealed, tenantPlace(own)) });
    });
    await copy(textTable("grants", 0), (view, key, grant) => view.put(today.GRANTS, key, grant));
    await copy(textTable("notifications"), (view, key, owner) => view.put(today.NOTIFICATIONS, key, owner));
    await copy(textTable("seen"), (view, key, ids) => view.put(today.SEEN, key, ids));
    await copy(numberTable("starts"), (view, key) => view.put(today.STARTS, key, 1));
    await copy(plainTable<PauseRow>("holds", 1), (view, key, pause) =>
      view.put(today.PAUSES, key, { ...pause, tenant: String(key[1]) }),
    );
    await copy(numberTable("tally", 0), (view, key, count) => view.add(today.TALLY, key, count));
    await copy(numberTable("hours", 0), (view, key, count) => view.add(today.HOURS, key, count));
  }

  async function convertRuns(): Promise<void> {
    await copy(plainTable<RunRow>("runs"), (view, key, { leftOut = {}, counts, total, ...row }) => {
      const [id = ""] = key;
      const run = { ...row, tenant: named(row.tenant) };
      view.put(today.RUNS, key, {
        ...run,
        ...(row.order !== undefined && { order: bound(row.order, runPlace(run)) }),
        ...(total !== undefined && { total: 0 }),
        done: 0,
        counts: {},
      });
      for (const [name, count] of Object.entries(counts)) view.add(today.RUN_COUNTS, [id, "counts", name], count);
      for (const [name, count] of Object.entries(leftOut)) view.add(today.RUN_COUNTS, [id, "leftOut", name], count);
      if (total !== undefined) view.add(today.RUN_COUNTS, [id, "total", ""], total);
    });
    await copy(textTable("lastRuns", 0), (view, key, id) => view.put(today.LAST_RUNS, key, id));
    await copy(plainTable<ReportLine>("reports"), (view, key, line) => {
      // Lines of a run that is not there would never be erased.
      if (view.get(today.RUNS, key.slice(0, 1)) !== undefined) view.put(today.REPORTS, key, line);
    });
  }

  /** @returns keys of those that were damaged */
  async function convertMirrors(): Promise<ReadonlySet<string>> {
    const damaged = new Set<string>();
    await each(
      MIRRORS,
      ({ key, raw, value }, rows) => {
        const [remote = "", type = "", id = ""] = key.map(String);
        if (value !== undefined) return { key, row: value, lastSeen: rowAt(rows, LAST_SEEN, raw)?.value };
        damaged.add(placeOf(key));
        options.onDamaged({ table: MIRRORS.name, type, remoteId: id });
        distrust(remotes, remote, type);
        return undefined;
      },
      (view, items) => {
        const listed: { readonly place: string; readonly atMs: number; readonly key: Key; readonly run: string }[] = [];
        for (const { key, row, lastSeen } of items) {
          const remote = remoteAt(plan, key);
          const place = [remote.number, ...key.slice(1)];
          view.put(today.MIRRORS, place, mirrorOf(row, remote, lastSeen, plan.shared.get(remote.key)));
          const shown = shownIn(row, remote, lastSeen);
          // What a run has shown so far is asked for while it is under way; later only when it was.
          if (shown === undefined || !(shown.atMs > (row.seenAtMs ?? 0) || isOpen(view, shown.run))) continue;
          listed.push({ ...shown, key: place, place: JSON.stringify([...place.slice(0, 2), shown.run]) });
        }
        for (const ofRun of Object.values(groupBy(listed, "place"))) {
          for (const page of chunk(ofRun, PAGE)) {
            const [first] = page;
            if (first === undefined) continue;
            view.put(today.LISTED, [...first.key.slice(0, 2), first.run, (seq += 1)], {
              // None of them is known to have been seen later than it was.
              atMs: Math.min(...page.map(({ atMs }) => atMs)),
              ids: page.map(({ key }) => String(key[2])),
            });
          }
        }
      },
    );
    return damaged;
  }

  /** @param unread keys of the mirror's rows that were damaged */
  async function convertRecords(unread: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    const damaged = new Set<string>();
    await each(
      RECORDS,
      ({ key, value }, rows) => {
        const [remote = "", type = "", hullId = ""] = key.map(String);
        if (value === undefined) {
          damaged.add(placeOf(key));
          options.onDamaged({ table: RECORDS.name, type, hullId });
        }
        return { remote, type, hullId, row: { value }, parts: partsOf(rows, plan, { remote, type, hullId }) };
      },
      (view, records) => {
        for (const record of records) putRecord(view, record, unread);
      },
    );
    // What stands in no record.
    for (const table of Object.values<OldTable<unknown>>(OWN)) {
      await each(
        table,
        ({ key, value }, rows): OldRecord | undefined => {
          const [remote = "", tenant = "", type = "", hullId = ""] = key.map(String);
          if (value === undefined) options.onDamaged({ table: table.name, tenant, type, hullId });
          const names = plan.names;
          const raw = [names.short(remote) ?? remote, names.short(type) ?? type, hullId];
          if (rowAt(rows, RECORDS, raw) !== undefined) return undefined;
          return { remote, type, hullId, row: undefined, parts: partsOf(rows, plan, { remote, type, hullId }) };
        },
        (view, records) => {
          for (const record of records) {
            const key = [remoteNamed(plan, record.remote).number, record.type, record.hullId];
            if (view.get(today.RECORDS, key) === undefined) putRecord(view, record, unread);
          }
        },
      );
    }
    return damaged;
  }

  function putRecord(view: View, record: OldRecord, unread: ReadonlySet<string>): void {
    const { type, hullId } = record;
    const remote = remoteNamed(plan, record.remote);
    const { document, lost } = documentOf(record, remote, nowMs);
    const { remoteId: id, generation } = document;
    const isUnread =
      id !== undefined && unread.has(placeOf([remote.key, type, id])) && generation === remote.generation;
    for (const each of lost) countLost(view, type, each, nowMs);
    putRecordIn(view, remote, [remote.number, type, hullId], isUnread ? withoutSame(document) : document);
    if (!isUnread) return;
    // Nothing is known of it but who is linked to it.
    const row: MirrorRow = { id, generation, keys: {}, linkedTo: hullId, facts: {}, complete: false };
    view.put(today.MIRRORS, [remote.number, type, id], row);
  }

  /** The link of a damaged record stands in the mirror, too. */
  async function findLinks(damaged: ReadonlySet<string>): Promise<void> {
    if (damaged.size === 0) return;
    await each(
      MIRRORS,
      ({ key, value }) => {
        const linked = value?.linkedTo;
        const isOne = linked !== undefined && damaged.has(placeOf([...key.slice(0, 2), linked]));
        return isOne && value?.generation === remoteAt(plan, key).generation ? { key, linked } : undefined;
      },
      (view, items) => {
        for (const { key, linked } of items) {
          const remote = remoteAt(plan, key);
          const place = [remote.number, key[1] ?? "", linked];
          const document = view.get(today.RECORDS, place);
          if (document === undefined) continue;
          const { unconfirmed: _, ...rest } = document;
          view.put(today.RECORDS, place, { ...rest, remoteId: String(key[2]), generation: remote.generation });
        }
      },
    );
  }

  await convertRemotes();
  await convertTenants();
  await convertRuns();
  const unread = await convertMirrors();
  await findLinks(await convertRecords(unread));
  await commit(to, (view) => {
    for (const row of remotes.values()) view.put(today.REMOTES, [row.key], row);
    view.put(today.META, ["format"], today.FORMAT);
  });
}

interface Slice<T> {
  readonly items: readonly T[];
  /** Key of the last row, as it is stored. */
  readonly last: Key | undefined;
  readonly more: boolean;
}

function sliceOf<V, T>(walked: Iterable<OldRow<V>>, read: (row: OldRow<V>) => T | undefined): Slice<T> {
  const items: T[] = [];
  let last: Key | undefined;
  let rows = 0;
  let weight = 0;
  for (const row of walked) {
    last = row.raw;
    const item = read(row);
    if (item !== undefined) items.push(item);
    rows += 1;
    weight += weightOf(item);
    if (rows >= SLICE_ROWS || weight >= SLICE_WEIGHT) return { items, last, more: true };
  }
  return { items, last, more: false };
}

/** Where something stands, as a text. */
const placeOf = (key: Key): string => JSON.stringify(key);

function planOf(rows: Rows, names: Dictionary, { format, onDamaged }: ConvertOptions): Plan {
  const lanes = new Map<string, Pick<OldLane, "remote" | "tenant">>();
  const add = (remote: string, tenant: string): void => void lanes.set(placeOf([remote, tenant]), { remote, tenant });
  const own = mapValues(OWN, (table) => {
    const found = beginnings(rows, table, names, 2).map(({ key: [remote = "", tenant = ""], raw }): OldLane => ({
      remote: String(remote),
      tenant: String(tenant),
      raw: raw.slice(0, 2),
    }));
    for (const { remote, tenant } of found) add(remote, tenant);
    return new Map(Object.entries(groupBy(found, "remote")));
  });
  for (const { key } of walk(rows, DEPTHS, names)) add(String(key[0]), String(key[1]));
  // Who only points to a remote has no lane yet.
  const depths = [...lanes.values()];
  const pointing = new Map<string, string[]>();
  for (const { key, value } of walk(rows, plainTable<TenantRow>("tenants", 0), names)) {
    if (value?.remote === undefined) continue;
    pointing.set(value.remote, [...(pointing.get(value.remote) ?? []), String(key[0])]);
  }
  const known = new Map<string, RemoteDocument>();
  const lanesAt = groupBy(depths, "remote");
  const tenantsAt = (key: string): string[] => [
    ...(lanesAt[key] ?? []).map(({ tenant }) => tenant),
    ...(pointing.get(key) ?? []),
  ];
  const noteRemote = (key: string, row: Partial<RemoteDocument>, first: readonly string[]): void => {
    const lacking = tenantsAt(key);
    const senders = [...first, ...new Set(lacking.filter((tenant) => !first.includes(tenant)))];
    const { generation = 1, scans = {} } = row;
    known.set(key, { key, number: known.size + 1, generation, scans, senders });
  };
  const shared = new Map<string, number>();
  for (const { key, value } of walk(rows, plainTable<RemoteDocument>("remotes"), names)) {
    const remote = String(key[0]);
    const row = value ?? rebuiltRemote(rows, names, remote, new Set(tenantsAt(remote)).size > 1);
    if (value === undefined) onDamaged({ table: "remotes" });
    const sending = pointing.get(remote) ?? [];
    if (format < DIVIDED && sending.length > 1) shared.set(remote, sending.length - 1);
    noteRemote(remote, row, format < DIVIDED ? sending : (row.senders ?? []).map(names.named));
  }
  const others = [
    ...[RECORDS, MIRRORS].flatMap((table) => beginnings(rows, table, names, 1).map(({ key }) => String(key[0]))),
    ...depths.map(({ remote }) => remote),
    ...pointing.keys(),
  ];
  for (const remote of others) {
    if (known.has(remote)) continue;
    const sending = format < DIVIDED ? (pointing.get(remote) ?? []) : [];
    if (sending.length > 1) shared.set(remote, sending.length - 1);
    noteRemote(remote, {}, sending);
  }
  return { names, remotes: known, lanes: depths, own, shared };
}

/** The generation stands in its rows, too. Who sent what is lost where there were several connectors. */
function rebuiltRemote(rows: Rows, names: Dictionary, key: string, isShared: boolean): Partial<RemoteDocument> {
  let generation = 1;
  let places = 1;
  for (const {
    key: [remote],
    value,
  } of walk(rows, MIRRORS, names)) {
    if (remote !== key || value === undefined) continue;
    generation = Math.max(generation, value.generation);
    for (const fact of Object.values(value.facts)) places = Math.max(places, fact.length - 2);
  }
  for (const {
    key: [remote],
    value,
  } of walk(rows, RECORDS, names)) {
    if (remote === key) generation = Math.max(generation, value?.generation ?? 1);
  }
  const lost = isShared || places > 1 ? Array.from({ length: places }, (_, index) => `lost/${index}`) : [];
  return { generation, senders: lost };
}

/** What each connector of the remote had of a record. */
function partsOf(
  rows: Rows,
  { own, names }: Plan,
  { remote, type, hullId }: Omit<OldRecord, "row" | "parts">,
): OldPart[] {
  const parts = new Map<string, OldPart>();
  const short = names.short(type) ?? type;
  for (const name of ["entry", "hullUpdate", "deadLetter", "rival"] as const) {
    const table: OldTable<unknown> = OWN[name];
    for (const { tenant, raw } of own[name].get(remote) ?? []) {
      const found = rowAt(rows, table, [...raw, table.words > 0 ? short : type, hullId]);
      if (found === undefined) continue;
      const none = { tenant, entry: undefined, hullUpdate: undefined, deadLetter: undefined, rival: undefined };
      parts.set(tenant, { ...(parts.get(tenant) ?? none), [name]: found });
    }
  }
  return [...parts.values()];
}

function remoteNamed({ remotes }: Plan, key: string): RemoteDocument {
  const row = remotes.get(key);
  if (row === undefined) throw new Error("A row of the old store belongs to a remote that is not in it.");
  return row;
}

const remoteAt = (plan: Plan, [remote = ""]: Key): RemoteDocument => remoteNamed(plan, String(remote));

/** A row of the type was lost: what the last scan showed proves no absence. */
function distrust(remotes: Map<string, RemoteDocument>, key: string, type: string): void {
  const row = remotes.get(key);
  const scan = row?.scans[type];
  if (row === undefined || scan === undefined) return;
  remotes.set(key, { ...row, scans: { ...row.scans, [type]: { ...scan, startedAtMs: 0 } } });
}

/** @param others among how many further connectors what was sent counts */
function mirrorOf(
  row: MirrorRow,
  { generation }: RemoteDocument,
  lastSeen: LastSeen | undefined,
  others = 0,
): MirrorRow {
  const [, seenIn, told = 0] = lastSeen ?? [];
  const isToday = row.generation === generation && seenIn === generation;
  return {
    ...row,
    ...(others > 0 && { facts: mapValues(row.facts, (fact) => sharedFact(fact, others)) }),
    ...(isToday && told > 0 && row.missing !== true && { confirmedUnder: told }),
  };
}

function sharedFact(fact: Fact, others: number): Fact {
  const [remote, sent, told] = fact;
  return sent === null ? fact : [remote, sent, told, ...Array.from({ length: others }, () => sent)];
}

/** When and in which run a list showed a record last. */
function shownIn(
  row: MirrorRow,
  { generation }: RemoteDocument,
  lastSeen: LastSeen | undefined,
): { readonly atMs: number; readonly run: string } | undefined {
  if (lastSeen === undefined || lastSeen[1] !== generation || row.generation !== generation) return undefined;
  const [atMs, , , run] = lastSeen;
  return { atMs, run };
}

function isOpen(view: View, run: string): boolean {
  const state = view.get(today.RUNS, [run])?.state;
  return state === "waiting" || state === "running";
}

function withoutSame(document: Parameters<typeof putRecordIn>[3] & object): typeof document {
  return {
    ...document,
    revision: document.revision + 1,
    own: mapValues(document.own, ({ same: _, ...part }) => part),
  };
}

/** A message whose row is lost has ended. */
function countLost(view: View, type: string, { tenant, outcome }: Lost, nowMs: number): void {
  const name = `${type}/${outcome.outcome}/${outcome.code}`;
  view.add(today.TALLY, [tenant, outcome.derived === true ? "derived" : "outcomes", name], 1);
  if (outcome.derived === true) return;
  view.add(today.HOURS, [tenant, Math.floor(nowMs / HOUR_MS), name], 1);
  const isRun = outcome.run !== undefined && view.get(today.RUNS, [outcome.run])?.tenant === tenant;
  if (isRun) view.add(today.RUN_COUNTS, [outcome.run ?? "", "counts", name], 1);
}

/** The tables of the embedded database, their keys, and small rules that several operations share. */
import { hash } from "node:crypto";
import { foldedKey, type Keys, type OutcomeKind } from "../../record";
import { stripped } from "../database/absent";
import { createCache, type CachedTable } from "../database/cached";
import type { Key, KeyValue, Table } from "../database/kv";
import { openNames, withNames, type Names } from "../database/names";
import { ENTRY, HULL_UPDATE, MIRROR, packed, RECORD, type Codec } from "./packed";
import type {
  DeadLetterRow,
  Outcome,
  EntryRow,
  PauseRow,
  MirrorRow,
  RecordRow,
  RemoteRow,
  RivalRow,
  RunRow,
  LastSeen,
  HullUpdateRow,
  TenantRow,
} from "../port/rows";
import type { DeadLetterKey, Lane, ReportLine } from "../port/store";
import { SLICE, walk } from "../database/slices";
import { isLight, notTooMany } from "../port/weight";

/** Raised when the meaning of stored rows changes; older data is upgraded (`upgrade.ts`) or refused at start. */
export const FORMAT = 6;

const DAY_MS = 86_400_000;

export interface Depth {
  readonly outbox: number;
  readonly tells: number;
}

export interface Tables {
  readonly kv: KeyValue;
  readonly now: () => number;
  readonly names: Names & {
    /** A key as it is stored in the database's table, with its words written out. */
    readonly wordsOf: (table: string, key: Key) => Key;
  };
  readonly meta: Table<number>;
  readonly tenants: Table<TenantRow>;
  /** [tenant] → what a person granted, encrypted */
  readonly grants: Table<string>;
  readonly remotes: Table<RemoteRow>;
  /** [day, id] → organization and connector id */
  readonly notifications: Table<string>;
  /** [day, hash of a message] → "", or [day, hash of a record, id] → ids of its messages; see `dedupe.ts` */
  readonly seen: Table<string>;
  /** [remote, type, hull id] */
  readonly records: Table<RecordRow>;
  /** [remote, type, remote id] */
  readonly mirror: Table<MirrorRow>;
  /** The same for walks through all rows. */
  readonly mirrorInPassing: Table<MirrorRow>;
  /** [remote, type, claim name, value, hull id] → 1 */
  readonly claimIndex: Table<number>;
  /** [remote, type, remote id] */
  readonly lastSeen: Table<LastSeen>;
  /** [remote, type, key name, value, remote id] → 1 */
  readonly mirrorKeys: Table<number>;
  /** [remote, tenant, type, hull id] */
  readonly outbox: Table<EntryRow>;
  /** [remote, tenant, type, not before, seq] → hull id; only entries that could be worked on */
  readonly queue: Table<string>;
  /** [remote, tenant, accepted at, type, hull id] → 1; every entry, whatever it waits for */
  readonly ages: Table<number>;
  /** [remote, parent type, parent hull id, tenant, type, hull id] → 1 */
  readonly blocked: Table<number>;
  /** [remote, tenant, type, hull id] */
  readonly hullUpdates: Table<HullUpdateRow>;
  /** [remote, tenant, not before, seq] → [type, hull id] */
  readonly hullUpdateQueue: Table<readonly [string, string]>;
  /** [remote, tenant, type, hull id] */
  readonly dead: Table<DeadLetterRow>;
  /** [dead letter id, remote, tenant, type, hull id] → 1 */
  readonly deadLetterIds: Table<number>;
  /** [remote, tenant, parent type, parent hull id, type, hull id] → 1; dead letters that a refused parent left */
  readonly deadLetterParents: Table<number>;
  /** [remote, tenant, type, hull id] */
  readonly rivals: Table<RivalRow>;
  /** [remote, type, remote id, tenant, hull id] → 1 */
  readonly rivalsFor: Table<number>;
  /** [remote, tenant, scope] */
  readonly pauses: Table<PauseRow>;
  /** [tenant, family, name] → count */
  readonly tally: Table<number>;
  /** [tenant, hours since 1970, name] → count */
  readonly hours: Table<number>;
  /** [remote, tenant] */
  readonly depth: Table<Depth>;
  /** [run id] */
  readonly runs: Table<RunRow>;
  /** [tenant, minus the time of its making, run id] → 1 */
  readonly runsByTime: Table<number>;
  /** [tenant, kind, type, run id] → 1; in progress, or ended without its end being logged */
  readonly openRuns: Table<number>;
  /** [tenant, kind, type] → run id */
  readonly lastRuns: Table<string>;
  /** [run id, seq] */
  readonly reports: Table<ReportLine>;
  /** [hash of a quota key, milliseconds since 1970, seq] → 1; requests that were started */
  readonly starts: Table<number>;
}

/** Rows of each hot table that are cached. */
const CACHED = 10_000;

export function openTables(database: KeyValue, now: () => number): Tables {
  const names = openNames(database);
  const cache = createCache(database, names);
  const plain = <V>(name: string): Table<V> => stripped(database.table<V>(name));
  /** How many parts of a table's keys are written short. */
  const short = new Map<string, number>();
  const named = <V>(name: string, parts: number): Table<V> => {
    short.set(name, parts);
    return withNames(database.table<V>(name), names, parts);
  };
  const hot = <V>(name: string, parts: number, codec: Codec<V>, isKept?: (row: unknown) => boolean): CachedTable<V> =>
    cache.table(packed(named(name, parts), codec), CACHED, isKept);
  const mirror = hot("mirror", 2, MIRROR);
  return {
    kv: { ...database, transact: cache.transact },
    now,
    names: {
      ...names,
      wordsOf: (table, key) =>
        key.map((part, index) => (index < (short.get(table) ?? 0) ? names.word(String(part)) : part)),
    },
    meta: plain("meta"),
    tenants: plain("tenants"),
    grants: plain("grants"),
    remotes: cache.table(plain("remotes"), CACHED),
    notifications: plain("notifications"),
    seen: plain("seen"),
    records: hot("records", 2, RECORD),
    mirror,
    mirrorInPassing: mirror.inPassing,
    claimIndex: named("knownBy", 3),
    lastSeen: named("sightings", 2),
    mirrorKeys: named("mirrorKeys", 3),
    // Content is as large as its sender wants it; what is known of records is not.
    outbox: hot("outbox", 3, ENTRY, isLight),
    queue: named("queue", 3),
    ages: named("ages", 2),
    blocked: named("blocked", 2),
    hullUpdates: packed(named("tells", 3), HULL_UPDATE),
    hullUpdateQueue: named("tellQueue", 2),
    dead: plain("dead"),
    deadLetterIds: plain("letterIds"),
    deadLetterParents: plain("letterParents"),
    rivals: plain("rivals"),
    rivalsFor: plain("rivalsFor"),
    pauses: plain("holds"),
    tally: plain("tally"),
    hours: plain("hours"),
    depth: plain("depth"),
    runs: plain("runs"),
    runsByTime: plain("runsByTime"),
    openRuns: plain("openRuns"),
    lastRuns: plain("lastRuns"),
    reports: plain("reports"),
    starts: plain("starts"),
  };
}

export function outcomeOf(
  { messageId, counted, derived, run }: Pick<Outcome, "messageId" | "counted" | "run"> & { readonly derived?: boolean },
  outcome: OutcomeKind,
  { code, text }: Pick<Outcome, "code" | "text">,
  atMs: number,
  note?: string,
): Outcome {
  return { messageId, outcome, code, text, atMs, counted, note, derived: derived === true ? true : undefined, run };
}

/** Rows that a queue leads to and that are due, oldest first: this many, or fewer when they are large. */
export function dueRows<Q, V>(
  tables: Tables,
  queue: Table<Q>,
  prefix: Key,
  limit: number,
  rowOf: (queued: Q) => V | undefined,
): V[] {
  function* due(): Generator<V> {
    for (const [, queued] of queue.range(prefix, { end: [...prefix, tables.now() + 1], limit })) {
      const row = rowOf(queued);
      if (row !== undefined) yield row;
    }
  }
  return notTooMany(due());
}

/** Every place where something of a tenant may be stored: its current remote and earlier ones. */
export function lanesOf(tables: Tables, tenant: string): readonly Lane[] {
  const lanes = allLanes(tables).filter((lane) => lane.tenant === tenant);
  const remote = tables.tenants.get([tenant])?.remote;
  return remote === undefined || lanes.some((lane) => lane.remote === remote) ? lanes : [...lanes, { remote, tenant }];
}

/** Every lane in which something was taken in. */
export function allLanes(tables: Tables): readonly Lane[] {
  return [...tables.depth.range([])].map(([[remote, tenant]]) => ({ remote: String(remote), tenant: String(tenant) }));
}

/** The remote's row; one that was never stored starts with the first generation. */
export function remoteRow(tables: Tables, key: string): RemoteRow {
  return tables.remotes.get([key]) ?? { key, generation: 1, scans: {} };
}

/** A mirror row of today's generation. */
export function mirrorRow(tables: Tables, remote: RemoteRow, type: string, id: string): MirrorRow | undefined {
  const row = tables.mirror.get([remote.key, type, id]);
  return row?.generation === remote.generation ? row : undefined;
}

/** A record's remote id, if its link belongs to today's generation. */
export function linkOf(remote: RemoteRow, record: RecordRow | undefined): string | undefined {
  return record?.generation === remote.generation ? record.remoteId : undefined;
}

/** Where something of a record stands in the tables of its lane. */
export function pathOf({ remote, tenant, type, hullId }: DeadLetterKey): Key {
  return [remote, tenant, type, hullId];
}

/** The record of such a path. */
export function keyOf([remote, tenant, type, hullId]: Key): DeadLetterKey {
  return { remote: String(remote), tenant: String(tenant), type: String(type), hullId: String(hullId) };
}

/** Key values are found in their folded form (identity compares exactly afterwards); long ones by hash. */
export function indexValue(value: string): string {
  const folded = foldedKey(value);
  return folded.length <= 120 ? folded : hash("sha256", folded, "base64url");
}

/** Makes a record findable by its newest keys or claims, and no longer by older ones. `place`: remote, type, id. */
export function reindex(
  index: Table<number>,
  [remote = "", type = "", id = ""]: Key,
  before: Keys = {},
  after: Keys = {},
): void {
  const path = (name: string, value: string): Key => [remote, type, name, indexValue(value), id];
  for (const [name, value] of Object.entries(before)) if (after[name] !== value) index.remove(path(name, value));
  for (const [name, value] of Object.entries(after)) if (before[name] !== value) index.put(path(name, value), 1);
}

/** Ids that such an index has for a value of a key. */
export function* idsWith(
  index: Table<number>,
  [remote = "", type = ""]: Key,
  name: string,
  value: string,
  limit?: number,
): Generator<string> {
  for (const [path] of index.range([remote, type, name, indexValue(value)], { limit })) yield String(path[4]);
}

/** Converts rows of indexes to the folded form that were written when blanks around a value still counted; done once. */
export async function foldOldIndexes(tables: Tables): Promise<void> {
  if (tables.kv.read(() => tables.meta.get(["folded"])) !== undefined) return;
  for (const index of [tables.mirrorKeys, tables.claimIndex]) {
    const fold = ([remote = "", type = "", name = "", value = "", id = ""]: Key): void => {
      const folded = indexValue(String(value));
      if (folded === value) return;
      index.remove([remote, type, name, value, id]);
      index.put([remote, type, name, folded, id], 1);
    };
    await walk(tables.kv, index, [], fold, 10 * SLICE);
  }
  await tables.kv.transact(() => tables.meta.put(["folded"], 1));
}

export const dayOf = (ms: number): number => Math.floor(ms / DAY_MS);

/** True when the text was remembered within the last one to two days. */
export function remembered<V>(table: Table<V>, id: string, nowMs: number): V | undefined {
  const day = dayOf(nowMs);
  return table.get([day, id]) ?? table.get([day - 1, id]);
}

export function remember<V>(table: Table<V>, id: string, value: V, nowMs: number): void {
  table.put([dayOf(nowMs), id], value);
}

/** Whether any tenant of the remote has an entry of this record. `key`: remote, type, Hull id. */
export function isWaiting(tables: Tables, [remote = "", ...rest]: Key): boolean {
  return [...tables.depth.range([remote])].some(
    ([[, tenant = ""]]) => tables.outbox.get([remote, tenant, ...rest]) !== undefined,
  );
}

/** Changes what is known of a record, if there is such a record. `key`: remote, type, Hull id. */
export function patchRecord(tables: Tables, key: Key, changes: Partial<RecordRow>): void {
  const record = tables.records.get(key);
  if (record !== undefined) tables.records.put(key, { ...record, ...changes });
}

/** From now on, no message ends only because the last unchanged one said the same. `key`: remote, type, Hull id. */
export function forgetFingerprint(tables: Tables, key: Key): void {
  if (tables.records.get(key)?.same !== undefined) patchRecord(tables, key, { same: undefined });
}

/**
 * What becomes of a row whose value is not what was written: it costs its record alone, and nothing is made twice.
 * A transaction that meets one is taken back; the row is mended in a transaction of its own, by the rule of its table;
 * then the first one is done again.
 */
import { reason } from "../../outcome/outcome";
import type { Keys } from "../../record";
import { DamagedRow, wholeOr } from "../database/checks";
import type { Key, Table } from "../database/kv";
import type { DamagedName } from "../port/disk";
import type { Content, Outcome } from "../port/rows";
import { deadLetterId } from "../port/dead-letters";
import { openEntries } from "../tables/entries";
import { countOutcome, transact, type Ledger } from "../tables/ledger";
import { distrustScan } from "../tables/mirror";
import {
  allLanes,
  indexValue,
  keyOf,
  linkOf,
  outcomeOf,
  patchRecord,
  pathOf,
  remoteRow,
  type Tables,
} from "../tables/tables";
import { keepUnconfirmed } from "./accept";

/** @param key with its words written out */
type Rule = (tables: Tables, ledger: Ledger, key: Key) => void;

/** Every row counts, whole or not; nothing is mended on the way. */
const WHOLE = { skipDamaged: true } as const;

/** The former word, which stored data keeps. */
const HULL_UPDATE_QUEUE = "tellQueue";

/** The rules by the database's names of tables. Rows of all others are removed: they are counted or set up anew. */
const RULES: Readonly<Record<string, Rule>> = {
  outbox: endEntry,
  tells: endHullUpdate,
  records: (tables, _ledger, key) => rebuildRecord(tables, key),
  mirror: (tables, _ledger, key) => unlearn(tables, key),
  remotes: (tables, _ledger, key) => rebuildRemote(tables, key),
  queue: (tables, _ledger, key) => {
    const [remote = "", tenant = "", type = "", , seq] = key;
    const rows = tables.outbox.range([remote, tenant, type], WHOLE);
    requeue(tables.queue, key, first(rows, (row) => row.content?.seq === seq)?.hullId);
  },
  [HULL_UPDATE_QUEUE]: (tables, _ledger, key) => {
    const [remote = "", tenant = "", , seq] = key;
    const row = first(tables.hullUpdates.range([remote, tenant], WHOLE), (each) => each.seq === seq);
    requeue(tables.hullUpdateQueue, key, row && [row.type, row.hullId]);
  },
  depth: (tables, _ledger, key) => {
    tables.depth.put(key, { outbox: tables.outbox.size(key), tells: tables.hullUpdates.size(key) });
  },
  dead: (tables, _ledger, key) => {
    const record = keyOf(key);
    const { remote, tenant, type, hullId } = record;
    tables.dead.remove(key);
    tables.deadLetterIds.remove([deadLetterId(record), ...key]);
    removeWhere(tables.deadLetterParents, [remote, tenant], (path) => path[4] === type && path[5] === hullId);
  },
  rivals: (tables, _ledger, key) => {
    const { remote, tenant, type, hullId } = keyOf(key);
    tables.rivals.remove(key);
    removeWhere(tables.rivalsFor, [remote, type], (path) => path[3] === tenant && path[4] === hullId);
  },
  runs: (tables, _ledger, key) => {
    const [id = ""] = key;
    tables.runs.remove(key);
    removeWhere(tables.runsByTime, [], (path) => path[2] === id);
    removeWhere(tables.openRuns, [], (path) => path[3] === id);
    removeWhere(tables.reports, [id], () => true);
  },
};

/** Their keys say everything. */
const MARKS = new Set([
  ...["knownBy", "mirrorKeys", "ages", "blocked", "letterIds", "letterParents", "rivalsFor"],
  ...["runsByTime", "openRuns", "starts"],
]);

/** The format and the counters, and the words of keys: a counter that began again would number two things alike. */
const VITAL: ReadonlySet<string> = new Set(["meta", "names"]);

export type Mend = <T>(work: () => T | Promise<T>) => Promise<T>;

/**
 * @param tables whose transactions are not mended themselves
 * @param onDamaged is told of each row, once it is mended
 * @returns does some work; where that meets a damaged row, the row is mended and the work done again
 */
export function createMend(tables: Tables, onDamaged: (row: DamagedName) => void): Mend {
  const mend: Mend = async (work) => {
    const mended = new Set<string>();
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof DamagedRow) || VITAL.has(error.table)) throw error;
        const row = JSON.stringify([error.table, error.key]);
        // Its rule did not help: never endlessly.
        if (mended.has(row)) throw error;
        mended.add(row);
        await mendRow(error);
      }
    }
  };

  async function mendRow({ table, key: raw }: DamagedRow): Promise<void> {
    const stored = tables.kv.table<unknown>(table);
    const key = tables.names.wordsOf(table, raw);
    const wasDamaged = await mend(() =>
      transact(tables, (ledger) => {
        // Somebody else may have met it at the same time.
        if (!isDamaged(stored, raw)) return false;
        const rule = RULES[table];
        if (rule !== undefined) rule(tables, ledger, key);
        else if (MARKS.has(table)) stored.put(raw, 1);
        else stored.remove(raw);
        return true;
      }),
    );
    if (wasDamaged) onDamaged({ table, ...nameOf(table, key) });
  }

  return mend;
}

function isDamaged(table: Table<unknown>, key: Key): boolean {
  // A row that is not there is no damaged one.
  return table.size(key) > 0 && wholeOr(() => [table.get(key)]) === undefined;
}

/** The ids in a row's key; nothing of a key that may hold an address. */
function nameOf(table: string, key: Key): Omit<DamagedName, "table"> {
  const [first, second, third, fourth] = key.map(String);
  switch (table) {
    case "outbox":
    case "tells":
    case "dead":
    case "rivals":
      return { tenant: second ?? "", type: third ?? "", hullId: fourth ?? "" };
    case "records":
      return { type: second ?? "", hullId: third ?? "" };
    case "mirror":
    case "sightings":
      return { type: second ?? "", remoteId: third ?? "" };
    case "tenants":
    case "grants":
    case "tally":
    case "hours":
      return { tenant: first ?? "" };
    default:
      return {};
  }
}

/** What waited, or was in flight, ends; who waits for it ends with it. */
function endEntry(tables: Tables, ledger: Ledger, key: Key): void {
  const { remote, tenant, type, hullId } = keyOf(key);
  const lane = { remote, tenant };
  removeWhere(tables.queue, [remote, tenant, type], (_, queued) => queued === hullId);
  removeWhere(tables.ages, [remote, tenant], (path) => path[3] === type && path[4] === hullId);
  removeWhere(tables.blocked, [remote], (path) => path[3] === tenant && path[4] === type && path[5] === hullId);
  tables.outbox.remove(key);
  ledger.depth(lane, { outbox: -1 });
  const end = endDamaged(tables, ledger, key);
  openEntries(tables, ledger, lane, []).refuseChildren(type, hullId, "dead", end.text);
}

/** The service has it, and what Hull should have heard is lost: its next message is compared with what Hull knows. */
function endHullUpdate(tables: Tables, ledger: Ledger, key: Key): void {
  const { remote, tenant, type, hullId } = keyOf(key);
  removeWhere(
    tables.hullUpdateQueue,
    [remote, tenant],
    (_, [queuedType, queuedId]) => queuedType === type && queuedId === hullId,
  );
  tables.hullUpdates.remove(key);
  ledger.depth({ remote, tenant }, { tells: -1 });
  endDamaged(tables, ledger, key);
}

/** One outcome for what was lost, under the newest message of its record. */
function endDamaged(tables: Tables, ledger: Ledger, key: Key): Outcome {
  const { remote, tenant, type, hullId } = keyOf(key);
  const recordKey = [remote, type, hullId];
  const record = tables.records.get(recordKey);
  const messageId = record?.messageId ?? "";
  // A row of a batch has an id of its run and its number.
  const run = messageId.slice(0, Math.max(0, messageId.indexOf("/")));
  const end = outcomeOf(
    {
      messageId,
      counted: true,
      // Nobody sent it: it was made for its children.
      derived: record?.version === 0 && messageId === "",
      run: run !== "" && tables.runs.get([run])?.tenant === tenant ? run : undefined,
    },
    "dead",
    reason("damaged"),
    tables.now(),
  );
  countOutcome(ledger, tenant, type, hullId, end);
  patchRecord(tables, recordKey, { last: end, same: undefined });
  // A create may be behind it: the next message looks for the record first.
  if (linkOf(remoteRow(tables, remote), record) === undefined) {
    keepUnconfirmed(tables, { remote, type, hullId }, record?.unconfirmed ?? { sinceMs: tables.now(), reads: 0 });
  }
  return end;
}

/**
 * The link stands in the mirror too, and names in their index. Without a link nobody knows whether a create is behind
 * it, so what waits of it looks for the record first.
 */
function rebuildRecord(tables: Tables, key: Key): void {
  const [remote, type, hullId] = [String(key[0]), String(key[1]), String(key[2])];
  const { generation } = remoteRow(tables, remote);
  const nowMs = tables.now();
  const linked = first(
    tables.mirror.range([remote, type], WHOLE),
    (row) => row.generation === generation && row.linkedTo === hullId,
  );
  const waiting = allLanes(tables)
    .filter((lane) => lane.remote === remote)
    .flatMap((lane) => {
      const entry = wholeOr(() => tables.outbox.get(pathOf({ ...lane, type, hullId })));
      return entry === undefined ? [] : [entry];
    });
  const newest = newestOf(waiting.flatMap(({ content, attempt }) => [content, attempt?.content]));
  const unconfirmed = { sinceMs: nowMs, reads: 0 };
  tables.records.put(key, {
    version: newest?.version ?? 0,
    messageId: newest === undefined || newest.derived ? "" : newest.messageId,
    // Greater than any: what was compared before does not count.
    revision: nowMs,
    claims: keysIn(tables.claimIndex, [remote, type], hullId),
    ...(linked === undefined ? { unconfirmed } : { remoteId: linked.id, generation }),
  });
  if (linked !== undefined) return;
  for (const entry of waiting) {
    // An event that waits was not sent.
    if (entry.unconfirmed !== undefined || entry.content?.once === true) continue;
    tables.outbox.put(pathOf({ remote, ...entry }), { ...entry, unconfirmed });
  }
}

function newestOf(contents: readonly (Content | undefined)[]): Content | undefined {
  return contents.reduce((best, each) => ((each?.version ?? -1) > (best?.version ?? -1) ? each : best), undefined);
}

/** Nothing is known of it any more but who is linked to it; no scan proves absence, so it is looked for. */
function unlearn(tables: Tables, key: Key): void {
  const [remote, type, id] = [String(key[0]), String(key[1]), String(key[2])];
  const row = remoteRow(tables, remote);
  removeWhere(tables.mirrorKeys, [remote, type], (path) => path[4] === id);
  tables.lastSeen.remove(key);
  distrustScan(tables, remote, type);
  for (const [path, record] of tables.records.range([remote, type], WHOLE)) {
    if (linkOf(row, record) !== id) continue;
    const linkedTo = String(path[2]);
    const { generation } = row;
    tables.mirror.put(key, { id, generation, keys: {}, linkedTo, facts: {}, complete: false });
    patchRecord(tables, path, { same: undefined, revision: record.revision + 1 });
    return;
  }
  tables.mirror.remove(key);
}

/** The generation stands in its rows, too. Who sent what is lost where there are several connectors. */
function rebuildRemote(tables: Tables, key: Key): void {
  const remote = String(key[0]);
  const tenants = allLanes(tables).flatMap((lane) => (lane.remote === remote ? [lane.tenant] : []));
  let generation = 1;
  let places = 1;
  for (const [, row] of tables.mirrorInPassing.range([remote], WHOLE)) {
    generation = Math.max(generation, row.generation);
    for (const field in row.facts) places = Math.max(places, (row.facts[field]?.length ?? 0) - 2);
  }
  for (const [, row] of tables.records.range([remote], WHOLE)) generation = Math.max(generation, row.generation ?? 1);
  const taken = tenants.length > 1 || places > 1 ? Array.from({ length: places }, (_, index) => `lost/${index}`) : [];
  tables.remotes.put([remote], { key: remote, generation, scans: {}, senders: [...taken, ...tenants] });
}

/** What an index knows of a record; values that it holds as hashes only are removed. */
function keysIn(index: Table<number>, prefix: Key, id: string): Keys {
  const keys: Record<string, string> = {};
  for (const [path] of [...index.range(prefix, WHOLE)].filter(([each]) => each[4] === id)) {
    const [, , name = "", value = ""] = path;
    if (indexValue(String(value)) === value) keys[String(name)] = value;
    else index.remove(path);
  }
  return keys;
}

function requeue<V>(queue: Table<V>, key: Key, value: V | undefined): void {
  if (value === undefined) queue.remove(key);
  else queue.put(key, value);
}

function first<V>(rows: Iterable<readonly [Key, V]>, isIt: (row: V) => boolean): V | undefined {
  for (const [, row] of rows) if (isIt(row)) return row;
  return undefined;
}

function removeWhere<V>(table: Table<V>, prefix: Key, isIt: (key: Key, value: V) => boolean): void {
  const keys: Key[] = [];
  for (const [key, value] of table.range(prefix, WHOLE)) if (isIt(key, value)) keys.push(key);
  for (const key of keys) table.remove(key);
}

/**
 * What becomes of a row whose value is not what was written: it costs its record alone, and nothing is made twice. Work
 * that meets one leaves nothing behind; the row is mended in a commit of its own; then the work is done again.
 */
import { DamagedRow, wholeOr, type Database, type Key, type Rows } from "./database/rows";
import type { DamagedName } from "./port/disk";
import type { DamageRules, DocumentsOf, Traces } from "./port/documents";
import type { RemoteDocument } from "./port/rows";
import { sumsOf, type Counts } from "./tables/counts";
import { contentPlaces, FREE, numberIn, tenantIn } from "./tables/documents";
import { removeRuns } from "./tables/runs";
import {
  ALERTS,
  KEYED_CALLS,
  CONTENTS,
  DEPTH,
  GRANTS,
  HISTORY,
  HOURS,
  indexValue,
  META,
  MIRRORS,
  RECORDS,
  remoteRow,
  REMOTES,
  RUNS,
  TALLY,
  TENANTS,
} from "./tables/tables";
import { remoteNumbered } from "./tables/tenants";
import { commit, indexName, isIndex, MARK, type Table, type View } from "./tables/view";

export type Mend = <T>(work: () => Promise<T>) => Promise<T>;

export interface MendOptions {
  /** The commits to it are not mended themselves. */
  readonly database: Database;
  /** For one commit: gives the documents in each run of its work, with the same time and numbers. */
  readonly documents: () => (view: View) => { readonly of: DocumentsOf; readonly counts: Pick<Counts, "end"> };
  readonly rules: DamageRules;
  /** Told of each row, once it is mended. */
  readonly onDamaged: (row: DamagedName) => void;
}

/** Whose row it was, as far as it may be said; and the remote where children may not all be moved yet. */
type Mended = Omit<DamagedName, "table"> & { readonly remote?: string };

interface Mending {
  readonly view: View;
  readonly documentsOf: DocumentsOf;
  readonly rules: DamageRules;
}

/** @param key of a row that is removed already */
type Rule = (mending: Mending, key: Key) => Mended;

const ofTenant: Rule = (_mending, [tenant]) => ({ tenant: String(tenant) });

/** Its lines are gone, so its places lead nowhere, whichever it had. */
const loseHistory: Rule = ({ view }, [tenant = "", number = 0]) => {
  const names = (["outcomes", "derived"] as const).flatMap((family) =>
    Object.keys(sumsOf(view, TALLY, String(tenant), family)),
  );
  for (const name of new Set(names)) view.overwrite(indexName(HISTORY, "reasons"), [tenant, name, number], undefined);
  return { tenant: String(tenant) };
};

/** What was begun stays begun, although nobody knows what became of it: it must not be done again. */
const loseKeyedCall: Rule = ({ view }, key) => {
  const [tenant = ""] = key;
  const isOwn = (place: Key): boolean => place[1] === tenant && place.at(-1) === key.at(-1);
  const [[atMs] = []] = takePlaces(view, KEYED_CALLS, "age", [], isOwn);
  if (atMs !== undefined) view.put(KEYED_CALLS, key, { atMs: Number(atMs), by: "", sealed: "" });
  return { tenant: String(tenant) };
};

/** Rows of all other tables are removed: they are counted or set up anew. */
const RULES: ReadonlyMap<string, Rule> = new Map([
  [RECORDS.name, loseRecord],
  [CONTENTS.name, loseContent],
  [MIRRORS.name, unlearn],
  [REMOTES.name, rebuildRemote],
  [RUNS.name, loseRun],
  [DEPTH.name, recount],
  [HISTORY.name, loseHistory],
  [KEYED_CALLS.name, loseKeyedCall],
  ...[TENANTS, GRANTS, ALERTS, TALLY, HOURS].map(({ name }): [string, Rule] => [name, ofTenant]),
]);

type RecordIndex = keyof typeof RECORDS.indexes;

/** Where in a row of an index the type of the record stands. */
const TYPE_AT: Readonly<Record<RecordIndex, number>> = {
  ...{ claims: 1, rivals: 1, pending: 1, due: 2, dead: 2, deadIds: 3, waiting: 4, updates: 4, orphans: 4 },
};

/** Every row that is whole counts; nothing is mended on the way. */
const WHOLE = { skipDamaged: true } as const;

/** @returns does some work; where that meets a damaged row, the row is mended and the work done again */
export function createMend({ database, documents, rules, onDamaged }: MendOptions): Mend {
  /** @param mended rows that were mended for this work, or are being mended */
  async function attempt<T>(work: () => Promise<T>, mended: Set<string>): Promise<T> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        // The format and the counters: one that began again would number two things alike.
        if (!(error instanceof DamagedRow) || error.table === META.name) throw error;
        const row = JSON.stringify([error.table, error.key]);
        // Its rule did not help, or needs the row itself: never endlessly.
        if (mended.has(row)) throw error;
        mended.add(row);
        await mendRow(error, mended);
      }
    }
  }

  /** A commit that works on documents. */
  function commitWith<T>(work: (view: View, rows: Rows, documentsOf: DocumentsOf) => T): Promise<T> {
    const documentsIn = documents();
    return commit(database, (view, rows) => {
      const { of, counts } = documentsIn(view);
      const result = work(view, rows, of);
      counts.end();
      return result;
    });
  }

  async function mendRow({ table, key }: DamagedRow, mended: Set<string>): Promise<void> {
    const work = (view: View, rows: Rows, documentsOf: DocumentsOf): Mended | undefined => {
      // Somebody else may have met it at the same time.
      if (!isDamaged(rows, table, key)) return undefined;
      // The key of an index's row says everything.
      view.overwrite(table, key, isIndex(table) ? MARK : undefined);
      return RULES.get(table)?.({ view, documentsOf, rules }, key) ?? {};
    };
    const done = await attempt(() => commitWith(work), mended);
    if (done === undefined) return;
    const { remote, ...name } = done;
    onDamaged({ table, ...name });
    if (remote === undefined) return;
    const goOn = (_view: View, _rows: Rows, documentsOf: DocumentsOf): boolean => rules.goOn(documentsOf(remote));
    for (let more = true; more;) more = await attempt(() => commitWith(goOn), mended);
  }

  return (work) => attempt(work, new Set());
}

const isDamaged = (rows: Rows, table: string, key: Key): boolean => wholeOr(() => [rows.get(table, key)]) === undefined;

/** What its indexes say of it is told to the engine's rule, which makes the document anew. */
function loseRecord({ view, documentsOf, rules }: Mending, key: Key): Mended {
  const { remote, type, id: hullId } = placeOf(view, key);
  if (remote === undefined) return { type, hullId };
  const documents = documentsOf(remote);
  const traces = takeTraces(view, documents.remote(), type, hullId);
  rules.record(documents, { type, hullId }, traces);
  const [tenant, ...others] = new Set(traces.waited);
  return { ...(tenant !== undefined && others.length === 0 && { tenant }), type, hullId, remote };
}

/** Removes what else is stored of a record. @returns what that said */
function takeTraces(view: View, remote: RemoteDocument, type: string, hullId: string): Traces {
  const { number, generation } = remote;
  for (const place of contentPlaces(remote, [number, type, hullId])) view.overwrite(CONTENTS.name, place, undefined);
  const take = (index: RecordIndex): readonly Key[] => {
    const remoteAt = index === "deadIds" ? 1 : 0;
    const isOwn = (place: Key): boolean =>
      place[remoteAt] === number && place[TYPE_AT[index]] === type && place.at(-1) === hullId;
    return takePlaces(view, RECORDS, index, remoteAt === 0 ? [number] : [], isOwn);
  };
  const tenants = (places: readonly Key[], at: number): string[] =>
    places.map((place) => tenantIn(remote, String(place[at])));
  const entries = [...tenants(take("due"), 1), ...tenants(take("waiting"), 3)];
  const hullUpdates = tenants(take("updates"), 1);
  for (const tenant of entries) view.add(DEPTH, [remote.key, tenant, "outbox"], -1);
  for (const tenant of hullUpdates) view.add(DEPTH, [remote.key, tenant, "tells"], -1);
  // Values that stand there as hashes only are lost.
  const claims = take("claims").filter(([, , , value]) => indexValue(String(value)) === value);
  for (const index of ["dead", "deadIds", "orphans", "rivals", "pending"] as const) take(index);
  return {
    waited: [...entries, ...hullUpdates],
    claims: Object.fromEntries(claims.map(([, , name, value]) => [String(name), String(value)])),
    remoteId: idWhere(
      view.range(MIRRORS, [number, type], WHOLE),
      (row) => row.generation === generation && row.linkedTo === hullId,
    ),
  };
}

function loseContent({ view, documentsOf, rules }: Mending, key: Key): Mended {
  const { remote, type, id: hullId } = placeOf(view, key);
  if (remote === undefined) return { type, hullId };
  const documents = documentsOf(remote);
  const [number = "", slot] = String(key[3]).split("/");
  const tenant = documents.tenantOf(number);
  const part = slot === "deadLetter" || slot === "rival" ? slot : "entry";
  rules.content(documents, { tenant, type, hullId }, part);
  return { tenant, type, hullId, remote };
}

/** Who is linked to it stands in the records. */
function unlearn({ view, documentsOf, rules }: Mending, key: Key): Mended {
  const { remote, type, id } = placeOf(view, key);
  const [number = 0] = key;
  takePlaces(view, MIRRORS, "keys", [number, type], (place) => place.at(-1) === id);
  if (remote === undefined) return { type, remoteId: id };
  const { generation } = remoteRow(view, remote);
  const linked = idWhere(
    view.range(RECORDS, [number, type], WHOLE),
    (record) => record.generation === generation && record.remoteId === id,
  );
  rules.mirror(documentsOf(remote), type, id, linked);
  return { type, remoteId: id };
}

/** What others are numbered by stands in its indexes; its scans prove nothing any more. */
function rebuildRemote({ view }: Mending, key: Key): Mended {
  const take = (index: keyof typeof REMOTES.indexes): readonly Key[] =>
    takePlaces(view, REMOTES, index, [], (place) => place.at(-1) === key[0]);
  const [[number] = []] = take("numbers");
  const [[generation] = []] = take("generations");
  if (number === undefined || generation === undefined) return {};
  const senders: string[] = [];
  for (const [place, tenant] of take("senders")) senders[Number(place)] = String(tenant);
  view.put(REMOTES, key, {
    key: String(key[0]),
    number: Number(number),
    generation: Number(generation),
    scans: {},
    senders: Array.from(senders, (tenant: string | undefined) => tenant ?? FREE),
  });
  return {};
}

function loseRun({ view }: Mending, [id = ""]: Key): Mended {
  for (const index of ["time", "open"] as const) takePlaces(view, RUNS, index, [], (place) => place.at(-1) === id);
  removeRuns(view, [String(id)], Infinity);
  return {};
}

/** As many as stand in the queues. */
function recount({ view }: Mending, key: Key): Mended {
  const [remote = "", tenant = "", name] = key.map(String);
  const row = remoteRow(view, remote);
  const lane = [row.number, Number(numberIn(row, tenant) ?? -1)];
  let sum = view.size(RECORDS, lane, name === "tells" ? "updates" : "due");
  if (name !== "tells") {
    for (const place of view.places(RECORDS, "waiting", [row.number])) sum += place[3] === lane[1] ? 1 : 0;
  }
  view.overwrite(DEPTH.name, key, sum);
  return {};
}

/** What a key of a remote's row names. */
function placeOf(view: View, [number = 0, type, id]: Key) {
  return { remote: remoteNumbered(view, number), type: String(type), id: String(id) };
}

/** Removes rows of an index; returns them. */
function takePlaces<V, I extends string>(
  view: View,
  table: Table<V, I>,
  index: I,
  prefix: Key,
  isOwn: (place: Key) => boolean,
): readonly Key[] {
  const places: Key[] = [];
  for (const place of view.places(table, index, prefix)) if (isOwn(place)) places.push(place);
  for (const place of places) view.overwrite(indexName(table, index), place, undefined);
  return places;
}

/** Id of the first document that is meant. */
function idWhere<V>(rows: Iterable<readonly [Key, V]>, isMeant: (row: V) => boolean): string | undefined {
  for (const [key, row] of rows) if (isMeant(row)) return String(key.at(-1));
  return undefined;
}

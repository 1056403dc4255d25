/**
 * The documents of one remote in one commit, for the rules of the engine. Does what they need not know of: puts large
 * content into rows of its own, and counts what waits.
 */
import type { BlockedPlace, Documents, DuePlace } from "../port/documents";
import type { Content, OwnPart, RecordDocument, RecordPlace, RemoteDocument } from "../port/rows";
import { weightOf } from "../../weight";
import type { Key } from "../database/rows";
import type { Counts } from "./counts";
import { changeRun } from "./runs";
import { CONTENTS, DEPTH, FLIGHTS, indexValue, LISTED, MIRRORS, partsOf, RECORDS, remoteRow, SEEN } from "./tables";
import { allLanes, putRemote as putRemoteIn } from "./tenants";
import type { Reader, View } from "./view";

/** Content above this stands in a row of its own; characters. */
const MOST_INSIDE = 8_000;
/** Replaces a connector that was forgotten; the next one gets its number. */
export const FREE = "";
const DAY_MS = 86_400_000;
/** Parts of a record that hold content, and whether it always stands apart since nothing reads it for long. */
const SLOTS = { content: false, attempt: false, deadLetter: true, rival: true } as const;
type Slot = keyof typeof SLOTS;

export const dayOf = (ms: number): number => Math.floor(ms / DAY_MS);

/** Remembered within the last one to two days. */
export const daysBack = (nowMs: number): readonly number[] => [dayOf(nowMs), dayOf(nowMs) - 1];

/** Number of a connector at a remote; undefined: it never had anything there. */
export function numberIn({ senders = [] }: RemoteDocument, tenant: string): string | undefined {
  const place = senders.indexOf(tenant);
  return place === -1 || tenant === FREE ? undefined : String(place);
}

/** Where a connector's rows stand, in indexes too; nowhere if it has none. */
export const laneAt = (remote: RemoteDocument, tenant: string): Key => [
  remote.number,
  Number(numberIn(remote, tenant) ?? -1),
];

export const tenantIn = ({ senders = [] }: RemoteDocument, number: string | number): string =>
  senders[Number(number)] ?? FREE;

/** A record with all of its content. */
export function recordIn(view: Reader, key: Key): RecordDocument | undefined {
  const document = view.get(RECORDS, key);
  return document === undefined || !isAny(document, isApart)
    ? document
    : mapContents(document, (content, slot) => joined(view, key, content, slot));
}

/** Every place where content of a record may stand apart. */
export const contentPlaces = ({ senders = [] }: RemoteDocument, record: Key): readonly Key[] =>
  senders.flatMap((_, number) => Object.keys(SLOTS).map((slot) => [...record, `${number}/${slot}`]));

function isAny({ own }: RecordDocument, isIt: (content: Content, slot: Slot) => boolean): boolean {
  for (const number in own) {
    const { entry, deadLetter, rival } = own[number] ?? {};
    if (entry?.content !== undefined && isIt(entry.content, "content")) return true;
    if (entry?.attempt !== undefined && isIt(entry.attempt.content, "attempt")) return true;
    if (deadLetter !== undefined && isIt(deadLetter.content, "deadLetter")) return true;
    if (rival !== undefined && isIt(rival.content, "rival")) return true;
  }
  return false;
}

const isApart = ({ apart }: Content): boolean => apart === true;

const standsApart = ({ desired }: Content, slot: Slot): boolean => SLOTS[slot] || weightOf(desired) > MOST_INSIDE;

function joined(view: Reader, key: Key, content: Content, slot: string): Content {
  const { apart, ...rest } = content;
  if (apart !== true) return content;
  const found = view.get(CONTENTS, [...key, slot]) ?? rest;
  // The same object, so that it is not written again with its record.
  return found.seq === content.seq ? found : { ...found, seq: content.seq };
}

/**
 * A record with other content in the places where content may stand apart.
 *
 * @param slotName the connector's number, and the part that holds the content
 */
export function mapContents(
  document: RecordDocument,
  change: (content: Content, slotName: string) => Content,
): RecordDocument {
  const own: Record<string, OwnPart> = {};
  for (const [number, part] of Object.entries(document.own)) {
    const at = (slot: Slot, content: Content): Content => change(content, `${number}/${slot}`);
    const { entry, deadLetter, rival } = part;
    own[number] = {
      ...part,
      entry: entry && {
        ...entry,
        content: entry.content && at("content", entry.content),
        attempt: entry.attempt && { ...entry.attempt, content: at("attempt", entry.attempt.content) },
      },
      deadLetter: deadLetter && { ...deadLetter, content: at("deadLetter", deadLetter.content) },
      rival: rival && { ...rival, content: at("rival", rival.content) },
    };
  }
  return { ...document, own };
}

/** What stays of content whose fields are a row of their own: all that indexes and queues ask. */
function stub({ desired, ...content }: Content): Content {
  const { parent, leaves } = desired;
  const empty = { fields: {}, keys: {}, cleared: [] };
  return {
    ...content,
    claims: {},
    shown: undefined,
    apart: true,
    desired: {
      ...empty,
      leaves,
      parent: parent && { type: parent.type, hullId: parent.hullId, desired: empty, claims: {} },
    },
  };
}

/** Writes a record; content that is large, or kept for long, apart from it. */
export function putRecordIn(view: View, remote: RemoteDocument, key: Key, document: RecordDocument | undefined): void {
  const before = view.get(RECORDS, key);
  if (document === before) return;
  countDepth(view, remote, before, document, -1);
  countDepth(view, remote, document, before, 1);
  let wanted: Set<string> | undefined;
  const stored =
    document &&
    (!isAny(document, standsApart)
      ? document
      : mapContents(document, (content, name) => {
          if (!standsApart(content, name.slice(name.indexOf("/") + 1) as Slot)) return content;
          (wanted ??= new Set()).add(name);
          view.put(CONTENTS, [...key, name], content);
          return stub(content);
        }));
  if (before !== undefined && isAny(before, isApart)) {
    mapContents(before, (content, name) => {
      if (content.apart === true && wanted?.has(name) !== true) view.remove(CONTENTS, [...key, name]);
      return content;
    });
  }
  if (stored === undefined) view.remove(RECORDS, key);
  else view.put(RECORDS, key, stored);
}

/** Counts what waits in one of two documents and not in the other. */
function countDepth(
  view: View,
  remote: RemoteDocument,
  document: RecordDocument | undefined,
  other: RecordDocument | undefined,
  by: 1 | -1,
): void {
  for (const [number, { entry, hullUpdate }] of partsOf(document)) {
    const own = other?.own[number];
    const isNewEntry = entry !== undefined && own?.entry === undefined;
    const isNewUpdate = hullUpdate !== undefined && own?.hullUpdate === undefined;
    if (isNewEntry) view.add(DEPTH, [remote.key, tenantIn(remote, number), "outbox"], by);
    if (isNewUpdate) view.add(DEPTH, [remote.key, tenantIn(remote, number), "tells"], by);
  }
}

/** @param counts is told what to count, and writes it at the end of the commit */
export function documentsOf(
  view: View,
  remoteKey: string,
  counts: Counts,
  { nowMs, nextSeq }: { readonly nowMs: number; readonly nextSeq: () => number },
): Documents {
  let remote = remoteRow(view, remoteKey);

  const putRemote = (row: RemoteDocument): void => {
    remote = putRemoteIn(view, row);
  };
  const at = (type: string, id: string): Key => [remote.number, type, id];
  const known = (): boolean => remote.number > 0;
  const named = (): RemoteDocument => {
    if (!known()) putRemote(remote);
    return remote;
  };

  /** What is in flight, by connector; read once. */
  const flights = new Map<string, ReadonlyMap<number, number>>();
  const laneOf = (tenant: string): Key => laneAt(remote, tenant);
  const flightsOf = (tenant: string) => [...view.range(FLIGHTS, laneOf(tenant))];
  /** Records by rows of an index that end with type and Hull id. */
  const recordsAt = (places: Iterable<Key>, tenantOf: (place: Key) => string): readonly RecordPlace[] =>
    Array.from(places, (place) => ({
      tenant: tenantOf(place),
      type: String(place.at(-2)),
      hullId: String(place.at(-1)),
    }));
  const ownerOf = ([, , , number = ""]: Key): string => tenantIn(remote, number);

  return {
    nowMs,
    remote: () => remote,
    putRemote,
    numberOf: (tenant) => {
      const found = numberIn(remote, tenant);
      if (found !== undefined) return found;
      const senders = [...(remote.senders ?? [])];
      const free = senders.indexOf(FREE);
      const place = free === -1 ? senders.length : free;
      senders[place] = tenant;
      putRemote({ ...remote, senders });
      return String(place);
    },

    numberIn: (tenant) => numberIn(remote, tenant),
    tenantOf: (number) => tenantIn(remote, number),

    record: (type, hullId) => (known() ? recordIn(view, at(type, hullId)) : undefined),
    putRecord: (type, hullId, document) => putRecordIn(view, named(), at(type, hullId), document),

    mirror: (type, id) => (known() ? view.get(MIRRORS, at(type, id)) : undefined),
    putMirror: (type, id, row) => {
      if (row === undefined) view.remove(MIRRORS, at(type, id));
      else view.put(MIRRORS, [named().number, type, id], row);
    },
    mirrors: (type, after, limit) => {
      const from = after === undefined ? undefined : at(type, after);
      return [...view.range(MIRRORS, [remote.number, type], { after: from, limit })].map(([, row]) => row);
    },
    mirrorIds: (type, after, limit) => {
      const from = after === undefined ? undefined : at(type, after);
      return Array.from(view.keys(MIRRORS, [remote.number, type], { after: from, limit }), ([, , id]) => String(id));
    },
    *idsWith(type, name, value) {
      for (const place of view.places(MIRRORS, "keys", [remote.number, type, name, indexValue(value)]))
        yield String(place[4]);
    },

    idsClaiming: (type, name, value, limit) =>
      Array.from(view.places(RECORDS, "claims", [remote.number, type, name, indexValue(value)], { limit }), (place) =>
        String(place[4]),
      ),
    waitingFor: (type, hullId, limit, tenant) => {
      const own = tenant === undefined ? [] : laneOf(tenant).slice(1);
      return recordsAt(view.places(RECORDS, "waiting", [remote.number, type, hullId, ...own], { limit }), ownerOf);
    },
    orphansOf: ({ tenant, type, hullId }, { limit, after }) => {
      const prefix = [...laneOf(tenant), type, hullId];
      const from = after && [...prefix, after.type, after.hullId];
      return recordsAt(view.places(RECORDS, "orphans", prefix, { limit, after: from }), () => tenant);
    },
    rivalsFor: (type, remoteId) =>
      Array.from(view.places(RECORDS, "rivals", [remote.number, type, remoteId]), (place) => ({
        tenant: ownerOf(place),
        type,
        hullId: String(place.at(-1)),
      })),
    due: (tenant, type, { limit, untilMs, after }) => {
      const lane = laneOf(tenant);
      const prefix = type === undefined ? lane : [...lane, type];
      const end = untilMs === undefined || type === undefined ? undefined : [...prefix, untilMs + 1];
      const from = after && [...lane, after.type, after.atMs, after.seq, after.hullId];
      const places = view.places(RECORDS, "due", prefix, { limit, end, after: from });
      return [...places].map(([, , own, atMs, seq, hullId]) => duePlace(own, atMs, seq, hullId));
    },
    dueHullUpdates: (tenant, { limit, untilMs, after }) => {
      const prefix = laneOf(tenant);
      const end = untilMs === undefined ? undefined : [...prefix, untilMs + 1];
      const from = after && [...prefix, after.atMs, after.seq, after.type, after.hullId];
      const places = view.places(RECORDS, "updates", prefix, { limit, end, after: from });
      return [...places].map(([, , atMs, seq, own, hullId]) => duePlace(own, atMs, seq, hullId));
    },
    isDue: (tenant, { type, atMs, seq, hullId }) =>
      view.hasPlace(RECORDS, "due", [...laneOf(tenant), type, atMs, seq, hullId]),
    blocked: ({ limit, after }) => {
      const prefix = [remote.number];
      const { parent, number, type = "", hullId = "" } = after ?? {};
      const from = parent && [...prefix, parent.type, parent.hullId, number ?? 0, type, hullId];
      const places = view.places(RECORDS, "waiting", prefix, { limit, after: from });
      return Array.from(places, (place): BlockedPlace => ({
        tenant: ownerOf(place),
        type: String(place[4]),
        hullId: String(place[5]),
        parent: { type: String(place[1]), hullId: String(place[2]) },
        number: Number(place[3]),
      }));
    },
    deadLetters: (tenant) => recordsAt(view.places(RECORDS, "dead", laneOf(tenant)), () => tenant),
    flights: (tenant) => {
      const known = flights.get(tenant);
      if (known !== undefined) return known;
      const found = new Map<number, number>();
      for (const [, { atMs, seqs }] of flightsOf(tenant)) for (const seq of seqs) found.set(seq, atMs);
      flights.set(tenant, found);
      return found;
    },
    putFlight: (tenant, seqs) => {
      flights.delete(tenant);
      const [id] = seqs;
      if (id !== undefined) view.put(FLIGHTS, [...laneOf(tenant), id], { atMs: nowMs, seqs });
    },
    endFlights: (tenant, isEnded) => {
      flights.delete(tenant);
      for (const [key, flight] of flightsOf(tenant)) {
        const seqs = flight.seqs.filter((seq) => !isEnded(seq));
        if (seqs.length === 0) view.remove(FLIGHTS, key);
        else if (seqs.length < flight.seqs.length) view.put(FLIGHTS, key, { ...flight, seqs });
      }
    },
    pending: (limit) => recordsAt(view.places(RECORDS, "pending", [remote.number], { limit }), () => FREE),
    lanes: () => allLanes(view, [remoteKey]).length,

    putListed: (type, run, atMs, ids) => {
      if (ids.length > 0) view.put(LISTED, [named().number, type, run, nextSeq()], { atMs, ids });
    },

    remembered: (id) => daysBack(nowMs).some((day) => view.get(SEEN, [day, id]) !== undefined),
    remember: (id) => view.put(SEEN, [dayOf(nowMs), id], ""),
    earlierIds: (record) =>
      daysBack(nowMs).flatMap((day) => [...view.range(SEEN, [day, record])].map(([, ids]) => ids)),
    rememberIds: (record, first, ids) => view.put(SEEN, [dayOf(nowMs), record, first], ids),

    nextSeq,
    count: (tenant, family, name, by) => counts.add(tenant, family, name, by),
    historyRow: (tenant) => counts.historyRow(tenant),
    note: (tenant, line, before) => counts.note(tenant, before === undefined ? line : { ...line, before }),
    countInRun: (run, line, by) => counts.run(run, line, by),
    changeRun: (run, change) => void changeRun(view, run, change, nowMs),
    changed: () => view.changed(),
  };
}

const duePlace = (
  type: Key[number] = "",
  atMs: Key[number] = 0,
  seq: Key[number] = 0,
  hullId: Key[number] = "",
): DuePlace => ({
  type: String(type),
  hullId: String(hullId),
  atMs: Number(atMs),
  seq: Number(seq),
});

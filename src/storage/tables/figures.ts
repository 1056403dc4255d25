/** Counts and depths, found without walking everything: numbers above the bounds are "or more". */
import { hash } from "node:crypto";
import countBy from "lodash/countBy";
import min from "lodash/min";
import sumBy from "lodash/sumBy";
import { serviceOf } from "../port/lane";
import type { MirrorRow, RemoteDocument } from "../port/rows";
import type { Backlog, LaneHealth, Lane, UniqueKey } from "../port/store";
import type { Key } from "../database/rows";
import { laneAt, numberIn } from "./documents";
import { DEPTH, MIRRORS, PAUSES, RECORDS, remoteRow, STARTS } from "./tables";
import { allLanes } from "./tenants";
import { removeRows, type Reader, type View } from "./view";

const MOST_LETTERS = 1_000;
const MOST_KEYS = 10_000;
const MOST_SHARED = 5;
/** Places of a queue among which the entry that waits longest is looked for: those that are due first. */
const OLDEST_OF = 200;

/** @param unique keys that no two records of a type should share */
export function laneHealth(view: Reader, lane: Lane, unique: readonly UniqueKey[]): LaneHealth {
  const remote = remoteRow(view, lane.remote);
  const number = numberIn(remote, lane.tenant) ?? "";
  const dead = [...view.places(RECORDS, "dead", laneAt(remote, lane.tenant), { limit: MOST_LETTERS })];
  const refused = dead.map(
    ([, , type = "", id = ""]) =>
      view.get(RECORDS, [remote.number, type, id])?.own[number]?.deadLetter?.ending.code ?? "",
  );
  return {
    ...depthOf(view, lane),
    oldestAtMs: oldestIn(view, lane),
    deadLetters: countBy(refused),
    moreDeadLetters: refused.length === MOST_LETTERS,
    shared: unique.flatMap((of) => sharedValues(view, remote, of).map((value) => ({ of, value }))),
  };
}

/** When the entry that waits longest was taken in, as far as the queue tells without being walked. */
function oldestIn(view: Reader, { remote: key, tenant }: Lane): number | undefined {
  const remote = remoteRow(view, key);
  const number = numberIn(remote, tenant) ?? "";
  const due = view.places(RECORDS, "due", laneAt(remote, tenant), { limit: OLDEST_OF });
  const waiting = [...view.places(RECORDS, "waiting", [remote.number], { limit: 5 * OLDEST_OF })];
  const records = [
    ...[...due].map(([, , type = "", , , id = ""]) => [type, id] as const),
    ...waiting
      .flatMap(([, , , owner, type = "", id = ""]) => (String(owner) === number ? [[type, id] as const] : []))
      .slice(0, OLDEST_OF),
  ];
  const entries = records.map(
    ([type, id]) => view.get(RECORDS, [remote.number, type, id])?.own[number]?.entry?.acceptedAtMs,
  );
  return min(entries.filter((atMs) => atMs !== undefined));
}

/** Values that several of today's records have. Index rows of one value are adjacent. */
function sharedValues(view: Reader, remote: RemoteDocument, { type, key }: UniqueKey): string[] {
  const rowAt = (place: Key): MirrorRow | undefined => {
    const row = view.get(MIRRORS, [remote.number, type, place[4] ?? ""]);
    return row?.generation !== remote.generation || row.missing === true || row.archived === true ? undefined : row;
  };
  const shared = new Set<string>();
  let before: Key | undefined;
  for (const place of view.places(MIRRORS, "keys", [remote.number, type, key], { limit: MOST_KEYS })) {
    if (before !== undefined && before[3] === place[3]) {
      // The index ignores case, the service does not.
      const value = rowAt(place)?.keys[key];
      if (value !== undefined && rowAt(before)?.keys[key] === value) shared.add(value);
      if (shared.size >= MOST_SHARED) break;
    }
    before = place;
  }
  return [...shared];
}

/** Entries and Hull updates that wait in a lane. */
export function depthOf(view: Reader, { remote, tenant }: Lane): { outbox: number; hullUpdates: number } {
  return {
    outbox: view.sum(DEPTH, [remote, tenant, "outbox"]),
    hullUpdates: view.sum(DEPTH, [remote, tenant, "tells"]),
  };
}

/** Lanes that have anything in outbox or write-back. */
export function busyLanes(view: Reader): readonly Lane[] {
  return allLanes(view).filter((lane) => {
    const { outbox, hullUpdates } = depthOf(view, lane);
    return outbox > 0 || hullUpdates > 0;
  });
}

/** What waits and what is paused of one service. */
export function backlogOf(view: Reader, service: string, nowMs: number): Backlog {
  const isOwn = ({ tenant }: Pick<Lane, "tenant">): boolean => serviceOf(tenant) === service;
  const all = allLanes(view).filter(isOwn);
  const lanes = busyLanes(view).filter(isOwn);
  const depths = lanes.map((lane) => depthOf(view, lane));
  const pauses = [...view.range(PAUSES, [])].filter(([, row]) => isOwn(row) && row.untilMs > nowMs);
  return {
    lanes: lanes.length,
    outbox: sumBy(depths, "outbox"),
    hullUpdates: sumBy(depths, "hullUpdates"),
    oldestAtMs: min(lanes.map((lane) => oldestIn(view, lane))),
    pauses: pauses.map(([, { kind }]) => kind),
    deadLetters: sumBy(all, ({ remote, tenant }) =>
      view.size(RECORDS, laneAt(remoteRow(view, remote), tenant), "dead"),
    ),
  };
}

const quotaName = (quotaKey: string): string => hash("sha256", quotaKey, "base64url");

export function startsOf(view: Reader, quotaKey: string, sinceMs: number): number[] {
  const name = quotaName(quotaKey);
  return [...view.range(STARTS, [name], { after: [name, sinceMs] })].map(([key]) => Number(key[1]));
}

/** Rows that are forgotten with one that is remembered: more than one, so that none pile up. */
const FORGOTTEN_AT_ONCE = 10;

/** @param seq a number that no other start has */
export function noteStart(view: View, quotaKey: string, atMs: number, forgetBeforeMs: number, seq: number): void {
  const name = quotaName(quotaKey);
  removeRows(view, STARTS, [name], { end: [name, forgetBeforeMs], limit: FORGOTTEN_AT_ONCE });
  view.put(STARTS, [name, atMs, seq], 1);
}

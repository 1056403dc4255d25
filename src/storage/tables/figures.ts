/** Counts and depths, found without walking everything: numbers above the bounds are "or more". */
import { hash } from "node:crypto";
import countBy from "lodash/countBy";
import min from "lodash/min";
import sum from "lodash/sum";
import sumBy from "lodash/sumBy";
import type { Key } from "../database/kv";
import { serviceOf } from "../port/lane";
import type { MirrorRow } from "../port/rows";
import type { Backlog, LaneHealth, Lane, Tally, UniqueKey } from "../port/store";
import { mirrorRow, remoteRow, type Tables } from "./tables";

const MOST_LETTERS = 1_000;
const MOST_KEYS = 10_000;
const MOST_SHARED = 5;

/** @param unique keys that no two records of a type should share */
export function laneHealth(tables: Tables, lane: Lane, unique: readonly UniqueKey[]): LaneHealth {
  const path = [lane.remote, lane.tenant];
  const oldest = [...tables.ages.range(path, { limit: 1 })][0]?.[0][2];
  const refused = [...tables.dead.range(path, { limit: MOST_LETTERS })].map(([, { ending }]) => ending.code);
  return {
    ...depthOf(tables, lane),
    oldestAtMs: oldest === undefined ? undefined : Number(oldest),
    deadLetters: countBy(refused),
    moreDeadLetters: refused.length === MOST_LETTERS,
    shared: unique.flatMap((of) => sharedValues(tables, lane.remote, of).map((value) => ({ of, value }))),
  };
}

/** Values that several of today's records have. Index rows of one value are adjacent. */
function sharedValues(tables: Tables, remoteKey: string, { type, key }: UniqueKey): string[] {
  const remote = remoteRow(tables, remoteKey);
  const rowAt = (path: Key): MirrorRow | undefined => {
    const row = mirrorRow(tables, remote, type, String(path[4]));
    return row?.missing === true || row?.archived === true ? undefined : row;
  };
  const shared = new Set<string>();
  let before: Key | undefined;
  for (const [path] of tables.mirrorKeys.range([remoteKey, type, key], { limit: MOST_KEYS })) {
    if (before !== undefined && before[3] === path[3]) {
      // The index ignores case, the service does not.
      const value = rowAt(path)?.keys[key];
      if (value !== undefined && rowAt(before)?.keys[key] === value) shared.add(value);
      if (shared.size >= MOST_SHARED) break;
    }
    before = path;
  }
  return [...shared];
}

/** Entries and Hull updates that wait in a lane. */
export function depthOf(tables: Tables, { remote, tenant }: Lane): { outbox: number; hullUpdates: number } {
  const { outbox, tells } = tables.depth.get([remote, tenant]) ?? { outbox: 0, tells: 0 };
  return { outbox, hullUpdates: tells };
}

/** Lanes that have anything in outbox or write-back. */
export function busyLanes(tables: Tables): readonly Lane[] {
  return [...tables.depth.range([])].flatMap(([[remote, tenant], { outbox, tells }]) =>
    outbox > 0 || tells > 0 ? [{ remote: String(remote), tenant: String(tenant) }] : [],
  );
}

/** What waits and what is paused of one service. */
export function backlogOf(tables: Tables, service: string): Backlog {
  const isOwn = ({ tenant }: Pick<Lane, "tenant">): boolean => serviceOf(tenant) === service;
  const lanes = busyLanes(tables).filter(isOwn);
  const depths = lanes.map((lane) => depthOf(tables, lane));
  const oldest = lanes.flatMap(({ remote, tenant }) => [...tables.ages.range([remote, tenant], { limit: 1 })]);
  const pauses = [...tables.pauses.range([])].filter(([, row]) => isOwn(row) && row.untilMs > tables.now());
  const all = [...tables.depth.range([])].filter(([[, tenant]]) => isOwn({ tenant: String(tenant) }));
  return {
    lanes: lanes.length,
    outbox: sumBy(depths, "outbox"),
    hullUpdates: sumBy(depths, "hullUpdates"),
    oldestAtMs: min(oldest.map(([key]) => Number(key[2]))),
    pauses: pauses.map(([, { kind }]) => kind),
    deadLetters: sumBy(all, ([lane]) => tables.dead.size(lane)),
  };
}

export function tallyOf(tables: Tables, tenant: string): Tally {
  const family = (name: string): Record<string, number> =>
    Object.fromEntries([...tables.tally.range([tenant, name])].map(([key, count]) => [String(key[2]), count]));
  return { messages: sum(Object.values(family("messages"))), outcomes: family("outcomes"), derived: family("derived") };
}

const quotaName = (quotaKey: string): string => hash("sha256", quotaKey, "base64url");

export function startsOf(tables: Tables, quotaKey: string, sinceMs: number): number[] {
  const name = quotaName(quotaKey);
  return [...tables.starts.range([name], { after: [name, sinceMs] })].map(([key]) => Number(key[1]));
}

/** Rows that are forgotten with one that is remembered: more than one, so that none pile up. */
const FORGOTTEN_AT_ONCE = 10;

export function noteStart(tables: Tables, quotaKey: string, atMs: number, forgetBeforeMs: number): void {
  const name = quotaName(quotaKey);
  const old = [...tables.starts.range([name], { end: [name, forgetBeforeMs], limit: FORGOTTEN_AT_ONCE })];
  for (const [key] of old) tables.starts.remove(key);
  const [last] = [...tables.starts.range([name, atMs])].toReversed();
  tables.starts.put([name, atMs, last === undefined ? 0 : Number(last[0][2]) + 1], 1);
}

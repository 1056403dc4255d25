/** What a person should look at in one lane, found without walking everything: numbers above the bounds are "or more". */
import type { Key } from "../database/kv";
import type { MirrorRow } from "../port/rows";
import type { LaneHealth, Lane, UniqueKey } from "../port/store";
import { mirrorRow, remoteRow, type Tables } from "../tables/tables";

const MOST_LETTERS = 1_000;
const MOST_KEYS = 10_000;
const MOST_SHARED = 5;

/** @param unique keys that no two records of a type should share */
export function laneHealth(tables: Tables, lane: Lane, unique: readonly UniqueKey[]): LaneHealth {
  const path = [lane.remote, lane.tenant];
  const { outbox, tells: hullUpdates } = tables.depth.get(path) ?? { outbox: 0, tells: 0 };
  const oldest = [...tables.ages.range(path, { limit: 1 })][0]?.[0][2];
  const deadLetters: Record<string, number> = {};
  let counted = 0;
  for (const [, { ending: outcome }] of tables.dead.range(path, { limit: MOST_LETTERS })) {
    deadLetters[outcome.code] = (deadLetters[outcome.code] ?? 0) + 1;
    counted += 1;
  }
  return {
    outbox,
    hullUpdates,
    oldestAtMs: oldest === undefined ? undefined : Number(oldest),
    deadLetters,
    moreDeadLetters: counted === MOST_LETTERS,
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

/** Dead letters: stored so that they are found by a short id and by their parent, listed in pages, closed. */
import type { Key } from "../database/kv";
import type { DeadLetterRow } from "../port/rows";
import { deadLetterId, placeOf, readPlace } from "../port/dead-letters";
import type { DeadLetterKey, DeadLetterPage, DeadLetterQuery } from "../port/store";
import { allLanes, keyOf, lanesOf, pathOf, type Tables } from "./tables";

/** Rows that one page looks at, whether they match the filter or not. */
const WALK = 1_000;

/** Outcomes that a refused parent causes. */
const ORPHANED = new Set(["parent_rejected", "parent_skipped", "parent_dead"]);

const parentPath = ({ remote, tenant, type, hullId, content }: DeadLetterRow): Key | undefined => {
  const { parent } = content.desired;
  return parent === undefined ? undefined : [remote, tenant, parent.type, parent.hullId, type, hullId];
};

/** Stores the newest refusal of a record, and prefers what Hull said about it to what its children carried along. */
export function keepDeadLetter(tables: Tables, refused: DeadLetterRow): void {
  const before = closeDeadLetter(tables, refused);
  const older = before?.content.derived === false && refused.content.derived ? before.content : undefined;
  const row = older === undefined ? refused : { ...refused, content: older };
  tables.dead.put(pathOf(row), row);
  indexDeadLetter(tables, row);
}

function indexDeadLetter(tables: Tables, row: DeadLetterRow): void {
  tables.deadLetterIds.put([deadLetterId(row), ...pathOf(row)], 1);
  const parent = parentPath(row);
  if (parent !== undefined) tables.deadLetterParents.put(parent, 1);
}

/** Removes the dead letter of a record, if there is one. */
export function closeDeadLetter(tables: Tables, key: DeadLetterKey): DeadLetterRow | undefined {
  const row = tables.dead.get(pathOf(key));
  if (row === undefined) return undefined;
  tables.dead.remove(pathOf(key));
  tables.deadLetterIds.remove([deadLetterId(key), ...pathOf(key)]);
  const parent = parentPath(row);
  if (parent !== undefined) tables.deadLetterParents.remove(parent);
  return row;
}

/** Indexes dead letters from before they had ids; done once. */
export function indexOldDeadLetters(tables: Tables): void {
  if (tables.meta.get(["letters"]) !== undefined) return;
  for (const [, row] of [...tables.dead.range([])]) indexDeadLetter(tables, row);
  tables.meta.put(["letters"], 1);
}

/** @param tenant whose dead letter it must be, if that matters */
export function findDeadLetter(tables: Tables, id: string, tenant?: string): DeadLetterRow | undefined {
  for (const [[, ...path]] of tables.deadLetterIds.range([id])) {
    if (tenant === undefined || path[1] === tenant) return tables.dead.get(path);
  }
  return undefined;
}

/** One page in the order of the keys; of one tenant, lane by lane. */
export function listDeadLetters(tables: Tables, query: DeadLetterQuery): DeadLetterPage {
  const { tenant, type, code, after, limit } = query;
  const start = after === undefined ? undefined : deadLetterAt(tables, after, tenant);
  // The tenant was erased meanwhile, or the place belongs to somebody else.
  if (after !== undefined && start === undefined) return { deadLetters: [] };
  const deadLetters: DeadLetterRow[] = [];
  let walked = 0;
  for (const row of lettersBehind(tables, tenant, start)) {
    walked += 1;
    const fits = (type === undefined || row.type === type) && (code === undefined || row.ending.code === code);
    if (fits) deadLetters.push(row);
    if (deadLetters.length === limit || walked === WALK) return { deadLetters, next: placeOf(row) };
  }
  return { deadLetters };
}

/** Lane by lane if a tenant is named; a lane is read on behind the start, or from its beginning. */
function* lettersBehind(tables: Tables, tenant: string | undefined, start: DeadLetterKey | undefined) {
  const prefixes = tenant === undefined ? [[]] : lanesOf(tables, tenant).map(({ remote }) => [remote, tenant]);
  const begun = prefixes.findIndex(([remote]) => remote === start?.remote);
  for (const [index, prefix] of prefixes.slice(Math.max(0, begun)).entries()) {
    const after = index === 0 && start !== undefined ? pathOf(start) : undefined;
    for (const [, row] of tables.dead.range(prefix, { after, limit: WALK })) yield row;
  }
}

/** The key of a place. The dead letter itself may be closed by now, but its lane is still known. */
function deadLetterAt(tables: Tables, place: string, tenant: string | undefined): DeadLetterKey | undefined {
  const [id, type = "", hullId = ""] = readPlace(place) ?? [];
  const lanes = tenant === undefined ? allLanes(tables) : lanesOf(tables, tenant);
  return lanes.map((lane) => ({ ...lane, type, hullId })).find((key) => deadLetterId(key) === id);
}

/**
 * A record, followed by the dead letters of those that ended because their parent did, at any depth.
 *
 * @param most limit of the search
 */
export function familyOf(tables: Tables, record: DeadLetterKey, most?: number): readonly DeadLetterKey[] {
  const family = [record];
  // The list grows while it is walked; types are a tree, so this ends.
  for (const member of family) {
    if (most !== undefined && family.length >= most) break;
    const orphans = childDeadLetters(tables, member, most).filter((key) =>
      ORPHANED.has(tables.dead.get(pathOf(key))?.ending.code ?? ""),
    );
    family.push(...orphans);
  }
  return family.slice(0, most);
}

/** Dead letters of all records that name this one as their parent. */
export function childDeadLetters(
  tables: Tables,
  { remote, tenant, type, hullId }: DeadLetterKey,
  limit?: number,
): readonly DeadLetterKey[] {
  const rows = tables.deadLetterParents.range([remote, tenant, type, hullId], { limit });
  return [...rows].map(([path]) => keyOf([remote, tenant, ...path.slice(4)]));
}

/** Dead letters: kept so that they are found by a short id and by their parent, listed in pages, closed. */
import { hash } from "node:crypto";
import type { DeadLetterRow } from "./rows";
import type { LetterKey, LetterPage, LetterQuery } from "./store";
import type { Tables } from "./tables";

/** Rows that one page looks at, whether they fit the filter or not. */
const WALK = 1_000;

/** Endings that a refused parent brings about. */
const ORPHANED = new Set(["parent_rejected", "parent_skipped", "parent_dead"]);

/** Short enough to be typed, and the same as long as the letter is about the same record. */
export function letterId({ remote, tenant, type, hullId }: LetterKey): string {
  return hash("sha256", JSON.stringify([remote, tenant, type, hullId]), "hex").slice(0, 12);
}

const pathOf = ({ remote, tenant, type, hullId }: LetterKey): [string, string, string, string] => [
  remote,
  tenant,
  type,
  hullId,
];

const parentPath = ({ remote, tenant, type, hullId, content }: DeadLetterRow): string[] | undefined => {
  const { parent } = content.desired;
  return parent === undefined ? undefined : [remote, tenant, parent.type, parent.hullId, type, hullId];
};

/** Keeps the newest refusal of a record, and what Hull said about it itself rather than what its children carried along. */
export function keepLetter(tables: Tables, refused: DeadLetterRow): void {
  const before = closeLetter(tables, refused);
  const older = before?.content.derived === false && refused.content.derived ? before.content : undefined;
  const row = older === undefined ? refused : { ...refused, content: older };
  tables.dead.put(pathOf(row), row);
  indexLetter(tables, row);
}

function indexLetter(tables: Tables, row: DeadLetterRow): void {
  tables.letterIds.put([letterId(row), ...pathOf(row)], 1);
  const parent = parentPath(row);
  if (parent !== undefined) tables.letterParents.put(parent, 1);
}

/** Removes the letter of a record, if there is one. */
export function closeLetter(tables: Tables, key: LetterKey): DeadLetterRow | undefined {
  const row = tables.dead.get(pathOf(key));
  if (row === undefined) return undefined;
  tables.dead.remove(pathOf(key));
  tables.letterIds.remove([letterId(key), ...pathOf(key)]);
  const parent = parentPath(row);
  if (parent !== undefined) tables.letterParents.remove(parent);
  return row;
}

/** Letters that were kept before they had ids; done once. */
export function indexOldLetters(tables: Tables): void {
  if (tables.meta.get(["letters"]) !== undefined) return;
  for (const [, row] of [...tables.dead.range([])]) indexLetter(tables, row);
  tables.meta.put(["letters"], 1);
}

export function findLetter(tables: Tables, id: string): DeadLetterRow | undefined {
  const [found] = [...tables.letterIds.range([id], { limit: 1 })];
  return found === undefined ? undefined : tables.dead.get(found[0].slice(1));
}

/** One page in the order of the keys. */
export function listLetters(tables: Tables, { tenant, type, code, after, limit }: LetterQuery): LetterPage {
  const letters: DeadLetterRow[] = [];
  let walked = 0;
  const start = after === undefined ? {} : { after: pathOf(after) };
  for (const [, row] of tables.dead.range([], { ...start, limit: WALK })) {
    walked += 1;
    const fits =
      (tenant === undefined || row.tenant === tenant) &&
      (type === undefined || row.type === type) &&
      (code === undefined || row.ending.code === code);
    if (fits) letters.push(row);
    if (letters.length < limit && walked < WALK) continue;
    const { remote, hullId } = row;
    return { letters, next: { remote, tenant: row.tenant, type: row.type, hullId } };
  }
  return { letters };
}

/** A letter, and behind it those of the records that ended because their parent did, at any depth. */
export function familyOf(tables: Tables, letter: LetterKey): readonly LetterKey[] {
  const family = [letter];
  // The list grows while it is walked; types are a tree, so this ends.
  for (const member of family) {
    const orphans = childLetters(tables, member).filter((key) =>
      ORPHANED.has(tables.dead.get(pathOf(key))?.ending.code ?? ""),
    );
    family.push(...orphans);
  }
  return family;
}

/** Letters of all records that name this one as their parent. */
export function childLetters(tables: Tables, { remote, tenant, type, hullId }: LetterKey): readonly LetterKey[] {
  return [...tables.letterParents.range([remote, tenant, type, hullId])].map(([path]) => ({
    remote,
    tenant,
    type: String(path[4]),
    hullId: String(path[5]),
  }));
}

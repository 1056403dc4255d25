/**
 * Rivals: skipped because the service's record is linked to another Hull entity. When that link goes (the other one was
 * deleted in Hull, as after a merge, or linked elsewhere, or the record is gone), they are tried again with what Hull
 * said then, like a replayed dead letter. Until then each has a row, for as long as a dead letter would.
 */
import dropRight from "lodash/dropRight";
import sortBy from "lodash/sortBy";
import { familyOf } from "../tables/dead-letters";
import { retake } from "./replay";
import type { Key } from "../database/kv";
import type { Content, RivalRow } from "../port/rows";
import type { DeadLetterKey } from "../port/store";
import type { Ledger } from "../tables/ledger";
import { keyOf, pathOf, type Tables } from "../tables/tables";

/** Rivals remembered for one record; the newest ones. */
const MOST = 10;
/** A rival and its children's dead letters that are replayed with it; further ones are left to a person. */
const MOST_FAMILY = 200;

function indexOf({ remote, tenant, type, hullId }: DeadLetterKey, { remoteId }: RivalRow): Key {
  return [remote, type, remoteId, tenant, hullId];
}

export function keepRival(tables: Tables, key: DeadLetterKey, remoteId: string, content: Content): void {
  dropRival(tables, key);
  const rivals = rivalsFor(tables, key.remote, key.type, remoteId);
  const byAge = sortBy(rivals, (each) => tables.rivals.get(pathOf(each))?.atMs);
  for (const old of dropRight(byAge, MOST - 1)) dropRival(tables, old);
  const row = { remoteId, content, atMs: tables.now() };
  tables.rivals.put(pathOf(key), row);
  tables.rivalsFor.put(indexOf(key, row), 1);
}

export function dropRival(tables: Tables, key: DeadLetterKey): RivalRow | undefined {
  const row = tables.rivals.get(pathOf(key));
  if (row === undefined) return undefined;
  tables.rivals.remove(pathOf(key));
  tables.rivalsFor.remove(indexOf(key, row));
  return row;
}

/** The record is linked to this one now, whichever connector did it. */
export function endRivalry(tables: Tables, remote: string, type: string, remoteId: string, hullId: string): void {
  for (const key of rivalsFor(tables, remote, type, remoteId)) if (key.hullId === hullId) dropRival(tables, key);
}

/** The record is not linked any more, or is gone: its rivals are taken in again in the order in which they came. */
export function admitRivals(tables: Tables, ledger: Ledger, remote: string, type: string, remoteId: string): void {
  const rivals = rivalsFor(tables, remote, type, remoteId).flatMap((key) => {
    const row = dropRival(tables, key);
    return row === undefined ? [] : [{ key, row }];
  });
  for (const { key, row } of sortBy(rivals, "row.atMs")) {
    if (!retake(tables, ledger, key, row.content)) continue;
    for (const orphan of familyOf(tables, key, MOST_FAMILY).slice(1)) {
      const deadLetter = tables.dead.get(pathOf(orphan));
      if (deadLetter !== undefined) retake(tables, ledger, orphan, deadLetter.content);
    }
  }
}

function rivalsFor(tables: Tables, remote: string, type: string, remoteId: string): DeadLetterKey[] {
  const rows = tables.rivalsFor.range([remote, type, remoteId]);
  return [...rows].map(([path]) => keyOf([remote, path[3] ?? "", type, path[4] ?? ""]));
}

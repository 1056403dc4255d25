/** The addresses and external ids of Hull's entities, so that a person can ask about one. */
import type { Claims } from "../../record";
import type { Asked, Lane } from "../port/store";
import { indexValue, mirrorRow, remoteRow, type Tables } from "./tables";

/** A record's place: remote, type, Hull id. */
type Place = readonly [remote: string, type: string, hullId: string];

const ASKED: readonly Asked[] = ["email", "external_id", "domain"];

/** People do not type longer ones. */
const MAX_LENGTH = 320;

/** The part of a message's claims that is stored. */
export function indexedClaims(claims: Claims): Claims {
  const kept = ASKED.flatMap((name) => {
    const value = claims[name];
    return value === undefined || value.length > MAX_LENGTH ? [] : [[name, value] as const];
  });
  return Object.fromEntries(kept);
}

/** Makes the record findable by its newest claims, and no longer by older ones. */
export function reindex(tables: Tables, place: Place, before: Claims = {}, after: Claims = {}): void {
  for (const [name, value] of Object.entries(before)) {
    if (after[name] !== value) tables.claimIndex.remove(pathOf(place, name, value));
  }
  for (const [name, value] of Object.entries(after)) {
    if (before[name] !== value) tables.claimIndex.put(pathOf(place, name, value), 1);
  }
}

/**
 * Hull ids of a type's records with a claim, ignoring case; those that only the service's record
 * shows come last.
 *
 * @param key the service's name of the same key, if it has one
 */
export function findBy(
  tables: Tables,
  { remote }: Lane,
  type: string,
  asked: { readonly name: Asked; readonly value: string; readonly key?: string | undefined },
  limit: number,
): readonly string[] {
  const { name, value, key } = asked;
  const known = [...tables.claimIndex.range([remote, type, name, indexValue(value)], { limit })];
  const found = new Set(known.map(([path]) => String(path[4])));
  if (key !== undefined) {
    const row = remoteRow(tables, remote);
    for (const [path] of tables.mirrorKeys.range([remote, type, key, indexValue(value)], { limit })) {
      const linked = mirrorRow(tables, row, type, String(path[4]))?.linkedTo;
      if (linked !== undefined) found.add(linked);
    }
  }
  return [...found].slice(0, limit);
}

function pathOf([remote, type, hullId]: Place, name: string, value: string): readonly string[] {
  return [remote, type, name, indexValue(value), hullId];
}

/** The addresses and external ids of Hull's entities, so that a person can ask about one. */
import pick from "lodash/pick";
import pickBy from "lodash/pickBy";
import type { Claims } from "../../record";
import type { Asked, Lane } from "../port/store";
import { idsWith, mirrorRow, remoteRow, type Tables } from "./tables";

const ASKED: readonly Asked[] = ["email", "external_id", "domain"];

/** People do not type longer ones. */
const MAX_LENGTH = 320;

/** The part of a message's claims that is stored. */
export function indexedClaims(claims: Claims): Claims {
  return pickBy(pick(claims, ASKED), (value) => value.length <= MAX_LENGTH);
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
  const found = new Set(idsWith(tables.claimIndex, [remote, type], name, value, limit));
  if (key !== undefined) {
    const row = remoteRow(tables, remote);
    for (const id of idsWith(tables.mirrorKeys, [remote, type], key, value, limit)) {
      const linked = mirrorRow(tables, row, type, id)?.linkedTo;
      if (linked !== undefined) found.add(linked);
    }
  }
  return [...found].slice(0, limit);
}

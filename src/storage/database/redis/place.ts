/**
 * Where rows live. Each table is a sorted set, or one for each remote or tenant: then the name of the set has that in
 * braces, as Redis Cluster wants it of what is to be changed together ("hash tag").
 *
 * On Redis Cluster today's commits could not be made: one that takes a message in changes rows of a remote's number
 * (records, mirror), of its name (depth, remotes), of the tenant (tally, hours), and of the store (seen, runs). So Cluster
 * is refused at start, and a commit may name sets with different tags.
 */
import type { Key } from "../rows";
import { encodeKey, END } from "./key";

/** Tables whose rows, and those of their indexes, begin with the remote, or its number, or the tenant. */
const TAGGED = new Set([
  ...["records", "contents", "flights", "mirror", "listed", "remotes", "pauses", "depth"],
  ...["tenants", "grants", "lastRuns", "tally", "hours", "history"],
]);
/** Indexes of theirs that begin with something else. */
const UNTAGGED = new Set(["records.deadIds", "remotes.numbers", "remotes.generations", "remotes.senders"]);

/** Of the tables that are not split. */
const STORE = "store";

const isTagged = (table: string): boolean => TAGGED.has(table.replace(/\..*/, "")) && !UNTAGGED.has(table);

/** A set, and what says that it is there. */
export interface Place {
  /** Its name in Redis. */
  readonly name: string;
  /** For one of several sets of a table: the member that stands in the list of them. */
  readonly listed?: { readonly list: string; readonly member: Buffer } | undefined;
}

const memberOf = (tag: string | number, name: string): Buffer =>
  Buffer.concat([Buffer.from(encodeKey([tag]) + END, "latin1"), Buffer.from(name)]);

/** @param prefix of all names in Redis */
export function createPlaces(prefix: string) {
  const nameOf = (tag: string | number, table: string): string => `${prefix}{${tag}}:${table}`;
  const listOf = (table: string): string => nameOf(STORE, `sets:${table}`);
  return {
    nameOf,
    /** The set of all rows that begin so; undefined if they may be in several. */
    placeOf: (table: string, key: Key): Place | undefined => {
      if (!isTagged(table)) return { name: nameOf(STORE, table) };
      const [tag] = key;
      if (tag === undefined) return undefined;
      const name = nameOf(tag, table);
      return { name, listed: { list: listOf(table), member: memberOf(tag, name) } };
    },
    /** The list of a table's sets, in the order of their rows. */
    listOf,
  };
}

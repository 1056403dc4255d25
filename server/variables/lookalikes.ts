/** Variables that nobody reads, but whose names are so close to one of ours that they are probably meant to be it. */

export interface Lookalike {
  readonly given: string;
  readonly meant: string;
}

/** Names of one word are ordinary words, which others use as well: only a slip of the pen counts. */
const MIN_SLIP_LENGTH = 6;
/** Letters that may differ, by the length of our name without underscores, the longest first. */
const SLIPS: readonly (readonly [length: number, letters: number])[] = [
  [20, 3],
  [12, 2],
  [7, 1],
];

/** Kubernetes and Docker name services like this, whatever these are called: SHOP_PORT_8082_TCP_ADDR. */
const OF_A_CLUSTER = /_SERVICE_(?:HOST|PORT)(?:_\w+)?$|_PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?$/;

/**
 * @param names those of the environment
 * @param known those that are read
 * @param prefixes first words that are ours alone, as HULL
 */
export function lookalikesAmong(
  names: readonly string[],
  known: readonly string[],
  prefixes: readonly string[],
): readonly Lookalike[] {
  const read = new Set(known);
  return names.flatMap((given) => {
    if (read.has(given) || given.length > 60 || OF_A_CLUSTER.test(given)) return [];
    const meant = nearest(given, known, prefixes);
    return meant === undefined ? [] : [{ given, meant }];
  });
}

function nearest(given: string, known: readonly string[], prefixes: readonly string[]): string | undefined {
  const bare = bareName(given);
  const same = known.find((name) => bareName(name) === bare);
  if (same !== undefined) return same;
  const distances = known
    .flatMap((name) => {
      const other = bareName(name);
      const slips = slipsOf(name, given);
      // Most names are too long or too short to be compared letter by letter.
      const letters = Math.abs(bare.length - other.length) > slips ? Infinity : distanceOf(bare, other);
      return letters <= slips ? [{ name, letters }] : [];
    })
    .sort((one, other) => one.letters - other.letters);
  return distances[0]?.name ?? known.find((name) => hasWordMoreOrLess(given, name, prefixes));
}

const bareName = (name: string): string => name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "");

function slipsOf(name: string, given: string): number {
  const bare = bareName(name);
  if (name.includes("_")) return SLIPS.find(([length]) => bare.length >= length)?.[1] ?? 0;
  // SERVICE, SECRETS and SECRET_2 may be somebody's own; SECERT and SERVCES are nobody's.
  const written = bareName(given);
  const isSlip = written.length <= bare.length && written.at(0) === bare.at(0) && written.at(-1) === bare.at(-1);
  return bare.length >= MIN_SLIP_LENGTH && isSlip ? 1 : 0;
}

/** HULL_ORGANIZATIONS for HULL_ALLOWED_ORGANIZATIONS, and the reverse: under a prefix that is ours alone. */
function hasWordMoreOrLess(given: string, name: string, prefixes: readonly string[]): boolean {
  const [one, other] = [given.toUpperCase().split("_"), name.split("_")];
  const [short, long] = one.length < other.length ? [one, other] : [other, one];
  const [first = ""] = long;
  if (long.length !== short.length + 1 || short.length < 2 || !prefixes.includes(first)) return false;
  // The first word and the last are the same; between them one is left out.
  const middle = long.slice(1, -1);
  return middle.some((_, at) => long.toSpliced(at + 1, 1).join("_") === short.join("_"));
}

/** Letters to change, leave out, add, or swap with their neighbour. */
function distanceOf(one: string, other: string): number {
  const start = Array.from({ length: other.length + 1 }, (_, at) => at);
  let before: readonly number[] = [];
  let row: readonly number[] = start;
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= other.length; j += 1) {
      const isEqual = one[i - 1] === other[j - 1];
      const swaps = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      next.push(
        Math.min(
          (row[j] ?? 0) + 1,
          (next[j - 1] ?? 0) + 1,
          (row[j - 1] ?? 0) + (isEqual ? 0 : 1),
          swaps ? (before[j - 2] ?? 0) + 1 : Infinity,
        ),
      );
    }
    before = row;
    row = next;
  }
  return row[other.length] ?? 0;
}

/** How much memory rows take, roughly: what is read at once, or cached, is limited by it as well as by number. */

/** Limit of what is read at once. */
const MOST_AT_ONCE = 16_000_000;
/** By its texts and names, in characters; anything else counts as a few of them. */
export function weightOf(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 8;
  let weight = 8;
  if (Array.isArray(value)) for (const each of value as readonly unknown[]) weight += weightOf(each);
  // Called for every row: pairs of names and values would take three times as long.
  else for (const name in value) weight += name.length + weightOf((value as Record<string, unknown>)[name]);
  return weight;
}

/** Rows up to this weight, or this many; at least one, if there is one. What comes after them is not read. */
export function notTooMany<V>(rows: Iterable<V>, limit = Infinity): V[] {
  const taken: V[] = [];
  let weight = 0;
  for (const row of rows) {
    taken.push(row);
    weight += weightOf(row);
    if (weight >= MOST_AT_ONCE || taken.length >= limit) break;
  }
  return taken;
}

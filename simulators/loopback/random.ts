/** Seeded randomness: the same seed gives the same run, so that a failure found by chance can be repeated. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** A whole number between `min` and `max`, both included. */
  integer(min: number, max: number): number;
  /** True with the given probability; draws nothing for 0 and 1, so that certain rules do not shift the sequence. */
  chance(probability: number): boolean;
  /** One of the given items. Throws RangeError on an empty list. */
  pick<T>(items: readonly T[]): T;
  /** A lower-case hexadecimal text of `length` digits. */
  hex(length: number): string;
  /** A version 4 UUID in its usual form. */
  uuid(): string;
  /** A shuffled copy. */
  shuffle<T>(items: readonly T[]): T[];
}

/** Creates a generator (mulberry32: 32 bits of state, good enough for tests and very fast). */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;

  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const integer = (min: number, max: number): number => min + Math.floor(next() * (max - min + 1));

  const hex = (length: number): string => {
    let text = "";
    while (text.length < length) text += integer(0, 0xffff).toString(16).padStart(4, "0");
    return text.slice(0, length);
  };

  return {
    next,
    integer,
    chance: (probability) => probability >= 1 || (probability > 0 && next() < probability),
    pick<T>(items: readonly T[]): T {
      if (items.length === 0) throw new RangeError("Cannot pick from an empty list.");
      return items[integer(0, items.length - 1)] as T;
    },
    hex,
    uuid: () => [hex(8), hex(4), `4${hex(3)}`, `8${hex(3)}`, hex(12)].join("-"),
    shuffle<T>(items: readonly T[]): T[] {
      const keyed = items.map((item) => ({ item, key: next() }));
      return keyed.sort((left, right) => left.key - right.key).map(({ item }) => item);
    },
  };
}

/** Turns a text into a seed, so that things with a name (a tenant, a cluster) get randomness of their own. */
export function seedOf(seed: number, name: string): number {
  let hash = (seed ^ 0x811c9dc5) >>> 0;
  for (let index = 0; index < name.length; index += 1) {
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193) >>> 0;
  }
  return hash;
}

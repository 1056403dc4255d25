/**
 * Long words that stand in many keys (remotes, tenants, types), kept once: in keys they are a few characters. The
 * database becomes a third of the size, and keys are compared and written that much faster.
 */
import type { Key, KeyValue, RangeOptions, Table } from "./kv";

export interface Names {
  /** Short form of a word; undefined when it was never written. */
  find(word: string): string | undefined;
  /** Short form of a word, made when it has none; only inside a transaction. */
  make(word: string): string;
  word(short: string): string;
  /** Forgets words that no row uses any more; only inside a transaction. */
  drop(words: readonly string[]): void;
  /** A transaction was taken back: what it named must not be relied on. */
  reset(): void;
}

export function openNames(kv: KeyValue): Names {
  const words = kv.table<string>("names");
  const numbers = kv.table<number>("meta");
  let shortOf = new Map<string, string>();
  let wordOf = new Map<string, string>();

  function reset(): void {
    shortOf = new Map();
    wordOf = new Map();
    for (const [[short = ""], word] of words.range([])) remember(String(short), word);
  }

  function remember(short: string, word: string): void {
    shortOf.set(word, short);
    wordOf.set(short, word);
  }

  reset();
  return {
    find: (word) => shortOf.get(word),
    make: (word) => {
      const known = shortOf.get(word);
      if (known !== undefined) return known;
      const number = (numbers.get(["names"]) ?? 0) + 1;
      numbers.put(["names"], number);
      const short = number.toString(36);
      words.put([short], word);
      remember(short, word);
      return short;
    },
    word: (short) => wordOf.get(short) ?? short,
    drop: (gone) => {
      for (const word of gone) {
        const short = shortOf.get(word);
        if (short === undefined) continue;
        words.remove([short]);
        shortOf.delete(word);
        wordOf.delete(short);
      }
    },
    reset,
  };
}

/** A table whose keys begin with `parts` words that are written short. Their order is that of their first use. */
export function withNames<V>(table: Table<V>, names: Names, parts: number): Table<V> {
  /** Undefined: one of the words was never written, so no row can have it. */
  function short(key: Key): Key | undefined {
    const result = [...key];
    for (let index = 0; index < parts && index < key.length; index += 1) {
      const found = names.find(String(key[index]));
      if (found === undefined) return undefined;
      result[index] = found;
    }
    return result;
  }

  function made(key: Key): Key {
    const result = [...key];
    for (let index = 0; index < parts; index += 1) result[index] = names.make(String(key[index]));
    return result;
  }

  function long(key: Key): Key {
    const result = [...key];
    for (let index = 0; index < parts && index < key.length; index += 1) result[index] = names.word(String(key[index]));
    return result;
  }

  return {
    get: (key) => {
      const found = short(key);
      return found === undefined ? undefined : table.get(found);
    },
    put: (key, value) => table.put(made(key), value),
    remove: (key) => {
      const found = short(key);
      if (found !== undefined) table.remove(found);
    },
    size: () => table.size(),
    *range(prefix, { after, end, limit }: RangeOptions = {}) {
      const from = short(prefix);
      const begin = after === undefined ? undefined : short(after);
      const stop = end === undefined ? undefined : short(end);
      if (from === undefined) return;
      const options = {
        ...(begin === undefined ? {} : { after: begin }),
        ...(stop === undefined ? {} : { end: stop }),
        ...(limit === undefined ? {} : { limit }),
      };
      for (const [key, value] of table.range(from, options)) yield [long(key), value] as const;
    },
  };
}

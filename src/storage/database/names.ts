/**
 * Long words that occur in many keys (remotes, tenants, types), stored once: in keys they are a few characters. The
 * database becomes a third of the size, and keys are compared and written that much faster.
 */
import type { Key, KeyValue, RangeOptions, Table } from "./kv";

export interface Names {
  /** Short form of a word; undefined when it was never written. */
  find(word: string): string | undefined;
  /** Short form of a word, created if it has none; only inside a transaction. */
  make(word: string): string;
  word(short: string): string;
  /** Removes words that no row uses any more; only inside a transaction. */
  drop(words: readonly string[]): void;
  /** A transaction begins; the returned object must be told how it ended. */
  begin(): (committed: boolean) => void;
}

export function openNames(kv: KeyValue): Names {
  const words = kv.table<string>("names");
  const numbers = kv.table<number>("meta");
  const shortOf = new Map<string, string>();
  const wordOf = new Map<string, string>();
  /** Words whose transaction is not known to be committed: every transaction that uses one writes it as well. */
  const unsaved = new Set<string>();
  /** Never decreases, so that no two words ever share a number. */
  let last = numbers.get(["names"]) ?? 0;
  let written: string[] = [];

  const remember = (short: string, word: string): void => {
    shortOf.set(word, short);
    wordOf.set(short, word);
  };
  for (const [[short = ""], word] of words.range([])) remember(String(short), word);

  return {
    find: (word) => shortOf.get(word),
    make: (word) => {
      const known = shortOf.get(word);
      if (known !== undefined && !unsaved.has(word)) return known;
      const short = known ?? (last += 1).toString(36);
      numbers.put(["names"], last);
      words.put([short], word);
      remember(short, word);
      unsaved.add(word);
      written.push(word);
      return short;
    },
    word: (short) => wordOf.get(short) ?? short,
    drop: (gone) => {
      for (const word of gone) {
        const short = shortOf.get(word);
        if (short === undefined) continue;
        words.remove([short]);
        // It keeps its short form as long as this process lives, and is written again when it is used again.
        unsaved.add(word);
      }
    },
    begin: () => {
      const own: string[] = [];
      written = own;
      return (committed) => {
        if (committed) for (const word of own) unsaved.delete(word);
      };
    },
  };
}

/** A table whose keys begin with `parts` words that are written short. */
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

  const each = (key: Key, form: (part: string) => string): Key =>
    key.map((part, index) => (index < parts ? form(String(part)) : part));

  return {
    get: (key) => {
      const found = short(key);
      return found === undefined ? undefined : table.get(found);
    },
    put: (key, value) =>
      table.put(
        each(key, (part) => names.make(part)),
        value,
      ),
    remove: (key) => {
      const found = short(key);
      if (found !== undefined) table.remove(found);
    },
    size: (prefix = []) => {
      const found = short(prefix);
      return found === undefined ? 0 : table.size(found);
    },
    *range(prefix, { after, end, ...rest }: RangeOptions = {}) {
      const from = short(prefix);
      if (from === undefined) return;
      const bounds = { after: after && short(after), end: end && short(end), ...rest };
      for (const [key, value] of table.range(from, bounds))
        yield [each(key, (part) => names.word(part)), value] as const;
    },
  };
}

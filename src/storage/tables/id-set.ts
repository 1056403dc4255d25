/**
 * A set of ids of any number. Of each only its hash is kept, and outside of V8's heap: there a million texts would be moved
 * about, and the heap would be let grow to several times of what they take.
 */
import { hash } from "node:crypto";

export interface IdSet {
  has(id: string): boolean;
  add(id: string): void;
}

/** Of a hash that is kept: 128 bits, of which no two are ever equal by chance. */
const WORDS = 4;
const FIRST_PLACES = 1_024;
/** Of all places; with more of them in use the next free one is far away. */
const MOST_USED = 0.5;

export function createIdSet(): IdSet {
  let places = FIRST_PLACES;
  let table = new Uint32Array(places * WORDS);
  let used = 0;

  /** Where a hash stands in the table, or where there is room for it. */
  function placeOf(words: Uint32Array, at: number): number {
    for (let place = (words[at] ?? 0) % places; ; place = (place + 1) % places) {
      const from = place * WORDS;
      if (isFree(from) || isAt(from, words, at)) return from;
    }
  }

  const isFree = (from: number): boolean => table[from + WORDS - 1] === 0;

  function isAt(from: number, words: Uint32Array, at: number): boolean {
    for (let word = 0; word < WORDS; word += 1) if (table[from + word] !== words[at + word]) return false;
    return true;
  }

  function grow(): void {
    const before = table;
    places *= 2;
    table = new Uint32Array(places * WORDS);
    for (let at = 0; at < before.length; at += WORDS) {
      if (before[at + WORDS - 1] !== 0) table.set(before.subarray(at, at + WORDS), placeOf(before, at));
    }
  }

  return {
    has: (id) => !isFree(placeOf(wordsOf(id), 0)),
    add: (id) => {
      const words = wordsOf(id);
      const from = placeOf(words, 0);
      if (!isFree(from)) return;
      table.set(words, from);
      used += 1;
      if (used > places * MOST_USED) grow();
    },
  };
}

function wordsOf(id: string): Uint32Array {
  const bytes = hash("sha256", id, "buffer");
  const words = new Uint32Array(WORDS);
  for (let word = 0; word < WORDS; word += 1) words[word] = bytes.readUInt32LE(4 * word);
  // Zero says that a place is free.
  words[WORDS - 1] = (words[WORDS - 1] ?? 0) || 1;
  return words;
}

/**
 * A set of ids of any number. Of each only its hash is kept, and outside of V8's heap: there a million texts would be moved
 * about, and the heap would be let grow to several times of what they take.
 */
import { hash } from "node:crypto";

export interface IdSet {
  has(id: string): boolean;
  add(id: string): void;
}

/** Of a hash that is kept: 64 bits. That any two of a million are equal happens once in 37 million such sets. */
const WORDS = 2;
const FIRST_PLACES = 1_024;
/** Of all places; with more of them in use the next free one is far away. */
const MOST_USED = 0.75;

export function createIdSet(): IdSet {
  let places = FIRST_PLACES;
  let table = new Uint32Array(places * WORDS);
  let used = 0;

  /** Where a hash stands in the table, or where there is room for it. */
  function placeOf(first: number, second: number): number {
    for (let place = first % places; ; place = (place + 1) % places) {
      const from = place * WORDS;
      if (isFree(from) || (table[from] === first && table[from + 1] === second)) return from;
    }
  }

  const isFree = (from: number): boolean => table[from + 1] === 0;

  function put(from: number, first: number, second: number): void {
    table[from] = first;
    table[from + 1] = second;
  }

  function grow(): void {
    const before = table;
    places *= 2;
    table = new Uint32Array(places * WORDS);
    for (let at = 0; at < before.length; at += WORDS) {
      const [first = 0, second = 0] = [before[at], before[at + 1]];
      if (second !== 0) put(placeOf(first, second), first, second);
    }
  }

  return {
    has: (id) => {
      const digest = digestOf(id);
      return !isFree(placeOf(firstOf(digest), secondOf(digest)));
    },
    add: (id) => {
      const digest = digestOf(id);
      const [first, second] = [firstOf(digest), secondOf(digest)];
      const from = placeOf(first, second);
      if (!isFree(from)) return;
      put(from, first, second);
      used += 1;
      if (used > places * MOST_USED) grow();
    },
  };
}

/** As a text of bytes: a buffer has memory of its own, which V8 is slow to make and to free. */
const digestOf = (id: string): string => hash("sha256", id, "binary");

const firstOf = (digest: string): number => wordAt(digest, 0);
/** Zero says that a place is free. */
const secondOf = (digest: string): number => wordAt(digest, 4) || 1;

function wordAt(digest: string, at: number): number {
  let word = 0;
  for (let byte = 0; byte < 4; byte += 1) word = (word << 8) | digest.charCodeAt(at + byte);
  return word >>> 0;
}

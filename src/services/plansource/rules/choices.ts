/** Lists of allowed values: which of them a text means, and how they are named to people. Pure. */
import memoize from "lodash/memoize";
import { listed } from "../../../outcome/listed";
import { foldedKey } from "../../../record";

/** What people read, and what is sent. */
export interface Choice {
  readonly label: string;
  readonly value: string;
}

/** How many a refusal names, and how much of each. */
const MOST_NAMED = 20;
const MOST_CHARACTERS = 60;
const MOST_CHARACTERS_NAMED = 80;

/** With more digits, two numbers could be taken for one. */
const MOST_DIGITS = 15;
const NUMBER = /^-?\d+(?:\.\d+)?$/;

/** What a text may agree with, the best first: a value before a label, and the exact spelling before any other. */
const WAYS: readonly {
  readonly of: (choice: Choice) => string;
  /** Undefined: the text cannot be read in this way. */
  readonly read: (text: string) => string | undefined;
}[] = [
  { of: ({ value }) => value, read: (text) => text },
  { of: ({ label }) => label, read: (text) => text },
  { of: ({ value }) => value, read: foldedKey },
  { of: ({ label }) => label, read: foldedKey },
  { of: ({ value }) => value, read: numberIn },
];

/** Spelling → value; undefined where several values share the spelling. */
type Index = ReadonlyMap<string, string | undefined>;

/** A list is used for many records. */
const indexesOf = memoize((choices: readonly Choice[]): readonly Index[] =>
  WAYS.map(({ of, read }) => {
    const index = new Map<string, string | undefined>();
    for (const choice of choices) {
      const spelling = read(of(choice));
      if (spelling === undefined) continue;
      const isShared = index.has(spelling) && index.get(spelling) !== choice.value;
      index.set(spelling, isShared ? undefined : choice.value);
    }
    return index;
  }),
);
indexesOf.cache = new WeakMap();

/**
 * The value that a text means: itself or its label, exactly, then without case and blanks around it, then as a number.
 *
 * @returns undefined when it means none, or when it could be several
 */
export function chosen(choices: readonly Choice[], text: string): string | undefined {
  for (const [way, index] of indexesOf(choices).entries()) {
    const spelling = WAYS[way]?.read(text);
    if (spelling !== undefined && index.has(spelling)) return index.get(spelling);
  }
  return undefined;
}

/** `F (Full Time), P (Part Time) and 3 more`: each value once. */
export function named(choices: readonly Choice[]): string {
  const labels = new Map<string, string>();
  for (const { label, value } of choices) if (!labels.has(value)) labels.set(value, label);
  const names = [...labels].map(([value, label]) => (label === "" || label === value ? value : `${value} (${label})`));
  return listed(
    names.map((name) => shortened(name, MOST_CHARACTERS_NAMED)),
    MOST_NAMED,
  );
}

/** A value of a list-validated field, for the refusal: the beginning of a long one. */
export function quoted(text: string): string {
  return JSON.stringify(shortened(text, MOST_CHARACTERS));
}

/** Never half a character. */
function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most).toWellFormed()}…`;
}

/** `119298`, `119298.0` and ` 0119298` are one number. */
function numberIn(text: string): string | undefined {
  const trimmed = text.trim();
  // Long texts are no numbers of this size, whatever they hold.
  if (trimmed.length > 2 * MOST_DIGITS || !NUMBER.test(trimmed)) return undefined;
  return trimmed.replace(/\D/g, "").length <= MOST_DIGITS ? String(Number(trimmed)) : undefined;
}

/** Which of the sent items is an error element about? Decided by key only; a position alone proves nothing. */
import at from "lodash/at";
import { foldedKey } from "../../../record";
import type { Intent } from "../../connection";
import { textOf } from "../../mapping/attributes";
import { keyMark, UPSERT_KEYS } from "../object-types";
import { bodyOf, sentKeys } from "./body";
import type { Body, SentKey } from "./body";
import { counter } from "../api/envelope";
import { isObject } from "../../../json";

/** One item of a bulk call. */
export interface Item {
  readonly intent: Intent;
  readonly body: Body;
  readonly keys: readonly SentKey[];
}

export function itemOf(type: string, intent: Intent): Item {
  const body = bodyOf(type, intent);
  return { intent, body, keys: sentKeys(body) };
}

/** Finds items by the keys that were sent. Keys are unique within one call, so a key names at most one item. */
export interface KeyIndex {
  /** @returns the one item that an entry's or element's keys name, strongest key first */
  byKeys(entry: Readonly<Record<string, unknown>>): Item | undefined;
  /** @returns the one item that an error element of any shape names */
  byAnything(element: unknown): Item | undefined;
}

const RANKED = ["_id", ...UPSERT_KEYS];
const MAX_DEPTH = 6;
/** A short or purely numeric key occurs in a text by chance ("row 1 failed"). */
const TELLING_LENGTH = 6;

export function keyIndex(items: readonly Item[]): KeyIndex {
  const byName = new Map<string, Item>();
  const byValue = new Map<string, Set<Item>>();
  for (const item of items) {
    for (const { name, value } of item.keys) {
      byName.set(keyMark(name, value), item);
      const said = name === "email" ? foldedKey(value) : value;
      byValue.set(said, (byValue.get(said) ?? new Set<Item>()).add(item));
    }
  }

  const byKeys = (entry: Readonly<Record<string, unknown>>): Item | undefined => {
    for (const name of RANKED) {
      const value = textOf(Object.hasOwn(entry, name) ? entry[name] : undefined);
      const item = value === undefined ? undefined : byName.get(keyMark(name, value));
      if (item !== undefined) return item;
    }
    return undefined;
  };

  const byText = (text: string): Item | undefined => {
    const named = namedValues(text).map(({ name, value }) => byName.get(keyMark(name, value)));
    const telling = tokens(text).filter((token) => token.value.length >= TELLING_LENGTH || token.quoted);
    const loose = telling.flatMap(({ value }) =>
      [value, foldedKey(value)].flatMap((said) => [...(byValue.get(said) ?? [])]),
    );
    return only(named) ?? only(loose);
  };

  return {
    byKeys,
    byAnything(element) {
      const named = search(element, (each) => (isObject(each) ? byKeys(each) : undefined));
      return named.length > 0
        ? only(named)
        : only(search(element, (each) => (typeof each === "string" ? byText(each) : undefined)));
    },
  };
}

/** What is found in an element, or else in what it contains. */
function search(element: unknown, find: (each: unknown) => Item | undefined, depth = 0): readonly Item[] {
  const found = find(element);
  if (found !== undefined) return [found];
  if (typeof element !== "object" || element === null || depth >= MAX_DEPTH) return [];
  return Object.values(element).flatMap((each) => search(each, find, depth + 1));
}

/** The one item that all findings agree on. */
function only(found: readonly (Item | undefined)[]): Item | undefined {
  const items = new Set(found.filter((item) => item !== undefined));
  return items.size === 1 ? [...items][0] : undefined;
}

const QUOTED = /"([^"]+)"|'([^']+)'|`([^`]+)`/g;
/** Ends like `QUOTED` or with a word. Written out, since the linter does not read composed expressions. */
const NAMED =
  /\b(_id|externalId|sourceId|email)\b["'`]?\s*(?:[:=]\s*)?(?:"([^"]+)"|'([^']+)'|`([^`]+)`|([^\s,;"'`(){}[\]]+))/g;

/** The group that matched; the others are undefined. */
function matchedGroup(match: readonly (string | undefined)[], from: number): string {
  return match.slice(from).find((group) => group !== undefined) ?? "";
}

/** `externalId: 17`, `email "a@b.example"`, `_id=5e…`: keys that a text names together with their field. */
function namedValues(text: string): readonly { readonly name: string; readonly value: string }[] {
  return [...text.matchAll(NAMED)].map((match) => ({
    name: match[1] ?? "",
    value: matchedGroup(match, 2).replace(/(?<![.:])[.:]+$/, ""),
  }));
}

/** Quoted parts and words of a text; a full stop or colon at the end belongs to the sentence. */
function tokens(text: string): readonly { readonly value: string; readonly quoted: boolean }[] {
  const quoted = [...text.matchAll(QUOTED)].map((match) => ({ value: matchedGroup(match, 1), quoted: true }));
  const words = text.split(/[\s,;"'`(){}[\]<>=]+/).flatMap((word) => [word, word.replace(/(?<![.:!?])[.:!?]+$/, "")]);
  return [...quoted, ...words.map((value) => ({ value, quoted: false }))];
}

/** The position that an element names, if any. */
export function positionOf(element: unknown): number | undefined {
  const values = isObject(element) ? at(element, ["index", "position", "i", "row"]) : [];
  return values.map(counter).find((value) => value !== undefined);
}

/** Which of the sent items is an error element about? Decided by key only; a position alone proves nothing. */
import { foldedKey } from "../../../record";
import type { Intent } from "../../connection";
import { textOf } from "../../mapping/attributes";
import { bodyOf, keyMark, sentKeys } from "./body";
import type { Body, SentKey } from "./body";
import { isObject } from "../api/rest";

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
  /** @returns the position of the one item that an entry's or element's keys name, strongest key first */
  byKeys(entry: Readonly<Record<string, unknown>>): number | undefined;
  /** @returns the position of the one item that an error element of any shape names */
  byAnything(element: unknown): number | undefined;
}

const RANKED = ["_id", "externalId", "sourceId", "email"];
const MAX_DEPTH = 6;
/** A short or purely numeric key occurs in a text by chance ("row 1 failed"). */
const TELLING_LENGTH = 6;

export function keyIndex(items: readonly Item[]): KeyIndex {
  const byName = new Map<string, number>();
  const byValue = new Map<string, Set<number>>();
  items.forEach((item, at) => {
    for (const { name, value } of item.keys) {
      byName.set(keyMark(name, value), at);
      const said = name === "email" ? foldedKey(value) : value;
      byValue.set(said, (byValue.get(said) ?? new Set<number>()).add(at));
    }
  });

  const byKeys = (entry: Readonly<Record<string, unknown>>): number | undefined => {
    for (const name of RANKED) {
      const value = textOf(Object.hasOwn(entry, name) ? entry[name] : undefined);
      const at = value === undefined ? undefined : byName.get(keyMark(name, value));
      if (at !== undefined) return at;
    }
    return undefined;
  };

  const byText = (text: string): number | undefined => {
    const named = namedValues(text).map(({ name, value }) => byName.get(keyMark(name, value)));
    const telling = tokens(text).filter((token) => token.value.length >= TELLING_LENGTH || token.quoted);
    const loose = telling.flatMap(({ value }) =>
      [value, foldedKey(value)].flatMap((said) => [...(byValue.get(said) ?? [])]),
    );
    return only(named) ?? only(loose);
  };

  const texts: (element: unknown, depth: number) => readonly (number | undefined)[] = (element, depth) =>
    typeof element === "string"
      ? [byText(element)]
      : inside(element).flatMap((each) => (depth < MAX_DEPTH ? texts(each, depth + 1) : []));
  const objects: (element: unknown, depth: number) => readonly (number | undefined)[] = (element, depth) => {
    const own = isObject(element) ? byKeys(element) : undefined;
    if (own !== undefined) return [own];
    return inside(element).flatMap((each) => (depth < MAX_DEPTH ? objects(each, depth + 1) : []));
  };

  return {
    byKeys,
    byAnything(element) {
      const named = objects(element, 0).filter((at) => at !== undefined);
      return named.length > 0 ? only(named) : only(texts(element, 0));
    },
  };
}

function inside(element: unknown): readonly unknown[] {
  if (Array.isArray(element)) return element;
  return isObject(element) ? Object.values(element) : [];
}

/** The one position that all findings agree on. */
function only(found: readonly (number | undefined)[]): number | undefined {
  const positions = new Set(found.filter((at) => at !== undefined));
  return positions.size === 1 ? [...positions][0] : undefined;
}

const QUOTED = /"([^"]+)"|'([^']+)'|`([^`]+)`/g;
/** Ends like `QUOTED` or with a word. Written out, since the linter does not read composed expressions. */
const NAMED =
  /\b(_id|externalId|sourceId|email)\b["'`]?\s*(?:[:=]\s*)?(?:"([^"]+)"|'([^']+)'|`([^`]+)`|([^\s,;"'`(){}[\]]+))/g;

/** The group that matched; the others are undefined. */
function matchedGroup(match: RegExpExecArray, from: number): string {
  for (let group = from; group < match.length; group += 1) {
    const value = match[group];
    if (value !== undefined) return value;
  }
  return "";
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
  if (!isObject(element)) return undefined;
  for (const name of ["index", "position", "i", "row"]) {
    const value = element[name];
    if (typeof value === "number" && Number.isInteger(value) && value >= 0) return value;
  }
  return undefined;
}

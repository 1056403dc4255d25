/** Converts Hull values into what a field of a service can hold. What the field accepts is not normalised. */
import { formOf } from "../../outcome/outcome";
import { nestsTooDeep } from "../../http/guards/json-scan";
import { parseInstant, readDay } from "../../instant";
import { digitsOf, isList, isSafe, isUnstorable, jsonIn, storable } from "../../json";
import type { FieldSpec, FieldType } from "../model";
import { namesSegments } from "./attributes";
import type { Json } from "../../record";

/** `why` says in which form the value came and what the field takes, never the value. */
export type Converted = { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly why: string };

/** Limit for the lists and objects of one attribute: no profile value has more, and comparing more takes too long. */
const MAX_VALUES = 10_000;
const TOO_MANY: Converted = { ok: false, why: `it holds more than ${MAX_VALUES} values` };
const ok = (value: Json): Converted => ({ ok: true, value });

const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;

const TAKES: Readonly<Record<FieldType, string>> = {
  text: "a text",
  name: "a text",
  number: `a number up to ${Number.MAX_SAFE_INTEGER}`,
  boolean: "true or false",
  instant: "a date such as 2025-01-31 or 2025-01-31T12:00:00Z",
  day: "a day such as 2025-01-31",
  set: "a list of texts, or a text with commas",
  any: `texts without NUL or half characters, numbers up to ${Number.MAX_SAFE_INTEGER}, and lists and objects of them`,
};

/**
 * @param value what Hull holds; never null (what null means is decided before)
 * @param spec the field that shall hold it
 * @param attribute the Hull attribute's name: only `…_at` and `…_date` are read as Unix seconds
 */
export function convert(value: Json, spec: FieldSpec, attribute: string): Converted {
  if (value === null) return ok(null);
  const seconds = /_(?:at|date)$/i.test(attribute);
  const isText = spec.type === "set" && typeof value === "string";
  if (leftOf(MAX_VALUES, isText ? value.split(",", MAX_VALUES + 1) : value) < 0) return TOO_MANY;
  const found = READERS[spec.type](isList(value) && namesSegments(attribute) ? namesFor(spec, value) : value, seconds);
  if (found !== undefined) return ok(found);
  const form = isUnstorable(value) ? "a text with a NUL or half a character" : formOf(value);
  const isUnix = (spec.type === "instant" || spec.type === "day") && !seconds && parseInstant(value) !== undefined;
  const more = isUnix ? "; Unix seconds only from an attribute whose name ends in _at or _date" : "";
  return { ok: false, why: `${form}; the field takes ${TAKES[spec.type]}${more}` };
}

/** Names of segments, for a field that takes no list. */
const namesFor = ({ type }: FieldSpec, names: readonly Json[]): Json =>
  type === "text" || type === "name" ? names.map(String).join(", ") : names;

/** By type of field; undefined when the field cannot hold the value. */
const READERS: Readonly<Record<FieldType, (value: Json, seconds: boolean) => Json | undefined>> = {
  text,
  name: text,
  number,
  boolean,
  instant,
  day,
  set,
  any: (value) => (storable(value) ? value : undefined),
};

function text(value: Json): string | undefined {
  if (typeof value === "object" || isUnstorable(value)) return undefined;
  return typeof value === "number" ? digitsOf(value) : String(value);
}

/** Digits that a number cannot hold are refused: rounded, they would be another number. */
function number(value: Json): number | undefined {
  const parsed = typeof value === "string" && DECIMAL.test(value.trim()) ? Number(value) : value;
  return typeof parsed === "number" && isSafe(parsed) ? parsed : undefined;
}

function boolean(value: Json): boolean | undefined {
  if (typeof value === "boolean") return value;
  const word = typeof value === "string" ? value.trim().toLowerCase() : "";
  return word === "true" ? true : word === "false" ? false : undefined;
}

function instant(value: Json, seconds: boolean): string | undefined {
  const ms = parseInstant(value, { seconds });
  return ms === undefined ? undefined : new Date(ms).toISOString();
}

function day(value: Json, seconds: boolean): string | undefined {
  if (typeof value === "string") {
    const written = readDay(value);
    if (written !== undefined) return written;
  }
  return instant(value, seconds)?.slice(0, 10);
}

/** A list or its JSON text, or a text with commas. Planhat replaces the whole list, so the whole list is sent. */
function set(value: Json): readonly string[] | undefined {
  const words = itemsOf(value)?.map((item) => (item === null ? "" : text(item)?.trim()));
  return words?.every((word) => word !== undefined) === true
    ? [...new Set(words.filter((word) => word !== ""))]
    : undefined;
}

function itemsOf(value: Json): readonly Json[] | undefined {
  if (typeof value !== "string") return isList(value) ? value : [value];
  const trimmed = value.trim();
  // Brackets show that a list is meant: they are not part of a word.
  const isBracketed = ["[]", "{}"].some(
    (pair) => trimmed.startsWith(pair.charAt(0)) && trimmed.endsWith(pair.charAt(1)),
  );
  return isBracketed ? listOf(trimmed) : value.split(",");
}

/** Nothing, or a text of blanks only. */
export function isBlank(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === "string" && value.trim() === "");
}

/** The list itself, or its JSON text. */
export function listOf(value: Json): readonly Json[] | undefined {
  if (isList(value)) return value;
  // The size of what a text contains is not known yet.
  if (typeof value !== "string" || nestsTooDeep(value)) return undefined;
  const parsed = jsonIn(value) as Json | undefined;
  return parsed !== undefined && isList(parsed) ? parsed : undefined;
}

/** How many of the allowed values are left after those in lists and objects; negative when there are more. */
function leftOf(most: number, value: Json): number {
  if (typeof value !== "object" || value === null) return most;
  const inside: readonly Json[] = isList(value) ? value : Object.values(value);
  let left = most - inside.length;
  for (const each of inside) {
    if (left < 0) break;
    left = leftOf(left, each);
  }
  return left;
}

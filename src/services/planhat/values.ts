/** Turns Hull values into what a Planhat field can hold. Nothing is normalised that the field takes as it is. */
import { instantOf } from "../../engine/compare";
import type { FieldSpec, Json } from "../service";

export type Converted =
  | { readonly ok: true; readonly value: Json }
  /** `why`, where the field alone does not tell. */
  | { readonly ok: false; readonly why?: string };

/** In the lists and objects of one attribute: what is more is no value of a profile, and comparing it takes its time. */
const MAX_VALUES = 10_000;

const REFUSED: Converted = { ok: false };
const TOO_MANY: Converted = { ok: false, why: `it holds more than ${MAX_VALUES} values` };
const ok = (value: Json): Converted => ({ ok: true, value });

/** Half of a character pair, or a NUL: JSON carries both, no database does. */
const UNSTORABLE = /\p{Cs}|\0/u;
const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;
/** Unix seconds end here and milliseconds begin: 1973 in milliseconds, the year 5138 in seconds. */
const FIRST_MILLISECONDS = 1e11;
/** The largest distance from 1970 that a JavaScript date can express. */
const MAX_INSTANT_MS = 8.64e15;

/**
 * @param value what Hull holds; never null (what null means is decided before)
 * @param spec the field that shall hold it
 * @param attribute the Hull attribute's name: only `…_at` and `…_date` are read as Unix seconds
 */
export function convert(value: Json, spec: FieldSpec, attribute: string): Converted {
  if (value === null) return ok(null);
  switch (spec.type) {
    case "text":
    case "name":
      return text(value);
    case "number":
      return number(value);
    case "boolean":
      return boolean(value);
    case "instant":
      return instant(value, /_(?:at|date)$/i.test(attribute));
    case "set":
      return set(value);
    case "any":
      if (leftOf(MAX_VALUES, value) < 0) return TOO_MANY;
      return storable(value) ? ok(value) : REFUSED;
  }
}

function text(value: Json): Converted {
  if (typeof value === "object") return REFUSED;
  if (typeof value === "number" && !Number.isFinite(value)) return REFUSED;
  const written = String(value);
  return UNSTORABLE.test(written) ? REFUSED : ok(written);
}

function number(value: Json): Converted {
  const parsed = typeof value === "string" && DECIMAL.test(value.trim()) ? Number(value) : value;
  return typeof parsed === "number" && Number.isFinite(parsed) ? ok(parsed) : REFUSED;
}

function boolean(value: Json): Converted {
  if (typeof value === "boolean") return ok(value);
  const word = typeof value === "string" ? value.trim().toLowerCase() : "";
  return word === "true" ? ok(true) : word === "false" ? ok(false) : REFUSED;
}

function instant(value: Json, unixSeconds: boolean): Converted {
  const ms =
    typeof value === "string"
      ? (instantOf(value.trim()) ?? numericInstant(value, unixSeconds))
      : numericInstant(value, unixSeconds);
  return ms === undefined || Math.abs(ms) > MAX_INSTANT_MS ? REFUSED : ok(new Date(ms).toISOString());
}

function numericInstant(value: Json, unixSeconds: boolean): number | undefined {
  const parsed = number(value);
  if (!parsed.ok || typeof parsed.value !== "number") return undefined;
  if (Math.abs(parsed.value) >= FIRST_MILLISECONDS) return parsed.value;
  return unixSeconds ? parsed.value * 1000 : undefined;
}

/** A list, or a text with commas. Planhat replaces the whole list, so the whole list is sent. */
function set(value: Json): Converted {
  const items = typeof value === "string" ? value.split(",", MAX_VALUES + 1) : value;
  if (!isList(items)) return typeof items === "object" ? REFUSED : set([items]);
  if (items.length > MAX_VALUES) return TOO_MANY;
  const words: string[] = [];
  for (const item of items) {
    const word = item === null ? ok("") : text(item);
    if (!word.ok || typeof word.value !== "string") return REFUSED;
    if (word.value.trim() !== "") words.push(word.value.trim());
  }
  return ok([...new Set(words)]);
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** How many of so many values are left when those in lists and objects are taken away; negative when there are more. */
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

/** Whether a database takes all texts and numbers in a value, those in its depth too. */
export function storable(value: Json): boolean {
  if (typeof value === "string") return !UNSTORABLE.test(value);
  if (typeof value === "number") return Number.isFinite(value);
  if (value === null || typeof value === "boolean") return true;
  if (isList(value)) return value.every(storable);
  return Object.entries(value).every(([key, each]) => !UNSTORABLE.test(key) && storable(each));
}

/**
 * What Hull can hold as an attribute (help.hull.io: profiles): 2 kB a value, fewer than 50 entries a list, one type
 * from the first write on, and no keys that come and go.
 *
 * A value that does not fit is left out as a whole, and reported. A shortened one would be wrong without looking so,
 * and an outgoing mapping could send it back to the service.
 */
import { isJson, isList, storable } from "../../json";
import type { Json, Misfit } from "../../record";

export type Fitted = { readonly fits: true; readonly value: Json } | { readonly fits: false; readonly misfit: Misfit };

const MAX_BYTES = 2_000;
const MAX_ENTRIES = 49;

/** In words, for people. */
export const MISFITS: Readonly<Record<Misfit, string>> = {
  too_long: `longer than ${MAX_BYTES} bytes`,
  too_many: `more than ${MAX_ENTRIES} entries`,
  unstorable: "not storable: a NUL, half a character, a number beyond 2^53, or nested too deep",
};

const NOTHING: Fitted = { fits: true, value: null };
const unfit = (misfit: Misfit): Fitted => ({ fits: false, misfit });

/**
 * Scalars and lists of scalars stay as they are. An object becomes its JSON text with sorted keys, inside a list too,
 * so that the keys in it (ids of metrics, of sunits) do not become attributes of their own; an empty object is nothing.
 */
export function fitForHull(value: unknown): Fitted {
  if (value === null) return NOTHING;
  if (!isJson(value) || !storable(value)) return unfit("unstorable");
  if (typeof value === "number" || typeof value === "boolean") return { fits: true, value };
  if (typeof value === "string") return sized(value, value);
  if (isList(value)) {
    if (value.length > MAX_ENTRIES) return unfit("too_many");
    const list = value.map((each) => (typeof each === "object" && each !== null ? sortedText(each) : each));
    return sized(list, JSON.stringify(list));
  }
  if (Object.keys(value).length === 0) return NOTHING;
  const text = sortedText(value);
  return sized(text, text);
}

function sized(value: Json, text: string): Fitted {
  // A character has three bytes at most.
  return text.length * 3 <= MAX_BYTES || Buffer.byteLength(text) <= MAX_BYTES
    ? { fits: true, value }
    : unfit("too_long");
}

/** The order of keys differs from answer to answer and must not look like a change. */
function sortedText(value: Json): string {
  return JSON.stringify(sorted(value));
}

function sorted(value: Json): Json {
  if (isList(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(entries.map(([key, each]) => [key, sorted(each)]));
}

// Building blocks of Hull's payloads. Everything unknown is kept, and large sets of attributes are passed on by
// reference: a shipment has up to 200 messages with hundreds of attributes each.
import { z } from "zod";
import { digitsOf } from "../../json";

/** Attributes, passed on as they came. */
export type Attributes = Readonly<Record<string, unknown>>;

export function isAttributes(value: unknown): value is Attributes {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An id as text: Hull's stand-ins send numbers too. A number whose digits are not certain is not an id. */
export function idText(value: unknown): string | undefined {
  if (typeof value === "number") return digitsOf(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}

const number = z
  .number()
  .refine((value) => digitsOf(value) !== undefined)
  .transform(String);

/** What an id has to be, and what a number is that is not one. */
const expected =
  (words: string) =>
  ({ input }: { readonly input?: unknown }): string =>
    typeof input === "number" ? "is a number whose digits are not certain; a string would keep them" : words;

/** Connector, entity and segment ids come in any length and sometimes as numbers; inside they are strings. */
export const identifier = z.union([z.string().min(1), number], {
  error: expected("expected a non-empty string or a number"),
});

/** A value that we use as a key when it is there. Numbers become strings, so that 42 and "42" are one identity. */
export const optionalKey = z.union([z.string(), number, z.null()], { error: expected("expected a string") }).optional();

/** Attributes; absent, null and an empty array (some producers' idea of an empty object) mean none. */
export const attributes = lenient(
  (value) => (isBlank(value) ? {} : value),
  z.custom<Attributes>(isAttributes, "expected an object"),
);

/** A list; absent, null and `{}` mean empty. One of more than `most` elements is refused before they are looked at. */
export function list<T extends z.ZodType>(element: T, most = Infinity): z.ZodType<z.output<T>[]> {
  const bounded = z.custom(
    (value) => !Array.isArray(value) || value.length <= most,
    `holds more than ${most} elements`,
  );
  return lenient((value) => (isBlank(value) ? [] : value), bounded.pipe(z.array(element, "expected an array")));
}

const segment = z.looseObject({ id: identifier, name: z.string().nullish(), type: z.string().nullish() });

export type Segment = z.output<typeof segment>;

/** More segments than any organization has; a message with more is refused, in an envelope the rest is ignored. */
export const MAX_SEGMENTS = 10_000;

/**
 * Segments; an element without an id can match no filter and is left out, so that it cannot spoil its message. Checked
 * before it is parsed: an error for each bad element would take longer than everything else.
 */
export const segments: z.ZodType<Segment[]> = lenient(
  (value) => (Array.isArray(value) ? value.slice(0, MAX_SEGMENTS).filter(hasId) : isBlank(value) ? [] : value),
  z.array(segment, "expected an array"),
);

function hasId(item: unknown): boolean {
  if (!isAttributes(item)) return false;
  const { id, name, type } = item;
  return idText(id) !== undefined && [name, type].every((each) => (each ?? null) === null || typeof each === "string");
}

/** Repairs a value before its schema sees it; unlike `z.preprocess` also where the key is absent. */
export function lenient<T extends z.ZodType>(repair: (value: unknown) => unknown, schema: T): z.ZodType<z.output<T>> {
  return z.unknown().optional().transform(repair).pipe(schema);
}

/** Absent, null, `{}` or `[]`. */
export function isBlank(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (typeof value !== "object") return false;
  for (const _key in value) return false;
  return true;
}

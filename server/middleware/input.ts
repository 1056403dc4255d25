/** Reads the input of a request with zod: every problem is named with its remedy, and values are never repeated. */
import uniqBy from "lodash/uniqBy";
import { z } from "zod";
import { refuse, type HttpError } from "../http-error";

/** Ids become keys of the store. */
export const MAX_ID_LENGTH = 200;

/** Whether a text can be part of a key: printable, without blanks, not too long. */
export function isId(text: string): boolean {
  return text.length <= MAX_ID_LENGTH && /^[\x21-\x7e]+$/.test(text);
}

export const NOT_AN_ID = `must have 1 to ${MAX_ID_LENGTH} printable ASCII characters`;

/** A query parameter that may be given once. */
const once = z.string({ error: ({ input }) => (Array.isArray(input) ? "is given more than once" : "is missing") });

/** An empty one counts as missing. */
export const parameter = once.min(1, "is missing");

export const idParameter = parameter.refine(isId, NOT_AN_ID).meta({ maxLength: MAX_ID_LENGTH });

/** A switch in a query; off by default. */
export const flagParameter = once
  .pipe(
    z.stringbool({
      truthy: ["1", "true", "yes", "on"],
      falsy: ["0", "false"],
      error: "must be 1, true, yes or on, or else 0 or false",
    }),
  )
  .optional()
  .transform((value) => value ?? false)
  .meta({ enum: ["1", "true", "yes", "on", "0", "false"] });

/** A whole number in a query. */
export function countParameter(least: number, most: number): z.ZodType<number> {
  const error = `must be a whole number from ${least} to ${most}`;
  return once
    .regex(/^\d{1,16}$/, error)
    .transform(Number)
    .refine((value) => value >= least && value <= most, error)
    .meta({ type: "integer", minimum: least, maximum: most, pattern: undefined });
}

export interface InputWords {
  /** Code of the error. */
  readonly code: string;
  /** Start of the sentence: "The query cannot be read". */
  readonly problem: string;
  /** Field → what the sender can do. */
  readonly remedies: Readonly<Record<string, string>>;
}

/** @throws HttpError 400 that names every bad field and what to do about it */
export function readInput<T extends z.ZodType>(schema: T, input: unknown, words: InputWords): z.output<T> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw badInput(words, parsed.error.issues);
}

/** The error for input with problems in these fields; only the first of each counts. */
export function badInput(
  words: InputWords,
  problems: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[],
): HttpError {
  const details = uniqBy(problems, ({ path: [field] }) => field).map(({ path: [field = "(body)"], message }) => {
    const path = String(field);
    return { path, message, remedy: words.remedies[path] ?? `Correct ${path} or leave it out.` };
  });
  const named = details.map(({ path, message }) => `${path} ${message}`).join("; ");
  const remedies = [...new Set(details.map(({ remedy }) => remedy))].join(" ");
  return refuse(400, words.code, `${words.problem}: ${named}. ${remedies}`, { details });
}

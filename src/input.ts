/** Input from outside in words: parameters of paths and queries read with zod, and what is said about bad ones. */
import uniqBy from "lodash/uniqBy";
import { z } from "zod";

/** Ids become keys of the store. */
export const MAX_ID_LENGTH = 200;

/** Whether a text can be part of a key: printable, without blanks, not too long. */
export function isId(text: string): boolean {
  return text.length <= MAX_ID_LENGTH && /^[\x21-\x7e]+$/.test(text);
}

export const NOT_AN_ID = `must have 1 to ${MAX_ID_LENGTH} printable ASCII characters`;

/** An id that becomes part of a service's path. Encoded it could not leave it, but servers on the way may decode it. */
export const pathIdParameter = z
  .string()
  .refine((id) => isId(id) && !/[/\\%?#]|^\.+$/.test(id), `${NOT_AN_ID} other than / \\ % ? # and not only dots`);

/** A query parameter that may be given once. */
const once = z.string({ error: ({ input }) => (Array.isArray(input) ? "is given more than once" : "is missing") });

/** An empty one counts as missing. */
export const parameter = once.min(1, "is missing");

export const idParameter = parameter.refine(isId, NOT_AN_ID).meta({ maxLength: MAX_ID_LENGTH });

const flag = once
  .pipe(
    z.stringbool({
      truthy: ["1", "true", "yes", "on"],
      falsy: ["0", "false"],
      error: "must be 1, true, yes or on, or else 0 or false",
    }),
  )
  .optional();
const FLAGS = { enum: ["1", "true", "yes", "on", "0", "false"] };

/** A switch in a query; off by default. */
export const flagParameter = flag.transform((value) => value ?? false).meta(FLAGS);

/** A switch whose default something else decides. */
export const optionalFlagParameter = flag.meta(FLAGS);

/** A whole number in a query. */
export function countParameter(least: number, most: number): z.ZodType<number> {
  const error = `must be a whole number from ${least} to ${most}`;
  return once
    .regex(/^\d{1,16}$/, error)
    .transform(Number)
    .refine((value) => value >= least && value <= most, error)
    .meta({ type: "integer", minimum: least, maximum: most, pattern: undefined });
}

/** What is said of a value of a wrong type, and of none at all. */
export function missingOr(message: string): (issue: { readonly input?: unknown }) => string {
  return ({ input }) => (input === undefined || input === null ? "is missing" : message);
}

export interface InputWords {
  /** Code of the error. */
  readonly code: string;
  /** Start of the sentence: "The query cannot be read". */
  readonly problem: string;
  /** Field → what the sender can do. */
  readonly remedies: Readonly<Record<string, string>>;
}

/** A problem with one field, as zod reports it. */
export interface InputProblem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

export interface ErrorDetail {
  readonly path: string;
  readonly message: string;
  readonly remedy: string;
}

/** What is wrong with input that has problems in these fields, and what to do; only the first of each counts. */
export function explainInput(
  words: InputWords,
  problems: readonly InputProblem[],
): { readonly message: string; readonly details: readonly ErrorDetail[] } {
  const details = uniqBy(problems, ({ path: [field] }) => field).map(({ path: [field = "(body)"], message }) => {
    const path = String(field);
    // A field of a row, such as `3.email`, has the remedy of the field.
    const remedy = words.remedies[path] ?? words.remedies[path.replace(/^\d+\./, "")];
    return { path, message, remedy: remedy ?? `Correct ${path} or leave it out.` };
  });
  const named = details.map(({ path, message }) => `${path} ${message}`).join("; ");
  const remedies = [...new Set(details.map(({ remedy }) => remedy))].join(" ");
  return { message: `${words.problem}: ${named}. ${remedies}`, details };
}

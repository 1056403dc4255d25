/**
 * The kinds of values in settings, as dashboards store them: numbers and switches as text too, null or blanks for
 * what was never set. Every problem says what to do.
 */
import { z } from "zod";

const CELL = "must be text; choose the attribute and the field of this row again.";
const SWITCH = "must be true or false; switch it on or off again in the settings.";

const cell = z.string({ error: CELL }).nullish();

/** A table of the earlier kind. */
export const table = rows(
  { hull_field_name: cell, service_field_name: cell },
  "must be a table of rows {hull_field_name, service_field_name}; open the settings and save the table again.",
);

/** The same with a switch in each row: an empty value is sent, and clears the field. */
export const clearingTable = rows(
  { hull_field_name: cell, service_field_name: cell, clear_when_blank: flag(false) },
  "must be a table of rows {hull_field_name, service_field_name, clear_when_blank}; open the settings and save the table again.",
);

/** A table of the newer kind: `overwrite` off means that it only fills what is empty in Hull. */
export const traitTable = rows(
  { hull: cell, service: cell, overwrite: flag(true) },
  "must be a table of rows {hull, service, overwrite}; open the settings and save the table again.",
);

/** A table whose columns are named. @param error says which, and what to do */
export function rows<T extends z.ZodRawShape>(shape: T, error: string) {
  return z.array(z.looseObject(shape, { error }).nullish(), { error }).nullish();
}

/** A list of chosen things; absent stays absent. @param what for the problem: "user segments" */
export function list(what: string) {
  const error = `must be a list of ${what}; choose them again in the settings.`;
  return z.array(z.string({ error }), { error }).nullish();
}

/** A list of names, or a text with commas. Blank ones are left out. */
export function names(what: string) {
  const error = `must be a list of ${what}; enter them again in the settings.`;
  const written = z.string({ error }).transform((value) => value.split(","));
  return z
    .union([z.array(z.string({ error }), { error }), written], { error })
    .nullish()
    .transform((value) => (value ?? []).map((name) => name.trim()).filter((name) => name !== ""));
}

/** One of a few words; blank counts as absent. @param otherwise the word that stands for an absent one */
export function choice<T extends string>(offered: readonly [T, ...T[]], otherwise: NoInfer<T>) {
  return chosen(offered).transform((word): T => word ?? otherwise);
}

/** The same where nothing stands for an absent one. */
export function chosen<T extends string>(offered: readonly [T, ...T[]]) {
  const error = `must be ${offered.map((word) => `"${word}"`).join(" or ")}; choose it again in the settings.`;
  return z
    .preprocess(
      (value) => (typeof value === "string" ? value.trim() : value),
      z.union([z.enum(offered), z.literal("")], { error }).nullish(),
    )
    .transform((word): T | undefined => (word === undefined || word === null || word === "" ? undefined : word));
}

/** Trimmed; blank counts as absent. */
export function text(remedy: string) {
  return z
    .string({ error: `must be text; ${remedy}` })
    .nullish()
    .transform((value) => (value === undefined || value === null || value.trim() === "" ? undefined : value.trim()));
}

/** As it is written, blanks included: a name that another program compares. A text of blanks alone counts as absent. */
export function literal(error: string) {
  return z
    .string({ error })
    .nullish()
    .transform((value) => (value === undefined || value === null || value.trim() === "" ? undefined : value));
}

export function flag(otherwise: boolean) {
  return z
    .union(
      [z.boolean(), z.stringbool({ truthy: ["true"], falsy: ["false"] }), z.literal("").transform(() => otherwise)],
      { error: SWITCH },
    )
    .nullish()
    .transform((value) => value ?? otherwise);
}

/** A whole number. @param least smaller ones are refused @param cap larger ones are reduced to it */
export function count(otherwise: number, { least = 1, cap = Number.MAX_SAFE_INTEGER } = {}) {
  const error = `must be a number of ${least} or more; enter for example ${otherwise}.`;
  const number = z.number({ error }).min(least, { error });
  const written = z.string().transform((value) => (value.trim() === "" ? otherwise : Number(value)));
  return z
    .union([number, written.pipe(number)], { error })
    .nullish()
    .transform((value) => Math.min(Math.floor(value ?? otherwise), cap));
}

/** Each problem once: the setting, in a table the row and its column too, and what to do. */
export function problemsOf({ issues }: z.ZodError): readonly string[] {
  const problems = issues.map(({ path: [setting, row, column], message }) => {
    if (setting === undefined) return message;
    const cellName = column === undefined ? "" : `, ${String(column)}`;
    const place = row === undefined ? "" : ` row ${Number(row) + 1}${cellName}`;
    return `${String(setting)}${place}: ${message}`;
  });
  return [...new Set(problems)];
}

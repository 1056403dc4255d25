/** Cells that only these settings have. Every problem says what to do, and repeats nothing that was typed. */
import { z } from "zod";
import { literal, rows, text } from "../../mapping/cells";
import type { Entity } from "../objects";

/** What must be empty is `""`, or this word where a drop-down cannot store that. */
const NONE = "none";

/** A header carries it as it is. */
export const secret = (remedy: string) =>
  text(remedy).refine((value) => value === undefined || /^[\x21-\x7e]+$/.test(value), {
    error: `contains blanks or characters that it never has; ${remedy}`,
  });

/** Absent is not empty here: empty sends the bare token. */
export const scheme = z
  .string({ error: "must be text; choose it again in the settings." })
  .nullish()
  .transform((value) => (value ?? "Bearer").trim())
  .transform((value) => (value.toLowerCase() === NONE ? "" : value))
  .refine((value) => /^(?:[a-z][a-z0-9-]*)?$/i.test(value), {
    error: 'must be one word, such as "Bearer", or empty; choose it again in the settings.',
  });

/** Absent is not empty here either: empty means that nothing feeds the import. */
export function feeding(otherwise: Entity | undefined) {
  const error = 'must be "account", "user" or empty; choose it again in the settings.';
  return z
    .preprocess(
      (value) => (typeof value === "string" ? value.trim() : value),
      z.enum(["account", "user", NONE, ""], { error }).nullish(),
    )
    .transform((value): Entity | undefined => {
      if (value === undefined || value === null) return otherwise;
      return value === "account" || value === "user" ? value : undefined;
    });
}

export const zone = text("enter the time zone again, for example Europe/Paris.")
  .transform((name = "UTC") => name)
  .refine(isZone, { error: "must be the name of a time zone; enter it again, for example UTC or Europe/Paris." });

/** Rows of constants: numbers and switches are sent as the texts that templates hold. */
export const constantTable = rows(
  {
    property: literal("must be text; enter the property of this row again."),
    value: z
      .union([z.string(), z.number(), z.boolean()], { error: "must be text; enter the constant of this row again." })
      .nullish()
      .transform((value) => String(value ?? "").trim() || undefined),
  },
  "must be a table of rows {property, value}; open the settings and save the table again.",
);

/** Intl knows the names of zones, and throws for what is none. */
function isZone(name: string): boolean {
  try {
    return Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false; // no zone: that is the answer
  }
}

/**
 * What a client of PlanSource demands of its subscribers: `GET /subscriber/meta`. Everything in it differs per client, so
 * what is odd is passed over and never thrown for: PlanSource itself still refuses what is wrong.
 *
 * Source: PlanSource's page on meta endpoints. A choice is written with its label first and its value second.
 */
import { z } from "zod";
import type { Choice } from "./choices";
import { isObject } from "../../../json";
import { labelOf } from "../objects";

/** What is demanded of one field. */
export interface MetaRule {
  readonly required: boolean;
  /** False: an update cannot change it. */
  readonly update: boolean;
  /** What PlanSource's own pages call it. */
  readonly caption: string;
  /** Empty: no list is known, so any value will do. */
  readonly choices: readonly Choice[];
}

export interface TerminationReason {
  readonly code: string;
  readonly name: string;
}

export interface Meta {
  /** Fields that it does not describe may be left out, changed and filled with anything. */
  rule(field: string): MetaRule;
  readonly reasons: readonly TerminationReason[];
  /** The fields that it describes. */
  readonly fields: readonly string[];
}

/** Described like fields, with lists of another form; a subscriber has no such fields. */
const REASONS = "termination_reason";
const NO_FIELDS: readonly string[] = [REASONS, "payroll_schedules"];

const NO_CHOICES: readonly Choice[] = [];

const word = z
  .union([z.string(), z.number(), z.boolean()])
  .transform(String)
  .refine((text) => text.trim() !== "");
const flag = z.union([z.boolean(), z.stringbool({ truthy: ["true"], falsy: ["false"] })]);
// A value without a label is a value all the same.
const choice = z.tuple([word.catch(""), word], z.unknown()).transform(([label, value]): Choice => ({ label, value }));
const terminationReason = z
  .object({ lookup_code: word, name: word.optional().catch(undefined) })
  .transform(({ lookup_code: code, name = code }): TerminationReason => ({ code, name }));
const description = z.object({
  required: flag.catch(false),
  update: flag.catch(true),
  caption: word.optional().catch(undefined),
  validation_data: z.array(z.unknown()).catch([]),
});

/** @param data `data` of the answer, whatever it is */
export function readMeta(data: unknown): Meta {
  const rules = new Map<string, MetaRule>();
  let reasons: readonly TerminationReason[] = [];
  for (const [field, described] of Object.entries(isObject(data) ? data : {})) {
    const read = description.safeParse(described);
    if (!read.success) continue;
    const { required, update, caption = labelOf(field), validation_data: list } = read.data;
    if (field === REASONS) reasons = readable(terminationReason, list);
    else if (!NO_FIELDS.includes(field))
      rules.set(field, { required, update, caption, choices: readable(choice, list) });
  }
  return {
    rule: (field) =>
      rules.get(field) ?? { required: false, update: true, caption: labelOf(field), choices: NO_CHOICES },
    reasons,
    fields: [...rules.keys()],
  };
}

/** Used when PlanSource offers none: every value is allowed, and nothing is required. */
export const EMPTY_META: Meta = readMeta(undefined);

function readable<T>(schema: z.ZodType<T>, list: readonly unknown[]): readonly T[] {
  return list.flatMap((each) => {
    const read = schema.safeParse(each);
    return read.success ? [read.data] : [];
  });
}

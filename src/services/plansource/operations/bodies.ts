/**
 * What is sent about subscribers, and what is refused before anything is sent: what PlanSource certainly requires, and
 * described fields in a wrong form. Which values a client allows only PlanSource can judge.
 */
import { z } from "zod";
import { readDay } from "../../../instant";
import { missingOr, type InputProblem } from "../../../input";
import { isBlank } from "../../mapping/values";
import type { FieldType } from "../../model";
import type { BulkBody } from "../api/bulk";
import { MAPPABLE } from "../objects";

export const BODY_WORDS = {
  code: "invalid_subscriber",
  problem: "The subscriber cannot be sent",
  remedies: {
    "(body)": "Send a JSON object with PlanSource's fields of a subscriber.",
    first_name: "Send first_name and last_name, or else a user_name.",
    last_name: "Send first_name and last_name, or else a user_name.",
    current_salary_effective_on: "Send the day from which the salary counts.",
    id: "Leave it out: PlanSource gives the id, and an update names the subscriber in the address.",
    ssn: "Send nine digits with dashes, such as 123-45-6789.",
    home_phone: "Send ten digits.",
    termination_reason: "Send a lookup_code that the meta data of subscribers lists.",
    termination_date: "Send a day such as 2025-01-31.",
    rehire_date: "Send a day such as 2025-01-31.",
    voluntary: "Send true or false, or leave it out.",
  },
};

export const BULK_WORDS = {
  ...BODY_WORDS,
  problem: "The subscribers cannot be sent",
  remedies: {
    ...BODY_WORDS.remedies,
    "(body)": "Send a list of objects, each with an id and the fields that change.",
    subscribers: "Send a list of objects, each with an id and the fields that change.",
    id: "Send the code of the subscriber or, with is_custom_id=false, PlanSource's id.",
  },
};

const SLASH_OR_DASH = /^\d{4}([-/])\d\d\1\d\d$/;
const DASH = /^\d{4}-\d\d-\d\d$/;
const NUMBER = /^(?:-?\d+(?:\.\d+)?)?$/;

const isDay = (value: string, form: RegExp): boolean => form.test(value) && readDay(value) !== undefined;

/** An empty text or null clears, so both may stand for any value. */
const FORMS: Readonly<Partial<Record<FieldType, z.ZodType>>> = {
  text: z.union([z.string(), z.number()], "must be a text"),
  day: z
    .string("must be a day such as 2025-01-31")
    .refine((value) => value === "" || isDay(value, SLASH_OR_DASH), "must be a day such as 2025-01-31"),
  number: z.union([z.number(), z.string().regex(NUMBER)], "must be a number"),
  boolean: z.union([z.boolean(), z.enum(["true", "false", ""])], "must be true or false"),
};

/** Forms that PlanSource's guide for integrations names, where they are the same for every client. */
const OWN_FORMS: Readonly<Record<string, z.ZodType>> = {
  ssn: z.string("must be a text").regex(/^(?:\d{3}-\d\d-\d{4})?$/, "must have nine digits, written with dashes"),
  home_phone: z.string("must be a text").regex(/^(?:\d{10})?$/, "must have ten digits"),
};

/** The fields of PlanSource's published description; others pass unchanged. */
const described = Object.fromEntries(
  MAPPABLE.map(({ name, type }) => [name, (OWN_FORMS[name] ?? FORMS[type] ?? z.unknown()).nullish()]),
);

type Fields = Readonly<Record<string, unknown>>;

function needs(context: z.RefinementCtx, field: string): void {
  context.addIssue({ code: "custom", path: [field], message: "is missing" });
}

function needsSalaryDay(fields: Fields, context: z.RefinementCtx): void {
  const { current_salary: salary, current_salary_effective_on: from } = fields;
  if (!isBlank(salary) && isBlank(from)) needs(context, "current_salary_effective_on");
}

const id = z.union([z.string(), z.number()], { error: missingOr("must be a text or a number") });

export const newSubscriber = z
  .looseObject({ ...described, id: z.undefined("must not be there").optional() }, "must be an object")
  .superRefine(needsSalaryDay)
  .superRefine((fields: Fields, context) => {
    if (!isBlank(fields["user_name"])) return;
    for (const name of ["first_name", "last_name"]) if (isBlank(fields[name])) needs(context, name);
  });

export const subscriberChanges = z
  .looseObject({ ...described, id: id.optional() }, "must be an object")
  .superRefine(needsSalaryDay);

const day = z
  .string({ error: missingOr("must be a text") })
  .refine((value) => isDay(value, DASH), "must be a day such as 2025-01-31")
  .meta({ format: "date" });
const flag = z.boolean("must be true or false").nullish();

export const termination = z.looseObject(
  {
    termination_reason: z
      .union([z.string(), z.number()], { error: missingOr("must be a text") })
      .refine((value) => !isBlank(value), "is empty"),
    termination_date: day,
    voluntary: flag,
    volunatary: flag.meta({ description: "The same, as PlanSource's published description spells it." }),
  },
  "must be an object",
);

export const rehire = z.looseObject({ rehire_date: day }, "must be an object");

const row = z
  .looseObject({ ...described, id: id.refine((value) => !isBlank(value), "is empty") }, "must be an object")
  .superRefine(needsSalaryDay);

/** More would not help whoever reads them. */
const MOST_PROBLEMS = 20;
const rows = z
  .array(z.unknown().meta({ type: "object", required: ["id"], description: "A subscriber's id, and what changes." }))
  .min(1, "has no rows");

/** A list, or an object with it. A problem names its row, counted from 0, and the field: `3.hire_date`. */
export const bulkChanges = z
  .union([rows, z.looseObject({ subscribers: rows })], "must be a list with at least one row, or {subscribers: […]}")
  .transform((given, context): BulkBody => {
    const list = Array.isArray(given) ? given : given.subscribers;
    const checked = list.map((each) => row.safeParse(each));
    checked
      .flatMap(({ error }, at) => (error?.issues ?? []).map((issue) => problemOf(issue, at)))
      .slice(0, MOST_PROBLEMS)
      .forEach(({ path, message }) => context.addIssue({ code: "custom", path: [...path], message }));
    const subscribers = checked.flatMap(({ data }) => (data === undefined ? [] : [data]));
    return Array.isArray(given) ? subscribers : { ...given, subscribers };
  });

function problemOf({ path, message }: InputProblem, at: number): InputProblem {
  return { path: [[at, ...path].join(".")], message };
}

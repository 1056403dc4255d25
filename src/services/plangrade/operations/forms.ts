/** Forms that plangrade documents for values. A refusal names the form that is needed, never the value. Pure. */
import { z } from "zod";
import { missingOr } from "../../../input";
import { readDay } from "../../../instant";
import { isBlank } from "../../mapping/values";

const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@.]+$/;
const DAY = /^\d{4}-\d\d-\d\d$/;
/** As plangrade writes ids: 0 is none, and what it makes of another spelling is not known. */
const ID = /^[1-9]\d{0,19}$/;

export const NOT_A_RECORD_ID = "must be an id of plangrade, which is digits";

export function isRecordId(value: unknown): value is string | number {
  return (typeof value === "string" || typeof value === "number") && ID.test(String(value));
}

/** A field that must be there, and not blank. */
export const name = z.string({ error: missingOr("must be a text") }).refine((value) => !isBlank(value), "is empty");

/** An empty text or null clears. */
export const optionalText = z.union([z.string(), z.number()], "must be a text").nullish();

export const email = name.regex(EMAIL, "must be an e-mail address").meta({ format: "email" });
export const optionalEmail = z
  .string("must be a text")
  .refine((value) => value === "" || EMAIL.test(value), "must be an e-mail address")
  .nullish();

export const day = name
  .refine((value) => DAY.test(value) && readDay(value) !== undefined, "must be a day such as 1980-01-31")
  .meta({ format: "date" });

export const ein = digits(/^\d+$/, "must have digits alone");
export const zip = digits(/^\d{5}$/, "must have five digits");
export const id = digits(ID, NOT_A_RECORD_ID);
/** 0 stands for the new employee's own id. */
export const newEmployee = digits(/^(?:0|[1-9]\d{0,19})$/, "must be 0, or the id of an employee");

export const optionalPhone = optionalDigits(/^\d{10}$/, "must have ten digits");
export const optionalLastFour = optionalDigits(/^\d{4}$/, "must have the last four digits alone");

/** Digits may come as a number, too, if it has lost no zeros. */
function digits(pattern: RegExp, message: string) {
  return z
    .union([z.string(), z.number()], { error: missingOr("must be a text") })
    .refine((value) => !isBlank(value), { error: "is empty", abort: true })
    .refine((value) => pattern.test(String(value)), message);
}

function optionalDigits(pattern: RegExp, message: string) {
  return z
    .union([z.string(), z.number()], "must be a text")
    .refine((value) => isBlank(value) || pattern.test(String(value)), message)
    .nullish();
}

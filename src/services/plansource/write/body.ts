/** The body of a call, in the forms that PlanSource wants in requests. Pure. */
import type { Json } from "../../../record";
import type { Intent } from "../../connection";
import type { Blank } from "../remote/learnt";
import type { PlanSourceSettings } from "../settings/settings";

export interface BodyOptions {
  readonly dateFormat: PlanSourceSettings["dateFormat"];
  readonly blank: Blank;
  /** `CCYY-MM-DD`. */
  readonly today: string;
}

/** Fields that the guide for integrations writes as CCYY/MM/DD. */
const SLASHED = ["hire_date", "birthdate"];

const SALARY = "current_salary";
const SALARY_DAY = "current_salary_effective_on";

/** Of a create or an update. A salary is refused without the day from which it counts. */
export function fieldsBody(fields: Intent["fields"], options: BodyOptions): Record<string, Json> {
  const body: Record<string, Json> = {};
  for (const [field, value] of Object.entries(fields)) {
    const isSlashed = options.dateFormat === "slash" && SLASHED.includes(field) && typeof value === "string";
    body[field] = value === null ? options.blank : isSlashed ? value.replaceAll("-", "/") : value;
  }
  const hasSalary = (fields[SALARY] ?? null) !== null;
  if (hasSalary && (fields[SALARY_DAY] ?? null) === null) body[SALARY_DAY] = options.today;
  return body;
}

/** @param flag how PlanSource spells the one that says whether the employee wanted to leave */
export function terminationBody(
  { termination_date, termination_reason, voluntary }: Intent["fields"],
  flag: PlanSourceSettings["terminationFlagName"],
): Record<string, Json> {
  const body: Record<string, Json> = { termination_reason: termination_reason ?? null };
  body["termination_date"] = termination_date ?? null;
  if (typeof voluntary === "boolean") body[flag] = voluntary;
  return body;
}

export const rehireBody = ({ rehire_date }: Intent["fields"]): Record<string, Json> => ({
  rehire_date: rehire_date ?? null,
});

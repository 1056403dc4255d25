/**
 * PlanSource's object type as data, and the fields of a subscriber. An employee is a subscriber; dependents and
 * beneficiaries are not, and are left alone.
 *
 * Source of the fields: PlanSource's published OpenAPI description of the Admin API v2.
 */
import upperFirst from "lodash/upperFirst";
import type { FieldSpec, FieldType, ObjectType } from "../model";

/** The most calls at once that the settings may allow. */
export const MOST_AT_ONCE = 10;

export const SUBSCRIBERS: ObjectType = {
  name: "subscribers",
  entity: "user",
  keys: [{ name: "subscriber_code", claim: "external_id", scope: "remote" }],
  idField: "id",
  endable: true,
  archived: "update",
  // Not more at once than the settings allow: the connection keeps to that.
  writes: { concurrent: MOST_AT_ONCE, repeatable: ["update"], byKey: true },
};

/** As the request takes them; days have the form CCYY-MM-DD until they are sent. */
type Kind = Extract<FieldType, "text" | "day" | "number" | "boolean">;

const words = (list: string): readonly string[] => list.trim().split(/\s+/);

const FIELDS: Readonly<Record<Kind, readonly string[]>> = {
  text: words(`
    subscriber_code employee_number ee_code public_id ssn user_name parent_dependent_id
    first_name middle_name last_name name_suffix
    address_1 address_2 city state zip_code county country
    home_phone work_phone cell_phone email email2
    gender marital_status is_smoker written_language spoken_language preferred_locale
    business_title employment_level employee_type union_code division location org_class benefit_company
    pay_type org_payroll_id bank_account_type
    benefit_deduction_group eligible_org_population_ids medicare_reason medicare_plan
    anthem_hcid anthem_member_code anthem_sub_id anthem_emp_dept_code
    ${Array.from({ length: 30 }, (_, index) => `udef_${index + 1}`).join(" ")}
  `),
  day: words(`
    birthdate hire_date original_hire_date seniority_date current_salary_effective_on
    original_effective_date change_effective_date benefits_start_date benefits_end_date
    medicare_effective_date medicare_termination_date
  `),
  number: words("current_salary pay_rate hours_per_week"),
  boolean: words(`
    highly_compensated vip fmla shareholder owner hide_from_payroll test_employee ssn_exported exclude_from_batch_import
  `),
};

/** Identity, salary and health: never read back, shown, or told. */
const WRITE_ONLY = words(`
  ssn current_salary pay_rate
  is_smoker fmla medicare_reason medicare_plan medicare_effective_date medicare_termination_date
  anthem_hcid anthem_member_code anthem_sub_id anthem_emp_dept_code
`);

/** What only calls of their own, or PlanSource's administrators, change: it can be read, and not mapped. */
export const STATUS_FIELDS: Readonly<Record<string, Kind>> = {
  employment_status: "text",
  employment_status_starts_on: "day",
  employment_status_ends_on: "day",
  status_starts_on: "day",
  status_ends_on: "day",
  termination_date: "day",
  is_voluntary_termination: "boolean",
};

/** How the record stands, in few letters, so that its fingerprint is the text itself: `active`, `ended`, `by_hand`. */
export const STANDING = "standing";

const SPECS: ReadonlyMap<string, FieldSpec> = new Map(
  (Object.keys(FIELDS) as Kind[]).flatMap((type) =>
    FIELDS[type].map((name): [string, FieldSpec] => [
      name,
      {
        name,
        type,
        writeOnly: WRITE_ONLY.includes(name) ? true : undefined,
        // PlanSource refuses a salary without the day from which it counts.
        alongside: name === "current_salary" ? "current_salary_effective_on" : undefined,
      },
    ]),
  ),
);

/** Every field that can be mapped, in the order of PlanSource's description. */
export const MAPPABLE: readonly FieldSpec[] = [...SPECS.values()];

/** Undefined for a name that PlanSource does not have, and for what cannot be mapped. */
export function mappableField(name: string): FieldSpec | undefined {
  return SPECS.get(name);
}

/** Further fields than the described ones are texts: the mirror may hold what another version mapped. */
export function fieldSpec(_type: string, name: string): FieldSpec {
  const status = Object.hasOwn(STATUS_FIELDS, name) ? STATUS_FIELDS[name] : undefined;
  return SPECS.get(name) ?? { name, type: status ?? "text", readOnly: status === undefined ? undefined : true };
}

/** Under which a field comes back to Hull, without entity prefix. */
export const hullAttribute = (field: string): string => `plansource/${field}`;

/** What is remembered of every employee, mapped or not: what decides who is terminated and who is rehired. */
export const ALWAYS_READ: readonly string[] = [STANDING, "hire_date", "original_hire_date", "termination_date"];

/** What the guide for integrations asks of every new employee; enrollment may suffer without it. */
export const MINIMUM_SET: readonly string[] = words(`
  first_name last_name address_1 city state zip_code home_phone gender hire_date birthdate ssn
  employment_level current_salary
`);

/** `zip_code` → `Zip code`. */
export function labelOf(name: string): string {
  return upperFirst(name.replaceAll("_", " "));
}

/** The fields of a subscriber request, by the kind of their values (sheet 7). */

export type FieldKind = "text" | "date" | "number" | "boolean";

const names = (list: string): readonly string[] => list.trim().split(/\s+/);

const texts = names(`
  subscriber_code employee_number ee_code public_id ssn user_name parent_dependent_id
  first_name middle_name last_name name_suffix
  address_1 address_2 city state zip_code county country
  home_phone work_phone cell_phone email email2
  gender marital_status is_smoker written_language spoken_language preferred_locale
  business_title employment_level employee_type employment_status_starts_on employment_status_ends_on union_code
  division location org_class benefit_company
  pay_type org_payroll_id bank_account_type
  benefit_deduction_group eligible_org_population_ids medicare_reason medicare_plan
  anthem_hcid anthem_member_code anthem_sub_id anthem_emp_dept_code locked_at attempted_logon_count disabled_on
  ${Array.from({ length: 30 }, (_, index) => `udef_${index + 1}`).join(" ")}
`);
const dates = names(`
  birthdate hire_date original_hire_date seniority_date current_salary_effective_on
  original_effective_date change_effective_date benefits_start_date benefits_end_date
  medicare_effective_date medicare_termination_date
`);
const numbers = names("current_salary pay_rate hours_per_week");
const booleans = names(`
  highly_compensated vip fmla shareholder owner hide_from_payroll test_employee ssn_exported exclude_from_batch_import
`);

const kind = (fields: readonly string[], name: FieldKind): [string, FieldKind][] =>
  fields.map((field) => [field, name]);

/** Fields that create and update take. Others, those of the status too, are passed over: it has calls of its own. */
export const writableFields: ReadonlyMap<string, FieldKind> = new Map([
  ...kind(texts, "text"),
  ...kind(dates, "date"),
  ...kind(numbers, "number"),
  ...kind(booleans, "boolean"),
]);

/** Dates that only terminate and rehire move. Answers have them as well. */
export const statusDates = ["termination_date", "status_starts_on"] as const;

/** `home_phone` → `Home phone`. */
export function captionOf(field: string): string {
  const words = field.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

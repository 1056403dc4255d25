/** The form in which a subscriber is answered (sheet 7). */
import { statusDates, writableFields, type FieldKind } from "./fields";
import type { Organization } from "./organization";
import type { Status, Subscriber, Value } from "./subscriber";
import type { PlanSourceSwitches } from "./switches";

const WORDS: Readonly<Record<Status, string>> = {
  active: "Active",
  terminated: "Terminated",
  leave: "Leave of Absence",
  cobra: "COBRA",
};
const LETTERS: Readonly<Record<Status, string>> = { active: "A", terminated: "T", leave: "L", cobra: "C" };

/** The whole subscriber. */
export function shownSubscriber(
  { id, status, fields }: Subscriber,
  organization: Organization,
  switches: Readonly<PlanSourceSwitches>,
): Record<string, unknown> {
  const blank = switches.blanks === "null" ? null : "";
  const entries = [...writableFields, ...statusDates.map((field) => [field, "date"] as const)]
    .filter(([field]) => field !== "ssn" || switches.ssn !== "absent")
    .map(([field, kind]): [string, unknown] => {
      const value = fields[field];
      return [field, value === undefined ? blank : shownValue(field, kind, value, switches)];
    });
  const { reasons } = organization.meta;
  const reason = reasons.filter(({ lookup_code }) => lookup_code === fields["termination_reason"]);
  const link = { href: `/admin/v2/subscriber/${id}`, rel: "self" };
  return {
    id,
    ...Object.fromEntries(entries),
    ...shownStatus(status, switches),
    termination_reason_id: reason[0] === undefined ? blank : reasons.indexOf(reason[0]) + 1,
    is_voluntary_termination: fields["is_voluntary_termination"] ?? blank,
    organization_id: organization.id,
    benefit_salaries: [],
    payroll_schedules: [],
    termination_reason: reason,
    links: switches.links === "array" ? [link] : link,
  };
}

function shownStatus(status: Status, { employmentStatus }: Readonly<PlanSourceSwitches>): Record<string, string> {
  if (employmentStatus === "absent") return {};
  return { employment_status: (employmentStatus === "words" ? WORDS : LETTERS)[status] };
}

function shownValue(field: string, kind: FieldKind, value: Value, switches: Readonly<PlanSourceSwitches>): unknown {
  if (kind === "date") return shownDate(String(value), switches);
  if (kind === "number") return switches.numbers === "number" ? value : decimal(Number(value));
  if (field === "org_payroll_id") return switches.payrollId === "number" ? Number(value) : String(value);
  if (field === "ssn" && switches.ssn === "masked") return `XXX-XX-${String(value).slice(-4)}`;
  return value;
}

function shownDate(day: string, { answerDates }: Readonly<PlanSourceSwitches>): string {
  const [year = "", month = "", date = ""] = day.split("-");
  if (answerDates === "us") return `${month}/${date}/${year}`;
  return answerDates === "slash" ? `${year}/${month}/${date}` : day;
}

const decimal = (value: number): string => (Number.isInteger(value) ? value.toFixed(1) : String(value));

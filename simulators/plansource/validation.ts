/** What PlanSource refuses of the fields of a create or an update. */
import { captionOf, writableFields } from "./fields";
import type { Meta } from "./meta";
import type { Problem, Subscriber, Value } from "./subscriber";
import type { PlanSourceSwitches } from "./switches";
import { notValid, readValue } from "./values";

export interface CheckedFields {
  /** What the request sets; null clears. */
  readonly values: ReadonlyMap<string, Value | null>;
  readonly problems: readonly Problem[];
}

export interface CheckDeps {
  readonly meta: Meta;
  readonly switches: Readonly<PlanSourceSwitches>;
}

/** @param before undefined for a create */
export function checkFields(
  body: Readonly<Record<string, unknown>>,
  before: Subscriber | undefined,
  { meta, switches }: CheckDeps,
): CheckedFields {
  const values = new Map<string, Value | null>();
  const problems: Problem[] = [];
  for (const [field, kind] of writableFields) {
    const read = readValue(field, kind, body[field], switches);
    if ("problem" in read) problems.push(read.problem);
    else if (read.value !== undefined && mayChange(field)) values.set(field, read.value);
  }
  for (const [field, value] of values) {
    const problem = value === null ? undefined : problemWith(field, value, meta);
    if (problem !== undefined) problems.push(problem);
  }
  return { values, problems: [...problems, ...gaps()] };

  function mayChange(field: string): boolean {
    if (before === undefined || meta.rule(field).update !== false) return true;
    if (switches.notUpdatable === "refused") {
      problems.push({ status: 400, message: `${captionOf(field)} cannot be updated.` });
    }
    return false;
  }

  function gaps(): Problem[] {
    const after = (field: string): unknown => (values.has(field) ? values.get(field) : before?.fields[field]) ?? null;
    // An update is judged by what it sends: what a client came to require later is not asked of an old subscriber.
    const concerns = (field: string): boolean => before === undefined || values.has(field);
    const missing = [...writableFields.keys()]
      .filter((field) => meta.rule(field).required === true && concerns(field) && after(field) === null)
      .map((field) => missingField(field, switches));
    const isNameless = after("user_name") === null && (after("first_name") === null || after("last_name") === null);
    if (isNameless && ["user_name", "first_name", "last_name"].some(concerns)) {
      missing.push({ status: 400, message: "A user_name or first_name and last_name is required." });
    }
    if (
      (values.get("current_salary") ?? null) !== null &&
      (values.get("current_salary_effective_on") ?? null) === null
    ) {
      missing.push(missingField("current_salary_effective_on", switches));
    }
    return missing;
  }
}

/** A required field that is not there. */
export function missingField(field: string, { missingRequired }: Readonly<PlanSourceSwitches>): Problem {
  return missingRequired === "code"
    ? { status: 400, message: field, code: "missing.required.attribute" }
    : { status: 400, message: `${captionOf(field)} is required.` };
}

/** A value outside the list of its field, in the words of the sheet (4). */
export function outsideList(field: string, allowed: readonly unknown[]): Problem {
  const message = `Invalid value for ${field}.  The valid values are ${allowed.join(",")}.`;
  return { status: 400, message, isListValidation: true };
}

function problemWith(field: string, value: Value, meta: Meta): Problem | undefined {
  const allowed = (meta.rule(field).choices ?? []).map(([, choice]) => choice);
  if (allowed.length > 0 && !allowed.some((choice) => String(choice) === String(value))) {
    if (field !== "state") return outsideList(field, allowed);
    return { status: 400, message: "State must be a valid State abbreviation." };
  }
  if (field === "ssn" && !/^\d{3}-\d{2}-\d{4}$/.test(String(value))) return notValid(field, "text");
  if (field === "home_phone" && !/^\d{10}$/.test(String(value))) return notValid(field, "text");
  return undefined;
}

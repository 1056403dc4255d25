/** What a value in a request means. */
import { captionOf, type FieldKind } from "./fields";
import type { Problem, Value } from "./subscriber";
import type { PlanSourceSwitches } from "./switches";

/** A value to store, null for a field to clear, nothing for one that is passed over. */
export type ReadValue = { readonly value: Value | null | undefined } | { readonly problem: Problem };

const DASH = /^(\d{4})-(\d{2})-(\d{2})$/;
const SLASH = /^(\d{4})\/(\d{2})\/(\d{2})$/;

/** A day that exists, as CCYY-MM-DD. */
export function readDate(raw: unknown, forms: readonly RegExp[] = [DASH]): string | undefined {
  const parts = forms.map((form) => form.exec(String(raw))).find((match) => match !== null);
  if (parts === undefined) return undefined;
  const day = parts.slice(1).join("-");
  const instant = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(instant.getTime()) && instant.toISOString().startsWith(day) ? day : undefined;
}

/** Hire date and date of birth are the two that the guide writes with slashes (sheet 1.1). */
function formsOf(field: string, { requestDates }: Readonly<PlanSourceSwitches>): readonly RegExp[] {
  if (requestDates === "both") return [SLASH, DASH];
  return requestDates === "hire-slash" && (field === "hire_date" || field === "birthdate") ? [SLASH] : [DASH];
}

/** @param raw as it stood in the JSON of the request; undefined = it did not */
export function readValue(
  field: string,
  kind: FieldKind,
  raw: unknown,
  switches: Readonly<PlanSourceSwitches>,
): ReadValue {
  if (raw === undefined) return { value: undefined };
  if (raw === "" || raw === null) {
    const clears = switches.clearing === "both" || (switches.clearing === "null") === (raw === null);
    return { value: clears ? null : undefined };
  }
  const value = stored(field, kind, raw, switches);
  return value === undefined ? { problem: notValid(field, kind) } : { value };
}

function stored(
  field: string,
  kind: FieldKind,
  raw: unknown,
  switches: Readonly<PlanSourceSwitches>,
): Value | undefined {
  switch (kind) {
    case "date":
      return readDate(raw, formsOf(field, switches));
    case "number":
      return /^-?\d+(?:\.\d+)?$/.test(String(raw)) ? Number(raw) : undefined;
    case "boolean":
      return /^(?:true|false)$/.test(String(raw)) ? String(raw) === "true" : undefined;
    case "text":
      return typeof raw === "string" || typeof raw === "number" ? String(raw) : undefined;
  }
}

/** Refuses a value of the wrong form. */
export function notValid(field: string, kind: FieldKind): Problem {
  if (kind === "date")
    return { status: 400, message: `${captionOf(field)} is not a valid date.`, code: "date.not.valid" };
  return { status: 400, message: `${captionOf(field)} is invalid.`, code: "invalid_field_blank_or_value" };
}

/** What plangrade refuses of the fields of a create or an update (sheet 1). */
import type { Fields } from "../body";
import type { Problem } from "../failures";
import type { PlangradeSwitches } from "../switches";

/** What a field must be. */
export interface Rule {
  readonly isRequired: boolean;
  /** What a value that is not blank must be; anything if it is left out. */
  readonly isValid?: (value: string) => boolean;
}

export type Rules<Name extends string> = Readonly<Record<Name, Rule>>;

export interface Checked<Name extends string> {
  /** Every field as it would be stored. */
  readonly values: Readonly<Record<Name, string>>;
  readonly problems: readonly Problem[];
}

export const BLANK = "can't be blank";
export const INVALID = "is invalid";
export const TAKEN = "has already been taken";

/**
 * Checks what was sent by the rules of a type.
 * @param before undefined for a create
 */
export function checkFields<Name extends string>(
  rules: Rules<Name>,
  sent: Fields,
  before: Readonly<Record<Name, string>> | undefined,
  { updates }: Readonly<PlangradeSwitches>,
): Checked<Name> {
  const problems: Problem[] = [];
  const values: Record<string, string> = {};
  for (const [field, { isRequired, isValid }] of Object.entries<Rule>(rules)) {
    const kept = isKept(isRequired) ? before?.[field as Name] : undefined;
    const value = sent.get(field) ?? kept ?? "";
    if (isRequired && value.trim() === "") problems.push({ field, text: BLANK });
    // What was there already is not judged: a person may have put it there.
    else if (sent.has(field) && value !== "" && isValid?.(value) === false) problems.push({ field, text: INVALID });
    values[field] = value;
  }
  return { values: values as Record<Name, string>, problems };

  function isKept(isRequired: boolean): boolean {
    return updates === "partial" || (updates === "full" && !isRequired);
  }
}

/** Whether a text is a day that exists, as YYYY-MM-DD. */
export function isDay(value: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(value)) return false;
  const instant = new Date(`${value}T00:00:00Z`);
  return !Number.isNaN(instant.getTime()) && instant.toISOString().startsWith(value);
}

export const isDigits =
  (count?: number) =>
  (value: string): boolean =>
    /^\d+$/.test(value) && (count === undefined || value.length === count);

export const isEmail = (value: string): boolean => /^[^\s@]+@[^\s@]+\.[^\s@.]+$/.test(value);

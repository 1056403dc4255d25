/**
 * Whether a record can be sent, and whether a new employee is complete. Everything that is wrong is named at once, so that
 * a person can mend it at once. Pure.
 */
import { listed } from "../../../outcome/listed";
import { joinReasons, type Reason } from "../../../outcome/outcome";
import type { Desired } from "../../../record";
import { own } from "../../mapping/attributes";
import { isBlank } from "../../mapping/values";
import { chosen, named, quoted, type Choice } from "./choices";
import type { Meta } from "./meta";
import { fieldSpec, mappableField, MINIMUM_SET, SUBSCRIBERS } from "../objects";
import { reason } from "../reasons";
import { wireValue } from "./values";

/** How many fields one sentence names. */
const MOST_NAMED = 20;

export interface CheckOptions {
  /** Fields that are not sent, whatever they hold: nothing is asked of them. */
  readonly withheld?: ReadonlySet<string>;
}

/** Why a record cannot be sent: values that PlanSource does not take first, then blanks where it requires a value. */
export function refusalOf(desired: Desired, meta: Meta, { withheld }: CheckOptions = {}): Reason | undefined {
  const reasons: Reason[] = [];
  const blank: string[] = [];
  for (const [field, value] of Object.entries(desired.fields)) {
    if (withheld?.has(field) === true) continue;
    if (isBlank(value)) {
      if (meta.rule(field).required) blank.push(field);
      continue;
    }
    const wire = wireValue(fieldSpec(SUBSCRIBERS.name, field), value, meta);
    if (!wire.ok) reasons.push(wire.reason);
  }
  if (blank.length > 0) {
    const remedy = "fill what is blank in Hull, or switch off clear_when_blank for it";
    reasons.push(reason("required_missing", `blank: ${listed(blank, MOST_NAMED)}; ${remedy}`));
  }
  return reasons.length === 0 ? undefined : joinReasons(reasons);
}

export interface MissingForCreate {
  /** PlanSource requires what Hull does not have. */
  readonly refused?: Reason;
  /** What the guide asks for besides; the employee can be created without it. */
  readonly note?: Reason;
}

/** Required fields that are lacking. What cannot be mapped is not: PlanSource fills it, or refuses in its own words. */
export function missingOf(meta: Meta, lacks: (field: string) => boolean): readonly string[] {
  const required = meta.fields.filter((field) => meta.rule(field).required && mappableField(field) !== undefined);
  return required.filter((field) => lacks(field) && !isFilledIn(field, lacks));
}

/** What a new employee lacks. A record that is there already may have it. */
export function missingForCreate(desired: Desired, meta: Meta): MissingForCreate {
  const lacks = (field: string): boolean => isBlank(own(desired.fields, field)) && isBlank(own(desired.keys, field));
  const missing = missingOf(meta, lacks);
  const besides = MINIMUM_SET.filter((field) => lacks(field) && !missing.includes(field));
  const remedy = "map what is missing and fill it in Hull";
  return {
    refused:
      missing.length === 0
        ? undefined
        : reason("required_missing", `required of a new employee: ${listed(missing, MOST_NAMED)}; ${remedy}`),
    note: besides.length === 0 ? undefined : reason("below_minimum", listed(besides, MOST_NAMED)),
  };
}

/** A salary takes the day from which it counts along, mapped or not. */
function isFilledIn(field: string, lacks: (field: string) => boolean): boolean {
  return field === "current_salary_effective_on" && !lacks("current_salary");
}

export type ReasonCodeResult =
  { readonly ok: true; readonly code: string } | { readonly ok: false; readonly reason: Reason };

/**
 * The code of a termination reason.
 *
 * @param text a code or a name; where meta has no reasons it is taken as it is, for PlanSource to judge
 */
export function reasonCodeOf(text: string | undefined, meta: Meta): ReasonCodeResult {
  const choices = meta.reasons.map(({ code, name }): Choice => ({ label: name, value: code }));
  if (text === undefined || isBlank(text)) return unknownReason("missing", choices);
  const code = choices.length === 0 ? text.trim() : chosen(choices, text);
  return code === undefined ? unknownReason(quoted(text), choices) : { ok: true, code };
}

function unknownReason(what: string, choices: readonly Choice[]): ReasonCodeResult {
  const allowed = choices.length === 0 ? "" : `; allowed: ${named(choices)}`;
  return { ok: false, reason: reason("termination_reason", `termination_reason: ${what}${allowed}`) };
}

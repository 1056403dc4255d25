/** What the server says about PlanSource, and the list of fields that its settings offer. */
import type { FieldOption, FieldUse } from "../connection";
import type { Face } from "../face";
import { named } from "./rules/choices";
import type { Meta } from "./rules/meta";
import manifest from "./manifest.json";
import { labelOf, MAPPABLE, SUBSCRIBERS } from "./objects";
import { reason } from "./reasons";

export const plansourceFace: Face = {
  title: "PlanSource",
  manifest,
  assets: "assets/plansource",
  fieldLists: [SUBSCRIBERS.name],
  missingToken:
    "The connector lacks its Client ID, Client secret or User name for PlanSource; enter them in its settings in Hull.",
  remedies: {
    refused:
      "PlanSource's words say what it does not accept. Correct the value in Hull or the mapping, and the next message about " +
      "the employee closes the dead letter; or change what PlanSource expects, and replay the dead letter.",
    value_not_allowed:
      "The reason names the field and what PlanSource takes there. Correct the attribute in Hull, and the next message " +
      "closes the dead letter; or allow the value in PlanSource, wait some minutes, and replay the dead letter.",
    required_missing:
      "Fill the fields that the reason names in Hull, and map them; the next message closes the dead letter. Or ask your " +
      "PlanSource administrator not to require them, wait some minutes, and replay it.",
    termination_reason:
      "The other fields were written; only the termination was not. Put one of the reasons that are named into the " +
      "attribute, and the next message closes the dead letter; or terminate the employee in PlanSource and drop it.",
    ssn_exists:
      "Somebody in PlanSource has this social security number. If it is the same person, give that record this employee's " +
      "subscriber_code in PlanSource, then replay the dead letter; if not, correct the number where it is wrong.",
    unconfirmed:
      "The answer to a new employee's record was lost, so PlanSource may have it. Look for the employee there; replay the " +
      "dead letter if there is none. Otherwise give that record the subscriber_code if it lacks one, and drop the dead letter.",
    invalid_value:
      "The reason names the attribute and in which form its value came. Correct it in Hull; the next message closes the " +
      "dead letter.",
    identity_alarm:
      "PlanSource answered with another employee's record, which may have got this one's values. Compare the one that the " +
      "reason names, give each a subscriber_code of their own, correct what is wrong there, then replay the dead letter.",
  },
  examples: {
    remoteId: "1000001",
    parent: "a parent",
    skipped: reason("outside_segments"),
  },
};

const ORDER = new Intl.Collator("en", { numeric: true });

const OPTIONS: readonly FieldOption[] = MAPPABLE.map(({ name, writeOnly }) => ({
  value: name,
  label: writeOnly === true ? `${labelOf(name)} (sent only, never shown)` : labelOf(name),
})).toSorted((left, right) => ORDER.compare(left.label, right.label));

/**
 * The fields that can be mapped, in alphabetical order.
 *
 * @returns undefined for other lists: what comes from PlanSource has no mapping, and clients have no fields of their own
 */
export function fieldOptions(table: string, use: FieldUse): readonly FieldOption[] | undefined {
  return table === SUBSCRIBERS.name && use === "outgoing" ? OPTIONS : undefined;
}

/** The same with what the client requires and allows, so that people choose well. */
export function fieldOptionsWith(meta: Meta, options: readonly FieldOption[]): readonly FieldOption[] {
  return options.map(({ value, label }) => {
    const { required, update, choices } = meta.rule(value);
    const notes = [
      ...(required ? ["required"] : []),
      ...(update ? [] : ["only of new employees"]),
      ...(choices.length === 0
        ? []
        : [`allowed: ${named(choices.slice(0, MOST_CHOICES))}${choices.length > MOST_CHOICES ? ", …" : ""}`]),
    ];
    return { value, label: notes.length === 0 ? label : `${label} (${notes.join("; ")})` };
  });
}

/** Choices that a drop-down can show in one line. */
const MOST_CHOICES = 5;

/** Values of people that PlanSource is sent, and that must be seen nowhere else. */
import type { Bag } from "../../fixture/settings";
import { bag, list, text } from "../../fixture/states";

/** As docs/services/plansource.md lists them; not as the connector does, which could forget one. */
const WRITE_ONLY = /^(?:ssn|current_salary|pay_rate|is_smoker|fmla|(?:medicare|anthem)_\w+)$/;

/** What is shorter occurs by chance. */
const SHORTEST = 5;

/**
 * @param settings all that a connector has one after the other
 * @returns whether a name is that of a write-only field, or of a Hull attribute that fills one
 */
export function secretNames(settings: readonly Bag[]): (name: string) => boolean {
  const rows = settings.flatMap((each) => list(each["subscriber_attributes_outbound"])).map(bag);
  const attributes = new Set(
    rows
      .filter(({ service_field_name: field }) => WRITE_ONLY.test(text(field) ?? ""))
      .map(({ hull_field_name: attribute }) => withoutPrefix(text(attribute) ?? "")),
  );
  return (name) => attributes.has(withoutPrefix(name)) || WRITE_ONLY.test(name);
}

const withoutPrefix = (name: string): string => name.replace(/^traits_/, "");

/** The values under such names, however deep they lie, in every spelling in which they could be seen. */
export function secretsIn(value: unknown, isSecret: (name: string) => boolean): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((each) => secretsIn(each, isSecret));
  return Object.entries(bag(value)).flatMap(([name, held]) =>
    isSecret(name) ? [held].flat().flatMap(spellingsOf) : secretsIn(held, isSecret),
  );
}

/** `123-45-6789` is also `123456789`; a change of an attribute has both its values. */
function spellingsOf(held: unknown): readonly string[] {
  if (typeof held !== "string" && typeof held !== "number") return [];
  const written = String(held);
  const ssn = /^(\d{3})-?(\d{2})-?(\d{4})$/.exec(written)?.slice(1) ?? [];
  return [written, ssn.join("-"), ssn.join("")].filter((each) => each.length >= SHORTEST);
}

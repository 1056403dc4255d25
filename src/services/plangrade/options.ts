/** The list of fields that the settings offer. */
import type { FieldOption, FieldUse } from "../connection";
import { COMPANIES, labelOf, mappableFields, PARTICIPANTS, requiredFields } from "./objects";

/**
 * The fields that can be mapped, in the order of plangrade's documentation.
 *
 * @returns undefined for other lists: what comes from plangrade has no mapping, and nobody has fields of their own
 */
export function fieldOptions(table: string, use: FieldUse): readonly FieldOption[] | undefined {
  if (use !== "outgoing" || ![COMPANIES.name, PARTICIPANTS.name].includes(table)) return undefined;
  const required = requiredFields(table);
  return mappableFields(table).map(({ name }) => ({
    value: name,
    label: required.includes(name) ? `${labelOf(name)} (*)` : labelOf(name),
  }));
}

/** What the server says about plangrade, and the lists of fields that its settings offer. */
import type { FieldOption, FieldUse } from "../connection";
import type { Face } from "../face";
import manifest from "./manifest.json";
import { COMPANIES, labelOf, mappableFields, PARTICIPANTS, requiredFields } from "./objects";
import { reason } from "./reasons";

export const plangradeFace: Face = {
  title: "plangrade",
  manifest,
  assets: "assets/plangrade",
  fieldLists: [COMPANIES.name, PARTICIPANTS.name],
  missingToken:
    "The connector lacks its Application key or Application secret for plangrade; enter them in its settings in Hull.",
  remedies: {
    refused:
      "plangrade's words say what it does not accept; sometimes it gives none. Correct the value in Hull or the mapping, and " +
      "the next message about the account or user closes the dead letter.",
    unconfirmed:
      "The answer to a call that must not be repeated was lost, so plangrade may have created or archived the record. Look " +
      "there: if it was done, drop the dead letter; if not, replay it.",
    parent_skipped:
      "The company was skipped, mostly because its name or EIN is missing. Fill them in the Hull account, send it, then " +
      "replay the dead letter.",
    identity_alarm:
      "plangrade answered a new record with the id of another one, which may have got its values. Compare the two there, " +
      "correct what is wrong, then replay the dead letter.",
  },
  examples: {
    remoteId: "1042",
    parent: "a company",
    skipped: reason("incomplete", "street1, dob"),
  },
};

/**
 * The fields that can be mapped, in the order of plangrade's documentation.
 *
 * @returns undefined for other lists: what comes from plangrade has no mapping, and nobody has fields of their own
 */
export function fieldOptions(table: string, use: FieldUse): readonly FieldOption[] | undefined {
  if (use !== "outgoing" || !plangradeFace.fieldLists.includes(table)) return undefined;
  const required = requiredFields(table);
  return mappableFields(table).map(({ name }) => ({
    value: name,
    label: required.includes(name) ? `${labelOf(name)} (*)` : labelOf(name),
  }));
}

/** What the server says about PlanningPME, and the lists of properties that its settings offer. */
import type { FieldOption, FieldUse } from "../connection";
import type { Face } from "../face";
import manifest from "./manifest.json";
import { ROLES, type Role } from "./objects";
import { reason } from "./reasons";

/** The list of the properties of a role's template. */
const propertyList = (role: Role): string => `${role}_properties`;

/** Undefined for a list that there is not. */
export const roleOfList = (table: string): Role | undefined => ROLES.find((role) => propertyList(role) === table);

export const planningpmeFace: Face = {
  title: "PlanningPME",
  manifest,
  assets: "assets/planningpme",
  fieldLists: ROLES.map(propertyList),
  missingToken: "The connector lacks its Brand, App key or Token for PlanningPME; enter them in its settings in Hull.",
  remedies: {
    refused:
      "PlanningPME's words say what it does not accept. Correct the value in Hull or the mapping, and the next message about " +
      "the account or user closes the dead letter; or have the template changed, and replay the dead letter.",
    invalid_value:
      "The reason names the attribute and in which form its value came. Correct it in Hull; the next message closes the " +
      "dead letter.",
  },
  examples: {
    remoteId: "ACME-1",
    parent: "a parent",
    skipped: reason("outside_segments"),
  },
};

/**
 * What can be chosen before PlanningPME was asked: nothing, since each installation has its own templates.
 *
 * @returns undefined for other lists: what comes from PlanningPME has no mapping
 */
export function fieldOptions(table: string, use: FieldUse): readonly FieldOption[] | undefined {
  return roleOfList(table) !== undefined && use === "outgoing" ? [] : undefined;
}

/** What a new record needs, where that is more than a list of fields. */
import type { PlanhatSwitches } from "./switches";
import type { Fields } from "./collection";

/** Says what a new record lacks, in the words of Planhat's error. */
export type Requirement = (fields: Fields, switches: Readonly<PlanhatSwitches>) => string | undefined;

/** True for a value that Planhat takes for none. */
export const isMissing = (value: unknown): boolean => value === undefined || value === null || value === "";

/** Some key, or an e-mail: the sources disagree (sheet 5.3). */
export const enduserLacks: Requirement = (fields, { enduserMinimum }) => {
  if (enduserMinimum === "email") return isMissing(fields["email"]) ? "email is required" : undefined;
  const keys = ["email", "externalId", "sourceId"] as const;
  return keys.every((key) => isMissing(fields[key])) ? "email or externalId is required" : undefined;
};

/** A price: `mrr` always does, `value` only for a fixed period (sheet 9). */
export const licenseLacks: Requirement = (fields) => {
  if (!isMissing(fields["mrr"])) return undefined;
  if (fields["fixedPeriod"] !== true) return "mrr is required";
  return isMissing(fields["value"]) ? "value or mrr is required" : undefined;
};

/** Create and update (sheet 1.1, 5). */
import { changedFields, type OrganizationState } from "./organization";
import { refused, type Problem, type Subscriber, type WriteResult } from "./subscriber";
import type { PlanSourceSwitches } from "./switches";
import { checkFields, type CheckedFields } from "./validation";

export type Body = Readonly<Record<string, unknown>>;

/** A repeated terminate, or an update that the switch refuses (sheet 4). */
export const TERMINATED = "Cannot perform action as the employee is terminated";

/** Always a new subscriber: there is no upsert. */
export function createSubscriber(
  organization: OrganizationState,
  body: Body,
  switches: Readonly<PlanSourceSwitches>,
): WriteResult {
  if (body["id"] !== undefined) return refused(400, "Id cannot be set on create.");
  const checked = checkFields(body, undefined, { meta: organization.meta, switches });
  const problems = [...checked.problems, ...conflicts(organization, checked, undefined, switches)];
  if (problems.length > 0) return { problems };
  const fields = changedFields({}, checked.values);
  const subscriber: Subscriber = { id: organization.newId(), status: "active", fields };
  organization.put(subscriber);
  return { subscriber, changed: Object.keys(fields) };
}

/** Only what is sent changes; nothing is cleared by leaving it out. */
export function updateSubscriber(
  organization: OrganizationState,
  before: Subscriber,
  body: Body,
  switches: Readonly<PlanSourceSwitches>,
): WriteResult {
  if (before.status === "terminated" && switches.terminatedUpdate === "refused") return refused(400, TERMINATED);
  const checked = checkFields(body, before, { meta: organization.meta, switches });
  const problems = [...checked.problems, ...conflicts(organization, checked, before, switches)];
  if (problems.length > 0) return { problems };
  const subscriber: Subscriber = { ...before, fields: changedFields(before.fields, checked.values) };
  organization.put(subscriber);
  const changed = [...checked.values.keys()].filter((name) => before.fields[name] !== subscriber.fields[name]);
  return { subscriber, changed };
}

function conflicts(
  organization: OrganizationState,
  { values }: CheckedFields,
  before: Subscriber | undefined,
  switches: Readonly<PlanSourceSwitches>,
): Problem[] {
  const isTaken = (field: string): boolean => {
    const value = values.get(field) ?? null;
    return value !== null && organization.other(field, value, before?.id) !== undefined;
  };
  const texts: string[] = [];
  if (isTaken("ssn")) {
    texts.push(switches.duplicateSsn === "exists" ? "An employee with this SSN already exists." : TAKEN_SSN);
  }
  if (switches.duplicateCode === "refused" && isTaken("subscriber_code")) {
    texts.push("Subscriber code has already been taken");
  }
  return texts.map((message) => ({ status: 400, message }));
}

const TAKEN_SSN = "Ssn has already been taken";

/** Terminate and rehire (sheet 1.1). Leave and COBRA are beyond the API. */
import { changedFields, type OrganizationState } from "./organization";
import { refused, type Subscriber, type Value, type WriteResult } from "./subscriber";
import type { PlanSourceSwitches } from "./switches";
import { missingField, outsideList } from "./validation";
import { notValid, readDate } from "./values";
import { TERMINATED, type Body } from "./writes";

const BY_HAND = "Cannot perform action as the employee is not active";

/** Active → terminated, at once, whatever day the request names. */
export function terminate(
  organization: OrganizationState,
  before: Subscriber,
  body: Body,
  switches: Readonly<PlanSourceSwitches>,
): WriteResult {
  if (before.status !== "active") return refused(400, before.status === "terminated" ? TERMINATED : BY_HAND);
  const codes = organization.meta.reasons.map(({ lookup_code }) => lookup_code);
  const { termination_reason: reason = "", termination_date: sent = "" } = body;
  const date = readDate(sent);
  if (reason === "") return { problems: [missingField("termination_reason", switches)] };
  if (typeof reason !== "string" || !codes.includes(reason)) {
    return { problems: [outsideList("termination_reason", codes)] };
  }
  if (sent === "") return { problems: [missingField("termination_date", switches)] };
  if (date === undefined) return { problems: [notValid("termination_date", "date")] };
  const flag = body[switches.terminationFlag];
  return move(organization, before, "terminated", {
    termination_date: date,
    termination_reason: reason,
    is_voluntary_termination: typeof flag === "boolean" ? flag : null,
    status_starts_on: date,
  });
}

/** Terminated → active. The former hire date becomes the original one. */
export function rehire(
  organization: OrganizationState,
  before: Subscriber,
  body: Body,
  switches: Readonly<PlanSourceSwitches>,
): WriteResult {
  if (before.status === "leave" || before.status === "cobra") return refused(400, BY_HAND);
  if (before.status === "active" && switches.rehireActive === "refused") {
    return refused(400, "Cannot perform action as the employee is active");
  }
  const { rehire_date: sent = "" } = body;
  const date = readDate(sent);
  if (sent === "") return { problems: [missingField("rehire_date", switches)] };
  if (date === undefined) return { problems: [notValid("rehire_date", "date")] };
  return move(organization, before, "active", {
    hire_date: date,
    original_hire_date: before.fields["hire_date"] ?? null,
    benefits_start_date: date,
    status_starts_on: date,
    termination_date: null,
    termination_reason: null,
    is_voluntary_termination: null,
  });
}

function move(
  organization: OrganizationState,
  before: Subscriber,
  status: Subscriber["status"],
  change: Readonly<Record<string, Value | null>>,
): WriteResult {
  const subscriber: Subscriber = { ...before, status, fields: changedFields(before.fields, Object.entries(change)) };
  organization.put(subscriber);
  return { subscriber, changed: ["status", ...Object.keys(change)] };
}

/** PlanSource's outcome codes, and its words for some that every service has. */
import { createReasons, type CommonCode } from "../../outcome/outcome";

export const OUTCOMES = {
  created: { text: "Created in PlanSource." },
  updated: { text: "Updated in PlanSource." },
  ended: { text: "Terminated in PlanSource." },
  restarted: { text: "Rehired in PlanSource." },
  in_sync: { text: "All mapped attributes are already in sync between Hull and PlanSource." },
  already_left: { text: "The employee has left already, and PlanSource does not know them." },
  outside_segments: {
    text: "The user does not belong to any of the synchronized segments.",
    remedy: "Intended, or synchronize one of the user's segments in the settings.",
  },
  missing_subscriber_code: {
    text: "The user has nothing to be sent as subscriber_code, by which PlanSource finds employees.",
    level: "info",
    remedy: "Fill the attribute that the settings map to subscriber_code, or map another one.",
  },
  value_not_allowed: { text: "PlanSource does not take a value of the record." },
  required_missing: { text: "A field that PlanSource requires is empty.", level: "info" },
  termination_reason: { text: "The termination reason is missing, or PlanSource does not know it." },
  status_by_hand: {
    text: "The employee's status (a leave or COBRA) was set by hand in PlanSource, so nobody is terminated or rehired.",
    level: "warn",
    remedy: "Set the status back in PlanSource if the connector should terminate and rehire the employee.",
  },
  ssn_exists: { text: "Another employee in PlanSource has this social security number." },
  below_minimum: {
    text: "Fields that the guide for integrations asks of new employees are missing; enrollment may suffer.",
  },
  not_updatable: { text: "PlanSource does not allow updates to change a field; it was left out." },
  set_by_rehire: { text: "The rehire set this date; it was left out." },
  several_records: { text: "Several subscribers share the subscriber_code; the linked or the oldest one is used." },
} as const;

export type ReasonCode = keyof typeof OUTCOMES | CommonCode;

/** @param detail what is specific to this record, appended in brackets: never a value */
export const reason = createReasons(OUTCOMES);

/**
 * What can be said from the settings alone, and from the outcomes of the last day. PlanSource is not asked, so
 * credentials that look right may still be refused.
 */
import type { Finding } from "../../connection";
import { error, hint, lately, setupRequired, warning, when } from "../../findings";
import type { RowWarning } from "../../mapping/table";
import { MINIMUM_SET, SUBSCRIBERS } from "../objects";
import type { ReasonCode } from "../reasons";
import type { PlanSourceSettings } from "./settings";

/** The settings that findings name, by their titles in the manifest. */
export const TITLES = {
  client_id: "Client ID",
  client_secret: "Client secret",
  logged_in_user: "User name",
  subscriber_key: "Employees are named by",
  synchronized_segments: "Employees Filter",
  subscriber_attributes_outbound: "Employee attributes mapping",
  termination_date_attribute: "Termination date",
  termination_reason_attribute: "Termination reason",
  terminate_on_leaving_segments: "Terminate whoever leaves all segments?",
  termination_reason_default: "Termination reason on leaving",
  termination_flag_name: "Name of the voluntary flag",
} as const;

/** `a, b and c`. */
const ALL = new Intl.ListFormat("en-GB");
const MAPPING = TITLES.subscriber_attributes_outbound;
export const API_USERS = "System Administration → System → API Users";

/** In the order in which they are best mended. Without credentials there is nothing else to say. */
export function checkSettings(settings: PlanSourceSettings): readonly Finding[] {
  const missing = credentials(settings);
  if (missing.length > 0) return missing;
  return [
    ...key(settings),
    ...settings.rowWarnings.filter(({ code }) => code === "unknown_field").map(unusedRow),
    ...settings.rowWarnings.filter(({ code }) => code !== "unknown_field").map(unusedRow),
    ...filter(settings),
    ...termination(settings),
    ...minimumSet(settings),
    ...salary(settings),
  ];
}

function credentials({ clientId, clientSecret, loggedInUser }: PlanSourceSettings): readonly Finding[] {
  const then = "so nothing can be sent or fetched.";
  const noId = `${TITLES.client_id} is empty, ${then} Copy it from PlanSource, ${API_USERS}; "Add API User" makes a new one.`;
  const noSecret = `${TITLES.client_secret} is empty, ${then} Copy it from PlanSource, ${API_USERS}: it is behind the pencil icon in the column ACTIONS.`;
  const noUser = `${TITLES.logged_in_user} is empty, ${then} Enter the login name of the user that PlanSource shows under ${API_USERS}.`;
  return [
    ...when(clientId === undefined, setupRequired(noId)),
    ...when(clientSecret === undefined, setupRequired(noSecret)),
    ...when(loggedInUser === undefined, setupRequired(noUser)),
  ];
}

function key({ rows, subscriberKey }: PlanSourceSettings): readonly Finding[] {
  if (hasField(rows)("subscriber_code")) return [];
  const text =
    subscriberKey === "subscriber_code"
      ? error(
          `${MAPPING} has no row for subscriber_code, by which PlanSource finds employees, so nobody is sent. Add a row with the attribute that holds your own id of the employee, usually external_id.`,
        )
      : warning(
          `${MAPPING} has no row for subscriber_code. If the answer to a new employee's record is lost, the connector cannot find out whether PlanSource has it, and leaves it to you. Add a row with your own id of the employee.`,
        );
  return [text];
}

function unusedRow({ code, name }: RowWarning): Finding {
  switch (code) {
    case "unknown_field":
      return error(
        `${MAPPING}: "${name}" is not a field of PlanSource's employees, so its row is left out. Choose one from the list.`,
      );
    case "fixed_field":
      return warning(
        `${MAPPING}: "${name}" is set by PlanSource, or by a termination or a rehire, so its row is left out. Remove it; dates and reasons of leaving and coming back have settings of their own.`,
      );
    case "duplicate_field":
      return warning(
        `${MAPPING}: "${name}" is filled by several rows, and only the last one counts. Remove the others.`,
      );
  }
}

function filter({ segments }: PlanSourceSettings): readonly Finding[] {
  const text = `${TITLES.synchronized_segments} is empty, so only whom you send by hand is sent. Choose segments to begin.`;
  return when(segments.length === 0, hint(text));
}

function termination({ lifeCycle }: PlanSourceSettings): readonly Finding[] {
  const { terminationDate, terminationReason, onLeavingSegments, defaultReason } = lifeCycle;
  const noDefault = `"${TITLES.terminate_on_leaving_segments}" is on and ${TITLES.termination_reason_default} is empty, so PlanSource refuses these terminations. Enter one of PlanSource's termination reasons, or switch it off.`;
  const noReason = `${TITLES.termination_date_attribute} is chosen and ${TITLES.termination_reason_attribute} is not. PlanSource terminates nobody without a reason, so everybody with a termination date is refused. Choose the attribute that holds the reason.`;
  const butDefault = ` ${TITLES.termination_reason_default} does not help here: it is only for those who leave the segments.`;
  return [
    ...when(onLeavingSegments && defaultReason === undefined, error(noDefault)),
    ...when(
      terminationDate !== undefined && terminationReason === undefined,
      warning(defaultReason === undefined ? noReason : noReason + butDefault),
    ),
  ];
}

function minimumSet({ rows }: PlanSourceSettings): readonly Finding[] {
  const has = hasField(rows);
  const missing = MINIMUM_SET.filter((field) => !has(field));
  const text = `${MAPPING} has no row for ${ALL.format(missing)}. PlanSource takes new employees without, if your company does not require it, but recommends it: enrollment may suffer.`;
  return when(missing.length > 0, hint(text));
}

function salary({ rows }: PlanSourceSettings): readonly Finding[] {
  const has = hasField(rows);
  const text = `${MAPPING} fills current_salary and not current_salary_effective_on. PlanSource wants to know from which day a salary counts, so the day of sending is used. Add a row if you know better.`;
  return when(has("current_salary") && !has("current_salary_effective_on"), hint(text));
}

/** Values are only in Hull: whether PlanSource takes them shows when somebody is sent. */
const LATELY: readonly (readonly [ReasonCode, string])[] = [
  [
    "value_not_allowed",
    "an employee was refused because PlanSource does not allow a value. The log and the dead letters name the field and what is allowed: correct the attribute in Hull, or add the value to the list in PlanSource.",
  ],
  [
    "termination_reason",
    "somebody was not terminated, because the reason is missing or PlanSource does not know it. The log and the dead letters name the reasons that PlanSource knows: fill the attribute with one of them.",
  ],
  [
    "ssn_exists",
    "an employee was refused because somebody else in PlanSource has the same social security number. It may be the same person under another code: compare the two in PlanSource, and correct the number or the code.",
  ],
  [
    "status_by_hand",
    "somebody was neither terminated nor rehired, because PlanSource shows a leave or COBRA, which only people can end. Change the status in PlanSource, then send the employee again.",
  ],
];

/** @param outcomes of the last day: `type/outcome/code` → count */
export function checkOutcomes(outcomes: Readonly<Record<string, number>>): readonly Finding[] {
  const { name: type } = SUBSCRIBERS;
  return LATELY.flatMap(([code, what]) =>
    lately(outcomes, (name) => name.startsWith(`${type}/`) && name.endsWith(`/${code}`), what),
  );
}

function hasField(rows: PlanSourceSettings["rows"]): (field: string) => boolean {
  return (field) => rows.some((row) => row.field === field);
}

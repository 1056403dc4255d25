import { quotaHeaderForms } from "../loopback/quota";
import type { Switches } from "../control/switches";

/**
 * Whatever PlanSource's public documentation leaves open, or says in two ways, is a switch here, so that a client can be
 * tried against every plausible PlanSource.
 */
export const switchValues = {
  /** The one algorithm that the token endpoint takes. */
  algorithm: ["HS256", "HS384", "HS512"],
  /** Where `logged_in_user` is looked for: among the claims of the assertion, or in the form. */
  loggedInUserIn: ["claim", "form"],
  /** Answer of the token endpoint: with `token_type` and `expires_in` · with the latter as a text · the token alone. */
  tokenAnswer: ["full", "text-expiry", "bare"],
  /** Bulk calls take a bare array, or `{subscribers: […]}`; the other one is refused. */
  bulkWrapper: ["array", "subscribers"],
  /** What a bulk answer tells of its rows: counts and the failed ones · every row · the written ones · nothing. */
  bulkAnswer: ["failed-rows", "rows", "subscribers", "silent"],
  /** A bad row alone fails, or the whole call is refused. */
  bulkFailure: ["rows", "all"],
  /** The text that refuses an SSN that somebody has. */
  duplicateSsn: ["exists", "taken"],
  /** A `subscriber_code` that somebody has: a second one, or a refusal. */
  duplicateCode: ["allowed", "refused"],
  /** PUT on a terminated subscriber. */
  terminatedUpdate: ["written", "refused"],
  /** Terminated subscribers in `GET /subscribers`. */
  terminatedInLists: ["listed", "hidden"],
  /** The most rows of a page of `GET /subscribers`, whatever is asked for. */
  longestPage: ["500", "25"],
  /** `emp-1` finds `EMP-1`, as many databases do it, or does not. */
  codeMatching: ["exact", "any-case"],
  /** Rehire of somebody who is active. */
  rehireActive: ["refused", "accepted"],
  /** What clears a field; the other one is passed over. */
  clearing: ["empty", "null", "both"],
  /** Empty fields in answers. */
  blanks: ["empty", "null"],
  /** How the flag of a terminate call is spelled; another spelling is passed over. */
  terminationFlag: ["voluntary", "volunatary"],
  /** Forms of dates that create and update take; terminate and rehire always take CCYY-MM-DD alone. */
  requestDates: ["hire-slash", "dash", "both"],
  /** Dates in answers: `2006/06/13`, `2006-06-13` or `06/13/2006`. */
  answerDates: ["slash", "dash", "us"],
  /** Numbers in answers: `"70000.0"` or `70000`. */
  numbers: ["text", "number"],
  /** `org_payroll_id` in answers. */
  payrollId: ["number", "text"],
  /** SSN in answers. */
  ssn: ["masked", "full", "absent"],
  /** `links` in answers: one object, or a list of one. */
  links: ["object", "array"],
  /** `employment_status` in answers: words, letters, or not at all. */
  employmentStatus: ["words", "letters", "absent"],
  /** `errors` of a failure: a list for list-validated fields and else an object · always an object · always a list. */
  errorsForm: ["documented", "object", "array"],
  /** The text of a 404 for somebody who does not exist. */
  unknownEmployee: ["no-employee", "not-in-organization"],
  /** The text about a required field that is missing. */
  missingRequired: ["sentence", "code"],
  /** A field that meta declares `update: false`: passed over, or the record is refused. */
  notUpdatable: ["ignored", "refused"],
  /** `POST /subscribers`, which only the published description knows. */
  pluralCreate: ["served", "unknown"],
  /** What a 429 carries. */
  quotaHeaders: quotaHeaderForms,
} as const;

export type PlanSourceSwitches = Switches<typeof switchValues>;

/** The PlanSource that the sources make most likely; where they are silent, the one that is harder on the client. */
export const defaultSwitches: Readonly<PlanSourceSwitches> = {
  algorithm: "HS256",
  loggedInUserIn: "claim",
  tokenAnswer: "full",
  bulkWrapper: "array",
  bulkAnswer: "failed-rows",
  bulkFailure: "rows",
  duplicateSsn: "exists",
  duplicateCode: "allowed",
  terminatedUpdate: "written",
  terminatedInLists: "listed",
  longestPage: "500",
  codeMatching: "exact",
  rehireActive: "refused",
  clearing: "empty",
  blanks: "null",
  terminationFlag: "voluntary",
  requestDates: "hire-slash",
  answerDates: "slash",
  numbers: "text",
  payrollId: "number",
  ssn: "masked",
  links: "object",
  employmentStatus: "words",
  errorsForm: "documented",
  unknownEmployee: "no-employee",
  missingRequired: "sentence",
  notUpdatable: "ignored",
  pluralCreate: "served",
  quotaHeaders: "none",
};

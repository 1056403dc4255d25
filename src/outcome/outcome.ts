/** How every record ends: one outcome with a stable reason code. People filter their logs by these texts. */
import { createRedactor } from "../http/guards/redact";
import { isSafe } from "../json";

export type { OutcomeKind } from "../record";

/** A stable code for programs and a sentence for people. */
export interface Reason {
  readonly code: ReasonCode;
  readonly text: string;
}

/** The catalogue. The texts of the old connector are kept word for word; where a filter has a new title, that follows. */
const TEXTS = {
  created: "Created in the service.",
  updated: "Updated in the service.",
  hull_refused: "The service holds the record, but Hull refused the attributes that it was told.",
  in_sync: "All mapped attributes are already in sync between Hull and Planhat.",
  missing_token: "No personal access token is configured; nothing can be sent.",
  invalid_settings: "The connector's settings could not be understood.",
  outside_user_segments:
    "User doesn't belong to any of the segments defined in the Contact Filter. In the settings it is called Endusers Filter.",
  outside_account_segments:
    "Account doesn't belong to any of the segments defined in the Account Filter. In the settings it is called Company Filter.",
  user_account_outside_segments:
    "The user's account doesn't belong to any of the segments defined in the Account Filter. In the settings it is called Company Filter.",
  missing_account: "No company id present.",
  missing_account_external_id: "The account in Hull has no external_id, but it is marked as required.",
  missing_email: "The user in Hull has no email address.",
  missing_identity: "Neither email nor external id present.",
  missing_name: "No company name present.",
  invalid_owner: "Invalid Owner ID.",
  invalid_co_owner: "Invalid Co-Owner ID.",
  invalid_message: "The message could not be understood.",
  invalid_value: "A mapped attribute holds a value that the field cannot store.",
  invalid_date: "A date cannot be read.",
  unknown_field: "A mapped field is not known to the service and was left out.",
  misspelt_field:
    "A mapped field is written in another case in the service; values are sent under the service's own name.",
  twin_field: "Two mapped fields are the same field in the service; the value of this one was left out.",
  duplicate_field: "A field is mapped more than once; the last row counts.",
  fixed_field: "A mapped field cannot be mapped: the service or the connector sets it; the row was left out.",
  ambiguous: "Several records in the service could be this one; none was touched.",
  same_remote_record: "Another Hull entity is already linked to the same record in the service.",
  archived: "The record is archived in the service.",
  forgotten: "Hull deleted the user, so everything stored about it was erased.",
  newer_message: "A newer message of the same entity arrived.",
  merged: "Merged with a newer message of the same shipment.",
  told: "Hull was told what changed in the service.",
  told_ambiguous: "Hull was told under the service's id alone: several records share the external id or the address.",
  known: "Hull knows everything that the service holds.",
  left_out: "Hull knows the rest; values that it cannot hold were left out.",
  not_touched: "Not changed in the service since the last fetch.",
  in_flight: "Our own write is on its way or newer than the list; the write-back tells Hull.",
  observed: "Read; Hull has no object of this kind.",
  refused: "The service refused the record.",
  tracked: "Tracked in the service.",
  possibly_repeated: "Tracked in the service; the answer to an earlier try was lost, so it may be there twice.",
  missing_tenant_id: "No tenant token is configured; tracked events cannot be sent.",
  invalid_license: "A license of the account cannot be sent.",
  identity_alarm: "A new record was answered as the update of another one.",
  parent_rejected: "What this record belongs to was rejected by the service.",
  parent_skipped: "What this record belongs to was skipped.",
  parent_dead: "What this record belongs to could not be delivered.",
  unconfirmed: "It could not be confirmed whether the service holds the record.",
  case_only: "The e-mail address differs from the one in the service in upper and lower case only.",
  blanks_only: "The e-mail address differs from the one in the service in blanks around it only, case aside.",
  several_companies: "Several companies share the external id; the linked or the oldest one is used.",
} as const;

export type ReasonCode = keyof typeof TEXTS;

/** Details quote what was sent, such as the names of fields. They are stored with every record and shown in lists. */
const MAX_DETAIL = 2_000;
const redactor = createRedactor();

/**
 * @param code a code of the catalogue
 * @param detail what is specific to this record, appended in brackets
 */
export function reason(code: ReasonCode, detail?: string): Reason {
  return { code, text: detail === undefined ? TEXTS[code] : `${TEXTS[code]} (${bounded(detail)})` };
}

/** Secrets are removed before the text is cut: half of one would not be recognised when the reason is shown. */
function bounded(detail: string): string {
  return detail.length <= MAX_DETAIL ? detail : `${redactor.opening(detail, MAX_DETAIL)}…`;
}

/** What people are told about a value that cannot be used: its form, never the value, which may be personal. */
export function formOf(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (typeof value === "string") {
    if (value === "") return "an empty text";
    return /^\d+$/.test(value) ? `${value.length} digits` : `a text of ${value.length} characters`;
  }
  if (typeof value === "number") return isSafe(value) ? formOfNumber(String(Math.abs(value))) : "a number beyond 2^53";
  if (typeof value === "boolean") return "true or false";
  return Array.isArray(value) ? "a list" : "an object";
}

const formOfNumber = (written: string): string =>
  /^\d+$/.test(written) ? `${written.length} digits` : "a number with a fraction";

/** The joined text is stored in a record's row, so it is limited. */
const MOST_JOINED = 20;

/** Several reasons of one record, joined like in the old connector: texts by a space, and the first code counts. */
export function joinReasons(reasons: readonly Reason[]): Reason {
  const [first, ...rest] = reasons;
  if (first === undefined) throw new Error("A record that is not sent needs at least one reason.");
  const told = [first, ...rest].slice(0, MOST_JOINED).map((each) => each.text);
  const more = rest.length + 1 - told.length;
  return { code: first.code, text: [...told, ...(more > 0 ? [`And ${more} more.`] : [])].join(" ") };
}

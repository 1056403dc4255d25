/** How every record ends: one outcome with a stable reason code. People filter their logs by these texts. */
import { createRedactor } from "../http/guards/redact";
import { isSafe } from "../json";
import type { OutcomeKind } from "../record";
import type { Outcome } from "../storage/port/rows";

export type { OutcomeKind } from "../record";

/** A stable code for programs and a sentence for people. */
export interface Reason {
  readonly code: string;
  readonly text: string;
}

/** How an outcome with this code is said. */
export interface OutcomeCode {
  readonly text: string;
  /**
   * Who must mend a skip: `warn` the settings or the service, `info` the record's own data. Without it, it is routine.
   */
  readonly level?: "info" | "warn";
  /** What a person can do about it; absent: there is nothing to do, or the reason of the record says it. */
  readonly remedy?: string;
}

/** Codes of one service: further ones, or its own words for common ones. */
export type OutcomeCodes = Readonly<Record<string, OutcomeCode>>;

/** What every service can have. The texts of the old connector are kept word for word. */
export const COMMON_OUTCOMES = {
  created: { text: "Created in the service." },
  updated: { text: "Updated in the service." },
  ended: { text: "Ended in the service." },
  restarted: { text: "Restarted in the service." },
  accepted: { text: "Taken by the service, which does not confirm single records." },
  missing_claim: {
    text: "The record lacks a field that identifies it in Hull.",
    remedy:
      'Fill the field in the service, or untick "Required" in that row of "Identity of incoming users" (or "accounts").',
  },
  hull_refused: {
    text: "The service holds the record, but Hull refused the attributes that it was told.",
    level: "warn",
    remedy:
      "Hull's words are in the reason. Correct the attribute's type in Hull, or no longer map the field; the next change is told again.",
  },
  in_sync: { text: "All mapped attributes are already in sync between Hull and the service." },
  invalid_settings: {
    text: "The connector's settings could not be understood.",
    level: "warn",
    remedy:
      "The reason names the setting. Correct it and save the settings, then have Hull send again what was skipped.",
  },
  unreachable: {
    text: "The settings lack what reaching the service needs.",
    level: "warn",
    remedy: "The reason names what is missing. Enter it, then have Hull send again what was skipped.",
  },
  no_type: {
    text: "The service has no object for this kind of Hull entity.",
    remedy: "Nothing to do; or stop Hull from sending this kind of entity here.",
  },
  nothing_to_send: { text: "The message holds nothing that the service keeps." },
  already_left: { text: "The record should be ended, and the service does not have it." },
  insert_only: {
    text: "Records are only created, and the service has this one.",
    remedy: "Intended by the settings; allow updates there if it should be written.",
  },
  update_only: {
    text: "Records are only updated, and the service does not have this one.",
    remedy: "Intended by the settings; allow new records there if it should be created.",
  },
  missing_account_external_id: {
    text: "The account in Hull has no external_id, but it is marked as required.",
    level: "info",
    remedy: "Give the account an external_id in Hull, or no longer require it in the settings.",
  },
  missing_email: {
    text: "The user in Hull has no email address.",
    level: "info",
    remedy: "Give the user an e-mail address in Hull, or no longer require it in the settings.",
  },
  missing_identity: {
    text: "Neither email nor external id present.",
    level: "info",
    remedy: "Fill an e-mail address or an external id in Hull, and map it.",
  },
  invalid_message: {
    text: "The message could not be understood.",
    remedy:
      "The reason names the field and what is wrong with it. Correct it in Hull, then have Hull send the record again.",
  },
  invalid_value: {
    text: "A mapped attribute holds a value that the field cannot store.",
    remedy:
      "The reason names the field and the form of its value. Correct the attribute in Hull; the next message is tried again.",
  },
  invalid_date: {
    text: "A date cannot be read.",
    remedy: "The reason names the date. Correct it in Hull; the next message is tried again.",
  },
  unknown_field: { text: "A mapped field is not known to the service and was left out." },
  misspelt_field: {
    text: "A mapped field is written in another case in the service; values are sent under the service's own name.",
  },
  twin_field: { text: "Two mapped fields are the same field in the service; the value of this one was left out." },
  duplicate_field: { text: "A field is mapped more than once; the last row counts." },
  fixed_field: {
    text: "A mapped field cannot be mapped: the service or the connector sets it; the row was left out.",
  },
  ambiguous: {
    text: "Several records in the service could be this one; none was touched.",
    level: "warn",
    remedy: "The reason names the records. Merge them in the service, or give the right one the external id.",
  },
  same_remote_record: {
    text: "Another Hull entity is already linked to the same record in the service.",
    level: "warn",
    remedy: "Merge the two in Hull, or give them different keys; the one that was skipped follows by itself.",
  },
  archived: {
    text: "The record is archived in the service.",
    level: "warn",
    remedy: "Restore the record in the service if it is wanted.",
  },
  forgotten: { text: "Hull deleted the user, so everything stored about it was erased." },
  newer_message: { text: "A newer message of the same entity arrived." },
  merged: { text: "Merged with a newer message of the same shipment." },
  told: { text: "Hull was told what changed in the service." },
  told_ambiguous: {
    text: "Hull was told under the service's id alone: several records share the external id or the address.",
  },
  known: { text: "Hull knows everything that the service holds." },
  left_out: { text: "Hull knows the rest; values that it cannot hold were left out." },
  not_touched: { text: "Not changed in the service since the last fetch." },
  in_flight: { text: "Our own write is on its way or newer than the list; the write-back tells Hull." },
  observed: { text: "Read; Hull has no object of this kind." },
  refused: {
    text: "The service refused the record.",
    remedy:
      "The service's words are in the reason. Correct the value in Hull or the mapping; the next message is tried again.",
  },
  tracked: { text: "Tracked in the service." },
  possibly_repeated: {
    text: "Tracked in the service; the answer to an earlier try was lost, so it may be there twice.",
    remedy: "Look in the service if an event that is there twice would do harm, and delete one.",
  },
  identity_alarm: { text: "A new record was answered as the update of another one." },
  parent_rejected: { text: "What this record belongs to was rejected by the service." },
  parent_skipped: { text: "What this record belongs to was skipped." },
  parent_dead: { text: "What this record belongs to could not be delivered." },
  partly_written: { text: "The rest was written." },
  unreadable: {
    text: "A value that was stored encrypted cannot be read any more, because this server's key was changed; send the record again.",
    level: "warn",
    remedy:
      "Have Hull send the record again; or ask those who run this server to set its former key again, then replay the dead letter.",
  },
  damaged: {
    text: "What was stored about the record was damaged on the disk and could not be read; send the record again.",
    remedy: "Have Hull send the record again: there is no dead letter to replay.",
  },
  unconfirmed: { text: "It could not be confirmed whether the service holds the record." },
  case_only: { text: "The e-mail address differs from the one in the service in upper and lower case only." },
  blanks_only: {
    text: "The e-mail address differs from the one in the service in blanks around it only, case aside.",
  },
  several_records: { text: "Several records share the key; the linked or the oldest one is used." },
} as const satisfies OutcomeCodes;

export type CommonCode = keyof typeof COMMON_OUTCOMES;

/** Details quote what was sent, such as the names of fields. They are stored with every record and shown in lists. */
const MAX_DETAIL = 2_000;
const redactor = createRedactor();

/** How a code is said. @param own the codes of the service: its own words win */
export function outcomeCode(code: string, own: OutcomeCodes = {}): OutcomeCode {
  const known: OutcomeCodes = COMMON_OUTCOMES;
  return own[code] ?? known[code] ?? { text: code };
}

/**
 * @param detail what is specific to this record, appended in brackets
 * @param own the codes of the service, where it may have its own words
 */
export function reason(code: CommonCode, detail?: string, own?: OutcomeCodes): Reason {
  return reasonOf(code, outcomeCode(code, own), detail);
}

/** The same for a service: its own codes as well. */
export function createReasons<C extends string>(own: Readonly<Record<C, OutcomeCode>>) {
  return (code: C | CommonCode, detail?: string): Reason => reasonOf(code, outcomeCode(code, own), detail);
}

/**
 * How a message ended.
 *
 * @param message or the content that was made of it
 * @param note a warning about how its record was found or converted
 */
export function outcomeOf(
  message: Pick<Outcome, "messageId" | "counted" | "run"> & { readonly derived?: boolean },
  outcome: OutcomeKind,
  { code, text }: Reason,
  atMs: number,
  note?: string,
): Outcome {
  const { messageId, counted, derived, run } = message;
  return { messageId, outcome, code, text, atMs, counted, note, derived: derived === true ? true : undefined, run };
}

function reasonOf(code: string, { text }: OutcomeCode, detail: string | undefined): Reason {
  return { code, text: detail === undefined ? text : `${text} (${cutText(detail, MAX_DETAIL)})` };
}

/** Secrets are removed before the text is cut: half of one would not be recognised when the reason is shown. */
export function cutText(text: string, most: number): string {
  return text.length <= most ? text : `${redactor.opening(text, most)}…`;
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

/** Planhat's outcome codes, and its words for some that every service has. Those of the old connector are word for word. */
import { createReasons, type CommonCode } from "../../outcome/outcome";

export const OUTCOMES = {
  in_sync: { text: "All mapped attributes are already in sync between Hull and Planhat." },
  missing_token: {
    text: "No personal access token is configured; nothing can be sent.",
    level: "warn",
    remedy: "Enter the token in the settings, then have Hull send again what was skipped.",
  },
  outside_user_segments: {
    text: "User doesn't belong to any of the segments defined in the Contact Filter. In the settings it is called Endusers Filter.",
    remedy: "Intended, or add one of the user's segments to the Endusers Filter.",
  },
  outside_account_segments: {
    text: "Account doesn't belong to any of the segments defined in the Account Filter. In the settings it is called Company Filter.",
    remedy: "Intended, or add one of the account's segments to the Company Filter.",
  },
  user_account_outside_segments: {
    text: "The user's account doesn't belong to any of the segments defined in the Account Filter. In the settings it is called Company Filter.",
    remedy: "A set Company Filter binds users too: add one of the account's segments to it, or empty it.",
  },
  deleted_in_planhat: {
    text: "The record was deleted in Planhat, as planhat/deleted_at says, and is not made again.",
    remedy:
      'Nothing, if intended. Otherwise clear planhat/deleted_at in Hull, or switch off "Ignore users (or accounts) deleted in Planhat?".',
  },
  missing_account: { text: "No company id present.", remedy: "Link the user to an account in Hull." },
  missing_name: {
    text: "No company name present.",
    level: "info",
    remedy: "Map the company's name, and fill the attribute in Hull.",
  },
  invalid_owner: {
    text: "Invalid Owner ID.",
    level: "info",
    remedy: "Name an existing Planhat user in the mapped attribute, by id or e-mail address.",
  },
  invalid_co_owner: {
    text: "Invalid Co-Owner ID.",
    level: "info",
    remedy: "Name an existing Planhat user in the mapped attribute, by id or e-mail address.",
  },
  missing_tenant_id: {
    text: "No tenant token is configured; tracked events cannot be sent.",
    level: "info",
    remedy:
      "Enter the tenant token in the settings, or empty the Tracking Filter. Hull does not send old events again.",
  },
  invalid_license: {
    text: "A license of the account cannot be sent.",
    remedy:
      "The reason names the element of the list. Every license needs an external id of its own within the account.",
  },
  several_records: { text: "Several companies share the external id; the linked or the oldest one is used." },
} as const;

export type ReasonCode = keyof typeof OUTCOMES | CommonCode;

/** @param detail what is specific to this record, appended in brackets */
export const reason = createReasons(OUTCOMES);

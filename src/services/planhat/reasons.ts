/** Planhat's outcome codes, and its words for some that every service has. Those of the old connector are word for word. */
import { createReasons, type CommonCode } from "../../outcome/outcome";

export const OUTCOMES = {
  in_sync: { text: "All mapped attributes are already in sync between Hull and Planhat." },
  missing_token: { text: "No personal access token is configured; nothing can be sent.", level: "warn" },
  outside_user_segments: {
    text: "User doesn't belong to any of the segments defined in the Contact Filter. In the settings it is called Endusers Filter.",
  },
  outside_account_segments: {
    text: "Account doesn't belong to any of the segments defined in the Account Filter. In the settings it is called Company Filter.",
  },
  user_account_outside_segments: {
    text: "The user's account doesn't belong to any of the segments defined in the Account Filter. In the settings it is called Company Filter.",
  },
  missing_account: { text: "No company id present." },
  missing_name: { text: "No company name present.", level: "info" },
  invalid_owner: { text: "Invalid Owner ID.", level: "info" },
  invalid_co_owner: { text: "Invalid Co-Owner ID.", level: "info" },
  missing_tenant_id: { text: "No tenant token is configured; tracked events cannot be sent.", level: "info" },
  invalid_license: { text: "A license of the account cannot be sent." },
  several_records: { text: "Several companies share the external id; the linked or the oldest one is used." },
} as const;

export type ReasonCode = keyof typeof OUTCOMES | CommonCode;

/** @param detail what is specific to this record, appended in brackets */
export const reason = createReasons(OUTCOMES);

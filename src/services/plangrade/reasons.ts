/** plangrade's outcome codes, and its words for some that every service has. */
import { createReasons, type CommonCode } from "../../outcome/outcome";

export const OUTCOMES = {
  created: { text: "Created in plangrade." },
  updated: { text: "Updated in plangrade." },
  ended: { text: "Archived in plangrade." },
  in_sync: { text: "All mapped attributes are already in sync between Hull and plangrade." },
  already_left: { text: "The participant should be archived, and plangrade does not have them." },
  outside_segments: {
    text: "The user does not belong to any of the synchronized segments.",
    remedy: "Intended, or synchronize one of the user's segments in the settings.",
  },
  account_outside_segments: {
    text: "The account does not belong to any of the synchronized account segments.",
    remedy: "Intended, or synchronize one of the account's segments in the settings.",
  },
  missing_account: {
    text: "The user has no account in Hull, and plangrade has participants only within a company.",
    level: "info",
    remedy: "Link the user to an account in Hull.",
  },
  missing_ein: {
    text: "The account has no employer identification number (EIN), by which plangrade's companies are found.",
    level: "info",
    remedy: "Fill the attribute that the settings map to the EIN in the Hull account.",
  },
  incomplete: {
    text: "Fields that plangrade requires are missing.",
    level: "info",
    remedy: "The reason names the fields. Fill them in Hull, and map them.",
  },
  archived: {
    text: "The participant was archived in plangrade, and only people can undo that.",
    level: "warn",
    remedy: "Have the participant restored in plangrade if they are wanted.",
  },
  ambiguous: {
    text: "Several records in plangrade could be this one; none was touched.",
    level: "warn",
    remedy: "The reason names the records. Have them merged in plangrade.",
  },
  other_company: {
    text: "The participant belongs to another company in plangrade, and cannot be moved.",
    level: "warn",
    remedy: "Have the participant moved in plangrade, or link the user to that company's account in Hull.",
  },
  dependent: {
    text: "The participant is somebody's dependent in plangrade, and only employees are synchronized.",
    level: "warn",
    remedy: "Nothing, or take the user out of the synchronized segments.",
  },
  unconfirmed: { text: "It could not be confirmed whether plangrade did it; look there, then send the record again." },
} as const;

export type ReasonCode = keyof typeof OUTCOMES | CommonCode;

/** @param detail what is specific to this record, appended in brackets: names of fields, never a value */
export const reason = createReasons(OUTCOMES);

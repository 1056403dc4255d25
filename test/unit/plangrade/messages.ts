/** Messages and settings of a tenant that synchronises one company and its people. */
import type { EntityMessage } from "../../../src/services/message";
import { readSettings, type PlangradeSettings } from "../../../src/services/plangrade/settings/settings";

/** Settings as an installation with an application has them. Throws when they are refused. */
export function settingsOf(stored: Readonly<Record<string, unknown>> = {}): PlangradeSettings {
  const result = readSettings({
    application_key: "app-key",
    application_secret: "app-secret",
    account_synchronized_segments: ["a1"],
    synchronized_segments: ["s1"],
    ssn_attribute: "ssn",
    ...stored,
  });
  if (!result.ok) throw new Error(result.problems.join("\n"));
  return result.settings;
}

export const account = { id: "acc-1", name: "Acme", ein: "12-3456789", domain: "acme.example" };

/** A whole employee, in the forms that people write. */
export const ANN = {
  first_name: "Ann",
  last_name: "Lee",
  email: "Ann@acme.example",
  phone: "+1 (617) 555-0100",
  street1: "1 Main St",
  street2: "",
  city: "Boston",
  state: "MA",
  zip: "02139-1234",
  dob: "01/31/1980",
  ssn: "987-65-0123",
};

export function userMessage(changes: Partial<EntityMessage> = {}): EntityMessage {
  return {
    entity: "user",
    id: "user-1",
    messageId: "m1",
    version: 1,
    user: { id: "user-1", ...ANN },
    account,
    segmentIds: ["s1"],
    accountSegmentIds: ["a1"],
    changes: { user: {}, account: {} },
    events: [],
    isExport: false,
    ...changes,
  };
}

export function accountMessage(changes: Partial<EntityMessage> = {}): EntityMessage {
  return { ...userMessage(), entity: "account", id: "acc-1", user: {}, segmentIds: ["a1"], ...changes };
}

/** A matcher for a text that contains another one. */
export const containing = (text: string): unknown => expect.stringContaining(text);

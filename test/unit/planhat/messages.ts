import type { EntityMessage } from "../../../src/services/message";
import type { CustomField } from "../../../src/services/planhat/api/custom-fields";
import { readSettings } from "../../../src/services/planhat/settings/settings";
import type { PlanhatSettings } from "../../../src/services/planhat/settings/settings";

/** Settings as an installation with a token has them. Throws when they are refused. */
export function settingsOf(stored: Record<string, unknown> = {}): PlanhatSettings {
  const result = readSettings({
    personal_acccess_token: "token",
    contact_synchronized_segments: ["s1"],
    account_synchronized_segments: ["a1"],
    ...stored,
  });
  if (!result.ok) throw new Error(result.problems.join("\n"));
  return result.settings;
}

/** A text field of endusers. */
export function custom(name: string, more: Partial<CustomField> = {}): CustomField {
  return { type: "endusers", parent: "EndUser", name, holds: "text", hidden: false, formula: false, ...more };
}

export const account = { id: "5e0000000000000000000001", external_id: "acme", name: "Acme", domain: "acme.example" };

export function userMessage(changes: Partial<EntityMessage> = {}): EntityMessage {
  return {
    entity: "user",
    id: "5f0000000000000000000001",
    messageId: "m1",
    version: 1,
    user: { id: "5f0000000000000000000001", external_id: "u1", email: "Ann@acme.example", name: "Ann" },
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
  return { ...userMessage(), entity: "account", id: account.id, user: {}, segmentIds: ["a1"], ...changes };
}

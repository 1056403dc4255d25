/**
 * From a Hull message to the company or the employee that plangrade should hold: filter first, then the mapping. Pure.
 *
 * A user follows its account, since plangrade has participants only within a company.
 */
import type { Claims, Desired, DesiredParent, Keys } from "../../record";
import { own, shortened, textOf } from "../mapping/attributes";
import { createChecks, reasonsAgainst } from "../mapping/checks";
import { claimsOf } from "../mapping/fields";
import { inSegment, leftAll } from "../mapping/segments";
import type { EntityMessage } from "../message";
import type { Check, Plan, PlannedRecord } from "../model";
import { mapCompany, mapParticipant, missingIn, type MappedRecord } from "./mapped";
import { COMPANIES, PARTICIPANTS } from "./objects";
import { reason, type ReasonCode } from "./reasons";
import { TITLES } from "./settings/status";
import type { PlangradeSettings } from "./settings/settings";
import { participantKeys } from "./values";

const { check, filter } = createChecks<ReasonCode>(reason);

/** `isExport` passes the filters, never the restrictions that plangrade imposes. */
export function plan(message: EntityMessage, settings: PlangradeSettings): readonly Plan[] {
  if (message.entity === "account") {
    return [{ type: COMPANIES.name, hullId: message.id, ...planAccount(message, settings) }];
  }
  const record = leaves(message, settings) ? leaving(message, settings) : planUser(message, settings);
  return [{ type: PARTICIPANTS.name, hullId: message.id, ...record }];
}

/** Everything that a message must fulfil; whoever leaves need fulfil nothing. */
export function checks(message: EntityMessage, settings: PlangradeSettings): readonly Check[] {
  if (message.entity === "account") return accountChecks(message, settings, mapCompany(message, settings));
  if (leaves(message, settings)) return [check(TITLES.synchronized_segments, true, "outside_segments")];
  return userChecks(message, settings, mapParticipant(message, settings), mapCompany(message, settings));
}

function planAccount(message: EntityMessage, settings: PlangradeSettings): PlannedRecord {
  const company = mapCompany(message, settings);
  const reasons = reasonsAgainst(accountChecks(message, settings, company));
  if (reasons.length > 0) return { kind: "end", outcome: "skipped", reasons };
  if (company.brokenKeys.length > 0) return { kind: "end", outcome: "rejected", reasons: company.brokenKeys };
  return { kind: "record", ...companyOf(message, company, message.id), warnings: company.warnings };
}

function planUser(message: EntityMessage, settings: PlangradeSettings): PlannedRecord {
  const participant = mapParticipant(message, settings);
  const company = mapCompany(message, settings);
  const reasons = reasonsAgainst(userChecks(message, settings, participant, company));
  // What has a wrong form is missing, too: the sentence says both.
  if (reasons.length > 0) return { kind: "end", outcome: "skipped", reasons: [...reasons, ...participant.warnings] };
  if (company.brokenKeys.length > 0) return { kind: "end", outcome: "rejected", reasons: company.brokenKeys };
  const parent = parentOf(message, company);
  return {
    kind: "record",
    desired: {
      fields: { ...participant.fields, company_id: parent.hullId },
      keys: participantKeys(participant.fields),
      cleared: [],
      parent,
      outside: inSegment(settings.segments, message.segmentIds) ? undefined : true,
    },
    ...identityOf(message),
    warnings: participant.warnings,
  };
}

/** Archived and nothing else: no field is written, and no company is created for it. */
function leaving(message: EntityMessage, settings: PlangradeSettings): PlannedRecord {
  const { fields } = mapParticipant(message, settings);
  const desired: Desired = { fields: {}, keys: participantKeys(fields), cleared: [], state: "ended", leaves: true };
  return { kind: "record", desired, ...identityOf(message), warnings: [] };
}

function identityOf({ user, id }: EntityMessage): { readonly claims: Claims; readonly hintId: string | undefined } {
  const hintId = textOf(own(user, "traits_plangrade/id") ?? own(user, "plangrade/id"));
  return { claims: claimsOf(user, id, "email"), hintId };
}

const companyHint = ({ account }: EntityMessage): string | undefined => textOf(own(account, "plangrade/id"));

function companyOf(message: EntityMessage, { fields }: MappedRecord, id: string | undefined) {
  const { ein } = fields;
  const keys: Keys = typeof ein === "string" ? { ein } : {};
  return {
    desired: { fields, keys, cleared: [] },
    claims: claimsOf(message.account, id, "domain"),
    hintId: companyHint(message),
  };
}

/** The company as the user's message shows it, in case it must be created. */
function parentOf(message: EntityMessage, company: MappedRecord): DesiredParent {
  const id = textOf(own(message.account, "id"));
  const { desired, claims, hintId } = companyOf(message, company, id);
  const known = textOf(own(message.account, "external_id")) ?? desired.keys["ein"] ?? hintId ?? "";
  const hullId = id ?? `external_id:${shortened(known)}`;
  return { type: COMPANIES.name, hullId, desired, claims, ...(hintId !== undefined && { hintId }) };
}

function accountChecks(message: EntityMessage, settings: PlangradeSettings, company: MappedRecord): readonly Check[] {
  const inside = inSegment(settings.accountSegments, message.segmentIds, message.accountSegmentIds);
  return [
    filter(TITLES.account_synchronized_segments, inside, "account_outside_segments", message.isExport),
    check("EIN", canBeFound(message, company), "missing_ein"),
  ];
}

function userChecks(
  message: EntityMessage,
  settings: PlangradeSettings,
  participant: MappedRecord,
  company: MappedRecord,
): readonly Check[] {
  const { accountSegments, segments } = settings;
  const hasAccount = Object.keys(message.account).length > 0;
  // Empty, it sends no account, but every account's users.
  const letsAccount = accountSegments.length === 0 || inSegment(accountSegments, message.accountSegmentIds);
  const missing = missingIn(PARTICIPANTS.name, participant.fields);
  const ofAccount = [
    filter(TITLES.account_synchronized_segments, letsAccount, "account_outside_segments", message.isExport),
    check("EIN of the account", canBeFound(message, company), "missing_ein"),
  ];
  return [
    filter(TITLES.synchronized_segments, inSegment(segments, message.segmentIds), "outside_segments", message.isExport),
    check("Account of the user", hasAccount, "missing_account"),
    ...(hasAccount ? ofAccount : []),
    check("Required fields", missing.length === 0, "incomplete", missing.join(", ") || undefined),
  ];
}

/** By its EIN, or by the id that Hull remembers; a broken EIN is named as such. */
function canBeFound(message: EntityMessage, { fields, brokenKeys }: MappedRecord): boolean {
  return missingIn(COMPANIES.name, fields).includes("ein")
    ? brokenKeys.length > 0 || companyHint(message) !== undefined
    : true;
}

/** The user left all synchronised segments, and that archives the participant. */
export function leaves(message: EntityMessage, { segments, archiveOnLeavingSegments }: PlangradeSettings): boolean {
  return archiveOnLeavingSegments && leftAll(segments, message);
}

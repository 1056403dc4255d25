/**
 * From a Hull message to the record that Planhat should hold: filters first, then the mapping. Pure.
 *
 * A user follows its account, because Planhat is centred on the company: without an account that has an external id
 * there is no enduser, and when the Company Filter is used the account must match it too.
 */
import type { Attributes, EntityMessage } from "../../message";
import type { Reason } from "../../../outcome/outcome";
import { reason, type ReasonCode } from "../reasons";
import type { Check, Plan, PlannedRecord } from "../../model";
import type { DesiredParent } from "../../../record";
import { planActivities } from "./activities";
import { own, shortened, textOf } from "../../mapping/attributes";
import { createChecks, reasonsAgainst } from "../../mapping/checks";
import { planLicenses } from "./licenses";
import { mapFields } from "./mapping";
import { COMPANIES, ENDUSERS, fieldSpec } from "../object-types";
import type { PlanhatSettings } from "../settings/settings";
import { claimsOf, convertKey, desiredOf, messageSource, type Mapped } from "../../mapping/fields";
import { inSegment } from "../../mapping/segments";
import { convert, isBlank } from "../../mapping/values";

const { check, filter } = createChecks<ReasonCode>(reason);

/**
 * The result of a message. All reasons against a record are collected, so that a person can mend them at once.
 * `isExport` skips the segment filters, never the restrictions that Planhat's data model imposes.
 */
export function plan(message: EntityMessage, settings: PlanhatSettings): readonly Plan[] {
  const type = message.entity === "user" ? ENDUSERS.name : COMPANIES.name;
  const own = { type, hullId: message.id };
  if (settings.token === undefined) return [{ ...own, ...skipped([reason("missing_token")]) }];
  const record = message.entity === "user" ? planUser(message, settings) : planAccount(message, settings);
  if (record.kind === "end") return [{ ...own, ...record }];
  const parent = { ...own, ...record };
  const further =
    message.entity === "user" ? planActivities(message, settings, parent) : planLicenses(message, settings, parent);
  return [parent, ...further];
}

/** Everything that a message must fulfil; without a token nothing else matters. */
export function checks(message: EntityMessage, settings: PlanhatSettings): readonly Check[] {
  if (settings.token === undefined) return [check("Personal Access Token", false, "missing_token")];
  return message.entity === "user"
    ? userChecks(message, settings, mapUser(message, settings))
    : accountChecks(message, settings, companyOf(message, settings, settings.clearOnNull));
}

function userChecks(message: EntityMessage, settings: PlanhatSettings, mapped: Mapped): readonly Check[] {
  const externalId = accountExternalId(message);
  const hasAccount = Object.keys(message.account).length > 0;
  const hasEmail = textOf(own(message.user, "email")) !== undefined;
  const keyless = Object.keys(mapped.keys).length === 0 && mapped.brokenKeys.length === 0;
  const keyMapped = settings.mapping.endusers.some((row) => row.field === "email" || row.field === "externalId");
  const withoutEmail = settings.requireEmail && !hasEmail;

  const { isExport } = message;
  const ofAccount = [
    check("External id of the account", externalId !== undefined, "missing_account_external_id"),
    filter("Company Filter", companyFilterLets(message, settings), "user_account_outside_segments", isExport),
    filter("Account not deleted in Planhat", !accountIgnored(message, settings), "deleted_in_planhat", isExport),
  ];
  return [
    filter("Endusers Filter", inSegment(settings.userSegments, message.segmentIds), "outside_user_segments", isExport),
    filter("Not deleted in Planhat", !userIgnored(message, settings), "deleted_in_planhat", isExport),
    check("Account of the user", hasAccount, "missing_account"),
    ...(hasAccount ? ofAccount : []),
    check("E-mail address", !withoutEmail, "missing_email"),
    check("Key in the mapping", !keyless || (withoutEmail && keyMapped), "missing_identity"),
  ];
}

function mapUser(message: EntityMessage, { mapping, clearOnNull }: PlanhatSettings): Mapped {
  return mapFields(ENDUSERS.name, mapping.endusers, messageSource(message), clearOnNull);
}

function planUser(message: EntityMessage, settings: PlanhatSettings): PlannedRecord {
  const mapped = mapUser(message, settings);
  const reasons = reasonsAgainst(userChecks(message, settings, mapped));
  if (reasons.length > 0) return skipped(reasons);
  const parent = parentOf(message, settings);
  const broken = [...mapped.brokenKeys, ...parent.brokenKeys];
  if (broken.length > 0) return rejected(broken);

  return {
    kind: "record",
    desired: {
      fields: { ...mapped.fields, companyId: parent.parent.hullId },
      keys: mapped.keys,
      cleared: mapped.cleared,
      parent: parent.parent,
    },
    claims: claimsOf(message.user, message.id, "email"),
    warnings: mapped.warnings,
    hintId: textOf(own(message.user, "traits_planhat/id") ?? own(message.user, "planhat/id")),
  };
}

function accountChecks(message: EntityMessage, settings: PlanhatSettings, company: Mapped): readonly Check[] {
  const inside = inSegment(settings.accountSegments, message.segmentIds, message.accountSegmentIds);
  return [
    filter("Company Filter", inside, "outside_account_segments", message.isExport),
    filter("Not deleted in Planhat", !accountIgnored(message, settings), "deleted_in_planhat", message.isExport),
    check("External id of the account", accountExternalId(message) !== undefined, "missing_account_external_id"),
    check("Company name", textOf(company.fields["name"]) !== undefined, "missing_name"),
  ];
}

function planAccount(message: EntityMessage, settings: PlanhatSettings): PlannedRecord {
  const company = companyOf(message, settings, settings.clearOnNull);
  const reasons = reasonsAgainst(accountChecks(message, settings, company));
  if (reasons.length > 0) return skipped(reasons);
  if (company.brokenKeys.length > 0) return rejected(company.brokenKeys);
  return {
    kind: "record",
    desired: desiredOf(company),
    claims: claimsOf(message.account, message.id, "domain"),
    warnings: company.warnings,
    hintId: textOf(own(message.account, "planhat/id")),
  };
}

/** The Company Filter binds users only when it is used at all; empty, it sends no account but every account's users. */
export function companyFilterLets(message: EntityMessage, settings: PlanhatSettings): boolean {
  return settings.accountSegments.length === 0 || inSegment(settings.accountSegments, message.accountSegmentIds);
}

/** Fetches set it where a record went missing, and empty it where it is back. */
const DELETED_AT = "planhat/deleted_at";

const isMarked = (attributes: Attributes, ...names: readonly string[]): boolean =>
  names.some((name) => !isBlank(own(attributes, name)));

/** Whether the settings leave the user out, since the record was deleted in Planhat. */
export const userIgnored = ({ user }: EntityMessage, { ignoreDeleted }: PlanhatSettings): boolean =>
  ignoreDeleted.users && isMarked(user, `traits_${DELETED_AT}`, DELETED_AT);

/** A user's message would make the company again as well. */
export const accountIgnored = ({ account }: EntityMessage, { ignoreDeleted }: PlanhatSettings): boolean =>
  ignoreDeleted.accounts && isMarked(account, DELETED_AT);

const skipped = (reasons: readonly Reason[]): PlannedRecord => ({ kind: "end", outcome: "skipped", reasons });
const rejected = (reasons: readonly Reason[]): PlannedRecord => ({ kind: "end", outcome: "rejected", reasons });

/** The account's external id is the company's only key, whatever the settings say about requiring it. */
function companyOf(message: EntityMessage, settings: PlanhatSettings, clearOnNull: boolean): Mapped {
  const mapped = mapFields(COMPANIES.name, settings.mapping.companies, messageSource(message), clearOnNull);
  const externalId = accountExternalId(message);
  if (externalId === undefined) return mapped;
  const converted = convertKey(externalId, fieldSpec(COMPANIES.name, "externalId"), "external_id");
  const broken = converted.ok ? [] : [reason("invalid_value", `account.external_id → externalId: ${converted.why}`)];
  return {
    ...mapped,
    fields: { ...mapped.fields, externalId },
    keys: { externalId },
    brokenKeys: [...mapped.brokenKeys, ...broken],
  };
}

function accountExternalId(message: EntityMessage): string | undefined {
  return textOf(own(message.account, "external_id"));
}

/**
 * The company as the user's message shows it, in case it must be created. It always has a name, since Planhat
 * requires one and a user must not wait for somebody to name the account.
 */
function parentOf(
  message: EntityMessage,
  settings: PlanhatSettings,
): { readonly parent: DesiredParent; readonly brokenKeys: readonly Reason[] } {
  const company = companyOf(message, settings, false);
  const externalId = accountExternalId(message) ?? "";
  const fallbacks = ["name", "domain"].map((key) => textOf(own(message.account, key)));
  const spec = fieldSpec(COMPANIES.name, "name");
  const name = [textOf(company.fields["name"]), ...fallbacks].find(
    (each) => each !== undefined && convert(each, spec, "name").ok,
  );
  const id = textOf(own(message.account, "id"));
  return {
    brokenKeys: company.brokenKeys,
    parent: {
      type: COMPANIES.name,
      hullId: id ?? `external_id:${shortened(externalId)}`,
      desired: { ...desiredOf(company), fields: { ...company.fields, name: name ?? externalId } },
      claims: claimsOf(message.account, id, "domain"),
      hintId: textOf(own(message.account, "planhat/id")),
    },
  };
}

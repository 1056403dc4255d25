/**
 * `private_settings` of an installation. What is absent or null takes its default; what has the wrong type is a problem
 * that names the setting and what to do.
 */
import { z } from "zod";
import { ALERT_SETTINGS } from "../../mapping/alerts";
import { attributeReference, spellingOf, type AttributeReference } from "../../mapping/attributes";
import { claimTable, type ClaimRule } from "../../mapping/claims";
import { choice, chosen, count, flag, list, problemsOf, table, text, traitTable } from "../../mapping/cells";
import type { MappedField } from "../../mapping/fields";
import { readTable, traitRows, type RowWarning } from "../../mapping/table";
import type { SettingsResult } from "../../service";
import { COMPANIES, isFixed, mappableFields, PARTICIPANTS, SSN } from "../objects";
import { reason } from "../reasons";

/** A row that is left out, with the type whose table it stands in. */
export interface UnusedRow extends RowWarning {
  readonly type: string;
}

export interface PlangradeSettings {
  readonly applicationKey: string | undefined;
  readonly applicationSecret: string | undefined;
  readonly accountSegments: readonly string[];
  readonly segments: readonly string[];
  readonly companyRows: readonly MappedField[];
  readonly participantRows: readonly MappedField[];
  readonly rowWarnings: readonly UnusedRow[];
  /** Holds a social security number or its last four digits. */
  readonly ssnAttribute: AttributeReference | undefined;
  readonly archiveOnLeavingSegments: boolean;
  /** Minutes. */
  readonly fetchIntervals: { readonly companies: number; readonly participants: number };
  readonly fetchCompanyEvents: boolean;
  /** By which fields Hull knows a record; undefined: an EIN that is the external id, or the e-mail address. */
  readonly claims: {
    readonly companies?: readonly ClaimRule[] | undefined;
    readonly participants?: readonly ClaimRule[] | undefined;
  };
  readonly requestsPerMinute: number;
  /** How bodies are written. */
  readonly bodyFormat: "form" | "json";
}

/** It names the application in keys of the store. */
const applicationKey = text("copy the application key from plangrade again.").refine(
  (value) => value === undefined || /^[^\s\p{Cc}]{1,200}$/u.test(value),
  "must be one word of at most 200 characters; copy the application key from plangrade again.",
);

const ssnAttribute = text("choose the attribute again in the settings.").transform((name) =>
  name === undefined ? undefined : attributeReference(name, "user"),
);

const schema = z.looseObject(
  {
    application_key: applicationKey,
    application_secret: text("copy the application secret from plangrade again."),
    account_synchronized_segments: list("account segments"),
    synchronized_segments: list("user segments"),
    company_attributes_outbound: table,
    outgoing_account_attributes: traitTable,
    participant_attributes_outbound: table,
    outgoing_user_attributes: traitTable,
    ssn_attribute: ssnAttribute,
    archive_on_leaving_segments: flag(false),
    fetch_interval_companies: count(180, { least: 0 }),
    fetch_interval_participants: count(180, { least: 0 }),
    incoming_account_claims: claimTable("account", chosen(["ein", "id"])),
    incoming_user_claims: claimTable("user", chosen(["email", "id"])),
    fetch_company_events: flag(false),
    requests_per_minute: count(60),
    body_format: choice(["form", "json"], "form"),
    ...ALERT_SETTINGS,
  },
  { error: "The settings must be an object; save the connector's settings again." },
);

/** @param privateSettings `connector.private_settings` as Hull delivers it; null and undefined count as empty */
export function readSettings(privateSettings: unknown): SettingsResult<PlangradeSettings> {
  const parsed = schema.safeParse(privateSettings ?? {});
  if (!parsed.success) return { ok: false, problems: problemsOf(parsed.error) };
  const stored = parsed.data;
  const companies = tableOf(
    COMPANIES.name,
    "account",
    stored.company_attributes_outbound,
    stored.outgoing_account_attributes,
  );
  const participants = tableOf(
    PARTICIPANTS.name,
    "user",
    stored.participant_attributes_outbound,
    stored.outgoing_user_attributes,
  );
  const rowWarnings = [...companies.warnings, ...participants.warnings];
  return {
    ok: true,
    warnings: rowWarnings.map(({ code, type, name }) => reason(code, `${type}: ${name}`)),
    settings: {
      applicationKey: stored.application_key,
      applicationSecret: stored.application_secret,
      accountSegments: stored.account_synchronized_segments ?? [],
      segments: stored.synchronized_segments ?? [],
      companyRows: companies.rows,
      participantRows: participants.rows,
      rowWarnings,
      ssnAttribute: stored.ssn_attribute,
      archiveOnLeavingSegments: stored.archive_on_leaving_segments,
      fetchIntervals: {
        companies: stored.fetch_interval_companies,
        participants: stored.fetch_interval_participants,
      },
      fetchCompanyEvents: stored.fetch_company_events,
      claims: { companies: stored.incoming_account_claims, participants: stored.incoming_user_claims },
      requestsPerMinute: stored.requests_per_minute,
      bodyFormat: stored.body_format,
    },
  };
}

/**
 * @param stored absent: each field from the attribute of its name; an empty table stays empty
 * @param newer rows behind it
 */
function tableOf(
  type: string,
  entity: "user" | "account",
  stored: z.infer<typeof table>,
  newer: z.infer<typeof traitTable>,
) {
  const fields = mappableFields(type).map(({ name }) => name);
  const usual = stored ?? fields.map((name) => ({ hull_field_name: name, service_field_name: name }));
  const { rows, warnings } = readTable([...usual, ...traitRows(newer)], {
    entity,
    isMappable: (field) => fields.includes(field),
    isFixed: (field) => isFixed(type, field),
    kept: (row) => row,
  });
  return { rows, warnings: warnings.map((each): UnusedRow => ({ ...each, type })) };
}

export function rowsOf(type: string, settings: PlangradeSettings): readonly MappedField[] {
  return type === COMPANIES.name ? settings.companyRows : settings.participantRows;
}

/** Fields that the mapping writes, and where a participant belongs. */
export function mappedFields(type: string, settings: PlangradeSettings): readonly string[] {
  const mapped = rowsOf(type, settings).map(({ field }) => field);
  if (type === COMPANIES.name) return mapped;
  return [...mapped, "company_id", ...(settings.ssnAttribute === undefined ? [] : [SSN])];
}

/** Whether the external id of a Hull account is what plangrade has as the company's EIN. */
export function einIsExternalId({ companyRows }: PlangradeSettings): boolean {
  return companyRows.some(({ field, attribute }) => field === "ein" && spellingOf(attribute) === "account.external_id");
}

/**
 * `private_settings` of any installation, old or new. Every name of the earlier connector keeps its meaning; the
 * misspelt token setting is inherited too. What is absent or null takes its default; what has the wrong type is a
 * problem that names the setting and what to do.
 */
import { z } from "zod";
import type { SettingsResult } from "../../service";
import { ALERT_SETTINGS } from "../../mapping/alerts";
import { attributeReference } from "../../mapping/attributes";
import type { AttributeReference } from "../../mapping/attributes";
import { incomingField, incomingRows, namedFields } from "./incoming";
import type { IncomingSettings } from "./incoming";
import { customField, customName, findField, typeSpec } from "../object-types";
import { warningOf } from "./mapping-warnings";
import type { MappingWarning } from "./mapping-warnings";
import { claimTable } from "../../mapping/claims";
import { count, flag, list, names, table, text, traitTable } from "../../mapping/cells";
import { traitRows, type StoredRow } from "../../mapping/table";

/** One mapping row that is used. */
export interface MappingRow {
  readonly attribute: AttributeReference;
  /** In the engine's naming: `name`, `custom.Anything at all`. */
  readonly field: string;
}

export interface PlanhatSettings {
  /** Undefined when missing or blank. */
  readonly token: string | undefined;
  readonly apiPrefix: string;
  readonly tenantId: string | undefined;
  /** The name behind `ws.planhat.com/`, for links to records. */
  readonly workspace: string | undefined;
  readonly userSegments: readonly string[];
  readonly userEvents: readonly string[];
  readonly accountSegments: readonly string[];
  readonly mapping: {
    readonly endusers: readonly MappingRow[];
    readonly companies: readonly MappingRow[];
    readonly licenses: readonly MappingRow[];
  };
  readonly oddRows: readonly MappingWarning[];
  /** The account attribute that holds the list of licenses. */
  readonly licenses: { readonly attribute: string | undefined };
  /** A tracked event whose answer was lost: send it again, or keep it for a person. */
  readonly unconfirmedActivities: "repeat" | "hold";
  /** Minutes between two fetches; 0 = at every call. */
  readonly fetchIntervalMinutes: { readonly companies: number; readonly endusers: number };
  readonly incoming: IncomingSettings;
  /** A user without e-mail address in Hull is skipped. */
  readonly requireEmail: boolean;
  /** Null in Hull clears the field in Planhat, if Hull's changes show that it had a value. */
  readonly clearOnNull: boolean;
  /** What fetches have marked as deleted in Planhat is not sent. */
  readonly ignoreDeleted: { readonly users: boolean; readonly accounts: boolean };
  readonly requestsPerMinute: number;
  readonly bulkMaxItems: number;
  readonly bulkMaxBytes: number;
}

/** The outgoing rows of an object type; none for a type that is not mapped by rows. */
export function mappingOf(type: string, { mapping }: PlanhatSettings): readonly MappingRow[] {
  const tables: Readonly<Record<string, readonly MappingRow[]>> = mapping;
  return tables[type] ?? [];
}

interface TableRow {
  readonly hull: string;
  readonly service: string;
}

/** What one bulk call of Planhat takes (planhat.com/developers/api/bulk-upsert). */
const BULK_ITEMS_CAP = 5000;
/** Planhat's limit for a request body is 32 MB; some room is left for what surrounds the items. */
const BULK_BYTES_CAP = 30_000_000;

const token = text("paste the personal access token again.").refine(
  (value) => value === undefined || /^[\x21-\x7e]+$/.test(value),
  "contains blanks or characters that a token never has; paste the personal access token again.",
);

const schema = z.looseObject(
  {
    personal_acccess_token: token,
    personal_access_token: token,
    api_prefix: text("choose one of the offered prefixes.").refine(
      (value) => value === undefined || /^api(-[a-z0-9]+)?$/.test(value),
      'must be "api" or "api-" followed by the name of the cluster; choose one of the offered prefixes.',
    ),
    tenant_id: text("paste the tenant token again.").refine(
      (value) => value === undefined || value.length <= 100,
      "is longer than a tenant token; paste the UUID that Planhat's developer page shows.",
    ),
    workspace: text("write the name that stands behind ws.planhat.com/ in your browser.").refine(
      (value) => value === undefined || /^[\w-]{1,100}$/.test(value),
      "must have letters, digits, - and _ only, 100 at most; write the name that stands behind ws.planhat.com/ in your browser.",
    ),
    contact_synchronized_segments: list("user segments"),
    contact_events: list("event names"),
    contact_attributes_outbound: table,
    contact_custom_attributes_outbound: table,
    outgoing_user_attributes: traitTable,
    account_synchronized_segments: list("account segments"),
    account_attributes_outbound: table,
    account_custom_attributes_outbound: table,
    outgoing_account_attributes: traitTable,
    account_licenses_attribute: text("choose the account attribute again."),
    account_licenses_attributes_outbound: table,
    account_licenses_custom_attributes_outbound: table,
    fetch_interval_accounts: count(180, { least: 0 }),
    fetch_interval_users: count(180, { least: 0 }),
    contact_attributes_inbound: traitTable,
    account_attributes_inbound: traitTable,
    incoming_user_claims: claimTable("user", claimField("endusers")),
    incoming_account_claims: claimTable("account", claimField("companies")),
    incoming_ignored_fields: names("fields"),
    incoming_excluded_fields: names("fields"),
    link_users_in_hull: flag(true),
    resolve_owners: flag(false),
    mark_deleted: flag(false),
    fetch_licenses: flag(true),
    contact_require_email: flag(true),
    clear_on_null: flag(false),
    ignore_deleted_users: flag(false),
    ignore_deleted_accounts: flag(false),
    activities_unconfirmed: z.enum(["repeat", "hold"], { error: 'must be "repeat" or "hold".' }).nullish(),
    requests_per_minute: count(200),
    bulk_max_items: count(BULK_ITEMS_CAP, { cap: BULK_ITEMS_CAP }),
    bulk_max_bytes: count(4_000_000, { cap: BULK_BYTES_CAP }),
    ...ALERT_SETTINGS,
  },
  { error: "The settings must be an object; save the connector's settings again." },
);

function claimField(type: "endusers" | "companies") {
  return text("choose the Planhat property of this row again.").transform((name) =>
    name === undefined ? undefined : incomingField(type, name),
  );
}

const DEFAULT_ROWS = {
  endusers: [
    { hull: "name", service: "name" },
    { hull: "email", service: "email" },
  ],
  companies: [{ hull: "name", service: "name" }],
  licenses: [],
} as const;

/** @param privateSettings `connector.private_settings` as Hull delivers it; null and undefined count as empty */
export function readSettings(privateSettings: unknown): SettingsResult<PlanhatSettings> {
  const parsed = schema.safeParse(privateSettings ?? {});
  if (!parsed.success) return { ok: false, problems: [...new Set(parsed.error.issues.map(problem))] };
  const stored = parsed.data;
  const endusers = mapping(
    "endusers",
    stored.contact_attributes_outbound,
    stored.contact_custom_attributes_outbound,
    stored.outgoing_user_attributes,
  );
  const companies = mapping(
    "companies",
    stored.account_attributes_outbound,
    stored.account_custom_attributes_outbound,
    stored.outgoing_account_attributes,
  );
  const licenses = mapping(
    "licenses",
    stored.account_licenses_attributes_outbound,
    stored.account_licenses_custom_attributes_outbound,
  );
  const inbound = {
    endusers: incomingRows("endusers", stored.contact_attributes_inbound),
    companies: incomingRows("companies", stored.account_attributes_inbound),
  };
  const rules = (type: "endusers" | "companies") => ({
    rows: inbound[type].rows,
    claims: type === "endusers" ? stored.incoming_user_claims : stored.incoming_account_claims,
    ignored: namedFields(type, stored.incoming_ignored_fields),
    excluded: namedFields(type, stored.incoming_excluded_fields),
  });
  const oddRows = [endusers, companies, licenses, inbound.endusers, inbound.companies].flatMap((part) => part.odd);
  return {
    ok: true,
    warnings: oddRows.map(warningOf),
    settings: {
      oddRows,
      token: stored.personal_acccess_token ?? stored.personal_access_token,
      apiPrefix: stored.api_prefix ?? "api",
      tenantId: stored.tenant_id,
      workspace: stored.workspace,
      userSegments: stored.contact_synchronized_segments ?? [],
      userEvents: stored.contact_events ?? [],
      accountSegments: stored.account_synchronized_segments ?? [],
      mapping: { endusers: endusers.rows, companies: companies.rows, licenses: licenses.rows },
      licenses: { attribute: stored.account_licenses_attribute },
      unconfirmedActivities: stored.activities_unconfirmed ?? "repeat",
      fetchIntervalMinutes: { companies: stored.fetch_interval_accounts, endusers: stored.fetch_interval_users },
      incoming: {
        endusers: rules("endusers"),
        companies: rules("companies"),
        linkUsers: stored.link_users_in_hull,
        resolveOwners: stored.resolve_owners,
        markDeleted: stored.mark_deleted,
        licenses: stored.fetch_licenses,
      },
      requireEmail: stored.contact_require_email,
      clearOnNull: stored.clear_on_null,
      ignoreDeleted: { users: stored.ignore_deleted_users, accounts: stored.ignore_deleted_accounts },
      requestsPerMinute: stored.requests_per_minute,
      bulkMaxItems: stored.bulk_max_items,
      bulkMaxBytes: stored.bulk_max_bytes,
    },
  };
}

function problem(issue: z.core.$ZodIssue): string {
  const [setting, ...inside] = issue.path.map(String);
  if (setting === undefined) return issue.message;
  const [index, column] = inside;
  const place = index === undefined ? "" : ` row ${Number(index) + 1}${column === undefined ? "" : `, ${column}`}`;
  return `${setting}${place}: ${issue.message}`;
}

/** Rows with both cells filled. A custom field's name is taken literally and only tested for emptiness. */
function rowsOf(stored: readonly (StoredRow | null | undefined)[] | null | undefined): readonly TableRow[] | undefined {
  return stored?.flatMap((row) => {
    const hull = row?.hull_field_name ?? "";
    const service = row?.service_field_name ?? "";
    return hull.trim() === "" || service.trim() === "" ? [] : [{ hull, service }];
  });
}

function mapping(
  type: "endusers" | "companies" | "licenses",
  standard: z.infer<typeof table>,
  custom: z.infer<typeof table>,
  newer?: z.infer<typeof traitTable>,
) {
  const odd: MappingWarning[] = [];
  const rows = new Map<string, MappingRow>();
  const add = (row: TableRow, field: string) => {
    const { entity } = typeSpec(type).object;
    const attribute = type === "licenses" ? licenseKey(row.hull) : attributeReference(row.hull, entity);
    if (attribute === undefined) return;
    if (rows.delete(field)) odd.push({ code: "duplicate_field", type, incoming: false, name: field });
    rows.set(field, { attribute, field });
  };
  const addChosen = (row: TableRow) => {
    const found = findField(type, row.service);
    const chosen = chosenCustomField(row.service);
    if (chosen !== undefined) add(row, chosen);
    else if (found === undefined) odd.push({ code: "unknown_field", type, incoming: false, name: row.service });
    else if (found.fixed !== true && found.readOnly !== true) add(row, found.name);
    else if (!isLegacyDefault(row.hull, found.name))
      odd.push({ code: "fixed_field", type, incoming: false, name: found.name });
  };
  (rowsOf(standard) ?? DEFAULT_ROWS[type]).forEach(addChosen);
  for (const row of rowsOf(custom) ?? []) add(row, customField(row.service));
  rowsOf(traitRows(newer))?.forEach(addChosen);
  return { rows: [...rows.values()], odd };
}

/** Lists in the dashboard offer custom fields among the others, as `custom.` and the name, which is taken literally. */
function chosenCustomField(text: string): string | undefined {
  const field = text.trimStart();
  return (customName(field) ?? "").trim() === "" ? undefined : field;
}

/** Rows for what the connector does anyway; older installations had one of them by default. */
function isLegacyDefault(hull: string, field: string): boolean {
  return field === "companyId" || (field === "externalId" && /^(?:account\.)?external_id$/.test(hull.trim()));
}

/** A key inside the license object, taken literally. */
function licenseKey(text: string): AttributeReference {
  return { text, from: "account", candidates: [text] };
}

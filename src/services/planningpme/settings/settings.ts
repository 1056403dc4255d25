/**
 * `private_settings` of an installation. What is absent or null takes its default; what has the wrong type is a problem
 * that names the setting and what to do.
 */
import { z } from "zod";
import { ALERT_SETTINGS } from "../../mapping/alerts";
import { choice, count, flag, list, literal, problemsOf, table, traitTable } from "../../mapping/cells";
import { traitRows } from "../../mapping/table";
import type { SettingsResult } from "../../service";
import { importType, OBJECT_TYPES, ROLES, type Role } from "../objects";
import { apiHost, brandName, templateName } from "./address";
import { constantTable, feeding, scheme, secret, zone } from "./cells";
import { exportsOf, exportTable, type ExportTemplate } from "./exports";
import { importOf, type ImportSettings, type StoredImport } from "./imports";
import { sharedAttributes } from "./names";
import { warningReason, type RowWarning } from "./row-warnings";

export type { ExportTemplate } from "./exports";
export type { ImportSettings } from "./imports";
export type { RowWarning } from "./row-warnings";

/** How rows stand in `model`. */
export type ModelLayout = "list" | "items" | "property" | "single";

export interface PlanningPmeSettings {
  readonly apiHost: string;
  /** Lower case. */
  readonly brand: string | undefined;
  readonly appKey: string | undefined;
  readonly authToken: string | undefined;
  readonly tokenExchange: boolean;
  /** Empty: the bare token. */
  readonly authorizationScheme: string;
  readonly userSegments: readonly string[];
  readonly accountSegments: readonly string[];
  readonly imports: Readonly<Record<Role, ImportSettings>>;
  readonly rowWarnings: readonly RowWarning[];
  readonly layout: ModelLayout;
  /** The named list of the layout `property`. */
  readonly modelProperty: string | undefined;
  readonly stopOnError: boolean;
  readonly exports: readonly ExportTemplate[];
  /** Minutes. */
  readonly fetchInterval: number;
  /** An IANA name, such as `Europe/Paris`: in which `since` is written. */
  readonly sinceZone: string;
  readonly sinceOverlapHours: number;
  readonly requestsPerHour: number;
  readonly bulkMaxItems: number;
}

/** Rows of a call: no more than the types allow. */
const BULK_ITEMS_CAP = Math.max(...OBJECT_TYPES.map(({ writes }) => writes?.most ?? 1));

const property = literal("must be text; enter the name of the property again.");

const template = (otherwise: string) =>
  templateName("enter the name of the template again.").transform((name = otherwise) => name);
const write = choice(["upsert", "insert", "update"], "upsert");

const schema = z.looseObject(
  {
    api_host: apiHost,
    brand: brandName,
    app_key: secret("paste the app key again."),
    auth_token: secret("paste the token again, without Bearer in front of it."),
    token_exchange: flag(true),
    authorization_scheme: scheme,
    synchronized_segments: list("user segments"),
    account_synchronized_segments: list("account segments"),
    customer_entity: feeding("account"),
    customer_template: template("client-import"),
    customer_key_property: property,
    customer_attributes_outbound: table,
    customer_attributes_mapping: traitTable,
    customer_defaults: constantTable,
    customer_write: write,
    project_entity: feeding(undefined),
    project_template: template("project-import"),
    project_key_property: property,
    project_attributes_outbound: table,
    project_attributes_mapping: traitTable,
    project_defaults: constantTable,
    project_write: write,
    model_layout: choice(["list", "items", "property", "single"], "list"),
    model_property: property,
    stop_on_error: flag(false),
    export_templates: exportTable,
    fetch_interval_exports: count(180, { least: 0 }),
    since_zone: zone,
    since_overlap_hours: count(24, { least: 0 }),
    requests_per_hour: count(1_800),
    bulk_max_items: count(BULK_ITEMS_CAP, { cap: BULK_ITEMS_CAP }),
    ...ALERT_SETTINGS,
  },
  { error: "The settings must be an object; save the connector's settings again." },
);

/** @param privateSettings `connector.private_settings` as Hull delivers it; null and undefined count as empty */
export function readSettings(privateSettings: unknown): SettingsResult<PlanningPmeSettings> {
  const parsed = schema.safeParse(privateSettings ?? {});
  if (!parsed.success) return { ok: false, problems: problemsOf(parsed.error) };
  const stored = parsed.data;
  const customer = importOf("customer", storedImport("customer", stored));
  const project = importOf("project", storedImport("project", stored));
  const imports = { customer: customer.settings, project: project.settings };
  const { exports, warnings: exportWarnings } = exportsOf(stored.export_templates);
  const shared = sharedAttributes(imports).map(({ attribute, role }): RowWarning => {
    return { code: "attribute_twice", name: attribute, role };
  });
  const rowWarnings = [...customer.warnings, ...project.warnings, ...shared, ...exportWarnings];
  return {
    ok: true,
    warnings: rowWarnings.map(warningReason),
    settings: {
      apiHost: stored.api_host,
      brand: stored.brand,
      appKey: stored.app_key,
      authToken: stored.auth_token,
      tokenExchange: stored.token_exchange,
      authorizationScheme: stored.authorization_scheme,
      userSegments: stored.synchronized_segments ?? [],
      accountSegments: stored.account_synchronized_segments ?? [],
      imports,
      rowWarnings,
      layout: stored.model_layout,
      modelProperty: stored.model_property,
      stopOnError: stored.stop_on_error,
      exports,
      fetchInterval: stored.fetch_interval_exports,
      sinceZone: stored.since_zone,
      sinceOverlapHours: stored.since_overlap_hours,
      requestsPerHour: stored.requests_per_hour,
      bulkMaxItems: stored.bulk_max_items,
    },
  };
}

const storedImport = (role: Role, stored: z.output<typeof schema>): StoredImport => ({
  entity: stored[`${role}_entity`],
  template: stored[`${role}_template`],
  keyProperty: stored[`${role}_key_property`],
  mapping: [...(stored[`${role}_attributes_outbound`] ?? []), ...traitRows(stored[`${role}_attributes_mapping`])],
  constants: stored[`${role}_defaults`],
  write: stored[`${role}_write`],
});

/** The import that feeds a type now; undefined for exports, and where another kind of entity feeds it, or none. */
export function importFor(type: string, { imports }: PlanningPmeSettings): ImportSettings | undefined {
  const role = ROLES.find((each) => {
    const { entity } = imports[each];
    return entity !== undefined && importType(each, entity) === type;
  });
  return role && imports[role];
}

/** The properties that a row of the type carries: those of the mapping, and those with a constant. */
export function mappedFields(type: string, settings: PlanningPmeSettings): readonly string[] {
  const { rows: mapped = [], defaults = {} } = importFor(type, settings) ?? {};
  return [...new Set([...mapped.map(({ field }) => field), ...Object.keys(defaults)])];
}

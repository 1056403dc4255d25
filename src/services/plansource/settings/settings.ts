/**
 * `private_settings` of an installation. What is absent or null takes its default; what has the wrong type is a problem
 * that names the setting and what to do.
 */
import { z } from "zod";
import type { HmacAlgorithm } from "../../../http/jwt";
import { ALERT_SETTINGS } from "../../mapping/alerts";
import { claimTable, type ClaimRule } from "../../mapping/claims";
import { attributeReference, spellingOf, type AttributeReference } from "../../mapping/attributes";
import { choice, chosen, clearingTable, count, flag, list, problemsOf, text, traitTable } from "../../mapping/cells";
import type { RowWarning } from "../../mapping/table";
import type { SettingsResult } from "../../service";
import { mappingOf, type MappingRow } from "./mapping-rows";
import { ALWAYS_READ, MOST_AT_ONCE } from "../objects";
import { reason } from "../reasons";

export type { MappingRow } from "./mapping-rows";

export interface PlanSourceSettings {
  readonly environment: "partner-dev" | "production";
  readonly clientId: string | undefined;
  readonly clientSecret: string | undefined;
  readonly loggedInUser: string | undefined;
  /** By what a subscriber is named in calls. */
  readonly subscriberKey: "subscriber_code" | "id";
  readonly segments: readonly string[];
  readonly rows: readonly MappingRow[];
  readonly rowWarnings: readonly RowWarning[];
  readonly lifeCycle: {
    readonly terminationDate: AttributeReference | undefined;
    readonly terminationReason: AttributeReference | undefined;
    readonly voluntary: AttributeReference | undefined;
    readonly rehireDate: AttributeReference | undefined;
    readonly onLeavingSegments: boolean;
    readonly defaultReason: string | undefined;
  };
  /** `slash`: CCYY/MM/DD for hire_date and birthdate. */
  readonly dateFormat: "slash" | "dash";
  readonly tokenPerCall: boolean;
  readonly assertionAlgorithm: HmacAlgorithm;
  readonly loggedInUserIn: "claim" | "form";
  readonly bulkUpdates: boolean;
  readonly bulkMaxItems: number;
  readonly terminationFlagName: "voluntary" | "volunatary";
  /** By which fields Hull knows an employee; undefined: the code where it is the external id, else the e-mail address. */
  readonly claims: readonly ClaimRule[] | undefined;
  readonly includeTestEmployees: boolean;
  /** Minutes. */
  readonly fetchInterval: number;
  readonly requestsPerMinute: number;
  readonly concurrentRequests: number;
}

/** PlanSource does not say how many it takes; an answer about more would be hard to read row by row. */
const BULK_ITEMS_CAP = 500;

/** Fields that say who somebody is, and that Hull may be told. */
const CLAIM_FIELDS = [
  "subscriber_code",
  "employee_number",
  "ee_code",
  "public_id",
  "user_name",
  "email",
  "email2",
] as const;

const attribute = text("choose the attribute again in the settings.").transform((name) =>
  name === undefined ? undefined : attributeReference(name, "user"),
);

/** It names the account in keys of the store. */
const clientId = text("copy the client id from PlanSource again.").refine(
  (value) => value === undefined || /^[^\p{Cc}]{1,100}$/u.test(value),
  "must be one line of at most 100 characters; copy the client id from PlanSource again.",
);

const schema = z.looseObject(
  {
    environment: choice(["partner-dev", "production"], "partner-dev"),
    client_id: clientId,
    client_secret: text("copy the client secret from PlanSource again."),
    logged_in_user: text("enter the login name of the API user again."),
    subscriber_key: choice(["subscriber_code", "id"], "subscriber_code"),
    synchronized_segments: list("user segments"),
    subscriber_attributes_outbound: clearingTable,
    outgoing_user_attributes: traitTable,
    termination_date_attribute: attribute,
    termination_reason_attribute: attribute,
    termination_voluntary_attribute: attribute,
    rehire_date_attribute: attribute,
    terminate_on_leaving_segments: flag(false),
    termination_reason_default: text("enter the termination reason again."),
    date_format: choice(["slash", "dash"], "slash"),
    token_per_call: flag(false),
    assertion_algorithm: choice(["HS256", "HS384", "HS512"], "HS256"),
    logged_in_user_in: choice(["claim", "form"], "claim"),
    bulk_updates: flag(false),
    bulk_max_items: count(200, { cap: BULK_ITEMS_CAP }),
    termination_flag_name: choice(["voluntary", "volunatary"], "voluntary"),
    incoming_user_claims: claimTable("user", chosen(CLAIM_FIELDS)),
    include_test_employees: flag(false),
    fetch_interval_subscribers: count(180, { least: 0 }),
    requests_per_minute: count(120),
    concurrent_requests: count(2, { cap: MOST_AT_ONCE }),
    ...ALERT_SETTINGS,
  },
  { error: "The settings must be an object; save the connector's settings again." },
);

/** @param privateSettings `connector.private_settings` as Hull delivers it; null and undefined count as empty */
export function readSettings(privateSettings: unknown): SettingsResult<PlanSourceSettings> {
  const parsed = schema.safeParse(privateSettings ?? {});
  if (!parsed.success) return { ok: false, problems: problemsOf(parsed.error) };
  const stored = parsed.data;
  const { rows, warnings } = mappingOf(stored.subscriber_attributes_outbound, stored.outgoing_user_attributes);
  return {
    ok: true,
    warnings: warnings.map(({ code, name }) => reason(code, name)),
    settings: {
      environment: stored.environment,
      clientId: stored.client_id,
      clientSecret: stored.client_secret,
      loggedInUser: stored.logged_in_user,
      subscriberKey: stored.subscriber_key,
      segments: stored.synchronized_segments ?? [],
      rows,
      rowWarnings: warnings,
      lifeCycle: {
        terminationDate: stored.termination_date_attribute,
        terminationReason: stored.termination_reason_attribute,
        voluntary: stored.termination_voluntary_attribute,
        rehireDate: stored.rehire_date_attribute,
        onLeavingSegments: stored.terminate_on_leaving_segments,
        defaultReason: stored.termination_reason_default,
      },
      dateFormat: stored.date_format,
      tokenPerCall: stored.token_per_call,
      assertionAlgorithm: stored.assertion_algorithm,
      loggedInUserIn: stored.logged_in_user_in,
      bulkUpdates: stored.bulk_updates,
      bulkMaxItems: stored.bulk_max_items,
      terminationFlagName: stored.termination_flag_name,
      claims: stored.incoming_user_claims,
      includeTestEmployees: stored.include_test_employees,
      fetchInterval: stored.fetch_interval_subscribers,
      requestsPerMinute: stored.requests_per_minute,
      concurrentRequests: stored.concurrent_requests,
    },
  };
}

/** Fields that the mapping writes, and those that decide who is terminated and who is rehired. */
export function mappedFields({ rows }: PlanSourceSettings): readonly string[] {
  return [...new Set([...rows.map(({ field }) => field), ...ALWAYS_READ])];
}

/** Whether the external id of a Hull user is what PlanSource has as its code. */
export function codeIsExternalId({ rows }: PlanSourceSettings): boolean {
  return rows.some(
    ({ field, attribute }) => field === "subscriber_code" && spellingOf(attribute) === "user.external_id",
  );
}

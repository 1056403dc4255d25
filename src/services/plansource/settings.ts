/** `private_settings` of an installation. (Interface fixed; the reading is being written.) */
import type { HmacAlgorithm } from "../../http/jwt";
import type { AttributeReference } from "../mapping/attributes";

/** One mapping row that is used. */
export interface MappingRow {
  readonly attribute: AttributeReference;
  /** PlanSource's name. */
  readonly field: string;
  /** An empty value is sent blank, and clears; otherwise it is left out. */
  readonly clearWhenBlank: boolean;
}

/** A row that is left out (`duplicate_field`: all but the last). */
export interface RowWarning {
  readonly code: "unknown_field" | "fixed_field" | "duplicate_field";
  readonly name: string;
}

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
  readonly includeTestEmployees: boolean;
  /** Minutes. */
  readonly fetchInterval: number;
  readonly requestsPerMinute: number;
  readonly concurrentRequests: number;
}

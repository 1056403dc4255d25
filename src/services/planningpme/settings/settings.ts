/** `private_settings` of an installation. (Interface fixed; the reading is being written.) */
import type { AttributeReference } from "../../mapping/attributes";
import type { WritePolicy } from "../../model";
import type { Entity, Role } from "../objects";

/** One mapping row that is used: the property is taken literally, blanks and accents included. */
export interface MappingRow {
  readonly attribute: AttributeReference;
  readonly field: string;
}

/** A row or a name that is left out (`duplicate_field`: all but the last). */
export interface RowWarning {
  readonly code: "duplicate_field" | "missing_key_property" | "attribute_twice";
  readonly name: string;
}

/** One import: what feeds it, through which template, and how. */
export interface ImportSettings {
  /** Undefined: nothing feeds it. */
  readonly entity: Entity | undefined;
  readonly template: string;
  /** The property by which the template matches; required where an entity feeds it. */
  readonly keyProperty: string | undefined;
  /** What fills it: the mapped attribute, else `external_id`. */
  readonly keyAttribute: AttributeReference | undefined;
  /** All rows, that of the key property included. */
  readonly rows: readonly MappingRow[];
  /** Property → constant; a mapped value wins over it. */
  readonly defaults: Readonly<Record<string, string>>;
  /** Undefined: what is missing is made, and what is there is changed. */
  readonly policy: WritePolicy | undefined;
}

export interface ExportTemplate {
  readonly template: string;
  readonly entity: Entity;
  readonly keyProperty: string;
  /** Which claim of the Hull entity the key property holds. */
  readonly claim: "external_id" | "email" | "domain";
}

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

import { quotaHeaderForms } from "../loopback/quota";
import type { Switches } from "../control/switches";

/**
 * Most of PlanningPME's API is described to its customers alone. Whatever is unknown, and whatever differs between
 * sources, is a switch here, so that a client can be tried against every plausible PlanningPME.
 */
export const switchValues = {
  /** What opens the API: a token that was exchanged (sheet 3.3), the user's own one as the page prints it, or either. */
  tokens: ["exchanged", "lasting", "both"],
  /** Scheme of the Authorization header: `Bearer`, none at all, or either (sheet 3.4). */
  scheme: ["Bearer", "none", "both"],
  /** Answer of the token endpoint: with `token_type` and `expires_in` · with the latter as a text · the token alone. */
  tokenAnswer: ["full", "text-expiry", "bare"],
  /** Status for an assertion that the token endpoint does not know. */
  tokenRefusal: [400, 401],
  /** A user's former tokens when there is a new one. */
  formerTokens: ["kept", "ended"],
  /** Whether calls for tokens count towards the quota. */
  tokenQuota: ["counted", "free"],
  /** Calls past the quota: refused with 429, or served, as the price list suggests (sheet 7). */
  overQuota: ["refused", "served"],
  /** What a 429 carries. */
  quotaHeaders: quotaHeaderForms,
  /** Body of an error: a text · `{message}` · `{Message}` · a page · nothing. */
  errors: ["text", "json", "json-capital", "html", "empty"],
  /** Status for a template that is not there, or that goes the other way. */
  missingTemplate: [404, 400],

  /** The list of templates: an array · `{items: […]}` · `{in: […], out: […]}`. */
  templateList: ["array", "items", "grouped"],
  /** Where a template says which way it goes: `type: "in"` · `type: "In"` · `direction: "in"`. */
  templateMark: ["type", "type-capital", "direction"],
  /** What a template tells of itself: names of properties · its types with all their parts · its XML · nothing. */
  templateDescription: ["properties", "types", "xml", "none"],

  /** Layout of `model`, unless the template names its own: an array · `{items: […]}` · a named list · one object. */
  modelLayout: ["list", "items", "property", "single"],
  /** A model of another layout: refused, or taken for one without rows. */
  wrongLayout: ["refused", "ignored"],
  /** Names of properties: as they are written, or without regard to case. */
  propertyNames: ["exact", "caseless"],
  /** A property that the template does not know. */
  unknownProperty: ["ignored", "refused"],
  /** A property of the template that a row of an update does not have. */
  absentProperty: ["kept", "cleared"],
  /** What clears a field; the other one is passed over. */
  clearing: ["empty", "null", "both", "none"],
  /** A list as a value: the row is refused, or the elements are joined by semicolons (sheet 5). */
  lists: ["refused", "joined"],
  /** A row that would make a record without a name. */
  nameless: ["refused", "accepted"],
  /** Constants of a template: for new records alone, or written at every update too. */
  defaults: ["insert", "always"],

  /** Keys: compared with or without regard to case. */
  keyCase: ["sensitive", "insensitive"],
  /** A row without its key: a new record each time, or refused. */
  missingKey: ["inserted", "refused"],
  /** A key that several records have: the oldest is updated, all are, or the row is refused. */
  ambiguousKey: ["oldest", "all", "refused"],
  /** A key twice in one model: the later row finds what the earlier did, or both are matched beforehand. */
  sameKeyTwice: ["in-order", "beforehand"],
  /** A row that the template may neither insert nor update. */
  notAllowed: ["skipped", "failed"],
  /** A row split over several entities of which one fails: nothing of it is written, or the others are. */
  splitFailure: ["row", "entity"],
  /** Rows before the one at which `stopOnError` stopped. */
  stopped: ["kept", "rolled-back"],
  /** The date of change of a record that an import left as it was. */
  noOpStamp: ["untouched", "touched"],

  /** The report: every row · names by kind · counts and failed rows · counts alone · lines of text · nothing. */
  report: ["rows", "operations", "errors", "counts", "text", "silent"],
  /** How a report names a row. */
  rowNames: ["both", "key", "index", "line", "property", "row"],
  /** A matched row that changes nothing, in the report. */
  unchangedRows: ["unchanged", "updated"],
  /** Rows behind the failure at which an import stopped, in the report. */
  notAttempted: ["absent", "named"],
  /** Answer to an import that is neither simulated nor verbose: nothing · `{}` · counts · the report anyway. */
  quietAnswer: ["empty", "object", "counts", "report"],
  /** Status when rows failed, whatever became of the others. */
  failureStatus: [200, 207, 400, 500],

  /** An export: an array · `{items: […]}` · a named list. */
  exportForm: ["array", "items", "property"],
  /** Empty fields of an export. */
  exportBlanks: ["empty", "null", "absent"],
  /** The zone in which `since` is read. */
  sinceZone: ["UTC", "Europe/Paris", "America/New_York"],
  /** A change in the very second of `since`: told if it lies later within it · never · always. */
  sinceEdge: ["instant", "after", "from"],
  /** A `since` that is no date: refused, or everything is told. */
  badSince: ["refused", "ignored"],
  /** How often an export tells a row. */
  exportRows: ["once", "twice"],
} as const;

export type PlanningPmeSwitches = Switches<typeof switchValues>;

/** The PlanningPME that the sources make most likely; where they are silent, the one that is harder on the client. */
export const defaultSwitches: Readonly<PlanningPmeSwitches> = {
  tokens: "exchanged",
  scheme: "Bearer",
  tokenAnswer: "full",
  tokenRefusal: 400,
  formerTokens: "kept",
  tokenQuota: "counted",
  overQuota: "refused",
  quotaHeaders: "none",
  errors: "text",
  missingTemplate: 404,
  templateList: "array",
  templateMark: "type",
  templateDescription: "properties",
  modelLayout: "list",
  wrongLayout: "refused",
  propertyNames: "exact",
  unknownProperty: "ignored",
  absentProperty: "kept",
  clearing: "empty",
  lists: "refused",
  nameless: "refused",
  defaults: "insert",
  keyCase: "sensitive",
  missingKey: "inserted",
  ambiguousKey: "oldest",
  sameKeyTwice: "in-order",
  notAllowed: "skipped",
  splitFailure: "row",
  stopped: "kept",
  noOpStamp: "untouched",
  report: "rows",
  rowNames: "both",
  unchangedRows: "unchanged",
  notAttempted: "absent",
  quietAnswer: "empty",
  failureStatus: 200,
  exportForm: "array",
  exportBlanks: "empty",
  sinceZone: "UTC",
  sinceEdge: "instant",
  badSince: "refused",
  exportRows: "once",
};

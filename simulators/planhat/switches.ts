import { quotaHeaderForms } from "../loopback/quota";
import type { Switches } from "../control/switches";

/**
 * Planhat's documentation leaves much open. Whatever is unknown, and whatever
 * differs between sources, is a switch here, so that a client can be tried against every plausible Planhat.
 */
export const switchValues = {
  /** An element of `createdErrors`/`updatedErrors`: bare text · item and text · keys and text · position and text. */
  errorShape: ["text", "item", "keys", "index"],
  /** Matched but unchanged records: only counted in `nonupdates`, or named in `updatesKeys` too. */
  nonupdates: ["counted", "named"],
  /** Elements of `insertsKeys`/`updatesKeys`: `_id` and the keys that were sent, or `_id` alone. */
  keysForm: ["full", "id-only"],
  /** Order of `insertsKeys`/`updatesKeys`. */
  keysOrder: ["input", "shuffled"],
  /** External and source ids of digits alone, in answers: as the texts that they are stored as, or as bare numbers. */
  digitKeys: ["text", "number"],
  /** A partial `custom` object: merged key by key, or taking the place of the whole object. */
  custom: ["merged", "replaced"],
  /** A custom name that is not defined: stored, and shown to nobody (sheet, addendum), or the record is refused. */
  unknownCustom: ["stored", "refused"],
  /** Custom names that differ in case alone: refused within a request (sheet, addendum), only within a record, or stored. */
  customTwins: ["request", "record", "stored"],
  /** A value that a list does not offer: stored (sheet, addendum), or the record is refused. */
  listValues: ["stored", "refused"],
  /** What a null in a payload does: is stored, removes the field, or is passed over. */
  nulls: ["stored", "removes", "ignored"],
  /** E-mail as a key of a bulk enduser: never · only when the item has no other key · whenever no other key matched. */
  emailMatching: ["off", "alone", "always"],
  /** Reach of an enduser's external id as a bulk key: inside the item's company, or everywhere. */
  externalIdScope: ["company", "global"],
  /** E-mails: compared and stored as they are · compared without case · stored in lower case too. */
  emailCase: ["sensitive", "insensitive", "lowered"],
  /** Blanks around an e-mail: kept, or taken away when it is stored. */
  emailBlanks: ["kept", "trimmed"],
  /** Whose names get capital initials when stored (sheet 5.4). */
  nameCasing: ["kept", "endusers", "all"],
  /** Answer when no company can be found for an enduser; it is never saved (sheet 5.4). */
  ignoredEnduserStatus: [200, 206, 400],
  /** A bulk item whose `_id` (and every other key) matches nothing: a new record (sheet 7), or an error. */
  unknownId: ["create", "error"],
  /** The same key twice in one payload: the whole payload is refused, or only the later items. */
  payloadDuplicates: ["payload", "items"],
  /** Body of a bulk 400: the envelope, or a bare text. */
  badRequestBody: ["envelope", "text"],
  /** Keys that another record already has: written anyway, or refused. */
  uniqueness: ["loose", "enforced"],
  /** Answer to a single create. */
  createAnswer: ["200-record", "201-record", "200-empty", "201-empty"],
  /** Errors of single calls: a bare text as text/html, or JSON. */
  singleErrors: ["html", "json"],
  /** Answer for a record that does not exist. */
  missing: ["404", "400", "200-null"],
  /** `_id` in the body of a single company PUT (sheet 6.1). */
  idInCompanyPut: ["refused", "ignored"],
  /** `owner`, `coOwner` and `roles` on lists: objects, or ids as on the single record. */
  listReferences: ["objects", "ids"],
  /** Company lists without `select`: every field, or without externalId and the time stamps (sheet 6.3). */
  companyList: ["full", "lean"],
  /** `limit` and `offset` of /leancompanies. */
  leanPaging: ["ignored", "honoured"],
  /** Filter `companyId` of /companies. */
  companiesCompanyFilter: ["honoured", "ignored"],
  /** A company found by the domain of the e-mail when none is named (sheet 5.4). */
  domainAssignment: ["honoured", "ignored"],
  /** DELETE with `extid-` or `srcid-`. */
  deleteByPrefix: ["refused", "allowed"],
  /** Least that an enduser needs besides a company: any key, or an e-mail (sheet 5.3). */
  enduserMinimum: ["any-key", "email"],
  /** What a 429 carries (sheet 3). */
  quotaHeaders: quotaHeaderForms,
  /** `_currency` of licenses when read: the text that was written, or an object around it (sheet 9). */
  currencyForm: ["text", "object"],
  /** Answer to activities: the status, and nothing or `{}` (sheet 10.1). */
  activityAnswer: ["200-empty", "200-object", "201-empty", "201-object"],
  /** Activities for a tenant UUID that nobody has: 404, or the usual answer and nothing done. */
  unknownTenant: ["404", "ignored"],
  /** Names in bulk activities: as in single ones · `id`, `cId`, `count` · `euExtId`, `count` (sheet 10.1). */
  bulkActivityNames: ["single", "2017", "2023"],
} as const;

export type PlanhatSwitches = Switches<typeof switchValues>;

export const errorShapes = switchValues.errorShape;
export const nonupdatesForms = switchValues.nonupdates;
export const keysForms = switchValues.keysForm;
export const keysOrders = switchValues.keysOrder;
export const customForms = switchValues.custom;
export const nullForms = switchValues.nulls;
export const emailMatchings = switchValues.emailMatching;
export const createAnswers = switchValues.createAnswer;
export const payloadDuplicateForms = switchValues.payloadDuplicates;
export const badRequestBodies = switchValues.badRequestBody;
export const activityAnswers = switchValues.activityAnswer;

/** The Planhat that the sources make most likely; where they are silent, the one that is harder on the client. */
export const defaultSwitches: Readonly<PlanhatSwitches> = {
  errorShape: "keys",
  nonupdates: "counted",
  keysForm: "full",
  keysOrder: "input",
  digitKeys: "text",
  custom: "merged",
  unknownCustom: "stored",
  customTwins: "request",
  listValues: "stored",
  nulls: "stored",
  emailMatching: "alone",
  externalIdScope: "company",
  emailCase: "sensitive",
  emailBlanks: "kept",
  nameCasing: "endusers",
  ignoredEnduserStatus: 200,
  unknownId: "create",
  payloadDuplicates: "payload",
  badRequestBody: "envelope",
  uniqueness: "loose",
  createAnswer: "200-record",
  singleErrors: "html",
  missing: "404",
  idInCompanyPut: "refused",
  listReferences: "objects",
  companyList: "full",
  leanPaging: "ignored",
  companiesCompanyFilter: "honoured",
  domainAssignment: "honoured",
  deleteByPrefix: "refused",
  enduserMinimum: "any-key",
  quotaHeaders: "none",
  currencyForm: "text",
  activityAnswer: "200-empty",
  unknownTenant: "404",
  bulkActivityNames: "single",
};

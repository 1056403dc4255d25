/**
 * Planhat's object types as data: paths, keys, limits and the fields that can be mapped.
 *
 * Sources: the field lists of Planhat's public model pages (planhat.com/developers/api/enduser and /company) and the
 * options that the earlier connector offered in its settings. A field that is missing here still exists for
 * custom rows; a standard field is one more line below.
 */
import { createHash } from "node:crypto";
import snakeCase from "lodash/snakeCase";
import type { ReasonCode } from "./reasons";
import { foldedKey } from "../../record";
import type { FieldSpec, FieldType, ObjectType } from "../model";

/** One standard field: Planhat's name for it, and the names under which people chose it in the settings. */
export interface FieldRow extends FieldSpec {
  readonly label: string;
  /** Further spellings in stored settings. */
  readonly alias?: string;
  /** The connector sets it on its own; a mapping row for it is left out. */
  readonly fixed?: true;
}

export interface TypeSpec {
  readonly object: ObjectType;
  /** Collection path below the base URL. */
  readonly path: string;
  /** Records that one list call may return at most. */
  readonly listLimit: number;
  readonly fields: readonly FieldRow[];
}

const field = (name: string, label: string, type: FieldType, more: Partial<FieldRow> = {}): FieldRow => ({
  name,
  label,
  type,
  ...more,
});

export const COMPANIES: ObjectType = {
  name: "companies",
  entity: "account",
  keys: [{ name: "externalId", claim: "external_id", scope: "remote" }],
  idField: "_id",
};

/** An external id is unique within one company only, an e-mail address not even there. */
export const ENDUSERS: ObjectType = {
  name: "endusers",
  entity: "user",
  keys: [
    { name: "externalId", claim: "external_id", scope: "parent" },
    { name: "email", claim: "email", scope: "parent", movable: true },
  ],
  parent: { type: COMPANIES.name, field: "companyId" },
  idField: "_id",
};

/** Dependent objects of a company; Hull holds them as a list in an attribute of the account. */
export const LICENSES: ObjectType = {
  name: "licenses",
  entity: "account",
  keys: [{ name: "externalId", claim: "external_id", scope: "parent" }],
  parent: { type: COMPANIES.name, field: "companyId" },
  untold: true,
};

/** Tracked events. They cannot be looked up or changed once they are there. */
export const ACTIVITIES: ObjectType = {
  name: "activities",
  entity: "user",
  keys: [],
  parent: { type: ENDUSERS.name, field: "enduserId" },
  append: true,
  // As many are in flight, and so unconfirmed, when the process ends.
  writes: { most: 10 },
  untold: true,
  logName: "user_event",
};

const SPECS: readonly TypeSpec[] = [
  {
    object: COMPANIES,
    path: "/companies",
    listLimit: 5000,
    fields: [
      field("name", "Name (*)", "name"),
      field("externalId", "External id", "text", { fixed: true }),
      field("slug", "Slug", "text"),
      field("owner", "Owner", "text"),
      field("coOwner", "Co-Owner", "text"),
      field("phase", "Lifecycle phase", "text"),
      field("status", "Status", "text"),
      field("tags", "Tags", "set"),
      field("sourceId", "Source id", "text"),
      field("domains", "Domains", "set"),
      field("products", "Products", "set"),
      field("description", "Description", "text"),
      field("address", "Address", "text"),
      field("city", "City", "text"),
      field("zip", "Zip", "text"),
      field("country", "Country", "text"),
      field("web", "Website", "text"),
      field("csmScore", "CSM score", "number"),
    ],
  },
  {
    object: ENDUSERS,
    path: "/endusers",
    listLimit: 2000,
    fields: [
      field("companyId", "Company id (*)", "text", { fixed: true }),
      field("companyName", "Company name", "name", { readOnly: true }),
      field("createDate", "Date created", "instant", { writeOnce: true }),
      field("externalId", "External id", "text"),
      field("name", "Full Name", "name", { alias: "Name (*)" }),
      field("position", "Position", "text"),
      field("phone", "Phone", "text"),
      field("email", "Email", "text"),
      field("featured", "Featured", "boolean"),
      field("tags", "Tags", "set"),
      field("firstName", "First name", "name"),
      field("lastName", "Last Name", "name"),
      field("primary", "Primary", "boolean"),
      field("sourceId", "Source id", "text"),
      field("otherEmails", "Other emails", "set"),
      field("personas", "Personas", "set"),
      field("npsUnsubscribed", "NPS unsubscribed", "boolean"),
      field("lastActive", "Last active", "instant"),
    ],
  },
  {
    object: LICENSES,
    path: "/licenses",
    listLimit: 2000,
    fields: [
      field("companyId", "Company id (*)", "text", { fixed: true }),
      field("externalId", "External ID (*)", "text"),
      field("sourceId", "Source id", "text"),
      field("product", "Product", "text"),
      field("_currency", "Currency (*)", "text"),
      field("fromDate", "From Date (*)", "instant"),
      field("toDate", "To Date", "instant"),
      field("fixedPeriod", "Fixed Period", "boolean"),
      field("mrr", "MRR (*)", "number"),
      field("value", "Total Value (*)", "number"),
      field("renewalStatus", "Renewal Status", "text"),
      field("autoRenews", "Auto Renewal", "boolean"),
      field("renewalPeriod", "Renewal Period (in months)", "number"),
      field("renewalUnit", "Renewal Unit", "text"),
      field("noticePeriod", "Notice Period (in days)", "number"),
      field("noticeUnit", "Notice Unit", "text"),
    ],
  },
  { object: ACTIVITIES, path: "/analytics", listLimit: 0, fields: [] },
];

/** Parents before children. */
export const OBJECT_TYPES: readonly ObjectType[] = SPECS.map((spec) => spec.object);

/**
 * @param type an object type's name, such as `companies`
 * @throws when the service has no such type, which is a bug of the caller
 */
export function typeSpec(type: string): TypeSpec {
  const spec = SPECS.find((each) => each.object.name === type);
  if (spec === undefined) throw new Error(`Planhat has no object type "${type}" in this connector.`);
  return spec;
}

/** The object type whose collection has this path, such as `/companies`; undefined for other routes. */
export function typeAt(path: string): string | undefined {
  return SPECS.find((spec) => spec.path === path)?.object.name;
}

/** Fields by which Planhat may match an item of a bulk upsert, besides `_id`. */
export const UPSERT_KEYS = ["externalId", "sourceId", "email"] as const;

/** The form in which a key value is recognised: an e-mail without case and blanks around it, all others exactly. */
export function keyMark(name: string, value: string): string {
  return `${name}:${name === "email" ? foldedKey(value) : value}`;
}

/** Fields of a company that contain a Planhat user, and the reason for which it is skipped when they do not. */
export const OWNER_FIELDS: readonly (readonly [string, ReasonCode])[] = [
  ["owner", "invalid_owner"],
  ["coOwner", "invalid_co_owner"],
];

const CUSTOM = "custom.";

/** `custom.` + the field's display name, taken literally: dots, brackets and blanks are just characters. */
export function customField(displayName: string): string {
  return CUSTOM + displayName;
}

/** The display name of a custom field, or undefined for a standard field. */
export function customName(fieldName: string): string | undefined {
  return fieldName.startsWith(CUSTOM) ? fieldName.slice(CUSTOM.length) : undefined;
}

/**
 * One spelling for letters with accents, however they were composed. Beyond thirty accents on one letter (as in
 * Unicode's stream-safe text, UAX #15) it is not a name any more, and sorting them would take ages.
 */
export function composed(name: string): string {
  return name.replace(/(\p{M}{30})\p{M}+/gu, "$1").normalize("NFC");
}

/** Letters and digits only, so that "Co-Owner", "coOwner" and "Co-owner (*)" are the same. */
function plain(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]/g, "");
}

/**
 * Finds a standard field by what a settings table holds: Planhat's own name, or the label that older
 * installations stored.
 * @param text for example `firstName`, `Last Name`, `Name (*)`, `fullName`
 */
export function findField(type: string, text: string): FieldRow | undefined {
  const { fields } = typeSpec(type);
  const wanted = plain(text);
  return (
    fields.find((row) => row.name === text.trim()) ??
    fields.find((row) => plain(row.name) === wanted) ??
    fields.find((row) => plain(row.label) === wanted || (row.alias !== undefined && plain(row.alias) === wanted))
  );
}

/** How the engine compares a field; an unknown or custom one by its JSON value. */
export function fieldSpec(type: string, name: string): FieldSpec {
  const row = customName(name) === undefined ? typeSpec(type).fields.find((each) => each.name === name) : undefined;
  if (row === undefined) return { name, type: "any" };
  return { name, type: row.type, writeOnce: row.writeOnce, readOnly: row.readOnly };
}

/**
 * `lastName` → `planhat/last_name`, `custom.# Overdue Invoices` → `planhat/custom_overdue_invoices`.
 *
 * Accents and punctuation are dropped, as the earlier connector did, so two custom fields whose names differ only
 * in signs, accents or case share one attribute ("MRR %" and "MRR #"). A name of signs alone gets a short hash.
 * @returns the Hull attribute under which the field is written back, without the entity's own prefix
 */
export function hullAttribute(type: string, field: string): string {
  const display = customName(field);
  if (display !== undefined) return `planhat/custom_${readable(display)}`;
  if (field === "_id") return "planhat/id";
  if (type === COMPANIES.name && field === "lastUpdated") return "planhat/last_updated_at";
  return `planhat/${readable(field)}`;
}

function readable(name: string): string {
  const words = snakeCase(composed(name));
  return words === "" ? createHash("sha256").update(name).digest("hex").slice(0, 8) : words;
}

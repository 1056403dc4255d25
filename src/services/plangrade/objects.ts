/**
 * plangrade's object types as data, and their fields. A participant with its own id as `employee_id` is an employee; all
 * others are dependents, and are left alone.
 *
 * Source of the fields: plangrade's API documentation of 8 November 2014.
 */
import upperFirst from "lodash/upperFirst";
import type { FieldSpec, ObjectType } from "../model";

/**
 * Nothing in plangrade keeps two companies from having one EIN. The scope says that it is not trusted beyond doubt: of
 * several companies none is chosen.
 */
export const COMPANIES: ObjectType = {
  name: "companies",
  entity: "account",
  keys: [{ name: "ein", scope: "parent" }],
  idField: "id",
};

/** Where an e-mail address leads nowhere, first name, last name and day of birth make one key. */
export const NAME_AND_DOB = "name_and_dob";

export const PARTICIPANTS: ObjectType = {
  name: "participants",
  entity: "user",
  keys: [
    { name: "email", claim: "email", scope: "parent" },
    { name: NAME_AND_DOB, scope: "parent" },
  ],
  parent: { type: COMPANIES.name, field: "company_id" },
  idField: "id",
  endable: true,
  // Nobody is brought back by writing, and `prepare` refuses what was archived: that costs no look.
  archived: "update",
  writes: { repeatable: ["update"], endUnseen: true },
};

/** Activities and notices of a company: told to Hull as events, never sent. */
export const COMPANY_EVENTS: ObjectType = {
  name: "company_events",
  entity: "account",
  keys: [{ name: "event", scope: "remote" }],
  identity: "ownKey",
  parent: { type: COMPANIES.name, field: "company_id" },
  lookup: false,
};

/** Parents before children. */
export const OBJECT_TYPES: readonly ObjectType[] = [COMPANIES, PARTICIPANTS, COMPANY_EVENTS];

/**
 * How a participant stands, as far as it is known: `archived` once the archive call was answered, or plangrade shows it.
 * What plangrade does not show is left as it was, so a list without such a mark does not bring anybody back.
 */
export const STANDING = "standing";
export const ARCHIVED = "archived";

export const SSN = "ssn";

/** In the order of plangrade's documentation. */
const FIELDS: Readonly<Record<string, readonly FieldSpec[]>> = {
  [COMPANIES.name]: [
    { name: "name", type: "text" },
    { name: "ein", type: "text" },
    { name: "grade", type: "text", readOnly: true },
  ],
  [PARTICIPANTS.name]: [
    { name: "first_name", type: "text" },
    { name: "last_name", type: "text" },
    { name: "email", type: "text" },
    { name: "phone", type: "text" },
    { name: "street1", type: "text" },
    { name: "street2", type: "text" },
    { name: "city", type: "text" },
    { name: "state", type: "text" },
    { name: "zip", type: "text" },
    { name: "dob", type: "day" },
    { name: "company_id", type: "text" },
    { name: SSN, type: "text", writeOnce: true, writeOnly: true },
    { name: STANDING, type: "text", readOnly: true },
  ],
};

/** What plangrade, or the connector, sets: it can be read, and not mapped. */
const FIXED: Readonly<Record<string, readonly string[]>> = {
  [COMPANIES.name]: ["id", "grade"],
  [PARTICIPANTS.name]: ["id", "company_id", "employee_id", SSN, STANDING],
};

/** What a record must have to be created, and every update must repeat. */
const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  [COMPANIES.name]: ["name", "ein"],
  [PARTICIPANTS.name]: ["first_name", "last_name", "street1", "city", "state", "zip", "dob"],
};

export const requiredFields = (type: string): readonly string[] => REQUIRED[type] ?? [];

/** Further fields are texts: the mirror may hold what another version mapped. */
export function fieldSpec(type: string, name: string): FieldSpec {
  return FIELDS[type]?.find((each) => each.name === name) ?? { name, type: "text" };
}

/** Every field that can be mapped; these are also the ones that an update sends. */
export function mappableFields(type: string): readonly FieldSpec[] {
  return (FIELDS[type] ?? []).filter(({ name }) => !isFixed(type, name));
}

export const isFixed = (type: string, name: string): boolean => FIXED[type]?.includes(name) === true;

/** What Hull is told of a record besides its id: the number of a person, and what only we remember, never. */
export function fieldsForHull(type: string): readonly FieldSpec[] {
  return (FIELDS[type] ?? []).filter(({ name, writeOnly }) => writeOnly !== true && name !== STANDING);
}

/** Under which a field comes back to Hull, without entity prefix. */
export const hullAttribute = (field: string): string => `plangrade/${field}`;

/** `first_name` → `First name`, `ein` → `EIN`. */
export function labelOf(name: string): string {
  return ["ein", "dob"].includes(name) ? name.toUpperCase() : upperFirst(name.replaceAll("_", " "));
}

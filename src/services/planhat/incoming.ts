/**
 * From a row of a Planhat list to what Hull may be told of it. Pure.
 *
 * Every property that does not begin with `_` becomes `planhat/<snake_case>`, every custom field by itself
 * `planhat/custom_<snake_case>`: the very attributes that a write-back fills. Rows of the settings fill further ones.
 */
import type { Claims, IncomingAttribute, Json, ListedRecord } from "../service";
import { fitForHull } from "./hull-values";
import { isNamed } from "./incoming-settings";
import type { IncomingRules } from "./incoming-settings";
import { COMPANIES, customField, customName, ENDUSERS } from "./objects";
import type { Directory } from "./owners";
import { idOf, remoteRecord, updatedAtMsOf, valueOf } from "./remote";
import { isObject } from "./rest";
import type { Row } from "./rest";
import type { PlanhatSettings } from "./settings";
import { hullAttribute } from "./writeback";

/** They move without anybody's doing, or say again what another field says. */
const VOLATILE = ["updatedAt", "lastUpdated", "createDate", "emailMd5", "companyName"];
/** Planhat shows this text where a formula has no result. */
const NO_RESULT = "undefined";
const NAME = "name";
const OWNERS = ["owner", "coOwner"] as const;

export type Reader = (row: Row) => ListedRecord;

/**
 * @param fields what the outgoing mapping uses; of two fields for one attribute it is theirs, and they are told when empty
 * @param members the team members, if owners shall be told by name; undefined if not, or if they could not be read
 */
export function createReader(
  type: string,
  fields: readonly string[],
  settings: PlanhatSettings,
  members?: Directory,
): Reader {
  const rules = rulesOf(type, settings);
  if (rules === undefined) {
    return lazily({
      record: (row) => remoteRecord(type, row, fields),
      claims: () => ({}),
      attributes: () => [],
    });
  }
  const traits = traitsOf(type, rules);
  const mapped = [...fields].sort();
  return lazily({
    record: (row) => remoteRecord(type, row, fields),
    claims: (row) => claimsOf(type, row),
    attributes: (row) => attributesOf(type, row, mapped, rules, traits, members),
  });
}

type Parts = Omit<ListedRecord, "id" | "updatedAtMs">;

/** Makes each part when somebody looks: of most rows it is enough to know how old they are. */
function lazily(make: { readonly [Part in keyof Parts]: (row: Row) => Parts[Part] }): Reader {
  return (row) => {
    const made: { -readonly [Part in keyof Parts]?: Parts[Part] } = {};
    return {
      id: row._id,
      updatedAtMs: updatedAtMsOf(row),
      get record() {
        return (made.record ??= make.record(row));
      },
      get claims() {
        return (made.claims ??= make.claims(row));
      },
      get attributes() {
        return (made.attributes ??= make.attributes(row));
      },
    };
  };
}

/** Undefined for types that Hull has no object for. */
function rulesOf(type: string, { incoming }: PlanhatSettings): IncomingRules | undefined {
  if (type === COMPANIES.name) return incoming.companies;
  return type === ENDUSERS.name ? incoming.endusers : undefined;
}

/** What the settings say about one field. */
interface Trait {
  readonly attribute: string;
  readonly volatile: boolean;
  readonly excluded: boolean;
}

/** Worked out once a field, not once a row: a page has hundreds of thousands of values. */
function traitsOf(type: string, rules: IncomingRules): (field: string) => Trait {
  const known = new Map<string, Trait>();
  const ignored = new Set(rules.ignored);
  const excluded = new Set(rules.excluded);
  return (field) => {
    const before = known.get(field);
    if (before !== undefined) return before;
    const trait = {
      attribute: hullAttribute(type, field),
      volatile: VOLATILE.includes(field) || isNamed(ignored, type, field),
      excluded: field !== "_id" && isNamed(excluded, type, field),
    };
    known.set(field, trait);
    return trait;
  };
}

/**
 * Of several fields for one attribute the first of this order has it: the id, the rows of the settings, mapped fields,
 * other properties, custom fields, each group in the order of the alphabet. The others are left out.
 */
function attributesOf(
  type: string,
  row: Row,
  mapped: readonly string[],
  rules: IncomingRules,
  traitOf: (field: string) => Trait,
  members: Directory | undefined,
): readonly IncomingAttribute[] {
  const found = new Map<string, IncomingAttribute | undefined>();
  const add = (field: string, attribute: string, shown: unknown, more: Partial<IncomingAttribute> = {}): void => {
    if (found.has(attribute)) return;
    const fitted = fitForHull(shown);
    // An attribute is taken even if the value does not fit: another field's value in its place would be a lie.
    if (!fitted.fits || (more.setIfNull === true && fitted.value === null)) return void found.set(attribute, undefined);
    found.set(attribute, { field, attribute, value: fitted.value, ...more });
  };
  const addDefault = (field: string, shown: unknown): void => {
    const { attribute, volatile, excluded } = traitOf(field);
    if (!excluded) add(field, attribute, shown, volatile ? { volatile: true } : {});
  };

  addDefault("_id", row._id);
  for (const { field, attribute, overwrite } of rules.rows) {
    const trait = traitOf(field);
    add(rememberedAs(field, attribute, trait), attribute, shownValue(row, field) ?? null, {
      ...(!overwrite && { setIfNull: true }),
      ...(trait.volatile && { volatile: true }),
    });
  }
  for (const field of mapped) addDefault(field, shownValue(row, field) ?? null);
  for (const field of propertiesOf(type, row)) addDefault(field, shownValue(row, field));
  if (members !== undefined) for (const field of OWNERS) addOwner(row, field, members, addDefault);

  const name = shownValue(row, NAME);
  const { excluded, volatile } = traitOf(NAME);
  if (!excluded && typeof name === "string" && name !== "") {
    add(NAME, NAME, name, { setIfNull: true, ...(volatile && { volatile: true }) });
  }
  return [...found.values()].filter((each) => each !== undefined);
}

/** A further attribute of a field is remembered by itself: that Hull knows `planhat/phase` says nothing about it. */
function rememberedAs(field: string, attribute: string, trait: Trait): string {
  return attribute === trait.attribute ? field : `${field} > ${attribute}`;
}

/** Undefined when the row does not show the field. */
function shownValue(row: Row, field: string): unknown {
  const value = valueOf(row, field);
  return value === NO_RESULT && customName(field) !== undefined ? null : value;
}

function propertiesOf(type: string, row: Row): readonly string[] {
  const isTold = (name: string) =>
    !name.startsWith("_") && name !== "custom" && !(name === "shareable" && type === COMPANIES.name);
  const custom = isObject(row["custom"]) ? Object.keys(row["custom"]).sort() : [];
  return [...Object.keys(row).filter(isTold).sort(), ...custom.map(customField)];
}

/** Nobody, and somebody whom Planhat does not list, have neither name nor address. */
function addOwner(
  row: Row,
  field: (typeof OWNERS)[number],
  members: Directory,
  add: (field: string, shown: Json) => void,
): void {
  const owner = idOf(row[field]);
  const member = owner === undefined ? undefined : members.member(owner);
  add(`${field}.name`, member?.name ?? null);
  add(`${field}.email`, member?.email ?? null);
}

/** A domain names a company only if it has no other. */
function claimsOf(type: string, row: Row): Claims {
  const claims = new Map<string, string>();
  const claim = (name: string, value: unknown) => {
    if (typeof value === "string" && value.trim() !== "") claims.set(name, value);
  };
  claim("external_id", row["externalId"]);
  if (type === ENDUSERS.name) claim("email", row["email"]);
  const domains = row["domains"];
  if (type === COMPANIES.name && Array.isArray(domains) && domains.length === 1) claim("domain", domains[0]);
  return Object.fromEntries(claims);
}

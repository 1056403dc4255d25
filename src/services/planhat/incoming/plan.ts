/**
 * Which Hull attributes a row of a Planhat list fills, and from which of its fields. That is the same for all rows that
 * show the same fields, so it is computed once for each such set: a page has hundreds of thousands of values. Pure.
 */
import { isObject } from "../../../json";
import memoize from "lodash/memoize";
import type { IncomingAttribute } from "../../connection";
import { isNamed } from "../settings/incoming";
import type { IncomingRules } from "../settings/incoming";
import { COMPANIES, customField, customName, hullAttribute, typeSpec } from "../object-types";
import type { Directory } from "../api/owners";
import { idOf, readerOf } from "../lookup/remote";
import type { Row } from "../api/rest";

/** One attribute, and where its value comes from. */
export interface Filling extends Pick<IncomingAttribute, "field" | "attribute"> {
  /** The field, under the name by which it is remembered. */
  readonly source: string;
  readonly more: Pick<IncomingAttribute, "setIfNull" | "volatile">;
  readonly read: (row: Row, members: Directory | undefined) => unknown;
  /** Omitted where the row shows no text. */
  readonly skipsEmpty?: true;
}

/** They change without anybody's doing, or repeat another field. */
const VOLATILE = ["updatedAt", "lastUpdated", "createDate", "emailMd5", "companyName"];
/** Planhat shows this text for a formula without a result. */
const NO_RESULT = "undefined";
const NAME = "name";
const OWNERS = ["owner", "coOwner"] as const;
/** Sets of fields that are cached; if every row shows other fields, each is computed anew. */
const MAX_PLANS = 500;

/** One of them is on every record, in all lists except the lean ones. */
const DATES: readonly string[] = ["createDate", "createdAt", "updatedAt", "lastUpdated"];

interface Plan {
  readonly properties: readonly string[];
  readonly custom: readonly string[];
  readonly fillings: readonly Filling[];
}

/**
 * @param mapped fields of the outgoing mapping, in order; told even when a row does not show them
 * @param withOwners owners are told by name and address, too
 * @param shown told as empty where a complete row does not show them
 */
export function planner(
  type: string,
  rules: IncomingRules,
  mapped: readonly string[],
  withOwners: boolean,
  shown: readonly string[] = [],
): (row: Row) => readonly Filling[] {
  const plans = new Map<string, Plan>();
  // Computed once per field, for lists whose rows all show different sets.
  const traitOf = memoize(traitsOf(type, rules));
  const readerOfShown = memoize(shownBy);
  let last: Plan | undefined;

  /**
   * Of several fields for one attribute the first in this order gets it: the id, the rows of the settings, mapped fields,
   * other properties, custom fields, each group in alphabetical order. The others are left out.
   */
  function fillingsOf(properties: readonly string[], custom: readonly string[]): readonly Filling[] {
    const found = new Map<string, Filling>();
    const add = (filling: Filling): void => {
      if (!found.has(filling.attribute)) found.set(filling.attribute, filling);
    };
    const addDefault = (field: string, read: Filling["read"]): void => {
      const { attribute, volatile, excluded } = traitOf(field);
      if (!excluded) add({ field, source: field, attribute, read, more: volatile ? { volatile } : {} });
    };

    const complete = isComplete(type, properties);
    const orEmpty = complete ? orNull : (read: Filling["read"]) => read;
    addDefault("_id", (row) => row._id);
    for (const { field, attribute, overwrite } of rules.rows) {
      const trait = traitOf(field);
      add({
        field: rememberedAs(field, attribute, trait),
        source: field,
        attribute,
        read: orEmpty(shownBy(field)),
        more: { ...(!overwrite && { setIfNull: true }), ...(trait.volatile && { volatile: true }) },
      });
    }
    for (const field of mapped) addDefault(field, orEmpty(shownBy(field)));
    for (const field of toldFields(type, properties, custom)) addDefault(field, readerOfShown(field));
    if (withOwners) {
      for (const field of OWNERS) {
        for (const part of ["name", "email"] as const) addDefault(`${field}.${part}`, ownerBy(field, part));
      }
    }

    const { excluded, volatile } = traitOf(NAME);
    if (!excluded) {
      const more = { setIfNull: true, ...(volatile && { volatile }) } as const;
      add({ field: NAME, source: NAME, attribute: NAME, read: shownBy(NAME), more, skipsEmpty: true });
    }
    // Last: a field that the row shows keeps its attribute.
    if (complete) {
      for (const field of shown) {
        if (isProperty(field) && !traitOf(field).volatile) addDefault(field, () => null);
      }
    }
    return [...found.values()];
  }

  return (row) => {
    const properties = Object.keys(row);
    const custom = isObject(row["custom"]) ? Object.keys(row["custom"]) : [];
    // Most rows of a page look like the previous one.
    if (last !== undefined && isSame(last.properties, properties) && isSame(last.custom, custom)) return last.fillings;
    const name = JSON.stringify([properties, custom]);
    last = plans.get(name);
    if (last === undefined) {
      last = { properties, custom, fillings: fillingsOf(properties, custom) };
      if (plans.size >= MAX_PLANS) plans.clear();
      plans.set(name, last);
    }
    return last.fillings;
  };
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name, index) => name === other[index]);
}

/** What the settings say about one field. */
interface Trait {
  readonly attribute: string;
  readonly volatile: boolean;
  readonly excluded: boolean;
}

function traitsOf(type: string, rules: IncomingRules): (field: string) => Trait {
  const ignored = new Set(rules.ignored);
  const excluded = new Set(rules.excluded);
  return (field) => ({
    attribute: hullAttribute(type, field),
    volatile: VOLATILE.includes(field) || isNamed(ignored, type, field),
    excluded: field !== "_id" && isNamed(excluded, type, field),
  });
}

/**
 * Whether a row shows all that the list was asked for. Nothing says so directly; but a list that is reduced to ids,
 * names and keys lacks what every record has: its company or its name, and when it was made or changed.
 */
function isComplete(type: string, properties: readonly string[]): boolean {
  const isDated = properties.some((name) => DATES.includes(name));
  return isDated && properties.includes(typeSpec(type).object.parent?.field ?? NAME);
}

/** Excludes values computed from several fields, such as an owner's name. */
function isProperty(field: string): boolean {
  return customName(field) !== undefined || !/^_|\./.test(field);
}

/** A further attribute of a field is remembered separately: that Hull knows `planhat/phase` says nothing about it. */
function rememberedAs(field: string, attribute: string, trait: Trait): string {
  return attribute === trait.attribute ? field : `${field} > ${attribute}`;
}

/** Undefined when the row does not show the field. */
function shownBy(field: string): (row: Row) => unknown {
  const read = readerOf(field);
  if (customName(field) === undefined) return read;
  return (row) => {
    const value = read(row);
    return value === NO_RESULT ? null : value;
  };
}

function orNull(read: (row: Row) => unknown): (row: Row) => unknown {
  return (row) => read(row) ?? null;
}

function toldFields(type: string, properties: readonly string[], custom: readonly string[]): readonly string[] {
  const isTold = (name: string) =>
    !name.startsWith("_") && name !== "custom" && !(name === "shareable" && type === COMPANIES.name);
  return [...properties.filter(isTold).sort(), ...[...custom].sort().map(customField)];
}

/** No owner, or one whom Planhat does not list, has neither name nor address. */
function ownerBy(field: (typeof OWNERS)[number], part: "name" | "email"): Filling["read"] {
  return (row, members) => {
    const owner = idOf(row[field]);
    const member = owner === undefined ? undefined : members?.member(owner);
    return member?.[part] ?? null;
  };
}

/**
 * From a row of a Planhat list to what Hull may be told of it. Pure.
 *
 * Every property that does not begin with `_` becomes `planhat/<snake_case>`, every custom field
 * `planhat/custom_<snake_case>`: the attributes that a write-back fills. Rows of the settings fill further ones.
 */
import { fitForHull } from "../../../hull/firehose/attribute-values";
import type { Claims, LeftOut, Misfit } from "../../../record";
import type { IncomingAttribute, ListedRecord } from "../../connection";
import { textOf } from "../../mapping/attributes";
import { claimsBy } from "../../mapping/claims";
import { planner } from "./plan";
import type { Filling } from "./plan";
import type { IncomingRules } from "../settings/incoming";
import { COMPANIES, ENDUSERS } from "../object-types";
import type { Directory } from "../api/owners";
import { readerOf, remoteRecord, updatedAtMsOf } from "../lookup/remote";
import type { Row } from "../api/rest";
import type { PlanhatSettings } from "../settings/settings";

export type Reader = (row: Row) => ListedRecord;

/**
 * @param fields fields of the outgoing mapping: they win over others for the same attribute, and are told when empty
 * @param members the team members, if owners are told by name; undefined if not, or if they could not be read
 * @param shown fields that the list asks for and has shown so far; empty where a complete row does not show them
 */
export function createReader(
  type: string,
  fields: readonly string[],
  settings: PlanhatSettings,
  members?: Directory,
  shown: readonly string[] = [],
): Reader {
  const rules = rulesOf(type, settings);
  const fillingsOf =
    rules === undefined ? () => [] : planner(type, rules, [...fields].sort(), members !== undefined, shown);
  const make: Make = {
    record: (row) => remoteRecord(type, row, fields),
    claims: (row) => (rules === undefined ? {} : claimsOf(type, row, rules.claims)),
    told: (row) => toldOf(row, fillingsOf(row), members),
  };
  return (row) => new LazyRecord(row, make);
}

type Told = Required<Pick<ListedRecord, "attributes" | "leftOut">>;

interface Make {
  readonly record: (row: Row) => ListedRecord["record"];
  readonly claims: (row: Row) => ListedRecord["claims"];
  readonly told: (row: Row) => Told;
}

/** Computes each part on demand: of most rows only the age is needed. */
class LazyRecord implements ListedRecord {
  readonly id: string;
  readonly updatedAtMs: number | undefined;
  private madeRecord?: ListedRecord["record"];
  private madeClaims?: Pick<ListedRecord, "claims">;
  private madeLeftOut?: Told["leftOut"];

  constructor(
    private readonly row: Row,
    private readonly make: Make,
  ) {
    this.id = row._id;
    this.updatedAtMs = updatedAtMsOf(row);
  }

  get record(): ListedRecord["record"] {
    return (this.madeRecord ??= this.make.record(this.row));
  }

  get claims(): ListedRecord["claims"] {
    this.madeClaims ??= { claims: this.make.claims(this.row) };
    return this.madeClaims.claims;
  }

  /** Looked at once, and too large to be cached for a whole page. */
  get attributes(): Told["attributes"] {
    const { attributes, leftOut } = this.make.told(this.row);
    this.madeLeftOut = leftOut;
    return attributes;
  }

  get leftOut(): Told["leftOut"] {
    return (this.madeLeftOut ??= this.make.told(this.row).leftOut);
  }
}

/** Undefined for types that Hull has no object for. */
function rulesOf(type: string, { incoming }: PlanhatSettings): IncomingRules | undefined {
  if (type === COMPANIES.name) return incoming.companies;
  return type === ENDUSERS.name ? incoming.endusers : undefined;
}

/** What rows and claims of the settings read. */
export function incomingFields(type: string, settings: PlanhatSettings): readonly string[] {
  const { rows = [], claims = [] } = rulesOf(type, settings) ?? {};
  return [...rows, ...claims].map(({ field }) => field);
}

/** An attribute whose value does not fit is left out: another field's value instead would be false. */
function toldOf(row: Row, fillings: readonly Filling[], members: Directory | undefined): Told {
  const attributes: IncomingAttribute[] = [];
  const misfits = new Map<string, Misfit>();
  for (const { field, source, attribute, more, read, skipsEmpty } of fillings) {
    const shown = read(row, members);
    if (shown === undefined || (skipsEmpty && (typeof shown !== "string" || shown === ""))) continue;
    const fitted = fitForHull(shown);
    if (!fitted.fits) misfits.set(source, fitted.misfit);
    else if (more.setIfNull !== true || fitted.value !== null) {
      attributes.push({ field, attribute, value: fitted.value, ...more });
    }
  }
  const leftOut: LeftOut[] = [...misfits].map(([field, misfit]) => ({ field, misfit }));
  return { attributes, leftOut };
}

/** A domain identifies a company only if it has no other. */
function claimsOf(type: string, row: Row, rules: IncomingRules["claims"]): Claims | undefined {
  if (rules !== undefined) return claimsBy(rules, (field) => readerOf(field)(row));
  const claims = new Map<string, string>();
  const claim = (name: string, value: unknown) => {
    if (typeof value === "string" && value.trim() !== "") claims.set(name, value);
  };
  claim("external_id", textOf(row["externalId"]));
  if (type === ENDUSERS.name) claim("email", row["email"]);
  const domains = row["domains"];
  if (type === COMPANIES.name && Array.isArray(domains) && domains.length === 1) claim("domain", domains[0]);
  return Object.fromEntries(claims);
}

/**
 * From a row of a Planhat list to what Hull may be told of it. Pure.
 *
 * Every property that does not begin with `_` becomes `planhat/<snake_case>`, every custom field by itself
 * `planhat/custom_<snake_case>`: the very attributes that a write-back fills. Rows of the settings fill further ones.
 */
import type { Claims, IncomingAttribute, ListedRecord } from "../service";
import { textOf } from "./attributes";
import { fitForHull } from "./hull-values";
import { planner } from "./incoming-plan";
import type { Filling } from "./incoming-plan";
import type { IncomingRules } from "./incoming-settings";
import { COMPANIES, ENDUSERS } from "./objects";
import type { Directory } from "./owners";
import { remoteRecord, updatedAtMsOf } from "./remote";
import type { Row } from "./rest";
import type { PlanhatSettings } from "./settings";

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
  const fillingsOf = planner(type, rules, [...fields].sort(), members !== undefined);
  return lazily({
    record: (row) => remoteRecord(type, row, fields),
    claims: (row) => claimsOf(type, row),
    attributes: (row) => attributesOf(row, fillingsOf(row), members),
  });
}

type Parts = Omit<ListedRecord, "id" | "updatedAtMs">;
type Make = { readonly [Part in keyof Parts]: (row: Row) => Parts[Part] };

const lazily =
  (make: Make): Reader =>
  (row) =>
    new LazyRecord(row, make);

/** Makes each part when somebody looks: of most rows it is enough to know how old they are. */
class LazyRecord implements ListedRecord {
  readonly id: string;
  readonly updatedAtMs: number | undefined;
  private madeRecord: Parts["record"] | undefined;
  private madeClaims: Parts["claims"] | undefined;

  constructor(
    private readonly row: Row,
    private readonly make: Make,
  ) {
    this.id = row._id;
    this.updatedAtMs = updatedAtMsOf(row);
  }

  get record(): Parts["record"] {
    return (this.madeRecord ??= this.make.record(this.row));
  }

  get claims(): Parts["claims"] {
    return (this.madeClaims ??= this.make.claims(this.row));
  }

  /** Looked at once, and too large to be kept for a whole page. */
  get attributes(): Parts["attributes"] {
    return this.make.attributes(this.row);
  }
}

/** Undefined for types that Hull has no object for. */
function rulesOf(type: string, { incoming }: PlanhatSettings): IncomingRules | undefined {
  if (type === COMPANIES.name) return incoming.companies;
  return type === ENDUSERS.name ? incoming.endusers : undefined;
}

/** An attribute whose value does not fit is left out: another field's value in its place would be a lie. */
function attributesOf(
  row: Row,
  fillings: readonly Filling[],
  members: Directory | undefined,
): readonly IncomingAttribute[] {
  const attributes: IncomingAttribute[] = [];
  for (const { field, attribute, more, read, skipsEmpty } of fillings) {
    const shown = read(row, members);
    if (skipsEmpty && (typeof shown !== "string" || shown === "")) continue;
    const fitted = fitForHull(shown);
    if (!fitted.fits || (more.setIfNull === true && fitted.value === null)) continue;
    attributes.push({ field, attribute, value: fitted.value, ...more });
  }
  return attributes;
}

/** A domain names a company only if it has no other. */
function claimsOf(type: string, row: Row): Claims {
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

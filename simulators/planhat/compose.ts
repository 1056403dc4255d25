import { hash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { isObject } from "../loopback/call";
import { isoOf } from "../loopback/clock";
import type { PlanhatRecord } from "./collection";
import { belongsToCompany, models, readOnlyFields, type ModelName } from "./models";
import type { PlanhatSwitches } from "./switches";
import type { Fields } from "./collection";
import type { TenantState } from "./tenant-state";

export interface Composition {
  readonly tenant: TenantState;
  readonly model: ModelName;
  /** The record to change; none = a new one. */
  readonly before: PlanhatRecord | undefined;
  readonly fields: Fields;
  readonly switches: Readonly<PlanhatSwitches>;
  /** Time of the write, ms. */
  readonly at: number;
}

export interface Composed {
  readonly record: PlanhatRecord;
  /** False for a write that changes no field; `updatedAt` changes anyway (sheet 12). */
  readonly changed: boolean;
}

const capitals = (name: string): string =>
  name
    .toLowerCase()
    .replace(/(^|[\s'-])(\p{L})/gu, (_, before: string, letter: string) => before + letter.toUpperCase());

/** The name that Planhat composes when none is given (sheet 5.2). */
export function fullName(first: unknown, last: unknown): string {
  return [first, last].filter((part) => typeof part === "string" && part !== "").join(" ");
}

/** Writes fields into a copy, nulls as the switch says. */
function mergeInto(target: Record<string, unknown>, fields: Fields, nulls: PlanhatSwitches["nulls"]): void {
  for (const name of Object.keys(fields)) {
    const value = fields[name];
    if (value === undefined || (value === null && nulls === "ignored")) continue;
    if (value === null && nulls === "removes") Reflect.deleteProperty(target, name);
    else target[name] = value;
  }
}

/** The instant of a write: never the same twice for one record, even when the clock stands still. */
function stampAfter(before: PlanhatRecord | undefined, at: number): string {
  const last = typeof before?.["updatedAt"] === "string" ? Date.parse(before["updatedAt"]) : Number.NaN;
  return isoOf(last >= at ? last + 1 : at);
}

/** Turns the fields of a payload into the form in which they are stored. */
function storedForm({ tenant, model, before, fields, switches }: Composition): Record<string, unknown> {
  const form: Record<string, unknown> = {};
  for (const name of Object.keys(fields)) if (!readOnlyFields.has(name)) form[name] = fields[name];

  const changesCase = switches.nameCasing === "all" || (switches.nameCasing === "endusers" && model === "endusers");
  for (const name of changesCase ? models[model].casedFields : []) {
    if (typeof form[name] === "string") form[name] = capitals(form[name]);
  }
  if (switches.emailCase === "lowered" && typeof form["email"] === "string")
    form["email"] = form["email"].toLowerCase();
  if (switches.emailBlanks === "trimmed" && typeof form["email"] === "string") form["email"] = form["email"].trim();

  if (belongsToCompany(model) && form["companyId"] !== undefined) {
    form["companyId"] = tenant.resolveCompany(form["companyId"]);
  }
  if (model !== "endusers") return form;
  if (form["name"] === undefined && (form["firstName"] !== undefined || form["lastName"] !== undefined)) {
    form["name"] = fullName(form["firstName"] ?? before?.["firstName"], form["lastName"] ?? before?.["lastName"]);
  }
  return form;
}

/** Sets the fields that follow from others and do not count as a change of their own. */
function addDerived(
  tenant: TenantState,
  model: ModelName,
  record: Record<string, unknown>,
  before: PlanhatRecord | undefined,
): void {
  if (!belongsToCompany(model)) return;
  const { companyId, email } = record;
  if (typeof companyId === "string" && companyId !== before?.["companyId"]) {
    record["companyName"] = tenant.companies.get(companyId)?.["name"];
  }
  if (model === "endusers" && typeof email === "string" && email !== before?.["email"])
    record["emailMd5"] = hash("md5", email);
}

/**
 * Builds the record that results from writing `fields` (sheets 5.2, 11.2, 12): fields left out stay, read-only ones
 * are passed over, `custom` is merged or replaced, the company reference becomes an id. Changes nothing itself.
 */
export function compose(composition: Composition): Composed {
  const { tenant, model, before, switches, at } = composition;
  const { custom, ...plain } = storedForm(composition);
  const next: Record<string, unknown> = before === undefined ? { ...models[model].defaults } : { ...before };

  mergeInto(next, plain, switches.nulls);
  if (custom === null) mergeInto(next, { custom }, switches.nulls);
  else if (isObject(custom)) {
    const merged = switches.custom === "merged" && isObject(next["custom"]) ? { ...next["custom"] } : {};
    mergeInto(merged, custom, switches.nulls);
    next["custom"] = merged;
  }

  const written = custom === undefined ? Object.keys(plain) : [...Object.keys(plain), "custom"];
  const changed = before === undefined || written.some((name) => !isDeepStrictEqual(next[name], before[name]));
  addDerived(tenant, model, next, before);
  const updatedAt = stampAfter(before, at);
  if (before === undefined) next["createDate"] = isoOf(at);
  next["updatedAt"] = updatedAt;
  if (model === "companies") next["lastUpdated"] = updatedAt;
  const record: PlanhatRecord = Object.assign(next, { _id: before?._id ?? tenant.newId() });
  return { record, changed };
}

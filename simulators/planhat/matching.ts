import type { Collection, PlanhatRecord } from "./collection";
import { belongsToCompany, models, type KeyName, type ModelName } from "./models";
import { isMissing } from "./requirements";
import type { PlanhatSwitches } from "./switches";
import type { Fields } from "./collection";
import type { TenantState } from "./tenant-state";

/** The text of a key in an item; empty and non-text keys do not count. */
export function keyOf(item: Fields, key: KeyName): string | undefined {
  const value = item[key];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The keys that an item carries, for naming it in an answer. */
export function keysOf(model: ModelName, item: Fields): Record<string, string> {
  const keys: Record<string, string> = {};
  for (const name of models[model].bulkKeys) {
    const value = keyOf(item, name);
    if (value !== undefined) keys[name] = value;
  }
  return keys;
}

/** Company of an item: the one it names, else, for an enduser, one that owns the domain of the e-mail (sheet 5.4). */
export function companyOf(
  tenant: TenantState,
  model: ModelName,
  item: Fields,
  switches: Readonly<PlanhatSwitches>,
): string | undefined {
  if (!isMissing(item["companyId"])) return tenant.resolveCompany(item["companyId"]);
  if (models[model].company !== "assigned") return undefined;
  const domain = keyOf(item, "email")?.split("@")[1];
  if (domain === undefined || switches.domainAssignment === "ignored") return undefined;
  return tenant.collection("companies").find("domain", domain)[0]?._id;
}

/** Records with this e-mail, compared as the switch says. */
export function withEmail(
  collection: Collection,
  email: string,
  { emailCase }: Readonly<PlanhatSwitches>,
): PlanhatRecord[] {
  return emailCase === "sensitive"
    ? collection.find("email", email)
    : collection.find("emailFolded", email.toLowerCase());
}

/** Whether an external id says something only together with a company. The switch speaks of endusers alone. */
export function externalIdNeedsCompany(model: ModelName, switches: Readonly<PlanhatSwitches>): boolean {
  if (model === "endusers") return switches.externalIdScope === "company";
  return belongsToCompany(model);
}

function byEmail(
  collection: Collection,
  email: string,
  switches: Readonly<PlanhatSwitches>,
): PlanhatRecord | undefined {
  const hits = withEmail(collection, email, switches);
  // An e-mail is a key only as long as one record has it (sheet 5.4).
  return hits.length === 1 ? hits[0] : undefined;
}

function byExternalId(
  tenant: TenantState,
  model: ModelName,
  externalId: string,
  item: Fields,
  switches: Readonly<PlanhatSwitches>,
): PlanhatRecord | undefined {
  const hits = tenant.collection(model).find("externalId", externalId);
  if (!externalIdNeedsCompany(model, switches)) return hits[0];
  const companyId = tenant.resolveCompany(item["companyId"]);
  if (companyId !== undefined) return hits.find((record) => record["companyId"] === companyId);
  return hits.length === 1 ? hits[0] : undefined;
}

/**
 * Finds the record that a bulk item means (sheet 7): `_id`, `sourceId`, `externalId` and, for endusers, a unique
 * e-mail, in this order; the first key that hits wins, whatever the others say.
 */
export function matchItem(
  tenant: TenantState,
  model: ModelName,
  item: Fields,
  switches: Readonly<PlanhatSwitches>,
): PlanhatRecord | undefined {
  const collection = tenant.collection(model);
  const keys = models[model].bulkKeys.filter((key) => keyOf(item, key) !== undefined);
  for (const key of keys) {
    const value = keyOf(item, key) ?? "";
    let hit: PlanhatRecord | undefined;
    if (key === "_id") hit = collection.get(value);
    else if (key === "sourceId") hit = collection.find("sourceId", value)[0];
    else if (key === "externalId") hit = byExternalId(tenant, model, value, item, switches);
    else if (switches.emailMatching === "always" || (switches.emailMatching === "alone" && keys.length === 1)) {
      hit = byEmail(collection, value, switches);
    }
    if (hit !== undefined) return hit;
  }
  return undefined;
}

import type { Books } from "./books";
import type { PlanhatRecord } from "./collection";
import { compose } from "./compose";
import { refusedCustom } from "./custom";
import { companyOf, keyOf } from "./matching";
import { belongsToCompany, models, type Action, type ModelName } from "./models";
import type { PoisonList } from "./poison";
import { isMissing } from "./requirements";
import type { PlanhatSwitches } from "./switches";
import type { Access } from "./tenant";
import type { Fields } from "./collection";

/** What became of one record to be written, in bulk or alone. */
export type WriteResult =
  | { readonly kind: "created" | "updated" | "unchanged"; readonly record: PlanhatRecord }
  /** An enduser without company: not saved, and nobody is told (sheet 5.4). */
  | { readonly kind: "ignored" }
  | { readonly kind: "failed"; readonly action: "create" | "update"; readonly message: string }
  | { readonly kind: "denied"; readonly action: Action };

export interface WriteDeps {
  readonly switches: Readonly<PlanhatSwitches>;
  readonly books: Books;
  readonly poisons: PoisonList;
}

export interface WriteOrder {
  readonly access: Access;
  readonly model: ModelName;
  /** The record to change; none = create. */
  readonly before: PlanhatRecord | undefined;
  readonly fields: Fields;
  readonly bulk: boolean;
  readonly at: number;
}

function lacking({ model, fields, bulk }: WriteOrder, switches: Readonly<PlanhatSwitches>): string | undefined {
  const { required, requiredInBulk = [], lacks } = models[model];
  const missing = [...required, ...(bulk ? requiredInBulk : [])].find((name) => isMissing(fields[name]));
  return missing === undefined ? lacks?.(fields, switches) : `${missing} is required`;
}

/** Names the keys of `fields` that another record already has, where they should be unique (sheets 5.4, 9). */
function takenKeys({ access, model, before, fields }: WriteOrder, companyId: string | undefined): string[] {
  const collection = access.tenant.collection(model);
  const others = (records: readonly PlanhatRecord[]): PlanhatRecord[] =>
    records.filter((record) => record._id !== before?._id);
  const taken: string[] = [];
  const externalId = keyOf(fields, "externalId");
  if (externalId !== undefined) {
    const rivals = others(collection.find("externalId", externalId));
    const inReach = belongsToCompany(model) ? rivals.filter((rival) => rival["companyId"] === companyId) : rivals;
    if (inReach.length > 0) taken.push("externalId");
  }
  const sourceId = keyOf(fields, "sourceId");
  if (sourceId !== undefined && others(collection.find("sourceId", sourceId)).length > 0) taken.push("sourceId");
  return taken;
}

/** A new record beside one with the same identity: what a client that creates without looking leaves behind. */
function isDuplicate(order: WriteOrder, companyId: string | undefined): boolean {
  if (takenKeys(order, companyId).includes("externalId")) return true;
  const email = keyOf(order.fields, "email");
  if (email === undefined || !belongsToCompany(order.model)) return false;
  const namesakes = order.access.tenant.collection(order.model).find("email", email);
  return namesakes.some((record) => record["companyId"] === companyId);
}

/** Checks and stores one record, and writes the books. Everything that refuses a record is in here. */
export function writeRecord(order: WriteOrder, { switches, books, poisons }: WriteDeps): WriteResult {
  const { access, model, before, fields, at } = order;
  const { tenant, denied } = access;
  const action = before === undefined ? "create" : "update";
  if (denied.has(`${model}:${action}`)) return { kind: "denied", action };

  const poison = poisons.find(model, fields);
  if (poison !== undefined) return { kind: "failed", action, message: poison.message };

  const refused = refusedCustom(tenant, model, fields, switches);
  if (refused !== undefined) return { kind: "failed", action, message: refused };

  let companyId = typeof before?.["companyId"] === "string" ? before["companyId"] : undefined;
  if (belongsToCompany(model) && (before === undefined || !isMissing(fields["companyId"]))) {
    companyId = companyOf(tenant, model, fields, switches);
    if (companyId === undefined && models[model].company === "named") {
      const message = isMissing(fields["companyId"]) ? "companyId is required" : "companyId not found";
      return { kind: "failed", action, message };
    }
    if (companyId === undefined) {
      books.ignored();
      return { kind: "ignored" };
    }
  }
  const missing = before === undefined ? lacking(order, switches) : undefined;
  if (missing !== undefined) return { kind: "failed", action, message: missing };
  const taken = switches.uniqueness === "enforced" ? takenKeys(order, companyId) : [];
  if (taken.length > 0) return { kind: "failed", action, message: `${taken.join(",")} duplicated` };

  if (before === undefined && isDuplicate(order, companyId)) books.duplicate(model, fields);
  const placed = belongsToCompany(model) && companyId !== before?.["companyId"] ? { ...fields, companyId } : fields;
  const { record, changed } = compose({ tenant, model, before, fields: placed, switches, at });
  tenant.collection(model).put(record);
  if (before === undefined) {
    books.created(model);
    return { kind: "created", record };
  }
  books.updated(model, changed);
  return { kind: changed ? "updated" : "unchanged", record };
}

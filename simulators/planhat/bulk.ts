import { isObject, textReply, type Reply } from "../loopback/call";
import type { Random } from "../loopback/random";
import { twinsIn } from "./custom";
import { badRequest, bulkReply, foldRows, type BulkRow } from "./envelope";
import { externalIdNeedsCompany, keyOf, matchItem } from "./matching";
import { models, type ModelName } from "./models";
import type { Flight } from "./overlap";
import type { PlanhatSwitches } from "./switches";
import type { Access } from "./tenant";
import type { Fields } from "./collection";
import { writeRecord, type WriteDeps, type WriteResult } from "./write";

export interface BulkDeps extends WriteDeps {
  readonly random: Random;
  readonly maxBulkItems: number;
}

export interface BulkOrder {
  readonly access: Access;
  readonly model: ModelName;
  readonly body: readonly unknown[];
  readonly flight: Flight;
  readonly at: number;
}

/** Positions of items that repeat a key of an earlier item; e-mails may repeat (sheet 5.4). */
function repeatedKeys(
  { access, model }: BulkOrder,
  items: readonly Fields[],
  switches: Readonly<PlanhatSwitches>,
): ReadonlyMap<number, string> {
  const seen = new Set<string>();
  const repeated = new Map<number, string>();
  const scoped = externalIdNeedsCompany(model, switches);
  items.forEach((item, index) => {
    for (const key of models[model].bulkKeys) {
      const value = keyOf(item, key);
      if (value === undefined || key === "email") continue;
      const scope = key === "externalId" && scoped ? (access.tenant.resolveCompany(item["companyId"]) ?? "") : "";
      const mark = `${key} ${scope} ${value}`;
      if (seen.has(mark)) repeated.set(index, `${key} duplicated`);
      seen.add(mark);
    }
  });
  return repeated;
}

function upsertItem(order: BulkOrder, item: Fields, deps: BulkDeps): WriteResult {
  const { access, model, at } = order;
  const before = matchItem(access.tenant, model, item, deps.switches);
  if (before === undefined && keyOf(item, "_id") !== undefined && deps.switches.unknownId === "error") {
    return { kind: "failed", action: "update", message: `${models[model].noun} not found` };
  }
  return writeRecord({ access, model, before, fields: item, bulk: true, at }, deps);
}

/**
 * Bulk upsert (sheets 4 and 7): items are worked off in order, each finds its record by key or becomes a new one; a
 * refused item never stops the others. Whole payloads are refused for size, form, poison and, by switch, repeated keys.
 */
export function bulkUpsert(order: BulkOrder, deps: BulkDeps): Reply {
  const { access, model, body, flight } = order;
  const { switches } = deps;
  if (body.length > deps.maxBulkItems) return textReply(400, `At most ${deps.maxBulkItems} items are allowed`);
  if (!body.every(isObject)) return textReply(400, "Every item must be an object");
  const items: readonly Fields[] = body;

  const fold = (rows: readonly BulkRow[]) => foldRows(model, rows, switches, deps.random);
  if (items.some((item) => deps.poisons.find(model, item)?.mode === "payload")) {
    return badRequest(fold([]), "Bad Request", switches);
  }
  const twins = twinsIn(items, switches);
  if (twins !== undefined) return badRequest({ ...fold([]), createdErrors: [twins] }, twins, switches);
  const repeated = repeatedKeys(order, items, switches);
  const failureOf = (item: Fields, message: string): WriteResult => {
    const action = matchItem(access.tenant, model, item, switches) === undefined ? "create" : "update";
    return { kind: "failed", action, message };
  };
  if (repeated.size > 0 && switches.payloadDuplicates === "payload") {
    const rows = [...repeated].map(([index, message]) => {
      const item = items[index] ?? {};
      return { index, item, result: failureOf(item, message) };
    });
    return badRequest(fold(rows), [...repeated.values()][0] ?? "", switches);
  }

  const rows = items.map((item, index): BulkRow => {
    const message = repeated.get(index);
    if (message !== undefined) return { index, item, result: failureOf(item, message) };
    if (models[model].overlapFails && flight.overlapping.has(index)) {
      return { index, item, result: failureOf(item, "externalId,email duplicated") };
    }
    return { index, item, result: upsertItem(order, item, deps) };
  });
  return bulkReply(rows, fold(rows), switches);
}

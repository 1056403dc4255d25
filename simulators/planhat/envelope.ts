import type { Random } from "../loopback/random";
import type { Reply } from "../loopback/call";
import { textReply } from "../loopback/call";
import { keysOf } from "./matching";
import type { ModelName } from "./models";
import { shownKeys } from "./show";
import type { PlanhatSwitches } from "./switches";
import type { Fields } from "./collection";
import type { WriteResult } from "./write";

/** Answer of a bulk upsert (sheet 7). */
export interface BulkEnvelope {
  readonly created: number;
  readonly createdErrors: readonly unknown[];
  readonly insertsKeys: readonly Readonly<Record<string, string>>[];
  readonly updated: number;
  readonly updatedErrors: readonly unknown[];
  readonly updatesKeys: readonly Readonly<Record<string, string>>[];
  readonly nonupdates: number;
  readonly modified: readonly string[];
  readonly upsertedIds: readonly string[];
  readonly permissionErrors: readonly unknown[];
}

/** An item of a bulk call with what became of it. */
export interface BulkRow {
  readonly index: number;
  readonly item: Fields;
  readonly result: WriteResult;
}

function errorElement(switches: Readonly<PlanhatSwitches>, model: ModelName, row: BulkRow, message: string): unknown {
  switch (switches.errorShape) {
    case "text":
      return message;
    case "item":
      return { item: row.item, error: message };
    case "keys":
      return { ...shownKeys(keysOf(model, row.item), switches), message };
    case "index":
      return { index: row.index, message };
  }
}

/** Folds rows into the envelope, in the forms that the switches ask for. */
export function foldRows(
  model: ModelName,
  rows: readonly BulkRow[],
  switches: Readonly<PlanhatSwitches>,
  random: Random,
): BulkEnvelope {
  const createdErrors: unknown[] = [];
  const updatedErrors: unknown[] = [];
  const permissionErrors: unknown[] = [];
  const insertsKeys: Record<string, string>[] = [];
  const updatesKeys: Record<string, string>[] = [];
  const modified: string[] = [];
  const upsertedIds: string[] = [];
  let nonupdates = 0;

  const named = (item: Fields, id: string): Record<string, string> =>
    switches.keysForm === "full" ? { ...shownKeys(keysOf(model, item), switches), _id: id } : { _id: id };

  for (const row of rows) {
    const { item, result } = row;
    switch (result.kind) {
      case "created":
        insertsKeys.push(named(item, result.record._id));
        upsertedIds.push(result.record._id);
        break;
      case "updated":
        updatesKeys.push(named(item, result.record._id));
        modified.push(result.record._id);
        break;
      case "unchanged":
        nonupdates += 1;
        if (switches.nonupdates === "named") updatesKeys.push(named(item, result.record._id));
        break;
      case "failed":
        (result.action === "create" ? createdErrors : updatedErrors).push(
          errorElement(switches, model, row, result.message),
        );
        break;
      case "denied":
        permissionErrors.push(errorElement(switches, model, row, `No permission to ${result.action} ${model}`));
        break;
      case "ignored":
        break;
    }
  }
  const order = <T>(list: T[]): T[] => (switches.keysOrder === "shuffled" ? random.shuffle(list) : list);
  return {
    created: upsertedIds.length,
    createdErrors,
    insertsKeys: order(insertsKeys),
    updated: modified.length,
    updatedErrors,
    updatesKeys: order(updatesKeys),
    nonupdates,
    modified,
    upsertedIds,
    permissionErrors,
  };
}

/** Chooses the status of a bulk answer among the five documented ones (sheet 4). */
export function bulkReply(
  rows: readonly BulkRow[],
  envelope: BulkEnvelope,
  switches: Readonly<PlanhatSwitches>,
): Reply {
  if (envelope.permissionErrors.length > 0) return { status: 403, body: envelope };
  const failed = rows.some(({ result }) => result.kind === "failed");
  const ignored = rows.some(({ result }) => result.kind === "ignored");
  const succeeded = rows.some(({ result }) => result.kind !== "failed" && result.kind !== "ignored");
  if (failed && !succeeded) return badRequest(envelope, "Bad Request", switches);
  if (failed) return { status: 206, body: envelope };
  if (!ignored || switches.ignoredEnduserStatus === 200) return { status: 200, body: envelope };
  if (switches.ignoredEnduserStatus === 400 && !succeeded) return badRequest(envelope, "Bad Request", switches);
  return { status: 206, body: envelope };
}

/** A refused payload: the envelope or a bare text, as the switch says. */
export function badRequest(envelope: BulkEnvelope, text: string, switches: Readonly<PlanhatSwitches>): Reply {
  return switches.badRequestBody === "envelope" ? { status: 400, body: envelope } : textReply(400, text);
}

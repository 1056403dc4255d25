import { isObject, textReply, type Reply } from "../loopback/call";
import { twinsIn } from "./custom";
import { models, type ModelName } from "./models";
import { shownRecord } from "./show";
import type { PlanhatSwitches } from "./switches";
import type { Access } from "./tenant";
import { writeRecord, type WriteDeps, type WriteResult } from "./write";

export interface SingleOrder {
  readonly access: Access;
  readonly model: ModelName;
  /** `_id`, `extid-…` or `srcid-…`, decoded. */
  readonly id: string;
  readonly body: unknown;
  readonly at: number;
}

/** An error of a single call, as bare text or as JSON (sheet 4). */
export function singleError(status: number, message: string, switches: Readonly<PlanhatSwitches>): Reply {
  return switches.singleErrors === "json" ? { status, body: { error: message } } : textReply(status, message);
}

function missing(model: ModelName, switches: Readonly<PlanhatSwitches>): Reply {
  if (switches.missing === "200-null") return { status: 200, body: null };
  return singleError(Number(switches.missing), `${models[model].noun} not found`, switches);
}

function denied(switches: Readonly<PlanhatSwitches>): Reply {
  return singleError(403, "Forbidden", switches);
}

function replyTo(result: WriteResult, model: ModelName, switches: Readonly<PlanhatSwitches>): Reply {
  switch (result.kind) {
    case "created": {
      const status = switches.createAnswer.startsWith("201") ? 201 : 200;
      return switches.createAnswer.endsWith("empty")
        ? { status }
        : { status, body: shownRecord(model, result.record, switches) };
    }
    case "updated":
    case "unchanged":
      return { status: 200, body: shownRecord(model, result.record, switches) };
    case "ignored":
      return switches.ignoredEnduserStatus === 400
        ? singleError(400, `Failed to save ${models[model].noun}`, switches)
        : { status: switches.ignoredEnduserStatus, body: {} };
    case "failed":
      return singleError(400, `Failed to ${result.action} ${models[model].noun}: ${result.message}`, switches);
    case "denied":
      return denied(switches);
  }
}

/** `GET /<model>/{id}`. */
export function getRecord({ access, model, id }: SingleOrder, { switches }: WriteDeps): Reply {
  if (access.denied.has(`${model}:read`)) return denied(switches);
  const record = access.tenant.resolve(model, id);
  if (record === undefined) return missing(model, switches);
  return { status: 200, body: shownRecord(model, record, switches) };
}

/** `POST /<model>`: always a new record, keys are not matched. */
export function createRecord({ access, model, body, at }: Omit<SingleOrder, "id">, deps: WriteDeps): Reply {
  if (!isObject(body)) return singleError(400, `Failed to create ${models[model].noun}`, deps.switches);
  const twins = twinsIn([body], deps.switches);
  if (twins !== undefined) return singleError(400, twins, deps.switches);
  const order = { access, model, before: undefined, fields: body, bulk: false, at };
  return replyTo(writeRecord(order, deps), model, deps.switches);
}

/** `PUT /<model>/{id}` with the changed fields alone. */
export function updateRecord({ access, model, id, body, at }: SingleOrder, deps: WriteDeps): Reply {
  const { switches } = deps;
  if (!isObject(body)) return singleError(400, `Failed to update ${models[model].noun}`, switches);
  if (model === "companies" && body["_id"] !== undefined && switches.idInCompanyPut === "refused") {
    return singleError(400, "_id cannot be set", switches);
  }
  const twins = twinsIn([body], switches);
  if (twins !== undefined) return singleError(400, twins, switches);
  const before = access.tenant.resolve(model, id);
  if (before === undefined) return missing(model, switches);
  const order = { access, model, before, fields: body, bulk: false, at };
  return replyTo(writeRecord(order, deps), model, switches);
}

/** `DELETE /<model>/{id}`. */
export function deleteRecord({ access, model, id }: SingleOrder, { switches }: WriteDeps): Reply {
  if (access.denied.has(`${model}:delete`)) return denied(switches);
  if (/^(extid|srcid)-/.test(id) && switches.deleteByPrefix === "refused") {
    return singleError(400, "_id is required", switches);
  }
  const record = access.tenant.resolve(model, id);
  if (record === undefined) return missing(model, switches);
  access.tenant.collection(model).remove(record._id);
  return { status: 200, body: { n: 1, ok: 1, deletedCount: 1 } };
}

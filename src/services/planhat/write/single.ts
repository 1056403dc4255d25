/** Writes one record by its own call, where matching by key could hit a namesake. */
import type { Problem, Result } from "../../connection";
import type { Item } from "./match-errors";
import { messageOf } from "../api/envelope";
import { attempt, isFailed, isRefusal, problemOf, unsent } from "../api/failure";
import type { Failed } from "../api/failure";
import { nothingProven, refusal } from "./fold";
import { typeSpec } from "../object-types";
import { readIds } from "../lookup/read";
import { readBackCreates } from "./readback";
import { isNotThere, isRow } from "../api/rest";
import type { Rest } from "../api/rest";

export interface Single {
  readonly result: Result;
  readonly problem?: Problem;
}

/** POST for a create, PUT by id for an update. An answer without the record is not trusted but read back. */
export async function applySingle(rest: Rest, type: string, item: Item): Promise<Single> {
  const write = item.intent.kind === "create" ? create : update;
  const result = await attempt(() => write(rest, type, item));
  return isFailed(result) ? failed(type, item, result) : { result };
}

async function create(rest: Rest, type: string, item: Item): Promise<Result> {
  const { body } = await rest.create(typeSpec(type).path, item.body);
  if (isRow(body)) return { kind: "created", remoteId: body._id };
  const settled = await readBackCreates(rest, type, [item], nothingProven([item]));
  return settled.get(item) ?? { kind: "unconfirmed", message: "The answer does not name the new record." };
}

async function update(rest: Rest, type: string, item: Item): Promise<Result> {
  const { remoteId } = item.intent;
  if (remoteId === undefined)
    return { kind: "rejected", message: "An update without the id of its record.", status: 0 };
  const { _id, ...changes } = item.body;
  const { body } = await rest.update(typeSpec(type).path, remoteId, changes);
  if (isRow(body)) return { kind: "updated" };
  // Some servers answer a missing record with an empty success.
  const { gone, problem } = await readIds(rest, type, [remoteId]);
  if (problem !== undefined) return { kind: "later", waitMs: problem.waitMs, message: problem.message };
  return gone.length > 0 ? { kind: "gone" } : { kind: "updated" };
}

function failed(type: string, item: Item, error: Failed): Single {
  const isUpdate = item.intent.kind === "update";
  if (isUpdate && isNotThere(error)) return { result: { kind: "gone" } };
  if (isRefusal(error) && error.status !== undefined) {
    return { result: refusal(type, item, messageOf(error.answer ?? error.message), error.status) };
  }
  return { result: unsent(error, isUpdate), problem: problemOf(error) };
}

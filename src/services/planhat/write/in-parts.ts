/**
 * Planhat refuses a whole request with two custom fields whose names differ only in case, be it in one record or in
 * two. So such twins in a chunk are written one after the other, each in its own requests.
 */
import groupBy from "lodash/groupBy";
import type { Applied, Intent, Result } from "../../connection";
import { applyChunk } from "./bulk";
import { foldedName } from "../api/custom-fields";
import { customName } from "../object-types";
import type { Rest } from "../api/rest";

/**
 * Like `applyChunk`. A record is created or found with its first part; the rest follows as an update.
 * @returns one result per intent: that of its last part, or of the one that failed
 */
export async function applyInParts(rest: Rest, type: string, intents: readonly Intent[]): Promise<Applied> {
  const turnOf = turnsOf(intents);
  const last = Math.max(0, ...turnOf.values());
  if (last === 0) return applyChunk(rest, type, intents);
  const results = new Map<Intent, Result>();
  for (let turn = 0; turn <= last; turn += 1) {
    const parts = intents.flatMap((intent) => {
      const part = partOf(intent, turn, turnOf, results.get(intent));
      return part === undefined ? [] : [{ intent, part }];
    });
    if (parts.length === 0) continue;
    const applied = await applyChunk(
      rest,
      type,
      parts.map(({ part }) => part),
    );
    parts.forEach(({ intent }, at) => {
      results.set(intent, joined(results.get(intent), applied.results[at] ?? NO_RESULT));
    });
    if (applied.problem === undefined) continue;
    const isLeft = ({ fields }: Intent) => Object.keys(fields).some((field) => (turnOf.get(field) ?? 0) > turn);
    for (const intent of intents.filter(isLeft)) results.set(intent, joined(results.get(intent), NOT_YET));
    return { results: intents.map((each) => results.get(each) ?? NOT_YET), problem: applied.problem };
  }
  return { results: intents.map((each) => results.get(each) ?? NO_RESULT) };
}

const NO_RESULT: Result = { kind: "unconfirmed", message: "The service gave no result." };
const NOT_YET: Result = {
  kind: "later",
  waitMs: 0,
  message: "Fields whose names differ only in case are sent one after the other.",
};

/** Custom field → its position in the sequence. */
function turnsOf(intents: readonly Intent[]): ReadonlyMap<string, number> {
  const fields = [...new Set(intents.flatMap((intent) => Object.keys(intent.fields)))].sort();
  const twins = groupBy(
    fields.filter((field) => customName(field) !== undefined),
    foldedName,
  );
  return new Map(Object.values(twins).flatMap((group) => group.map((field, turn) => [field, turn] as const)));
}

/** What is sent in this position: the first creates the record, with everything that has no twin. Undefined: nothing. */
function partOf(
  intent: Intent,
  turn: number,
  turnOf: ReadonlyMap<string, number>,
  before: Result | undefined,
): Intent | undefined {
  const fields = Object.entries(intent.fields).filter(([field]) => (turnOf.get(field) ?? 0) === turn);
  const part = { ...intent, fields: Object.fromEntries(fields) };
  if (intent.kind === "create" && turn === 0) return part;
  if (fields.length === 0) return undefined;
  if (before === undefined) return intent.kind === "update" ? part : undefined;
  const made = before.kind === "created" || before.kind === "replaced" ? before.remoteId : undefined;
  const remoteId = before.kind === "updated" ? intent.remoteId : made;
  return remoteId === undefined ? undefined : { ...part, kind: "update", remoteId, keys: {}, namesake: false };
}

/** A new record of which a part is missing is looked up again and gets the rest. */
function joined(before: Result | undefined, now: Result): Result {
  if (before === undefined || before.kind === "updated") return now;
  if (before.kind !== "created" || now.kind === "updated") return before;
  return { kind: "unconfirmed", message: "message" in now ? now.message : "It is there, but not all of it." };
}

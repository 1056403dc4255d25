/**
 * Many updates in one call. What its answer looks like is not documented, so it is believed only as far as it names rows:
 * all else is read back, and what cannot be seen there is written again alone, which an update may be.
 */
import chunk from "lodash/chunk";
import partition from "lodash/partition";
import { RemoteError } from "../../../http/errors";
import { agrees, fingerprint } from "../../compare";
import type { Applied, Intent, Problem, Result } from "../../connection";
import { attempt, isFailed, isRefusal, later } from "../../failure";
import { inParallel } from "../../../in-parallel";
import type { RemoteRecord } from "../../model";
import { isUnknownEmployee } from "../api/envelope";
import { problemOf } from "../api/failure";
import { fieldSpec, SUBSCRIBERS } from "../objects";
import { read } from "../remote/find";
import { addressOf, bodyOf, otherThan, writeOne, type WriteDeps, type Written } from "./single";
import { verdictsIn, type BulkRow } from "./verdicts";

interface Item {
  readonly intent: Intent;
  readonly row: BulkRow;
}

/** @param width calls at once */
export async function writeBulk(deps: WriteDeps, intents: readonly Intent[], width: number): Promise<Applied> {
  const results = new Map<Intent, Result>();
  let problem: Problem | undefined;
  const settle = (intent: Intent, written: Written): void => {
    results.set(intent, written.result);
    problem ??= written.problem;
  };
  const alone = async (some: readonly Intent[]): Promise<void> => {
    await inParallel(some, width, async (intent) => settle(intent, await writeOne(deps, intent)));
  };

  async function together(items: readonly Item[]): Promise<void> {
    if (items.length <= 1) return alone(items.map(({ intent }) => intent));
    const rows = items.map(({ row }) => row);
    const answer = await attempt(() => deps.ways.chosen.bulk(rows));
    if (isFailed(answer)) {
      const isAbsent = answer instanceof RemoteError && answer.kind === "not_found";
      // One bad row may have stopped all of them.
      if (isUnknownEmployee(answer) || isRefusal(answer)) {
        for (const half of chunk(items, Math.ceil(items.length / 2))) await together(half);
      } else if (isAbsent) {
        await alone(items.map(({ intent }) => intent));
      } else {
        for (const { intent } of items) settle(intent, { result: later(answer), problem: problemOf(answer) });
      }
      return;
    }
    const verdicts = verdictsIn(answer, rows, { fields: deps.fields, usesCode: deps.ways.usesCode });
    const [named, open] = partition(items, ({ row }) => verdicts.has(row));
    for (const { intent, row } of named) {
      const result = verdicts.get(row);
      if (result === undefined) continue;
      const shown = "record" in result ? result.record : undefined;
      const other = shown === undefined ? undefined : await attempt(() => otherThan(deps, shown, intent));
      if (isFailed(other)) settle(intent, { result: later(other), problem: problemOf(other) });
      else settle(intent, { result: other ?? result });
    }
    await alone(await readBack(deps, open, settle, width));
  }

  const items = intents.map((intent) => ({ intent, row: rowOf(deps, intent) }));
  const [listed, single] = partition(items, (item): item is Item => item.row !== undefined);
  await together(listed);
  await alone(single.map(({ intent }) => intent));
  return { results: intents.map((intent) => results.get(intent) ?? NOT_WRITTEN), problem };
}

const NOT_WRITTEN: Result = { kind: "later", waitMs: 0, message: "Not written yet." };

/** Undefined for what is written alone: whom the chosen key does not name, and what clears a field. */
function rowOf(deps: WriteDeps, intent: Intent): BulkRow | undefined {
  const { id, code } = addressOf(intent);
  const ref = deps.ways.usesCode ? code : id;
  const clears = Object.values(intent.fields).includes(null);
  if (intent.kind !== "update" || ref === undefined || clears) return undefined;
  return { ...bodyOf(deps, intent.fields), id: ref };
}

/** @returns what the record does not show as written */
async function readBack(
  deps: WriteDeps,
  items: readonly Item[],
  settle: (intent: Intent, written: Written) => void,
  width: number,
): Promise<readonly Intent[]> {
  const known = items.flatMap(({ intent: { remoteId: id, knownKeys: keys } }) =>
    id === undefined ? [] : [{ id, keys }],
  );
  const { records, gone } = await read(deps.ways, known, deps.fields, width);
  const shown = new Map(records.map((record) => [record.id, record]));
  return items.flatMap(({ intent }) => {
    const record = shown.get(intent.remoteId ?? "");
    const isGone = gone.includes(intent.remoteId ?? "");
    if (isGone) settle(intent, { result: { kind: "gone" } });
    else if (record !== undefined && shows(record, intent)) settle(intent, { result: { kind: "updated", record } });
    else return [intent];
    return [];
  });
}

/** What is never shown is not proved by anything. */
function shows({ fields }: RemoteRecord, intent: Intent): boolean {
  return Object.entries(intent.fields).every(([field, value]) => {
    const { type, writeOnly } = fieldSpec(SUBSCRIBERS.name, field);
    const held = Object.hasOwn(fields, field) ? fields[field] : undefined;
    return writeOnly !== true && held !== undefined && agrees(fingerprint(held, type), value, type);
  });
}

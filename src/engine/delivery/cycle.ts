/**
 * One cycle of the delivery lane over one object type: take what is due, hold children back until their parent has an
 * id, find out which record each one is, compare, write in chunks, and settle every record by its own result.
 */
import type { Json } from "../../record";
import type { Known, Prepared, Problem } from "../../services/connection";
import type { ObjectType } from "../../services/model";
import type { MirrorRow } from "../../storage/port/rows";
import type { DueEntry, Settlement } from "../../storage/port/store";
import { append } from "./append";
import { diff } from "../rules/diff";
import { isClosed } from "../rules/identity";
import { rememberedOf } from "../rules/state";
import { joinReasons, reason } from "../../outcome/outcome";
import { createCycle, type Cycle, type CycleOptions } from "./context";
import { readableOf } from "./readable";
import { hasUnrepeatableChanges, resolve } from "./resolve";
import { blockedBy, ended, unlinked } from "./settle/settlements";
import { observationOf, typeContext, type TypeContext, type Work } from "./work";
import { write } from "./write";
import { typeNamed } from "../../services/types";
import { inQueueSpan } from "../../tracing";

export interface CycleResult {
  /** Something was taken and moved on; run another cycle. */
  readonly worked: boolean;
  /** The lane or the type cannot go on. */
  readonly problem?: Problem;
}

/** How many remote ids are read back in one cycle when their content is not known. */
const READ_LIMIT = 500;

/** Runs one cycle. Throws only when the store fails. */
export async function deliverType<S>(options: CycleOptions<S>, typeName: string): Promise<CycleResult> {
  const { store, service, lane } = options;
  const type = typeNamed(service, typeName);
  if (type === undefined) throw new Error(`${service.name} has no object type ${typeName}.`);
  const entries = await store.ready(lane, type.name, options.batch);
  if (entries.length === 0) return { worked: false };
  const traces = entries.map(({ content }) => content?.trace);
  const delivery = { operation: "deliver", queue: "outbox", type: typeName, count: entries.length, traces } as const;
  return inQueueSpan({ ...delivery, service: service.name }, async (fail) => {
    const result = await deliverEntries(options, type, entries);
    if (result.problem !== undefined) fail(result.problem.kind);
    return result;
  });
}

async function deliverEntries<S>(
  options: CycleOptions<S>,
  type: ObjectType,
  entries: readonly DueEntry[],
): Promise<CycleResult> {
  const { service, settings, now } = options;
  const context = typeContext(service, type, settings, now());
  const cycle = createCycle(options, context);
  const works = entries.flatMap((entry): Work[] => {
    const { record, mirror, content } = entry;
    if (content === undefined) return [];
    // With all of its fields: V8 is slow where they are added to a copy.
    return [
      {
        record,
        mirror,
        entry,
        content,
        namesake: false,
        wire: {},
        parentId: undefined,
        note: undefined,
        stuck: undefined,
      },
    ];
  });

  const placed = await place(cycle, works);
  if (type.append === true) {
    const problem = await append(cycle, placed);
    return { worked: true, problem };
  }
  // What became of a lost request is found out first: afterwards nobody would know that it was made.
  const isOpen = ({ entry }: Work): boolean => entry.unconfirmed !== undefined;
  const checked = await check(cycle, placed, (work) => !isOpen(work));
  const resolved = await resolve({ ...options, context }, checked);
  await cycle.settle(resolved.settlements);
  const read = await readUnknown(cycle, resolved.works);
  const prepared = await prepare(cycle, await check(cycle, read.works, isOpen));
  const applied = await write(cycle, prepared);
  if (cycle.leftOut.length > 0) options.onLeftOut?.(type.name, cycle.leftOut);
  const problem = applied ?? resolved.problem ?? read.problem;
  return { worked: true, problem };
}

/** Gives every child its parent's id; children of a parent without an id wait for it. */
async function place<S>(cycle: Cycle<S>, works: readonly Work[]): Promise<readonly Work[]> {
  const { store, lane, service } = cycle.options;
  const { type } = cycle.context;
  const { parent } = type;
  if (parent === undefined) return works;
  // An event goes out even when its user was filtered meanwhile; a license comes and goes with its account.
  const sameEntity = typeNamed(service, parent.type)?.entity === type.entity;
  const together = sameEntity && type.append !== true;
  const ids = [...new Set(works.flatMap(({ content }) => content.desired.parent?.hullId ?? []))];
  const views = await store.view(lane, parent.type, ids);
  const remoteIds = new Map(ids.map((id, index) => [id, views[index]?.mirror?.id]));
  const placed: Work[] = [];
  const blocked: Settlement[] = [];
  for (const work of works) {
    const parentId = remoteIds.get(work.content.desired.parent?.hullId ?? "");
    const block = parentId === undefined ? blockedBy(work, together) : undefined;
    if (block !== undefined) blocked.push(block);
    else placed.push(parentId === undefined ? work : { ...work, parentId });
  }
  await cycle.settle(blocked);
  return placed;
}

/** What the service refuses whatever it holds ends before a look-up; what is not due passes. */
async function check<S>(
  cycle: Cycle<S>,
  works: readonly Work[],
  isDue: (work: Work) => boolean,
): Promise<readonly Work[]> {
  const { connection } = cycle.options;
  const due = works.filter(isDue);
  if (connection.check === undefined || due.length === 0) return works;
  const { readable, settlements } = readableOf(cycle, due);
  const verdicts = await connection.check(
    cycle.context.type.name,
    readable.map(({ desired }) => desired),
  );
  const passed = new Set<Work>();
  readable.forEach(({ work }, index) => {
    const verdict = verdicts[index];
    if (verdict === undefined) passed.add(work);
    else settlements.push(unreadyOf(cycle, work, verdict));
  });
  await cycle.settle(settlements);
  return works.filter((work) => !isDue(work) || passed.has(work));
}

function unreadyOf<S>(cycle: Cycle<S>, work: Work, verdict: Exclude<Prepared, { kind: "ready" }>): Settlement {
  if (verdict.kind === "later") return cycle.later(work, verdict.waitMs, verdict.message);
  return ended(work, verdict.outcome, verdict.reason, cycle.options.now());
}

/**
 * The remote record must be read first: nothing is known of it, or nothing of a field that differs from what was sent,
 * such as one that was mapped only now. Once it was read, a field that it does not show is empty there.
 */
function isUnknown({ entry, mirror, content }: Work, { type, specOf, mapped }: TypeContext): boolean {
  if (mirror === undefined || type.lookup === false) return false;
  if (entry.unconfirmed !== undefined && hasUnrepeatableChanges(type)) return true;
  if (mirror.missing === true || isClosed(type, mirror, content.desired)) return true;
  if (content.derived) return false;
  if (!mirror.complete) return true;
  const { desired, force } = content;
  const isBlind = (field: string): boolean => (mirror.facts[field]?.[0] ?? null) === null && mapped.includes(field);
  // Exports and batches send it, whatever is there.
  if (force || !Object.keys(desired.fields).some(isBlind)) return false;
  const options = { force, replay: content.replay === true, create: false };
  return diff(desired, {}, mirror.facts, specOf, options).blind.some(isBlind);
}

/** Reads linked records of which too little is known, rather than overwriting them blindly. */
async function readUnknown<S>(
  cycle: Cycle<S>,
  works: readonly Work[],
): Promise<{ readonly works: readonly Work[]; readonly problem?: Problem }> {
  const { context, later } = cycle;
  const { store, connection, lane, timing, retry, now } = cycle.options;
  const unknown = works.filter((work) => isUnknown(work, context));
  if (unknown.length === 0) return { works };
  const asked = new Set(unknown.slice(0, READ_LIMIT));
  const ids = [...asked].flatMap(({ mirror }) => (mirror === undefined ? [] : [knownOf(mirror)]));
  const answer = (await connection.read?.(context.type.name, ids, context.mapped)) ?? { records: [], gone: [] };
  const observations = answer.records.map((record) => observationOf(record, context));
  await store.observe(lane.remote, context.type.name, context.nowMs, timing.settleMs, observations);
  // The answer may contain some of the others by chance.
  const wasRead = new Set(answer.records.map(({ id }) => id));
  const readIds = unknown.flatMap(({ mirror }) => (mirror !== undefined && wasRead.has(mirror.id) ? [mirror.id] : []));
  const rows = new Map<string, MirrorRow>();
  for (const row of await store.mirrors(lane, context.type.name, readIds)) if (row !== undefined) rows.set(row.id, row);
  const open = new Set(unknown);
  const known: Work[] = works.filter((work) => !open.has(work));
  const settlements: Settlement[] = [];
  for (const work of unknown) {
    const id = work.mirror?.id ?? "";
    const row = rows.get(id);
    if (answer.gone.includes(id)) settlements.push(unlinked(work, now()));
    else if (isClosed(context.type, row, work.content.desired))
      settlements.push(ended(work, "skipped", reason("archived", id), now()));
    else if (row?.complete === true) known.push({ ...work, mirror: row });
    else if (asked.has(work)) {
      const words = answer.problem?.message ?? "The record could not be read.";
      settlements.push(later(work, answer.problem?.waitMs ?? retry.baseMs, words));
    }
  }
  await cycle.settle(settlements);
  // A record that is gone is no longer found by its keys, whoever was linked to it.
  if (answer.gone.length > 0) await store.forgetGone(lane.remote, context.type.name, answer.gone);
  return { works: known, problem: answer.problem };
}

/** A record that a list did not show is searched only by its id. */
function knownOf({ id, keys, parentId, missing }: MirrorRow): Known {
  return missing === true || parentId === undefined ? { id, keys } : { id, keys, parentId };
}

/** Withheld fields are removed from the desired state; the reasons go with the outcome. */
function lessWithheld(work: Work, { withheld = {}, warnings = [] }: Extract<Prepared, { kind: "ready" }>): Work {
  const said = [...(work.note === undefined ? [] : [work.note]), ...Object.values(withheld), ...warnings];
  if (said.length === 0) return work;
  const { content } = work;
  const fields = Object.entries(content.desired.fields).filter(([field]) => !Object.hasOwn(withheld, field));
  const desired = { ...content.desired, fields: Object.fromEntries(fields) };
  return { ...work, content: { ...content, desired }, note: joinReasons(said) };
}

const hasValue = (value: Json | undefined): boolean => value !== undefined && value !== null;

/** Wire values; records that the service refuses to write end here. */
async function prepare<S>(cycle: Cycle<S>, works: readonly Work[]): Promise<readonly Work[]> {
  if (works.length === 0) return [];
  const { connection } = cycle.options;
  const { type, specOf } = cycle.context;
  const { readable, settlements } = readableOf(cycle, works);
  const prepared = await connection.prepare(
    type.name,
    readable.map(({ desired }) => desired),
    readable.map(({ work: { mirror } }) => (mirror === undefined ? undefined : rememberedOf(mirror))),
  );
  const parentField = type.parent?.field;
  const ready: Work[] = [];
  readable.forEach(({ work, desired }, index) => {
    const one = prepared[index];
    if (one === undefined) return;
    if (one.kind !== "ready") {
      settlements.push(unreadyOf(cycle, work, one));
      return;
    }
    const wire = { ...one.fields };
    if (parentField !== undefined && work.parentId !== undefined) wire[parentField] = work.parentId;
    for (const [field, value] of Object.entries(desired.fields)) {
      // Otherwise the encrypted form would stand for a value without a form of the service's own.
      if (specOf(field).writeOnly === true && !hasValue(wire[field])) wire[field] = value;
    }
    ready.push({ ...lessWithheld(work, one), stuck: one.stuck, wire });
  });
  await cycle.settle(settlements);
  return ready;
}

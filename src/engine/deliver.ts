/**
 * One pass of the delivery lane over one object type: take what is due, hold children back until their parent has an
 * id, find out who is who, compare, write in chunks, and settle every record by its own result.
 */
import type { Applied, Connection, Intent, Problem, Result, Service } from "../services/service";
import type { MirrorRow } from "../storage/rows";
import type { Lane, RecordEnding, Settlement, Store } from "../storage/store";
import { diff, type Difference } from "./diff";
import { reason } from "./outcome";
import { resolve, type Timing } from "./resolve";
import {
  blockedBy,
  delivered,
  ended,
  observationOf,
  postponed,
  relinked,
  typeContext,
  unlinked,
  type TypeContext,
  type Work,
} from "./work";

export interface PassOptions<S> {
  readonly store: Store;
  readonly service: Service<S>;
  readonly connection: Connection;
  readonly settings: S;
  readonly lane: Lane;
  readonly timing: Timing;
  readonly retry: RetryPace;
  /** Most entries that one pass takes. */
  readonly batch: number;
  readonly now: () => number;
  /** Called with the outcomes as they are written. */
  readonly onEndings: (endings: readonly RecordEnding[]) => void;
}

/** Waits between tries of one record, in milliseconds; doubled with every try. */
export interface RetryPace {
  readonly baseMs: number;
  readonly capMs: number;
}

export interface PassResult {
  /** Something was taken and moved on; look again. */
  readonly worked: boolean;
  /** Something stands in the way of the lane or the type. */
  readonly problem?: Problem;
}

/** How many Planhat ids are read back in one pass when their content is not known. */
const READ_LIMIT = 500;

/** Runs one pass. Throws only when the store fails. */
export async function deliverType<S>(options: PassOptions<S>, typeName: string): Promise<PassResult> {
  const { store, service, lane, settings, now } = options;
  const type = service.types.find((each) => each.name === typeName);
  if (type === undefined) throw new Error(`${service.name} has no object type ${typeName}.`);
  const entries = await store.ready(lane, type.name, options.batch);
  if (entries.length === 0) return { worked: false };

  const context = typeContext(service, type, settings, now());
  const pass = createPass(options, context);
  const views = await store.view(
    lane,
    type.name,
    entries.map((entry) => entry.hullId),
  );
  const works = entries.flatMap((entry, index): Work[] => {
    const { content } = entry;
    const { record, mirror } = views[index] ?? {};
    if (content === undefined) return [];
    return [
      {
        entry,
        content,
        ...(record === undefined ? {} : { record }),
        ...(mirror === undefined ? {} : { mirror }),
        namesake: false,
        wire: {},
      },
    ];
  });

  const placed = await pass.place(works);
  const resolved = await resolve({ ...options, context }, placed);
  await pass.settle(resolved.settlements);
  const read = await pass.readUnknown(resolved.works);
  const prepared = await pass.prepare(read.works);
  const applied = await pass.write(prepared);
  const problem = applied ?? resolved.problem ?? read.problem;
  return { worked: true, ...(problem === undefined ? {} : { problem }) };
}

interface Pass {
  /** Gives every child its parent's id; children of a parent without one are put behind it. */
  place(works: readonly Work[]): Promise<readonly Work[]>;
  /** Reads linked records whose content is not known, rather than writing them blindly. */
  readUnknown(works: readonly Work[]): Promise<{ readonly works: readonly Work[]; readonly problem?: Problem }>;
  /** Wire values; records that the service refuses to write end here. */
  prepare(works: readonly Work[]): Promise<readonly Work[]>;
  write(works: readonly Work[]): Promise<Problem | undefined>;
  settle(settlements: readonly Settlement[]): Promise<void>;
}

/** A record with the fields to send. */
interface Change {
  readonly work: Work;
  readonly difference: Difference;
  readonly intent: Intent;
}

function createPass<S>(options: PassOptions<S>, context: TypeContext): Pass {
  const { store, service, connection, lane, settings, timing, retry, now } = options;
  const { type, specOf } = context;

  async function settle(settlements: readonly Settlement[]): Promise<void> {
    if (settlements.length === 0) return;
    const { endings } = await store.settle(lane, settlements);
    options.onEndings(endings);
  }

  function later(work: Work, waitMs: number, problem: string): Settlement {
    const pace = Math.min(retry.baseMs * 2 ** Math.min(work.entry.attempts, 20), retry.capMs);
    return postponed(work, now() + Math.max(waitMs, pace), problem, work.entry.doubt);
  }

  async function place(works: readonly Work[]): Promise<readonly Work[]> {
    const { parent } = type;
    if (parent === undefined) return works;
    const ids = [...new Set(works.flatMap(({ content }) => content.desired.parent?.hullId ?? []))];
    const views = await store.view(lane, parent.type, ids);
    const remoteIds = new Map(ids.map((id, index) => [id, views[index]?.mirror?.id]));
    const placed: Work[] = [];
    const blocked: Settlement[] = [];
    for (const work of works) {
      const parentId = remoteIds.get(work.content.desired.parent?.hullId ?? "");
      const block = parentId === undefined ? blockedBy(work) : undefined;
      if (block !== undefined) blocked.push(block);
      else placed.push(parentId === undefined ? work : { ...work, parentId });
    }
    await settle(blocked);
    return placed;
  }

  async function readUnknown(
    works: readonly Work[],
  ): Promise<{ readonly works: readonly Work[]; readonly problem?: Problem }> {
    const isUnknown = (work: Work): boolean => work.mirror?.complete === false && !work.content.derived;
    const unknown = works.filter(isUnknown);
    if (unknown.length === 0) return { works };
    const asked = new Set(unknown.slice(0, READ_LIMIT));
    const ids = [...asked].flatMap((work) => work.mirror?.id ?? []);
    const answer = await connection.read(type.name, ids, context.mapped);
    const observations = answer.records.map((record) => observationOf(record, context));
    await store.observe(lane.remote, type.name, context.nowMs, timing.settleMs, observations);
    const rows = new Map<string, MirrorRow>();
    for (const row of await store.mirrors(lane.remote, type.name, ids)) if (row !== undefined) rows.set(row.id, row);
    const known: Work[] = works.filter((work) => !isUnknown(work));
    const settlements: Settlement[] = [];
    for (const work of unknown) {
      const id = work.mirror?.id ?? "";
      const row = rows.get(id);
      if (answer.gone.includes(id)) settlements.push(unlinked(work, now()));
      else if (row?.archived === true) settlements.push(ended(work, "skipped", reason("archived", id), now()));
      else if (row?.complete === true) known.push({ ...work, mirror: row });
      else if (asked.has(work)) {
        const words = answer.problem?.message ?? "The record could not be read.";
        settlements.push(later(work, answer.problem?.waitMs ?? retry.baseMs, words));
      }
    }
    await settle(settlements);
    return { works: known, ...(answer.problem === undefined ? {} : { problem: answer.problem }) };
  }

  async function prepare(works: readonly Work[]): Promise<readonly Work[]> {
    if (works.length === 0) return [];
    const prepared = await connection.prepare(
      type.name,
      works.map(({ content }) => content.desired),
    );
    const ready: Work[] = [];
    const settlements: Settlement[] = [];
    works.forEach((work, index) => {
      const one = prepared[index];
      if (one === undefined) return;
      if (one.kind === "skip") settlements.push(ended(work, "skipped", one.reason, now()));
      else if (one.kind === "later") settlements.push(later(work, one.waitMs, one.message));
      else {
        const parentField = type.parent?.field;
        const placed = parentField === undefined || work.parentId === undefined ? {} : { [parentField]: work.parentId };
        ready.push({ ...work, wire: { ...one.fields, ...placed } });
      }
    });
    await settle(settlements);
    return ready;
  }

  function changeOf(work: Work): Change {
    const { content, mirror, wire } = work;
    const create = mirror === undefined;
    const facts = mirror?.facts ?? {};
    const difference =
      content.derived && !create
        ? { send: [], equal: [], found: [] }
        : diff(content.desired, wire, facts, specOf, { force: content.force, create });
    const fields = Object.fromEntries(
      difference.send.map((field) => [field, wire[field] ?? content.desired.fields[field] ?? null]),
    );
    const keys = Object.fromEntries(
      Object.entries(content.desired.keys).filter(([name]) => create || difference.send.includes(name)),
    );
    const { parentId } = work;
    return {
      work,
      difference,
      intent: {
        kind: create ? "create" : "update",
        ...(mirror === undefined ? {} : { remoteId: mirror.id }),
        keys,
        ...(parentId === undefined ? {} : { parentId }),
        fields,
        namesake: work.namesake,
      },
    };
  }

  async function write(works: readonly Work[]): Promise<Problem | undefined> {
    const changes = works.map(changeOf);
    const isIdle = ({ difference, intent }: Change): boolean =>
      intent.kind === "update" && difference.send.length === 0;
    const settled = changes.filter(isIdle).flatMap(({ work, difference }) => {
      const remoteId = work.mirror?.id;
      if (remoteId === undefined) return [];
      const { equal } = difference;
      const why = reason("in_sync");
      return [delivered(work, context, { remoteId, sent: [], equal, outcome: "unchanged", why, created: false })];
    });
    await settle(settled);

    // Namesakes go last: they are written one by one, when the bulk write can no longer mistake one for another.
    const busy = changes.filter((change) => !isIdle(change));
    const ordered = [...busy.filter((each) => !each.intent.namesake), ...busy.filter((each) => each.intent.namesake)];
    const chunks = service.chunks(
      type.name,
      ordered.map(({ intent }) => intent),
      settings,
    );
    for (const chunk of chunks) {
      const problem = await writeChunk(chunk.flatMap((index) => ordered[index] ?? []));
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  async function writeChunk(chunk: readonly Change[]): Promise<Problem | undefined> {
    const journaled = await store.attempt(
      lane,
      chunk.map(({ work: { entry, content }, intent }) => ({
        type: type.name,
        hullId: entry.hullId,
        seq: content.seq,
        kind: intent.kind,
      })),
    );
    // What was replaced since the pass began is taken up again with its newer content.
    const current = chunk.filter((_, index) => journaled[index] === true);
    if (current.length === 0) return undefined;
    const { results, problem } = await apply(current.map(({ intent }) => intent));
    const settlements = current.map((change, index) =>
      settlementFor(change, results[index] ?? { kind: "unconfirmed", message: "The service gave no result." }),
    );
    await settle(settlements);
    return problem;
  }

  /** A service must not throw; one that does all the same leaves its records in doubt, not lost. */
  async function apply(intents: readonly Intent[]): Promise<Applied> {
    try {
      return await connection.apply(type.name, intents);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return {
        results: intents.map(() => ({ kind: "unconfirmed", message })),
        problem: { scope: "type", kind: "transient", message, waitMs: retry.capMs },
      };
    }
  }

  function settlementFor(change: Change, result: Result): Settlement {
    const { work, difference, intent } = change;
    const { send: sent, equal } = difference;
    switch (result.kind) {
      case "created": {
        const remoteId = result.remoteId;
        const why = reason("created");
        return delivered(work, context, { remoteId, sent, equal, outcome: "sent", why, created: true });
      }
      case "updated": {
        const remoteId = intent.remoteId ?? "";
        const why = reason("updated");
        return delivered(work, context, { remoteId, sent, equal, outcome: "sent", why, created: false });
      }
      case "replaced":
        return relinked(work, context, result.remoteId, sent);
      case "gone":
        return unlinked(work, now());
      case "conflict":
        return ended(work, "dead", reason("identity_alarm", `${result.remoteId}: ${result.message}`), now());
      case "rejected":
        return ended(work, "rejected", reason("refused", result.message), now());
      case "unconfirmed": {
        if (intent.kind === "update") return later(work, retry.baseMs, result.message);
        const doubt = { sinceMs: now(), reads: 0 };
        return postponed(work, now() + timing.settleMs, result.message, doubt);
      }
      case "later":
        return later(work, result.waitMs, result.message);
    }
  }

  return { place, readUnknown, prepare, write, settle };
}

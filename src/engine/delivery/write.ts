/** The writing half of a cycle: compare, cut into chunks, journal, apply, and settle every record by its own result. */
import chunk from "lodash/chunk";
import partition from "lodash/partition";
import mapValues from "lodash/mapValues";
import pickBy from "lodash/pickBy";
import type { Applied, Intent, Problem, Result } from "../../services/connection";
import type { ObjectType } from "../../services/model";
import { typeNamed } from "../../services/types";
import type { Settlement } from "../../storage/port/store";
import { diff, type Difference } from "../rules/diff";
import { isClosed, ownId } from "../rules/identity";
import type { Step } from "../rules/state";
import { reason, type Reason } from "../../outcome/outcome";
import type { Cycle } from "./context";
import { withNamesakes } from "./namesakes";
import { hasUnrepeatableChanges } from "./resolve";
import {
  advanced,
  afterwards,
  delivered,
  type Delivery,
  ended,
  forgotten,
  NO_RESULT,
  postponed,
  relinked,
  unlinked,
  type TypeContext,
  type Work,
} from "./work";

/** A record with the fields to send. */
interface Change {
  readonly work: Work;
  readonly difference: Difference;
  readonly intent: Intent;
}

const NO_DIFFERENCE: Difference = { send: [], equal: [], found: [], blind: [] };

function changeOf(context: TypeContext, work: Work): Change {
  const { specOf } = context;
  const { content, mirror, wire, parentId, namesake } = work;
  const { desired, derived, force } = content;
  const create = mirror === undefined;
  const facts = mirror?.facts ?? {};
  const compared = { force, replay: content.replay === true, create };
  const difference = derived && !create ? NO_DIFFERENCE : diff(desired, wire, facts, specOf, compared);
  const kind = create ? "create" : kindOf(difference, stepFor(context, work, mirror));
  const ofState = kind === "end" || kind === "restart";
  const fields = ofState
    ? mapValues(desired.stateFields ?? {}, (value, name) => wire[name] ?? value)
    : pickValues(work, difference.send);
  const keys = pickBy(desired.keys, (_, name) => create || (!ofState && difference.send.includes(name)));
  const { hullId } = work.entry;
  const known = { remoteId: mirror?.id, knownKeys: mirror?.keys };
  return { work, difference, intent: { hullId, kind, ...known, keys, parentId, fields, namesake } };
}

function pickValues({ wire, content }: Work, fields: readonly string[]): Intent["fields"] {
  return Object.fromEntries(fields.map((field) => [field, wire[field] ?? content.desired.fields[field] ?? null]));
}

/** What the record needs besides its fields; nothing where that cannot be done, or where it only serves its children. */
function stepFor(
  { stepOf }: TypeContext,
  { content, stuck }: Work,
  known: Parameters<TypeContext["stepOf"]>[1],
): Step | undefined {
  return stuck !== undefined || content.derived ? undefined : stepOf(content.desired, known);
}

/** What comes first for a record that is there: it is restarted, then updated, then ended; each is a request. */
function kindOf({ send }: Difference, step: Step | undefined): Intent["kind"] {
  if (step === "restart") return "restart";
  return step === "end" && send.length === 0 ? "end" : "update";
}

/** Whether another step follows this one. */
function hasMore(context: TypeContext, { work, difference, intent }: Change, delivery: Delivery): boolean {
  if (intent.kind === "end") return false;
  if (intent.kind === "restart" && difference.send.length > 0) return true;
  return stepFor(context, work, afterwards(work, context, delivery)) !== undefined;
}

/** Why nothing is written for a record, whatever differs. */
function barred({ type }: TypeContext, { work, difference, intent }: Change): Reason | undefined {
  const { desired } = work.content;
  const policy = type.writes?.policy;
  if (isClosed(type, work.mirror, desired)) return reason("archived", work.mirror?.id);
  if (intent.kind === "create") {
    if (desired.state === "ended") return reason("already_left");
    if (policy === "update") return reason("update_only");
    return type.identity === "ownKey" && ownId(type, desired) === undefined ? reason("missing_identity") : undefined;
  }
  return policy === "insert" && difference.send.length > 0 ? reason("insert_only", work.mirror?.id) : undefined;
}

/** Writes what differs and settles the rest. */
export async function write<S>(cycle: Cycle<S>, works: readonly Work[]): Promise<Problem | undefined> {
  const { service, settings } = cycle.options;
  const { context } = cycle;
  const { type, nowMs } = context;
  const settled: Settlement[] = [];
  const busy: Change[] = [];
  for (const work of await withNamesakes(cycle, works)) {
    const change = changeOf(context, work);
    const why = barred(context, change);
    if (why !== undefined) settled.push(ended(work, "skipped", why, nowMs));
    else if (isIdle(change)) settled.push(idle(context, change));
    else busy.push(change);
  }
  await cycle.settle(settled);

  // Namesakes go last and alone, when no other write can confuse them any more.
  const ordered = [...busy.filter((each) => !each.intent.namesake), ...busy.filter((each) => each.intent.namesake)];
  const intents = ordered.map(({ intent }) => intent);
  const { most = 1, concurrent = 1 } = type.writes ?? {};
  const isNamesake = (index: number): boolean => intents[index]?.namesake === true;
  const [alone, together] = partition([...intents.keys()], isNamesake);
  const chunks = service.chunks?.(type.name, intents, settings) ?? [...chunk(together, most), ...chunk(alone, 1)];
  const [lonely, others] = partition(chunks, (indexes) => indexes.some(isNamesake));
  for (const group of [...chunk(others, concurrent), ...chunk(lonely, 1)]) {
    const problems = await Promise.all(
      group.map((indexes) =>
        writeChunk(
          cycle,
          indexes.flatMap((index) => ordered[index] ?? []),
        ),
      ),
    );
    const problem = problems.find((each) => each !== undefined);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

const isIdle = ({ difference, intent }: Change): boolean => intent.kind === "update" && difference.send.length === 0;

/** The service has it as it should be. */
function idle(context: TypeContext, { work, difference: { equal } }: Change): Settlement {
  const { mirror, entry, record } = work;
  const remoteId = mirror?.id ?? "";
  // A write whose answer was lost, and that has arrived: it was ours.
  const made = entry.unconfirmed !== undefined;
  // Another connector may have linked a record that this one made.
  const isChange = hasUnrepeatableChanges(context.type) && record?.remoteId === remoteId;
  const code = mirror?.archived === true ? "ended" : isChange ? "updated" : "created";
  const why = made ? reason(code) : reason("in_sync", undefined, context.outcomes);
  return delivered(work, context, {
    remoteId,
    sent: [],
    equal,
    outcome: made ? "sent" : "unchanged",
    why,
    created: false,
  });
}

/** Journals a chunk before its request. Content that was replaced since then is left out: the newer one comes later. */
export async function journal<S, T>(
  { options: { store, lane }, context: { type } }: Cycle<S>,
  chunk: readonly T[],
  attemptOf: (item: T) => { readonly work: Work; readonly repeatable: boolean },
): Promise<readonly T[]> {
  const requests = chunk.map((item) => {
    const { work, repeatable } = attemptOf(item);
    return { type: type.name, hullId: work.entry.hullId, seq: work.content.seq, repeatable };
  });
  const journaled = await store.attempt(lane, requests);
  return chunk.filter((_, index) => journaled[index] === true);
}

function isRepeatable({ writes }: ObjectType, { kind }: Intent): boolean {
  return writes?.repeatable?.includes(kind) ?? kind !== "create";
}

async function writeChunk<S>(cycle: Cycle<S>, some: readonly Change[]): Promise<Problem | undefined> {
  const { type } = cycle.context;
  const current = await journal(cycle, some, ({ work, intent }) => ({ work, repeatable: isRepeatable(type, intent) }));
  if (current.length === 0) return undefined;
  const { results, problem } = await apply(
    cycle,
    current.map(({ intent }) => intent),
  );
  const settled = current.map((change, index) => {
    const result = results[index] ?? NO_RESULT;
    // A request that failed as a whole says nothing about single records.
    const isSuspect = result.kind === "rejected" || (result.kind === "unconfirmed" && problem === undefined);
    return { change, result, isSuspect };
  });
  const orphaned = await goneParents(
    cycle,
    settled.flatMap(({ change, isSuspect }) => (isSuspect ? [change] : [])),
  );
  const settlements = settled.map(({ change, result, isSuspect }) => {
    if (!isSuspect || !orphaned.has(change.work.parentId ?? "")) return settlementFor(cycle, change, result);
    const { now } = cycle.options;
    const isOpen = result.kind === "unconfirmed" && !isRepeatable(type, change.intent);
    const unconfirmed = isOpen ? { sinceMs: now(), reads: 0 } : undefined;
    return postponed(
      change.work,
      now(),
      "Its parent is gone from the service and is created again first.",
      unconfirmed,
    );
  });
  await cycle.settle(settlements);
  return problem;
}

/** How many parents of refused records are checked in one chunk. */
const PARENT_LIMIT = 20;

/**
 * A record may be refused, or not appear, because its parent was removed in the service. Such a parent is forgotten, so
 * that the child waits until it is created again. Returns the remote ids that are gone.
 */
async function goneParents<S>(cycle: Cycle<S>, suspects: readonly Change[]): Promise<ReadonlySet<string>> {
  const { connection, lane, service } = cycle.options;
  const { parent } = cycle.context.type;
  const hullIds = new Map<string, string>();
  for (const { work } of suspects) {
    const hullId = work.content.desired.parent?.hullId;
    if (work.parentId !== undefined && hullId !== undefined) hullIds.set(work.parentId, hullId);
  }
  if (parent === undefined || hullIds.size === 0 || typeNamed(service, parent.type)?.lookup === false) return new Set();
  const ids = [...hullIds.keys()].slice(0, PARENT_LIMIT);
  const known = ids.map((id) => ({ id }));
  const { gone = [] } = (await connection.read?.(parent.type, known, [])) ?? {};
  await cycle.settle(
    gone.flatMap((id) => {
      const hullId = hullIds.get(id);
      return hullId === undefined ? [] : [forgotten(lane.tenant, parent.type, hullId, id)];
    }),
  );
  return new Set(gone);
}

/** A service must not throw; if it does, its records become unconfirmed and are not lost. */
export async function apply<S>(cycle: Cycle<S>, intents: readonly Intent[]): Promise<Applied> {
  const { connection, retry, stopOnError } = cycle.options;
  const { type } = cycle.context;
  try {
    return await connection.apply(type.name, intents, { stopOnError });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return {
      results: intents.map(() => ({ kind: "unconfirmed", message })),
      problem: { scope: "type", kind: "transient", message, waitMs: retry.capMs },
    };
  }
}

function settlementFor<S>(cycle: Cycle<S>, change: Change, result: Result): Settlement {
  const { retry, timing, now } = cycle.options;
  const { context, later } = cycle;
  const { work, difference, intent } = change;
  switch (result.kind) {
    case "created":
    case "updated":
    case "ended":
    case "restarted":
    case "accepted":
      return written(cycle, change, result);
    case "replaced":
      return relinked(work, context, result.remoteId, difference.send);
    case "gone":
      return unlinked(work, now());
    case "conflict":
      return ended(work, "dead", reason("identity_alarm", `${result.remoteId}: ${result.message}`), now());
    case "rejected":
      return ended(work, "rejected", result.reason ?? reason("refused", result.message), now());
    case "unconfirmed": {
      if (isRepeatable(context.type, intent)) return later(work, retry.baseMs, result.message);
      const unconfirmed = { sinceMs: now(), reads: 0 };
      return postponed(work, now() + timing.settleMs, result.message, unconfirmed);
    }
    case "later":
      return later(work, result.waitMs, result.message);
  }
}

const CODES = { create: "created", update: "updated", end: "ended", restart: "restarted" } as const;

/** The service has it. The outcome is named after the request, not after what the answer calls it. */
function written<S>(cycle: Cycle<S>, change: Change, result: Result): Settlement {
  const { context } = cycle;
  const { work, difference, intent } = change;
  const named = "remoteId" in result ? result.remoteId : undefined;
  const remoteId = intent.remoteId ?? named ?? ownId(context.type, work.content.desired);
  if (remoteId === undefined) {
    const message = "The service did not say which record it made.";
    return settlementFor(cycle, change, { kind: "unconfirmed", message });
  }
  const ofState = intent.kind === "end" || intent.kind === "restart";
  const delivery: Delivery = {
    remoteId,
    sent: ofState ? [] : difference.send,
    equal: difference.equal,
    outcome: "sent",
    why: reason(result.kind === "accepted" ? "accepted" : CODES[intent.kind], undefined, context.outcomes),
    created: intent.kind === "create",
    archived: ofState ? intent.kind === "end" : undefined,
    shown: "record" in result ? result.record : undefined,
  };
  return hasMore(context, change, delivery) ? advanced(work, context, delivery) : delivered(work, context, delivery);
}

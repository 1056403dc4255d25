/** The writing half of a cycle: compare, cut into chunks, journal, apply, and settle every record by its own result. */
import chunk from "lodash/chunk";
import partition from "lodash/partition";
import type { Applied, Intent, Problem, Result } from "../../services/connection";
import type { ObjectType } from "../../services/model";
import { typeNamed } from "../../services/types";
import type { Settlement } from "../../storage/port/store";
import { ownId } from "../rules/identity";
import { reason } from "../../outcome/outcome";
import { barred, changeOf, hasMore, isIdle, type Change } from "./change";
import type { Cycle } from "./context";
import { redactAnswer } from "./redact";
import { hasUnrepeatableChanges } from "./resolve";
import { patchOf } from "./settle/mirror-patch";
import { advanced, delivered, ended, forgotten, postponed, relinked, unlinked } from "./settle/settlements";
import { inQueueSpan } from "../../tracing";
import { NO_RESULT, type Delivery, type TypeContext, type Work } from "./work";

/** Writes what differs and settles the rest. */
export async function write<S>(cycle: Cycle<S>, works: readonly Work[]): Promise<Problem | undefined> {
  const { service, settings } = cycle.options;
  const { context } = cycle;
  const { type, nowMs } = context;
  const settled: Settlement[] = [];
  const busy: Change[] = [];
  for (const work of works) {
    const change = changeOf(context, work);
    const why = barred(context, change);
    if (why !== undefined) settled.push(ended(change, "skipped", why, nowMs));
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

/** The service has it as it should be. */
function idle(context: TypeContext, change: Change): Settlement {
  const { mirror, entry, record, difference } = change;
  const remoteId = mirror?.id ?? "";
  // A write whose answer was lost, and that has arrived: it was ours.
  const made = entry.unconfirmed !== undefined;
  // Another connector may have linked a record that this one made.
  const isChange = hasUnrepeatableChanges(context.type) && record?.remoteId === remoteId;
  const code = mirror?.archived === true ? "ended" : isChange ? "updated" : "created";
  const why = made ? reason(code) : reason("in_sync", undefined, context.outcomes);
  return delivered(change, context, {
    remoteId,
    sent: [],
    equal: difference.equal,
    outcome: made ? "sent" : "unchanged",
    why,
    created: false,
  });
}

/** Journals a chunk before its request. Content that was replaced since then is left out: the newer one comes later. */
export async function journal<S, W extends Work>(
  { options: { store, lane }, context: { type } }: Cycle<S>,
  chunk: readonly W[],
  isRepeatable: (work: W) => boolean,
): Promise<readonly W[]> {
  const requests = chunk.map((work) => {
    const { entry, content } = work;
    const { hullId, notBeforeMs } = entry;
    return { type: type.name, hullId, seq: content.seq, notBeforeMs, repeatable: isRepeatable(work) };
  });
  const journaled = await store.attempt(lane, requests);
  return chunk.filter((_, index) => journaled[index] === true);
}

function isRepeatable({ writes }: ObjectType, { kind }: Intent): boolean {
  return writes?.repeatable?.includes(kind) ?? kind !== "create";
}

async function writeChunk<S>(cycle: Cycle<S>, some: readonly Change[]): Promise<Problem | undefined> {
  const { type } = cycle.context;
  const current = await journal(cycle, some, ({ intent }) => isRepeatable(type, intent));
  if (current.length === 0) return undefined;
  const { results, problem } = await apply(
    cycle,
    current,
    current.map(({ intent }) => intent),
  );
  const settled = current.map((change, index) => {
    const result = results[index] ?? NO_RESULT;
    // A request that failed as a whole says nothing about single records.
    const isSuspect = result.kind === "rejected" || (result.kind === "unconfirmed" && problem === undefined);
    return { change, result, isSuspect };
  });
  const suspects = settled.flatMap(({ change, isSuspect }) => (isSuspect ? [change] : []));
  const { gone, parents } = await goneParents(cycle, suspects);
  const hasProgressed = results.some(({ kind }) => kind !== "later" && kind !== "unconfirmed");
  const settlementOf = ({ change, result, isSuspect }: (typeof settled)[number]): Settlement => {
    if (hasProgressed && result.kind === "later" && result.notAttempted === true) {
      return postponed(change, cycle.options.now(), result.message, change.entry.unconfirmed);
    }
    if (!isSuspect || !gone.has(change.parentId ?? "")) return settlementFor(cycle, change, result);
    const { now } = cycle.options;
    const isOpen = result.kind === "unconfirmed" && !isRepeatable(type, change.intent);
    const unconfirmed = isOpen ? { sinceMs: now(), reads: 0 } : undefined;
    return postponed(change, now(), "Its parent is gone from the service and is created again first.", unconfirmed);
  };
  const requested = current.map(({ entry }) => entry);
  await cycle.settle(parents, requested);
  for (const some of chunk(settled, SETTLED_AT_ONCE)) await cycle.settle(some.map(settlementOf), requested);
  return problem;
}

/** Settlements made at a time: each is as large as its record, and would be kept until the last one is written. */
const SETTLED_AT_ONCE = 250;

/** How many parents of refused records are checked in one chunk. */
const PARENT_LIMIT = 20;

/**
 * A record may be refused, or not appear, because its parent was removed in the service. Such a parent is to be forgotten,
 * so that the child waits until it is created again. Returns the remote ids that are gone, and what is to be settled.
 */
async function goneParents<S>(
  cycle: Cycle<S>,
  suspects: readonly Change[],
): Promise<{ readonly gone: ReadonlySet<string>; readonly parents: readonly Settlement[] }> {
  const { connection, lane, service } = cycle.options;
  const { parent } = cycle.context.type;
  const hullIds = new Map<string, string>();
  for (const { content, parentId } of suspects) {
    const hullId = content.desired.parent?.hullId;
    if (parentId !== undefined && hullId !== undefined) hullIds.set(parentId, hullId);
  }
  if (parent === undefined || hullIds.size === 0 || typeNamed(service, parent.type)?.lookup === false) {
    return { gone: new Set(), parents: [] };
  }
  const ids = [...hullIds.keys()].slice(0, PARENT_LIMIT);
  const known = ids.map((id) => ({ id }));
  const { gone = [] } = (await connection.read?.(parent.type, known, [])) ?? {};
  const parents = gone.flatMap((id) => {
    const hullId = hullIds.get(id);
    return hullId === undefined ? [] : [forgotten(lane.tenant, parent.type, hullId, id)];
  });
  return { gone: new Set(gone), parents };
}

/** Sends what was made of some records. A service must not throw; if it does, they become unconfirmed and are not lost. */
export function apply<S>(cycle: Cycle<S>, works: readonly Work[], intents: readonly Intent[]): Promise<Applied> {
  const { name: service } = cycle.options.service;
  const { name: type } = cycle.context.type;
  const traces = works.map(({ content }) => content.trace);
  return inQueueSpan(
    { operation: "write", queue: "outbox", service, type, count: works.length, traces },
    async (fail) => {
      const applied = await applyIntents(cycle, intents);
      if (applied.problem !== undefined) fail(applied.problem.kind);
      return applied;
    },
  );
}

async function applyIntents<S>(cycle: Cycle<S>, intents: readonly Intent[]): Promise<Applied> {
  const { connection, retry, stopOnError } = cycle.options;
  const { type } = cycle.context;
  try {
    return redactAnswer(cycle.context, intents, await connection.apply(type.name, intents, { stopOnError }));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return redactAnswer(cycle.context, intents, {
      results: intents.map(() => ({ kind: "unconfirmed", message })),
      problem: { scope: "type", kind: "transient", message, waitMs: retry.capMs },
    });
  }
}

function settlementFor<S>(cycle: Cycle<S>, change: Change, result: Result): Settlement {
  const { retry, timing, now } = cycle.options;
  const { context, later } = cycle;
  const { difference, intent } = change;
  switch (result.kind) {
    case "created":
    case "updated":
    case "ended":
    case "restarted":
    case "accepted":
      return written(cycle, change, result);
    case "replaced":
      return relinked(change, context, result.remoteId, difference.send);
    case "gone":
      return unlinked(change, now());
    case "conflict":
      return ended(change, "dead", reason("identity_alarm", `${result.remoteId}: ${result.message}`), now());
    case "rejected":
      return ended(change, "rejected", result.reason ?? reason("refused", result.message), now());
    case "skipped":
      return ended(change, "skipped", result.reason, now());
    case "unconfirmed": {
      if (isRepeatable(context.type, intent)) return later(change, retry.baseMs, result.message);
      const unconfirmed = { sinceMs: now(), reads: 0 };
      return postponed(change, now() + timing.settleMs, result.message, unconfirmed);
    }
    case "later":
      return later(change, result.waitMs, result.message);
  }
}

const CODES = { create: "created", update: "updated", end: "ended", restart: "restarted" } as const;

/** The service has it. The outcome is named after the request, not after what the answer calls it. */
function written<S>(cycle: Cycle<S>, change: Change, result: Result): Settlement {
  const { context } = cycle;
  const { difference, intent } = change;
  const named = "remoteId" in result ? result.remoteId : undefined;
  const remoteId = intent.remoteId ?? named ?? ownId(context.type, change.content.desired);
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
  const patch = patchOf(change, context, delivery);
  return hasMore(context, change, patch)
    ? advanced(change, context, delivery, patch)
    : delivered(change, context, delivery, patch);
}

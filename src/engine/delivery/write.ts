/** The writing half of a cycle: compare, cut into chunks, journal, apply, and settle every record by its own result. */
import type { Applied, Intent, Problem, Result } from "../../services/connection";
import type { Settlement } from "../../storage/port/store";
import { diff, type Difference } from "../rules/diff";
import { reason } from "../../outcome/outcome";
import type { Cycle } from "./context";
import { delivered, ended, forgotten, postponed, relinked, unlinked, type TypeContext, type Work } from "./work";

/** A record with the fields to send. */
interface Change {
  readonly work: Work;
  readonly difference: Difference;
  readonly intent: Intent;
}

function changeOf({ specOf }: TypeContext, work: Work): Change {
  const { content, mirror, wire } = work;
  const create = mirror === undefined;
  const facts = mirror?.facts ?? {};
  const difference =
    content.derived && !create
      ? { send: [], equal: [], found: [], blind: [] }
      : diff(content.desired, wire, facts, specOf, { force: content.force, replay: content.replay === true, create });
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
      hullId: work.entry.hullId,
      kind: create ? "create" : "update",
      remoteId: mirror?.id,
      keys,
      parentId,
      fields,
      namesake: work.namesake,
    },
  };
}

/** Writes what differs and settles the rest. */
export async function write<S>(cycle: Cycle<S>, works: readonly Work[]): Promise<Problem | undefined> {
  const {
    options: { service, settings },
    context,
  } = cycle;
  const { type } = context;
  const changes = works.map((work) => changeOf(context, work));
  const isIdle = ({ difference, intent }: Change): boolean => intent.kind === "update" && difference.send.length === 0;
  const settled = changes.filter(isIdle).flatMap(({ work, difference }) => {
    const remoteId = work.mirror?.id;
    if (remoteId === undefined) return [];
    const { equal } = difference;
    // A create whose answer was lost, and which exists: it was ours.
    const made = work.entry.unconfirmed !== undefined;
    const why = reason(made ? "created" : "in_sync");
    const outcome = made ? "sent" : "unchanged";
    return [delivered(work, context, { remoteId, sent: [], equal, outcome, why, created: false })];
  });
  await cycle.settle(settled);

  // Namesakes go last: they are written one by one, when the bulk write can no longer confuse them.
  const busy = changes.filter((change) => !isIdle(change));
  const ordered = [...busy.filter((each) => !each.intent.namesake), ...busy.filter((each) => each.intent.namesake)];
  const chunks = service.chunks(
    type.name,
    ordered.map(({ intent }) => intent),
    settings,
  );
  for (const chunk of chunks) {
    const problem = await writeChunk(
      cycle,
      chunk.flatMap((index) => ordered[index] ?? []),
    );
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Journals a chunk before its request. Content that was replaced since then is left out: the newer one comes later. */
export async function journal<S, T>(
  { options: { store, lane }, context: { type } }: Cycle<S>,
  chunk: readonly T[],
  attemptOf: (item: T) => { readonly work: Work; readonly kind: Intent["kind"] },
): Promise<readonly T[]> {
  const requests = chunk.map((item) => {
    const { work, kind } = attemptOf(item);
    return { type: type.name, hullId: work.entry.hullId, seq: work.content.seq, kind };
  });
  const journaled = await store.attempt(lane, requests);
  return chunk.filter((_, index) => journaled[index] === true);
}

async function writeChunk<S>(cycle: Cycle<S>, chunk: readonly Change[]): Promise<Problem | undefined> {
  const current = await journal(cycle, chunk, ({ work, intent }) => ({ work, kind: intent.kind }));
  if (current.length === 0) return undefined;
  const { results, problem } = await apply(
    cycle,
    current.map(({ intent }) => intent),
  );
  const settled = current.map((change, index) => {
    const result = results[index] ?? { kind: "unconfirmed", message: "The service gave no result." };
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
    const isOpen = result.kind === "unconfirmed" && change.intent.kind === "create";
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
  const {
    options: { connection, lane },
    context: {
      type: { parent },
    },
  } = cycle;
  const hullIds = new Map<string, string>();
  for (const { work } of suspects) {
    const hullId = work.content.desired.parent?.hullId;
    if (work.parentId !== undefined && hullId !== undefined) hullIds.set(work.parentId, hullId);
  }
  if (parent === undefined || hullIds.size === 0) return new Set();
  const ids = [...hullIds.keys()].slice(0, PARENT_LIMIT);
  const { gone } = await connection.read(
    parent.type,
    ids.map((id) => ({ id })),
    [],
  );
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
  const {
    options: { connection, retry },
    context: { type },
  } = cycle;
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

function settlementFor<S>(cycle: Cycle<S>, change: Change, result: Result): Settlement {
  const {
    options: { retry, timing, now },
    context,
    later,
  } = cycle;
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
      const unconfirmed = { sinceMs: now(), reads: 0 };
      return postponed(work, now() + timing.settleMs, result.message, unconfirmed);
    }
    case "later":
      return later(work, result.waitMs, result.message);
  }
}

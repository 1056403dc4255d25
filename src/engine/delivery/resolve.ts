/** Which remote record each piece of work is: from what is remembered first, then by the cheapest look-ups. */
import partition from "lodash/partition";
import { foldedKey } from "../../record";
import type { Connection, Found, Problem, Wanted } from "../../services/connection";
import type { ObjectType } from "../../services/model";
import type { MirrorRow } from "../../storage/port/rows";
import type { Lane, Settlement, Store } from "../../storage/port/store";
import { identify, type Identity } from "../rules/identity";
import { reason } from "../../outcome/outcome";
import { createClaims } from "./claims";
import { ended, postponed, taken } from "./settle/settlements";
import { observationOf, type TypeContext, type Work } from "./work";
import { withNamesakes } from "./namesakes";

export interface Timing {
  /** A read may miss what was written this recently. Milliseconds. */
  readonly settleMs: number;
  /** A complete scan younger than this proves absence. Milliseconds. */
  readonly scanTrustMs: number;
}

export interface Resolved {
  /** Work whose record is known, or known not to exist. */
  readonly works: readonly Work[];
  readonly settlements: readonly Settlement[];
  readonly problem?: Problem;
}

/** How often an unconfirmed create is looked for before it is tried again. */
const UNCONFIRMED_READS = 2;

export interface ResolveInput {
  readonly store: Store;
  readonly connection: Connection;
  readonly lane: Lane;
  readonly context: TypeContext;
  readonly timing: Timing;
}

/** Links every piece of work to its remote record, or proves that there is none. */
export async function resolve(input: ResolveInput, works: readonly Work[]): Promise<Resolved> {
  const { type, nowMs } = input.context;
  const [lost, open] = partition(works, (work) => isLost(work, type));
  const dead = lost.map((work) => ended(work, "dead", reason("unconfirmed", work.entry.problem), nowMs));
  const { settlements, ...rest } = await identifyOpen(input, open);
  return { ...rest, settlements: [...dead, ...settlements] };
}

async function identifyOpen(input: ResolveInput, works: readonly Work[]): Promise<Resolved> {
  const { store, lane, context, timing } = input;
  const [held, unlinked] = partition(
    works,
    (work) => !isOpenCreate(work, context.type) && linkHolds(work, context.type),
  );
  const linked = await withNamesakes(input, held);
  if (unlinked.length === 0) return { works: linked, settlements: [] };

  const { lookup } = context.type;
  if (lookup !== false) await readMissing(input, unlinked);
  const remote = await store.remote(lane.remote);
  const scan = remote.scans[context.type.name];
  const scanned = scan !== undefined && scan.partial !== true && context.nowMs - scan.startedAtMs < timing.scanTrustMs;
  const early = await identifyAll(input, unlinked);

  // What is remembered decides about the rest only when a recent scan proves that nothing else exists.
  const asked = unlinked.filter((work, index) => {
    if (lookup === false) return false;
    if (isOpenCreate(work, context.type)) return true;
    // A link that only lacks confirmation by its key is not worth a call; one that its key contradicts is.
    if (work.mirror !== undefined && !contradicts(work, context.type)) return false;
    const verdict = early[index];
    // Whether two spellings of a key are one, only the service that finds records by it can say.
    if (verdict?.kind === "absent" && verdict.namesake && context.type.writes?.byKey === true) return true;
    return !scanned && (verdict?.kind === "absent" || verdict?.kind === "ambiguous");
  });
  let problem: Problem | undefined;
  const exhaustive = new Map<Work, boolean>();
  if (asked.length > 0) {
    const found = await find(input, asked, scan?.size);
    problem = found.problem;
    asked.forEach((work, index) => exhaustive.set(work, found.exhaustive[index] ?? false));
  }
  const proven = new Set(asked.filter((work) => exhaustive.get(work) === true));
  const verdicts = asked.length === 0 ? early : await identifyAll(input, unlinked, proven);

  const resolved: Work[] = [...linked];
  const settlements: Settlement[] = [];
  const claims = createClaims(context.type);
  unlinked.forEach((work, index) => {
    const verdict = verdicts[index];
    if (verdict === undefined) return;
    if (exhaustive.get(work) === false && verdict.kind !== "match") {
      const waitMs = problem?.waitMs ?? timing.settleMs;
      const words = problem?.message ?? "The service could not be asked whether the record exists.";
      settlements.push(postponed(work, context.nowMs + waitMs, words, work.entry.unconfirmed));
      return;
    }
    const conclusion = conclude(work, verdict, context, timing);
    if ("then" in conclusion) {
      settlements.push(conclusion);
      return;
    }
    const claimed = claims.claim(conclusion);
    if (claimed !== undefined) resolved.push(claimed);
  });
  return { works: resolved, settlements, problem };
}

/** The answer to a request was lost, and there is nothing by which it could be found out what became of it. */
function isLost({ entry, mirror, content }: Work, { lookup, writes }: ObjectType): boolean {
  if (entry.unconfirmed === undefined) return false;
  const ends = content.desired.state === "ended" && mirror !== undefined && mirror.archived !== true;
  if (ends && writes?.endUnseen === true) return true;
  return lookup === false || (mirror === undefined && Object.keys(content.desired.keys).length === 0);
}

/**
 * Whether the lost request may have created the record. If the record is linked, the lost request was a change: we know
 * which record it is, and read it before writing again, unless its key is its id and that has changed.
 */
function isOpenCreate(work: Work, type: ObjectType): boolean {
  if (work.entry.unconfirmed === undefined) return false;
  const isChange = hasUnrepeatableChanges(type) && work.mirror !== undefined;
  return !isChange || (type.identity === "ownKey" && contradicts(work, type));
}

/** Whether some changes of the type must not be repeated blindly, so that not only creates can be unconfirmed. */
export function hasUnrepeatableChanges({ writes, lookup }: ObjectType): boolean {
  const { repeatable } = writes ?? {};
  if (repeatable === undefined || lookup === false) return false;
  return (["update", "end", "restart"] as const).some((kind) => !repeatable.includes(kind));
}

/** An id that is unique in the whole remote is trusted more than the link; where they agree, the link is kept. */
function linkHolds({ mirror, content }: Work, type: ObjectType): boolean {
  if (mirror === undefined) return false;
  return type.keys.every((key) => {
    const own = content.desired.keys[key.name];
    return key.scope !== "remote" || own === undefined || mirror.keys[key.name] === own;
  });
}

/** The service is known to hold another value for a key that is unique there. */
function contradicts({ mirror, content }: Work, type: ObjectType): boolean {
  return type.keys.some((key) => {
    const own = content.desired.keys[key.name];
    const theirs = mirror?.keys[key.name];
    return key.scope === "remote" && own !== undefined && theirs !== undefined && theirs !== own;
  });
}

const NOTES = { case_only: "case_only", blanks_only: "blanks_only", several: "several_records" } as const;

/** What a verdict means for one piece of work. */
function conclude(work: Work, verdict: Identity, context: TypeContext, timing: Timing): Work | Settlement {
  const { nowMs, type, outcomes } = context;
  switch (verdict.kind) {
    case "match": {
      const note = verdict.note === undefined ? undefined : reason(NOTES[verdict.note], verdict.row.id, outcomes);
      const namesake = work.namesake || (verdict.note === "several" && type.writes?.byKey === true);
      return { ...work, mirror: verdict.row, note: note ?? work.note, namesake };
    }
    case "absent": {
      const unconfirmed = isOpenCreate(work, type) ? work.entry.unconfirmed : undefined;
      const isOther = type.identity === "ownKey" && contradicts(work, type);
      if (unconfirmed === undefined && work.mirror !== undefined && !isOther) return work;
      if (unconfirmed === undefined || unconfirmed.reads + 1 >= UNCONFIRMED_READS) {
        const { mirror: _, ...rest } = work;
        return { ...rest, namesake: verdict.namesake };
      }
      const looked = { ...unconfirmed, reads: unconfirmed.reads + 1 };
      return postponed(
        work,
        nowMs + timing.settleMs,
        "An unconfirmed create was not found; it is looked for again.",
        looked,
      );
    }
    case "ambiguous":
      return ended(work, "skipped", reason("ambiguous", `candidates: ${verdict.ids.join(", ")}`, outcomes), nowMs);
    case "taken":
      return taken(work, verdict.row.id, verdict.by, nowMs);
    case "archived":
      return ended(work, "skipped", reason("archived", verdict.row.id, outcomes), nowMs);
  }
}

function keysOf(works: readonly Work[]): readonly { readonly name: string; readonly value: string }[] {
  return works.flatMap(({ content }) => Object.entries(content.desired.keys).map(([name, value]) => ({ name, value })));
}

/**
 * @param proven works for which everything that could match was just read: what was not found then is gone
 */
async function identifyAll(
  { store, lane, context, timing }: ResolveInput,
  works: readonly Work[],
  proven: ReadonlySet<Work> = new Set(),
): Promise<Identity[]> {
  const { type, nowMs } = context;
  const present = (row: MirrorRow): boolean =>
    (row.seenAtMs ?? 0) >= nowMs || (row.writtenAtMs ?? 0) > nowMs - timing.settleMs;
  const rows = await store.candidates(lane, type.name, keysOf(works));
  const hints = [...new Set(works.flatMap(({ content }) => content.hintId ?? []))];
  const hinted = (await store.mirrors(lane, type.name, hints)).filter((row) => row !== undefined);
  const byKey = new Map<string, MirrorRow[]>();
  const byId = new Map(hinted.map((row) => [row.id, row]));
  for (const row of rows) {
    for (const [name, value] of Object.entries(row.keys)) {
      const mark = `${name}:${foldedKey(value)}`;
      const group = byKey.get(mark);
      if (group === undefined) byKey.set(mark, [row]);
      else group.push(row);
    }
  }
  return works.map((work) => {
    const { content, entry, parentId } = work;
    const own = new Map<string, MirrorRow>();
    for (const [name, value] of Object.entries(content.desired.keys)) {
      for (const row of byKey.get(`${name}:${foldedKey(value)}`) ?? []) own.set(row.id, row);
    }
    const hint = content.hintId === undefined ? undefined : byId.get(content.hintId);
    if (hint !== undefined) own.set(hint.id, hint);
    const known = [...own.values()];
    const subject = {
      hullId: entry.hullId,
      keys: content.desired.keys,
      parentId,
      hintId: content.hintId,
    };
    const verdict = identify(type, subject, proven.has(work) ? known.filter(present) : known);
    // Namesakes elsewhere are not looked up, so remembered ones count, however old.
    return verdict.kind === "absent" ? { kind: "absent", namesake: known.length > 0 } : verdict;
  });
}

/** Most records that are read because a scan did not show them. */
const MISSING_LIMIT = 500;

/** What a scan did not show is neither a hit nor proof of absence: it is read before anything is concluded. */
async function readMissing({ store, connection, lane, context, timing }: ResolveInput, works: readonly Work[]) {
  const { type, mapped, nowMs } = context;
  const found = await store.candidates(lane, type.name, keysOf(works));
  // Their old place is no help: a list did not show them there.
  const missing = found.flatMap(({ id, missing: isMissing }) => (isMissing === true ? [{ id }] : []));
  if (missing.length === 0) return;
  const answer = await connection.read?.(type.name, missing.slice(0, MISSING_LIMIT), mapped);
  if (answer === undefined) return;
  const observations = answer.records.map((record) => observationOf(record, context));
  await store.observe(lane.remote, type.name, nowMs, timing.settleMs, observations);
  await store.forgetGone(lane.remote, type.name, answer.gone);
}

/** Asks the service; everything that was read on the way updates the mirror. */
async function find(input: ResolveInput, works: readonly Work[], scanSize: number | undefined): Promise<Found> {
  const { store, connection, lane, context, timing } = input;
  const wanted = works.map(({ content, entry, parentId }): Wanted => ({
    keys: content.desired.keys,
    parentId,
    hintId: content.hintId,
    fresh: entry.unconfirmed !== undefined,
  }));
  const found = await connection.find?.(context.type.name, wanted, {
    scanSize,
    fields: context.mapped,
    identityOnly: works.every(({ content }) => content.derived),
  });
  if (found === undefined) return { records: [], exhaustive: works.map(() => false) };
  await store.observe(
    lane.remote,
    context.type.name,
    context.nowMs,
    timing.settleMs,
    found.records.map((record) => observationOf(record, context)),
    found.scan,
  );
  return found;
}

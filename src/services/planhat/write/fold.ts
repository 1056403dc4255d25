/**
 * Folds the answer to one bulk call into one result per item. Pure, and never optimistic: what the answer does not
 * prove stays open, and the caller finds out.
 */
import type { Result } from "../../connection";
import { keyIndex, positionOf } from "./match-errors";
import type { Item, KeyIndex } from "./match-errors";
import { messageOf, readEnvelope } from "../api/envelope";
import type { Envelope } from "../api/envelope";
import { ENDUSERS } from "../object-types";

export interface Folded {
  /** One per item; undefined = not proven either way. */
  readonly results: readonly (Result | undefined)[];
  /** Errors that could not be matched to an item, in Planhat's words. */
  readonly looseErrors: readonly string[];
  /** Ids of created records that could not be matched to an item. */
  readonly looseIds: readonly string[];
  /** Created records in the answer that no item could be matched to. Undefined: the answer has no count. */
  readonly createdLeft: number | undefined;
  /** The answer counts more created records than creates were sent: an update whose id was gone became a new record. */
  readonly extraCreated: boolean;
  /** True when the answer shows that nothing at all was written: every open item may be sent again. */
  readonly nothingWritten: boolean;
  /** Planhat's words about a missing right. */
  readonly permission?: string;
  /** False when the answer is not a bulk answer at all. */
  readonly understood: boolean;
}

/** How long to wait with a record that another call was writing at the same time. */
const OVERLAP_WAIT_MS = 5_000;

/**
 * @param items what was sent; keys are unique among them (see `chunksOf`)
 * @param status 2xx, 400 or 403: an answer with another status is not a bulk answer
 */
export function foldAnswer(type: string, items: readonly Item[], status: number, body: unknown): Folded {
  const envelope = readEnvelope(body);
  const refused = status >= 400;
  if (envelope === undefined) {
    return {
      results: items.map(() => undefined),
      looseErrors: refused ? [messageOf(body)] : [],
      looseIds: [],
      createdLeft: undefined,
      extraCreated: false,
      nothingWritten: refused,
      understood: refused,
      ...(status === 403 && { permission: messageOf(body) }),
    };
  }
  const index = keyIndex(items);
  const results = new Map<number, Result>();
  const looseIds = foldSuccesses(items, index, envelope, results);
  const looseErrors = foldErrors(type, items, index, envelope, results);
  proveByCounters(items, envelope, status, looseErrors, results);
  rejectByElimination(type, items, envelope, looseErrors, results);

  const provenCreated = [...results.values()].filter(({ kind }) => kind === "created" || kind === "replaced").length;
  const creates = items.filter(({ intent }) => intent.kind === "create").length;
  const written = (envelope.created ?? 0) + (envelope.updated ?? 0) + envelope.nonupdates;
  const permission = envelope.permissionErrors[0] ?? (status === 403 ? body : undefined);
  return {
    results: items.map((_, at) => results.get(at)),
    looseErrors: looseErrors.map(({ message }) => message),
    looseIds,
    createdLeft: envelope.created === undefined ? undefined : Math.max(0, envelope.created - provenCreated),
    extraCreated: (envelope.created ?? 0) > creates || looseIds.length > Math.max(0, creates - provenCreated),
    nothingWritten: refused && written === 0 && envelope.inserts.length + envelope.updates.length === 0,
    understood: true,
    ...(permission !== undefined && { permission: messageOf(permission) }),
  };
}

/** What the key lists prove. @returns created ids that belong to no item */
function foldSuccesses(
  items: readonly Item[],
  index: KeyIndex,
  envelope: Envelope,
  results: Map<number, Result>,
): string[] {
  const looseIds: string[] = [];
  for (const entry of envelope.inserts) {
    const id = typeof entry["_id"] === "string" ? entry["_id"] : undefined;
    const at = index.byKeys(entry);
    const item = at === undefined ? undefined : items[at];
    if (at === undefined || item === undefined) {
      if (id !== undefined) looseIds.push(id);
    } else if (item.intent.kind === "create") {
      if (id !== undefined) results.set(at, { kind: "created", remoteId: id });
    } else if (id === undefined || id === item.intent.remoteId) {
      results.set(at, { kind: "updated" });
    } else {
      results.set(at, { kind: "replaced", remoteId: id });
    }
  }
  for (const entry of envelope.updates) {
    const id = typeof entry["_id"] === "string" ? entry["_id"] : undefined;
    const at = index.byKeys(entry);
    const item = at === undefined ? undefined : items[at];
    if (at === undefined || item === undefined || results.has(at)) continue;
    if (item.intent.kind === "update") {
      if (id === undefined || id === item.intent.remoteId) results.set(at, { kind: "updated" });
    } else if (id !== undefined) {
      results.set(at, { kind: "conflict", remoteId: id, message: "A new record was taken for an existing one." });
    }
  }
  return takeOnlyId(items, looseIds, results);
}

/** One created record and one create without an id belong together, unless an update may have been replaced. */
function takeOnlyId(items: readonly Item[], looseIds: readonly string[], results: Map<number, Result>): string[] {
  const open = openOf(items, results, "create");
  const [id, ...others] = looseIds;
  const [at] = open;
  const settledUpdates = openOf(items, results, "update").length === 0;
  if (id === undefined || others.length > 0 || at === undefined || open.length > 1 || !settledUpdates)
    return [...looseIds];
  results.set(at, { kind: "created", remoteId: id });
  return [];
}

interface LooseError {
  readonly message: string;
  readonly position: number | undefined;
}

/** What the error lists prove. @returns the errors that name no item */
function foldErrors(
  type: string,
  items: readonly Item[],
  index: KeyIndex,
  envelope: Envelope,
  results: Map<number, Result>,
): LooseError[] {
  const loose: LooseError[] = [];
  for (const element of [...envelope.createdErrors, ...envelope.updatedErrors, ...envelope.otherErrors]) {
    const at = index.byAnything(element);
    const item = at === undefined ? undefined : items[at];
    const message = messageOf(element);
    if (at === undefined || item === undefined || results.has(at))
      loose.push({ message, position: positionOf(element) });
    else results.set(at, refusal(type, item, message));
  }
  return loose;
}

/** What a refusal of one record means for it. */
export function refusal(type: string, item: Item, message: string, status = 400): Result {
  if (/externalId,\s*email duplicated/i.test(message)) return { kind: "later", waitMs: OVERLAP_WAIT_MS, message };
  if (item.intent.kind === "update" && /not found|does not exist/i.test(message) && !namesAnother(type, message)) {
    return { kind: "gone" };
  }
  return { kind: "rejected", message, status };
}

/** "Company not found" about an enduser speaks of its company, "owner not found" about a company of its owner. */
function namesAnother(type: string, message: string): boolean {
  return type === ENDUSERS.name ? /compan/i.test(message) : /owner|\busers?\b|enduser/i.test(message);
}

/** Counters that add up, with every error matched, prove what no list names. */
function proveByCounters(
  items: readonly Item[],
  envelope: Envelope,
  status: number,
  loose: readonly LooseError[],
  results: Map<number, Result>,
): void {
  if (status >= 400 || loose.length > 0 || envelope.permissionErrors.length > 0) return;
  if (envelope.created === undefined || envelope.updated === undefined) return;
  const failed = [...results.values()].filter(
    ({ kind }) => kind === "rejected" || kind === "later" || kind === "gone",
  ).length;
  const handled = items.length - failed;
  const { created, updated, nonupdates } = envelope;
  // Unchanged records may be counted beside the updated ones or among them. Beside them is believed only when the
  // updated ones are all named, so that no unchanged record can hide behind that number.
  const beside = created + updated + nonupdates === handled && (nonupdates === 0 || envelope.updates.length >= updated);
  const addsUp = beside || (created + updated === handled && nonupdates <= updated);
  const creates = items.filter(({ intent }, at) => intent.kind === "create" && !isFailure(results.get(at))).length;
  if (!addsUp || created > creates) return;
  for (const at of openOf(items, results, "update")) results.set(at, { kind: "updated" });
}

function isFailure(result: Result | undefined): boolean {
  return result?.kind === "rejected" || result?.kind === "later" || result?.kind === "gone";
}

/** As many errors without a name as open items, and no success that is counted but not named: each open item failed. */
function rejectByElimination(
  type: string,
  items: readonly Item[],
  envelope: Envelope,
  loose: LooseError[],
  results: Map<number, Result>,
): void {
  const counted = (envelope.created ?? 0) + (envelope.updated ?? 0) + envelope.nonupdates;
  const proven = [...results.values()].filter((result) => !isFailure(result)).length;
  const open = items.flatMap((item, at) => (results.has(at) ? [] : [{ item, at }]));
  if (loose.length === 0 || loose.length !== open.length || counted > proven || envelope.permissionErrors.length > 0)
    return;
  const byPosition = new Map(loose.map((error) => [error.position, error.message]));
  const positionsFit = open.every(({ at }) => byPosition.has(at));
  const [words = "", ...otherWords] = new Set(loose.map((error) => error.message));
  // Who got which of several reasons? One may say "gone" and another "locked", so they are not assigned by guessing.
  if (!positionsFit && otherWords.length > 0) return;
  for (const { item, at } of open) {
    results.set(at, refusal(type, item, (positionsFit ? byPosition.get(at) : undefined) ?? words));
  }
  loose.length = 0;
}

function openOf(
  items: readonly Item[],
  results: ReadonlyMap<number, Result>,
  kind: Item["intent"]["kind"],
): readonly number[] {
  return items.flatMap((item, at) => (item.intent.kind === kind && !results.has(at) ? [at] : []));
}

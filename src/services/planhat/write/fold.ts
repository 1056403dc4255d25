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

/** Without counters and lists nothing is known of any item. */
export function nothingProven(items: readonly Item[]): Folded {
  return {
    results: items.map(() => undefined),
    looseErrors: [],
    looseIds: [],
    createdLeft: undefined,
    extraCreated: false,
    nothingWritten: false,
    understood: true,
  };
}

/** What is proven so far. */
type Results = Map<Item, Result>;

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
      ...nothingProven(items),
      looseErrors: refused ? [messageOf(body)] : [],
      nothingWritten: refused,
      understood: refused,
      permission: status === 403 ? messageOf(body) : undefined,
    };
  }
  const index = keyIndex(items);
  const results: Results = new Map();
  const looseIds = foldSuccesses(items, index, envelope, results);
  const looseErrors = foldErrors(type, index, envelope, results);
  proveByCounters(items, envelope, status, looseErrors, results);
  rejectByElimination(type, items, envelope, looseErrors, results);

  const provenCreated = [...results.values()].filter(({ kind }) => kind === "created" || kind === "replaced").length;
  const creates = items.filter(({ intent }) => intent.kind === "create").length;
  const permission = envelope.permissionErrors[0] ?? (status === 403 ? body : undefined);
  return {
    results: items.map((item) => results.get(item)),
    looseErrors: looseErrors.map(({ message }) => message),
    looseIds,
    createdLeft: envelope.created === undefined ? undefined : Math.max(0, envelope.created - provenCreated),
    extraCreated: (envelope.created ?? 0) > creates || looseIds.length > Math.max(0, creates - provenCreated),
    nothingWritten: refused && countedIn(envelope) === 0 && envelope.inserts.length + envelope.updates.length === 0,
    understood: true,
    permission: permission === undefined ? undefined : messageOf(permission),
  };
}

/** What the key lists prove. @returns created ids that belong to no item */
function foldSuccesses(items: readonly Item[], index: KeyIndex, envelope: Envelope, results: Results): string[] {
  const looseIds: string[] = [];
  const note = (item: Item, result: Result | undefined): void => {
    if (result !== undefined) results.set(item, result);
  };
  for (const entry of envelope.inserts) {
    const id = idIn(entry);
    const item = index.byKeys(entry);
    if (item !== undefined) note(item, inserted(item, id));
    else if (id !== undefined) looseIds.push(id);
  }
  for (const entry of envelope.updates) {
    const item = index.byKeys(entry);
    if (item !== undefined && !results.has(item)) note(item, updated(item, idIn(entry)));
  }
  return takeOnlyId(items, looseIds, results);
}

function idIn({ _id }: Readonly<Record<string, unknown>>): string | undefined {
  return typeof _id === "string" ? _id : undefined;
}

/** What it proves that an item is among the created records. */
function inserted({ intent }: Item, id: string | undefined): Result | undefined {
  if (intent.kind === "create") return id === undefined ? undefined : { kind: "created", remoteId: id };
  return id === undefined || id === intent.remoteId ? { kind: "updated" } : { kind: "replaced", remoteId: id };
}

/** The same of the updated records. */
function updated({ intent }: Item, id: string | undefined): Result | undefined {
  if (intent.kind === "create") return id === undefined ? undefined : conflict(id);
  return id === undefined || id === intent.remoteId ? { kind: "updated" } : undefined;
}

export function conflict(remoteId: string): Result {
  return { kind: "conflict", remoteId, message: "A new record was taken for an existing one." };
}

/** One created record and one create without an id belong together, unless an update may have been replaced. */
function takeOnlyId(items: readonly Item[], looseIds: string[], results: Results): string[] {
  const [id, ...otherIds] = looseIds;
  const [item, ...otherItems] = openOf(items, results, "create");
  const isSure = otherIds.length + otherItems.length + openOf(items, results, "update").length === 0;
  if (id === undefined || item === undefined || !isSure) return looseIds;
  results.set(item, { kind: "created", remoteId: id });
  return [];
}

interface LooseError {
  readonly message: string;
  readonly position: number | undefined;
}

/** What the error lists prove. @returns the errors that name no item */
function foldErrors(type: string, index: KeyIndex, envelope: Envelope, results: Results): LooseError[] {
  const loose: LooseError[] = [];
  for (const element of [...envelope.createdErrors, ...envelope.updatedErrors, ...envelope.otherErrors]) {
    const item = index.byAnything(element);
    const message = messageOf(element);
    if (item === undefined || results.has(item)) loose.push({ message, position: positionOf(element) });
    else results.set(item, refusal(type, item, message));
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
  results: Results,
): void {
  if (status >= 400 || loose.length > 0 || envelope.permissionErrors.length > 0) return;
  if (envelope.created === undefined || envelope.updated === undefined) return;
  const handled = items.length - [...results.values()].filter(isFailure).length;
  const { created, updated: changed, nonupdates } = envelope;
  // Unchanged records may be counted beside the updated ones or among them. Beside them is believed only when the
  // updated ones are all named, so that no unchanged record can hide behind that number.
  const beside = created + changed + nonupdates === handled && (nonupdates === 0 || envelope.updates.length >= changed);
  const addsUp = beside || (created + changed === handled && nonupdates <= changed);
  const creates = items.filter((item) => item.intent.kind === "create" && !isFailure(results.get(item))).length;
  if (!addsUp || created > creates) return;
  for (const item of openOf(items, results, "update")) results.set(item, { kind: "updated" });
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
  results: Results,
): void {
  const proven = [...results.values()].filter((result) => !isFailure(result)).length;
  const open = items.filter((item) => !results.has(item));
  if (loose.length === 0 || loose.length !== open.length || countedIn(envelope) > proven) return;
  if (envelope.permissionErrors.length > 0) return;
  const byPosition = new Map(loose.map((error) => [error.position, error.message]));
  const messageAt = (item: Item): string | undefined => byPosition.get(items.indexOf(item));
  const positionsFit = open.every((item) => messageAt(item) !== undefined);
  const [words = "", ...otherWords] = new Set(loose.map((error) => error.message));
  // Who got which of several reasons? One may say "gone" and another "locked", so they are not assigned by guessing.
  if (!positionsFit && otherWords.length > 0) return;
  for (const item of open) results.set(item, refusal(type, item, (positionsFit && messageAt(item)) || words));
  loose.length = 0;
}

/** Records that the answer counts as handled. */
function countedIn({ created = 0, updated: changed = 0, nonupdates }: Envelope): number {
  return created + changed + nonupdates;
}

function openOf(items: readonly Item[], results: Results, kind: Item["intent"]["kind"]): readonly Item[] {
  return items.filter((item) => item.intent.kind === kind && !results.has(item));
}

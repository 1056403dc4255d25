/**
 * Writes one chunk with as few bulk calls as the answers allow. What an answer proves is done; the rest is
 * read back or, where nothing was written or repeating changes nothing, sent again in halves until the record that
 * spoils the call is alone.
 */
import partition from "lodash/partition";
import { RemoteError } from "../../../http/errors";
import type { Applied, Intent, Problem, Result } from "../../connection";
import { itemOf } from "./match-errors";
import type { Item } from "./match-errors";
import { standsAlone } from "./chunks";
import { shortened } from "../api/envelope";
import { attempt, isFailed, isRefusal, lacksRight, problemOf, unsent } from "../api/failure";
import { foldAnswer, refusal } from "./fold";
import type { Folded } from "./fold";
import { typeSpec } from "../object-types";
import { readIds } from "../lookup/read";
import { readBackCreates, readBackUpdates, unconfirmed } from "./readback";
import type { Rest } from "../api/rest";
import { applySingle } from "./single";

/** Calls that one chunk may cost; isolating one record among 5,000 takes 27. */
const MAX_CALLS = 120;
/** Up to this many updates are read back at once; more are cheaper to send again in halves. */
const FEW_UPDATES = 5;
/** From this size on, identical refusals of all items show a fault of the mapping, not of the records. */
const ALL_ALIKE = 20;
/** A smaller chunk may consist only of bad records. */
const SAMPLE_FROM = 10;
const NO_REASON = "Planhat refused the record without naming a reason.";
const AUTH_WAIT_MS = 600_000;
const MAPPING_WAIT_MS = 600_000;
const GO_ON_WAIT_MS = 1_000;
const UNREADABLE_WAIT_MS = 0;

/** What a call left open. */
interface Outcome {
  readonly open: readonly Item[];
  /** True when the call was refused as a whole and nothing was written. */
  readonly refused: boolean;
  readonly message: string | undefined;
}

/**
 * @param intents one chunk of `chunksOf`; a namesake is written by its own call
 * @returns one result per intent. Never throws for remote failures.
 */
export async function applyChunk(rest: Rest, type: string, intents: readonly Intent[]): Promise<Applied> {
  const items = intents.map((intent) => itemOf(type, intent));
  const [alone, together] = partition(items, ({ intent }) => standsAlone(intent));
  const { results, problem } = await write(rest, type, together, alone);
  const gone = await goneAmong(rest, type, items, results);
  return {
    results: items.map((item) =>
      gone.has(item.intent.remoteId ?? "")
        ? { kind: "gone" }
        : (results.get(item) ?? later(problem?.waitMs ?? GO_ON_WAIT_MS, problem?.message)),
    ),
    problem,
  };
}

/** How many refused updates are checked in one chunk. */
const REFUSED_LOOKED_AT = 20;

/**
 * An update of a record that was removed may be refused as a bad create, since Planhat takes an unknown id for a new
 * record. Returns the ids that are gone.
 */
async function goneAmong(
  rest: Rest,
  type: string,
  items: readonly Item[],
  results: ReadonlyMap<Item, Result>,
): Promise<ReadonlySet<string>> {
  const refused = items.filter((item) => item.intent.kind === "update" && results.get(item)?.kind === "rejected");
  const ids = refused.flatMap(({ intent }) => intent.remoteId ?? []).slice(0, REFUSED_LOOKED_AT);
  return ids.length === 0 ? new Set() : new Set((await readIds(rest, type, ids)).gone);
}

function later(waitMs: number, message = "Other records of the same call are being separated first."): Result {
  return { kind: "later", waitMs, message };
}

/** Writes some items together, then each of the others by its own call. Items without a result were not written. */
async function write(rest: Rest, type: string, together: readonly Item[], alone: readonly Item[]) {
  const results = new Map<Item, Result>();
  let problem: Problem | undefined;
  let calls = 0;
  let sampled = false;

  const isOpen = (item: Item) => !results.has(item);
  const settle = (settled: Iterable<readonly [Item, Result]>) => {
    for (const [item, result] of settled) results.set(item, result);
  };

  /** One bulk call, and everything that its answer proves. */
  async function callWith(items: readonly Item[]): Promise<Outcome> {
    calls += 1;
    const folded = await send(items);
    if (folded === undefined) return { open: [], refused: false, message: undefined };
    items.forEach((item, at) => {
      const result = folded.results[at];
      if (result !== undefined) results.set(item, result);
    });
    const open = items.filter(isOpen);
    const message = folded.looseErrors.length === 0 ? undefined : [...new Set(folded.looseErrors)].join(" / ");
    if (folded.permission !== undefined) {
      problem = forbidden(folded.permission);
      settle(open.map((item) => [item, withoutRight(item, folded)]));
    } else if (!folded.understood) {
      settle(open.map((item) => [item, unreadable(item)]));
    } else if (folded.nothingWritten) {
      return { open, refused: true, message };
    } else {
      await readBack(open, folded);
    }
    return { open: items.filter(isOpen), refused: false, message };
  }

  /** @returns undefined when the answer could not be folded: everything is settled then */
  async function send(items: readonly Item[]): Promise<Folded | undefined> {
    const safeToRepeat = items.every(({ intent }) => intent.kind === "update");
    const bodies = items.map(({ body }) => body);
    const answer = await attempt(() => rest.bulk(typeSpec(type).path, bodies, safeToRepeat));
    if (!isFailed(answer)) return foldAnswer(type, items, answer.status, answer.body);
    const answered = answer instanceof RemoteError && answer.status !== undefined && answer.applied === "no";
    if (answered && (lacksRight(answer) || isRefusal(answer))) {
      return foldAnswer(type, items, answer.status, answer.answer);
    }
    problem = problemOf(answer);
    settle(items.map((item) => [item, unsent(answer, item.intent.kind === "update")]));
    return undefined;
  }

  async function readBack(open: readonly Item[], folded: Folded): Promise<void> {
    const creates = open.filter(({ intent }) => intent.kind === "create");
    const updates = open.filter(({ intent }) => intent.kind === "update");
    if (creates.length > 0) settle(await readBackCreates(rest, type, creates, folded));
    // Sending an update again whose id is gone would create yet another record.
    const suspicious = folded.extraCreated || (updates.length <= FEW_UPDATES && folded.looseErrors.length === 0);
    if (updates.length > 0 && suspicious) {
      const known = new Set(creates.flatMap((item) => idOfResult(results.get(item))));
      const looseIds = folded.looseIds.filter((id) => !known.has(id));
      settle(await readBackUpdates(rest, type, updates, { ...folded, looseIds }));
    }
  }

  /** Deals with what a call left open: `items` is what it contained, `earlier` what Planhat said about them before. */
  async function isolate(items: readonly Item[], outcome: Outcome, earlier?: string): Promise<void> {
    const heard = outcome.refused ? earlier : (outcome.message ?? earlier);
    const open = outcome.open.filter(isOpen);
    const [first] = open;
    if (first === undefined || problem !== undefined || calls >= MAX_CALLS) return;
    if (items.length === 1) {
      settle([[first, await lastWord(first, outcome, heard)]]);
    } else if (open.length < items.length && (outcome.refused || open.length === 1)) {
      await isolate(open, await callWith(open), heard);
    } else {
      await split(open, outcome, heard);
    }
  }

  async function split(items: readonly Item[], outcome: Outcome, heard: string | undefined): Promise<void> {
    const middle = Math.ceil(items.length / 2);
    const halves = [items.slice(0, middle), items.slice(middle)];
    const outcomes: { readonly half: readonly Item[]; readonly outcome: Outcome }[] = [];
    for (const half of halves) {
      if (problem !== undefined || calls >= MAX_CALLS) return;
      outcomes.push({ half, outcome: await callWith(half) });
    }
    const alike = outcomes.every((each) => each.outcome.refused && sameFault(each.outcome.message, outcome.message));
    // Only the whole chunk can show that the mapping is at fault; in a part of it, bad records may be adjacent.
    const sample = !sampled && alike && outcome.refused && items.length >= SAMPLE_FROM;
    sampled = true;
    if (sample && (await samplesFailAlike(items, outcome.message))) return;
    for (const each of outcomes) await isolate(each.half, each.outcome, heard);
  }

  /** Both halves were refused for the same reason: is it the records, or what all of them have in common? */
  async function samplesFailAlike(items: readonly Item[], message: string | undefined): Promise<boolean> {
    const samples = [items[0], items[Math.floor(items.length / 2)], items.at(-1)];
    const refused = new Map<Item, Result>();
    for (const item of samples) {
      if (item === undefined || !isOpen(item) || problem !== undefined) break;
      const outcome = await callWith([item]);
      const result = results.get(item) ?? (await lastWord(item, outcome));
      results.set(item, result);
      if (result.kind !== "rejected" || !sameFault(result.message, message ?? NO_REASON)) break;
      refused.set(item, result);
    }
    if (refused.size < samples.length || problem !== undefined) return false;
    for (const item of refused.keys()) results.delete(item);
    problem = wrongMapping(type, message);
    return true;
  }

  /**
   * The call contained only this record. A partial answer often has better words for it than the last refusal; and a
   * refused update may be one whose id is gone.
   */
  async function lastWord(item: Item, { message, refused }: Outcome, heard?: string): Promise<Result> {
    if (message === undefined && !refused) return unconfirmed();
    const result = refusal(type, item, message ?? NO_REASON);
    if (result.kind !== "rejected") return result;
    const { gone } = await readIds(rest, type, item.intent.remoteId === undefined ? [] : [item.intent.remoteId]);
    if (gone.length > 0) return { kind: "gone" };
    return heard === undefined || heard === message ? result : { ...result, message: `${result.message} / ${heard}` };
  }

  if (together.length > 0) {
    await isolate(together, await callWith(together));
    const message = refusedAlike(together.map((item) => results.get(item)));
    if (together.length >= ALL_ALIKE && message !== undefined && problem === undefined) {
      problem = wrongMapping(type, message);
      results.clear();
    }
  }
  for (const item of alone) {
    if (problem !== undefined) break;
    const single = await applySingle(rest, type, item);
    results.set(item, single.result);
    problem = single.problem;
  }
  return { results, problem };
}

function idOfResult(result: Result | undefined): readonly string[] {
  return result !== undefined && "remoteId" in result ? [result.remoteId ?? ""] : [];
}

function forbidden(words: string): Problem {
  const message = `Check the rights of the token's service account in Planhat. Planhat refused for lack of a right: ${words}`;
  return { scope: "lane", kind: "auth", message, waitMs: AUTH_WAIT_MS };
}

function withoutRight({ intent }: Item, { permission = "", nothingWritten, createdLeft }: Folded): Result {
  const perhaps = intent.kind === "create" && !nothingWritten && createdLeft !== 0;
  return perhaps ? unconfirmed(permission) : later(AUTH_WAIT_MS, permission);
}

function unreadable(item: Item): Result {
  const message = "Planhat's answer could not be understood.";
  return item.intent.kind === "create" ? unconfirmed(message) : later(UNREADABLE_WAIT_MS, message);
}

function wrongMapping(type: string, message = "no reason was given"): Problem {
  const hint = `All sampled records were refused for the same reason, so the mapping of ${type} is probably at fault. Check the mapped fields.`;
  return { scope: "type", kind: "mapping", message: `${hint} Planhat says: ${message}`, waitMs: MAPPING_WAIT_MS };
}

/** The common reason, when every record was refused, and for the same one. */
function refusedAlike(results: readonly (Result | undefined)[]): string | undefined {
  const messages = results.flatMap((result) =>
    result?.kind === "rejected" && result.status >= 400 ? [result.message] : [],
  );
  const [first] = messages;
  const isCommon = messages.length === results.length && messages.every((message) => sameFault(message, first));
  return isCommon ? first : undefined;
}

/** The same words, as far as they are kept (500 characters), whatever values they quote. */
function sameFault(left: string | undefined, right: string | undefined): boolean {
  const bare = (text: string | undefined) =>
    shortened(text ?? "")
      .replace(/"[^"]*"|'[^']*'|(?<![^\s"'])\S{1,500}@\S+|\b[0-9a-f]{24}\b/g, "*")
      .replace(/\d+/g, "#");
  return bare(left) === bare(right);
}

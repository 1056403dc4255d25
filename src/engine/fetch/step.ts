/** Some rows of a page on their way to Hull: compare, tell, and store what is known then. */
import mapKeys from "lodash/mapKeys";
import pickBy from "lodash/pickBy";
import type { Firehose } from "../../hull/firehose/firehose";
import type { FirehoseItem } from "../../hull/firehose/items";
import { foldedKey, type Claims, type Keys, type LeftOut } from "../../record";
import type { HappenedEvent, ListedRecord } from "../../services/connection";
import type { ObjectType } from "../../services/model";
import type { MirrorRow } from "../../storage/port/rows";
import type { FetchedRow, Lane, ReportLine, Store } from "../../storage/port/store";
import { leftOutText } from "../../outcome/left-out";
import { reason, type CommonCode } from "../../outcome/outcome";
import type { Try } from "../rules/retry";
import {
  ACCOUNT,
  isConfirmedWholly,
  isKnownToHull,
  isToldDeleted,
  newsOf,
  untoldRest,
  withoutMapping,
  type News,
  type KnowledgeContext,
} from "../hull-updates/what-hull-knows";
import { anonymousId, itemsFor } from "../hull-updates/items";
import { hindranceIn } from "../hull-updates/write-back";
import { observationOf, type TypeContext } from "../delivery/work";

export interface StepContext extends TypeContext, KnowledgeContext, Lane {
  readonly store: Store;
  readonly firehose: Firehose;
  readonly run: string;
  /** Prefix of the anonymous id: `service:<id>`. */
  readonly serviceName: string;
  readonly parent?: ObjectType;
  /** Users are linked to the account of their record's parent. */
  readonly link: boolean;
  /** Types whose records Hull knows by claims of the settings. */
  readonly claimed: ReadonlySet<string>;
  /** Rows that did not change since, and of which Hull knows everything, are not compared. */
  readonly passBeforeMs?: number;
  readonly settleMs: number;
  /** Fields that a row has shown; grows while rows are compared. */
  readonly shown: Set<string>;
  /** Each record gets a line in a report. */
  readonly verbose: boolean;
  readonly signal: AbortSignal;
  /** Called with each row's outcome once it is stored. */
  readonly onRows: (rows: readonly StepRow[]) => void;
}

export interface StepRow {
  readonly row: ListedRecord;
  readonly claims: Claims;
  readonly outcome: "sent" | "unchanged" | "skipped";
  readonly code: CommonCode;
  /** Values that Hull cannot hold. */
  readonly leftOut: readonly LeftOut[];
}

interface Case extends StepRow {
  readonly mirror: MirrorRow | undefined;
  /** What Hull knows once it has confirmed. */
  readonly told?: Pick<News, "facts" | "rest"> | undefined;
  readonly isOpen?: boolean | undefined;
  readonly items: readonly FirehoseItem[];
}

/** What is known of a page before its rows are compared. */
export interface PageKnowledge {
  readonly parents: Parents;
  /** Whether another row of the page has this key. */
  readonly twice: (name: string, value: string) => boolean;
}

/** What is remembered of the parents, and which of them share a key with another one. */
interface Parents {
  readonly rows: ReadonlyMap<string, MirrorRow>;
  readonly namesakes: ReadonlySet<string>;
}

/** What is remembered of the parents of a page's rows. */
export async function parentsOn(
  { store, remote, tenant, parent, link }: StepContext,
  rows: readonly ListedRecord[],
): Promise<Parents> {
  if (parent === undefined || !(link || rows.some(({ event }) => event !== undefined))) {
    return { rows: new Map(), namesakes: new Set() };
  }
  const ids = [...new Set(rows.flatMap(({ record }) => record.parentId ?? []))];
  const found = (await store.mirrors({ remote, tenant }, parent.name, ids)).filter((row) => row !== undefined);
  const shared = await store.sharedKeys(remote, parent.name, found);
  const namesakes = found.filter((_, index) => (shared[index] ?? []).length > 0);
  return { rows: new Map(found.map((row) => [row.id, row])), namesakes: new Set(namesakes.map(({ id }) => id)) };
}

/** Which keys several rows of a page have. */
export function sharedWithin(context: StepContext, rows: readonly ListedRecord[]): PageKnowledge["twice"] {
  const ids = new Map<string, string>();
  const twice = new Set<string>();
  const name = (key: string, value: string): string => `${key}\n${foldedKey(value)}`;
  for (const row of rows) {
    for (const [key, value] of Object.entries(keysOf(context, row))) {
      const first = ids.get(name(key, value));
      if (first === undefined) ids.set(name(key, value), row.id);
      else if (first !== row.id) twice.add(name(key, value));
    }
  }
  return (key, value) => twice.has(name(key, value));
}

/**
 * Compares some rows, tells Hull, and stores what it knows then.
 *
 * @param readAtMs when the page was asked for, milliseconds since 1970
 */
export async function takeRows(
  context: StepContext,
  rows: readonly ListedRecord[],
  readAtMs: number,
  knowledge: PageKnowledge,
): Promise<Try<undefined>> {
  const { store, remote, type, firehose, run, settleMs } = context;
  const views = await store.fetchView(
    remote,
    type.name,
    rows.map(({ id }) => id),
  );
  const looks = rows.map((row, index) => look(context, row, views[index] ?? { busy: false }, knowledge, readAtMs));
  const shared = await sharedKeys(context, looks, knowledge);
  const cases = looks.map((each, index) => caseOf(context, each, shared[index] ?? [], knowledge.parents));
  const results = await firehose.send(
    cases.flatMap(({ items }) => items),
    context.signal,
  );
  const settled: Case[] = [];
  let from = 0;
  for (const each of cases) {
    const own = results.slice(from, from + each.items.length);
    from += each.items.length;
    if (own.some(({ state }) => state === "later" || state === "unauthorised")) continue;
    const refused = own.some(({ state }) => state === "refused");
    settled.push(refused ? untold(each) : each);
  }
  await store.takeFetched(remote, type.name, {
    readAtMs,
    settleMs,
    run,
    rows: settled.map((each): FetchedRow => ({
      seen: observationOf(each.row.record, context, keysOf(context, each.row)),
      confirmed: confirmedOf(each, context),
      line: lineOf(type.name, each),
    })),
  });
  context.onRows(settled);
  return hindranceIn(results) ?? { kind: "done", value: undefined };
}

/** What Hull knows of the record from now on. It does not know what was left out, so the record is compared again. */
function confirmedOf(
  { told, mirror, code, leftOut, isOpen = false }: Case,
  { mapping }: StepContext,
): FetchedRow["confirmed"] {
  if (told !== undefined) {
    const { facts, rest } = told;
    return { facts, rest, mapping: leftOut.length === 0 && !isOpen ? mapping : undefined };
  }
  const rest = code === "not_touched" ? undefined : untoldRest(mirror);
  return rest && { facts: {}, rest };
}

/**
 * Keys by which Hull may confuse the record with another one; the domain is a key of Hull, not of the service, and so is
 * what the settings claim.
 */
function keysOf({ claimed, type }: StepContext, { record, claims }: ListedRecord): Keys {
  // Under names of their own: the service's keys, by which records are found, stay as they are.
  if (claimed.has(type.name)) return { ...record.keys, ...mapKeys(claims, (_, claim) => claimKey(claim)) };
  const { domain } = claims ?? {};
  return domain === undefined ? record.keys : { ...record.keys, domain };
}

function lineOf(type: string, { row, mirror, outcome, code, leftOut }: Case): ReportLine {
  const hullId = mirror?.linkedTo ?? "";
  if (leftOut.length === 0) return { type, hullId, remoteId: row.id, outcome, code, text: reason(code).text };
  const { text } = reason(code, `left out: ${leftOutText(leftOut)}`);
  return { type, hullId, remoteId: row.id, outcome, code, text, leftOut };
}

/** Hull refused it for good, so Hull does not know it: the next fetch tries again. */
function untold(refused: Case): Case {
  return { ...refused, told: undefined, code: "hull_refused" };
}

/** A row as compared: what is news for Hull, and the account that it is to be linked to. */
interface Look extends Pick<StepRow, "row" | "outcome" | "code"> {
  readonly mirror: MirrorRow | undefined;
  readonly news?: News;
  readonly link?: ReturnType<typeof linkOf>;
  /** It is to be compared again, whatever its age: its account is not in Hull yet. */
  readonly isOpen?: boolean;
}

function look(
  context: StepContext,
  row: ListedRecord,
  { mirror, busy }: { readonly mirror?: MirrorRow; readonly busy: boolean },
  { parents }: PageKnowledge,
  readAtMs: number,
): Look {
  const writtenAtMs = mirror?.writtenAtMs ?? 0;
  // Our own write is in progress, or newer than the page: the write-back tells Hull.
  if (busy || writtenAtMs > readAtMs - context.settleMs) return { row, mirror, outcome: "skipped", code: "in_flight" };
  if (context.type.untold === true) return { row, mirror, outcome: "unchanged", code: "observed" };
  const untouched =
    context.passBeforeMs !== undefined &&
    row.updatedAtMs !== undefined &&
    row.updatedAtMs < context.passBeforeMs &&
    mirror?.missing !== true &&
    !isToldDeleted(mirror?.facts ?? {}) &&
    isConfirmedWholly(mirror, context.mapping);
  if (untouched) return { row, mirror, outcome: "unchanged", code: "not_touched" };

  if (row.claims === undefined && !isHulls(mirror, context.type))
    return { row, mirror, outcome: "skipped", code: "missing_claim" };
  if (row.event !== undefined && lacksParent(context, parents.rows.get(row.record.parentId ?? "")))
    return { row, mirror, outcome: "skipped", code: "missing_claim" };
  const attributes = row.attributes.filter(({ field }) => context.specOf(field).writeOnly !== true);
  const { leftOut = [] } = row;
  noteShown(context, attributes);
  const known = newsOf({ attributes, leftOut, record: row.record }, mirror, context);
  const isOpen = waitsForParent(context, row, parents);
  const news = isOpen ? { ...known, rest: withoutMapping(known.rest) } : known;
  const link = linkOf(context, row, mirror, parents);
  if (link !== undefined || Object.keys(news.attributes).length > 0)
    return { row, mirror, outcome: "sent", code: "told", news, link, isOpen };
  return { row, mirror, outcome: "unchanged", code: leftOut.length > 0 ? "left_out" : "known", news, isOpen };
}

/** Each is looked for in every row; keys that keep changing are not remembered. */
const MOST_SHOWN = 500;

/** Only a field's own attribute is watched; a row of the settings may fill others. */
function noteShown({ shown, attributeOf }: StepContext, attributes: ListedRecord["attributes"]): void {
  for (const { field, attribute, value, volatile } of attributes) {
    if (value === null || volatile === true || shown.has(field) || shown.size >= MOST_SHOWN) continue;
    if (attributeOf(field) === attribute) shown.add(field);
  }
}

/** @param shared names of the row's keys that another record has, too */
function caseOf(context: StepContext, look: Look, shared: readonly string[], parents: Parents): Case {
  const { row, mirror, news, outcome, code, link, isOpen } = look;
  const { claims = {} } = row;
  if (news === undefined) return { row, mirror, claims, outcome, code, leftOut: [], items: [] };
  const { leftOut = [] } = row;
  const facts = link === undefined ? news.facts : { ...news.facts, [ACCOUNT]: link.mark };
  const told = { facts, rest: news.rest };
  if (outcome !== "sent") return { row, mirror, claims, outcome, code, leftOut, told, isOpen, items: [] };
  if (row.event !== undefined) {
    const items = itemsOfEvent(context, row.record, row.event, parents);
    return { row, mirror, claims, outcome, code, leftOut, told, items };
  }
  const own = claimsFor(context, row, mirror, shared);
  const items = itemsFor(context.type.entity, own, news.attributes, link?.claims);
  const ambiguous = shared.length > 0 ? "told_ambiguous" : code;
  return { row, mirror, claims: own, outcome, code: ambiguous, leftOut, told, isOpen, items };
}

/** One user for each parent has its events, and is linked to it. */
function itemsOfEvent(
  context: StepContext,
  { id, parentId = "" }: ListedRecord["record"],
  { name, atMs, properties }: HappenedEvent,
  parents: Parents,
): FirehoseItem[] {
  const { serviceName, type } = context;
  const user = { anonymous_id: anonymousId(serviceName, `${type.name}:${parentId}`) };
  const account = parentClaims(context, parentId, parents);
  const eventId = anonymousId(serviceName, `${type.name}:${id}`);
  return [{ type: "track", user, account, event: { id: eventId, name, source: serviceName, atMs, properties } }];
}

/** The linked Hull entity; else the record's own claims unless another record has them; always our anonymous id. */
function claimsFor(
  { serviceName }: StepContext,
  { record, claims }: ListedRecord,
  mirror: MirrorRow | undefined,
  shared: readonly string[],
): Claims {
  const anonymous = { anonymous_id: anonymousId(serviceName, record.id) };
  const { linkedTo } = mirror ?? {};
  if (linkedTo !== undefined && isHullId(linkedTo)) return { id: linkedTo, ...anonymous };
  return shared.length > 0 ? anonymous : { ...claims, ...anonymous };
}

/** Accounts that came without an id are remembered by their external id. */
function isHullId(id: string): boolean {
  return !id.startsWith("external_id:");
}

/** The account that the user belongs to, unless Hull has confirmed it already. */
function linkOf(
  context: StepContext,
  { record }: ListedRecord,
  mirror: MirrorRow | undefined,
  parents: Parents,
): { readonly claims: Claims; readonly mark: string } | undefined {
  const parent = record.parentId === undefined ? undefined : parents.rows.get(record.parentId);
  if (!context.link || parent === undefined || lacksParent(context, parent)) return undefined;
  const anonymous = anonymousId(context.serviceName, parent.id);
  const mark = parent.linkedTo ?? anonymous;
  const confirmed = mirror?.facts[ACCOUNT]?.[2] ?? null;
  if (confirmed === mark || confirmed === anonymous) return undefined;
  return { claims: parentClaims(context, parent.id, parents), mark };
}

/** Whether Hull has the record: it came from there, or was told. */
function isHulls(mirror: MirrorRow | undefined, { idField }: ObjectType): boolean {
  return mirror?.linkedTo !== undefined || isKnownToHull(mirror, idField);
}

/** A parent that was left out for a missing claim must not get into Hull with its children. */
function lacksParent({ parent: type, claimed }: StepContext, parent: MirrorRow | undefined): boolean {
  return type !== undefined && claimed.has(type.name) && !isHulls(parent, type);
}

/** Whether the user is still to be linked, to an account that is not in Hull yet: then it is compared again. */
function waitsForParent(context: StepContext, { record }: ListedRecord, { rows }: Parents): boolean {
  return context.link && record.parentId !== undefined && lacksParent(context, rows.get(record.parentId));
}

/** By which Hull knows the parent of a record. */
function parentClaims({ serviceName, parent: type, claimed }: StepContext, id: string, parents: Parents): Claims {
  const anonymous = { anonymous_id: anonymousId(serviceName, id) };
  const parent = parents.rows.get(id);
  if (parent?.linkedTo !== undefined && isHullId(parent.linkedTo)) return { id: parent.linkedTo, ...anonymous };
  const isClaimed = type !== undefined && claimed.has(type.name);
  const name = isClaimed ? claimKey("external_id") : type?.keys.find(({ claim }) => claim === "external_id")?.name;
  const shared = name === undefined ? undefined : parent?.keys[name];
  return shared === undefined || parents.namesakes.has(id) ? anonymous : { external_id: shared, ...anonymous };
}

const CLAIMED = "hull/";
/** Under which a claim of the settings is remembered. */
export const claimKey = (claim: string): string => CLAIMED + claim;

/** Those of a record's keys by which Hull knows it. */
export function hullKeys({ claimed, type }: Pick<StepContext, "claimed" | "type">, keys: Keys): Keys {
  return claimed.has(type.name) ? pickBy(keys, (_, name) => name.startsWith(CLAIMED)) : keys;
}

/** Keys that another record has, too, in the mirror or on the page; asked only where a row is told by its own claims. */
async function sharedKeys(
  context: StepContext,
  looks: readonly Look[],
  { twice }: PageKnowledge,
): Promise<readonly (readonly string[])[]> {
  const { store, remote, type } = context;
  const wanted = looks.map(({ row, mirror, outcome }): { id: string; keys: Keys } => ({
    id: row.id,
    keys: outcome === "sent" && mirror?.linkedTo === undefined ? hullKeys(context, keysOf(context, row)) : {},
  }));
  const mirrored = await store.sharedKeys(remote, type.name, wanted);
  return wanted.map(({ keys }, index) => {
    const here = Object.entries(keys).filter(([key, value]) => twice(key, value));
    return [...new Set([...here.map(([key]) => key), ...(mirrored[index] ?? [])])];
  });
}

/** Some rows of a page on their way to Hull: compare, tell, and write down what is known then. */
import type { Firehose } from "../hull/firehose";
import type { FirehoseItem } from "../hull/firehose-items";
import type { Claims, Keys } from "../record";
import type { ListedRecord, ObjectType } from "../services/service";
import type { MirrorRow } from "../storage/rows";
import type { FetchedRow, ReportLine, Store } from "../storage/store";
import { reason, type ReasonCode } from "./outcome";
import type { Attempt } from "./patience";
import { ACCOUNT, isToldWholly, newsOf, untoldRest, type News, type ToldContext } from "./told";
import { hindranceIn } from "./vanish";
import { observationOf, type TypeContext } from "./work";

export interface StepContext extends TypeContext, ToldContext {
  readonly store: Store;
  readonly firehose: Firehose;
  readonly remote: string;
  readonly run: string;
  /** Prefix of the anonymous id: `planhat:<id>`. */
  readonly serviceName: string;
  readonly parent?: ObjectType;
  /** Users are linked to the account of their record's parent. */
  readonly link: boolean;
  /** Rows that were not touched since, and of which Hull knows everything, are not compared. */
  readonly passBeforeMs?: number;
  readonly settleMs: number;
  readonly signal: AbortSignal;
  /** Called with each row's outcome once it is written. */
  readonly onRows: (rows: readonly StepRow[]) => void;
}

export interface StepRow {
  readonly row: ListedRecord;
  readonly claims: Claims;
  readonly outcome: "sent" | "unchanged" | "skipped";
  readonly code: ReasonCode;
}

interface Case extends StepRow {
  readonly news?: News;
  readonly mirror?: MirrorRow;
  readonly items: readonly FirehoseItem[];
}

/** @param readAtMs when the page was asked for, milliseconds since 1970 */
export async function takeRows(
  context: StepContext,
  rows: readonly ListedRecord[],
  readAtMs: number,
): Promise<Attempt<undefined>> {
  const { store, remote, type, firehose, run, settleMs } = context;
  const views = await store.fetchView(
    remote,
    type.name,
    rows.map(({ record }) => record.id),
  );
  const parents = await parentsOf(context, rows);
  const namesakes = await namesakesOf(context, [...parents.values()]);
  const shared = await sharedKeys(context, rows, views);
  const cases = rows.map((row, index): Case => {
    const { mirror, busy = false } = views[index] ?? {};
    return caseOf(context, row, mirror, busy, { rows: parents, namesakes }, shared[index] ?? [], readAtMs);
  });
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
    settled.push(refused ? withoutNews(each) : each);
  }
  await store.takeFetched(remote, type.name, {
    readAtMs,
    settleMs,
    run,
    rows: settled.map((each): FetchedRow => {
      return {
        seen: { ...observationOf(each.row.record, context), keys: keysOf(each.row) },
        ...toldOf(each),
        line: lineOf(type.name, each),
      };
    }),
  });
  context.onRows(settled);
  return hindranceIn(results) ?? { kind: "done", value: undefined };
}

/** What Hull knows of the record from now on. */
function toldOf({ news, mirror, code }: Case): Pick<FetchedRow, "told"> {
  if (news !== undefined) return { told: { facts: news.facts, rest: news.rest } };
  const rest = code === "not_touched" ? undefined : untoldRest(mirror);
  return rest === undefined ? {} : { told: { facts: {}, rest } };
}

/** By which the record may be taken for another one in Hull; the domain is no key of the service, but one of Hull. */
function keysOf({ record, claims }: ListedRecord): Keys {
  const { domain } = claims;
  return domain === undefined ? record.keys : { ...record.keys, domain };
}

function lineOf(type: string, { row, mirror, outcome, code }: Case): ReportLine {
  const remoteId = row.record.id;
  return { type, hullId: mirror?.linkedTo ?? "", remoteId, outcome, code, text: reason(code).text };
}

/** Hull refused it for good, so it does not know it: the next fetch tries again. */
function withoutNews({ news: _, ...rest }: Case): Case {
  return { ...rest, code: "hull_refused" };
}

function caseOf(
  context: StepContext,
  row: ListedRecord,
  mirror: MirrorRow | undefined,
  busy: boolean,
  parents: Parents,
  shared: readonly string[],
  readAtMs: number,
): Case {
  const { record } = row;
  const base = { row, claims: row.claims, items: [], ...(mirror === undefined ? {} : { mirror }) };
  const writtenAtMs = mirror?.writtenAtMs ?? 0;
  // Our own write is on its way, or newer than the page: the write-back tells Hull.
  if (busy || writtenAtMs > readAtMs - context.settleMs) return { ...base, outcome: "skipped", code: "in_flight" };
  if (context.type.untold === true) return { ...base, outcome: "unchanged", code: "observed" };
  const untouched =
    context.passBeforeMs !== undefined &&
    record.updatedAtMs !== undefined &&
    record.updatedAtMs < context.passBeforeMs &&
    mirror?.missing !== true &&
    isToldWholly(mirror, context.mapping);
  if (untouched) return { ...base, outcome: "unchanged", code: "not_touched" };
  const news = newsOf(row, mirror, context);
  const link = linkOf(context, row, mirror, parents);
  const facts = link === undefined ? news.facts : { ...news.facts, [ACCOUNT]: link.mark };
  const known = { ...news, facts };
  const hasNews = Object.keys(news.attributes).length > 0;
  if (!hasNews && link === undefined) return { ...base, news: known, outcome: "unchanged", code: "known" };
  const own = claimsFor(context, row, mirror, shared);
  const items: FirehoseItem[] = [];
  if (hasNews) {
    items.push(
      context.type.entity === "user"
        ? { type: "traits", subject: "user", user: own, attributes: news.attributes }
        : { type: "traits", subject: "account", account: own, attributes: news.attributes },
    );
  }
  if (link !== undefined) items.push({ type: "link", user: own, account: link.claims });
  const code = shared.length > 0 ? "told_ambiguous" : "told";
  return { ...base, claims: own, news: known, items, outcome: "sent", code };
}

/** The linked Hull entity; else the record's own claims as long as no other record has them; always our anonymous id. */
function claimsFor(
  { serviceName }: StepContext,
  { record, claims }: ListedRecord,
  mirror: MirrorRow | undefined,
  shared: readonly string[],
): Claims {
  const anonymous = { anonymous_id: `${serviceName}:${record.id}` };
  const { linkedTo } = mirror ?? {};
  if (linkedTo !== undefined && isHullId(linkedTo)) return { id: linkedTo, ...anonymous };
  return shared.length > 0 ? anonymous : { ...claims, ...anonymous };
}

/** Accounts that came without an id are remembered by their external id. */
function isHullId(id: string): boolean {
  return !id.startsWith("external_id:");
}

/** The account that the user belongs to, if Hull has not confirmed that yet. */
function linkOf(
  { link, serviceName }: StepContext,
  { record }: ListedRecord,
  mirror: MirrorRow | undefined,
  parents: Parents,
): { readonly claims: Claims; readonly mark: string } | undefined {
  const parent = record.parentId === undefined ? undefined : parents.rows.get(record.parentId);
  if (!link || parent === undefined) return undefined;
  const anonymous = `${serviceName}:${parent.id}`;
  const mark = parent.linkedTo ?? anonymous;
  const told = mirror?.facts[ACCOUNT]?.[2] ?? null;
  if (told === mark || told === anonymous) return undefined;
  const externalId = parent.keys["externalId"];
  const named: Claims =
    parent.linkedTo !== undefined && isHullId(parent.linkedTo)
      ? { id: parent.linkedTo }
      : externalId === undefined || parents.namesakes.has(parent.id)
        ? {}
        : { external_id: externalId };
  return { claims: { ...named, anonymous_id: anonymous }, mark };
}

/** What is remembered of the parents, and which of them share a key with another one. */
interface Parents {
  readonly rows: ReadonlyMap<string, MirrorRow>;
  readonly namesakes: ReadonlySet<string>;
}

async function namesakesOf(
  { store, remote, parent }: StepContext,
  rows: readonly MirrorRow[],
): Promise<ReadonlySet<string>> {
  if (parent === undefined) return new Set();
  const shared = await store.sharedKeys(remote, parent.name, rows);
  return new Set(rows.flatMap(({ id }, index) => ((shared[index] ?? []).length > 0 ? [id] : [])));
}

async function parentsOf(
  { store, remote, parent, link }: StepContext,
  rows: readonly ListedRecord[],
): Promise<ReadonlyMap<string, MirrorRow>> {
  if (parent === undefined || !link) return new Map();
  const ids = [...new Set(rows.flatMap(({ record }) => record.parentId ?? []))];
  const found = await store.mirrors(remote, parent.name, ids);
  return new Map(found.flatMap((row) => (row === undefined ? [] : [[row.id, row] as const])));
}

/** Keys of each row that another record has, too: in the mirror, or among these very rows. */
async function sharedKeys(
  { store, remote, type }: StepContext,
  rows: readonly ListedRecord[],
  views: readonly { readonly mirror?: MirrorRow }[],
): Promise<readonly (readonly string[])[]> {
  const among = new Map<string, Set<string>>();
  const name = (key: string, value: string): string => `${key}\n${value.toLowerCase()}`;
  for (const row of rows) {
    for (const [key, value] of Object.entries(keysOf(row))) {
      const ids = among.get(name(key, value)) ?? new Set();
      among.set(name(key, value), ids.add(row.record.id));
    }
  }
  const unlinked = (index: number): boolean => views[index]?.mirror?.linkedTo === undefined;
  const wanted = rows.map((row, index): { id: string; keys: Keys } => ({
    id: row.record.id,
    keys: unlinked(index) ? keysOf(row) : {},
  }));
  const mirrored = await store.sharedKeys(remote, type.name, wanted);
  return wanted.map(({ keys }, index) => {
    const here = Object.entries(keys).filter(([key, value]) => (among.get(name(key, value))?.size ?? 0) > 1);
    return [...new Set([...here.map(([key]) => key), ...(mirrored[index] ?? [])])];
  });
}

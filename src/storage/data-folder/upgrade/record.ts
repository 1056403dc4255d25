/** One document of what former formats stored about a Hull entity in rows of several tables. Pure. */
import minBy from "lodash/minBy";
import { reason } from "../../../outcome/outcome";
import { connectorOf } from "../../port/lane";
import { deadLetterId } from "../../port/dead-letters";
import type {
  Content,
  DeadLetterRow,
  Entry,
  EntryRow,
  FanOut,
  HullUpdateRow,
  Outcome,
  OwnPart,
  PendingHullUpdate,
  RecordDocument,
  RecordRow,
  RemoteDocument,
  RivalRow,
} from "../../port/rows";
import { FREE, numberIn } from "../../tables/documents";

/** A row that was found; without a value it is damaged. */
export type Found<V> = { readonly value: V | undefined } | undefined;

/** What one connector had of a record. */
export interface OldPart {
  readonly tenant: string;
  readonly entry: Found<EntryRow>;
  readonly hullUpdate: Found<HullUpdateRow>;
  readonly deadLetter: Found<DeadLetterRow>;
  readonly rival: Found<RivalRow>;
}

export interface OldRecord {
  readonly remote: string;
  readonly type: string;
  readonly hullId: string;
  /** Undefined: there is none. */
  readonly row: Found<RecordRow>;
  readonly parts: readonly OldPart[];
}

/** An outcome that is counted now, since what waited for it is lost. */
export interface Lost {
  readonly tenant: string;
  readonly outcome: Outcome;
}

export interface Converted {
  readonly document: RecordDocument;
  readonly lost: readonly Lost[];
}

export function documentOf(old: OldRecord, remote: RemoteDocument, nowMs: number): Converted {
  const row = old.row?.value ?? rebuilt(old, nowMs);
  const { last, same, unconfirmed, ...shared } = row;
  const own: Record<string, OwnPart> = {};
  const lost: Lost[] = [];
  const pending: FanOut[] = [];
  for (const part of old.parts) {
    const number = numberIn(remote, part.tenant);
    if (number === undefined) continue;
    const { entry, hullUpdate } = part;
    const ended: Outcome[] = [];
    if (isLost(entry)) {
      const outcome = damaged(row, nowMs);
      ended.push(outcome);
      pending.push({ kind: "refuse", tenant: number, cause: "dead", text: outcome.text });
    }
    if (isLost(hullUpdate)) ended.push(damaged(row, nowMs));
    lost.push(...ended.map((outcome) => ({ tenant: part.tenant, outcome })));
    own[number] = {
      ...(last !== undefined && { last }),
      ...(ended[0] !== undefined && { last: ended[0] }),
      ...(entry?.value !== undefined && { entry: entryOf(entry.value) }),
      ...(hullUpdate?.value !== undefined && { hullUpdate: hullUpdateOf(hullUpdate.value) }),
      ...lettersOf(old, part),
    };
  }
  if (Object.keys(own).length === 0 && last !== undefined) addTo(own, firstOf(remote), { last });
  // It is known only whose it was; whatever was lost is compared again.
  if (same !== undefined && lost.length === 0) addTo(own, ownerOf(remote, same), { same });
  const document: RecordDocument = {
    ...shared,
    ...unconfirmedIn(old, unconfirmed, lost.length > 0 && shared.remoteId === undefined, nowMs),
    own,
    ...(pending.length > 0 && { pending }),
  };
  return { document, lost };
}

const isLost = (found: Found<unknown>): boolean => found !== undefined && found.value === undefined;

function addTo(own: Record<string, OwnPart>, number: string | undefined, more: OwnPart): void {
  if (number !== undefined) own[number] = { ...own[number], ...more };
}

/** Number of the connector that was there first. */
function firstOf({ senders = [] }: RemoteDocument): string | undefined {
  const place = senders.findIndex((tenant) => tenant !== FREE);
  return place === -1 ? undefined : String(place);
}

/** A fingerprint begins with organization and connector id. */
function ownerOf({ senders = [] }: RemoteDocument, same: string): string | undefined {
  const place = senders.findIndex((tenant) => tenant !== FREE && same.startsWith(`${connectorOf(tenant)} `));
  return place === -1 ? undefined : String(place);
}

function entryOf({ tenant: _t, type: _y, hullId: _h, unconfirmed: _u, ...entry }: EntryRow): Entry {
  return entry;
}

function hullUpdateOf({ tenant: _t, type: _y, hullId: _h, ...update }: HullUpdateRow): PendingHullUpdate {
  return update;
}

function lettersOf(
  { remote, type, hullId }: OldRecord,
  { tenant, deadLetter, rival }: OldPart,
): Pick<OwnPart, "deadLetter" | "rival"> {
  const refused = deadLetter?.value;
  return {
    ...(refused !== undefined && {
      deadLetter: {
        id: deadLetterId({ remote, tenant, type, hullId }),
        content: refused.content,
        ending: refused.ending,
        attempts: refused.attempts,
      },
    }),
    ...(rival?.value !== undefined && { rival: rival.value }),
  };
}

/** What a lost row waited for ends, under the newest message of its record. */
function damaged({ version, messageId }: RecordRow, atMs: number): Outcome {
  const { code, text } = reason("damaged");
  // Nobody sent it: it was made for its children.
  const derived = version === 0 && messageId === "";
  // A row of a batch has an id of its run and its number.
  const run = messageId.slice(0, Math.max(0, messageId.indexOf("/")));
  return {
    messageId,
    outcome: "dead",
    code,
    text,
    atMs,
    counted: true,
    ...(derived && { derived }),
    ...(run !== "" && { run }),
  };
}

/** Of several connectors' lost creates the first one counts. */
function unconfirmedIn(
  { parts }: OldRecord,
  known: RecordRow["unconfirmed"],
  mayBeThere: boolean,
  nowMs: number,
): Pick<RecordDocument, "unconfirmed"> {
  const waiting = minBy(
    parts.flatMap(({ entry }) => entry?.value?.unconfirmed ?? []),
    "sinceMs",
  );
  // A create may be behind what was lost: the next message looks for the record first.
  const unconfirmed = waiting ?? known ?? (mayBeThere ? { sinceMs: nowMs, reads: 0 } : undefined);
  return unconfirmed === undefined ? {} : { unconfirmed };
}

/**
 * A record without a row, or with a damaged one, as far as what waits of it tells. Nobody knows whether a create is
 * behind a damaged one; an event that waits was not sent.
 */
function rebuilt({ row, parts }: OldRecord, nowMs: number): RecordRow {
  const waiting = parts.flatMap(({ entry }) => [entry?.value?.content, entry?.value?.attempt?.content]);
  const others = parts.flatMap(({ deadLetter, rival }) => [deadLetter?.value?.content, rival?.value?.content]);
  const newest = newestOf([...waiting, ...others]);
  const isKnown = row === undefined || newestOf(waiting)?.once === true;
  return {
    version: newest?.version ?? 0,
    messageId: newest === undefined || newest.derived ? "" : newest.messageId,
    // Greater than any: what was compared before does not count.
    revision: nowMs,
    ...(!isKnown && { unconfirmed: { sinceMs: nowMs, reads: 0 } }),
  };
}

function newestOf(contents: readonly (Content | undefined)[]): Content | undefined {
  return contents.reduce((best, each) => ((each?.version ?? -1) > (best?.version ?? -1) ? each : best), undefined);
}

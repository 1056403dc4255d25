/** What ended is sent again: its content is taken in as a new message, unless something newer came meanwhile. */
import { reason } from "../../outcome/outcome";
import { mergeContent, queued, versionOf } from "./accept";
import { openEntries, type Entries } from "../tables/entries";
import { deadLetterId } from "../port/dead-letters";
import { closeDeadLetter } from "../tables/dead-letters";
import type { Content, DeadLetterRow, EntryRow, RecordRow } from "../port/rows";
import type { DeadLetterKey, RecordOutcome, Replay } from "../port/store";
import { countOutcome, type Ledger } from "../tables/ledger";
import { outcomeOf, patchRecord, pathOf, type Tables } from "../tables/tables";

/** Takes a dead letter's content in again, as a new message. The dead letter stays until the record is delivered. */
export function replayDeadLetter(tables: Tables, ledger: Ledger, key: DeadLetterKey): Replay | undefined {
  const row = tables.dead.get(pathOf(key));
  if (row === undefined) return undefined;
  const { remote, tenant, type, hullId, content } = row;
  const outcomes: RecordOutcome[] = [];
  const answered = { id: deadLetterId(row), remote, tenant, type, hullId, outcomes };
  const nowMs = tables.now();

  const before = tables.records.get([remote, type, hullId]);
  const entries = openEntries(tables, ledger, row, outcomes);
  const entry = entries.get(type, hullId);
  const newest = before ?? entry?.content ?? entry?.attempt?.content;
  const outdated = newest !== undefined && !isStillGone(before, content) && isNewer(tables, remote, newest, content);
  if (!outdated && isUnderway(entry, content)) return { ...answered, state: "underway" };

  const note = (of: Content): void => {
    const end = outcomeOf(of, "superseded", reason("newer_message", newest?.messageId ?? ""), nowMs);
    countOutcome(ledger, tenant, type, hullId, end);
    outcomes.push({ type, hullId, claims: of.claims, outcome: end });
  };
  if (outdated) {
    ledger.count(tenant, content.derived ? "derived" : "messages", type);
    note(again(content, 0));
    closeDeadLetter(tables, row);
    return { ...answered, state: "superseded" };
  }
  if (entry?.content !== undefined) note(entry.content);
  decide(tables, row);
  const record = tables.records.get([remote, type, hullId]);
  takeIn(tables, ledger, entries, row, content, { record, entry, notBeforeMs: 0 });
  return { ...answered, state: "queued" };
}

/** Whether a lost create is in the service was left to a person, who has looked: from now on nobody wonders any more. */
export function decide(tables: Tables, { remote, type, hullId, ending }: DeadLetterRow): void {
  if (ending.code === "unconfirmed") patchRecord(tables, [remote, type, hullId], { unconfirmed: undefined });
}

/** The same without a request: only if nothing newer came, and nothing of the record is in progress. */
export function retake(tables: Tables, ledger: Ledger, key: DeadLetterKey, content: Content): boolean {
  const entries = openEntries(tables, ledger, key, []);
  const record = tables.records.get([key.remote, key.type, key.hullId]);
  const isOutdated = record !== undefined && isNewer(tables, key.remote, record, content);
  if (isOutdated || entries.get(key.type, key.hullId) !== undefined) return false;
  // Due after the linked entity's record: that one goes first, if both are looked for now.
  takeIn(tables, ledger, entries, key, content, { record, entry: undefined, notBeforeMs: tables.now() });
  return true;
}

/** A new message with the old content. It is not counted in its run again, and delivered from its first step on. */
function again({ run: _, earlier: _steps, ...content }: Content, seq: number): Content {
  return { ...content, seq, counted: true, replay: true };
}

function takeIn(
  tables: Tables,
  ledger: Ledger,
  entries: Entries,
  { remote, tenant, type, hullId }: DeadLetterKey,
  content: Content,
  known: { readonly record: RecordRow | undefined; readonly entry: EntryRow | undefined; readonly notBeforeMs: number },
): void {
  const { record, entry, notBeforeMs } = known;
  const { version, derived, messageId } = content;
  ledger.count(tenant, derived ? "derived" : "messages", type);
  if (record === undefined) {
    tables.records.put([remote, type, hullId], { version, messageId: derived ? "" : messageId, revision: 0 });
  }
  const anew = again(content, ledger.nextSeq());
  const next: Content = { ...anew, ...mergeContent(entry?.content, anew), seq: anew.seq };
  const row = queued(entry, next, { tenant, type, hullId }, record?.unconfirmed, tables.now());
  entries.put(entry, { ...row, notBeforeMs: Math.max(row.notBeforeMs, notBeforeMs) });
}

/** A derived record updates nothing, so it is never old. */
function isNewer(
  tables: Tables,
  remote: string,
  newest: { readonly version: number; readonly messageId: string },
  content: Content,
): boolean {
  if (content.derived) return false;
  const version = versionOf(newest, tables.now());
  if (version !== content.version || newest.messageId === content.messageId) return version > content.version;
  // Of two messages with one version the later one was remembered; several connectors are told of one change each.
  return [...tables.depth.range([remote], { limit: 2 })].length < 2;
}

/** Whoever left is still to be ended: messages that a filter skipped since then say nothing else. */
function isStillGone(record: RecordRow | undefined, { desired }: Content): boolean {
  return desired.leaves === true && record?.last?.outcome === "skipped";
}

/** The same content waits or is in flight already; for a derived record anything about it counts. */
function isUnderway(entry: EntryRow | undefined, content: Content): boolean {
  return [entry?.content, entry?.attempt?.content].some(
    (each) => each !== undefined && (content.derived || (!each.derived && each.messageId === content.messageId)),
  );
}

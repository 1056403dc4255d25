/** Taking messages in: version, coalescing, withdrawal, and the one condition under which a message ends unchanged. */
import { reason } from "../../outcome/outcome";
import { MAX_AHEAD_MS } from "../../instant";
import { openEntries, type Entries } from "../tables/entries";
import { closeDeadLetter } from "../tables/dead-letters";
import type { Content, UnconfirmedCreate, Outcome, EntryRow, RecordRow } from "../port/rows";
import { indexedClaims } from "../tables/claim-index";
import { openDedupe } from "../tables/dedupe";
import type { Acceptance, Accepted, DeadLetterKey, NewContent, RecordOutcome } from "../port/store";
import { countOutcome, type Ledger } from "../tables/ledger";
import { outcomeOf, linkOf, patchRecord, reindex, remoteRow, type Tables } from "../tables/tables";

/** One message of one record, in one transaction. */
export function acceptOne(tables: Tables, ledger: Ledger, given: Acceptance): Accepted {
  const { tenant, type, hullId, remote, content, run } = given;
  const nowMs = tables.now();
  const outcomes: Outcome[] = [];
  const children: RecordOutcome[] = [];

  const note = (each: Outcome): void => {
    countOutcome(ledger, tenant, type, hullId, each);
    outcomes.push(each);
  };
  const end = (state: Accepted["state"]): Accepted => ({ state, outcomes, children });

  const record = remote === undefined ? undefined : tables.records.get([remote, type, hullId]);
  const known = versionOf(record, nowMs);
  // A message that arrives now, whatever its own date, comes after one dated a little ahead.
  const acceptance = given.undated === true ? { ...given, version: Math.max(given.version, known) } : given;
  // Checked before anything is marked: an answer of `again` must leave no trace.
  if (remote !== undefined && overtaken(tables, remote, acceptance, record)) return end("again");
  if (acceptance.once === true && record !== undefined) return end("duplicate");

  const seen = openDedupe(tables, acceptance, record, nowMs);
  /** Ids that are remembered from now on. */
  const taken: string[] = [];
  const take = (messageId: string, certain: boolean): boolean => {
    const first = seen.take(messageId, certain);
    if (first) taken.push(messageId);
    if (first) ledger.count(tenant, "messages", type);
    if (first && acceptance.run !== undefined) ledger.run(acceptance.run, "met");
    return first;
  };
  const newest = record !== undefined && acceptance.undated !== true && acceptance.version > known;
  const counted = take(acceptance.messageId, newest);
  for (const messageId of acceptance.merged) {
    const first = take(messageId, false);
    note(outcomeOf({ messageId, counted: first, run }, "superseded", reason("merged", acceptance.messageId), nowMs));
  }
  if (remote === undefined) {
    if (content.kind !== "entry") note({ ...content.outcome, counted, run });
    return end("ended");
  }

  if (record !== undefined && acceptance.version < known) {
    const newer = reason("newer_message", record.messageId);
    note(outcomeOf({ messageId: acceptance.messageId, counted, run }, "superseded", newer, nowMs));
    if (taken.length > 0) tables.records.put([remote, type, hullId], { ...record, ...seen.recent() });
    return end("ended");
  }

  const saveRecord = (changes: Pick<RecordRow, "last" | "same">): void => {
    const { version, messageId } = acceptance;
    const claims = acceptance.claims === undefined ? record?.claims : indexedClaims(acceptance.claims);
    reindex(tables.claimIndex, [remote, type, hullId], record?.claims, claims);
    const row = { revision: 0, ...record, version, messageId, claims, same: undefined, ...changes, ...seen.recent() };
    tables.records.put([remote, type, hullId], row);
  };

  if (content.kind === "same") {
    const last: Outcome = { ...content.outcome, counted };
    saveRecord({ last, same: content.fingerprint });
    note(last);
    return end("ended");
  }

  const entries = openEntries(tables, ledger, { remote, tenant }, children);
  const entry = entries.get(type, hullId);
  if (content.kind === "end" || (content.kind === "unchanged" && entry === undefined)) {
    const last: Outcome = { ...content.outcome, counted, run };
    // An event that was not taken in may come again.
    if (acceptance.once !== true) {
      saveRecord({ last, same: content.kind === "end" ? undefined : content.fingerprint });
    }
    if (content.kind === "unchanged") closeDeadLetter(tables, { remote, tenant, type, hullId });
    if (entry !== undefined && !staysGone(entry, content)) {
      keepUnconfirmed(tables, { remote, type, hullId }, entry.attempt === undefined ? entry.unconfirmed : undefined);
      withdraw(entries, entry, acceptance, note, nowMs);
    }
    note(last);
    return end("ended");
  }

  saveRecord({ last: record?.last });
  const replaced = entry?.content;
  // Counted a second time, because the first was forgotten long ago: then it also ends a second time.
  const again = !counted && replaced?.messageId === acceptance.messageId;
  if (replaced !== undefined && !again) {
    note(outcomeOf(replaced, "superseded", reason("newer_message", acceptance.messageId), nowMs));
  }
  const next: Content = {
    ...mergeContent(replaced, content.content),
    version: acceptance.version,
    seq: ledger.nextSeq(),
    counted: counted || (again && replaced.counted),
    run,
  };
  entries.put(entry, queued(entry, next, { tenant, type, hullId }, record?.unconfirmed, nowMs));
  return end("queued");
}

/** Version of the newest message; a date that was believed once and cannot be right is older than anything. */
export function versionOf(newest: Pick<RecordRow, "version"> | undefined, nowMs: number): number {
  return newest === undefined || newest.version > nowMs + MAX_AHEAD_MS ? 0 : newest.version;
}

/** What the message was compared with is out of date. */
function overtaken(tables: Tables, remote: string, acceptance: Acceptance, record: RecordRow | undefined): boolean {
  const { tenant, type, hullId, content } = acceptance;
  if (content.kind === "same") return content.fingerprint !== fingerprintOf(tables, remote, record);
  if (content.kind !== "unchanged" || (record?.revision ?? 0) === content.revision) return false;
  // Something of it waits: then the lane compares anyway.
  return tables.outbox.get([remote, tenant, type, hullId]) === undefined;
}

/** Fingerprint of the last unchanged message, if the record is still linked as it was then. */
export function fingerprintOf(tables: Tables, remote: string, record: RecordRow | undefined): string | undefined {
  if (record?.same === undefined) return undefined;
  return linkOf(remoteRow(tables, remote), record) === undefined ? undefined : record.same;
}

/**
 * The newest state wins; what must be kept of the older one is that it was forced or replayed, what was cleared, and
 * that the entity leaves, unless it is back.
 */
export function mergeContent(older: Content | undefined, newer: NewContent): NewContent {
  if (older === undefined || older.derived) return newer;
  const stillNull = older.desired.cleared.filter((field) => newer.desired.fields[field] === null);
  const cleared = [...new Set([...newer.desired.cleared, ...stillNull])];
  const { leaves, state, stateFields } = older.desired;
  const stillLeaves = leaves === true && newer.desired.outside === true;
  const departure = stillLeaves ? { leaves, state, stateFields: { ...stateFields, ...newer.desired.stateFields } } : {};
  return {
    ...newer,
    force: newer.force || older.force,
    replay: newer.replay ?? older.replay,
    desired: { ...newer.desired, ...departure, cleared },
  };
}

/** The entry with new content: what stopped the old content does not stop this. */
export function queued(
  entry: EntryRow | undefined,
  content: Content,
  ref: Pick<EntryRow, "tenant" | "type" | "hullId">,
  unconfirmed: UnconfirmedCreate | undefined,
  nowMs: number,
): EntryRow {
  if (entry === undefined) {
    // A create of this record was once unconfirmed: it is looked for before it is tried again.
    const notBeforeMs = unconfirmed === undefined ? 0 : nowMs;
    return { ...newEntry(ref, content, nowMs), notBeforeMs, unconfirmed };
  }
  // An unconfirmed create keeps its waiting time: nothing that Hull says makes the answer come sooner.
  const notBeforeMs = entry.unconfirmed === undefined ? 0 : entry.notBeforeMs;
  return { ...entry, blockedOn: undefined, withdrawn: undefined, problem: undefined, content, notBeforeMs };
}

/** An entry that is due at once. */
export function newEntry(
  { tenant, type, hullId }: Pick<EntryRow, "tenant" | "type" | "hullId">,
  content: Content,
  acceptedAtMs: number,
): EntryRow {
  return { tenant, type, hullId, acceptedAtMs, content, notBeforeMs: 0, attempts: 0 };
}

/** A create whose result is unknown stays unconfirmed when its entry goes: the next message of the record must know. */
export function keepUnconfirmed(
  tables: Tables,
  { remote, type, hullId }: Pick<DeadLetterKey, "remote" | "type" | "hullId">,
  unconfirmed: UnconfirmedCreate | undefined,
): void {
  if (unconfirmed !== undefined) patchRecord(tables, [remote, type, hullId], { unconfirmed });
}

/** Whoever left is still to be ended: a message that a filter skips says nothing else. */
function staysGone({ content, attempt }: EntryRow, by: Acceptance["content"]): boolean {
  const isSkipped = by.kind === "end" && by.outcome.outcome === "skipped";
  return isSkipped && (content ?? attempt?.content)?.desired.leaves === true;
}

/** A filter keeps the newest state out, so the older one, if it still waits, must not be delivered either. */
function withdraw(
  entries: Entries,
  entry: EntryRow,
  by: Acceptance,
  note: (outcome: Outcome) => void,
  nowMs: number,
): void {
  const { content, ...rest } = entry;
  const made = content?.derived === true;
  if (content !== undefined && !made) {
    note(outcomeOf(content, "superseded", reason("newer_message", by.messageId), nowMs));
  }
  // A record made for its children does not depend on messages about itself, waiting or in flight.
  if (made) return;
  if (entry.attempt !== undefined) {
    entries.put(entry, entry.attempt.content.derived ? rest : { ...rest, withdrawn: true });
    return;
  }
  entries.remove(entry);
  entries.withdrawChildren(entry.type, entry.hullId, by.messageId);
}

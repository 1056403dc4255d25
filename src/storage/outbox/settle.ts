/** What the delivery lane stores: journal before a request, result after it, recovery after a restart. */
import { reason } from "../../outcome/outcome";
import type { OutcomeKind } from "../../record";
import { openEntries, type Entries } from "../tables/entries";
import { keepUnconfirmed, mergeContent, newEntry } from "./accept";
import { indexedClaims } from "../tables/claim-index";
import { closeDeadLetter, keepDeadLetter } from "../tables/dead-letters";
import { putHullUpdate } from "../tables/hull-updates";
import { forgetMirror, patchMirror } from "./links";
import { endRivalry, keepRival } from "./rivals";
import type { Attempt, Content, Outcome, EntryRow, RecordRow, HullUpdateRow } from "../port/rows";
import type { DeliveryStore, Lane, ParentEntry, RecordOutcome, Settled, Settlement } from "../port/store";
import { countOutcome, type Ledger } from "../tables/ledger";
import { outcomeOf, linkOf, patchRecord, pathOf, reindex, remoteRow, type Tables } from "../tables/tables";

type AttemptRequest = Parameters<DeliveryStore["attempt"]>[1][number];

/** Journals one record before its request. False: the content was replaced or withdrawn meanwhile. */
export function attemptOne(tables: Tables, ledger: Ledger, lane: Lane, request: AttemptRequest): boolean {
  const entries = openEntries(tables, ledger, lane, []);
  const entry = entries.get(request.type, request.hullId);
  if (entry?.content?.seq !== request.seq || entry.attempt !== undefined) return false;
  const attempt: Attempt = {
    content: entry.content,
    kind: request.repeatable ? "update" : "create",
    startedAtMs: tables.now(),
  };
  entries.put(entry, { ...entry, content: undefined, attempt });
  return true;
}

/** Settles one piece of content, in one transaction. */
export function settleOne(tables: Tables, ledger: Ledger, lane: Lane, settlement: Settlement): Settled["outcomes"] {
  const outcomes: RecordOutcome[] = [];
  const entries = openEntries(tables, ledger, lane, outcomes);
  const { type, hullId } = settlement;
  const remote = remoteRow(tables, lane.remote);
  const recordKey = [lane.remote, type, hullId];

  const record = tables.records.get(recordKey);
  if (record !== undefined && (settlement.mirror !== undefined || settlement.gone !== undefined)) {
    const changed = { ...record, unconfirmed: undefined, same: undefined, revision: record.revision + 1 };
    const linked = linkOf(remote, record);
    if (settlement.gone !== undefined) forgetMirror(tables, ledger, remote, type, settlement.gone);
    if (settlement.mirror !== undefined) {
      patchMirror(tables, ledger, remote, lane.tenant, type, hullId, settlement.mirror, linked);
      const confirmed = Object.values(settlement.mirror.facts).some(({ confirmed }) => confirmed !== undefined);
      tables.records.put(recordKey, {
        ...changed,
        confirmedAtMs: confirmed ? tables.now() : record.confirmedAtMs,
        remoteId: settlement.mirror.id,
        generation: remote.generation,
      });
      if (linked !== settlement.mirror.id) {
        entries.release(type, hullId);
        endRivalry(tables, lane.remote, type, settlement.mirror.id, hullId);
      }
    } else {
      // A record found by its keys was never linked.
      const isUnlinked = record.remoteId === settlement.gone;
      tables.records.put(recordKey, isUnlinked ? { ...changed, remoteId: undefined, generation: undefined } : changed);
    }
  }

  const entry = entries.get(type, hullId);
  const worked = (entry?.attempt ?? entry)?.content;
  // Nothing of it is left: it was replaced or withdrawn while the lane worked on it, and ended then.
  if (entry === undefined || worked?.seq !== settlement.seq) return outcomes;
  const newer = entry.attempt === undefined ? undefined : entry.content;

  const note = (end: Outcome): void => {
    countOutcome(ledger, lane.tenant, type, hullId, end);
    outcomes.push({ type, hullId, claims: worked.claims, outcome: end });
    patchRecord(tables, recordKey, { last: end });
  };

  const { then } = settlement;
  switch (then.kind) {
    case "tell":
    case "end": {
      const { outcome, code, text, atMs, note: remark } = then.outcome;
      const end = outcomeOf(worked, outcome, { code, text }, atMs, remark);
      if (then.kind === "tell") keepHullUpdate(tables, ledger, lane, settlement, end);
      else note(end);
      if (then.kind === "end" && then.rivalFor !== undefined && newer === undefined) {
        keepRival(tables, { ...lane, type, hullId }, then.rivalFor, worked);
      }
      closeOrKeepDeadLetter(tables, lane, entry, worked, end);
      if (newer !== undefined) entries.put(entry, released(entry, newer));
      else {
        entries.remove(entry);
        // A create that a person must look for: until then no message makes the record a second time.
        if (end.code === "unconfirmed" && linkOf(remote, record) === undefined) {
          keepUnconfirmed(tables, { ...lane, type, hullId }, entry.unconfirmed);
        }
        const arrived = end.outcome === "sent" || end.outcome === "unchanged";
        // The service has what the message said; a warning about a record applies to its next message too.
        const isSame = settlement.mirror !== undefined && arrived && end.note === undefined && !worked.derived;
        if (isSame && worked.digest !== undefined) patchRecord(tables, recordKey, { same: worked.digest });
        if (isRefused(end.outcome)) entries.refuseChildren(type, hullId, end.outcome, end.text);
      }
      return outcomes;
    }
    case "wait":
    case "block": {
      if (newer !== undefined) {
        note(outcomeOf(worked, "superseded", reason("newer_message", newer.messageId), tables.now()));
      } else if (entry.withdrawn === true) {
        note(outcomeOf(worked, "superseded", reason("newer_message"), tables.now()));
        keepUnconfirmed(tables, { ...lane, type, hullId }, then.kind === "wait" ? then.unconfirmed : entry.unconfirmed);
        entries.remove(entry);
        entries.withdrawChildren(type, hullId, "withdrawn");
        return outcomes;
      }
      const left =
        then.kind === "wait" && then.written === true ? { ...worked, force: false, replay: undefined } : worked;
      const content = newer === undefined ? left : { ...newer, ...mergeContent(left, newer) };
      if (then.kind === "block" && newer === undefined && isOutdated(tables, entries, lane, worked, then.parent)) {
        note(outcomeOf(worked, "superseded", reason("newer_message"), tables.now()));
        entries.remove(entry);
        return outcomes;
      }
      if (then.kind === "block") block(tables, ledger, entries, lane, entry, content, then.parent);
      else {
        entries.put(entry, {
          ...entry,
          attempt: undefined,
          content,
          notBeforeMs: then.notBeforeMs,
          attempts: entry.attempts + 1,
          problem: then.problem,
          unconfirmed: then.unconfirmed,
        });
      }
      return outcomes;
    }
  }
}

/** An attempt that nobody will complete any more, after a restart. */
export function recoverOne(tables: Tables, ledger: Ledger, lane: Lane, entry: EntryRow, settleMs: number): void {
  if (entry.attempt === undefined) return;
  const { attempt } = entry;
  const repeatable = attempt.kind === "update";
  settleOne(tables, ledger, lane, {
    tenant: lane.tenant,
    type: entry.type,
    hullId: entry.hullId,
    seq: attempt.content.seq,
    then: {
      kind: "wait",
      notBeforeMs: repeatable ? 0 : tables.now() + settleMs,
      problem: "The process ended while the record was being written.",
      unconfirmed: repeatable ? undefined : { sinceMs: attempt.startedAtMs, reads: 0 },
    },
  });
}

/** The newer content came while the older one was in flight, so it has waited since then at most. */
function released(entry: EntryRow, content: Content): EntryRow {
  const { attempt, blockedOn, withdrawn, acceptedAtMs } = entry;
  return { ...newEntry(entry, content, attempt?.startedAtMs ?? acceptedAtMs), blockedOn, withdrawn };
}

function isRefused(outcome: OutcomeKind): outcome is "rejected" | "dead" | "skipped" {
  return outcome === "rejected" || outcome === "dead" || outcome === "skipped";
}

/** What was refused for good can be read later; a success closes earlier refusals. */
function closeOrKeepDeadLetter(tables: Tables, lane: Lane, entry: EntryRow, content: Content, end: Outcome): void {
  const { type, hullId, attempts } = entry;
  if (end.outcome === "rejected" || end.outcome === "dead") {
    keepDeadLetter(tables, { ...lane, type, hullId, content, ending: end, attempts });
  } else if (end.outcome === "sent" || end.outcome === "unchanged") {
    closeDeadLetter(tables, { ...lane, type, hullId });
  }
}

/** Newer values are added to what Hull has not been told yet; every outcome that waits for it stays. */
function keepHullUpdate(tables: Tables, ledger: Ledger, lane: Lane, settlement: Settlement, end: Outcome): void {
  const { then, mirror, type, hullId } = settlement;
  if (then.kind !== "tell" || mirror === undefined) return;
  const { claims, attributes, facts, account } = then.hullUpdate;
  const before = tables.hullUpdates.get(pathOf({ ...lane, type, hullId }));
  const same = before?.remoteId === mirror.id ? before : undefined;
  const row: HullUpdateRow = {
    tenant: lane.tenant,
    type,
    hullId,
    remoteId: mirror.id,
    claims,
    attributes: { ...same?.attributes, ...attributes },
    facts: { ...same?.facts, ...facts },
    account: account ?? same?.account,
    outcomes: [...(before?.outcomes ?? []), end],
    seq: ledger.nextSeq(),
    notBeforeMs: before?.notBeforeMs ?? 0,
    attempts: before?.attempts ?? 0,
  };
  if (before === undefined) ledger.depth(lane, { tells: 1 });
  putHullUpdate(tables, lane.remote, before, row);
}

/** A newer message of the same entity removed the parent before it was created: the child goes with it. */
function isOutdated(tables: Tables, entries: Entries, lane: Lane, content: Content, parent: ParentEntry): boolean {
  const record = tables.records.get([lane.remote, parent.type, parent.hullId]);
  const taken = record !== undefined && record.version > content.version;
  return (
    parent.together &&
    taken &&
    entries.get(parent.type, parent.hullId) === undefined &&
    linkOf(remoteRow(tables, lane.remote), record) === undefined
  );
}

/** How the parent ended with the same message: if it was refused, it need not be tried again for its child. */
function endedWith(record: RecordRow | undefined, content: Content): Outcome | undefined {
  const { last } = record ?? {};
  return last?.messageId === content.messageId && content.replay !== true ? last : undefined;
}

/** Puts a child behind its parent, and makes the parent's entry when nobody sent the parent itself. */
function block(
  tables: Tables,
  ledger: Ledger,
  entries: Entries,
  lane: Lane,
  entry: EntryRow,
  content: Content,
  parent: ParentEntry,
): void {
  const rest = { ...entry, attempt: undefined, content };
  const recordKey = [lane.remote, parent.type, parent.hullId];
  const record = tables.records.get(recordKey);
  if (linkOf(remoteRow(tables, lane.remote), record) !== undefined) {
    // The parent got its id meanwhile: the child stays in the queue.
    entries.put(entry, rest);
    return;
  }
  if (record === undefined) {
    const claims = indexedClaims(parent.content.claims);
    reindex(tables.claimIndex, recordKey, undefined, claims);
    // Version 0: whatever Hull says about the parent itself is newer than what its child carried along.
    tables.records.put(recordKey, { version: 0, messageId: "", revision: 0, claims });
  }
  const isWaiting = entries.get(parent.type, parent.hullId) !== undefined;
  entries.put(entry, { ...rest, blockedOn: parent.hullId });
  if (isWaiting) return;
  const ended = endedWith(record, content);
  if (ended !== undefined && isRefused(ended.outcome)) {
    entries.refuseChildren(parent.type, parent.hullId, ended.outcome, ended.text);
    return;
  }
  const made: Content = { ...parent.content, seq: ledger.nextSeq(), counted: true };
  ledger.count(lane.tenant, "derived", parent.type);
  entries.put(undefined, newEntry({ ...lane, ...parent }, made, tables.now()));
}

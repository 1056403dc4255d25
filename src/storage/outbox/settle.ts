/** What the delivery lane stores: journal before a request, result after it, recovery after a restart. */
import { reason } from "../../outcome/outcome";
import { openEntries, type Entries } from "../tables/entries";
import { mergeContent } from "./accept";
import { indexedClaims, reindex } from "../tables/claim-index";
import { closeDeadLetter, keepDeadLetter } from "../tables/dead-letters";
import { forgetMirror, patchMirror } from "../tables/mirror";
import { endRivalry, keepRival } from "./rivals";
import type { Key } from "../database/kv";
import type { Attempt, Content, Outcome, EntryRow, RecordRow, HullUpdateRow } from "../port/rows";
import type { Lane, ParentEntry, RecordOutcome, Settled, Settlement } from "../port/store";
import { countOutcome, type Ledger } from "../tables/ledger";
import { outcomeOf, keepUnconfirmed, linkOf, noteLast, remoteRow, type Tables } from "../tables/tables";

export interface AttemptRequest {
  readonly type: string;
  readonly hullId: string;
  readonly seq: number;
  readonly repeatable: boolean;
}

/** Journals one record before its request. False: the content was replaced or withdrawn meanwhile. */
export function attemptOne(tables: Tables, ledger: Ledger, lane: Lane, request: AttemptRequest): boolean {
  const entries = openEntries(tables, ledger, lane, []);
  const entry = entries.get(request.type, request.hullId);
  if (entry?.content?.seq !== request.seq || entry.attempt !== undefined) return false;
  const { content, ...rest } = entry;
  const attempt: Attempt = { content, kind: request.repeatable ? "update" : "create", startedAtMs: tables.now() };
  entries.put(entry, { ...rest, attempt });
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
    const { unconfirmed: _answered, same: _same, ...kept } = record;
    const { remoteId: before, generation: _, ...unlinked } = kept;
    const linked = linkOf(remote, record);
    if (settlement.gone !== undefined) forgetMirror(tables, ledger, remote, type, settlement.gone);
    if (settlement.mirror !== undefined) {
      patchMirror(tables, ledger, remote, lane.tenant, type, hullId, settlement.mirror, linked);
      const confirmed = Object.values(settlement.mirror.facts).some(({ confirmed }) => confirmed !== undefined);
      tables.records.put(recordKey, {
        ...unlinked,
        confirmedAtMs: confirmed ? tables.now() : record.confirmedAtMs,
        revision: record.revision + 1,
        remoteId: settlement.mirror.id,
        generation: remote.generation,
      });
      if (linked !== settlement.mirror.id) {
        entries.release(type, hullId);
        endRivalry(tables, lane.remote, type, settlement.mirror.id, hullId);
      }
    } else {
      // A record found by its keys was never linked.
      const rest = before === settlement.gone ? unlinked : kept;
      tables.records.put(recordKey, { ...rest, revision: record.revision + 1 });
    }
  }

  const entry = entries.get(type, hullId);
  const worked =
    entry?.attempt?.content.seq === settlement.seq ? entry.attempt.content : waiting(entry, settlement.seq);
  // Nothing of it is left: it was replaced or withdrawn while the lane worked on it, and ended then.
  if (entry === undefined || worked === undefined) return outcomes;
  const newer = entry.content?.seq === settlement.seq ? undefined : entry.content;

  const note = (end: Outcome): void => {
    countOutcome(ledger, lane.tenant, type, hullId, end);
    outcomes.push({ type, hullId, claims: worked.claims, outcome: end });
    noteLast(tables, lane, type, hullId, end);
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
        const arrived = end.outcome === "sent" || end.outcome === "unchanged";
        // A warning about a record applies to its next message too.
        if (settlement.mirror !== undefined && arrived && end.note === undefined) {
          keepFingerprint(tables, recordKey, worked);
        }
        const refused = end.outcome === "rejected" || end.outcome === "dead" || end.outcome === "skipped";
        if (refused) entries.refuseChildren(type, hullId, refusal(end), end.text);
      }
      return outcomes;
    }
    case "wait":
    case "block": {
      if (newer !== undefined) {
        note(outcomeOf(worked, "superseded", reason("newer_message", newer.messageId), tables.now()));
      } else if (entry.withdrawn === true) {
        note(outcomeOf(worked, "superseded", reason("newer_message"), tables.now()));
        keepUnconfirmed(tables, lane, type, hullId, then.kind === "wait" ? then.unconfirmed : entry.unconfirmed);
        entries.remove(entry);
        entries.withdrawChildren(type, hullId, "withdrawn");
        return outcomes;
      }
      const content = newer === undefined ? worked : { ...newer, ...mergeContent(worked, newer) };
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

function waiting(entry: EntryRow | undefined, seq: number): Content | undefined {
  return entry?.attempt === undefined && entry?.content?.seq === seq ? entry.content : undefined;
}

/** The newer content came while the older one was in flight, so it has waited since then at most. */
function released(entry: EntryRow, content: Content): EntryRow {
  const { attempt, unconfirmed: _unconfirmed, problem: _problem, ...rest } = entry;
  return { ...rest, acceptedAtMs: attempt?.startedAtMs ?? entry.acceptedAtMs, content, notBeforeMs: 0, attempts: 0 };
}

function refusal(end: Outcome): "rejected" | "dead" | "skipped" {
  return end.outcome === "rejected" ? "rejected" : end.outcome === "dead" ? "dead" : "skipped";
}

/** The service has what the message said: the next one that says the same is unchanged. */
function keepFingerprint(tables: Tables, key: Key, { digest: fingerprint, derived }: Content): void {
  const record = tables.records.get(key);
  if (fingerprint !== undefined && !derived && record !== undefined)
    tables.records.put(key, { ...record, same: fingerprint });
}

/** What was refused for good can be read later; a success closes earlier refusals. */
function closeOrKeepDeadLetter(tables: Tables, lane: Lane, entry: EntryRow, content: Content, end: Outcome): void {
  if (end.outcome === "rejected" || end.outcome === "dead") {
    const { type, hullId, attempts } = entry;
    keepDeadLetter(tables, { ...lane, type, hullId, content, ending: end, attempts });
  } else if (end.outcome === "sent" || end.outcome === "unchanged") {
    closeDeadLetter(tables, { ...lane, type: entry.type, hullId: entry.hullId });
  }
}

/** Newer values are added to what Hull has not been told yet; every outcome that waits for it stays. */
function keepHullUpdate(tables: Tables, ledger: Ledger, lane: Lane, settlement: Settlement, end: Outcome): void {
  const { then, mirror, type, hullId } = settlement;
  if (then.kind !== "tell" || mirror === undefined) return;
  const key = [lane.remote, lane.tenant, type, hullId];
  const before = tables.hullUpdates.get(key);
  const same = before?.remoteId === mirror.id ? before : undefined;
  const account = then.hullUpdate.account ?? same?.account;
  const row: HullUpdateRow = {
    tenant: lane.tenant,
    type,
    hullId,
    remoteId: mirror.id,
    claims: then.hullUpdate.claims,
    attributes: { ...same?.attributes, ...then.hullUpdate.attributes },
    facts: { ...same?.facts, ...then.hullUpdate.facts },
    account,
    outcomes: [...(before?.outcomes ?? []), end],
    seq: ledger.nextSeq(),
    notBeforeMs: before?.notBeforeMs ?? 0,
    attempts: before?.attempts ?? 0,
  };
  if (before === undefined) ledger.depth(lane, { tells: 1 });
  else tables.hullUpdateQueue.remove([lane.remote, lane.tenant, before.notBeforeMs, before.seq]);
  tables.hullUpdates.put(key, row);
  tables.hullUpdateQueue.put([lane.remote, lane.tenant, row.notBeforeMs, row.seq], [type, hullId]);
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

/** The outcome of the parent from the same message, if it was refused: it need not be tried again for its child. */
function refusedWith(record: RecordRow | undefined, content: Content): Outcome | undefined {
  const { last } = record ?? {};
  if (last === undefined || last.messageId !== content.messageId || content.replay === true) return undefined;
  return ["rejected", "dead", "skipped"].includes(last.outcome) ? last : undefined;
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
  const { attempt: _, ...rest } = entry;
  const record = tables.records.get([lane.remote, parent.type, parent.hullId]);
  if (linkOf(remoteRow(tables, lane.remote), record) !== undefined) {
    // The parent got its id meanwhile: the child stays in the queue.
    entries.put(entry, { ...rest, content });
    return;
  }
  if (record === undefined) {
    const place = [lane.remote, parent.type, parent.hullId] as const;
    const claims = indexedClaims(parent.content.claims);
    reindex(tables, place, undefined, claims);
    // Version 0: whatever Hull says about the parent itself is newer than what its child carried along.
    tables.records.put([...place], { version: 0, messageId: "", revision: 0, claims });
  }
  const refused = entries.get(parent.type, parent.hullId) === undefined ? refusedWith(record, content) : undefined;
  if (refused !== undefined) {
    entries.put(entry, { ...rest, content, blockedOn: parent.hullId });
    entries.refuseChildren(parent.type, parent.hullId, refusal(refused), refused.text);
    return;
  }
  if (entries.get(parent.type, parent.hullId) === undefined) {
    const made: Content = { ...parent.content, seq: ledger.nextSeq(), counted: true };
    ledger.count(lane.tenant, "derived", parent.type);
    entries.put(undefined, {
      tenant: lane.tenant,
      type: parent.type,
      hullId: parent.hullId,
      acceptedAtMs: tables.now(),
      content: made,
      notBeforeMs: 0,
      attempts: 0,
    });
  }
  entries.put(entry, { ...rest, content, blockedOn: parent.hullId });
}

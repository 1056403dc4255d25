/** An explanation as the API shows it, in Hull's spelling: names in snake_case, instants in ISO 8601. */
import { wordsAbout, wordsOverall } from "../../src/engine/explain-words";
import type { Explanation, RecordExplanation } from "../../src/engine/explain";
import { createRedactor } from "../../src/http/redact";
import { letterId } from "../../src/storage/letters";
import type { Recalled } from "../../src/storage/recall";
import type { Ending, MirrorRow } from "../../src/storage/rows";

// What the service says may quote what it was sent, and an explanation is copied into tickets.
const redactor = createRedactor();

/** @param service how people call the service: `Planhat` */
export function showExplanation(explanation: Explanation, service: string) {
  const { records, problems, holds, undecided, service: shown } = explanation;
  return {
    text: wordsOverall(explanation, service).map((each) => redactor.text(each)),
    records: records.map((record) => showRecord(record, service)),
    problems,
    holds: holds.map(({ scope, kind, message, sinceMs, untilMs }) => ({
      scope,
      kind,
      message: redactor.text(message),
      since: isoOf(sinceMs),
      until: isoOf(untilMs),
    })),
    undecided: undecided === undefined ? null : redactor.text(undecided),
    shown_by_service: shown ?? null,
  };
}

function showRecord(record: RecordExplanation, service: string) {
  const { entity, type, hullId, claims, messageId, derived, checks, desired, known, parent, candidates } = record;
  const { fields, would, writes, tells } = record;
  return {
    entity,
    type,
    hull_id: hullId,
    claims,
    message_id: messageId ?? null,
    merged: record.merged,
    derived: derived === true,
    text: wordsAbout(record, service).map((each) => redactor.text(each)),
    checks: checks.map(({ name, verdict, reason }) => ({ name, verdict, code: reason.code, text: reason.text })),
    mapped:
      desired === undefined
        ? null
        : { fields: desired.fields, keys: desired.keys, cleared: desired.cleared, parent: parentIn(desired) },
    warnings: record.warnings,
    known: showKnown(known),
    parent: parent === undefined ? null : { type: parent.type, hull_id: parent.hullId, known: showKnown(parent.known) },
    candidates: candidates.map(showMirror),
    fields: fields.map(({ field, value, remote, sent, told, verdict, why }) => ({
      field,
      value,
      remote,
      sent,
      told,
      verdict,
      why,
    })),
    would: would === undefined ? null : showEnding(would),
    requests: writes.map(({ kind, remoteId, parentId, keys, fields: sent }) => ({
      kind,
      remote_id: remoteId ?? null,
      parent_id: parentId ?? null,
      keys,
      fields: sent,
    })),
    told_to_hull: tells.map(({ claims: subject, attributes, account }) => ({
      claims: subject,
      attributes,
      account: account ?? null,
    })),
  };
}

function parentIn({ parent }: NonNullable<RecordExplanation["desired"]>) {
  return parent === undefined ? null : { type: parent.type, hull_id: parent.hullId, keys: parent.desired.keys };
}

function showKnown({ record, mirror, entry, tell, letter, listedAtMs }: Recalled) {
  return {
    version: record === undefined ? null : isoOf(record.version),
    last_message_id: record?.messageId ?? null,
    last_outcome: record?.last === undefined ? null : showEnding(record.last),
    link: mirror === undefined ? null : { ...showMirror(mirror), listed_at: orNull(listedAtMs) },
    outbox:
      entry === undefined
        ? null
        : {
            state: entry.attempt === undefined ? "waiting" : "in_flight",
            accepted_at: isoOf(entry.acceptedAtMs),
            next_try_at: entry.notBeforeMs === 0 ? null : isoOf(entry.notBeforeMs),
            attempts: entry.attempts,
            blocked_on: entry.blockedOn ?? null,
            in_doubt: entry.doubt !== undefined,
            problem: entry.problem === undefined ? null : redactor.text(entry.problem),
            fields: entry.content?.desired.fields ?? null,
          },
    write_back:
      tell === undefined
        ? null
        : { attributes: tell.attributes, next_try_at: isoOf(tell.notBeforeMs), attempts: tell.attempts },
    dead_letter: letter === undefined ? null : { id: letterId(letter), ...showEnding(letter.ending) },
  };
}

function showMirror({ id, keys, parentId, linkedTo, facts, complete, archived, missing, ...times }: MirrorRow) {
  const { createdAtMs, writtenAtMs, seenAtMs } = times;
  return {
    remote_id: id,
    keys,
    parent_id: parentId ?? null,
    linked_to: linkedTo ?? null,
    content_known: complete,
    archived: archived === true,
    missing: missing === true,
    created_at: orNull(createdAtMs),
    written_at: orNull(writtenAtMs),
    read_at: orNull(seenAtMs),
    // Marks of values, not values: equal ones mean equal values.
    facts: Object.entries(facts).map(([field, [remote, sent, told]]) => ({ field, remote, sent, told })),
  };
}

function showEnding({ messageId, outcome, code, text, atMs }: Ending) {
  return { outcome, code, text: redactor.text(text), at: isoOf(atMs), message_id: messageId };
}

function orNull(ms: number | undefined): string | null {
  return ms === undefined ? null : isoOf(ms);
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}

/** What is remembered of a record, as `/explain` shows it. */
import { z } from "zod";
import { createRedactor } from "../../../src/http/guards/redact";
import { shownFields } from "../../../src/record";
import type { Service } from "../../../src/services/service";
import { remedyOf } from "../../admin/remedies";
import { deadLetterId } from "../../../src/storage/port/dead-letters";
import type { InspectedRecord } from "../../../src/storage/port/store";
import type { Outcome, EntryRow, MirrorRow } from "../../../src/storage/port/rows";
import { instantAnswer, isoOf, isoOrNull } from "../../openapi/instants";

// The service's words may quote what it was sent, and an explanation is copied into tickets.
const redactor = createRedactor();

/** Text without anything that looks like a credential. */
export const safely = (words: string): string => redactor.text(words);

const instant = instantAnswer.nullable();
/** Values of Hull and the service are shown unchanged. */
export const valuesAnswer = z.record(z.string(), z.unknown());
export const textsAnswer = z.record(z.string(), z.string());

export const outcomeAnswer = z.object({
  outcome: z.string().meta({ description: "sent, unchanged, skipped, rejected, superseded or dead." }),
  code: z.string().meta({ description: "The reason in one word." }),
  text: z.string().meta({ description: "The reason in words." }),
  remedy: z.string().nullable().meta({ description: "What a person can do; null: nothing need be done." }),
  at: instantAnswer,
  message_id: z.string(),
});

const factAnswer = z.object({
  field: z.string(),
  remote: z.string().nullable().meta({ description: "What is there." }),
  sent: z.string().nullable().meta({ description: "What was delivered last." }),
  told: z.string().nullable().meta({ description: "What Hull confirmed." }),
});

export const mirrorAnswer = z.object({
  remote_id: z.string(),
  keys: textsAnswer,
  parent_id: z.string().nullable(),
  linked_to: z.string().nullable().meta({ description: "Hull id of the one entity that it belongs to." }),
  content_known: z.boolean().meta({ description: "false: only its keys were read." }),
  archived: z.boolean(),
  missing: z.boolean().meta({ description: "The last complete fetch did not show it." }),
  created_at: instant,
  written_at: instant,
  read_at: instant,
  facts: z.array(factAnswer).meta({ description: "Fingerprints of values, not values: equal ones mean equal values." }),
});

const linkAnswer = mirrorAnswer.extend({
  listed_at: instant.meta({ description: "When a fetch listed it last." }),
});

const outboxAnswer = z.object({
  state: z.enum(["waiting", "in_flight"]),
  accepted_at: instantAnswer,
  next_try_at: instant.meta({ description: "null: as soon as its turn comes." }),
  attempts: z.int().meta({ description: "How often it was postponed." }),
  blocked_on: z.string().nullable().meta({ description: "Hull id of the parent that it waits for." }),
  in_doubt: z.boolean().meta({ description: "The answer to a create was lost." }),
  problem: z.string().nullable().meta({ description: "Why it waits." }),
  fields: valuesAnswer.nullable().meta({ description: "What it should hold." }),
});

export const knownAnswer = z.object({
  version: instant.meta({ description: "The date of the newest message." }),
  last_message_id: z.string().nullable(),
  last_outcome: outcomeAnswer.nullable(),
  link: linkAnswer.nullable().meta({ description: "The record in {{service}}." }),
  outbox: outboxAnswer.nullable().meta({ description: "What waits for delivery." }),
  write_back: z
    .object({ attributes: valuesAnswer, next_try_at: instantAnswer, attempts: z.int() })
    .nullable()
    .meta({ description: "What Hull must still be told." }),
  dead_letter: outcomeAnswer.extend({ id: z.string() }).nullable().meta({ description: "What was refused for good." }),
});

/** What says what the outcomes of a service mean. */
export type Meaning = Pick<Service<never>, "face" | "outcomes">;

export function showKnown(known: InspectedRecord, meaning: Meaning): z.output<typeof knownAnswer> {
  const { record, mirror, entry, hullUpdate, deadLetter, listedAtMs } = known;
  return {
    // A record made for its children was sent by nobody.
    version: record === undefined || record.version === 0 ? null : isoOf(record.version),
    last_message_id: record?.messageId ?? null,
    last_outcome: record?.last === undefined ? null : showOutcome(record.last, meaning),
    link: mirror === undefined ? null : { ...showMirror(mirror), listed_at: isoOrNull(listedAtMs) },
    outbox: entry === undefined ? null : showEntry(entry),
    write_back: hullUpdate === undefined ? null : showHullUpdate(hullUpdate),
    dead_letter:
      deadLetter === undefined ? null : { id: deadLetterId(deadLetter), ...showOutcome(deadLetter.ending, meaning) },
  };
}

function showHullUpdate({ attributes, notBeforeMs, attempts }: NonNullable<InspectedRecord["hullUpdate"]>) {
  return { attributes, next_try_at: isoOf(notBeforeMs), attempts };
}

function showEntry(entry: EntryRow): z.output<typeof outboxAnswer> {
  const { content = entry.attempt?.content, problem } = entry;
  return {
    state: entry.attempt === undefined ? "waiting" : "in_flight",
    accepted_at: isoOf(entry.acceptedAtMs),
    next_try_at: entry.notBeforeMs === 0 ? null : isoOf(entry.notBeforeMs),
    attempts: entry.attempts,
    blocked_on: entry.blockedOn ?? null,
    in_doubt: entry.unconfirmed !== undefined,
    problem: problem === undefined ? null : safely(problem),
    fields: content === undefined ? null : shownFields(content.desired.fields),
  };
}

export function showMirror(row: MirrorRow): z.output<typeof mirrorAnswer> {
  const { id, keys, parentId, linkedTo, facts, complete, archived, missing } = row;
  return {
    remote_id: id,
    keys,
    parent_id: parentId ?? null,
    linked_to: linkedTo ?? null,
    content_known: complete,
    archived: archived === true,
    missing: missing === true,
    created_at: isoOrNull(row.createdAtMs),
    written_at: isoOrNull(row.writtenAtMs),
    read_at: isoOrNull(row.seenAtMs),
    facts: Object.entries(facts).map(([field, [remote, sent, told]]) => ({ field, remote, sent, told })),
  };
}

export function showOutcome(
  { messageId, outcome, code, text, atMs }: Outcome,
  { outcomes, face }: Meaning,
): z.output<typeof outcomeAnswer> {
  const remedy = remedyOf({ outcome, code }, outcomes, face.remedies) ?? null;
  return { outcome, code, text: safely(text), remedy, at: isoOf(atMs), message_id: messageId };
}

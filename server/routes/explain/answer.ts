/** An explanation as the API shows it, in Hull's spelling: names in snake_case, instants in ISO 8601. */
import { z } from "zod";
import { wordsAbout, wordsOverall } from "../../../src/engine/explain/sentences";
import type { Explanation, RecordExplanation } from "../../../src/engine/explain/explain";
import {
  outcomeAnswer,
  knownAnswer,
  mirrorAnswer,
  safely,
  showOutcome,
  showKnown,
  showMirror,
  textsAnswer,
  valuesAnswer,
  type Meaning,
} from "./known";
import { lineAnswer, showLine } from "../outcomes/answer";
import { instantAnswer, isoOf } from "../../openapi/instants";

const parentPlace = { type: z.string(), hull_id: z.string() };

const checkAnswer = z.object({
  name: z.string().meta({ description: "The setting, or what must be there." }),
  verdict: z.enum(["passed", "failed", "bypassed"]).meta({ description: "bypassed: an export ignores the filter." }),
  code: z
    .string()
    .nullable()
    .meta({ description: "The code of the reason why it fails, or would; null if it passes." }),
  text: z.string().nullable(),
});

const mappedAnswer = z.object({
  fields: valuesAnswer,
  keys: textsAnswer,
  cleared: z.array(z.string()).meta({ description: "Fields whose value Hull removed." }),
  parent: z.object({ ...parentPlace, keys: textsAnswer }).nullable(),
});

const standing = z.enum(["same", "other", "empty", "unknown"]);

const fieldAnswer = z.object({
  field: z.string(),
  value: z.unknown().meta({ description: "Hull's value." }),
  remote: standing.meta({ description: "How what is there compares with it." }),
  sent: standing.meta({ description: "How what was delivered last compares with it." }),
  told: standing.meta({ description: "How what Hull confirmed compares with it." }),
  verdict: z
    .enum(["send", "equal", "kept", "left"])
    .meta({ description: "kept: somebody's edit in {{service}} stays." }),
  why: z.string(),
});

const requestAnswer = z.object({
  kind: z.enum(["create", "update", "end", "restart"]),
  remote_id: z.string().nullable(),
  parent_id: z.string().nullable().meta({ description: "One that begins with simulated- would be created first." }),
  keys: textsAnswer,
  fields: valuesAnswer,
});

const toldAnswer = z.object({ claims: textsAnswer, attributes: valuesAnswer, account: textsAnswer.nullable() });

export const recordExplanation = z.object({
  entity: z.enum(["user", "account"]),
  type: z.string().meta({ description: "The object type in {{service}}: {{types}}." }),
  hull_id: z.string(),
  claims: textsAnswer,
  message_id: z.string().nullable(),
  merged: z.array(z.string()).meta({ description: "Older messages of the same notification." }),
  derived: z
    .boolean()
    .meta({ description: "No message asked for it: it is created for its children if it does not exist." }),
  text: z.array(z.string()).meta({ description: "For people, the most telling first." }),
  checks: z.array(checkAnswer).meta({ description: "Filters and requirements, in their order." }),
  mapped: mappedAnswer.nullable().meta({ description: "What it should hold in {{service}}." }),
  warnings: z.array(z.string()),
  known: knownAnswer,
  parent: z
    .object({ ...parentPlace, known: knownAnswer })
    .nullable()
    .meta({ description: "What it belongs to." }),
  candidates: z.array(mirrorAnswer).meta({ description: "What {{service}} has under its keys, if it is not linked." }),
  fields: z.array(fieldAnswer),
  timeline: z.array(lineAnswer).meta({ description: "What became of it lately, the newest first." }),
  would: outcomeAnswer.nullable().meta({ description: "How the message would end." }),
  requests: z.array(requestAnswer).meta({ description: "What {{service}} would be sent." }),
  told_to_hull: z.array(toldAnswer).meta({ description: "What Hull would be told." }),
});

const pauseAnswer = z.object({
  scope: z.string().meta({ description: "* for everything, else an object type." }),
  kind: z.string(),
  message: z.string(),
  since: instantAnswer,
  until: instantAnswer,
});

export const explanationAnswer = z.object({
  text: z.array(z.string()).meta({ description: "About all of them together." }),
  records: z.array(recordExplanation),
  problems: z.array(z.string()).meta({
    description: "Messages that cannot be read: the field, and what to do. Or that the service takes no such entities.",
  }),
  holds: z.array(pauseAnswer).meta({ description: "What is paused at the moment, and why." }),
  undecided: z.string().nullable().meta({ description: "Why there is no answer." }),
  shown_by_service: z
    .array(z.object({ type: z.string(), id: z.string() }))
    .nullable()
    .meta({ description: "What {{service}} shows now; null: it was not asked, or did not answer." }),
});

export function showExplanation(explanation: Explanation, service: Meaning): z.output<typeof explanationAnswer> {
  const { records, problems, holds, undecided, service: shown } = explanation;
  return {
    text: wordsOverall(explanation, service.face.title).map(safely),
    records: records.map((record) => showRecord(record, service)),
    problems: [...problems],
    holds: holds.map(({ scope, kind, message, sinceMs, untilMs }) => ({
      scope,
      kind,
      message: safely(message),
      since: isoOf(sinceMs),
      until: isoOf(untilMs),
    })),
    undecided: undecided === undefined ? null : safely(undecided),
    shown_by_service: shown === undefined ? null : [...shown],
  };
}

function showRecord(record: RecordExplanation, service: Meaning): z.output<typeof recordExplanation> {
  const { entity, type, hullId, claims, messageId, derived, checks, desired, known, parent, candidates } = record;
  const { fields, would, writes, hullUpdates } = record;
  return {
    entity,
    type,
    hull_id: hullId,
    claims,
    message_id: messageId ?? null,
    merged: [...record.merged],
    derived: derived === true,
    text: wordsAbout(record, service.face.title).map(safely),
    checks: checks.map(({ name, verdict, reason: { code, text } }) => ({
      name,
      verdict,
      ...(verdict === "passed" ? { code: null, text: null } : { code, text }),
    })),
    mapped: desired === undefined ? null : showMapped(desired),
    warnings: [...record.warnings],
    known: showKnown(known, service),
    parent:
      parent === undefined
        ? null
        : { type: parent.type, hull_id: parent.hullId, known: showKnown(parent.known, service) },
    candidates: candidates.map(showMirror),
    fields: fields.map(({ confirmed, ...field }) => ({ ...field, told: confirmed })),
    timeline: record.timeline.map((line) => showLine(line, service)),
    would: would === undefined ? null : showOutcome(would, service),
    requests: writes.map(({ kind, remoteId, parentId, keys, fields: sent }) => ({
      kind,
      remote_id: remoteId ?? null,
      parent_id: parentId ?? null,
      keys,
      fields: sent,
    })),
    told_to_hull: hullUpdates.map(({ claims: subject, attributes, account }) => ({
      claims: subject,
      attributes,
      account: account ?? null,
    })),
  };
}

function showMapped({ fields, keys, cleared, parent }: NonNullable<RecordExplanation["desired"]>) {
  return {
    fields,
    keys,
    cleared: [...cleared],
    parent: parent === undefined ? null : { type: parent.type, hull_id: parent.hullId, keys: parent.desired.keys },
  };
}

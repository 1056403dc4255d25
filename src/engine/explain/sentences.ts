/** An explanation in sentences, the most telling first. Pure. */
import compact from "lodash/compact";
import { listed } from "../../outcome/listed";
import type { InspectedRecord } from "../../storage/port/store";
import type { PauseRow } from "../../storage/port/rows";
import type { Explanation, RecordExplanation } from "./explain";
import type { DryWrite } from "../dry-run/dry-run";

/** Most fields that one sentence names. */
const MOST_NAMED = 12;

/** About one record. @param service how people call the service */
export function wordsAbout(record: RecordExplanation, service: string): readonly string[] {
  const { merged, checks, warnings } = record;
  return compact([
    ...outcomeWords(record, service),
    merged.length > 0 && `It replaces ${named(merged)} of the same notification.`,
    ...checks.map(({ name, verdict, reason }) =>
      verdict === "failed"
        ? `${name}: ${reason.text}`
        : verdict === "bypassed" && `${name}: it would be filtered out, but an export ignores this filter.`,
    ),
    ...waitingWords(record.known),
    ...linkWords(record, service),
    deadLetterWords(record.known, service),
    keptWords(record, service),
    parentWords(record),
    lastWords(record),
    ...warnings,
  ]);
}

/** About all of them together. */
export function wordsOverall(explanation: Explanation, service: string): readonly string[] {
  const { records, problems, holds: pauses, undecided, service: shown } = explanation;
  const nobody = records.length === 0 && problems.length === 0;
  return compact([
    ...problems,
    nobody &&
      "Nothing is known under this name: Hull has reported nobody with it since the connector was installed, or it was erased. Send the user or account from Hull's dashboard, and ask again.",
    shown !== undefined && shownWords(shown, service),
    ...pauses.map((pause) => pauseWords(pause, service)),
    undecided !== undefined && `What becomes of it cannot be said now: ${undecided}`,
  ]);
}

/** A sentence, or nothing to say. */
type Words = string | false | undefined;

function outcomeWords(
  { would, writes, hullUpdates, derived, repeated }: RecordExplanation,
  service: string,
): readonly Words[] {
  const told = [...new Set(hullUpdates.flatMap(({ attributes }) => Object.keys(attributes)))];
  return [
    would !== undefined && `It would end ${would.outcome} (${would.code}): ${would.text}`,
    repeated === true && "It was sent before, and an event is sent only once.",
    ...writes.map((write) => writeWords(write, service)),
    told.length > 0 && `Hull would be told ${named(told)}.`,
    derived === true && would === undefined && "It exists already and is left unchanged.",
  ];
}

function writeWords({ type, kind, remoteId, fields }: DryWrite, service: string): string {
  const what =
    kind === "create" ? `A new record of ${type} would be created in ${service}` : `${service} would be sent`;
  const names = Object.keys(fields);
  const which = kind === "create" ? `, with ${named(names)}` : ` ${named(names)} of ${type} ${remoteId ?? ""}`;
  return `${what}${which}.`;
}

function waitingWords({ entry, hullUpdate }: InspectedRecord): readonly Words[] {
  const { attempt, content, notBeforeMs = 0, acceptedAtMs = 0, blockedOn, unconfirmed, problem } = entry ?? {};
  const until = notBeforeMs > 0 ? `, and is tried again at ${timeOf(notBeforeMs)}` : "";
  return [
    attempt !== undefined && `It has been in flight since ${timeOf(attempt.startedAtMs)}.`,
    content !== undefined && `It has waited for delivery since ${timeOf(acceptedAtMs)}${until}.`,
    blockedOn !== undefined && `It waits for what it belongs to (Hull id ${blockedOn}).`,
    unconfirmed !== undefined && "The answer to a create was lost: it is looked for before it is created again.",
    problem !== undefined && `The last try ended with: ${problem}`,
    hullUpdate && `It was delivered; Hull must still be told, next at ${timeOf(hullUpdate.notBeforeMs)}.`,
  ];
}

function linkWords(
  { known: { mirror, listedAtMs }, candidates, type }: RecordExplanation,
  service: string,
): readonly Words[] {
  if (mirror === undefined) {
    const none = `No record of ${type} in ${service} is linked to it.`;
    if (candidates.length === 0) return [none];
    const ids = candidates.map(({ id, linkedTo }) => (linkedTo === undefined ? id : `${id} (linked to ${linkedTo})`));
    return [`${none} Records with its keys: ${named(ids)}.`];
  }
  const seenAtMs = Math.max(listedAtMs ?? 0, mirror.seenAtMs ?? 0, mirror.writtenAtMs ?? 0);
  const seen = seenAtMs === 0 ? "" : `, last seen or written at ${timeOf(seenAtMs)}`;
  return [
    `It is linked to ${type} ${mirror.id} in ${service}${seen}.`,
    mirror.archived === true
      ? `It is archived in ${service}.`
      : mirror.missing === true && "The last complete fetch did not show it; it is read before anything is concluded.",
  ];
}

function deadLetterWords({ deadLetter }: InspectedRecord, service: string): Words {
  if (deadLetter === undefined) return undefined;
  const { atMs, code, text } = deadLetter.ending;
  return `${service} refused it for good at ${timeOf(atMs)} (${code}): ${text} Mend the cause, then replay the dead letter.`;
}

function keptWords({ fields }: RecordExplanation, service: string): Words {
  const kept = fields.filter(({ verdict }) => verdict === "kept").map(({ field }) => field);
  return kept.length > 0 && `Somebody changed ${named(kept)} in ${service}; that stays until Hull's value changes.`;
}

function parentWords({ parent }: RecordExplanation): Words {
  if (parent === undefined) return undefined;
  const { type, hullId, known } = parent;
  const of = `It belongs to ${type} ${known.mirror?.id ?? "without a known id"} (Hull id ${hullId})`;
  const last = known.deadLetter?.ending ?? known.record?.last;
  return last === undefined ? `${of}.` : `${of}, which ended ${last.outcome} (${last.code}): ${last.text}`;
}

function lastWords({ known: { record }, messageId }: RecordExplanation): Words {
  const last = record?.last;
  if (last !== undefined)
    return `Its last message ended ${last.outcome} (${last.code}) at ${timeOf(last.atMs)}: ${last.text}`;
  return record === undefined && messageId !== undefined && "No message about it was taken in before.";
}

function pauseWords({ scope, message, sinceMs, untilMs }: PauseRow, service: string): string {
  const what = scope === "*" ? `Delivery to ${service}` : `Delivery of ${scope}`;
  return `${what} has been paused since ${timeOf(sinceMs)}, until ${timeOf(untilMs)} at the earliest: ${message}`;
}

function shownWords(shown: NonNullable<Explanation["service"]>, service: string): string {
  if (shown.length === 0) return `${service} itself shows no record under this name now.`;
  return `${service} itself shows ${named(shown.map(({ type, id }) => `${type} ${id}`))} under this name now.`;
}

function named(names: readonly string[]): string {
  return names.length === 0 ? "nothing" : listed(names, MOST_NAMED);
}

/** To the second, in UTC, as the log has it. */
function timeOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** An explanation in sentences, the most telling first. Pure. */
import { listed } from "../../outcome/listed";
import type { InspectedRecord } from "../../storage/port/store";
import type { PauseRow } from "../../storage/port/rows";
import type { Explanation, RecordExplanation } from "./explain";
import type { DryWrite } from "../dry-run/dry-run";

/** Most fields that one sentence names. */
const MOST_NAMED = 12;

/** About one record. @param service how people call the service: `Planhat` */
export function wordsAbout(record: RecordExplanation, service: string): readonly string[] {
  return [
    ...outcomeWords(record, service),
    ...(record.merged.length > 0 ? [`It replaces ${named(record.merged)} of the same notification.`] : []),
    ...record.checks.flatMap(({ name, verdict, reason }) =>
      verdict === "passed"
        ? []
        : [
            verdict === "failed"
              ? `${name}: ${reason.text}`
              : `${name}: it would be filtered out, but an export ignores this filter.`,
          ],
    ),
    ...waitingWords(record.known),
    ...linkWords(record, service),
    ...deadLetterWords(record.known, service),
    ...keptWords(record, service),
    ...parentWords(record),
    ...lastWords(record),
    ...record.warnings,
  ];
}

/** About all of them together. */
export function wordsOverall(explanation: Explanation, service: string): readonly string[] {
  const { records, problems, holds: pauses, undecided, service: shown } = explanation;
  const nobody = records.length === 0 && problems.length === 0;
  return [
    ...problems,
    ...(nobody
      ? [
          "Nothing is known under this name: Hull has reported nobody with it since the connector was installed, or it was erased. Send the user or account from Hull's dashboard, and ask again.",
        ]
      : []),
    ...(shown === undefined ? [] : [shownWords(shown, service)]),
    ...pauses.map((pause) => pauseWords(pause, service)),
    ...(undecided === undefined ? [] : [`What becomes of it cannot be said now: ${undecided}`]),
  ];
}

function outcomeWords(
  { would, writes, hullUpdates, derived, repeated }: RecordExplanation,
  service: string,
): readonly string[] {
  const end = would === undefined ? [] : [`It would end ${would.outcome} (${would.code}): ${would.text}`];
  const told = [...new Set(hullUpdates.flatMap(({ attributes }) => Object.keys(attributes)))];
  const hull = told.length === 0 ? [] : [`Hull would be told ${named(told)}.`];
  const idle = derived === true && would === undefined ? ["It exists already and is left unchanged."] : [];
  const again = repeated === true ? ["It was sent before, and an event is sent only once."] : [];
  return [...end, ...again, ...writes.map((write) => writeWords(write, service)), ...hull, ...idle];
}

function writeWords({ type, kind, remoteId, fields }: DryWrite, service: string): string {
  const what =
    kind === "create" ? `A new record of ${type} would be created in ${service}` : `${service} would be sent`;
  const names = Object.keys(fields);
  const which = kind === "create" ? `, with ${named(names)}` : ` ${named(names)} of ${type} ${remoteId ?? ""}`;
  return `${what}${which}.`;
}

function waitingWords({ entry, hullUpdate }: InspectedRecord): readonly string[] {
  const words: string[] = [];
  if (entry?.attempt !== undefined) words.push(`It has been in flight since ${timeOf(entry.attempt.startedAtMs)}.`);
  if (entry?.content !== undefined) {
    const until = entry.notBeforeMs > 0 ? `, and is tried again at ${timeOf(entry.notBeforeMs)}` : "";
    words.push(`It has waited for delivery since ${timeOf(entry.acceptedAtMs)}${until}.`);
  }
  if (entry?.blockedOn !== undefined) words.push(`It waits for what it belongs to (Hull id ${entry.blockedOn}).`);
  if (entry?.unconfirmed !== undefined)
    words.push("The answer to a create was lost: it is looked for before it is created again.");
  if (entry?.problem !== undefined) words.push(`The last try ended with: ${entry.problem}`);
  if (hullUpdate !== undefined)
    words.push(`It was delivered; Hull must still be told, next at ${timeOf(hullUpdate.notBeforeMs)}.`);
  return words;
}

function linkWords({ known: { mirror, listedAtMs }, candidates, type }: RecordExplanation, service: string) {
  if (mirror === undefined) {
    const none = `No record of ${type} in ${service} is linked to it.`;
    if (candidates.length === 0) return [none];
    const ids = candidates.map(({ id, linkedTo }) => (linkedTo === undefined ? id : `${id} (linked to ${linkedTo})`));
    return [`${none} Records with its keys: ${named(ids)}.`];
  }
  const seenAtMs = Math.max(listedAtMs ?? 0, mirror.seenAtMs ?? 0, mirror.writtenAtMs ?? 0);
  const seen = seenAtMs === 0 ? "" : `, last seen or written at ${timeOf(seenAtMs)}`;
  const state =
    mirror.archived === true
      ? [`It is archived in ${service}.`]
      : mirror.missing === true
        ? [`The last complete fetch did not show it; it is read before anything is concluded.`]
        : [];
  return [`It is linked to ${type} ${mirror.id} in ${service}${seen}.`, ...state];
}

function deadLetterWords({ deadLetter }: InspectedRecord, service: string): readonly string[] {
  if (deadLetter === undefined) return [];
  const { atMs, code, text } = deadLetter.ending;
  return [
    `${service} refused it for good at ${timeOf(atMs)} (${code}): ${text} Mend the cause, then replay the dead letter.`,
  ];
}

function keptWords({ fields }: RecordExplanation, service: string): readonly string[] {
  const kept = fields.filter(({ verdict }) => verdict === "kept").map(({ field }) => field);
  return kept.length === 0
    ? []
    : [`Somebody changed ${named(kept)} in ${service}; that stays until Hull's value changes.`];
}

function parentWords({ parent }: RecordExplanation): readonly string[] {
  if (parent === undefined) return [];
  const { type, hullId, known } = parent;
  const of = `It belongs to ${type} ${known.mirror?.id ?? "without a known id"} (Hull id ${hullId})`;
  const last = known.deadLetter?.ending ?? known.record?.last;
  return [last === undefined ? `${of}.` : `${of}, which ended ${last.outcome} (${last.code}): ${last.text}`];
}

function lastWords({ known: { record }, messageId }: RecordExplanation): readonly string[] {
  const last = record?.last;
  if (last === undefined) {
    return record === undefined && messageId !== undefined ? ["No message about it was taken in before."] : [];
  }
  return [`Its last message ended ${last.outcome} (${last.code}) at ${timeOf(last.atMs)}: ${last.text}`];
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

/**
 * The difference between what a receiver was told and what is so now: one message when something begins, one each day
 * while it lasts, one when it is over; and nothing of what was over before anybody could be told. Pure.
 */
import { backoffMs, type RetryPace } from "../../http/retry";
import type { AlertMessage, AlertRow } from "../../storage/port/rows";
import type { Condition } from "./conditions";

const DAY_MS = 24 * 3_600_000;
/** For so long a message that is not taken is sent again; then what is so by that time is told anew. */
const TRIED_MS = DAY_MS;
const REMINDED_MS = DAY_MS;
/** Who has not mended it in a week knows. */
const LAST_REMINDER_MS = 7 * DAY_MS + DAY_MS / 2;
/** Nothing waits longer: neither for the next try nor to be worth a message. */
const LONGEST_WAIT_MS = 60 * 60_000;
const RETRY_PACE = { baseMs: 15_000, capMs: 30 * 60_000 };

/** A number that hovers about its limit is neither news nor over with each look: its end is told once it is calm. */
const UNSTEADY: ReadonlySet<string> = new Set(["connector.dead_letters"]);
const CALM_MS = 15 * 60_000;

/** How long the waits between the tries of a message are. */
export const alertPace = (random: () => number): RetryPace => ({ ...RETRY_PACE, random });

/** Which row it is: what about, of which kind, and to whom. */
export type AlertPlace = Pick<AlertRow, "subject" | "kind" | "receiver">;

export interface Moment {
  readonly nowMs: number;
  /** Id of a message, another one each time. */
  readonly newId: () => string;
}

/**
 * @param condition undefined: all is well
 * @returns the row from now on, the very same where nothing changed; undefined: nothing is left to tell
 */
export function nextRow(
  row: AlertRow | undefined,
  condition: Condition | undefined,
  place: AlertPlace,
  moment: Moment,
): AlertRow | undefined {
  if (condition === undefined) return row && overNow(row, moment);
  const { nowMs } = moment;
  const { title, text, sinceMs = nowMs, isEvent } = condition;
  const { message } = row ?? {};
  const hasComeAgain = isEvent === true && row !== undefined && sinceMs > row.sinceMs;
  if (row === undefined || hasComeAgain) {
    // An event is the same as long as its time is, even if that was said by a clock that is ahead.
    const begunMs = isEvent === true ? sinceMs : Math.min(sinceMs, nowMs);
    const begun = { ...place, title, text, sinceMs: begunMs, mayKnow: row?.mayKnow ?? false };
    return { ...begun, message: messageOf("firing", moment, dueOf(begun, condition, nowMs)) };
  }
  if (message?.state === "resolved") {
    const { message: _, ...lasting } = row;
    // It came back before anybody heard that it was over.
    return message.attempts === 0 ? lasting : { ...lasting, title, text, message: messageOf("firing", moment) };
  }
  if (message !== undefined) {
    if (isGivenUp(row, nowMs)) return { ...row, title, text, message: messageOf("firing", moment) };
    if (message.attempts > 0) return row;
    const dueAtMs = Math.min(message.dueAtMs, dueOf(row, condition, nowMs));
    if (dueAtMs > nowMs) return dueAtMs === message.dueAtMs ? row : { ...row, message: { ...message, dueAtMs } };
    // What has lasted for a while is told as it is now.
    return { ...row, title, text, message: { ...message, atMs: nowMs, dueAtMs } };
  }
  const isReminderDue = nowMs - (row.toldAtMs ?? 0) >= REMINDED_MS && nowMs - row.sinceMs < LAST_REMINDER_MS;
  return isReminderDue ? { ...row, title, text, message: messageOf("firing", moment) } : row;
}

function overNow(row: AlertRow, moment: Moment): AlertRow | undefined {
  if (!row.mayKnow) return undefined;
  const dueAtMs = moment.nowMs + (UNSTEADY.has(row.kind) ? CALM_MS : 0);
  if (row.message?.state !== "resolved") return { ...row, message: messageOf("resolved", moment, dueAtMs) };
  return isGivenUp(row, moment.nowMs) ? undefined : row;
}

/** Whether a message was sent for a day, and never taken. */
export function isGivenUp({ message }: AlertRow, nowMs: number): boolean {
  return message !== undefined && message.attempts > 0 && nowMs - message.atMs >= TRIED_MS;
}

/** Whether a message is to be sent now; one of a time that no wait explains was written under another clock. */
export const isDue = ({ dueAtMs }: AlertMessage, nowMs: number): boolean =>
  dueAtMs <= nowMs || dueAtMs > nowMs + LONGEST_WAIT_MS;

/** Written down before each try: if the process ends meanwhile, the message may have arrived. */
export function attempted(row: AlertRow, message: AlertMessage, pace: RetryPace, nowMs: number): AlertRow {
  const next = { ...message, attempts: message.attempts + 1, dueAtMs: nowMs + backoffMs(message.attempts, pace) };
  return { ...row, mayKnow: true, message: next };
}

/** The receiver has it. @returns undefined when nothing is left to tell */
export function taken({ message, ...row }: AlertRow, nowMs: number): AlertRow | undefined {
  return message?.state === "resolved" ? undefined : { ...row, mayKnow: true, toldAtMs: nowMs };
}

/**
 * The receiver has not taken it, or nobody knows.
 *
 * @param before the row before the try @param tried the row since
 * @param error `applied` says whether it may have it all the same
 */
export function notTaken(
  before: AlertRow,
  tried: AlertRow,
  { applied, retryAfterMs = 0 }: { readonly applied: "no" | "maybe"; readonly retryAfterMs?: number | undefined },
  nowMs: number,
): AlertRow {
  const { message } = tried;
  const dueAtMs = Math.max(message?.dueAtMs ?? 0, nowMs + Math.min(retryAfterMs, RETRY_PACE.capMs));
  return { ...tried, mayKnow: applied === "maybe" || before.mayKnow, message: message && { ...message, dueAtMs } };
}

const dueOf = ({ sinceMs }: Pick<AlertRow, "sinceMs">, { delayMs = 0 }: Condition, nowMs: number): number =>
  delayMs === 0 ? nowMs : Math.max(nowMs, sinceMs + delayMs);

const messageOf = (state: AlertMessage["state"], { nowMs, newId }: Moment, dueAtMs: number = nowMs): AlertMessage => ({
  id: newId(),
  state,
  atMs: nowMs,
  attempts: 0,
  dueAtMs,
});

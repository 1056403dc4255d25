/** From rows of the store to sentences for people: what is paused, failed, waiting or set aside. Pure. */
import { listed } from "../../outcome/listed";
import type { FetchedType } from "../../services/service";
import type { Pair } from "../authorization/grant";
import type { Finding } from "../../services/connection";
import type { PauseRow, RunRow } from "../../storage/port/rows";
import type { Loss } from "../../storage/port/leases";
import type { LaneHealth } from "../../storage/port/store";
import { leftOutOf, leftOutText } from "../../outcome/left-out";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** An entry that waits longer than this is stuck. */
const LONG_WAIT_MS = HOUR_MS;
/** A run that is still in progress after this time deserves a look. */
const LONG_RUN_MS = 24 * HOUR_MS;
/** A failed batch is reported for this long; nothing repeats it automatically. */
const NEWS_MS = 72 * HOUR_MS;
/** Whether anybody has dealt with it is not known. */
const LOSS_NEWS_MS = 7 * 24 * HOUR_MS;
/** The schedule calls every few minutes, and a fetch takes its time. */
const SLACK_MS = HOUR_MS;
/** Most fields that one sentence names. */
const MOST_NAMED = 10;

const error = (text: string): Finding => ({ level: "error", text });
export const warning = (text: string): Finding => ({ level: "warning", text });
const time = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;
const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

/** @param pair the tokens in use @param address where a person gives them */
export function grantFindings(pair: Pair | undefined, address: string): readonly Finding[] {
  if (pair !== undefined && pair.lost !== true) return [];
  const what = pair === undefined ? "Nobody has authorized the connector yet" : "The authorization cannot be renewed";
  const text = `${what}, so everything waits. Open ${address} in a browser, log in as for the console, and accept there.`;
  return [{ level: "setupRequired", text }];
}

/** Lanes and types that are paused now. */
export function heldFindings(pauses: readonly PauseRow[], nowMs: number): readonly Finding[] {
  return pauses
    .filter(({ untilMs }) => untilMs > nowMs)
    .map(({ scope, kind, message, sinceMs, untilMs }) => {
      const what = scope === "*" ? "Delivery" : `Delivery of ${scope}`;
      const lasting = kind !== "transient";
      const next = `The next try is at ${time(untilMs)}${lasting ? ", or as soon as the settings are saved" : ""}.`;
      return (lasting ? error : warning)(
        `${what} has been paused since ${time(sinceMs)}. ${sentence(message)} ${next}`,
      );
    });
}

/** The last run of each kind and type, if it failed or does not end. @param runs newest first */
export function runFindings(runs: readonly RunRow[], nowMs: number): readonly Finding[] {
  const newest = new Map<string, RunRow>();
  for (const run of runs) {
    const name = run.kind === "replay" ? "replay of dead letters" : `${run.kind} of ${run.type}`;
    if (run.kind !== "drain" && run.options.simulate !== true && !newest.has(name)) newest.set(name, run);
  }
  return [...newest].flatMap(([name, run]) => runFinding(name, run, nowMs) ?? []);
}

function runFinding(name: string, run: RunRow, nowMs: number): Finding | undefined {
  const { state, kind, createdAtMs, endedAtMs = createdAtMs, done } = run;
  const why = sentence(run.error ?? "Ask those who run this server; their log says why");
  const isNews = kind === "fetch" || nowMs - endedAtMs < NEWS_MS;
  switch (state) {
    case "error":
      if (!isNews) return undefined;
      return (kind === "fetch" ? error : warning)(`The last ${name} failed at ${time(endedAtMs)}. ${why}`);
    case "stopped":
      return isNews ? warning(`The last ${name} was stopped at ${time(endedAtMs)}. ${why}`) : undefined;
    case "waiting":
    case "running":
      if (nowMs - createdAtMs < LONG_RUN_MS) return undefined;
      return warning(
        `A ${name} has been under way since ${time(createdAtMs)}, with ${done} records done. Ask those who run this server why it has not ended; their log says so.`,
      );
    case "success":
      return undefined;
  }
}

/** What the store has lost lately. */
export function lossFindings(losses: readonly Loss[], nowMs: number): readonly Finding[] {
  const last = losses.findLast(({ atMs }) => nowMs - atMs < LOSS_NEWS_MS);
  return last === undefined ? [] : [warning(lossText(last))];
}

/** For people at the service's and at the server's side. */
function lossText({ atMs, kind }: Loss): string {
  const what = {
    emptied: "lost everything that it remembered",
    older: "was set back to an earlier state",
    said: "was restored from an earlier state",
  };
  return `At ${time(atMs)} the store ${what[kind]}: messages that were accepted shortly before may be lost. Have Hull send everything once, then fetch everything with force=1.`;
}

/** Types whose last good fetch is overdue. A type that was never fetched may have been installed just now. */
export function fetchFindings(
  fetched: readonly (FetchedType & { readonly last: RunRow | undefined })[],
  nowMs: number,
): readonly Finding[] {
  return fetched.flatMap(({ type, intervalMinutes, last }) => {
    if (last === undefined) return [];
    const beganMs = last.startedAtMs ?? last.createdAtMs;
    if (nowMs - beganMs < 2 * intervalMinutes * MINUTE_MS + SLACK_MS) return [];
    return [
      warning(
        `The last good fetch of ${type} began at ${time(beganMs)}, longer ago than the interval (${intervalMinutes} minutes) allows. If none failed since, Hull's schedule does not call this connector.`,
      ),
    ];
  });
}

/** What the last good fetch of each type could not tell Hull, since Hull cannot hold it. */
export function leftOutFindings(
  fetched: readonly { readonly type: string; readonly last: RunRow | undefined }[],
): readonly Finding[] {
  return fetched.flatMap(({ type, last }) => {
    const fields = leftOutOf(last?.leftOut);
    if (last === undefined || fields.length === 0) return [];
    const began = time(last.startedAtMs ?? last.createdAtMs);
    return [
      warning(
        `Hull cannot hold some values of ${type}, so the fetch that began at ${began} left them out, and Hull keeps what it had: ${leftOutText(fields)}. Shorten them where they are kept, or exclude these fields in the settings and remove their mapping rows; the next fetch looks again.`,
      ),
    ];
  });
}

/** What waits, what was set aside, and which keys are not unique. */
export function laneFindings(
  { outbox, hullUpdates, oldestAtMs, deadLetters, moreDeadLetters, shared }: LaneHealth,
  { nowMs, maxOutbox }: { readonly nowMs: number; readonly maxOutbox: number },
): readonly Finding[] {
  const findings: Finding[] = [];
  const waits = `${outbox} records wait for delivery and ${hullUpdates} for their way back to Hull`;
  const since = oldestAtMs === undefined ? "" : `, the oldest since ${time(oldestAtMs)}`;
  if (outbox >= maxOutbox) {
    findings.push(error(`${waits}${since}. There is no room for more, so Hull is asked to come again later.`));
  } else if (oldestAtMs !== undefined && nowMs - oldestAtMs > LONG_WAIT_MS) {
    findings.push(warning(`${waits}${since}. If no other message says why, allow more requests per minute.`));
  }
  const codes = Object.entries(deadLetters).sort(([, left], [, right]) => right - left);
  if (codes.length > 0) {
    const counts = codes.map(([code, count]) => `${count} ${code}`).join(", ");
    findings.push(
      warning(
        `Records were refused or given up and are set aside: ${moreDeadLetters ? "at least " : ""}${counts}. Look at the reasons on the console, mend the cause, and have them sent again.`,
      ),
    );
  }
  for (const { of, value } of shared) {
    findings.push(
      warning(`Several ${of.type} share the ${of.key} "${value}"; only one of them is kept up to date. Merge them.`),
    );
  }
  return findings;
}

/**
 * Fields of a type that another connector of the same remote fills from another attribute.
 *
 * @param own the source of each field here @param other id of the other connector @param theirs its sources
 */
export function sharedFieldFindings(
  type: string,
  own: Readonly<Record<string, string>>,
  other: string,
  theirs: Readonly<Record<string, string>>,
): readonly Finding[] {
  const fields = Object.keys(own).filter((field) => (theirs[field] ?? own[field]) !== own[field]);
  if (fields.length === 0) return [];
  const named = fields.map((field) => `${field} (here from ${own[field] ?? ""}, there from ${theirs[field] ?? ""})`);
  return [
    warning(
      `Connector ${other} of the same organization sends to the same ${type}, and fills fields of them from other attributes: ${listed(named, MOST_NAMED)}. Each of the two sends its value when that changes in Hull, so a field holds what was sent last. Map it in one of them only, or from the same attribute in both.`,
    ),
  ];
}

/** @param hosts as signed notifications named them */
export function hostFindings(hosts: readonly string[]): readonly Finding[] {
  return hosts.map((host) =>
    warning(
      `Signed notifications were refused because their key is on ${host}. If that is a host of Hull, ask those who run this server to allow it for keys of signatures.`,
    ),
  );
}

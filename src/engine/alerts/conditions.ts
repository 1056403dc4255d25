/** What is wrong now, of what people are told without looking. Pure. */
import sumBy from "lodash/sumBy";
import type { Finding } from "../../services/connection";
import type { DeadLetterLimit } from "../../services/mapping/alerts";
import type { Loss } from "../../storage/port/leases";
import type { PauseRow } from "../../storage/port/rows";
import type { HourCount } from "../../storage/port/store";
import type { Pair } from "../authorization/grant";
import { fetchFindings, grantFindings, heldFindings, lossFindings } from "../status/findings";

/** What an alert is about; also the `type` of its message. */
type AlertKind =
  | "connector.paused"
  | "connector.dead_letters"
  | "connector.fetch_overdue"
  | "connector.authorization_lost"
  | "server.disk_full"
  | "server.redis_lost"
  | "server.store_lost";

/** Something is wrong now. */
export interface Condition {
  readonly kind: AlertKind;
  /** A few words. */
  readonly title: string;
  /** Sentences: what is wrong, and what a person can do. */
  readonly text: string;
  /** Milliseconds since 1970; absent: since it was noticed. */
  readonly sinceMs?: number | undefined;
  /** It is worth a message once it has lasted so long, milliseconds. */
  readonly delayMs?: number;
  /** It happened at `sinceMs`: with a later one it has happened again. */
  readonly isEvent?: true;
}

const MINUTE_MS = 60_000;
/** A problem that may pass by itself is worth a message after this time. */
const LONG_TROUBLE_MS = 30 * MINUTE_MS;
/** So long after a pause it still counts: what is tried then may fail again. Where nothing waits, nothing is tried. */
const AFTER_PAUSE_MS = 15 * MINUTE_MS;
/** Redis may be away that long, as during a failover. */
const REDIS_AWAY_MS = MINUTE_MS;

const textOf = (findings: readonly Finding[]): string => findings.map(({ text }) => text).join(" ");

/** @param service how people call it */
export function pausedCondition(pauses: readonly PauseRow[], service: string, nowMs: number): readonly Condition[] {
  const current = pauses.filter(({ untilMs }) => untilMs + AFTER_PAUSE_MS > nowMs);
  const lasting = current.filter(({ kind }) => kind !== "transient");
  const told = lasting.length > 0 ? lasting : current;
  if (told.length === 0) return [];
  return [
    {
      kind: "connector.paused",
      title: `Delivery to ${service} is paused`,
      text: textOf(heldFindings(told, -Infinity)),
      // A transient one begins anew with each try.
      ...(lasting.length > 0
        ? { sinceMs: Math.min(...lasting.map(({ sinceMs }) => sinceMs)) }
        : { delayMs: LONG_TROUBLE_MS }),
    },
  ];
}

const REFUSED = /^[^/]*\/(?:rejected|dead)\//;

/** @param hours of the last day */
export function deadLetterCondition(
  hours: readonly HourCount[],
  limit: DeadLetterLimit | undefined,
  service: string,
): readonly Condition[] {
  if (limit === undefined) return [];
  const all = sumBy(hours, "count");
  const refused = sumBy(
    hours.filter(({ name }) => REFUSED.test(name)),
    "count",
  );
  const isOver = "count" in limit ? refused > limit.count : refused > limit.share * all;
  if (!isOver) return [];
  const share = ((100 * refused) / all).toFixed(1);
  return [
    {
      kind: "connector.dead_letters",
      title: `Many records for ${service} were refused or given up`,
      text: `In the last 24 hours ${refused} of ${all} records (${share}%) were refused or given up and set aside. Look at the reasons on the console, mend the cause, and have them sent again.`,
    },
  ];
}

/** @param fetched as `fetchFindings` takes it */
export function fetchCondition(
  fetched: Parameters<typeof fetchFindings>[0],
  service: string,
  nowMs: number,
): readonly Condition[] {
  const findings = fetchFindings(fetched, nowMs);
  if (findings.length === 0) return [];
  return [{ kind: "connector.fetch_overdue", title: `A fetch from ${service} is overdue`, text: textOf(findings) }];
}

/**
 * A grant that was there and cannot be renewed; that nobody gave one yet is no news.
 *
 * @param address where a person gives it again
 */
export function grantCondition(pair: Pair | undefined, address: string, service: string): readonly Condition[] {
  if (pair === undefined) return [];
  const findings = grantFindings(pair, address);
  if (findings.length === 0) return [];
  return [{ kind: "connector.authorization_lost", title: `The access to ${service} is lost`, text: textOf(findings) }];
}

/** @param losses of the store, as long as they are news */
export function lossCondition(losses: readonly Loss[], nowMs: number): readonly Condition[] {
  const findings = lossFindings(losses, nowMs);
  if (findings.length === 0) return [];
  const sinceMs = losses.at(-1)?.atMs;
  return [
    { kind: "server.store_lost", title: "The store has lost data", text: textOf(findings), sinceMs, isEvent: true },
  ];
}

/**
 * What the store is on cannot be used, or nothing new may be taken in.
 *
 * @param trouble what `Disk.trouble` says @param process which one cannot use it
 */
export function storageCondition(
  trouble: string | undefined,
  on: "disk" | "redis",
  process: string,
): readonly Condition[] {
  if (trouble === undefined) return [];
  const text = `${trouble} (Process ${process}.)`;
  return [
    on === "disk"
      ? { kind: "server.disk_full", title: "The disk of the store is full or cannot be written", text }
      : { kind: "server.redis_lost", title: "Redis cannot be used", text, delayMs: REDIS_AWAY_MS },
  ];
}

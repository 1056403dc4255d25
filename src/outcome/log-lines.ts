/** What the engine logs about records. This file alone decides names and levels. */
import type { HullCredentials } from "../hull/client";
import type { Claims, LeftOut } from "../record";
import type { Outcome } from "../storage/port/rows";
import { leftOutIn, leftOutText } from "./left-out";
import { outcomeCode, type OutcomeCodes } from "./outcome";

export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  /** Hull's event name, such as `outgoing.user.success`. */
  readonly event: string;
  readonly context: Readonly<Record<string, string>>;
  readonly data: Readonly<Record<string, unknown>>;
  /** Values that were left out according to the line, for metrics; not written. */
  readonly leftOut?: { readonly type: string; readonly values: readonly LeftOut[] };
  /** The outcome of the line, for metrics; not written. */
  readonly ended?: { readonly type: string; readonly hullId: string; readonly outcome: Outcome };
}

export type Log = (line: LogLine) => void;

/** Which connector a line is about. */
type Connector = Pick<HullCredentials, "organization" | "id">;

const EVENTS = {
  sent: ["success", "info"],
  unchanged: ["skip", "debug"],
  skipped: ["skip", "debug"],
  superseded: ["skip", "debug"],
  rejected: ["error", "error"],
  dead: ["error", "error"],
} as const;

export interface RecordEvent {
  readonly entity: "user" | "account";
  readonly type: string;
  readonly hullId: string;
  readonly claims: Claims;
  readonly outcome: Outcome;
  readonly warnings?: readonly string[];
  /** What log lines call the record, when not by the entity. */
  readonly logName?: string;
}

/**
 * The log line of one outcome: event name by entity and outcome, the entity's ids as context, the reason as data.
 *
 * @param own the codes of the service
 */
export function outcomeLine(credentials: Connector, event: RecordEvent, own: OutcomeCodes): LogLine {
  const { entity, outcome } = event;
  const [name, level] = EVENTS[outcome.outcome];
  const warned = (event.warnings ?? []).length > 0 || outcome.note !== undefined;
  // Filters and restrictions stay at debug.
  const usual = outcomeCode(outcome.code, own).level ?? level;
  return {
    level: level === "error" ? "error" : warned ? "warn" : usual,
    event: `outgoing.${event.logName ?? entity}.${name}`,
    // Built only when they are written: most lines are not, at the usual level.
    get context() {
      return entityContext(credentials, entity, event.hullId, event.claims);
    },
    get data() {
      return outcomeData(event);
    },
    ended: { type: event.type, hullId: event.hullId, outcome },
  };
}

function outcomeData({ type, outcome, warnings = [] }: RecordEvent): LogLine["data"] {
  const all = [...warnings, ...(outcome.note === undefined ? [] : [outcome.note])];
  return {
    type,
    outcome: outcome.outcome,
    code: outcome.code,
    reason: outcome.text,
    message_id: outcome.messageId,
    warnings: all.length > 0 ? all : undefined,
    for: outcome.derived === true ? "a user of this account" : undefined,
  };
}

/** The result of a shipment: how its messages ended at once, by outcome and reason, and how many records wait now. */
export function shipmentLine(
  { organization, id }: Connector,
  entity: "user" | "account",
  data: { readonly messages: number; readonly queued: number; readonly counts: Readonly<Record<string, number>> },
): LogLine {
  return { level: "info", event: "connector.shipment", context: { organization, id }, data: { entity, ...data } };
}

/** A warning about a record that is delivered anyway. */
export function warningLine(
  credentials: Connector,
  { entity, type, hullId, claims }: Pick<RecordEvent, "entity" | "type" | "hullId" | "claims">,
  warnings: readonly string[],
  messageId: string,
): LogLine {
  return {
    level: "warn",
    event: `outgoing.${entity}.warning`,
    context: entityContext(credentials, entity, hullId, claims),
    data: { type, warnings, message_id: messageId },
  };
}

/** What Hull was not told after a delivery because it cannot hold it: one line for all records of a cycle. */
export function leftOutLine({ organization, id }: Connector, type: string, values: readonly LeftOut[]): LogLine {
  const fields = leftOutIn(values);
  const message = `Hull cannot hold some values and was not told them: ${leftOutText(fields)}.`;
  return {
    level: "warn",
    event: "connector.hull_api.warning",
    context: { organization, id },
    data: { type, message, left_out: fields },
    leftOut: { type, values },
  };
}

/** Identifies the entity, with the names that Hull's own log lines use. */
export function entityContext(
  credentials: Connector,
  entity: "user" | "account",
  hullId: string,
  claims: Claims,
): Record<string, string> {
  const context: Record<string, string> = {
    organization: credentials.organization,
    id: credentials.id,
    subject_type: entity,
    [`${entity}_id`]: hullId,
  };
  for (const name of ["email", "external_id", "domain"]) {
    const value = claims[name];
    if (value !== undefined) context[`${entity}_${name}`] = value;
  }
  return context;
}

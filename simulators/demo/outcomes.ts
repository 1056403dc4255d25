/** The connector's outcomes, read from its log lines: `{message: "outgoing.user.success", data: {outcome, code, …}}`. */
import { isObject } from "../loopback/call";

export interface Outcome {
  /** Object type of the record, such as `companies`. */
  readonly type: string;
  readonly outcome: string;
  readonly code: string;
  readonly messageId: string;
  /** A company that was created for its users; it has no message of its own. */
  readonly derived: boolean;
}

const EVENT = /^outgoing\.(?:user|account)\.(?:success|skip|error)$/;

/** @returns undefined for a line that reports no outcome */
export function outcomeOf(line: string): Outcome | undefined {
  const parsed = parse(line);
  if (!isObject(parsed) || typeof parsed["message"] !== "string" || !EVENT.test(parsed["message"])) return undefined;
  const { data } = parsed;
  if (!isObject(data)) return undefined;
  return {
    type: String(data["type"]),
    outcome: String(data["outcome"]),
    code: String(data["code"]),
    messageId: String(data["message_id"]),
    derived: data["for"] !== undefined,
  };
}

/** A JSON line, or undefined for anything else that a process may print. */
export function parse(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
}

/** Counts by `outcome/code`, most frequent first. */
export function countByReason(outcomes: readonly Outcome[]): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const { outcome, code } of outcomes) {
    const name = `${outcome}/${code}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].sort((left, right) => right[1] - left[1]);
}

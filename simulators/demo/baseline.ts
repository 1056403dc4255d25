/**
 * How many calls a connector needs that looks every record up before it writes it, as the earlier one did:
 * one look-up per user or account that passes the filters, one write if it is new or changed, and for every company
 * that is not known yet one look-up and one create. (It often needed more; this is what its own rules ask for.)
 */
import type { Outcome } from "./outcomes";

export interface Baseline {
  readonly lookUps: number;
  readonly writes: number;
  readonly calls: number;
}

/** Calls that Planhat grants to one tenant within a minute. */
export const CALLS_PER_MINUTE = 200;

/** @param outcomes of one step, companies made for their users included */
export function lookUpAndWrite(outcomes: readonly Outcome[]): Baseline {
  const lookUps = outcomes.filter(reachesPlanhat).length;
  const writes = outcomes.filter(isWritten).length;
  return { lookUps, writes, calls: lookUps + writes };
}

/** What a filter or a missing key keeps out costs no call, there as here. */
function reachesPlanhat({ outcome, code }: Outcome): boolean {
  return outcome !== "skipped" && outcome !== "superseded" && code !== "invalid_message";
}

function isWritten({ outcome, code }: Outcome): boolean {
  return outcome === "sent" || code === "refused";
}

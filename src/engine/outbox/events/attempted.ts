/**
 * What happens before a request: what may not simply be repeated is journaled in its record, so that a lost answer is
 * noticed. What may be repeated goes on waiting until its result is known. Pure.
 */
import { ownOf, withOwn, type Moment } from "./document";
import type { RecordDocument, RecordPlace } from "../../../storage/port/rows";
import type { DeliveryStore, Settlement } from "../../../storage/port/store";

type Request = Parameters<DeliveryStore["attempt"]>[1][number];

/** Undefined: the content was replaced or withdrawn meanwhile, or is in flight already. */
export function attempted(
  before: RecordDocument | undefined,
  request: Request,
  at: Moment,
): RecordDocument | undefined {
  const { entry } = ownOf(before, at);
  if (before === undefined || entry?.content?.seq !== request.seq || entry.attempt !== undefined) return undefined;
  if (request.repeatable) return before;
  const attempt = { content: entry.content, kind: "create", startedAtMs: at.nowMs } as const;
  return withOwn(before, at, { entry: { ...entry, content: undefined, attempt } });
}

/**
 * An attempt that nobody will complete any more, after a restart: it is unconfirmed.
 *
 * @param settleMs how long a write may take to show up in the service's lists
 */
export function lost(
  document: RecordDocument,
  place: RecordPlace,
  settleMs: number,
  at: Moment,
): Settlement | undefined {
  const { attempt } = ownOf(document, at).entry ?? {};
  if (attempt === undefined) return undefined;
  const repeatable = attempt.kind === "update";
  return {
    ...place,
    seq: attempt.content.seq,
    then: {
      kind: "wait",
      notBeforeMs: repeatable ? 0 : at.nowMs + settleMs,
      problem: "The process ended while the record was being written.",
      // What somebody else has lost is not found by that.
      unconfirmed: repeatable ? document.unconfirmed : { sinceMs: attempt.startedAtMs, reads: 0 },
    },
  };
}

/** The flow control that Hull gets in every answer to a notification, errors included. */

export interface FlowControl {
  readonly type: "next" | "retry";
  /** Messages per shipment. */
  readonly size: number;
  /** Milliseconds until the next shipment. */
  readonly in: number;
  /** Longest wait for a shipment to fill up, milliseconds. */
  readonly in_time: number;
}

/** Everything is on disk; send more. */
export const NEXT: FlowControl = { type: "next", size: 200, in: 5, in_time: 60_000 };

/** Nothing was committed, and the trouble may pass by itself. */
export const RETRY: FlowControl = { type: "retry", size: 100, in: 5_000, in_time: 60_000 };

/** Nothing was committed, and a person must mend something; nothing is lost meanwhile. */
export const RETRY_LATER: FlowControl = { type: "retry", size: 100, in: 60_000, in_time: 60_000 };

/** The shipment was too large to read. */
export const SMALLER: FlowControl = { type: "retry", size: 1, in: 1_000, in_time: 60_000 };

/** A channel that we do nothing for. */
export const ACKNOWLEDGED: FlowControl = { type: "next", size: 10, in: 5, in_time: 10 };

/** A deep outbox slows the sender down: from a tenth of the limit on, fewer messages and longer waits. */
export function paced(depth: number, limit: number): FlowControl {
  const share = depth / limit;
  if (share < 0.1) return NEXT;
  return { ...NEXT, size: Math.max(20, Math.round(200 * (1 - share))), in: Math.round(5_000 * share) };
}

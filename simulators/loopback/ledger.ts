/** Counts of requests by `METHOD /route/template` and then by result (a status or the name of a fault). */
export type RequestCounts = Record<string, Record<string, number>>;

export interface Ledger {
  /** Notes the arrival of a call, for the maximum too unless it is outside every quota. */
  arrived(atMs: number, outsideQuota?: boolean): void;
  /** Notes how a call ended. */
  ended(route: string, result: string): void;
  readonly calls: number;
  /** The largest number of calls in any sliding window, those outside the quota left out. */
  readonly maximumPerWindow: number;
  requests(): RequestCounts;
  reset(): void;
}

/** Creates the part of the books that all simulators keep: who called what, with which result, how often. */
export function createLedger(windowMs = 60_000): Ledger {
  let calls = 0;
  let maximumPerWindow = 0;
  let requests: RequestCounts = {};
  let arrivals: number[] = [];
  let oldest = 0;

  return {
    arrived(atMs, outsideQuota = false) {
      calls += 1;
      if (outsideQuota) return;
      arrivals.push(atMs);
      while ((arrivals[oldest] ?? atMs) <= atMs - windowMs) oldest += 1;
      if (oldest > 10_000) {
        arrivals = arrivals.slice(oldest);
        oldest = 0;
      }
      maximumPerWindow = Math.max(maximumPerWindow, arrivals.length - oldest);
    },
    ended(route, result) {
      const counts = (requests[route] ??= {});
      counts[result] = (counts[result] ?? 0) + 1;
    },
    get calls() {
      return calls;
    },
    get maximumPerWindow() {
      return maximumPerWindow;
    },
    requests: () => structuredClone(requests),
    reset() {
      calls = 0;
      maximumPerWindow = 0;
      requests = {};
      arrivals = [];
      oldest = 0;
    },
  };
}

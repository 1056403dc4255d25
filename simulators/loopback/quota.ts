import { textReply, type Reply } from "./call";

/** What a 429 carries: nothing, the spelling of 2017, the newer one, or Retry-After as seconds or as a date. */
export const quotaHeaderForms = ["none", "x-rate-limit", "x-ratelimit", "retry-after", "retry-after-date"] as const;

export type QuotaHeaders = (typeof quotaHeaderForms)[number];

const MINUTE_MS = 60_000;

export interface Quota {
  /** Takes one call out of the quota of `key`, or answers the 429. Refused calls take nothing. */
  take(key: string, atMs: number, headers: QuotaHeaders): Reply | undefined;
  /** Calls per window; null = no quota. */
  limit: number | null;
}

function headersOf(form: QuotaHeaders, limit: number, resetAtMs: number, atMs: number): Record<string, string> {
  const waitSeconds = String(Math.max(1, Math.ceil((resetAtMs - atMs) / 1_000)));
  switch (form) {
    case "none":
      return {};
    case "x-rate-limit":
      return { "X-Rate-Limit-Limit": String(limit), "X-Rate-Limit-Remaining": "0" };
    case "x-ratelimit":
      return { "x-ratelimit-limit": String(limit), "x-ratelimit-remaining": "0", "x-ratelimit-reset": waitSeconds };
    case "retry-after":
      return { "Retry-After": waitSeconds };
    case "retry-after-date":
      return { "Retry-After": new Date(Math.ceil(resetAtMs / 1_000) * 1_000).toUTCString() };
  }
}

/** Creates a quota over a sliding window, one per key. */
export function createQuota(limit: number | null, windowMs = MINUTE_MS): Quota {
  const windows = new Map<string, number[]>();

  const quota: Quota = {
    limit,
    take(key, atMs, headers) {
      const { limit: most } = quota;
      if (most === null) return undefined;
      const recent = (windows.get(key) ?? []).filter((takenAt) => takenAt > atMs - windowMs);
      windows.set(key, recent);
      const oldest = recent[0];
      if (recent.length >= most && oldest !== undefined) {
        return { ...textReply(429, "Too many requests"), headers: headersOf(headers, most, oldest + windowMs, atMs) };
      }
      recent.push(atMs);
      return undefined;
    },
  };
  return quota;
}

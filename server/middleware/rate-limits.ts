/** How much of a limit is left, in the fields `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers). */
import type { Response } from "express";

export interface RateLimit {
  /** Of the policy: letters and hyphens. */
  readonly name: string;
  /** How many there may be within a window. */
  readonly quota: number;
  readonly windowSeconds: number;
  readonly remaining: number;
  /** Seconds until all of the quota is there again, if none is used. */
  readonly resetSeconds: number;
}

/** Shows a limit in an answer that is still to be sent; an answer may come under several, each with what was said last. */
export function setRateLimit(response: Response | undefined, limit: RateLimit): void {
  if (response === undefined || response.headersSent) return;
  const { name, quota, windowSeconds, remaining, resetSeconds } = limit;
  const show = (field: string, parameters: string): void => {
    const others = (response.get(field) ?? "").split(", ").filter((each) => !["", `"${name}"`].includes(nameIn(each)));
    response.set(field, [...others, `"${name}";${parameters}`].join(", "));
  };
  show("ratelimit-policy", `q=${quota};w=${windowSeconds}`);
  show("ratelimit", `r=${Math.max(0, remaining)};t=${resetSeconds}`);
}

const nameIn = (item: string): string => item.split(";", 1)[0] ?? "";

/**
 * Slows down who guesses: failed log-ins count for their address and for the connector that they name. Credentials
 * that worked lately are let through whatever others do, so nobody locks a connector out by failing in its name.
 */
import type { Request, RequestHandler, Response } from "express";
import { ipKeyGenerator, rateLimit } from "express-rate-limit";
import { refuse } from "../http-error";

export interface ThrottleLimits {
  readonly windowMs: number;
  /** Failures within the window. */
  readonly perAddress: number;
  readonly perConnector: number;
}

export interface ThrottleOptions {
  readonly limits: ThrottleLimits;
  /** The connector that a request names. */
  readonly connectorOf: (request: Request) => string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface Throttle {
  /**
   * Lets a log-in happen. It counts until its answer turns out to be no refusal.
   *
   * @param attempt names the credentials without showing them; several requests with the same ones at once count once
   * @throws HttpError 429 after too many failures; else what `check` throws
   */
  during<T>(request: Request, response: Response, attempt: string, check: () => Promise<T>): Promise<T>;
}

/** How long credentials that worked are let through. */
const PROVEN_MS = 10 * 60_000;
const MAX_PROVEN = 10_000;

export function createThrottle({ limits, connectorOf, now }: ThrottleOptions): Throttle {
  const limiters = [
    limiter(limits.perAddress, limits.windowMs, (request) => ipKeyGenerator(request.ip ?? "0.0.0.0")),
    limiter(limits.perConnector, limits.windowMs, connectorOf),
  ];
  const checking = new Set<string>();
  /** Until when, the one proven longest ago first. */
  const proven = new Map<string, number>();

  return {
    during: async (request, response, attempt, check) => {
      const known = checking.has(attempt) || (proven.get(attempt) ?? 0) > now();
      if (!known) for (const limit of limiters) await passed(limit, request, response);
      checking.add(attempt);
      proven.delete(attempt);
      try {
        const result = await check();
        proven.set(attempt, now() + PROVEN_MS);
        for (const oldest of proven.keys()) if (proven.size > MAX_PROVEN) proven.delete(oldest);
        return result;
      } finally {
        checking.delete(attempt);
      }
    },
  };
}

function limiter(limit: number, windowMs: number, keyGenerator: (request: Request) => string): RequestHandler {
  return rateLimit({
    windowMs,
    limit,
    keyGenerator,
    skipSuccessfulRequests: true,
    requestWasSuccessful: (_request, { statusCode }) => statusCode !== 401 && statusCode !== 403,
    // How many tries are left is nobody's business.
    standardHeaders: false,
    legacyHeaders: false,
    // Which proxies may speak for others is what TRUST_PROXY says.
    validate: { trustProxy: false, xForwardedForHeader: false, forwardedHeader: false },
    handler: (_request, _response, next) => {
      const headers = { "retry-after": String(Math.ceil(windowMs / 1_000)) };
      next(refuse(429, "too_many_attempts", "Too many failed log-ins; wait before the next one.", { headers }));
    },
  });
}

function passed(limit: RequestHandler, request: Request, response: Response): Promise<void> {
  return new Promise((resolve, reject) => {
    void limit(request, response, (error?: unknown) => {
      if (error === undefined) resolve();
      else reject(error instanceof Error ? error : new Error("The attempt could not be counted.", { cause: error }));
    });
  });
}

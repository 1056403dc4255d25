/**
 * Slows down guessing, on every route: failed log-ins count for their address, which is turned away after too many,
 * and for the connector that they name, whose next log-ins take longer. Credentials that are known to be right always
 * pass, so nobody locks a connector out by failing in its name. An honest first log-in waits three seconds at most,
 * unless its address has failed too often.
 */
import { setTimeout as pause } from "node:timers/promises";
import { ipKeyGenerator, MemoryStore, type Options } from "express-rate-limit";
import { createGates, GateFullError } from "../../src/http/limits/gate";
import { refuse } from "../http-error";
import type { RateLimit } from "./rate-limits";

export type ThrottleLimits = typeof LOGIN_LIMITS;

export const LOGIN_LIMITS = {
  windowMs: 60_000,
  /** Failures within the window, after which the address is turned away. */
  perAddress: 20,
  /** Failures within the window, after which log-ins of the connector wait. */
  perConnector: 20,
};

export interface Attempt {
  readonly address: string;
  /** The connector that the log-in names. */
  readonly connector: string;
  /** Identifies the credentials without revealing them: simultaneous log-ins with the same ones count once. */
  readonly credentials: string;
}

/** Log-ins of one address that are tried at once, so at most this many beyond the allowed failures. The others wait. */
const AT_ONCE = 5;
const MAX_WAITING = 100;
/** Each failure beyond the limit adds a step to the wait of the connector's next log-in. */
const STEP_MS = 100;
const LONGEST_WAIT_MS = 3_000;

export interface Throttle<T> {
  /**
   * Runs one log-in, with a limit on those of an address at once.
   *
   * @throws HttpError 429 after too many failures of the address; otherwise what `check` throws
   */
  during(attempt: Attempt, check: () => Promise<T>): Promise<T>;
  /** How many log-ins of an address may still fail. */
  limitOf(address: string): Promise<RateLimit>;
}

/** @param failed whether a log-in with this result counts as a failure */
export function createThrottle<T>(
  failed: (result: T) => boolean,
  limits: ThrottleLimits = LOGIN_LIMITS,
  sleep: typeof pause = pause,
): Throttle<T> {
  const addresses = counter(limits.windowMs);
  const connectors = counter(limits.windowMs);
  const turns = createGates({ atOnce: AT_ONCE, waiting: MAX_WAITING });
  const underway = new Map<string, Promise<T>>();

  async function counted(address: string, connector: string, check: () => Promise<T>): Promise<T> {
    if ((await failures(addresses, address)) >= limits.perAddress) throw tooMany(limits.windowMs);
    const excess = (await failures(connectors, connector)) + 1 - limits.perConnector;
    if (excess > 0) await sleep(Math.min(LONGEST_WAIT_MS, excess * STEP_MS));
    const result = await check();
    if (failed(result)) await Promise.all([addresses.increment(address), connectors.increment(connector)]);
    return result;
  }

  async function inTurn({ address, connector }: Attempt, check: () => Promise<T>): Promise<T> {
    const from = ipKeyGenerator(address);
    try {
      return await turns.run(from, () => counted(from, connector, check));
    } catch (error) {
      throw error instanceof GateFullError ? tooMany(limits.windowMs) : error;
    }
  }

  return {
    during: (attempt, check) => {
      const { credentials } = attempt;
      const result = underway.get(credentials) ?? inTurn(attempt, check).finally(() => underway.delete(credentials));
      underway.set(credentials, result);
      return result;
    },
    limitOf: async (address) => {
      const { totalHits = 0, resetTime } = (await addresses.get(ipKeyGenerator(address))) ?? {};
      return {
        name: "failed-log-ins",
        quota: limits.perAddress,
        windowSeconds: Math.ceil(limits.windowMs / 1_000),
        remaining: limits.perAddress - totalHits,
        resetSeconds: resetTime === undefined ? 0 : Math.max(0, Math.ceil((resetTime.getTime() - Date.now()) / 1_000)),
      };
    },
  };
}

function counter(windowMs: number): MemoryStore {
  const store = new MemoryStore();
  // The store reads only the window from the options.
  store.init({ windowMs } as Options);
  return store;
}

async function failures(store: MemoryStore, key: string): Promise<number> {
  return (await store.get(key))?.totalHits ?? 0;
}

function tooMany(windowMs: number): Error {
  const headers = { "retry-after": String(Math.ceil(windowMs / 1_000)) };
  return refuse(429, "too_many_attempts", "Too many failed log-ins; wait before the next one.", { headers });
}

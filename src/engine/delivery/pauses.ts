/** Pauses of a lane, or of one of its types, and what ends them. */
import type { Problem } from "../../services/connection";
import type { Lane, Store } from "../../storage/port/store";
import { backoffMs, type RetryPace } from "../../http/retry";
import type { Log } from "../../outcome/log-lines";
import type { Credentials } from "../tenants";

export interface PausesOptions {
  readonly store: Store;
  /** Names of all object types, parents first. */
  readonly types: readonly string[];
  readonly log: Log;
  readonly now: () => number;
  readonly pace: { readonly retry: RetryPace; readonly pauseMs: number };
  /** Asks for another cycle of the lane. */
  readonly wakeAt: (lane: Lane, atMs: number) => void;
}

export interface Pauses {
  /** Types that are not paused; if some are, the lane runs again when the pause ends. */
  free(lane: Lane): Promise<readonly string[]>;
  /** Pauses a lane or type; a person is told why. */
  stop(lane: Lane, credentials: Credentials, type: string, problem: Problem): Promise<void>;
  /** A call succeeded: the next passing problem starts with a short wait again. */
  passed(lane: Lane, type: string): void;
  /** The cause of a pause may have been mended: everything is tried again at once. */
  resume(lane: Lane): Promise<void>;
}

export function createPauses({ store, types, log, now, pace, wakeAt }: PausesOptions): Pauses {
  /** Passing problems in a row, by lane and scope; each makes the next wait longer. */
  const setbacks = new Map<string, number>();
  const mark = (lane: Lane, scope: string): string => JSON.stringify([lane.remote, lane.tenant, scope]);

  function setback(key: string): number {
    const count = setbacks.get(key) ?? 0;
    setbacks.set(key, count + 1);
    return backoffMs(count, pace.retry);
  }

  return {
    free: async (lane) => {
      const held = (await store.pauses(lane)).filter(({ untilMs }) => untilMs > now());
      for (const { untilMs } of held) wakeAt(lane, untilMs);
      const scopes = new Set(held.map(({ scope }) => scope));
      return scopes.has("*") ? [] : types.filter((type) => !scopes.has(type));
    },

    stop: async (lane, { organization, id }, type, problem) => {
      const { kind, message } = problem;
      const lasting = kind === "auth" || kind === "configuration" || kind === "mapping";
      const scope = problem.scope === "lane" ? "*" : type;
      const waitMs = Math.max(problem.waitMs, lasting ? pace.pauseMs : setback(mark(lane, scope)));
      await store.pause(lane, scope, { kind, message, sinceMs: now(), untilMs: now() + waitMs });
      log({
        level: "warn",
        event: lasting ? "connector.configuration.error" : "connector.service_api.error",
        context: { organization, id },
        data: { message, scope: scope === "*" ? "all types" : type, paused_ms: waitMs },
      });
    },

    passed: (lane, type) => {
      for (const scope of [type, "*"]) setbacks.delete(mark(lane, scope));
    },

    resume: async (lane) => {
      for (const { scope } of await store.pauses(lane)) await store.pause(lane, scope, undefined);
      await store.retryNow(lane);
    },
  };
}

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
  passed(lane: Lane, type: string): Promise<void>;
  /** The cause of a pause may have been mended: everything is tried again at once. */
  resume(lane: Lane): Promise<void>;
}

export function createPauses({ store, types, log, now, pace, wakeAt }: PausesOptions): Pauses {
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
      const before = (await store.pauses(lane)).find((pause) => pause.scope === scope);
      const { setbacks = 0 } = before ?? {};
      const waitMs = Math.max(problem.waitMs, lasting ? pace.pauseMs : backoffMs(setbacks, pace.retry));
      const row = { kind, message, sinceMs: now(), untilMs: now() + waitMs };
      // Nobody clears what is kept of an erased connector.
      const own = store.under({ tenant: lane.tenant });
      await own.pause(lane, scope, lasting ? row : { ...row, setbacks: setbacks + 1 });
      log({
        level: "warn",
        event: lasting ? "connector.configuration.error" : "connector.service_api.error",
        context: { organization, id },
        data: { message, scope: scope === "*" ? "all types" : type, paused_ms: waitMs },
      });
    },

    passed: async (lane, type) => {
      for (const { scope, untilMs } of await store.pauses(lane)) {
        const isOver = untilMs <= now() && (scope === type || scope === "*");
        if (isOver) await store.pause(lane, scope, undefined);
      }
    },

    resume: async (lane) => {
      for (const { scope } of await store.pauses(lane)) await store.pause(lane, scope, undefined);
      await store.retryNow(lane);
    },
  };
}

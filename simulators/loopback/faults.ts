import type { Call } from "./call";
import { createRandom } from "./random";

/** What can go wrong on the way. Every kind is the behaviour of a real network or a real service on a bad day. */
export type FaultKind =
  /** The work is done after a wait between `min` and `max` ms, even if the caller has hung up by then. */
  | { readonly kind: "latency"; readonly min: number; readonly max: number }
  /** A status with a bare text. With `applied` the work is done anyway, as behind a gateway that timed out. */
  | { readonly kind: "status"; readonly status: number; readonly body?: string; readonly applied?: boolean }
  | { readonly kind: "rate-limit"; readonly headers?: Readonly<Record<string, string>> }
  /** The connection is reset and nothing was done. */
  | { readonly kind: "reset-before" }
  /** The work is done, then the connection is reset: the answer is lost. */
  | { readonly kind: "reset-after" }
  /** Nothing is done and nothing ever comes back. */
  | { readonly kind: "stall" }
  /** The work is done, and nothing ever comes back. */
  | { readonly kind: "stall-after" }
  /** The work is done; the answer breaks off in the middle of its body. */
  | { readonly kind: "truncate" }
  /** The work is done; the answer is a 200 of another shape: an object, a page, or the answer less its arrays. */
  | { readonly kind: "wrong-shape"; readonly form?: "object" | "html" | "no-arrays" };

/** When a fault strikes: always, unless narrowed by route, probability or count. */
export interface FaultFilter {
  /** `METHOD /route/template`, or a function of the call. */
  readonly route?: string | ((call: Call) => boolean);
  /** 0 to 1; default 1. */
  readonly probability?: number;
  /** Strikes this many times, then never again; default without end. */
  readonly count?: number;
}

export type FaultRule = FaultKind & FaultFilter;
export type Disruption = Exclude<FaultKind, { kind: "latency" }>;

/** What the rules hold for one call. */
export interface FaultPlan {
  readonly latencyMs: number;
  readonly disruption?: Disruption;
}

export interface FaultHandle {
  /** How often the rule has struck. */
  readonly hits: number;
  remove(): void;
}

export interface Faults {
  add(rule: FaultRule): FaultHandle;
  clear(): void;
  plan(call: Call): FaultPlan;
}

interface ActiveRule {
  readonly rule: FaultRule;
  hits: number;
}

/**
 * Creates an empty fault book. Of several matching rules all latencies add up and the first disruption wins;
 * a rule that did not get its turn keeps its count. `seed` drives probabilities and latencies.
 */
export function createFaults(seed: number): Faults {
  const random = createRandom(seed);
  let active: ActiveRule[] = [];

  const strikes = ({ rule, hits }: ActiveRule, call: Call): boolean =>
    (rule.count === undefined || hits < rule.count) &&
    (typeof rule.route === "function" ? rule.route(call) : rule.route === undefined || rule.route === call.route) &&
    random.chance(rule.probability ?? 1);

  return {
    add(rule) {
      const entry: ActiveRule = { rule, hits: 0 };
      active.push(entry);
      return {
        get hits() {
          return entry.hits;
        },
        remove() {
          active = active.filter((other) => other !== entry);
        },
      };
    },
    clear() {
      active = [];
    },
    plan(call) {
      let latencyMs = 0;
      let disruption: Disruption | undefined;
      for (const entry of active) {
        if (entry.rule.kind !== "latency" && disruption !== undefined) continue;
        if (!strikes(entry, call)) continue;
        entry.hits += 1;
        if (entry.rule.kind === "latency") latencyMs += random.integer(entry.rule.min, entry.rule.max);
        else disruption = entry.rule;
      }
      return disruption === undefined ? { latencyMs } : { latencyMs, disruption };
    },
  };
}

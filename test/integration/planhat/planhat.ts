import { createPlanhatSimulator } from "../../../simulators/planhat";
import type { PlanhatSimulator, PlanhatSimulatorOptions } from "../../../simulators/planhat";
import type { Budget } from "../../../src/http/limits/budget";
import type { BudgetRegistry } from "../../../src/http/limits/budget-registry";
import { createPlanhatService } from "../../../src/services/planhat";
import { readSettings } from "../../../src/services/planhat/settings/settings";
import type { Connection, FindKnowledge, Intent, Wanted } from "../../../src/services/connection";

export interface Bench {
  readonly sim: PlanhatSimulator;
  readonly connection: Connection;
  /** Moves the clock of the connection. Milliseconds. */
  advance(ms: number): void;
  /** Calls since the last reset, by `METHOD /route`. */
  calls(): Record<string, number>;
  close(): Promise<void>;
}

export interface BenchOptions {
  /** Private settings besides the token. */
  readonly settings?: Record<string, unknown>;
  /** Whom every call asks; without it nothing is throttled. */
  readonly budget?: Budget;
}

/** A connection to a Planhat on loopback, without waits. */
export async function openBench(
  options: PlanhatSimulatorOptions = {},
  { settings = {}, budget }: BenchOptions = {},
): Promise<Bench> {
  const sim = createPlanhatSimulator({ quotaPerMinute: null, ...options });
  await sim.listen();
  let now = Date.UTC(2026, 0, 1);
  const service = createPlanhatService({
    apiUrlTemplate: sim.url,
    fingerprintKey: "key",
    ...(budget !== undefined && { budgets: registryOf(budget) }),
    http: { clock: () => now, sleep: () => Promise.resolve(), random: () => 0.5, timeoutMs: 2_000 },
  });
  const read = readSettings({ personal_acccess_token: "planhat-token", ...settings });
  if (!read.ok) throw new Error(read.problems.join());
  const target = service.target(read.settings);
  if (target === undefined) throw new Error("No target.");
  return {
    sim,
    connection: service.connect(read.settings, target),
    advance: (ms) => void (now += ms),
    calls() {
      const { requests } = sim.books.snapshot();
      return Object.fromEntries(
        Object.entries(requests).map(([route, results]) => [
          route,
          Object.values(results).reduce((sum, n) => sum + n, 0),
        ]),
      );
    },
    async close() {
      service.close();
      await sim.close();
    },
  };
}

const registryOf = (budget: Budget): BudgetRegistry => ({
  get: () => budget,
  drop: () => undefined,
  look: () => undefined,
  left: () => budget.left(),
  close: () => budget.close(),
});

export const wanted = (keys: Record<string, string>, more: Partial<Wanted> = {}): Wanted => ({
  keys,
  fresh: false,
  ...more,
});
export const knowing = (fields: string[] = [], more: Partial<FindKnowledge> = {}): FindKnowledge => ({
  fields,
  identityOnly: false,
  ...more,
});

export const create = (keys: Record<string, string>, fields: Intent["fields"], parentId?: string): Intent => ({
  kind: "create",
  keys,
  fields,
  namesake: false,
  ...(parentId !== undefined && { parentId }),
});
export const update = (remoteId: string, fields: Intent["fields"]): Intent => ({
  kind: "update",
  remoteId,
  keys: {},
  fields,
  namesake: false,
});

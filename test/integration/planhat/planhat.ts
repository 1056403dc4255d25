import { createPlanhatSimulator } from "../../../simulators/planhat";
import type { PlanhatSimulator, PlanhatSimulatorOptions } from "../../../simulators/planhat";
import { createBudget, type Budget, type BudgetClass, type BudgetRegistry } from "../../../src/http/limits/budget";
import { createPlanhatService } from "../../../src/services/planhat";
import { readSettings } from "../../../src/services/planhat/settings/settings";
import type { PlanhatConnection } from "../../../src/services/planhat/connection";
import type { FindKnowledge, Intent, Wanted } from "../../../src/services/connection";

/** A connection, and the Planhat on loopback that it leads to. */
export interface PlanhatFixture extends PlanhatConnection {
  readonly sim: PlanhatSimulator;
  tenant: PlanhatSimulator["tenant"];
  /** Moves the clock of the connection. Milliseconds. */
  advance(ms: number): void;
  /** Calls since the last reset, by `METHOD /route`. */
  calls(): Record<string, number>;
  close(): Promise<void>;
}

export interface PlanhatFixtureOptions extends PlanhatSimulatorOptions {
  /** Private settings besides the token. */
  readonly settings?: Record<string, unknown>;
  /** Whom every call asks; without it nothing is throttled. */
  readonly budget?: Budget;
}

/** Nothing waits. */
export async function openPlanhat({
  settings,
  budget,
  ...options
}: PlanhatFixtureOptions = {}): Promise<PlanhatFixture> {
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
    ...service.connect(read.settings, target),
    sim,
    tenant: (token) => sim.tenant(token),
    advance: (ms) => void (now += ms),
    calls() {
      const { requests } = sim.books.snapshot();
      const sum = (results: Readonly<Record<string, number>>) => Object.values(results).reduce((all, n) => all + n, 0);
      return Object.fromEntries(Object.entries(requests).map(([route, results]) => [route, sum(results)]));
    },
    async close() {
      service.close();
      await sim.close();
    },
  };
}

export const registryOf = (budget: Budget): BudgetRegistry => ({
  get: () => budget,
  look: () => Promise.resolve(undefined),
  left: () => budget.left(),
  close: () => budget.close(),
});

/** A budget without a limit that notes who asked. */
export function notedBudget(asked: BudgetClass[]): Budget {
  const budget = createBudget({ limit: null });
  const take: Budget["take"] = (asking, signal) => {
    asked.push(asking);
    return budget.take(asking, signal);
  };
  return { ...budget, take };
}

/** The numbers below it. */
export const many = (n: number): readonly number[] => Array.from({ length: n }, (_, index) => index);
export const idsOf = (records: readonly { readonly id: string }[]): readonly string[] =>
  records.map(({ id }) => id).sort();

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

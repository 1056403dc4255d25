/** PlanSource on loopback, and the ways to it. Nothing waits: clocks stand still, and pauses are over at once. */
import { createManualClock } from "../../../simulators/loopback";
import type { Call } from "../../../simulators/loopback";
import {
  createPlanSourceSimulator,
  DEFAULT_API_USER,
  type PlanSourceSimulatorOptions,
} from "../../../simulators/plansource";
import { closeAgents, createAgents } from "../../../src/http/agents";
import { createBudget, type BudgetClass, type BudgetRegistry } from "../../../src/http/limits/budget";
import type { Log } from "../../../src/http/log";
import { createPlanSourceApi, createShared, type PlanSourceApi } from "../../../src/services/plansource/api/client";
import { createRest } from "../../../src/services/plansource/api/rest";
import { readSettings, type PlanSourceSettings } from "../../../src/services/plansource/settings/settings";
import { targetOf } from "../../../src/services/plansource/settings/target";
import { json, startLoopback, type Answer, type Loopback } from "../http/loopback";

type Bag = Readonly<Record<string, unknown>>;

export function settingsOf(stored: Bag = {}): PlanSourceSettings {
  const { clientId: client_id, clientSecret: client_secret, loggedInUser: logged_in_user } = DEFAULT_API_USER;
  const read = readSettings({ client_id, client_secret, logged_in_user, ...stored });
  if (!read.ok) throw new Error(read.problems.join());
  return read.settings;
}

export interface OpenApiOptions extends PlanSourceSimulatorOptions {
  /** Private settings besides the credentials. */
  readonly settings?: Bag;
  /** Address of another server in place of the simulator. */
  readonly url?: string;
}

export type OpenApi = Awaited<ReturnType<typeof openApi>>;

export async function openApi({ settings: stored, url, ...options }: OpenApiOptions = {}) {
  const clock = createManualClock();
  const sim = createPlanSourceSimulator({ clock, ...options });
  await sim.listen();
  const calls: Call[] = [];
  sim.on("request", (call) => void calls.push(call));
  const lines: unknown[] = [];
  const note = (...line: unknown[]): void => void lines.push(line);
  const log: Log = { debug: note, info: note, warn: note, error: note };
  const agents = createAgents();
  /** How far our clock is ahead. Milliseconds. */
  let aheadMs = 0;
  const http = {
    agents,
    log,
    clock: () => clock.now() + aheadMs,
    sleep: () => Promise.resolve(),
    random: () => 0.5,
    timeoutMs: 5_000,
  };
  const shared = createShared({ http });
  const taken: BudgetClass[] = [];
  const unlimited = createBudget({ limit: null });
  const budgets: BudgetRegistry = {
    get: () => ({
      ...unlimited,
      take: (asking, signal) => {
        taken.push(asking);
        return unlimited.take(asking, signal);
      },
    }),
    look: () => Promise.resolve(undefined),
    left: () => Promise.resolve(Infinity),
    close: () => unlimited.close(),
  };
  const opened: PlanSourceApi[] = [];

  const targetFor = (settings: PlanSourceSettings) => {
    const target = targetOf(settings, url ?? sim.url, "key");
    if (target === undefined) throw new Error("No target.");
    return target;
  };
  const api = (more: Bag = {}): PlanSourceApi => {
    const settings = settingsOf({ ...stored, ...more });
    const made = createPlanSourceApi({
      settings,
      target: targetFor(settings),
      shared,
      budgets,
      http,
    });
    opened.push(made);
    return made;
  };
  return {
    sim,
    clock,
    calls,
    /** What was logged, as one text. */
    logged: () => JSON.stringify(lines),
    /** Classes of the budget, in the order in which units were taken. */
    taken,
    shared,
    http,
    budgets,
    api,
    /** Subscribers by their code, unless the settings say otherwise. */
    rest: (more: Bag = {}) => createRest(api(more), { isCustomId: { ...stored, ...more }["subscriber_key"] !== "id" }),
    asker: (more: Bag = {}) => {
      const settings = settingsOf({ ...stored, ...more });
      return { key: "plansource/org/connector", settings, target: targetFor(settings) };
    },
    setAhead: (ms: number) => void (aheadMs = ms),
    routes: () => calls.map(({ route }) => route),
    async close() {
      for (const each of opened) each.close();
      shared.tokens.close();
      closeAgents(agents);
      await sim.close();
    },
  };
}

/** Opens one for each test of a file, and closes it afterwards. */
export function useOpenApi() {
  let opened: OpenApi | undefined;
  let server: Loopback | undefined;
  afterEach(async () => {
    await opened?.close();
    await server?.close();
    opened = server = undefined;
  });
  const open = async (options?: OpenApiOptions): Promise<OpenApi> => (opened = await openApi(options));
  return {
    open,
    /** In the place of the simulator a server that hands out tokens, and answers everything else in its own way. */
    openAt: async (answer: Answer): Promise<OpenApi> => {
      server = await startLoopback((request, response, n) => {
        if (request.url === "/oauth/v2/token") json(response, 200, { access_token: "token-1" });
        else answer(request, response, n);
      });
      return open({ url: server.url });
    },
    /** What that server was asked, for tokens as well. */
    seen: () => server?.seen ?? [],
  };
}

/**
 * Calls an operation as the server does: input is read by its schemas, then it runs, then it says what it touched.
 * plangrade is the simulator on loopback. Nothing waits: its clock stands still, and pauses are over at once.
 */
import type { z } from "zod";
import { createManualClock, type Call } from "../../../simulators/loopback";
import {
  createPlangradeSimulator,
  DEFAULT_APPLICATION,
  type PlangradeSimulator,
  type PlangradeSwitches,
} from "../../../simulators/plangrade";
import { closeAgents, createAgents } from "../../../src/http/agents";
import { createBudget, type BudgetClass, type BudgetRegistry } from "../../../src/http/limits/budget";
import type { Log } from "../../../src/http/log";
import { explainInput, type InputWords } from "../../../src/input";
import { OperationError, type Asker, type OperationAnswer, type Touched } from "../../../src/services/operations";
import { createShared } from "../../../src/services/plangrade/connection";
import { plangradeOperations } from "../../../src/services/plangrade/operations";
import type { PlangradeSettings } from "../../../src/services/plangrade/settings/settings";
import { targetOf } from "../../../src/services/plangrade/settings/target";
import { settingsOf } from "./messages";

type Bag = Readonly<Record<string, unknown>>;

export interface Asked {
  readonly parameters?: Bag;
  readonly query?: Bag;
  readonly body?: unknown;
  /** Settings of the connector that asks. */
  readonly settings?: Bag;
  /** What it proves its grant with; undefined: a good token. */
  readonly token?: string;
  /** Address of another server in place of the simulator. */
  readonly url?: string;
}

export interface Heard {
  /** What a caller sees: 200 unless the operation says otherwise. */
  readonly status: number;
  readonly body: unknown;
  /** Code, message and fields of a refusal. */
  readonly code?: string;
  readonly message?: string;
  readonly fields?: readonly string[];
  readonly confirm?: string | undefined;
  readonly touched: readonly Touched[];
}

export type Opened = Awaited<ReturnType<typeof openPlangrade>>;

async function openPlangrade(switches: Partial<PlangradeSwitches> = {}) {
  const clock = createManualClock();
  const sim: PlangradeSimulator = createPlangradeSimulator({ clock, switches });
  await sim.listen();
  const calls: Call[] = [];
  sim.on("request", (call) => void calls.push(call));
  const lines: unknown[] = [];
  const note = (...line: unknown[]): void => void lines.push(line);
  const log: Log = { debug: note, info: note, warn: note, error: note };
  const agents = createAgents();
  const taken: BudgetClass[] = [];
  const unlimited = createBudget({ limit: null });
  const budgets: BudgetRegistry = {
    get: () => ({ ...unlimited, take: (asking, signal) => (taken.push(asking), unlimited.take(asking, signal)) }),
    look: () => Promise.resolve(undefined),
    left: () => Promise.resolve(Infinity),
    close: () => unlimited.close(),
  };
  const shared = createShared();
  const { accessToken } = sim.grant();
  const http = { agents, log, clock: () => clock.now(), sleep: () => Promise.resolve(), timeoutMs: 5_000 };

  function operations(answerWithinMs = 20_000) {
    return plangradeOperations({ budgets, http, shared, answerWithinMs });
  }

  function asker({ settings: stored, token = accessToken, url = sim.url }: Asked = {}) {
    const { key: application_key, secret: application_secret } = DEFAULT_APPLICATION;
    const settings = settingsOf({ application_key, application_secret, ...stored });
    const target = targetOf(settings, url, "1001", "key");
    if (target === undefined) throw new Error("No target.");
    const auth = { headers: () => ({ authorization: `Bearer ${token}` }) };
    return { key: "plangrade/org/connector", settings, target, auth } satisfies Asker<PlangradeSettings>;
  }

  return {
    sim,
    calls,
    shared,
    operations,
    asker,
    /** Classes of the budget, in the order in which units were taken. */
    taken,
    routes: () => calls.map(({ route }) => route),
    /** What was logged, as one text. */
    logged: () => JSON.stringify(lines),
    async close() {
      closeAgents(agents);
      await sim.close();
    },
  };
}

/** Opens one for each test of a file, and closes it afterwards. */
export function usePlangrade(): (switches?: Partial<PlangradeSwitches>) => Promise<Opened> {
  let opened: Opened | undefined;
  afterEach(async () => {
    await opened?.close();
    opened = undefined;
  });
  return async (switches) => (opened = await openPlangrade(switches));
}

class BadInput extends Error {
  constructor(
    readonly issues: readonly z.core.$ZodIssue[],
    readonly words: InputWords,
  ) {
    super();
  }
}

function read(part: { readonly schema: z.ZodType; readonly words: InputWords } | undefined, given: unknown): unknown {
  if (part === undefined) return undefined;
  const parsed = part.schema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new BadInput(parsed.error.issues, part.words);
}

export async function ask(opened: Opened, id: string, asked: Asked = {}): Promise<Heard> {
  const declared = opened.operations().find((each) => each.id === id);
  if (declared === undefined) throw new Error(`There is no operation ${id}.`);
  const { query } = declared;
  const words = { code: "invalid_query", problem: "The query cannot be read", remedies: query?.remedies ?? {} };
  const asker = opened.asker(asked);
  try {
    const input = {
      parameters: read(declared.parameters, asked.parameters),
      query: read(query && { schema: query.schema, words }, asked.query ?? {}),
      body: read(declared.body, asked.body),
    };
    const confirm = declared.confirm?.value(input);
    const touchedBy = (answer?: OperationAnswer) => declared.remembers?.(input, answer, asker) ?? [];
    try {
      const answer = await declared.run(asker, input);
      const status = answer.status ?? declared.answer.status ?? 200;
      return { status, body: answer.body, confirm, touched: touchedBy(answer) };
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      const { status, code, message, details, mayHaveActed } = error;
      const fields = details.map(({ path }) => path);
      return { status, body: undefined, code, message, fields, confirm, touched: mayHaveActed ? touchedBy() : [] };
    }
  } catch (error) {
    if (!(error instanceof BadInput)) throw error;
    const { message, details } = explainInput(error.words, error.issues);
    const fields = details.map(({ path }) => path);
    return { status: 400, body: undefined, code: error.words.code, message, fields, touched: [] };
  }
}

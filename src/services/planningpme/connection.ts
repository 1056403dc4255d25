/** One customer's PlanningPME: the HTTP client with its budget, and the functions of the seam on top. */
import { LRUCache } from "lru-cache";
import { createRedactor } from "../../http/guards/redact";
import type { BudgetClass } from "../../http/limits/budget";
import type { Connection } from "../connection";
import type { Target } from "../target";
import type { ConnectionOptions } from "../definition";
import { attempt, isFailed } from "../failure";
import { createPlanningPmeClient, createTokens, type Tokens } from "./api/client";
import { createRest } from "./api/rest";
import { fieldOptions, roleOfList } from "./face";
import { inspect } from "./remote/inspect";
import { listPage } from "./remote/list";
import { importFor, type PlanningPmeSettings } from "./settings/settings";
import { importRows } from "./write/import";

/** What all connections share; the service owns it. */
export interface Shared {
  readonly tokens: Tokens;
  /** Templates whose last report named no row, by the target's fingerprint. */
  readonly silent: LRUCache<string, Set<string>>;
}

const MOST_CUSTOMERS = 1_000;

export function createShared(): Shared {
  return { tokens: createTokens(), silent: new LRUCache({ max: MOST_CUSTOMERS }) };
}

export function createConnection(
  settings: PlanningPmeSettings,
  target: Target,
  { tokens, silent: known }: Shared,
  options: ConnectionOptions,
): Connection {
  const client = createPlanningPmeClient({ settings, target, tokens, ...options });
  const restIn = (priority: BudgetClass) => createRest(client, priority, options.http?.timeoutMs);
  const rest = restIn("delivery");
  const fetching = restIn("fetch");
  const asked = restIn("interactive");
  const { value: redact } = createRedactor([settings.appKey ?? "", settings.authToken ?? ""]);
  const silent = known.get(target.fingerprint) ?? new Set<string>();
  known.set(target.fingerprint, silent);
  return {
    prepare: (_type, records) => Promise.resolve(records.map(({ fields }) => ({ kind: "ready", fields }))),
    async apply(type, chunk, how) {
      const into = importFor(type, settings);
      if (into === undefined) throw new Error(`PlanningPME imports no ${type}.`);
      const onSilence = (): void => void silent.add(into.template);
      return importRows({ rest, settings, into, redact, onSilence }, chunk, how);
    },
    list: (type, _fields, from, shown, sinceMs) => listPage(fetching, type, from, sinceMs, settings, shown),
    inspect: () => inspect(settings, { rest: asked, silent }),
    /** The properties of the template that the list is for, where PlanningPME names them. */
    async fieldOptions(table, use) {
      const role = roleOfList(table);
      const standard = fieldOptions(table, use);
      if (role === undefined || standard === undefined) return standard && { options: standard };
      const templates = await attempt(() => asked.templates());
      if (isFailed(templates)) return { options: standard, problem: templates.message };
      const { properties = [] } = templates.find(({ name }) => name === settings.imports[role].template) ?? {};
      return { options: [...standard, ...properties.map((name) => ({ value: name, label: name }))] };
    },
  };
}

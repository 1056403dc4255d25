/** One client of PlanSource: the HTTP client with its budget, and the functions of the seam on top. */
import { LRUCache } from "lru-cache";
import type { BudgetClass } from "../../http/limits/budget";
import { systemClock } from "../../http/time";
import type { Connection } from "../connection";
import type { Target } from "../target";
import type { ConnectionOptions } from "../definition";
import { attempt, isFailed } from "../failure";
import { createPlanSourceApi, createShared as createSharedApi, type Shared as SharedApi } from "./api/client";
import { createRest } from "./api/rest";
import { fieldOptions, fieldOptionsWith } from "./face";
import type { Ways } from "./remote/address";
import { find, read } from "./remote/find";
import { inspect } from "./remote/inspect";
import type { Learnt } from "./remote/learnt";
import { listPage } from "./remote/list";
import { createMetas, type Metas } from "./remote/metas";
import { checkRecords, prepareRecords } from "./remote/prepare";
import { codeIsExternalId, mappedFields, type PlanSourceSettings } from "./settings/settings";
import { writeBulk } from "./write/bulk";
import { writeOne } from "./write/single";
import { foretold } from "./write/foretell";

/** What all connections share; the service owns it. */
export interface Shared {
  readonly api: SharedApi;
  readonly metas: Metas;
  /** What was learnt about a client by trying, by the target's fingerprint. */
  readonly learnt: LRUCache<string, Learnt>;
  /** How clients that were lately reached name employees: fingerprint and choice. */
  readonly choices: LRUCache<string, PlanSourceSettings["subscriberKey"]>;
}

const MOST_CLIENTS = 1_000;
const LATELY_MS = 3_600_000;

export function createShared(options: ConnectionOptions): Shared {
  return {
    api: createSharedApi(options),
    metas: createMetas(),
    learnt: new LRUCache({ max: MOST_CLIENTS }),
    choices: new LRUCache({ max: MOST_CLIENTS, ttl: LATELY_MS }),
  };
}

export function createConnection(
  settings: PlanSourceSettings,
  target: Target,
  shared: Shared,
  options: ConnectionOptions,
): Connection {
  const { subscriberKey, concurrentRequests: width } = settings;
  const clock = options.http?.clock ?? systemClock;
  const today = (): string => new Date(clock()).toISOString().slice(0, 10);
  const api = createPlanSourceApi({ settings, target, shared: shared.api, ...options });
  const waysOf = (priority: BudgetClass): Ways => {
    const restOf = (isCustomId: boolean) =>
      createRest(api, { isCustomId, priority, timeoutMs: options.http?.timeoutMs });
    const [byCode, byId] = [restOf(true), restOf(false)];
    const usesCode = subscriberKey === "subscriber_code";
    return { usesCode, byCode, byId, chosen: usesCode ? byCode : byId };
  };
  const ways = waysOf("delivery");
  const { chosen: fetching } = waysOf("fetch");
  const { chosen: asked } = waysOf("interactive");
  const meta = (rest = ways.chosen) => shared.metas.get(target.fingerprint, rest);
  const learnt = shared.learnt.get(target.fingerprint) ?? { blank: "", ignoresFlag: false };
  shared.learnt.set(target.fingerprint, learnt);
  shared.choices.set(`${target.fingerprint} ${subscriberKey}`, subscriberKey);
  const fields = mappedFields(settings);
  const { defaultReason } = settings.lifeCycle;
  const writing = { ways, settings, fields, learnt, lost: { inARow: 0 }, today };
  return {
    check: (_type, records) => checkRecords(records, { meta }),
    prepare: (_type, records, known) => prepareRecords(records, known, { meta, defaultReason, today: today() }),
    find: (_type, wanted, knowledge) => find(ways, wanted, knowledge, clock, width),
    read: (_type, known, names) => read(ways, known, names, width),
    list: (_type, names, from) =>
      listPage(fetching, names, from, {
        includeTest: settings.includeTestEmployees,
        claimsCode: codeIsExternalId(settings),
        claims: settings.claims,
      }),
    async apply(_type, chunk) {
      const [first] = chunk;
      if (first === undefined || chunk.length > 1) return writeBulk(writing, chunk, width);
      const { result, problem } = await writeOne(writing, first);
      return { results: [result], problem };
    },
    foretell: (_type, intent) => foretold(intent),
    inspect: () =>
      inspect(settings, {
        rest: asked,
        meta: () => meta(asked),
        learnt,
        othersDiffer: [...shared.choices.values()].some((choice) => choice !== subscriberKey),
      }),
    async fieldOptions(table, use) {
      const standard = fieldOptions(table, use);
      if (standard === undefined) return undefined;
      const described = await attempt(() => meta(asked));
      return isFailed(described)
        ? { options: standard, problem: described.message }
        : { options: fieldOptionsWith(described, standard) };
    },
  };
}

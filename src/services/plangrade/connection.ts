/** One account at plangrade: the HTTP client with its budget, and the functions of the seam on top. */
import { LRUCache } from "lru-cache";
import type { BudgetClass } from "../../http/limits/budget";
import { systemClock } from "../../http/time";
import { inParallel } from "../../in-parallel";
import type { Connection } from "../connection";
import type { Target } from "../target";
import { createPlangradeClient, type ClientOptions } from "./api/client";
import { createRest } from "./api/rest";
import { fieldOptions } from "./face";
import { find, read, type Reading } from "./remote/find";
import { inspect } from "./remote/inspect";
import { listPage } from "./remote/list";
import { createLists, type Lists } from "./remote/lists";
import { einIsExternalId, mappedFields, type PlangradeSettings } from "./settings/settings";
import { prepareRecord } from "./write/prepare";
import { writeOne, type WriteDeps } from "./write/single";

/** What all connections share; the service owns it. */
export interface Shared {
  /** By the target's fingerprint. */
  readonly lists: LRUCache<string, Lists>;
}

const MOST_ACCOUNTS = 100;

export function createShared(): Shared {
  return { lists: new LRUCache({ max: MOST_ACCOUNTS }) };
}

export function createConnection(
  settings: PlangradeSettings,
  target: Target,
  shared: Shared,
  { auth, budgets, http }: Omit<ClientOptions, "settings" | "target">,
): Connection {
  const client = createPlangradeClient({ settings, target, auth, budgets, http });
  const clock = http?.clock ?? systemClock;
  const lists = shared.lists.get(target.fingerprint) ?? createLists(clock);
  shared.lists.set(target.fingerprint, lists);
  const readingIn = (priority: BudgetClass): Reading => ({
    rest: createRest(client, { priority, timeoutMs: http?.timeoutMs }),
    lists,
    clock,
  });
  const delivering = readingIn("delivery");
  const fetching = readingIn("fetch");
  const asked = readingIn("interactive");
  const fieldsOf = (type: string): readonly string[] => mappedFields(type, settings);
  const writing: WriteDeps = { ...delivering, fieldsOf, lost: { inARow: 0 } };
  return {
    prepare: (type, records, known) =>
      Promise.resolve(records.map((desired, index) => prepareRecord(type, desired, known[index]))),
    find: (type, wanted, { fields }) => find(delivering, type, wanted, fields),
    read: (type, known, fields) => read(delivering, type, known, fields),
    list: (type, fields, from) =>
      listPage(fetching, type, fields, from, { claimsEin: einIsExternalId(settings), claims: settings.claims }),
    async apply(type, chunk) {
      const written = await inParallel(chunk, 1, (intent) => writeOne(writing, type, intent));
      return {
        results: written.map(({ result }) => result),
        problem: written.find(({ problem }) => problem !== undefined)?.problem,
      };
    },
    inspect: () => inspect(asked.rest),
    fieldOptions(table, use) {
      const options = fieldOptions(table, use);
      return Promise.resolve(options && { options });
    },
  };
}

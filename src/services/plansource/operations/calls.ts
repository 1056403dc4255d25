/** PlanSource for those who log in: each call has a way of its own, which ends in time, and the token of all others. */
import type { ConnectionOptions } from "../../definition";
import type { Asker } from "../../operations";
import { missing, served, within, withShortPauses, type CallWords, type ServiceWords } from "../../interactive";
import { createPlanSourceApi, type PlanSourceApi, type Shared } from "../api/client";
import { isUnknownEmployee, wordsIn, wordsOf } from "../api/envelope";
import { createRest, type Rest } from "../api/rest";
import type { PlanSourceSettings } from "../settings/settings";

export type Connected = Asker<PlanSourceSettings>;

export interface CallsOptions extends ConnectionOptions {
  readonly shared: Shared;
  /** Somebody waits: the work for one request ends after this time, milliseconds. */
  readonly answerWithinMs: number;
}

/** Both throw OperationError when PlanSource cannot serve them, or does not want to. */
export interface Calls {
  /** @param isCustomId whether subscribers are named by their code; what the settings say when left out */
  rest<T>(
    asker: Connected,
    isCustomId: boolean | undefined,
    work: (rest: Rest) => Promise<T>,
    words?: CallWords,
  ): Promise<T>;
  api<T>(asker: Connected, work: (api: PlanSourceApi) => Promise<T>, words?: CallWords): Promise<T>;
}

const ENTER = "check Client ID, Client secret and User name in the connector's settings";
const GRANT = "check in PlanSource what the API user may do, and for which organizations";

export const PLANSOURCE: ServiceWords = {
  name: "plansource",
  title: "PlanSource",
  refused: (status, words) =>
    status === 401
      ? `PlanSource refuses the stored credentials: ${words}. Please ${ENTER}.`
      : `PlanSource does not allow this call: ${words}. Please ${GRANT}.`,
  wordsIn,
};

/** What a 404 means that names the employee. */
export const UNKNOWN = { code: "subscriber_not_found", thing: "subscriber" } as const;

export function createCalls({ shared, budgets, http, answerWithinMs }: CallsOptions): Calls {
  const interactive = withShortPauses(http);

  function asking<T>(
    { settings, target }: Connected,
    work: (api: PlanSourceApi) => Promise<T>,
    words?: CallWords,
  ): Promise<T> {
    const api = createPlanSourceApi({ settings, target, shared, budgets, http: interactive });
    return served(PLANSOURCE, () => within(api, answerWithinMs, () => work(api)), words);
  }

  return {
    api: asking,
    rest: (asker, isCustomId = namesByCode(asker), work, words) =>
      asking(
        asker,
        (api) =>
          orUnknown(() =>
            work(createRest(api, { isCustomId, priority: "interactive", timeoutMs: interactive.timeoutMs })),
          ),
        words,
      ),
  };
}

/** Whether the settings name subscribers by their code. */
export function namesByCode({ settings }: Connected): boolean {
  return settings.subscriberKey === "subscriber_code";
}

/** A wrong address and a gateway that finds nothing are 404 as well, and say nothing about the employee. */
async function orUnknown<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isUnknownEmployee(error) ? missing(PLANSOURCE, UNKNOWN, wordsOf(error)) : error;
  }
}

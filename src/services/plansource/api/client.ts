/**
 * The way to one tenant's PlanSource: its token, its budget and its limit of calls at a time. Calls for meta data and
 * tokens are not in the budget, since PlanSource's own quota, whatever it is, counts them apart.
 */
import { createHttpClient, type HttpRequest, type HttpResponse } from "../../../http/client";
import { createGateRegistry, type GateRegistry } from "../../../http/limits/gate";
import type { ConnectionOptions } from "../../definition";
import type { Target } from "../../target";
import type { PlanSourceSettings } from "../settings/settings";
import { createTokenSources, type TokenSources } from "./tokens";
import { visibleAnswer } from "./visible";

/** What all ways to PlanSource share; the service owns it. */
export interface Shared {
  readonly tokens: TokenSources;
  readonly gates: GateRegistry;
  /** The form in which a target takes bulk calls, by its fingerprint; learnt by trying. */
  readonly bulkWrappers: Map<string, BulkWrapper>;
}

/** A bare list, or `{subscribers: […]}`. */
export type BulkWrapper = "array" | "subscribers";

export function createShared({ http, gates = createGateRegistry() }: ConnectionOptions): Shared {
  return { tokens: createTokenSources(http), gates, bulkWrappers: new Map() };
}

export interface ApiOptions extends ConnectionOptions {
  readonly settings: PlanSourceSettings;
  readonly target: Target;
  readonly shared: Shared;
}

export interface PlanSourceApi {
  readonly target: Target;
  /** How the target takes bulk calls, remembered for the life of the process. */
  readonly bulkWrapper: { get(): BulkWrapper | undefined; set(wrapper: BulkWrapper): void };
  /** @param request its route stands below `/admin/v2` @throws RemoteError */
  request(request: HttpRequest): Promise<HttpResponse>;
  /** The same without a unit of the budget, for meta data. */
  requestUncounted(request: HttpRequest): Promise<HttpResponse>;
  /** Ends what is under way; the token belongs to others as well, and stays. */
  close(): void;
}

const API_PATH = "/admin/v2";

/** Everything else calls PlanSource with this. */
export function createPlanSourceApi({ settings, target, shared, budgets, http }: ApiOptions): PlanSourceApi {
  const { clientId = "", clientSecret = "", requestsPerMinute, concurrentRequests } = settings;
  const common = {
    ...http,
    system: "plansource",
    baseUrl: `${target.baseUrl}${API_PATH}`,
    auth: shared.tokens.get(settings, target),
    gate: shared.gates.get(target.quotaKey, concurrentRequests),
    secrets: [clientId, clientSecret, ...(http?.secrets ?? [])],
    visible: visibleAnswer,
  };
  const counted = createHttpClient({ ...common, budget: budgets?.get(target.quotaKey, requestsPerMinute) });
  const uncounted = createHttpClient(common);
  return {
    target,
    bulkWrapper: {
      get: () => shared.bulkWrappers.get(target.fingerprint),
      set: (wrapper) => void shared.bulkWrappers.set(target.fingerprint, wrapper),
    },
    request: (request) => counted.request(request),
    requestUncounted: (request) => uncounted.request(request),
    close() {
      counted.close();
      uncounted.close();
    },
  };
}

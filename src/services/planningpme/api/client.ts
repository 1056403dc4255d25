/**
 * The way to one customer's PlanningPME. Every call carries the app key and a token: the user's own one, or one that it
 * is exchanged for. Nothing says how long that lives, so it is used until it is refused. Calls for tokens count as well.
 */
import { LRUCache } from "lru-cache";
import type { AuthProvider } from "../../../http/auth";
import { createHttpClient, type HttpClient, type HttpClientOptions } from "../../../http/client";
import { requestToken } from "../../../http/token-request";
import { authorizationOf, createTokenSource, type AccessToken } from "../../../http/token-source";
import type { ConnectionOptions } from "../../definition";
import type { Target } from "../../target";
import type { PlanningPmeSettings } from "../settings/settings";

/** Tokens of all who use the same credentials; the service owns it. */
export type Tokens = ReturnType<typeof createTokens>;

export interface ClientOptions extends ConnectionOptions {
  readonly settings: PlanningPmeSettings;
  readonly target: Target;
  readonly tokens: Tokens;
}

export const SYSTEM = "planningpme";
const TOKEN_ROUTE = "/token";
const GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/** No lifetime is documented (reference 3.5): used until it is refused, or ends as the answer says, a day at most. */
const LIFE_MS = 86_400_000;
const TOKEN_TIMEOUT_MS = 10_000;
const MOST_SOURCES = 1_000;

/** Everything calls PlanningPME with this; routes stand below the brand's root. */
export function createPlanningPmeClient({ settings, target, tokens, budgets, http }: ClientOptions): HttpClient {
  const { appKey = "", authToken = "", requestsPerHour } = settings;
  const common = {
    ...http,
    system: SYSTEM,
    baseUrl: target.baseUrl,
    budget: budgets?.get(target.quotaKey, requestsPerHour, "hour"),
    secrets: [appKey, authToken, ...(http?.secrets ?? [])],
  };
  // The call that needs the token is tried again as a whole.
  const asking = {
    ...common,
    maxAttempts: 1,
    timeoutMs: Math.min(TOKEN_TIMEOUT_MS, http?.timeoutMs ?? TOKEN_TIMEOUT_MS),
  };
  const auth = settings.tokenExchange ? tokens.get(settings, target, asking) : fixed(settings);
  const withKey: AuthProvider = {
    headers: async () => ({ ...(await auth.headers()), "x-appkey": appKey }),
    renew: (refused) => auth.renew?.(refused) ?? false,
  };
  return createHttpClient({ ...common, auth: withKey });
}

function fixed({ authToken = "", authorizationScheme }: PlanningPmeSettings): AuthProvider {
  return { headers: () => ({ authorization: authorizationOf(authToken, authorizationScheme) }) };
}

export function createTokens() {
  const sources = new LRUCache<string, AuthProvider>({ max: MOST_SOURCES });
  return {
    /** The one source of all who use these credentials. @param asking how the token endpoint is called */
    get(settings: PlanningPmeSettings, { fingerprint }: Target, asking: HttpClientOptions): AuthProvider {
      const known = sources.get(fingerprint);
      if (known !== undefined) return known;
      const source = createTokenSource({
        fetchToken: () => fetchToken(settings, asking),
        lifeMs: LIFE_MS,
        scheme: settings.authorizationScheme,
        now: asking.clock,
      });
      sources.set(fingerprint, source);
      return source;
    },
    /** Whoever comes next gets a token of their own. */
    clear: () => sources.clear(),
  };
}

/** @throws RemoteError; UnexpectedAnswer when a good answer has no token */
async function fetchToken(settings: PlanningPmeSettings, asking: HttpClientOptions): Promise<AccessToken> {
  const { appKey = "", authToken = "" } = settings;
  const client = createHttpClient(asking);
  try {
    return await requestToken(client, {
      system: SYSTEM,
      method: "PUT",
      route: TOKEN_ROUTE,
      form: { grant_type: GRANT_TYPE, assertion: authToken },
      headers: { "x-appkey": appKey },
    });
  } finally {
    client.close();
  }
}

/**
 * Access tokens: a client assertion, signed with the client secret, is exchanged for a token that lives five minutes
 * (developer.plansource.com/docs/obtaining-an-access-token-to-admin-api, RFC 7523). One token serves all calls that are
 * made with the same credentials, unless the settings want a new one for each.
 */
import { randomUUID } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { AuthProvider } from "../../../http/auth";
import { createHttpClient, type HttpClient } from "../../../http/client";
import { signClientAssertion } from "../../../http/jwt";
import { requestToken } from "../../../http/token-request";
import { createTokenSource } from "../../../http/token-source";
import { jsonIn } from "../../../json";
import type { HttpOptions } from "../../definition";
import type { Target } from "../../target";
import type { PlanSourceSettings } from "../settings/settings";
import { visibleAnswer } from "./visible";

/** What decides which token is got, and how. */
export type Credentials = Pick<
  PlanSourceSettings,
  "clientId" | "clientSecret" | "loggedInUser" | "tokenPerCall" | "assertionAlgorithm" | "loggedInUserIn"
>;

export interface TokenSources {
  /** The one source of all who use these credentials. */
  get(credentials: Credentials, target: Target): AuthProvider;
  /** Whoever comes next gets a token of their own. */
  clear(): void;
  /** Ends what is under way. */
  close(): void;
}

const TOKEN_ROUTE = "/oauth/v2/token";
const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const SCOPES = "admin_api_v2";
const LIFE_SECONDS = 300;
/** Somebody may be waiting for the call that needs the token. */
const TIMEOUT_MS = 10_000;
const MOST_SOURCES = 1_000;

/** Creates an empty cache of token sources; it belongs to the service. */
export function createTokenSources(http: HttpOptions = {}): TokenSources {
  const sources = new LRUCache<string, { readonly source: AuthProvider; readonly client: HttpClient }>({
    max: MOST_SOURCES,
  });

  function create(credentials: Credentials, { baseUrl }: Target) {
    const { clientId = "", clientSecret = "", loggedInUser = "" } = credentials;
    const client = createHttpClient({
      ...http,
      system: "plansource",
      baseUrl,
      // The call that needs the token is tried again as a whole.
      maxAttempts: 1,
      timeoutMs: Math.min(TIMEOUT_MS, http.timeoutMs ?? TIMEOUT_MS),
      secrets: [clientId, clientSecret, loggedInUser, ...(http.secrets ?? [])],
      visible: (answer, request) => visibleAnswer(jsonIn(answer) ?? answer, request),
    });
    const source = createTokenSource({
      fetchToken: (nowMs) =>
        requestToken(client, {
          system: "plansource",
          method: "POST",
          route: TOKEN_ROUTE,
          form: formOf(credentials, baseUrl, nowMs),
        }),
      lifeMs: LIFE_SECONDS * 1_000,
      perCall: credentials.tokenPerCall,
      now: http.clock,
    });
    return { source, client };
  }

  return {
    get(credentials, target) {
      const { tokenPerCall, assertionAlgorithm, loggedInUserIn } = credentials;
      const key = JSON.stringify([target.fingerprint, tokenPerCall, assertionAlgorithm, loggedInUserIn]);
      const known = sources.get(key) ?? create(credentials, target);
      sources.set(key, known);
      return known.source;
    },
    clear: () => sources.clear(),
    close() {
      for (const { client } of sources.values()) client.close();
      sources.clear();
    },
  };
}

function formOf(credentials: Credentials, baseUrl: string, nowMs: number): Record<string, string> {
  const { clientId = "", clientSecret = "", loggedInUser = "", assertionAlgorithm, loggedInUserIn } = credentials;
  const assertion = signClientAssertion({
    algorithm: assertionAlgorithm,
    clientId,
    clientSecret,
    audience: new URL(baseUrl).hostname,
    nowMs,
    claims: { scopes: SCOPES, logged_in_user: loggedInUserIn === "claim" ? loggedInUser : undefined },
  });
  return {
    ...(loggedInUserIn === "form" ? { logged_in_user: loggedInUser } : {}),
    grant_type: "client_credentials",
    client_assertion_type: ASSERTION_TYPE,
    client_assertion: assertion,
    client_id: clientId,
    code: randomUUID(),
  };
}

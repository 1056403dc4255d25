/** The token endpoint, and what its tokens open. */
import type { Call, Reply } from "../loopback/call";
import type { Random } from "../loopback/random";
import { problemWithAssertion, type ApiUser, type AssertionLimits } from "./assertion";
import type { OrganizationState } from "./organization";
import type { Problem } from "./subscriber";
import type { PlanSourceSwitches } from "./switches";

export interface TokenDeps extends AssertionLimits {
  readonly switches: Readonly<PlanSourceSwitches>;
  readonly random: Random;
  readonly tokenLifeMs: number;
}

export interface Tokens {
  grant(user: ApiUser, organization: OrganizationState): void;
  /** The API user is gone, and its tokens with it. */
  revoke(clientId: string): void;
  /** Throws on an unknown client id. */
  organization(clientId: string): OrganizationState;
  /** `POST /oauth/v2/token`. */
  issue(call: Pick<Call, "body" | "headers" | "receivedAt">): Reply;
  /** The client that an Authorization header opens, or why it opens none. */
  open(authorization: string | undefined, atMs: number): { readonly organization: OrganizationState } | Problem;
  /** All tokens end now. */
  expireAll(): void;
}

interface Account {
  readonly user: ApiUser;
  readonly organization: OrganizationState;
  /** `jti` of assertions that were used. */
  readonly usedIds: Set<string>;
}

const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** Answers as an OAuth server does, with the service's own time: a client may learn that its clock is wrong. */
function oauthReply(status: number, body: unknown, atMs: number): Reply {
  return { status, body, headers: { date: new Date(atMs).toUTCString(), "cache-control": "no-store" } };
}

/** Creates a token endpoint that knows nobody. */
export function createTokens({ switches, random, tokenLifeMs, ...limits }: TokenDeps): Tokens {
  const accounts = new Map<string, Account>();
  let issued = new Map<string, { readonly clientId: string; readonly endsAt: number }>();

  function problemWith(form: URLSearchParams, host: string, nowMs: number): [error: string, text: string] | Account {
    if (form.get("grant_type") !== "client_credentials") return ["unsupported_grant_type", "grant_type is wrong"];
    if (form.get("client_assertion_type") !== ASSERTION_TYPE)
      return ["invalid_request", "client_assertion_type is wrong"];
    if ((form.get("code") ?? "") === "") return ["invalid_request", "code is missing"];
    const account = accounts.get(form.get("client_id") ?? "");
    if (account === undefined) return ["invalid_client", "client_id is unknown"];
    const { user, usedIds } = account;
    const isNewId = (jti: string): boolean => usedIds.size < usedIds.add(jti).size;
    const hostName = host.replace(/:\d+$/, "");
    const text = problemWithAssertion({ ...limits, form, user, hostName, nowMs, switches, isNewId });
    return text === undefined ? account : ["invalid_request", text];
  }

  return {
    grant(user, organization) {
      accounts.set(user.clientId, { user, organization, usedIds: new Set() });
    },
    revoke: (clientId) => void accounts.delete(clientId),
    organization(clientId) {
      const account = accounts.get(clientId);
      if (account === undefined) throw new Error(`There is no API user ${clientId}.`);
      return account.organization;
    },
    issue({ body, headers, receivedAt }) {
      const isForm = /^application\/x-www-form-urlencoded\b/.test(headers["content-type"] ?? "");
      const form = new URLSearchParams(isForm && typeof body === "string" ? body : "");
      const found = problemWith(form, headers.host ?? "", receivedAt);
      if (Array.isArray(found)) {
        const [error, error_description] = found;
        return oauthReply(error === "invalid_client" ? 401 : 400, { error, error_description }, receivedAt);
      }
      const access_token = random.hex(40);
      issued.set(access_token, { clientId: found.user.clientId, endsAt: receivedAt + tokenLifeMs });
      const expires_in = tokenLifeMs / 1_000;
      const more = {
        full: { token_type: "Bearer", expires_in },
        "text-expiry": { token_type: "bearer", expires_in: String(expires_in) },
        bare: {},
      };
      return oauthReply(200, { access_token, ...more[switches.tokenAnswer] }, receivedAt);
    },
    open(authorization, atMs) {
      const token = /^Bearer (\S+)$/i.exec(authorization ?? "")?.[1];
      if (token === undefined) return { status: 403, message: "Forbidden" };
      const grant = issued.get(token);
      const account = grant === undefined ? undefined : accounts.get(grant.clientId);
      if (grant === undefined || account === undefined) {
        return { status: 401, message: "Invalid token", code: "invalid_token" };
      }
      if (grant.endsAt <= atMs) return { status: 401, message: "Signature has expired", code: "invalid_token" };
      return { organization: account.organization };
    },
    expireAll() {
      issued = new Map([...issued].map(([token, grant]) => [token, { ...grant, endsAt: 0 }]));
    },
  };
}

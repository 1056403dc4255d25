/** Who may call: app keys, the users' lasting tokens and those that are exchanged for them (sheet 3). */
import type { Reply } from "../loopback/call";
import type { Random } from "../loopback/random";
import type { Arrival } from "../loopback/server";
import { failure } from "./errors";
import type { PlanningPmeSwitches } from "./switches";

export interface Credentials {
  /** As in addresses; case does not matter. */
  readonly brand: string;
  /** One per calling application. */
  readonly appKey: string;
  /** The lasting token issued to a user. */
  readonly authToken: string;
}

export interface AccessDeps {
  readonly switches: Readonly<PlanningPmeSwitches>;
  readonly random: Random;
  readonly tokenLifeMs: number;
}

export interface Access {
  grant(credentials: Credentials): void;
  /** The application is known no more, at any brand. */
  revokeAppKey(appKey: string): void;
  /** The user's token is worth nothing any more, and neither is what was exchanged for it. */
  revokeAuthToken(brand: string, authToken: string): void;
  /** The app key of a call; undefined when this brand does not know it. */
  appKeyOf(arrival: Arrival, brand: string): string | undefined;
  /** `PUT {root}token`. */
  exchange(arrival: Arrival, brand: string): Reply;
  /** True for a call that may act as a user of this brand. */
  isUser(arrival: Arrival, brand: string): boolean;
  /** All exchanged tokens end now. */
  expireAll(): void;
}

const GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/** What stands in an Authorization header of the form that the switch asks for. */
function tokenIn(header: string, { scheme }: Readonly<PlanningPmeSwitches>): string | undefined {
  const [, bearer] = /^Bearer (\S+)$/i.exec(header) ?? [];
  const [bare] = /^\S+$/.exec(header) ?? [];
  if (scheme === "Bearer") return bearer;
  return scheme === "none" ? bare : (bearer ?? bare);
}

/** Creates an access that knows nobody. */
export function createAccess({ switches, random, tokenLifeMs }: AccessDeps): Access {
  /** `brand key` and `brand token`: neither has a blank. */
  const appKeys = new Set<string>();
  const users = new Set<string>();
  const exchanged = new Map<string, { readonly user: string; readonly endsAt: number }>();

  function problemWith(form: URLSearchParams, brand: string): string | undefined {
    if (form.get("grant_type") !== GRANT_TYPE) return "unsupported_grant_type";
    return users.has(`${brand} ${form.get("assertion") ?? ""}`) ? undefined : "invalid_grant";
  }

  return {
    grant({ brand, appKey, authToken }) {
      appKeys.add(`${brand} ${appKey}`);
      users.add(`${brand} ${authToken}`);
    },
    revokeAppKey(appKey) {
      for (const entry of appKeys) if (entry.endsWith(` ${appKey}`)) appKeys.delete(entry);
    },
    revokeAuthToken: (brand, authToken) => void users.delete(`${brand} ${authToken}`),
    appKeyOf({ headers }, brand) {
      const appKey = headers["x-appkey"];
      return typeof appKey === "string" && appKeys.has(`${brand} ${appKey}`) ? appKey : undefined;
    },
    exchange({ body, headers, receivedAt }, brand) {
      const isForm = /^application\/x-www-form-urlencoded\b/.test(headers["content-type"] ?? "");
      const form = new URLSearchParams(isForm && typeof body === "string" ? body : "");
      const problem = problemWith(form, brand);
      // The service's own time: a client may learn that its clock is wrong.
      const date = { date: new Date(receivedAt).toUTCString() };
      if (problem !== undefined) return { ...failure(switches.tokenRefusal, problem, switches), headers: date };
      const user = `${brand} ${form.get("assertion") ?? ""}`;
      if (switches.formerTokens === "ended") {
        for (const [token, grant] of exchanged) if (grant.user === user) exchanged.delete(token);
      }
      const access_token = random.hex(40);
      exchanged.set(access_token, { user, endsAt: receivedAt + tokenLifeMs });
      const expires_in = tokenLifeMs / 1_000;
      const more = {
        full: { token_type: "bearer", expires_in },
        "text-expiry": { token_type: "bearer", expires_in: String(expires_in) },
        bare: {},
      };
      return { status: 200, body: { access_token, ...more[switches.tokenAnswer] }, headers: date };
    },
    isUser({ headers, receivedAt }, brand) {
      const token = tokenIn(headers.authorization ?? "", switches);
      if (token === undefined) return false;
      if (switches.tokens !== "exchanged" && users.has(`${brand} ${token}`)) return true;
      const grant = exchanged.get(token);
      if (switches.tokens === "lasting" || grant === undefined) return false;
      return grant.endsAt > receivedAt && grant.user.startsWith(`${brand} `) && users.has(grant.user);
    },
    expireAll: () => exchanged.clear(),
  };
}

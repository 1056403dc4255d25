import { createLedger } from "../loopback/ledger";
import { createQuota } from "../loopback/quota";
import { createRandom, seedOf } from "../loopback/random";
import { createServiceSimulator, type Own, type ServiceSimulatorOptions } from "../loopback/service";
import type { ApiUser, AssertionLimits } from "./assertion";
import { createBooks } from "./books";
import type { PlanSourceSimulator } from "./face";
import { createOrganization } from "./organization";
import { createRouter } from "./router";
import { defaultSwitches, switchValues, type PlanSourceSwitches } from "./switches";
import { createTokens } from "./tokens";

export interface PlanSourceSimulatorOptions
  extends ServiceSimulatorOptions<PlanSourceSwitches>, Partial<AssertionLimits> {
  /** The API user that exists from the start. Default `DEFAULT_API_USER`. */
  readonly apiUser?: ApiUser;
  /** Default five minutes (sheet 3). */
  readonly tokenLifeMs?: number;
  /** Calls per minute and client, whatever the token; those for tokens and meta left out. Default null: no quota is documented. */
  readonly quotaPerMinute?: number | null;
  /** Default 500. */
  readonly maxBulkRows?: number;
}

export const DEFAULT_API_USER: ApiUser = {
  clientId: "acme-hcm",
  clientSecret: "plansource-client-secret",
  loggedInUser: "acme_admin",
};

/** Creates a PlanSource on loopback: its Admin API and its token endpoint at one address. Not yet listening. */
export function createPlanSourceSimulator(options: PlanSourceSimulatorOptions = {}): PlanSourceSimulator {
  const { seed = 1, apiUser = DEFAULT_API_USER, tokenLifeMs = 300_000 } = options;
  const { leewayMs = 0, longestMs = 600_000, maxBulkRows = 500 } = options;
  const switches: PlanSourceSwitches = { ...defaultSwitches, ...options.switches };
  const ledger = createLedger();
  const books = createBooks(ledger);
  const quota = createQuota(options.quotaPerMinute ?? null);
  const random = createRandom(seedOf(seed, "plansource tokens"));
  const tokens = createTokens({ switches, random, tokenLifeMs, leewayMs, longestMs });
  let organizations = 0;

  const base = createServiceSimulator({
    name: "plansource",
    title: "PlanSource",
    options,
    switchValues,
    switches,
    ledger,
    books,
    quota,
    prepare: createRouter({ tokens, quota, books, switches, maxBulkRows }),
    snapshot: { by: "client_id", of: (name) => simulator.snapshot(name) },
  });
  const simulator: PlanSourceSimulator = Object.assign(base, {
    organization: (clientId = apiUser.clientId) => tokens.organization(clientId),
    addApiUser(user) {
      organizations += 1;
      // Ids are unique over all clients.
      const organization = createOrganization(organizations, user.clientId, organizations * 1_000_000);
      tokens.grant(user, organization);
      return organization;
    },
    revokeApiUser: (clientId = apiUser.clientId) => tokens.revoke(clientId),
    expireTokens: () => tokens.expireAll(),
    snapshot: (clientId = apiUser.clientId) => tokens.organization(clientId).snapshot(),
  } satisfies Own<PlanSourceSimulator>);
  simulator.addApiUser(apiUser);
  return simulator;
}

import { systemClock, type Clock } from "../loopback/clock";
import { createFaults } from "../loopback/faults";
import { createHooks } from "../loopback/hooks";
import { createLedger } from "../loopback/ledger";
import { createQuota } from "../loopback/quota";
import { createRandom, seedOf } from "../loopback/random";
import { createLoopbackServer } from "../loopback/server";
import type { ApiUser, AssertionLimits } from "./assertion";
import { createBooks } from "./books";
import { controlPlanSource } from "./control";
import type { PlanSourceSimulator } from "./face";
import { createOrganization } from "./organization";
import { createRouter } from "./router";
import { defaultSwitches, type PlanSourceSwitches } from "./switches";
import { createTokens } from "./tokens";

export interface PlanSourceSimulatorOptions extends Partial<AssertionLimits> {
  /** Drives tokens and faults. Default 1. */
  readonly seed?: number;
  /** Default: the real time. */
  readonly clock?: Clock;
  /** The API user that exists from the start. Default `DEFAULT_API_USER`. */
  readonly apiUser?: ApiUser;
  /** Default five minutes (sheet 3). */
  readonly tokenLifeMs?: number;
  /** Calls per minute and client, whatever the token; those for tokens and meta left out. Default null: no quota is documented. */
  readonly quotaPerMinute?: number | null;
  /** Default 500. */
  readonly maxBulkRows?: number;
  /** Default 32 MB. */
  readonly bodyLimitBytes?: number;
  readonly switches?: Partial<PlanSourceSwitches>;
  /** Serves `/__sim/…` for use from another process. Default false. */
  readonly control?: boolean;
}

export const DEFAULT_API_USER: ApiUser = {
  clientId: "acme-hcm",
  clientSecret: "plansource-client-secret",
  loggedInUser: "acme_admin",
};

/** Creates a PlanSource on loopback: its Admin API and its token endpoint at one address. Not yet listening. */
export function createPlanSourceSimulator(options: PlanSourceSimulatorOptions = {}): PlanSourceSimulator {
  const { seed = 1, clock = systemClock, apiUser = DEFAULT_API_USER, tokenLifeMs = 300_000 } = options;
  const { leewayMs = 0, longestMs = 600_000, maxBulkRows = 500 } = options;
  const switches: PlanSourceSwitches = { ...defaultSwitches, ...options.switches };
  const ledger = createLedger();
  const books = createBooks(ledger);
  const faults = createFaults(seedOf(seed, "plansource faults"));
  const hooks = createHooks();
  const quota = createQuota(options.quotaPerMinute ?? null);
  const random = createRandom(seedOf(seed, "plansource tokens"));
  const tokens = createTokens({ switches, random, tokenLifeMs, leewayMs, longestMs });
  let organizations = 0;

  const simulator: PlanSourceSimulator = {
    listen: (port) => server.listen(port),
    close: () => server.close(),
    get url() {
      return `http://${server.host}`;
    },
    faults,
    on: hooks.on,
    books,
    switches,
    configure: (changes) => void Object.assign(switches, changes),
    setQuota(perMinute) {
      quota.limit = perMinute;
    },
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
  };
  const server = createLoopbackServer({
    clock,
    faults,
    hooks,
    ledger,
    bodyLimitBytes: options.bodyLimitBytes ?? 32 * 1024 * 1024,
    prepare: createRouter({ tokens, quota, books, switches, maxBulkRows }),
    control: options.control === true ? (arrival) => controlPlanSource(simulator, arrival) : undefined,
  });
  simulator.addApiUser(apiUser);
  return simulator;
}

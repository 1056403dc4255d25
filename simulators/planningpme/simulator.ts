import { systemClock } from "../loopback/clock";
import { createLedger } from "../loopback/ledger";
import { createQuota } from "../loopback/quota";
import { createRandom, seedOf } from "../loopback/random";
import { createServiceSimulator, type Own, type ServiceSimulatorOptions } from "../loopback/service";
import { createAccess, type Credentials } from "./access";
import { createBooks } from "./books";
import { createBrand, type BrandState } from "./brand";
import type { PlanningPmeSimulator } from "./face";
import { createRouter } from "./router";
import { stockTemplates } from "./samples";
import { defaultSwitches, switchValues, type PlanningPmeSwitches } from "./switches";
import type { Template } from "./template";

export interface PlanningPmeSimulatorOptions extends ServiceSimulatorOptions<PlanningPmeSwitches> {
  /** The brand, application and user that exist from the start. Default `DEFAULT_CREDENTIALS`. */
  readonly credentials?: Credentials;
  /** What is installed at that brand. Default: the stock templates. */
  readonly templates?: readonly Template[];
  /** Default one hour; unknown (sheet 9). */
  readonly tokenLifeMs?: number;
  /** Calls per hour and app key. Default 2,000, which is free (sheet 7); null = no quota. */
  readonly quotaPerHour?: number | null;
  /** Rows of one model. Default: any number. */
  readonly maxRows?: number;
}

export const DEFAULT_CREDENTIALS: Credentials = {
  brand: "acme",
  appKey: "planningpme-app-key",
  authToken: "planningpme-auth-token",
};

const HOUR_MS = 3_600_000;

/** Creates a PlanningPME on loopback, with any number of brands at one address. Not yet listening. */
export function createPlanningPmeSimulator(options: PlanningPmeSimulatorOptions = {}): PlanningPmeSimulator {
  const { seed = 1, clock = systemClock, credentials = DEFAULT_CREDENTIALS, tokenLifeMs = HOUR_MS } = options;
  const { quotaPerHour = 2_000, maxRows = Infinity } = options;
  const switches: PlanningPmeSwitches = { ...defaultSwitches, ...options.switches };
  const ledger = createLedger(HOUR_MS);
  const books = createBooks(ledger);
  const quota = createQuota(quotaPerHour, HOUR_MS);
  const random = createRandom(seedOf(seed, "planningpme tokens"));
  const access = createAccess({ switches, random, tokenLifeMs });
  const brands = new Map<string, BrandState>();

  const base = createServiceSimulator({
    name: "planningpme",
    title: "PlanningPME",
    options,
    switchValues,
    switches,
    ledger,
    books,
    quota,
    prepare: createRouter({ access, quota, books, switches, brands, maxRows }),
    snapshot: { by: "brand", of: (name) => simulator.snapshot(name) },
  });
  const simulator: PlanningPmeSimulator = Object.assign(base, {
    brand(wanted = credentials.brand) {
      const state = brands.get(wanted.toLowerCase());
      if (state === undefined) throw new Error(`There is no brand ${wanted}.`);
      return state.brand;
    },
    addBrand(added, templates = stockTemplates) {
      const name = added.brand.toLowerCase();
      // Ids are unique over all brands.
      const firstId = (brands.size + 1) * 1_000_000;
      const state = brands.get(name) ?? createBrand(name, templates, firstId, () => clock.now());
      brands.set(name, state);
      access.grant({ ...added, brand: name });
      return state.brand;
    },
    revokeAppKey: (appKey = credentials.appKey) => access.revokeAppKey(appKey),
    revokeAuthToken: ({ brand, authToken } = credentials) => access.revokeAuthToken(brand.toLowerCase(), authToken),
    expireTokens: () => access.expireAll(),
    snapshot: (brand) => simulator.brand(brand).snapshot(),
  } satisfies Own<PlanningPmeSimulator>);
  simulator.addBrand(credentials, options.templates);
  return simulator;
}

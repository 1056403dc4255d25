import { systemClock, type Clock } from "../loopback/clock";
import { createFaults } from "../loopback/faults";
import { createHooks } from "../loopback/hooks";
import { createLedger } from "../loopback/ledger";
import { createQuota } from "../loopback/quota";
import { createRandom, seedOf } from "../loopback/random";
import { createLoopbackServer } from "../loopback/server";
import { createGrants, type Application } from "./authorization/grants";
import { createBooks } from "./books";
import { controlPlangrade } from "./control";
import type { PlangradeSimulator } from "./face";
import type { User } from "./records/model";
import { createRecords } from "./records/records";
import { createRouter } from "./router";
import { defaultSwitches, type PlangradeSwitches } from "./switches";

export interface PlangradeSimulatorOptions {
  /** Drives codes, tokens and faults. Default 1. */
  readonly seed?: number;
  /** Default: the real time. */
  readonly clock?: Clock;
  /** The application that is registered from the start. Default `DEFAULT_APPLICATION`, which may go back nowhere yet. */
  readonly application?: Application;
  /** The people who may grant from the start. Default `DEFAULT_USER` alone. */
  readonly users?: readonly Omit<User, "id">[];
  /** Default ten minutes (sheet 1). */
  readonly codeLifeMs?: number;
  /** Of access tokens. Default two hours (sheet 1). */
  readonly tokenLifeMs?: number;
  /** Calls per minute and user, those of the authorization left out. Default null: no figure is documented. */
  readonly quotaPerMinute?: number | null;
  /** Default 32 MB. */
  readonly bodyLimitBytes?: number;
  readonly switches?: Partial<PlangradeSwitches>;
  /** Serves `/__sim/…` for use from another process. Default false. */
  readonly control?: boolean;
}

export const DEFAULT_APPLICATION: Application = {
  key: "plangrade-application-key",
  secret: "plangrade-application-secret",
  redirectUris: [],
};

export const DEFAULT_USER: Omit<User, "id"> = { name: "Olive Operator", email: "olive@example.com" };

/** Creates a plangrade on loopback: its API and its authorization at one address. Not yet listening. */
export function createPlangradeSimulator(options: PlangradeSimulatorOptions = {}): PlangradeSimulator {
  const { seed = 1, clock = systemClock, application = DEFAULT_APPLICATION, users = [DEFAULT_USER] } = options;
  const { codeLifeMs = 600_000, tokenLifeMs = 7_200_000 } = options;
  const switches: PlangradeSwitches = { ...defaultSwitches, ...options.switches };
  const ledger = createLedger();
  const books = createBooks(ledger);
  const faults = createFaults(seedOf(seed, "plangrade faults"));
  const hooks = createHooks();
  const quota = createQuota(options.quotaPerMinute ?? null);
  const random = createRandom(seedOf(seed, "plangrade tokens"));
  const records = createRecords();
  const isUser = (id: number): boolean => records.users.has(id);
  const grants = createGrants({ random, switches, codeLifeMs, tokenLifeMs, isUser });
  const applications = new Map<string, Application>();

  const applicationOf = (key: string): Application => {
    const known = applications.get(key);
    if (known === undefined) throw new Error(`There is no application ${key}.`);
    return known;
  };
  const firstUser = (): number => {
    const [id] = records.users.keys();
    if (id === undefined) throw new Error("There is no user.");
    return id;
  };

  const simulator: PlangradeSimulator = {
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
    records,
    addApplication: (added) => void applications.set(added.key, added),
    addRedirectUri(redirectUri, key = application.key) {
      const known = applicationOf(key);
      applications.set(key, { ...known, redirectUris: [...known.redirectUris, redirectUri] });
    },
    removeApplication(key = application.key) {
      applications.delete(key);
      grants.revoke({ key });
    },
    grant: (userId = firstUser(), key = application.key) => grants.pair(applicationOf(key).key, userId, clock.now()),
    revokeGrants: (userId = firstUser()) => grants.revoke({ userId }),
    expireTokens: () => grants.expireAll(),
    snapshot(userId) {
      const companies = userId === undefined ? [...records.companies.values()] : records.companiesOf(userId);
      const ids = new Set(companies.map(({ id }) => id));
      // In the order of their ids: that in which they came.
      return structuredClone({
        users: [...records.users.values()].filter(({ id }) => id === (userId ?? id)),
        companies,
        participants: [...records.participants.values()].filter(({ company_id }) => ids.has(company_id)),
      });
    },
  };
  const server = createLoopbackServer({
    clock,
    faults,
    hooks,
    ledger,
    bodyLimitBytes: options.bodyLimitBytes ?? 32 * 1024 * 1024,
    prepare: createRouter({ applications, records, grants, quota, books, switches, tokenLifeMs }),
    control: options.control === true ? (arrival) => controlPlangrade(simulator, arrival) : undefined,
  });
  simulator.addApplication(application);
  for (const user of users) records.seedUser(user);
  return simulator;
}

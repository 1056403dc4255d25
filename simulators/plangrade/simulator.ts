import { systemClock } from "../loopback/clock";
import { createLedger } from "../loopback/ledger";
import { createQuota } from "../loopback/quota";
import { createRandom, seedOf } from "../loopback/random";
import { createServiceSimulator, type Own, type ServiceSimulatorOptions } from "../loopback/service";
import { createGrants, type Application } from "./authorization/grants";
import { createBooks } from "./books";
import type { PlangradeSimulator } from "./face";
import type { User } from "./records/model";
import { createRecords } from "./records/records";
import { createRouter } from "./router";
import { defaultSwitches, switchValues, type PlangradeSwitches } from "./switches";

export interface PlangradeSimulatorOptions extends ServiceSimulatorOptions<PlangradeSwitches> {
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

  const base = createServiceSimulator({
    name: "plangrade",
    title: "plangrade",
    options,
    switchValues,
    switches,
    ledger,
    books,
    quota,
    prepare: createRouter({ applications, records, grants, quota, books, switches, tokenLifeMs }),
    snapshot: { by: "user_id", of: (id) => simulator.snapshot(id === undefined ? undefined : Number(id)) },
  });
  const simulator: PlangradeSimulator = Object.assign(base, {
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
  } satisfies Own<PlangradeSimulator>);
  simulator.addApplication(application);
  for (const user of users) records.seedUser(user);
  return simulator;
}

/** Starts Hull and all services, simulated, with a connector installed for each service. */
import { createHullSimulator } from "../hull";
import { createPlangradeSimulator, DEFAULT_APPLICATION } from "../plangrade";
import { createPlanhatSimulator } from "../planhat";
import { createPlanningPmeSimulator, DEFAULT_CREDENTIALS, orderedTemplates, stockTemplates } from "../planningpme";
import { createPlanSourceSimulator, DEFAULT_API_USER } from "../plansource";
import { installations, SEGMENTS, type Accounts } from "./installations";
import { connectorUrl, PLACES, portOf, variableOf, type Environment, type Place } from "./places";

/** What a connector must be told to live between the simulators; the file `.env.simulators` has it for the usual ports. */
export type ConnectorVariables = Readonly<Record<string, string>>;

export interface Playground {
  /** Credentials and addresses, for programs. */
  readonly about: Readonly<Record<string, unknown>>;
  readonly hull: { readonly url: string; readonly host: string };
  readonly services: readonly PlayedService[];
  readonly connectorUrl: string;
  readonly variables: ConnectorVariables;
  close(): Promise<void>;
}

export interface PlayedService {
  readonly name: string;
  readonly title: string;
  readonly url: string;
  /** Of the connector that is installed for it. */
  readonly connector: { readonly id: string; readonly secret: string };
}

/** @param urlOf where a simulator is */
export function connectorVariables(origin: string, urlOf: (place: Place) => string): ConnectorVariables {
  const { host } = new URL(urlOf("hull"));
  return {
    HOST: "127.0.0.1",
    PORT: new URL(origin).port || "80",
    DATA_DIR: "./data/simulated",
    LOG_LEVEL: "debug",
    HULL_PROTOCOL: "http",
    HULL_FIREHOSE_URL: `${urlOf("hull")}/firehose`,
    HULL_ALLOWED_ORGANIZATIONS: host,
    HULL_SIGNATURE_KEY_HOSTS: host,
    HULL_ALLOWED_EXTRACT_HOSTS: host,
    PLANHAT_API_URL: `${urlOf("planhat")}/{api_prefix}`,
    PLANHAT_ANALYTICS_URL: urlOf("planhat"),
    PLANSOURCE_API_URL: urlOf("plansource"),
    PLANNINGPME_API_URL: `${urlOf("planningpme")}/{brand}`,
    PLANGRADE_URL: urlOf("plangrade"),
  };
}

/** @throws Error with a sentence when a variable is wrong or a port is taken; nothing is left running */
export async function startPlayground(environment: Environment, nowMs: number): Promise<Playground> {
  const token = environment["PLANHAT_TOKEN"] ?? "planhat-token";
  const origin = connectorUrl(environment);
  const run = nowMs.toString(16).padStart(12, "0").slice(-12);
  const callback = "/plangrade/authorize/callback";
  const given = environment["PLANGRADE_REDIRECT_URI"];
  const elsewhere = new URL(callback, origin);
  elsewhere.hostname = "localhost";
  // People are sent back to the connector under the name that their browser uses for it.
  const redirectUris = given === undefined ? [new URL(callback, origin).href, elsewhere.href] : [given];
  // Simulators forget what they hold when they end, so each start is another tenant of each service: a connector that
  // remembers the last one would call its records unchanged.
  const accounts: Accounts = {
    planhat: { token, tenantId: `0b7e1f3a-0000-4000-8000-${run}` },
    plansource: { ...DEFAULT_API_USER, clientId: `${DEFAULT_API_USER.clientId}-${run}` },
    planningpme: { ...DEFAULT_CREDENTIALS, brand: `${DEFAULT_CREDENTIALS.brand}-${run}` },
    plangrade: { ...DEFAULT_APPLICATION, key: `${DEFAULT_APPLICATION.key}-${run}`, redirectUris },
  };
  const templates = [...stockTemplates, ...orderedTemplates];
  const planhat = createPlanhatSimulator({ ...accounts.planhat, control: true });
  const simulators = {
    planhat,
    plansource: createPlanSourceSimulator({ apiUser: accounts.plansource, control: true }),
    planningpme: createPlanningPmeSimulator({ credentials: accounts.planningpme, templates, control: true }),
    plangrade: createPlangradeSimulator({ application: accounts.plangrade, control: true }),
    // Ids of notifications and profiles are new as well: a connector remembers whose they are.
    hull: createHullSimulator({ seed: nowMs, control: true }),
  };
  const { plansource, planningpme, plangrade, hull } = simulators;
  const close = async (): Promise<void> => {
    await Promise.all(Object.values(simulators).map((each) => each.close()));
  };
  try {
    for (const place of PLACES) await listenAt(place, simulators[place], environment);
  } catch (error) {
    await close();
    throw error;
  }

  const [chosen, ...others] = SEGMENTS;
  const ids = { user: hull.addUserSegment(chosen).id, account: hull.addAccountSegment(chosen).id };
  for (const name of others) {
    hull.addUserSegment(name);
    hull.addAccountSegment(name);
  }
  const secret = environment["HULL_CONNECTOR_SECRET"] ?? "simulated-secret";
  const installed = Object.entries(installations(accounts, ids));
  const services = installed.map(([name, { title, source, settings, samples }], index): PlayedService => {
    const id = (index === 0 ? environment["HULL_CONNECTOR_ID"] : undefined) ?? `5f00${run}0000000${index + 1}`;
    const { url } = simulators[name as Exclude<Place, "hull">];
    hull.addConnector({
      id,
      secret,
      name,
      sourceUrl: `${origin}/${name}/`,
      manifest: { source },
      privateSettings: settings,
      extra: { title, simulator: url, samples },
    });
    return { name, title, url, connector: { id, secret } };
  });

  const [first] = services;
  return {
    about: {
      planhat: { url: planhat.url, ...accounts.planhat },
      plansource: { url: plansource.url, ...accounts.plansource },
      planningpme: { url: planningpme.url, ...accounts.planningpme },
      plangrade: { url: plangrade.url, ...accounts.plangrade },
      hull: {
        organization: hull.host,
        firehose: hull.firehoseUrl,
        signingKey: hull.signingKeyUrl,
        ...first?.connector,
        connectors: Object.fromEntries(services.map(({ name, connector }) => [name, connector])),
      },
    },
    hull: { url: hull.url, host: hull.host },
    services,
    connectorUrl: origin,
    variables: connectorVariables(origin, (place) => simulators[place].url),
    close,
  };
}

const PROBLEMS: Readonly<Record<string, string>> = {
  EADDRINUSE: "something listens there already",
  EACCES: "this user may not listen there",
};

async function listenAt(
  place: Place,
  simulator: { listen(port: number): Promise<void> },
  environment: Environment,
): Promise<void> {
  const port = portOf(place, environment);
  try {
    await simulator.listen(port);
  } catch (error) {
    const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
    const problem = PROBLEMS[code];
    if (problem === undefined) throw error;
    throw new Error(
      `Port ${port} on 127.0.0.1, for the simulated ${place}: ${problem}. ` +
        `Are the simulators running already? Otherwise choose another one: ${variableOf(place)}=${port + 1_000} npm run simulators`,
      { cause: error },
    );
  }
}

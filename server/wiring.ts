/** The composition root: opens the store, builds what all services share, and an engine for each of them. */
import { join } from "node:path";
import { Router, type Express } from "express";
import type { Logger } from "pino";
import { lostLately } from "../src/engine/status/health";
import type { DeliveryWorker } from "../src/engine/delivery/worker";
import { closeAgents, createAgents } from "../src/http/agents";
import type { CallRecord } from "../src/http/client";
import { createGuardedLookup } from "../src/http/guards/addresses";
import { createHostAllowList } from "../src/http/guards/hosts";
import { createCredentialCheck } from "../src/hull/auth/credentials";
import { createSignatureVerifier } from "../src/hull/auth/signature";
import { createKeyFetcher } from "../src/hull/auth/signature-keys";
import { createHullClient } from "../src/hull/client";
import { definitionOf, mountOf, SERVICES } from "../src/services";
import type { ServiceDefinition } from "../src/services/definition";
import { serviceOf } from "../src/storage/port/lane";
import { createSeal } from "../src/storage/port/seal";
import type { Store } from "../src/storage/port/store";
import { createConnectors } from "./admin/connectors";
import { createDeadLetters } from "./admin/dead-letters";
import { gated } from "./admin/gate";
import { queueRoutes, QUEUES } from "./admin/queues";
import { adminRoutes } from "./admin/route";
import { createAlerting, type Alerting } from "./alerts/alerting";
import { createApp } from "./app";
import { createBodies } from "./bodies";
import type { Config } from "./config";
import { styleRoutes } from "./console/style";
import { storePath } from "./storage/data-folder";
import { createEngine, type Engine } from "./engine";
import { createCallLog, createFaultLog } from "./log";
import { createMetrics } from "./metrics";
import { createOutcomeFiles } from "./routes/outcomes/files";
import { createOwnCoordination } from "./coordination";
import { createLogins } from "./middleware/authentication";
import { PROJECT_VERSION } from "./version";
import { assertSharedKey, unopenedSettings } from "./secret";
import { assetFiles } from "./routes/public/manifest";
import type { SharedEvent } from "./storage/storage";
import { openStorage, type OpenStorage, type Renewal } from "./storage/open";

export interface Connector {
  readonly app: Express;
  readonly store: Store;
  /** Where that is, for the log. */
  readonly place: OpenStorage["place"];
  /** @throws Error for a service that is not served */
  engine(service: string): Engine;
  readonly alerting: Pick<Alerting, "look">;
  /** That of the first service. */
  readonly deliveryWorker: DeliveryWorker;
  /** From now on `/ready` says no. */
  drain(): void;
  /** Ends the loops at their next durable point, then closes connections and the store. */
  close(): Promise<void>;
}

const DAY_MS = 86_400_000;
/** How often expired rows are looked for. */
const HOUSEKEEPING_MS = 5_000;
const HOUSEKEEPING = "housekeeping";
/** How often to look for hours that must be written into files. */
const FILES_MS = 60_000;
const FILES = "outcome_files";
/** How often to look whether people must be told of something. */
const ALERTS_MS = 15_000;
const ALERTS = "alerts";

/**
 * Builds the whole connector with its store; the caller starts listening.
 *
 * @param services those that may be served; `SERVICES` among the variables chooses
 * @param renewal what was lost before, and who is told when it must begin anew
 * @throws Error when another process owns DATA_DIR, Redis does not answer, or the stored data cannot be read
 */
export async function createConnector(
  config: Config,
  logger: Logger,
  services: readonly ServiceDefinition[] = SERVICES,
  renewal?: Renewal,
): Promise<Connector> {
  const shared = new Map<SharedEvent, number>();
  const onShared = (event: SharedEvent, times = 1): void => void shared.set(event, (shared.get(event) ?? 0) + times);
  const storage = await openStorage(config, logger, onShared, renewal);
  const engines = new Map<string, Engine>();
  try {
    return await connectAll({ config, logger, services, storage, shared, onShared, engines, told: renewal?.alerts });
  } catch (error) {
    // One of the services cannot be built or started: the others end, and whoever comes next finds the store free.
    await Promise.allSettled([...engines.values()].map((engine) => engine.close()));
    await storage.coordination.close();
    await storage.close();
    throw error;
  }
}

interface Parts {
  readonly config: Config;
  readonly logger: Logger;
  readonly services: readonly ServiceDefinition[];
  readonly storage: OpenStorage;
  readonly shared: ReadonlyMap<SharedEvent, number>;
  readonly onShared: (event: SharedEvent, times?: number) => void;
  /** Filled one by one. */
  readonly engines: Map<string, Engine>;
  /** See `Renewal.alerts`. */
  readonly told: Renewal["alerts"];
}

async function connectAll(parts: Parts): Promise<Connector> {
  const { config, logger, services, storage, shared, onShared, engines, told } = parts;
  const now = Date.now;
  const served = services.filter(({ name }) => config.SERVICES.includes(name));
  const { store, coordination, secret } = storage;
  const [serves, works] = [config.ROLE !== "worker", config.ROLE !== "web"];
  const seal = createSeal(secret);
  const unopened = await unopenedSettings(store, seal, config.SECRET, config.DATA_DIR);
  if (config.REDIS_URL !== undefined) assertSharedKey(unopened);
  if (unopened !== undefined) logger.warn({ data: unopened }, "connector.secret.warning");
  const warnings = async (): Promise<readonly string[]> => [...storage.warnings(), ...(await lostLately(store, now()))];
  for (const reason of await warnings()) logger.warn({ data: { reason } }, "connector.redis.warning");
  const engineOf = (tenant: string): Engine | undefined => engines.get(serviceOf(tenant));
  const metrics = createMetrics({
    store,
    services: served.map(({ name }) => name),
    budgetLeft: async (service) => engines.get(service)?.budgetLeft() ?? Infinity,
    storeFile: "data_dir" in storage.place ? join(storePath(storage.place.data_dir), "data.mdb") : undefined,
    freeDiskBytes: () => storage.disk.freeBytes(),
    version: PROJECT_VERSION,
    role: config.ROLE,
    shared,
    processes: storage.processes,
    now,
  });
  const httpLog = createCallLog(logger);
  const observed = { log: httpLog, onCall: (call: CallRecord) => metrics.call(call) };
  const organizations = createHostAllowList(config.HULL_ALLOWED_ORGANIZATIONS);
  const firehoseHost = config.HULL_FIREHOSE_URL === undefined ? undefined : new URL(config.HULL_FIREHOSE_URL).hostname;
  const keyHosts = createHostAllowList(config.HULL_SIGNATURE_KEY_HOSTS);
  const hullAgents = createAgents({
    lookup: createGuardedLookup((host) => organizations.names(host) || host === firehoseHost),
  });
  const keyAgents = createAgents({ lookup: createGuardedLookup((host) => keyHosts.names(host)) });
  const protocol = config.HULL_PROTOCOL;
  const alerting = createAlerting({
    config,
    logger,
    store,
    disk: storage.disk,
    isOnRedis: "redis" in storage.place,
    stateOf: async (tenant) => engineOf(tenant)?.alertsOf(tenant),
    observed,
    onEvent: (event) => metrics.alert(event),
    memory: told,
    now,
  });
  const context = {
    config,
    logger,
    storage,
    coordination,
    onShared,
    seal,
    tokenKey: secret,
    metrics,
    credentials: createCredentialCheck({
      hullClientFactory: (given) =>
        createHullClient(given, { protocol, http: { ...observed, agents: hullAgents, maxAttempts: 2 } }),
      allowedOrganizations: organizations,
      protocol,
      clock: now,
    }),
    signature: createSignatureVerifier({
      allowedKeyHosts: keyHosts,
      fetchKey: createKeyFetcher({ ...observed, agents: keyAgents }),
      clock: now,
      log: httpLog,
    }),
    extractHosts: createHostAllowList(config.HULL_ALLOWED_EXTRACT_HOSTS),
    bodies: createBodies(),
    logins: createLogins(),
    observed,
    hullAgents,
    alerting,
    now,
  };
  for (const definition of served) engines.set(definition.name, createEngine(definition, context));
  const all = [...engines.values()];
  const [first] = all;
  if (first === undefined) throw new Error("No service is chosen: name one in SERVICES.");

  const deadLetters = createDeadLetters({
    store,
    wake: (lane) => engineOf(lane.tenant)?.wake(lane),
    announce: (outcomes) => engineOf(outcomes[0]?.tenant ?? "")?.announce(outcomes),
  });
  const connectors = createConnectors({
    store,
    titleOf: (tenant) => definitionOf(tenant, services)?.face.title ?? serviceOf(tenant),
    now,
    health: async (tenant) => engineOf(tenant)?.healthOf(tenant),
    forget: (tenant) => engineOf(tenant)?.forget(tenant) ?? store.forgetTenant(tenant),
  });
  let accepting = true;
  const fault = createFaultLog(logger);
  const fileFault = createFaultLog(logger, "connector.outcome_files.error");
  const chores = coordination.jobs("server", {
    now,
    onError: (_, error) => {
      if (accepting) fault(error);
    },
  });
  const files =
    config.OUTCOMES_DIR === undefined
      ? undefined
      : createOutcomeFiles({
          store,
          meaningOf: (service) => engines.get(service),
          folder: config.OUTCOMES_DIR,
          keptMs: config.HISTORY_DAYS * DAY_MS,
          now,
          isEnding: () => !accepting,
        });
  // Of this process alone: each has a folder of its own.
  const ownChores = createOwnCoordination().jobs("files", { now, onError: (_, error) => fileFault(error) });
  const board = coordination.queues && queueRoutes(coordination.queues);
  const site = { mount: mountOf(first.name) };
  const admin = adminRoutes({
    services,
    site,
    deadLetters,
    connectors,
    queues: board && QUEUES,
    processes: board && storage.processes,
    web: serves ? "" : (config.PUBLIC_URL ?? false),
    now,
    logger,
  });

  const app = createApp(
    {
      store,
      disk: storage.disk,
      warnings,
      metrics,
      metricsToken: config.METRICS_TOKEN,
      accepting: () => accepting,
      logger,
      trustProxy: config.TRUST_PROXY,
      admin:
        config.ADMIN_TOKEN === undefined
          ? undefined
          : Router()
              // A worker serves no console that would bring them.
              .use(site.mount, styleRoutes(), assetFiles(first.face.assets))
              .use(gated(Router().use(admin, board ?? []), { token: config.ADMIN_TOKEN, logger })),
    },
    serves ? all : [],
  );
  if (works) {
    for (const engine of all) await engine.start();
    chores.serve(HOUSEKEEPING, async () => {
      await store.housekeep(config.RETENTION_DAYS * DAY_MS, config.HISTORY_DAYS * DAY_MS);
    });
    chores.serve(ALERTS, () => alerting.look());
    chores.start();
    chores.every([HOUSEKEEPING], HOUSEKEEPING_MS);
    chores.every([ALERTS], ALERTS_MS);
    alerting.watch();
    if (files !== undefined) {
      ownChores.serve(FILES, files);
      ownChores.start();
      ownChores.every([FILES], FILES_MS);
    }
  }
  storage.serve(admin);

  return {
    app,
    store,
    place: storage.place,
    engine: (service) => {
      const engine = engines.get(service);
      if (engine === undefined) throw new Error(`${service} is not served.`);
      return engine;
    },
    alerting,
    deliveryWorker: first.deliveryWorker,
    drain: () => {
      accepting = false;
    },
    close: async () => {
      accepting = false;
      storage.serve(undefined);
      alerting.close();
      const ended = await Promise.allSettled([
        chores.close(),
        ownChores.close(),
        ...all.map((engine) => engine.close()),
      ]);
      await coordination.close();
      for (const agents of [hullAgents, keyAgents]) closeAgents(agents);
      await storage.close();
      for (const each of ended) if (each.status === "rejected") throw each.reason;
    },
  };
}

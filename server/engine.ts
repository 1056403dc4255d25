/** One service's engine over the store that all services share: its tenants, loops and routes. */
import { setMaxListeners } from "node:events";
import type { Router } from "express";
import pick from "lodash/pick";
import type { Logger } from "pino";
import type { AlertedConnector } from "../src/engine/alerts/alerts";
import {
  alertFindings,
  createConnectorConditions,
  ownReceiver,
  type AlertedState,
} from "../src/engine/alerts/connector";
import { createAuthorizations } from "../src/engine/authorization/flow";
import { createDeliveryWorker, type DeliveryWorker } from "../src/engine/delivery/worker";
import { createExplain } from "../src/engine/explain/explain";
import { createForgetting } from "../src/engine/intake/erase-user";
import { createIntake } from "../src/engine/intake/intake";
import { createOwnership } from "../src/engine/ownership";
import { createRuns } from "../src/engine/runs/runs";
import { budgetMemory, storeOf } from "../src/engine/scope";
import { createFieldChoice } from "../src/engine/status/field-options";
import { createHealth, type ConnectorHealth } from "../src/engine/status/health";
import { createTenants, type Credentials, type Tenant } from "../src/engine/tenants";
import { closeAgents, createAgents } from "../src/http/agents";
import type { CallRecord, HttpClientOptions } from "../src/http/client";
import type { HostAllowList } from "../src/http/guards/hosts";
import { createBudgetRegistry } from "../src/http/limits/budget";
import { createGateRegistry } from "../src/http/limits/gate";
import { joinSignals } from "../src/http/signals";
import { systemSleep, type Sleep } from "../src/http/time";
import type { CredentialCheck } from "../src/hull/auth/credentials";
import type { SignatureVerifier } from "../src/hull/auth/signature";
import { createHullClient } from "../src/hull/client";
import { createExtractReader } from "../src/hull/extract/extract";
import { createFirehose, FIREHOSE_TIMEOUT_MS, type Firehose } from "../src/hull/firehose/firehose";
import type { Log } from "../src/outcome/log-lines";
import type { OutcomeCodes } from "../src/outcome/outcome";
import { mountOf } from "../src/services";
import type { ServiceDefinition } from "../src/services/definition";
import type { GrantAccess } from "../src/engine/authorization/grant";
import { DiskError } from "../src/storage/port/disk";
import type { Seal } from "../src/storage/port/seal";
import type { Store } from "../src/storage/port/store";
import { createDeadLetters, type DeadLettersOptions } from "./admin/dead-letters";
import type { Alerting } from "./alerts/alerting";
import { serviceRoutes } from "./app";
import type { Presented } from "./routes/public/home";
import type { Bodies } from "./bodies";
import type { Config } from "./config";
import { consoleLink } from "./console/links";
import type { Coordination } from "./coordination";
import { createFaultLog, createLog } from "./log";
import type { Metrics } from "./metrics";
import type { Logins } from "./middleware/authentication";
import type { SharedEvent, Storage } from "./storage/storage";

/** What all engines of a process share. */
export interface EngineContext {
  readonly config: Config;
  readonly logger: Logger;
  readonly storage: Storage;
  readonly coordination: Coordination;
  /** Told of things that happen only because other processes use the same store. */
  readonly onShared: (event: SharedEvent, times?: number) => void;
  readonly seal: Seal;
  /** Key of the tokens that this server gives out itself. */
  readonly tokenKey: string;
  readonly metrics: Metrics;
  readonly credentials: CredentialCheck;
  readonly signature: SignatureVerifier;
  readonly extractHosts: HostAllowList;
  readonly bodies: Bodies;
  readonly logins: Logins;
  /** Log and metrics of calls. */
  readonly observed: { readonly log: HttpClientOptions["log"]; readonly onCall: (call: CallRecord) => void };
  /** Connections to Hull. */
  readonly hullAgents: ReturnType<typeof createAgents>;
  readonly alerting: Pick<Alerting, "allowed" | "test">;
  readonly now: () => number;
}

export interface Engine extends Pick<DeadLettersOptions, "wake" | "announce">, Presented {
  readonly face: ServiceDefinition["face"];
  /** Codes of its own. */
  readonly outcomes: OutcomeCodes;
  readonly routes: Router;
  readonly deliveryWorker: DeliveryWorker;
  /** What a person granted a tenant. */
  grantOf(tenant: string): GrantAccess;
  /** Requests that may start now under the tightest budget. */
  budgetLeft(): Promise<number>;
  /** What is known of a connector without asking its service; undefined when it is not known. */
  healthOf(tenant: string): Promise<ConnectorHealth | undefined>;
  /** Undefined when it is not known, or its settings were encrypted with another SECRET. */
  alertsOf(tenant: string): Promise<AlertedState | undefined>;
  /** Erases a tenant; answers how many rows there were. */
  forget(tenant: string): Promise<number>;
  start(): Promise<void>;
  /** Ends the loops at their next durable point, and closes the connections to the service. */
  close(): Promise<void>;
}

/** How often every lane is looked at, with or without a wake-up. */
const SWEEP_MS = 5_000;
/** Pause of a lane whose credentials or mapping are refused. */
const HOLD_MS = 10 * 60_000;
/** For so long a complete scan proves absence. */
const SCAN_TRUST_MS = 180 * 60_000;
/** Entries of one delivery cycle. */
const CYCLE_ENTRIES = 5_000;
/** A batch is not read any further while this many records of its tenant wait. */
const BATCH_WAITING = 20_000;
/** Hull waits 25 s for an answer. */
const ANSWER_WITHIN_MS = 20_000;
/** How long a person waits for the service's answer; sending the status to Hull comes on top. */
const LOOK_WITHIN_MS = 12_000;
const REPORT_WITHIN_MS = 5_000;
/** How long the console waits for one part. */
const PART_WITHIN_MS = 6_000;

export function createEngine(definition: ServiceDefinition, context: EngineContext): Engine {
  const { config, logger, storage, seal, metrics, hullAgents, observed, signature, extractHosts, now } = context;
  const { coordination } = context;
  const store = storeOf(storage.store, definition.name);
  const log: Log = metrics.counting(definition.name, createLog(logger));
  const protocol = config.HULL_PROTOCOL;
  const ending = new AbortController();
  // Shared by all waits, however many there are.
  setMaxListeners(0, ending.signal);
  /** The wait before a call is repeated; rejects when the process ends. */
  const pause: Sleep = async (waitMs, signal) => {
    const joined = joinSignals(ending.signal, signal);
    await systemSleep(waitMs, joined.signal).finally(joined.release);
  };
  const onError = createFaultLog(logger);
  const budgets = createBudgetRegistry({
    memoryOf: (quotaKey) => budgetMemory(store, quotaKey),
    windowOf: coordination.windowOf,
  });
  const agents = createAgents();
  const service = definition.create(pick(config, Object.keys(definition.variables)), {
    budgets,
    gates: createGateRegistry(coordination.placesOf),
    http: {
      ...observed,
      agents,
      timeoutMs: config.REQUEST_TIMEOUT_MS,
      retryBaseMs: config.RETRY_BASE_MS,
      sleep: pause,
    },
    fingerprintKey: seal.mark("target"),
    answerWithinMs: ANSWER_WITHIN_MS,
  });
  const hullHttp = { ...observed, agents: hullAgents, sleep: pause };
  const firehose = (given: Credentials): Firehose =>
    createFirehose({
      ...given,
      protocol,
      url: config.HULL_FIREHOSE_URL,
      http: {
        ...hullHttp,
        timeoutMs: Math.min(FIREHOSE_TIMEOUT_MS, config.REQUEST_TIMEOUT_MS),
        retryBaseMs: config.RETRY_BASE_MS,
      },
    });
  const tenants = createTenants({
    store,
    seal,
    service,
    now,
    sleep: pause,
    onSettings: ({ organization, id }, problems, warnings) =>
      log({
        level: problems.length > 0 ? "error" : "warn",
        event: problems.length > 0 ? "connector.configuration.error" : "connector.configuration.warning",
        context: { organization, id },
        data: { problems, warnings },
      }),
  });
  const timing = { settleMs: config.SETTLE_MS, scanTrustMs: SCAN_TRUST_MS };
  const retry = { baseMs: config.RETRY_BASE_MS, capMs: config.RETRY_CAP_MS, random: Math.random };
  const jobs = coordination.jobs(definition.name, {
    now,
    onError: (job, error) => onError(error, { job: JSON.stringify(job) }),
  });
  const ownership = createOwnership({
    store,
    leases: coordination.leases,
    requestMs: definition.longestCall && definition.longestCall * config.REQUEST_TIMEOUT_MS,
    onLost: (name) => {
      context.onShared("fence_refused");
      logger.warn({ data: { name } }, "connector.lease.lost");
    },
  });
  const deliveryWorker = createDeliveryWorker({
    store,
    service,
    seal,
    tenants,
    log,
    now,
    firehose,
    jobs,
    ownership,
    isWritable: () => storage.disk.isWritable(),
    onError,
    onRecheck: (records) => context.onShared("record_rechecked", records),
    timing,
    pace: { retry, debounceMs: config.LINGER_MS, pollMs: SWEEP_MS, pauseMs: HOLD_MS, batch: CYCLE_ENTRIES },
  });
  const wake: Engine["wake"] = (lane) => deliveryWorker.wake(lane);
  const announce: Engine["announce"] = (outcomes) => deliveryWorker.announce(outcomes);
  const intakeOn = (log: Log, store: Store) => createIntake({ store, service, seal, log, now, wake });
  const runs = createRuns({
    store,
    service,
    tenants,
    intake: intakeOn,
    reader: createExtractReader({ allowedHosts: extractHosts }),
    firehose,
    verify: (key) => deliveryWorker.verify(key),
    jobs,
    ownership,
    seal,
    log,
    now,
    retry,
    timing,
    dryRun: () => storage.dryRun(),
    hasRoom: () => storage.disk.hasRoom(),
    wake,
    announce,
    maxWaiting: Math.min(config.MAX_OUTBOX, BATCH_WAITING),
    pollMs: SWEEP_MS,
    onError,
  });
  const explain = createExplain({
    store,
    service,
    seal,
    tenants,
    dryRun: (clock) => storage.dryRun(clock),
    now,
    timing,
    retry,
  });
  const mount = mountOf(definition.name);
  const authorizeAddress = (organization: string): string =>
    `${config.PUBLIC_URL ?? ""}${mount}/authorize?org=${encodeURIComponent(organization)}`;
  const conditionsOf = createConnectorConditions({ store, service, tenants, authorizeAddress, now });
  const alerted = ({ credentials: { organization, id } }: Tenant<unknown>): AlertedConnector => ({
    organization,
    connector: id,
    service: definition.face.title,
    console: config.PUBLIC_URL && `${config.PUBLIC_URL}${consoleLink({ mount }, organization)}`,
  });
  const { allowed } = context.alerting;
  const health = createHealth({
    store,
    service,
    tenants,
    refusedHosts: () => signature.refusedHosts(),
    authorizeAddress,
    alertFindings: ({ alerts }) => alertFindings(alerts, allowed),
    maxOutbox: config.MAX_OUTBOX,
    now,
    waitMs: LOOK_WITHIN_MS,
    onError: createFaultLog(logger, "connector.status.error"),
  });
  const routes = serviceRoutes({
    ...context,
    store,
    disk: storage.disk,
    service,
    tenants,
    protocol,
    // A connector may be erased while its notification is read.
    intake: {
      take: (shipment) => {
        const terms = { tenant: shipment.tenant.key, notification: shipment.notification };
        return intakeOn(log, store.under(terms)).take(shipment);
      },
    },
    deliveryWorker,
    forget: createForgetting({ store, service, log, announce, wake }),
    requireSignature: config.HULL_REQUIRE_SIGNATURE,
    maxOutbox: config.MAX_OUTBOX,
    answerWithinMs: ANSWER_WITHIN_MS,
    deadLetters: createDeadLetters({ store, wake, announce }),
    onDemand: { runs, extractHosts, tokenKey: context.tokenKey, logins: context.logins, now },
    explaining: { explain },
    corsOrigins: config.CORS_ORIGINS,
    health,
    authOf: (tenant) => tenants.authOf(tenant),
    publicUrl: config.PUBLIC_URL,
    authorizations: createAuthorizations({
      service,
      tenants,
      seal,
      now,
      resume: async (tenant) => {
        for (const lane of await store.lanes()) if (lane.tenant === tenant) await deliveryWorker.release(lane);
      },
    }),
    remember: async ({ key: tenant, remote }, touched) => {
      if (remote === undefined) return;
      for (const { type, id, key, gone } of touched) {
        if (gone === true && id !== undefined) await store.forgetGone(remote, type, [id]);
        else if (id !== undefined || key === undefined) await store.markUnknown(remote, type, id);
        else {
          const known = await store.candidates({ remote, tenant }, type, [key]);
          for (const row of known) await store.markUnknown(remote, type, row.id);
          // Nobody here has this id, which no key alone could be: that says that there may be a record which is not known.
          if (known.length === 0) await store.markUnknown(remote, type, `${key.name}=${key.value}`);
        }
      }
    },
    reportStatus: async (given, status) => {
      const http = { ...hullHttp, maxAttempts: 1, timeoutMs: REPORT_WITHIN_MS };
      const hull = createHullClient(given, { protocol, http });
      await hull.putStatus(status).finally(() => hull.close());
    },
    console: {
      budget: async ({ target }) => target && budgets.look(target.quotaKey),
      formKey: seal.mark("console"),
      partWithinMs: PART_WITHIN_MS,
    },
    testAlert: (tenant) => {
      const receiver = ownReceiver(tenant.alerts, allowed);
      return receiver && context.alerting.test(receiver, alerted(tenant));
    },
    fields: createFieldChoice({ service, tenants, waitMs: LOOK_WITHIN_MS }),
  });

  return {
    name: definition.name,
    face: definition.face,
    outcomes: service.outcomes,
    routes,
    deliveryWorker,
    wake,
    announce,
    grantOf: (tenant) => tenants.grantOf(tenant),
    budgetLeft: () => budgets.left(),
    healthOf: async (key) => {
      const tenant = await tenants.load(key);
      return tenant && health(tenant, "known");
    },
    alertsOf: async (key) => {
      const tenant = await tenants.load(key).catch((error: unknown) => {
        // Without the store nobody says what is so.
        if (error instanceof DiskError) throw error;
        return undefined;
      });
      if (tenant === undefined) return undefined;
      const receiver = ownReceiver(tenant.alerts, allowed);
      return { connector: alerted(tenant), conditions: await conditionsOf(tenant), receiver };
    },
    forget: async (key) => {
      const remotes = await store.remotesOf(key);
      const rows = await store.forgetTenant(key);
      tenants.forget(key);
      service.forget?.(key);
      // Cycles that were under way may have written once more.
      await runs.abandon(key);
      await deliveryWorker.idle();
      return rows + (await store.forgetTenant(key, remotes));
    },
    start: async () => {
      jobs.start();
      await deliveryWorker.start();
      await runs.start();
    },
    close: async () => {
      // Waits for retries and for the quota end at once, so that shutdown is quick. Running calls may finish.
      ending.abort();
      budgets.close();
      service.close?.();
      runs.close();
      deliveryWorker.close();
      await Promise.all([jobs.close(), explain.idle()]);
      closeAgents(agents);
    },
  };
}

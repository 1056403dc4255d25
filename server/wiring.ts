/** The composition root: chooses the store and the queue, builds the clients, starts the loops. */
import { setMaxListeners } from "node:events";
import { join } from "node:path";
import type { Express } from "express";
import type { Logger } from "pino";
import { createExplain } from "../src/engine/explain/explain";
import { createFieldChoice } from "../src/engine/status/field-options";
import { createForgetting } from "../src/engine/intake/erase-user";
import { createHealth } from "../src/engine/status/health";
import { createIntake } from "../src/engine/intake/intake";
import { createDeliveryWorker, type DeliveryWorker } from "../src/engine/delivery/worker";
import type { DryStore } from "../src/engine/dry-run/dry-run";
import { createRuns } from "../src/engine/runs/runs";
import type { Log } from "../src/outcome/log-lines";
import { createTenants, type Credentials } from "../src/engine/tenants";
import { createGuardedLookup } from "../src/http/guards/addresses";
import { closeAgents, createAgents } from "../src/http/agents";
import { createBudgetRegistry } from "../src/http/limits/budget";
import type { CallRecord } from "../src/http/client";
import { createHostAllowList } from "../src/http/guards/hosts";
import { joinSignals } from "../src/http/signals";
import { systemSleep, type Sleep } from "../src/http/time";
import { createHullClient } from "../src/hull/client";
import { createCredentialCheck } from "../src/hull/auth/credentials";
import { createExtractReader } from "../src/hull/extract/extract";
import { assertLink } from "../src/hull/extract/link";
import { createFirehose, FIREHOSE_TIMEOUT_MS, type Firehose } from "../src/hull/firehose/firehose";
import { createSignatureVerifier } from "../src/hull/auth/signature";
import { createKeyFetcher } from "../src/hull/auth/signature-keys";
import { createEmbeddedJobs } from "../src/queue/embedded";
import { createPlanhatService } from "../src/services/planhat";
import { createUsers } from "../src/services/planhat/users/users";
import { createSeal } from "../src/storage/port/seal";
import type { Store } from "../src/storage/port/store";
import { createApp } from "./app";
import type { Config } from "./config";
import { createControl } from "./admin/control";
import { openDataFolder, storePath } from "./data-folder";
import { createAdmin } from "./admin/admin";
import { createDeadLetters } from "./admin/dead-letters";
import { createCallLog, createLog } from "./log";
import { createMetrics } from "./metrics";
import { readSecret } from "./secret";

export interface Connector {
  readonly app: Express;
  readonly store: Store;
  readonly deliveryWorker: DeliveryWorker;
  /** From now on `/ready` says no. */
  drain(): void;
  /** Ends the loops at their next durable point, then closes connections and the store. */
  close(): Promise<void>;
}

/** How often every lane is looked at, with or without a wake-up. */
const SWEEP_MS = 5_000;
/** Pause of a lane whose credentials or mapping are refused. */
const HOLD_MS = 10 * 60_000;
/** A complete scan younger than the shortest fetch interval proves absence. */
const SCAN_TRUST_MS = 180 * 60_000;
const BATCH = 5_000;
const DAY_MS = 86_400_000;
/** A batch is not read any further while this many records of its tenant wait. */
const BATCH_WAITING = 20_000;
/** Hull waits 25 s for an answer. */
const ANSWER_WITHIN_MS = 20_000;
/** How long a person waits for Planhat's answer; sending the status to Hull comes on top. */
const LOOK_WITHIN_MS = 12_000;
const REPORT_WITHIN_MS = 5_000;
/** How long the console waits for one part. */
const PART_WITHIN_MS = 6_000;

/**
 * Builds the whole connector with its embedded store; the caller starts listening.
 *
 * @throws Error when another process owns DATA_DIR, or its data cannot be read
 */
export async function createConnector(config: Config, logger: Logger): Promise<Connector> {
  const now = Date.now;
  const readKey = (): string => readSecret(config.SECRET, config.DATA_DIR);
  const folder = await openDataFolder(config.DATA_DIR, now, () => createSeal(readKey()));
  const { store } = folder;
  const secret = readKey();
  const seal = createSeal(secret);

  const budgets = createBudgetRegistry();
  const metrics = createMetrics({
    store,
    budgetLeft: () => budgets.left(),
    storeFile: join(storePath(config.DATA_DIR), "data.mdb"),
    now,
  });
  const httpLog = createCallLog(logger);
  const log = metrics.counting(createLog(logger));
  const observed = { log: httpLog, onCall: (call: CallRecord) => metrics.call(call) };
  const organizations = createHostAllowList(config.HULL_ALLOWED_ORGANIZATIONS);
  const firehoseHost = config.HULL_FIREHOSE_URL === undefined ? undefined : new URL(config.HULL_FIREHOSE_URL).hostname;
  const keyHosts = createHostAllowList(config.HULL_SIGNATURE_KEY_HOSTS);
  const hullAgents = createAgents({
    lookup: createGuardedLookup((host) => organizations.names(host) || host === firehoseHost),
  });
  const keyAgents = createAgents({ lookup: createGuardedLookup((host) => keyHosts.names(host)) });
  const planhatAgents = createAgents();
  const ending = new AbortController();
  // Shared by all waits, however many there are.
  setMaxListeners(0, ending.signal);
  /** The wait before a call is repeated; rejects when the process ends. */
  const pause: Sleep = async (waitMs, signal) => {
    const joined = joinSignals(ending.signal, signal);
    await systemSleep(waitMs, joined.signal).finally(joined.release);
  };
  const protocol = config.HULL_PROTOCOL;

  const toPlanhat = {
    budgets,
    http: {
      ...observed,
      agents: planhatAgents,
      timeoutMs: config.REQUEST_TIMEOUT_MS,
      retryBaseMs: config.RETRY_BASE_MS,
      sleep: pause,
    },
  };
  const users = createUsers({ ...toPlanhat, answerWithinMs: ANSWER_WITHIN_MS });
  const service = createPlanhatService({
    ...toPlanhat,
    usersVersion: (quotaKey) => users.version(quotaKey),
    apiUrlTemplate: config.PLANHAT_API_URL,
    analyticsUrl: config.PLANHAT_ANALYTICS_URL,
    fingerprintKey: seal.mark("target"),
  });
  const tenants = createTenants({
    store,
    seal,
    service,
    now,
    onSettings: ({ organization, id }, problems, warnings) =>
      log({
        level: problems.length > 0 ? "error" : "warn",
        event: problems.length > 0 ? "connector.configuration.error" : "connector.configuration.warning",
        context: { organization, id },
        data: { problems, warnings },
      }),
  });
  const hullHttp = { ...observed, agents: hullAgents, sleep: pause };
  const credentials = createCredentialCheck({
    hullClientFactory: (given) => createHullClient(given, { protocol, http: { ...hullHttp, maxAttempts: 2 } }),
    allowedOrganizations: organizations,
    protocol,
    clock: now,
  });
  const signature = createSignatureVerifier({
    allowedKeyHosts: keyHosts,
    fetchKey: createKeyFetcher({ ...observed, agents: keyAgents }),
    clock: now,
    log: httpLog,
  });
  const timing = { settleMs: config.SETTLE_MS, scanTrustMs: SCAN_TRUST_MS };
  const retry = { baseMs: config.RETRY_BASE_MS, capMs: config.RETRY_CAP_MS, random: Math.random };
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
  const deliveryWorker = createDeliveryWorker({
    store,
    service,
    tenants,
    log,
    now,
    firehose,
    jobs: (handler) =>
      createEmbeddedJobs({
        handler,
        now,
        onError: (name, error) => logger.error({ context: { job: name }, err: error }, "connector.job.error"),
      }),
    onError: (error) => logger.error({ err: error }, "connector.job.error"),
    timing,
    pace: { retry, debounceMs: config.LINGER_MS, pollMs: SWEEP_MS, pauseMs: HOLD_MS, batch: BATCH },
    retentionMs: config.RETENTION_DAYS * DAY_MS,
  });
  const intakeOn = (there: Log) =>
    createIntake({ store, service, log: there, now, wake: (lane) => deliveryWorker.wake(lane) });
  const intake = intakeOn(log);
  const extractHosts = createHostAllowList(config.HULL_ALLOWED_EXTRACT_HOSTS);
  const runs = createRuns({
    store,
    service,
    tenants,
    intake: intakeOn,
    reader: createExtractReader({ allowedHosts: extractHosts }),
    checkLink: (url) => assertLink(url, extractHosts),
    firehose,
    verify: (key) => deliveryWorker.verify(key),
    seal,
    log,
    now,
    retry,
    timing,
    dryRun: () => folder.dryRun(),
    maxWaiting: Math.min(config.MAX_OUTBOX, BATCH_WAITING),
    pollMs: SWEEP_MS,
    onError: (error) => logger.error({ err: error }, "connector.job.error"),
  });
  const announce: DeliveryWorker["announce"] = (tenant, outcomes) => deliveryWorker.announce(tenant, outcomes);
  const deadLetters = createDeadLetters({ store, wake: (lane) => deliveryWorker.wake(lane), announce });
  const admin = createAdmin({
    store,
    deadLetters,
    forgetTenant: async (key) => {
      const remotes = await store.remotesOf(key);
      const rows = await store.forgetTenant(key);
      tenants.forget(key);
      users.forget(key);
      // Cycles that were under way may have written once more.
      await runs.abandon(key);
      await deliveryWorker.idle();
      return rows + (await store.forgetTenant(key, remotes));
    },
  });

  const dryRun = (clock: () => number): Promise<DryStore> => folder.dryRun(clock);
  const explain = createExplain({ store, service, tenants, dryRun, now, timing, retry });
  const health = createHealth({
    store,
    service,
    tenants,
    refusedHosts: () => signature.refusedHosts(),
    maxOutbox: config.MAX_OUTBOX,
    now,
    waitMs: LOOK_WITHIN_MS,
    onError: (error) => logger.error({ err: error }, "connector.status.error"),
  });

  let accepting = true;
  const app = createApp({
    store,
    tenants,
    protocol,
    intake,
    deliveryWorker,
    forget: createForgetting({ store, service, log, announce, wake: (lane) => deliveryWorker.wake(lane) }),
    credentials,
    signature,
    requireSignature: config.HULL_REQUIRE_SIGNATURE,
    metrics,
    metricsToken: config.METRICS_TOKEN,
    logger,
    trustProxy: config.TRUST_PROXY,
    maxOutbox: config.MAX_OUTBOX,
    answerWithinMs: ANSWER_WITHIN_MS,
    accepting: () => accepting,
    deadLetters,
    onDemand: { runs, extractHosts, tokenKey: secret, now },
    explaining: {
      explain,
      serviceTitle: "Planhat",
    },
    users,
    corsOrigins: config.CORS_ORIGINS,
    health,
    reportStatus: async (given, status) => {
      const http = { ...hullHttp, maxAttempts: 1, timeoutMs: REPORT_WITHIN_MS };
      const hull = createHullClient(given, { protocol, http });
      await hull.putStatus(status).finally(() => hull.close());
    },
    console: {
      budget: ({ target }) => {
        const budget = target === undefined ? undefined : budgets.look(target.quotaKey);
        return budget && { left: budget.left, perMinute: budget.limitPerMinute };
      },
      formKey: seal.mark("console"),
      partWithinMs: PART_WITHIN_MS,
    },
    fields: createFieldChoice({ service, tenants, waitMs: LOOK_WITHIN_MS }),
  });
  await deliveryWorker.start();
  await runs.start();
  folder.lock.serve(createControl(admin));

  return {
    app,
    store,
    deliveryWorker,
    drain: () => {
      accepting = false;
    },
    close: async () => {
      accepting = false;
      folder.lock.serve(undefined);
      // Waits for retries and for the quota end at once, so that shutdown is quick. Running calls may finish.
      ending.abort();
      budgets.close();
      users.close();
      await Promise.all([runs.close(), explain.idle()]);
      await deliveryWorker.close();
      for (const agents of [hullAgents, keyAgents, planhatAgents]) closeAgents(agents);
      await folder.close();
    },
  };
}

/** Alerts of this server: of the connectors in its store, of what the store has lost, and of what the store is on. */
import { hostname } from "node:os";
import uniqBy from "lodash/uniqBy";
import type { Logger } from "pino";
import {
  createAlertMemory,
  createAlerts,
  SERVER,
  type AlertBook,
  type AlertedConnector,
  type AlertEvent,
  type AlertLook,
  type AlertReceiver,
} from "../../src/engine/alerts/alerts";
import { lossCondition, storageCondition } from "../../src/engine/alerts/conditions";
import type { AlertedState } from "../../src/engine/alerts/connector";
import { closeAgents, createAgents } from "../../src/http/agents";
import { createGuardedLookup } from "../../src/http/guards/addresses";
import { createHostAllowList, type HostAllowList } from "../../src/http/guards/hosts";
import { createWebhookSender, type SendWebhookOptions, type WebhookReceiver } from "../../src/http/webhooks/send";
import { readWebhookSecret } from "../../src/http/webhooks/signature";
import { inParallel } from "../../src/in-parallel";
import { DiskError, type Disk } from "../../src/storage/port/disk";
import { TenantErased } from "../../src/storage/port/leases";
import type { Store } from "../../src/storage/port/store";
import type { Config } from "../config";
import { createAlertLog, createFaultLog } from "../log";

export interface AlertingOptions {
  readonly config: Pick<Config, "ALERT_WEBHOOK_URL" | "ALERT_WEBHOOK_SECRET" | "ALERT_ALLOWED_HOSTS">;
  readonly logger: Logger;
  readonly store: Pick<Store, "tenants" | "alerts" | "putAlert" | "dropAlert" | "under" | "losses">;
  readonly disk: Pick<Disk, "trouble">;
  readonly isOnRedis: boolean;
  /** What is so of a connector; undefined when nobody here knows. */
  readonly stateOf: (tenant: string) => Promise<AlertedState | undefined>;
  /** Log and metrics of calls. */
  readonly observed: Pick<SendWebhookOptions, "log" | "onCall">;
  readonly onEvent: (event: AlertEvent) => void;
  /** What was told of the storage before; by default nothing. */
  readonly memory?: AlertBook | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface Alerting {
  /** Where settings of connectors may send alerts. */
  readonly allowed: HostAllowList;
  /** Looks at every connector, and at the losses of the store. One process at a time does so. */
  look(): Promise<void>;
  /** Looks at what the store is on, as this process alone can see it. */
  lookAtStorage(): Promise<void>;
  /** Does so again and again from now on. */
  watch(): void;
  /** Sends a test to an address of a connector's settings. @throws RemoteError */
  test(receiver: Pick<WebhookReceiver, "url" | "key">, connector: AlertedConnector): Promise<void>;
  close(): void;
}

const WATCH_MS = 5_000;
/** Connectors that are looked at together. */
const AT_ONCE = 8;

/** Where those who run the server want to be told; undefined: nowhere. */
function serverReceiver({
  ALERT_WEBHOOK_URL: url,
  ALERT_WEBHOOK_SECRET: secret,
}: AlertingOptions["config"]): AlertReceiver | undefined {
  const key = secret === undefined ? undefined : readWebhookSecret(secret);
  if (url === undefined || key === undefined) return undefined;
  // Whoever runs the server has named this host, so it may be a private one.
  const own = new URL(url).hostname;
  return { url, key, of: "server", agents: createAgents({ lookup: createGuardedLookup((host) => host === own) }) };
}

export function createAlerting(options: AlertingOptions): Alerting {
  const { config, logger, store, disk, stateOf, observed, now } = options;
  const log = createAlertLog(logger);
  const fault = createFaultLog(logger);
  const allowed = createHostAllowList(config.ALERT_ALLOWED_HOSTS);
  const server = serverReceiver(config);
  const forServer = server === undefined ? [] : [server];
  // Whoever runs the server named the host, and somebody else says to which address its name leads.
  const agents = createAgents({ lookup: createGuardedLookup(() => false) });
  const isOff = server === undefined && config.ALERT_ALLOWED_HOSTS.length === 0;
  const alerts = createAlerts({
    send: createWebhookSender({ ...observed, now }),
    now,
    random: Math.random,
    onEvent: (event) => {
      log(event);
      options.onEvent(event);
    },
  });
  const memory = options.memory ?? createAlertMemory();
  const book = bookOf(store);
  const processName = `${hostname()}/${process.pid}`;
  let looking: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let watching: Promise<void> | undefined;

  async function lookAt(subject: string): Promise<AlertLook | undefined> {
    const state = await stateOf(subject);
    if (state === undefined) return undefined;
    const own = state.receiver && ({ ...state.receiver, of: "connector", agents } as const);
    const receivers = uniqBy([...forServer, ...(own === undefined ? [] : [own])], "url");
    return { subject, connector: state.connector, conditions: state.conditions, receivers };
  }

  async function lookOnce(): Promise<void> {
    const losses = lossCondition(await store.losses(), now());
    const connectors = await inParallel(await store.tenants(), AT_ONCE, ({ key }) =>
      lookAt(key).catch((error: unknown) => {
        // Without the store nobody says what is so; whatever else is wrong with one hides nothing of others.
        if (error instanceof DiskError) throw error;
        fault(error);
        return undefined;
      }),
    );
    await alerts.tell(book, [
      { subject: SERVER, conditions: losses, receivers: forServer },
      ...connectors.filter((look) => look !== undefined),
    ]);
  }

  async function watchOnce(): Promise<void> {
    const conditions = storageCondition(disk.trouble(), options.isOnRedis ? "redis" : "disk", processName);
    await alerts.tell(memory, [{ subject: SERVER, conditions, receivers: forServer }]);
  }

  async function lookAtStorage(): Promise<void> {
    watching ??= watchOnce().finally(() => {
      watching = undefined;
    });
    await watching;
  }

  return {
    allowed,
    look: async () => {
      if (isOff) return;
      looking ??= lookOnce().finally(() => {
        looking = undefined;
      });
      await looking;
    },
    lookAtStorage,
    watch: () => {
      if (server !== undefined) timer = setInterval(() => void lookAtStorage().catch(fault), WATCH_MS).unref();
    },
    test: (receiver, connector) => alerts.test({ ...receiver, agents }, connector),
    close: () => {
      clearInterval(timer);
      alerts.close();
      for (const each of [agents, server?.agents]) if (each !== undefined) closeAgents(each);
    },
  };
}

/**
 * Sends a test to those who run the server.
 *
 * @returns the receiver's host
 * @throws Error with a sentence when no receiver is named
 * @throws RemoteError when it has not taken the message
 */
export async function testServerAlert(config: AlertingOptions["config"]): Promise<string> {
  const receiver = serverReceiver(config);
  if (receiver === undefined)
    throw new Error(
      "ALERT_WEBHOOK_URL is not set, so alerts of the server go nowhere. Set it, and ALERT_WEBHOOK_SECRET.",
    );
  const send = createWebhookSender({ now: Date.now });
  const alerts = createAlerts({ send, now: Date.now, random: Math.random, onEvent: () => undefined });
  try {
    await alerts.test(receiver);
  } finally {
    closeAgents(receiver.agents);
  }
  return new URL(receiver.url).host;
}

/** In the store: whichever process looks next, and after a restart, nobody is told twice. */
function bookOf(store: AlertingOptions["store"]): AlertBook {
  return {
    rows: () => store.alerts(),
    put: async (row) => {
      const own = row.subject === SERVER ? store : store.under({ tenant: row.subject });
      await own.putAlert(row).catch((error: unknown) => {
        // What is erased meanwhile leaves nothing behind.
        if (!(error instanceof TenantErased)) throw error;
      });
    },
    drop: (row) => store.dropAlert(row),
  };
}

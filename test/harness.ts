/** The whole connector between both simulators, in this process and on loopback: real HTTP, real LMDB, a temp folder. */
import { once } from "node:events";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { Writable } from "node:stream";
import { readConfig } from "../server/config";
import { createHttpServer } from "../server/http-server";
import { createLogger } from "../server/log";
import { createConnector, type Connector } from "../server/wiring";
import { createHullSimulator, type HullSimulator } from "../simulators/hull";
import { createPlanhatSimulator, type PlanhatSimulator, type PlanhatSimulatorOptions } from "../simulators/planhat";
import { listenAgain } from "./listen-again";

export const CONNECTOR = { id: "5f0000000000000000000001", secret: "connector-secret-0001" };
export const TOKEN = "planhat-token-0001";

/** Settings under which every user and account with the needed keys is sent. */
export const OPEN_SETTINGS = {
  personal_acccess_token: TOKEN,
  api_prefix: "api",
  tenant_id: "0b7e1f3a-0000-4000-8000-000000000001",
  contact_synchronized_segments: ["ALL"],
  account_synchronized_segments: ["ALL"],
  contact_attributes_outbound: [
    { hull_field_name: "name", service_field_name: "name" },
    { hull_field_name: "email", service_field_name: "email" },
    { hull_field_name: "external_id", service_field_name: "externalId" },
    { hull_field_name: "traits_position", service_field_name: "position" },
  ],
  account_attributes_outbound: [{ hull_field_name: "name", service_field_name: "name" }],
} as const;

export interface LogRecord {
  readonly level: string;
  readonly message: string;
  readonly context?: Readonly<Record<string, string>>;
  readonly data?: Readonly<Record<string, unknown>>;
}

export interface House {
  readonly planhat: PlanhatSimulator;
  readonly hull: HullSimulator;
  readonly connector: Connector;
  /** Where notifications go. */
  readonly url: string;
  readonly baseUrl: string;
  readonly logs: readonly LogRecord[];
  readonly tenantKey: string;
  /** Resolves when nothing waits any more, neither for Planhat nor for Hull. */
  settled(): Promise<void>;
  /** Outcomes by `type/outcome/code`. */
  outcomes(): Promise<Readonly<Record<string, number>>>;
  /** Ends the server process's part and starts it again on the same data. */
  restart(): Promise<void>;
  /** The same, with something done in between, while no server runs. */
  stopped<T>(work: () => Promise<T>): Promise<T>;
  /** The server's `DATA_DIR`. */
  readonly dataDir: string;
  /**
   * Ends it as a kill would, at this very moment: a new one starts on a copy of the files as they are now, the old one
   * starts nothing any more. May be called from a hook; an answer that the old one still waits for should get lost.
   */
  crash(): Promise<void>;
  close(): Promise<void>;
}

export interface HouseOptions {
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly planhat?: PlanhatSimulatorOptions;
  readonly environment?: Readonly<Record<string, string>>;
  /** Definitions of custom fields that Planhat has. Default: of those that the settings map, of no kind in particular. */
  readonly customFields?: readonly Readonly<Record<string, unknown>>[];
}

const CUSTOM_TABLES = [
  ["contact_attributes_outbound", "contact_custom_attributes_outbound", "EndUser"],
  ["account_attributes_outbound", "account_custom_attributes_outbound", "Company"],
  ["account_licenses_attributes_outbound", "account_licenses_custom_attributes_outbound", "License"],
] as const;

/** Makes the custom fields in Planhat that settings map, where it does not have them. */
export function defineCustomFields(planhat: PlanhatSimulator, settings: Readonly<Record<string, unknown>>): void {
  const namesIn = (table: string): readonly string[] => {
    const rows = Array.isArray(settings[table]) ? (settings[table] as readonly { service_field_name?: unknown }[]) : [];
    return rows.map(({ service_field_name: name }) => (typeof name === "string" ? name : ""));
  };
  for (const [standard, custom, parent] of CUSTOM_TABLES) {
    const chosen = namesIn(standard).filter((name) => name.startsWith("custom."));
    for (const name of [...chosen.map((each) => each.slice("custom.".length)), ...namesIn(custom)]) {
      const tenant = planhat.tenant();
      const there = [...tenant.customfields.values()];
      if (!there.some((each) => each["name"] === name && each["parent"] === parent)) {
        tenant.seedCustomField({ name, parent });
      }
    }
  }
}

export async function openHouse(options: HouseOptions = {}): Promise<House> {
  const folders = [mkdtempSync(join(tmpdir(), "connector-"))];
  const [folder] = folders;
  const abandoned: Promise<void>[] = [];
  const planhat = createPlanhatSimulator({ token: TOKEN, quotaPerMinute: null, ...options.planhat });
  await planhat.listen();
  const hull = createHullSimulator({ retryDelayMs: 5, sleep: () => Promise.resolve() });
  await hull.listen();
  const privateSettings = { ...OPEN_SETTINGS, ...options.settings };
  hull.addConnector({ ...CONNECTOR, privateSettings });
  if (options.customFields === undefined) defineCustomFields(planhat, privateSettings);
  else for (const field of options.customFields) planhat.tenant().seedCustomField(field);

  const logs: LogRecord[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      for (const line of chunk.toString().split("\n")) if (line !== "") logs.push(JSON.parse(line) as LogRecord);
      done();
    },
  });
  let config = readConfig({
    HOST: "127.0.0.1",
    PORT: "0",
    DATA_DIR: folder,
    PLANHAT_API_URL: `${planhat.url}/{api_prefix}`,
    PLANHAT_ANALYTICS_URL: planhat.url,
    HULL_PROTOCOL: "http",
    HULL_FIREHOSE_URL: hull.firehoseUrl,
    HULL_ALLOWED_ORGANIZATIONS: "127.0.0.1:*",
    HULL_SIGNATURE_KEY_HOSTS: "127.0.0.1:*",
    HULL_ALLOWED_EXTRACT_HOSTS: "127.0.0.1:*",
    LOG_LEVEL: "debug",
    LINGER_MS: "20",
    SETTLE_MS: "20",
    RETRY_BASE_MS: "10",
    RETRY_CAP_MS: "50",
    REQUEST_TIMEOUT_MS: "5000",
    ...options.environment,
  });

  let connector: Connector;
  let server: Server;
  let port = 0;
  const start = async (): Promise<void> => {
    connector = await createConnector(config, createLogger(config.LOG_LEVEL, sink));
    server = createHttpServer(connector.app);
    await listenAgain(async () => {
      server.listen(port, "127.0.0.1");
      await once(server, "listening");
    });
    port = (server.address() as AddressInfo).port;
  };
  const hangUp = (): Promise<unknown> =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  const stop = async (): Promise<void> => {
    connector.drain();
    await hangUp();
    await connector.close();
  };
  try {
    await start();
  } catch (error) {
    await hull.close();
    await planhat.close();
    throw error;
  }
  const tenantKey = `${hull.host}/${CONNECTOR.id}`;

  return {
    planhat,
    hull,
    get connector() {
      return connector;
    },
    get url() {
      return `http://127.0.0.1:${port}/smart-notifier`;
    },
    get baseUrl() {
      return `http://127.0.0.1:${port}`;
    },
    logs,
    tenantKey,
    settled: async () => {
      // Each look is a turn of the event loop; the bound only keeps a broken test from hanging.
      for (let looks = 0; (await connector.store.lanes()).length > 0; looks += 1) {
        if (looks > 5_000) throw new Error("Something still waits; see the log.");
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    outcomes: async () => (await connector.store.tally(tenantKey)).outcomes,
    restart: async () => {
      await stop();
      await start();
    },
    stopped: async (work) => {
      await stop();
      try {
        return await work();
      } finally {
        await start();
      }
    },
    get dataDir() {
      return config.DATA_DIR;
    },
    crash: async () => {
      const copy = mkdtempSync(join(tmpdir(), "connector-"));
      const left = (path: string): boolean => !["process.lock", "lock.mdb"].includes(basename(path));
      cpSync(config.DATA_DIR, copy, { recursive: true, filter: left });
      folders.push(copy);
      config = { ...config, DATA_DIR: copy };
      await hangUp();
      abandoned.push(connector.close());
      await start();
    },
    close: async () => {
      await stop();
      await hull.close();
      await planhat.close();
      await Promise.all(abandoned);
      for (const each of folders) rmSync(each, { recursive: true, force: true });
    },
  };
}

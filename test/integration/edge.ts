/** The HTTP edge alone: real Express on loopback, a simulated Hull that confirms, a store in memory, and no engine. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Writable } from "node:stream";
import { createApp, serviceRoutes, type OnDemandOptions, type ServiceRouteOptions } from "../../server/app";
import { createBodies } from "../../server/bodies";
import { SERVICES } from "../../src/services";
import { planhatFace } from "../../src/services/planhat/face";
import { createConnectors } from "../../server/admin/connectors";
import { createDeadLetters } from "../../server/admin/dead-letters";
import { gated } from "../../server/admin/gate";
import { adminRoutes } from "../../server/admin/route";
import { createLogger } from "../../server/log";
import { createLogins } from "../../server/middleware/authentication";
import type { BatchOrder, FetchAnswer, ReplayChoice } from "../../src/engine/runs/orders";
import { createTenants, type Tenant } from "../../src/engine/tenants";
import { countedAs } from "../../src/services/types";
import { tenantKey } from "../../src/storage/port/lane";
import { createHostAllowList } from "../../src/http/guards/hosts";
import { createHullClient } from "../../src/hull/client";
import { createCredentialCheck } from "../../src/hull/auth/credentials";
import { createMemoryDatabase } from "../../src/storage/database/memory";
import type { RunOptions, RunRow } from "../../src/storage/port/rows";
import { createSeal } from "../../src/storage/port/seal";
import { deadLetterId } from "../../src/storage/port/dead-letters";
import type { Lane, Store } from "../../src/storage/port/store";
import { createHullSimulator, type HullSimulator } from "../../simulators/hull";
import { createFakeService, type FakeService, type FakeSettings } from "../unit/engine/fake-service";
import { finish, update } from "../unit/storage/builders";
import { openStore } from "../unit/storage/fixture";
import { basic, queryOf, send, type Answer, type Sent } from "./asking";

export const CONNECTOR = { id: "5f0000000000000000000001", secret: "connector-secret-0001" };
export const OTHER = { id: "5f0000000000000000000002", secret: "connector-secret-0002" };
export const ADMIN_TOKEN = "admin-token-of-this-house-0001";
export const TOKEN_KEY = "a key for tokens of some length";
/** An organization that is allowed, and where nobody answers. */
export const NOBODY = "127.0.0.1:1";
export const NOW = Date.parse("2026-03-01T12:00:00Z");

/** Where Planhat is, which no answer may show. */
const REMOTE = "org|https://api.planhat.example|a-tenant-token-4711";
export const REMOTE_PARTS = /planhat\.example|a-tenant-token/;
/** So many wrong log-ins that no test is slowed by them. */
const AMPLE = { windowMs: 60_000, perAddress: 1_000, perConnector: 1_000 };

/** What the fake engine was asked for. */
export type Asked =
  | {
      readonly kind: "fetch";
      readonly tenant: string;
      readonly type: string;
      readonly options: RunOptions;
      readonly force: boolean;
    }
  | { readonly kind: "batch"; readonly tenant: string; readonly order: BatchOrder; readonly options: RunOptions }
  | { readonly kind: "replay"; readonly tenant: string; readonly chosen: ReplayChoice }
  | { readonly kind: "stop"; readonly run: string };

type Login = typeof CONNECTOR;

export interface LoggedIn extends Sent {
  readonly login?: Login;
  readonly query?: string | Readonly<Record<string, string>>;
}

export interface Edge {
  readonly hull: HullSimulator;
  readonly store: Store;
  readonly baseUrl: string;
  readonly organization: string;
  readonly tenantKey: string;
  readonly asked: readonly Asked[];
  /** Lanes that were told of new work. */
  readonly woken: readonly Lane[];
  /** Everything that was logged. */
  readonly logged: () => string;
  /** What the fake engine answers to the next fetches. */
  answerFetches(answer: FetchAnswer): void;
  /** What the fake engine throws at the next batches. */
  failBatches(error: Error | undefined): void;
  /** @param path with its query */
  call(path: string, sent?: Sent): Promise<Answer>;
  /** Calls with a log-in and `org`. @param query more of it, as it is when it is a text */
  ask(path: string, asking?: LoggedIn): Promise<Answer>;
  laneOf(owner: { readonly id: string }): Lane;
  /** Keeps a dead letter of a record; answers its id. */
  refuse(
    hullId: string,
    more?: { readonly code?: string; readonly owner?: Login; readonly type?: string },
  ): Promise<string>;
  /** The credentials of `CONNECTOR` as a query, some of them changed; `undefined` takes one out. */
  query(changes?: Readonly<Record<string, string | undefined>>): string;
  forget(): void;
  close(): Promise<void>;
}

/** @param more of the service, and what operations may have changed */
export async function openEdge(
  options: Partial<OnDemandOptions<FakeSettings>> = {},
  {
    remember,
    corsOrigins = [],
    budget = () => Promise.resolve(undefined),
    ...parts
  }: Partial<FakeService> &
    Partial<Pick<ServiceRouteOptions<FakeSettings>, "remember" | "corsOrigins">> &
    Partial<Pick<ServiceRouteOptions<FakeSettings>["console"], "budget">> = {},
): Promise<Edge> {
  const hull = createHullSimulator();
  await hull.listen();
  const privateSettings = { token: "planhat-token-0001", host: "one" };
  for (const each of [CONNECTOR, OTHER]) hull.addConnector({ ...each, privateSettings });
  const store = await openStore({ database: createMemoryDatabase(), now: () => NOW });
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  const asked: Asked[] = [];
  const woken: Lane[] = [];
  let answer: FetchAnswer = { kind: "begun", run: runRow("run-1") };
  let failure: Error | undefined;
  const unused = (): never => {
    throw new Error("The edge asked for what these routes do not need.");
  };

  const logger = createLogger("debug", sink);
  const seal = createSeal("seal secret of some length");
  const deadLetters = createDeadLetters({
    store,
    wake: (lane) => void woken.push(lane),
    announce: () => undefined,
  });
  const connectors = createConnectors({
    store,
    titleOf: () => "A service",
    forget: (tenant) => store.forgetTenant(tenant),
    now: () => NOW,
  });
  const admin = adminRoutes({ services: SERVICES, deadLetters, connectors, now: () => NOW, logger });

  const shared = {
    store,
    warnings: () => Promise.resolve([]),
    disk: { trouble: () => undefined, assertRoom: () => undefined, assertWritable: () => undefined },
    metrics: { counting: unused, call: unused, notification: () => undefined, alert: unused, scrape: unused },
    metricsToken: undefined,
    logger,
    trustProxy: false,
    accepting: () => true,
    admin: gated(admin, { token: ADMIN_TOKEN, logger }),
  };
  const routes = serviceRoutes<FakeSettings>({
    ...shared,
    bodies: createBodies(),
    seal,
    tenants: createTenants({
      store,
      seal,
      service: createFakeService(),
      now: () => NOW,
    }),
    protocol: "http",
    requireSignature: false,
    credentials: createCredentialCheck({
      hullClientFactory: (given) => createHullClient(given, { protocol: "http", http: { maxAttempts: 1 } }),
      allowedOrganizations: createHostAllowList([hull.host, NOBODY]),
      protocol: "http",
      clock: () => NOW,
      negativeTtlMs: 0,
    }),
    signature: { verify: unused, refusedHosts: unused },
    authorizations: { begin: unused, finish: unused, confirm: unused, revoke: unused },
    publicUrl: undefined,
    intake: { take: unused },
    deliveryWorker: {
      start: unused,
      wake: unused,
      release: unused,
      verify: unused,
      announce: unused,
      idle: unused,
      close: unused,
    },
    forget: unused,
    maxOutbox: 1,
    answerWithinMs: 10_000,
    explaining: { explain: { notification: unused, entity: unused, idle: unused } },
    service: { ...createFakeService(), ...parts },
    remember,
    corsOrigins,
    health: unused,
    reportStatus: unused,
    fields: unused,
    testAlert: unused,
    console: { budget, formKey: "a key for forms of some length", partWithinMs: 10_000 },
    deadLetters,
    onDemand: {
      tokenKey: TOKEN_KEY,
      now: () => NOW,
      extractHosts: createHostAllowList(["*.s3.amazonaws.com", "127.0.0.1:*"]),
      runs: {
        fetch: (tenant: Tenant<FakeSettings>, entity, chosen, force) => {
          const type = countedAs({ ...createFakeService(), ...parts }, entity);
          asked.push({ kind: "fetch", tenant: tenant.key, type, options: chosen, force });
          return Promise.resolve(answer);
        },
        batch: (tenant, order, chosen) => {
          asked.push({ kind: "batch", tenant: tenant.key, order, options: chosen });
          return failure === undefined ? Promise.resolve(runRow("run-2")) : Promise.reject(failure);
        },
        replay: (tenant, chosen) => {
          asked.push({ kind: "replay", tenant: tenant.key, chosen });
          return Promise.resolve(runRow("run-3"));
        },
        stop: (run) => {
          asked.push({ kind: "stop", run });
          return store.changeRun(run, { stopAskedAtMs: NOW });
        },
      },
      logins: createLogins(AMPLE),
      ...options,
    },
  });
  const server = createServer(createApp(shared, [{ name: "planhat", face: planhatFace, routes }]));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const laneOf = ({ id }: { readonly id: string }): Lane => ({
    remote: REMOTE,
    tenant: tenantKey("planhat", hull.host, id),
  });

  return {
    hull,
    store,
    baseUrl,
    organization: hull.host,
    tenantKey: tenantKey("planhat", hull.host, CONNECTOR.id),
    asked,
    woken,
    logged: () => lines.join(""),
    answerFetches: (next) => (answer = next),
    failBatches: (error) => (failure = error),
    call: (path, sent) => send(baseUrl, path, sent),
    ask: (path, { login = CONNECTOR, query = {}, headers, ...sent } = {}) => {
      const parameters =
        typeof query === "string" ? `org=${hull.host}&${query}` : queryOf({ org: hull.host, ...query });
      return send(baseUrl, `${path}?${parameters}`, { ...sent, headers: { authorization: basic(login), ...headers } });
    },
    laneOf,
    refuse: async (hullId, { code = "refused", owner = CONNECTOR, type = "companies" } = {}) => {
      const lane = laneOf(owner);
      await store.accept([update({ hullId, type, id: `c-${hullId}`, lane, version: Date.parse("2026-03-01") })]);
      const [view] = await store.view(lane, type, [hullId]);
      if (view?.entry === undefined) throw new Error("It waits.");
      await store.settle(lane, [finish(view.entry, code === "refused" ? "rejected" : "dead", code)]);
      return deadLetterId({ ...lane, type, hullId });
    },
    query: (changes) => queryOf({ organization: hull.host, ship: CONNECTOR.id, secret: CONNECTOR.secret, ...changes }),
    forget: () => {
      asked.length = 0;
      woken.length = 0;
      lines.length = 0;
      answer = { kind: "begun", run: runRow("run-1") };
      failure = undefined;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await store.close();
      await hull.close();
    },
  };
}

export interface ShownError {
  readonly code: string;
  /** A sentence. */
  readonly message: string;
  readonly details: readonly { readonly path: string; readonly message: string; readonly remedy: string }[];
}

/** The error in an answer; checks the shape that every error has. */
export function errorOf(answer: Answer): ShownError {
  expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
  expect(answer.body).toMatchObject({
    flow_control: { type: "retry" },
    error: { code: expect.any(String) as string, message: expect.stringMatching(/\.$/) as string },
  });
  const error = answer.body["error"] as Omit<ShownError, "details"> & Partial<ShownError>;
  return { details: [], ...error };
}

function runRow(id: string): RunRow {
  return {
    id,
    tenant: "t",
    kind: "fetch",
    type: "endusers",
    options: {},
    state: "waiting",
    createdAtMs: NOW,
    done: 0,
    counts: {},
  };
}

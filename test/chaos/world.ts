/** Both simulators in this process, the connector in another one, and a gate between Hull and the connector. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createHullSimulator, type HullSimulator, type Population, type Profile } from "../../simulators/hull";
import { createPlanhatSimulator, type PlanhatSimulator, type PlanhatSimulatorOptions } from "../../simulators/planhat";
import { createEmbeddedStore } from "../../src/storage/embedded";
import { createLmdbKeyValue } from "../../src/storage/database/lmdb";
import type { Lane, Store, Tally } from "../../src/storage/port/store";
import { CONNECTOR, OPEN_SETTINGS, TOKEN } from "../harness";
import { openGate, type Gate } from "./gate";
import { buildServer, killAll, supervise, type Supervised } from "./server-process";

export interface World {
  readonly planhat: PlanhatSimulator;
  readonly hull: HullSimulator;
  readonly server: Supervised;
  /** Where Hull posts: through the gate. */
  readonly url: string;
  readonly folder: string;
  /** Resolves when `until` holds. Rejects when it does not and nobody calls anybody any more. */
  reached(until: () => boolean): Promise<void>;
  /** Stops the connector when nothing moves any more, and starts it again while anything still waits. */
  drained(until: () => boolean): Promise<Remains>;
  close(): Promise<void>;
}

/** What the store holds when the connector has stopped. */
export interface Remains {
  readonly tally: Tally;
  readonly lanes: readonly Lane[];
  readonly depths: readonly { readonly outbox: number; readonly hullUpdates: number }[];
  readonly deadLetters: number;
  /** How often the connector had to be started again because something still waited. */
  readonly rounds: number;
}

export interface WorldOptions {
  readonly seed: number;
  readonly planhat?: PlanhatSimulatorOptions;
  readonly environment?: Readonly<Record<string, string>>;
  readonly cutsRequest?: () => boolean;
  readonly cutsAnswer?: () => boolean;
}

/** Nobody called anybody for this long: nothing moves. */
const QUIET_MS = 1_200;
/** Longer than any pause that a transient fault causes. */
const STUCK_MS = 25_000;
const ROUNDS = 8;

export interface Worlds {
  open(options: WorldOptions): Promise<World>;
  /** Kills the server of the world that was opened last; false when there is none, or it does not run. */
  kill(): Promise<boolean>;
}

/** Opens worlds for the tests of a file, and after each test ends whatever it left running. */
export function useWorlds(): Worlds {
  const opened: World[] = [];
  // Before the clock of a test runs.
  beforeAll(() => void buildServer(), 180_000);
  afterEach(async () => {
    await killAll();
    for (const world of opened.splice(0)) await world.close();
  });
  return {
    open: async (options) => {
      const world = await openWorld(options);
      opened.push(world);
      return world;
    },
    kill: () => opened.at(-1)?.server.kill() ?? Promise.resolve(false),
  };
}

/** Leaves nothing open when one of its parts cannot be started. */
async function openWorld(options: WorldOptions): Promise<World> {
  const ends: (() => unknown)[] = [];
  const close = async (): Promise<void> => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  try {
    return await furnished(options, (end) => void ends.push(end), close);
  } catch (error) {
    await close();
    throw error;
  }
}

/** @param after what to do at the end; the last that was said comes first */
async function furnished(
  options: WorldOptions,
  after: (end: () => unknown) => void,
  close: () => Promise<void>,
): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), "connector-chaos-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const planhat = createPlanhatSimulator({
    token: TOKEN,
    quotaPerMinute: null,
    seed: options.seed,
    ...options.planhat,
  });
  after(() => planhat.close());
  await planhat.listen();
  // Hull is patient with a connector that is being started again, and quick where it is told to wait for long.
  const hull = createHullSimulator({
    seed: options.seed,
    maxAttempts: 1_000,
    retryDelayMs: 40,
    sleep: (ms) => sleep(Math.min(ms, 40)),
  });
  after(() => hull.close());
  await hull.listen();
  hull.addConnector({ ...CONNECTOR, privateSettings: OPEN_SETTINGS });

  const server = await supervise({
    environment: {
      DATA_DIR: folder,
      PLANHAT_API_URL: `${planhat.url}/{api_prefix}`,
      PLANHAT_ANALYTICS_URL: planhat.url,
      HULL_PROTOCOL: "http",
      HULL_FIREHOSE_URL: hull.firehoseUrl,
      HULL_ALLOWED_ORGANIZATIONS: "127.0.0.1:*",
      HULL_SIGNATURE_KEY_HOSTS: "127.0.0.1:*",
      LINGER_MS: "50",
      SETTLE_MS: "100",
      RETRY_BASE_MS: "20",
      RETRY_CAP_MS: "500",
      ...options.environment,
    },
  });
  const gate: Gate = await openGate({
    port: () => server.port,
    cutsRequest: options.cutsRequest ?? (() => false),
    cutsAnswer: options.cutsAnswer ?? (() => false),
    kill: () => server.kill(),
  });
  after(() => gate.close());

  const callsSoFar = (): number => planhat.books.snapshot().calls + hull.books.snapshot().calls;

  async function quiet(): Promise<void> {
    for (let before = -1; before !== callsSoFar();) {
      before = callsSoFar();
      await sleep(QUIET_MS);
    }
  }

  async function reached(until: () => boolean): Promise<void> {
    let calls = callsSoFar();
    let movedAt = Date.now();
    while (!until()) {
      await sleep(100);
      if (calls !== callsSoFar()) movedAt = Date.now();
      calls = callsSoFar();
      if (Date.now() - movedAt < STUCK_MS) continue;
      throw new Error(`Nothing moves, and something is missing. ${server.complaints().slice(-10).join("\n")}`);
    }
  }

  return {
    planhat,
    hull,
    server,
    url: `${gate.url}/smart-notifier`,
    folder,
    reached,
    drained: async (until) => {
      await reached(until);
      for (let rounds = 0; ; rounds += 1) {
        await quiet();
        const exit = await server.stop();
        if (exit.code !== 0) throw new Error(`The server ended with ${JSON.stringify(exit)} instead of 0.`);
        const { lanes, ...rest } = await inStore(folder, (store) => remainsOf(store, `${hull.host}/${CONNECTOR.id}`));
        if (lanes.length === 0 || rounds >= ROUNDS) return { ...rest, lanes, rounds };
        await server.start();
      }
    },
    close,
  };
}

async function remainsOf(store: Store, tenant: string): Promise<Omit<Remains, "rounds">> {
  const lanes = await store.lanes();
  const remote = (await store.tenant(tenant))?.remote ?? "";
  return {
    tally: await store.tally(tenant),
    lanes,
    depths: await Promise.all(lanes.map((lane) => store.depth(lane))),
    deadLetters: (await store.deadLettersOf({ remote, tenant })).length,
  };
}

/** Opens the store of a connector that does not run. */
export async function inStore<T>(folder: string, look: (store: Store) => Promise<T>): Promise<T> {
  const store = await createEmbeddedStore({ kv: createLmdbKeyValue(join(folder, "store")), now: Date.now });
  try {
    return await look(store);
  } finally {
    await store.close();
  }
}

export function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

/** Everybody in Hull knows the id that Planhat gave. Asked often: begins with those who are usually told last. */
export function everybodyTold({ users, accounts }: Population, { profiles }: HullSimulator): boolean {
  const isTold = (profile: Profile | undefined): boolean => typeof profile?.attributes["planhat/id"] === "string";
  return (
    users.findLast(({ id }) => !isTold(profiles.users.get(id))) === undefined &&
    accounts.every(({ id }) => isTold(profiles.accounts.get(id)))
  );
}

/** Every difference between what Planhat and Hull hold and what they should hold, in words; at most 20. */
export function differences({ users, accounts }: Population, { planhat, hull }: World): readonly string[] {
  const { companies, endusers } = planhat.snapshot();
  const found: string[] = [];
  const expected = (what: string, wanted: unknown, held: unknown): void => {
    if (wanted !== held) found.push(`${what} is ${JSON.stringify(held)} instead of ${JSON.stringify(wanted)}`);
  };
  expected("companies", accounts.length, companies.length);
  expected("endusers", users.length, endusers.length);
  const companyOf = new Map(companies.map((company) => [company["externalId"], company]));
  const enduserOf = new Map(endusers.map((enduser) => [enduser["email"], enduser]));
  for (const account of accounts) {
    const company = companyOf.get(account.external_id);
    expected(`${account.external_id} name`, account.name, company?.["name"]);
    const told = hull.profiles.accounts.get(account.id)?.attributes["planhat/id"];
    expected(`${account.external_id} id in Hull`, company?._id, told);
  }
  for (const user of users) {
    const enduser = enduserOf.get(user.email);
    const company = companyOf.get(accounts[user.accountIndex]?.external_id);
    for (const field of ["name", "email", "position"]) {
      expected(`${user.external_id} ${field}`, user[field], enduser?.[field]);
    }
    expected(`${user.external_id} companyId`, company?._id, enduser?.["companyId"]);
    const told = hull.profiles.users.get(user.id)?.attributes["planhat/id"];
    expected(`${user.external_id} id in Hull`, enduser?._id, told);
  }
  return found.slice(0, 20);
}

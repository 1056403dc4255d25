/** A store on any adapter, with a clock that stands still, and what tests do with it again and again. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "../../../server/open-store";
import { createLmdbDatabase } from "../../../src/storage/database/lmdb";
import { createMemoryDatabase } from "../../../src/storage/database/memory";
import { connectRedis } from "../../../src/storage/database/redis/connection";
import { createRedisDatabase } from "../../../src/storage/database/redis/database";
import type { Database } from "../../../src/storage/database/rows";
import type { EntryRow, RecordRow } from "../../../src/storage/port/rows";
import type {
  Acceptance,
  Accepted,
  Lane,
  MirrorPatch,
  Settlement,
  Settled,
  Store,
} from "../../../src/storage/port/store";
import { connectRemote, createRemoteServer, mildFaults } from "../../fixture/remote-database";
import { sharedRedis } from "../../fixture/redis";
import { IS_FULL, withFull } from "../../full";
import { auditOf } from "./audit";
import { blockOn, deliverQuietly, finish, LANE, tenantRow, userUpdate, type MessageOptions } from "./builders";

export const START_MS = 1_750_000_000_000;
export const MINUTE_MS = 60_000;
export const DAY_MS = 86_400_000;

export { openStore };

export type Adapter = "memory" | "lmdb" | "remote" | "redis";

/**
 * Every database that a store may stand on; with TEST_FULL=1 also `remote`, which works as Redis does, with faults now
 * and then.
 */
export const ADAPTERS: readonly Adapter[] = ["memory", "lmdb", "redis", ...(IS_FULL ? (["remote"] as const) : [])];
/** Those on which servers work; `memory`, which does as they do, is for tests. With TEST_FULL=1 all. */
const IN_USE = withFull<readonly Adapter[]>(["lmdb", "redis"], ADAPTERS);

let opened = 0;
const openRedis = (): Database => {
  opened += 1;
  return createRedisDatabase({ connection: connectRedis(sharedRedis().address), prefix: `test ${opened}:` });
};

const openDatabaseOn = (adapter: Adapter, folder: () => string): Database => {
  if (adapter === "lmdb") return createLmdbDatabase(folder());
  if (adapter === "memory") return createMemoryDatabase();
  if (adapter === "redis") return openRedis();
  return connectRemote(createRemoteServer(), { faultOf: mildFaults() });
};

/** Folders and databases of the running test: those of disks are closed and removed after it. */
export function setUpDatabases() {
  const databases: Database[] = [];
  const folders: string[] = [];
  afterEach(async () => {
    for (const database of databases.splice(0)) await database.close();
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });
  const makeFolder = (): string => {
    const folder = mkdtempSync(join(tmpdir(), "store-"));
    folders.push(folder);
    return folder;
  };
  /** An empty database, or the one that lies in the folder. */
  const openDatabase = (adapter: Adapter, folder?: string): Database => {
    const database = openDatabaseOn(adapter, () => folder ?? makeFolder());
    databases.push(database);
    return database;
  };
  return { makeFolder, openDatabase };
}

export interface Fixture {
  readonly adapter: Adapter;
  readonly store: Store;
  readonly database: () => Database;
  readonly clock: { nowMs: number };
  /** The entry of a record of the default lane; throws when there is none. */
  readonly entry: (type: string, hullId: string) => Promise<EntryRow>;
  /** The same, undefined when there is none. */
  readonly find: (type: string, hullId: string) => Promise<EntryRow | undefined>;
  readonly record: (type: string, hullId: string) => Promise<RecordRow>;
  /** Takes one message in. */
  readonly accept: (acceptance: Acceptance) => Promise<Accepted>;
  /** Journals the content that waits; throws when it was refused. */
  readonly attempt: (type: string, hullId: string, kind?: "create" | "update") => Promise<EntryRow>;
  readonly settle: (...settlements: readonly Settlement[]) => Promise<Settled>;
  /** Takes a message in and journals it: what is in flight then. */
  readonly start: (acceptance: Acceptance, kind?: "create" | "update") => Promise<EntryRow>;
  /** Takes a message in, tries it, and the service holds it: as p1 unless said otherwise. */
  readonly write: (acceptance: Acceptance, remoteId?: string, mirror?: Partial<MirrorPatch>) => Promise<Settled>;
  /** Takes a message in, tries it, and it is refused for good. */
  readonly refuse: (acceptance: Acceptance, outcome?: "rejected" | "dead", code?: string) => Promise<Settled>;
  /** Takes a message about a user in, who waits for company a1 unless said otherwise. */
  readonly block: (options?: MessageOptions) => Promise<Settled>;
  /** What a lane does next; throws when nothing is due. */
  readonly first: (lane: Lane, type: string) => Promise<EntryRow>;
  /** A connector is installed that points to the lane's remote. */
  readonly install: (lane?: Lane) => Promise<void>;
  /** Housekeeping until there is nothing left to do. */
  readonly sweep: (olderThanMs: number) => Promise<void>;
  /** Hull takes every update that is due. */
  readonly confirmAll: () => Promise<Settled["outcomes"]>;
  /** Ends of this lane's messages by `type/outcome/code`. */
  readonly outcomes: () => Promise<Readonly<Record<string, number>>>;
}

export async function firstReady(store: Store, lane: Lane, type: string): Promise<EntryRow> {
  const [entry] = await store.ready(lane, type, 1);
  if (entry === undefined) throw new Error(`Nothing of ${type} is due.`);
  return entry;
}

/** What a test does with a store. */
export function actionsOn(store: Store): Omit<Fixture, "adapter" | "store" | "database" | "clock"> {
  async function find(type: string, hullId: string): Promise<EntryRow | undefined> {
    const [view] = await store.view(LANE, type, [hullId]);
    return view?.entry;
  }

  async function entry(type: string, hullId: string): Promise<EntryRow> {
    const found = await find(type, hullId);
    if (found === undefined) throw new Error(`Nothing of ${type} ${hullId} is in the outbox.`);
    return found;
  }

  async function accept(acceptance: Acceptance): Promise<Accepted> {
    const [accepted] = await store.accept([acceptance]);
    if (accepted === undefined) throw new Error("Every message gets an answer.");
    return accepted;
  }

  async function attempt(type: string, hullId: string, kind: "create" | "update" = "create"): Promise<EntryRow> {
    const { content, notBeforeMs } = await entry(type, hullId);
    const request = { type, hullId, seq: content?.seq ?? 0, notBeforeMs, repeatable: kind === "update" };
    const journaled = await store.attempt(LANE, [request]);
    if (journaled[0] !== true) throw new Error(`${type} ${hullId} could not be journaled.`);
    return entry(type, hullId);
  }

  const settle = (...settlements: readonly Settlement[]): Promise<Settled> => store.settle(LANE, settlements);

  async function start(acceptance: Acceptance, kind?: "create" | "update"): Promise<EntryRow> {
    await accept(acceptance);
    return attempt(acceptance.type, acceptance.hullId, kind);
  }

  return {
    find,
    entry,
    accept,
    attempt,
    settle,
    start,
    record: async (type, hullId) => {
      const [view] = await store.view(LANE, type, [hullId]);
      if (view?.record === undefined) throw new Error(`${type} ${hullId} is not known.`);
      return view.record;
    },
    write: async (acceptance, remoteId = "p1", mirror = {}) =>
      settle(deliverQuietly(await start(acceptance), remoteId, mirror)),
    refuse: async (acceptance, outcome = "rejected", code = "refused") =>
      settle(finish(await start(acceptance), outcome, code)),
    block: async (options = {}) => {
      const acceptance = userUpdate({ parent: "a1", ...options });
      await accept(acceptance);
      return settle(blockOn(await entry(acceptance.type, acceptance.hullId)));
    },
    first: (lane, type) => firstReady(store, lane, type),
    install: async ({ tenant, remote } = LANE) => {
      await store.saveTenant(tenantRow({ key: tenant, connectorId: tenant.slice("org/".length) }));
      await store.assign(tenant, remote, "f");
    },
    sweep: async (olderThanMs) => {
      let removed = 1;
      while (removed > 0) removed = await store.housekeep(olderThanMs);
    },
    confirmAll: async () => {
      const rows = await store.hullUpdates(LANE, 99);
      return store.confirmed(
        LANE,
        rows.map((row) => ({ row })),
      );
    },
    outcomes: async () => (await store.tally(LANE.tenant)).outcomes,
  };
}

/** @returns the fixture, and what closes it: the audit's sentences, none when the books are in order */
export async function openFixture(
  adapter: Adapter,
  clock = { nowMs: START_MS },
): Promise<Fixture & { readonly close: () => Promise<readonly string[]> }> {
  const folder = adapter === "lmdb" ? mkdtempSync(join(tmpdir(), "store-")) : undefined;
  const database = openDatabaseOn(adapter, () => folder ?? "");
  const store = await openStore({ database, now: () => clock.nowMs });
  return {
    adapter,
    store,
    database: () => database,
    clock,
    ...actionsOn(store),
    close: async () => {
      const audit = await auditOf(database);
      await store.close();
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
      return audit;
    },
  };
}

/**
 * A store for each test of a file or a `describe`. After each the books are audited: depths, indexes and counts must fit
 * the rows.
 * @returns stands for the fixture of the running test, so that it can be taken apart once
 */
export function setUpStore(adapter: Adapter): Fixture {
  const clock = { nowMs: START_MS };
  let open: Awaited<ReturnType<typeof openFixture>> | undefined;
  const opened = (): Fixture => {
    if (open === undefined) throw new Error("The store opens before each test.");
    return open;
  };
  beforeEach(async () => {
    clock.nowMs = START_MS;
    open = await openFixture(adapter, clock);
  });
  afterEach(async () => {
    const last = open;
    open = undefined;
    expect(await last?.close()).toEqual([]);
  });
  const store = new Proxy({} as Store, { get: (_, name) => Reflect.get(opened().store, name) as unknown });
  return { adapter, store, database: () => opened().database(), clock, ...actionsOn(store) };
}

/**
 * Rules of the store. They see of a database only its rows, which are the same on all of them (`database.test.ts`), so that
 * one is enough; with TEST_FULL=1 all.
 */
export function describeStore(title: string, tests: (fixture: Fixture) => void): void {
  describe.each(withFull<readonly Adapter[]>(["lmdb"], ADAPTERS))(`${title} (%s)`, (adapter) =>
    tests(setUpStore(adapter)),
  );
}

/** What depends on the database: on how much a commit takes, on walks over many rows, on what an end in the middle leaves. */
export function describeEachStore(title: string, tests: (fixture: Fixture) => void): void {
  describe.each(IN_USE)(`${title} (%s)`, (adapter) => tests(setUpStore(adapter)));
}

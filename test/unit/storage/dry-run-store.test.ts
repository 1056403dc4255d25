import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createEmbeddedStore } from "../../../src/storage/embedded";
import type { KeyValue, Table } from "../../../src/storage/database/kv";
import { createMemoryKeyValue } from "../../../src/storage/database/memory";
import { createDryKeyValue } from "../../../src/storage/database/dry-run";
import { clearDryFolders, openDryFolder } from "../../../src/storage/data-folder/dry-run";
import type { Lane, Store } from "../../../src/storage/port/store";
import { openTables } from "../../../src/storage/tables/tables";
import { auditOf } from "./audit";
import { firstReady, MINUTE_MS, setUpDatabases, START_MS } from "./fixture";
import { blockOn, deliver, finish, LANE, NEIGHBOUR, postpone, skip, update, userUpdate } from "./builders";

const now = (): number => START_MS;
const ELSEWHERE: Lane = { remote: "org|planhat|t9", tenant: "planhat/org/c9" };

/** Every row of every table, words spelled out, in one order. The counter of names is each database's own. */
function rowsOf(kv: KeyValue): string[] {
  const { kv: _database, now: _now, names: _names, ...tables } = openTables(kv, now);
  return Object.entries<Table<unknown>>(tables)
    .flatMap(([name, table]) => [...table.range([])].map((row) => JSON.stringify([name, ...row])))
    .filter((row) => !row.startsWith('["meta",["names"]'))
    .sort();
}

async function settleAll(store: Store, lane: Lane, type: string): Promise<void> {
  const entries = await store.ready(lane, type, 99);
  await store.settle(
    lane,
    entries.map((entry) => deliver(entry, `p-${entry.hullId}`)),
  );
  const rows = await store.hullUpdates(lane, 99);
  await store.confirmed(
    lane,
    rows.map((row) => ({ row })),
  );
}

/** Known records, one that waits, one that was refused with a user behind it, and one that Hull is to be told of. */
async function fill(store: Store): Promise<void> {
  await store.accept([update({ id: "m1", hullId: "a1" }), update({ id: "m2", hullId: "a2" })]);
  await settleAll(store, LANE, "companies");
  await store.accept([update({ id: "m3", hullId: "a3" }), userUpdate({ id: "m4", hullId: "e1", parent: "a3" })]);
  const [user] = await store.ready(LANE, "endusers", 9);
  const [company] = await store.ready(LANE, "companies", 9);
  if (user === undefined || company === undefined) throw new Error("Both wait.");
  await store.settle(LANE, [blockOn(user)]);
  await store.settle(LANE, [finish(company, "rejected", "refused")]);
  await store.accept([update({ id: "m5", hullId: "a4" }), update({ id: "m6", hullId: "a5", lane: NEIGHBOUR })]);
  const waiting = await store.ready(LANE, "companies", 9);
  await store.settle(
    LANE,
    waiting.map((entry) => postpone(entry, START_MS + MINUTE_MS)),
  );
  const told = await store.ready(NEIGHBOUR, "companies", 9);
  await store.settle(
    NEIGHBOUR,
    told.map((entry) => deliver(entry, "p-a5")),
  );
}

/** What a run does, and then some: news of known records, new ones, a new target, and everything that removes rows. */
async function work(store: Store): Promise<void> {
  await store.accept([
    update({ id: "n1", hullId: "a1", version: 2, fields: { name: "New" } }),
    skip({ id: "n2", hullId: "a2", version: 2 }),
    update({ id: "n3", hullId: "a4", version: 2 }),
    update({ id: "n4", hullId: "a9" }),
    update({ id: "n5", hullId: "z1", lane: ELSEWHERE }),
    userUpdate({ id: "n6", hullId: "e2", type: "contacts", parent: "a1" }),
  ]);
  await store.retryNow(LANE);
  const { type, hullId, content } = await firstReady(store, LANE, "companies");
  await store.attempt(LANE, [{ type, hullId, seq: content?.seq ?? 0, repeatable: false }]);
  await store.recover(LANE, 0);
  for (const lane of await store.lanes()) {
    for (const each of ["companies", "endusers", "contacts"]) await settleAll(store, lane, each);
  }
  const { deadLetters } = await store.deadLetters({ limit: 9 });
  expect(deadLetters).not.toEqual([]);
  const [entry] = await store.ready(LANE, "endusers", 9);
  if (entry !== undefined) await store.settle(LANE, [finish(entry, "rejected", "refused")]);
  await store.pause(LANE, "*", { kind: "mapping", message: "No.", sinceMs: START_MS, untilMs: START_MS + 1 });
  await store.forgetEntity(LANE.tenant, { types: ["companies"], children: [] }, "a2");
  await store.newGeneration(NEIGHBOUR.remote);
  await store.accept([update({ id: "n7", hullId: "a1", version: 3 })]);
}

describe("a store over a dry run", () => {
  it("does what the store below would have done, and leaves that one alone", async () => {
    const [real, other] = [createMemoryKeyValue(), createMemoryKeyValue()];
    const stores = await Promise.all([real, other].map((kv) => createEmbeddedStore({ kv, now })));
    for (const store of stores) await fill(store);
    const before = rowsOf(real);
    expect(rowsOf(other)).toEqual(before);

    const dryRun = createDryKeyValue(real, createMemoryKeyValue());
    const simulated = await createEmbeddedStore({ kv: dryRun, now });
    await work(simulated);
    for (const store of stores.slice(1)) await work(store);
    expect(rowsOf(dryRun)).toEqual(rowsOf(other));
    expect(auditOf(dryRun)).toEqual([]);
    expect(await simulated.tally(LANE.tenant)).toEqual(await stores[1]?.tally(LANE.tenant));
    expect(await simulated.backlog("planhat")).toEqual(await stores[1]?.backlog("planhat"));
    expect(rowsOf(real)).toEqual(before);
  });
});

describe("a dry run", () => {
  const { makeFolder, openDatabase } = setUpDatabases();
  let folder: string;
  let base: KeyValue;
  let store: Store;
  const place = (): string => join(folder, "simulations");
  const fingerprint = (): string =>
    createHash("sha256")
      .update(readFileSync(join(folder, "store", "data.mdb")))
      .digest("hex");

  beforeEach(async () => {
    folder = makeFolder();
    base = openDatabase("lmdb", join(folder, "store"));
    store = await createEmbeddedStore({ kv: base, now });
    await fill(store);
  });

  it("works on what the running store holds, and does not change one byte of its file", async () => {
    const [before, bytes, counts] = [rowsOf(base), fingerprint(), await store.tally(LANE.tenant)];
    const simulation = await openDryFolder(base, place(), now);
    expect(await simulation.store.tally(LANE.tenant)).toEqual(counts);
    await work(simulation.store);
    expect(await simulation.store.tally(LANE.tenant)).not.toEqual(counts);
    expect(rowsOf(base)).toEqual(before);
    await simulation.close();
    expect(fingerprint()).toBe(bytes);
    expect(rowsOf(base)).toEqual(before);
  });

  it("goes on beside the running store, which names and writes meanwhile", async () => {
    const simulation = await openDryFolder(base, place(), now);
    await store.accept([
      update({ id: "r1", hullId: "x1", lane: { remote: "org|planhat|t7", tenant: "planhat/org/c7" } }),
    ]);
    await simulation.store.accept([update({ id: "s1", hullId: "z1", lane: ELSEWHERE })]);
    await store.accept([update({ id: "r2", hullId: "x2", lane: ELSEWHERE })]);
    const unknown = update({ id: "s2", hullId: "z2", lane: { remote: "org|planhat|t8", tenant: "planhat/org/c8" } });
    // A key that LMDB refuses: the transaction is taken back with the names that it made.
    await expect(simulation.store.accept([unknown, update({ hullId: "x".repeat(4_000) })])).rejects.toThrow();
    await settleAll(simulation.store, ELSEWHERE, "companies");
    expect((await simulation.store.tally(ELSEWHERE.tenant)).outcomes).toEqual({ "companies/sent/updated": 1 });
    const waiting = await store.ready(ELSEWHERE, "companies", 9);
    expect(waiting.map(({ hullId }) => hullId)).toEqual(["x2"]);
    expect(auditOf(base)).toEqual([]);
    await simulation.close();
  });

  it("keeps its own ends, and is gone when it closes", async () => {
    const simulation = await openDryFolder(base, place(), now);
    const other = await openDryFolder(base, place(), now);
    await simulation.store.accept([skip({ id: "s1", hullId: "a7" })]);
    const [view] = await simulation.store.view(LANE, "companies", ["a7"]);
    expect(view?.record?.last).toMatchObject({ messageId: "s1", code: "outside_account_segments" });
    for (const each of [other.store, store]) expect(await each.view(LANE, "companies", ["a7"])).toEqual([{}]);
    expect(readdirSync(place())).toHaveLength(2);
    await Promise.all([simulation.close(), simulation.close()]);
    await simulation.store.close();
    expect(readdirSync(place())).toHaveLength(1);
    await other.close();
    expect(readdirSync(place())).toEqual([]);
    expect(await store.view(LANE, "companies", ["a1"])).toMatchObject([{ record: { remoteId: "p-a1" } }]);
  });

  it("leaves no folder behind when it cannot be opened", async () => {
    await base.transact(() => base.table<number>("meta").put(["format"], 99));
    await expect(openDryFolder(base, place(), now)).rejects.toThrow("format 99");
    expect(readdirSync(place())).toEqual([]);
  });

  it("that a killed process left behind is removed, and nothing else", async () => {
    await clearDryFolders(place());
    expect(existsSync(place())).toBe(false);
    for (const name of ["simulation-abc", "simulation-def", "store"]) {
      mkdirSync(join(place(), name), { recursive: true });
      writeFileSync(join(place(), name, "data.mdb"), "");
    }
    writeFileSync(join(place(), "simulation-notes"), "");
    await clearDryFolders(place());
    expect(readdirSync(place()).sort()).toEqual(["simulation-notes", "store"]);
  });
});

/** The store of a dry run does what the running one would have done, and leaves that one alone. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createOutbox } from "../../../src/engine/outbox/outbox";
import { createMemoryDatabase } from "../../../src/storage/database/memory";
import type { Database } from "../../../src/storage/database/rows";
import { createDryStored } from "../../../src/storage/dry-run";
import type { Acceptance, Lane, Store } from "../../../src/storage/port/store";
import { DEPTH, HOURS, META, RUN_COUNTS, TABLES, TALLY } from "../../../src/storage/tables/tables";
import { commit, indexName } from "../../../src/storage/tables/view";
import { auditOf } from "./audit";
import { firstReady, MINUTE_MS, openStore, setUpDatabases, START_MS } from "./fixture";
import {
  blockOn,
  deliver,
  deliverQuietly,
  finish,
  LANE,
  NEIGHBOUR,
  postpone,
  skip,
  update,
  userUpdate,
  workedOn,
} from "./builders";

const now = (): number => START_MS;
const ELSEWHERE: Lane = { remote: "org|planhat|t9", tenant: "planhat/org/c9" };

const openDry = async (base: Database, mostRows?: number): Promise<Store> =>
  createOutbox(await createDryStored(base, now, mostRows));

/** Every row of every table, index and counter. */
function rowsOf(database: Database): Promise<readonly (readonly [string, unknown])[]> {
  const documents = TABLES.flatMap((table) => [
    table.name,
    ...Object.keys(table.indexes).map((index) => indexName(table, index)),
  ]);
  const names = [...documents, ...[TALLY, HOURS, DEPTH, RUN_COUNTS].map(({ name }) => name)];
  return database.read((rows) => names.map((name) => [name, [...rows.range(name, [])]] as const));
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
    const [real, other] = [createMemoryDatabase(), createMemoryDatabase()];
    for (const database of [real, other]) await fill(await openStore({ database, now }));
    const before = await rowsOf(real);
    expect(await rowsOf(other)).toEqual(before);

    const simulated = await openDry(real);
    await work(simulated);
    // Opened as often, and with the same numbers for new remotes.
    const expected = await openStore({ database: other, now });
    await commit(other, (view) => view.put(META, ["remotes"], (view.get(META, ["remotes"]) ?? 0) + 2 ** 32));
    await work(expected);
    for (const lane of [LANE, NEIGHBOUR, ELSEWHERE]) {
      expect(await simulated.tally(lane.tenant)).toEqual(await expected.tally(lane.tenant));
      expect(await simulated.depth(lane)).toEqual(await expected.depth(lane));
      expect(await simulated.deadLettersOf(lane)).toEqual(await expected.deadLettersOf(lane));
      expect(await simulated.pauses(lane)).toEqual(await expected.pauses(lane));
      expect(await simulated.remote(lane.remote)).toEqual(await expected.remote(lane.remote));
      for (const [type, ids] of [
        ["companies", ["a1", "a2", "a3", "a4", "a5", "a9", "z1"]],
        ["endusers", ["e1"]],
        ["contacts", ["e2"]],
      ] as const) {
        expect(await simulated.view(lane, type, ids)).toEqual(await expected.view(lane, type, ids));
      }
    }
    expect(await simulated.backlog("planhat")).toEqual(await expected.backlog("planhat"));
    expect(await rowsOf(real)).toEqual(before);
    expect(await auditOf(other)).toEqual([]);
  });
});

describe("a dry run", () => {
  const { makeFolder, openDatabase } = setUpDatabases();
  let folder: string;
  let base: Database;
  let store: Store;
  const fingerprint = (): string =>
    createHash("sha256")
      .update(readFileSync(join(folder, "store", "data.mdb")))
      .digest("hex");

  beforeEach(async () => {
    folder = makeFolder();
    base = openDatabase("lmdb", join(folder, "store"));
    store = await openStore({ database: base, now });
    await fill(store);
  });

  it("works on what the running store holds, and does not change one byte of its file", async () => {
    const [before, bytes, counts] = [await rowsOf(base), fingerprint(), await store.tally(LANE.tenant)];
    const dry = await openDry(base);
    expect(await dry.tally(LANE.tenant)).toEqual(counts);
    await work(dry);
    expect(await dry.tally(LANE.tenant)).not.toEqual(counts);
    expect(await rowsOf(base)).toEqual(before);
    await dry.close();
    expect(fingerprint()).toBe(bytes);
    expect(await rowsOf(base)).toEqual(before);
    // It has no files.
    expect(readdirSync(folder)).toEqual(["store"]);
  });

  it("goes on beside the running store, which meets other remotes meanwhile", async () => {
    const dry = await openDry(base);
    await store.accept([
      update({ id: "r1", hullId: "x1", lane: { remote: "org|planhat|t7", tenant: "planhat/org/c7" } }),
    ]);
    await dry.accept([update({ id: "s1", hullId: "z1", lane: ELSEWHERE })]);
    await store.accept([update({ id: "r2", hullId: "x2", lane: ELSEWHERE })]);
    const fresh = { remote: "org|planhat|t8", tenant: "planhat/org/c8" };
    await dry.accept([update({ id: "s2", hullId: "z2", lane: fresh })]);
    await store.accept([update({ id: "r3", hullId: "x3", lane: { ...fresh, remote: "org|planhat|t6" } })]);
    expect((await dry.ready(fresh, "companies", 9)).map(({ hullId }) => hullId)).toEqual(["z2"]);
    await settleAll(dry, ELSEWHERE, "companies");
    expect((await dry.tally(ELSEWHERE.tenant)).outcomes).toEqual({ "companies/sent/updated": 1 });
    const waiting = await store.ready(ELSEWHERE, "companies", 9);
    expect(waiting.map(({ hullId }) => hullId)).toEqual(["x2"]);
    expect(await auditOf(base)).toEqual([]);
    await dry.close();
  });

  it("keeps its own ends, and they are gone when it closes", async () => {
    const [dry, other] = [await openDry(base), await openDry(base)];
    await dry.accept([skip({ id: "s1", hullId: "a7" })]);
    const [view] = await dry.view(LANE, "companies", ["a7"]);
    expect(view?.record?.last).toMatchObject({ messageId: "s1", code: "outside_account_segments" });
    for (const each of [other, store]) expect(await each.view(LANE, "companies", ["a7"])).toEqual([{}]);
    await Promise.all([dry.close(), dry.close()]);
    expect(await dry.view(LANE, "companies", ["a7"])).toEqual([{}]);
    await other.close();
    expect(await store.view(LANE, "companies", ["a1"])).toMatchObject([{ record: { remoteId: "p-a1" } }]);
  });

  it("does not begin on what another version wrote", async () => {
    await commit(base, (view) => ["format", "reader"].forEach((name) => view.put(META, [name], 99)));
    await expect(openDry(base)).rejects.toThrow("format 99");
  });
});

describe("a long dry run", () => {
  const RUN = "r1";
  const COUNT = 120;
  let base: Database;
  let store: Store;

  /** A message of the run. */
  const rowOf = (number: number, hullId = `b${number}`): Acceptance => ({
    ...update({ id: `n${number}`, hullId }),
    run: RUN,
  });

  const known = async (of: Store, ...ids: readonly string[]): Promise<readonly boolean[]> =>
    (await of.view(LANE, "companies", ids)).map(({ record }) => record !== undefined);

  async function deliverOwn(dry: Store): Promise<void> {
    const entries = await dry.ready(LANE, "companies", 99);
    await dry.settle(
      LANE,
      entries.map((entry) => {
        const settlement = deliverQuietly(entry, `p-${entry.hullId}`);
        if (settlement.then.kind !== "end") throw new Error("It ends.");
        const outcome = { ...settlement.then.outcome, run: workedOn(entry).run };
        return { ...settlement, then: { ...settlement.then, outcome } };
      }),
    );
  }

  beforeEach(async () => {
    base = createMemoryDatabase();
    store = await openStore({ database: base, now });
    const options = { simulate: true, verbose: true } as const;
    await store.beginRun({ id: RUN, tenant: LANE.tenant, kind: "batch", type: "companies", options }, false);
    // What waits for real, of this connector and of others, is no matter.
    await store.accept([update({ hullId: "real" }), update({ hullId: "theirs", lane: ELSEWHERE })]);
  });

  it("forgets what it is done with, and counts and tells everything once", async () => {
    const dry = await openDry(base, 100);
    for (let number = 1; number <= COUNT; number += 1) {
      await dry.accept([rowOf(number)]);
      await deliverOwn(dry);
    }
    expect(await dry.run(RUN)).toMatchObject({ done: COUNT, counts: { "companies/sent/updated": COUNT } });
    const lines = await dry.reportLines(RUN, 0, 2 * COUNT);
    expect(lines.map(({ hullId }) => hullId)).toEqual(Array.from({ length: COUNT }, (_, index) => `b${index + 1}`));
    expect(await known(dry, "b1", `b${COUNT}`)).toEqual([false, true]);
    expect(await store.run(RUN)).toMatchObject({ done: 0, counts: {} });
    expect(await known(store, "b1", `b${COUNT}`)).toEqual([false, false]);
  });

  it("forgets nothing while something of it waits", async () => {
    const dry = await openDry(base, 100);
    await dry.accept([rowOf(0, "late")]);
    await dry.settle(LANE, [postpone(await firstOf(dry, "late"), START_MS + MINUTE_MS)]);
    for (let number = 1; number <= COUNT; number += 1) {
      await dry.accept([rowOf(number)]);
      await deliverOwn(dry);
    }
    expect(await known(dry, "b1", "late")).toEqual([true, true]);
    await dry.retryNow(LANE);
    await deliverOwn(dry);
    await dry.accept([rowOf(COUNT + 1)]);
    expect(await known(dry, "b1", "late")).toEqual([false, false]);
    await deliverOwn(dry);
    expect(await dry.run(RUN)).toMatchObject({ done: COUNT + 2, counts: { "companies/sent/updated": COUNT + 2 } });
  });

  it("is a short one below the limit", async () => {
    const dry = await openDry(base);
    for (let number = 1; number <= COUNT; number += 1) {
      await dry.accept([rowOf(number)]);
      await deliverOwn(dry);
    }
    expect(await known(dry, "b1", `b${COUNT}`)).toEqual([true, true]);
  });

  async function firstOf(dry: Store, hullId: string) {
    const entries = await dry.ready(LANE, "companies", 99);
    const found = entries.find((entry) => entry.hullId === hullId);
    if (found === undefined) throw new Error(`${hullId} waits.`);
    return found;
  }
});

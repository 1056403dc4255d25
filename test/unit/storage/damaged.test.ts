/** Bytes of values that change on the disk while the store is closed: it costs that record alone. */
import { REMOTES } from "../../../src/storage/tables/tables";
import { read } from "../../../src/storage/tables/view";
import { open as lmdb } from "lmdb";
import type { DamagedName } from "../../../src/storage/port/disk";
import { MOST_TABLES } from "../../../src/storage/database/lmdb";
import { createMemoryDatabase } from "../../../src/storage/database/memory";
import { DamagedRow, type Database, type Rows } from "../../../src/storage/database/rows";
import { damage, damageRow } from "../../fixture/damage";
import { auditOf } from "./audit";
import { blockOn, deliver, deliverQuietly, finish, LANE, NEIGHBOUR, skipFor, update, userUpdate } from "./builders";
import { actionsOn, openStore, setUpDatabases, START_MS } from "./fixture";

const { makeFolder, openDatabase } = setUpDatabases();
const NAMES = ["a1", "a2", "a3"];

type Opened = Awaited<ReturnType<typeof open>>;

async function open(folder: string) {
  const damaged: DamagedName[] = [];
  const database = openDatabase("lmdb", folder);
  const store = await openStore({ database, now: () => START_MS, onDamaged: (row) => damaged.push(row) });
  return { store, database, damaged, ...actionsOn(store) };
}

/** A store that was filled, closed and damaged: a text of a value, or the row of a table whose key ends with an id. */
async function damagedStore(
  fill: (filled: Opened) => Promise<unknown>,
  what: string | { readonly table: string; readonly last: string },
  seed: number,
): Promise<Opened> {
  const folder = makeFolder();
  const filled = await open(folder);
  await filled.install();
  await fill(filled);
  await filled.database.close();
  if (typeof what === "string") damage(folder, what, seed);
  else await damageRow(folder, what.table, what.last, seed);
  return open(folder);
}

/** Content that stands apart from its record. */
const LARGE = "x".repeat(9_000);

describe.each([1, 2, 3])("a store with a damaged value (seed %i)", (seed) => {
  it("ends what waited, named, and delivers the others", async () => {
    const { store, database, damaged, outcomes, settle, record } = await damagedStore(
      ({ store }) => {
        const messages = NAMES.map((id) => update({ id: `m-${id}`, hullId: id, fields: { name: `Entry ${id} Inc.` } }));
        return store.accept(messages);
      },
      "Entry a2 Inc.",
      seed,
    );
    expect(await store.recover(LANE, 0)).toMatchObject({ recovered: 0 });
    const ready = await store.ready(LANE, "companies", 99);
    expect(ready.map(({ hullId }) => hullId)).toEqual(["a1", "a3"]);
    await settle(...ready.map((entry) => deliverQuietly(entry, `p-${entry.hullId}`)));
    expect(damaged).toEqual([{ table: "records", tenant: LANE.tenant, type: "companies", hullId: "a2" }]);
    expect(await outcomes()).toEqual({ "companies/sent/updated": 2, "companies/dead/damaged": 1 });
    expect(await store.depth(LANE)).toEqual({ outbox: 0, hullUpdates: 0 });
    expect(await auditOf(database)).toEqual([]);
    // A create may have been behind it: the next message looks for the record before it makes one.
    const { last, unconfirmed } = await record("companies", "a2");
    expect(last).toMatchObject({ messageId: "", outcome: "dead", code: "damaged" });
    expect(unconfirmed).toEqual({ sinceMs: START_MS, reads: 0 });
    await store.accept([update({ id: "m-again", hullId: "a2", version: 2 })]);
    expect(await store.ready(LANE, "companies", 99)).toMatchObject([{ hullId: "a2", unconfirmed: { reads: 0 } }]);
  });

  it("frees who waits for it, so that the record is made anew for them", async () => {
    const { store, database, outcomes, settle, first, entry } = await damagedStore(
      async ({ accept, entry, settle }) => {
        await accept(update({ id: "m-a1", hullId: "a1", fields: { name: "Entry a1 Inc." } }));
        await accept(userUpdate({ parent: "a1", id: "m-e1" }));
        await settle(blockOn(await entry("endusers", "e1")));
      },
      "Entry a1 Inc.",
      seed,
    );
    expect(await store.ready(LANE, "companies", 99)).toEqual([]);
    expect(await outcomes()).toEqual({ "companies/dead/damaged": 1 });
    expect(await auditOf(database)).toEqual([]);
    await settle(blockOn(await first(LANE, "endusers")));
    expect(await store.ready(LANE, "companies", 99)).toMatchObject([
      { hullId: "a1", content: { derived: true }, unconfirmed: { reads: 0 } },
    ]);
    expect((await entry("endusers", "e1")).blockedOn).toBe("a1");
    expect(await auditOf(database)).toEqual([]);
  });

  it("knows nothing any more of a record of the service, but who is linked to it", async () => {
    const { store, database, damaged } = await damagedStore(
      async ({ store, write }) => {
        for (const id of NAMES) {
          const keys = { externalId: `Mirror ${id} Key` };
          const facts = { name: { remote: "n", sent: "n" } };
          await write(update({ id: `m-${id}`, hullId: id }), `p-${id}`, { keys, facts });
        }
        await store.noteScan(LANE.remote, "companies", { startedAtMs: 5, size: 3 });
      },
      "Mirror a2 Key",
      seed,
    );
    const mirrors = await store.mirrors(LANE, "companies", ["p-a1", "p-a2", "p-a3"]);
    expect(damaged).toEqual([{ table: "mirror", type: "companies", remoteId: "p-a2" }]);
    expect(mirrors.map((row) => row?.linkedTo)).toEqual(NAMES);
    expect(mirrors.map((row) => Object.keys(row?.facts ?? {}))).toEqual([["name"], [], ["name"]]);
    expect(mirrors[1]).toMatchObject({ complete: false, keys: {} });
    expect(await store.candidates(LANE, "companies", [{ name: "externalId", value: "mirror a2 key" }])).toEqual([]);
    // The last scan proves no absence any more.
    expect((await store.remote(LANE.remote)).scans).toMatchObject({ companies: { startedAtMs: 0 } });
    expect(await auditOf(database)).toEqual([]);
  });

  it("finds the link of a Hull record again, so that nothing is made a second time", async () => {
    const { store, database, damaged, record, first } = await damagedStore(
      async ({ write }) => {
        for (const id of NAMES) {
          const message = update({ id: `Record ${id} Message`, hullId: id });
          await write({ ...message, claims: { external_id: id } }, `p-${id}`);
        }
      },
      "Record a2 Message",
      seed,
    );
    await store.accept([update({ id: "m-new", hullId: "a2", version: 2 })]);
    expect(damaged).toEqual([{ table: "records", type: "companies", hullId: "a2" }]);
    expect(await record("companies", "a2")).toMatchObject({ remoteId: "p-a2", generation: 1, messageId: "m-new" });
    expect((await first(LANE, "companies")).unconfirmed).toBeUndefined();
    expect(await store.findBy(LANE, "companies", { name: "external_id", value: "a2" }, 9)).toEqual(["a2"]);
    expect(await auditOf(database)).toEqual([]);
  });

  it("looks for a record first of which it lost whether it was ever made", async () => {
    const { store, database, damaged, first } = await damagedStore(
      async ({ accept, entry, settle }) => {
        await accept(update({ id: "Record a1 Message", hullId: "a1" }));
        await settle(finish(await entry("companies", "a1"), "skipped", "missing_identity"));
      },
      "Record a1 Message",
      seed,
    );
    await store.accept([update({ id: "m-new", hullId: "a1", version: 2 })]);
    expect(damaged.map(({ table }) => table)).toEqual(["records"]);
    expect((await first(LANE, "companies")).unconfirmed).toEqual({ sinceMs: START_MS, reads: 0 });
    expect(await auditOf(database)).toEqual([]);
  });

  it("counts what Hull was still to be told as ended, once", async () => {
    const { store, database, damaged, outcomes } = await damagedStore(
      async ({ accept, entry, settle }) => {
        for (const id of NAMES) {
          await accept(update({ id: `m-${id}`, hullId: id }));
          const tell = { attributes: { "planhat/id": `p-${id}`, "planhat/name": `Told ${id} Inc.` } };
          await settle(deliver(await entry("companies", id), `p-${id}`, { tell }));
        }
      },
      "Told a2 Inc.",
      seed,
    );
    const rows = await store.hullUpdates(LANE, 99);
    expect(rows.map(({ hullId }) => hullId)).toEqual(["a1", "a3"]);
    await store.confirmed(
      LANE,
      rows.map((row) => ({ row })),
    );
    expect(damaged).toEqual([{ table: "records", tenant: LANE.tenant, type: "companies", hullId: "a2" }]);
    expect(await outcomes()).toEqual({ "companies/sent/updated": 2, "companies/dead/damaged": 1 });
    expect(await store.depth(LANE)).toEqual({ outbox: 0, hullUpdates: 0 });
    expect(await auditOf(database)).toEqual([]);
  });

  it.each(["waiting", "in flight"])("ends what was %s when its content stood apart, with its message", async (how) => {
    const { store, database, damaged, outcomes, record, find } = await damagedStore(
      async ({ store, attempt }) => {
        const fields = { name: LARGE };
        await store.accept(NAMES.map((id) => update({ id: `m-${id}`, hullId: id, ...(id === "a2" && { fields }) })));
        if (how === "in flight") await attempt("companies", "a2");
      },
      LARGE,
      seed,
    );
    expect(await find("companies", "a2")).toBeUndefined();
    expect(damaged).toEqual([{ table: "contents", tenant: LANE.tenant, type: "companies", hullId: "a2" }]);
    expect(await outcomes()).toEqual({ "companies/dead/damaged": 1 });
    expect((await store.ready(LANE, "companies", 9)).map(({ hullId }) => hullId)).toEqual(["a1", "a3"]);
    const { last, unconfirmed, messageId } = await record("companies", "a2");
    expect([last?.messageId, messageId]).toEqual(["m-a2", "m-a2"]);
    expect(unconfirmed).toEqual(how === "in flight" ? { sinceMs: START_MS, reads: 0 } : undefined);
    expect(await store.depth(LANE)).toEqual({ outbox: 2, hullUpdates: 0 });
    expect(await auditOf(database)).toEqual([]);
  });

  it("leaves a dead letter out of the list, with its index, and keeps its record", async () => {
    const { store, database, damaged, record } = await damagedStore(
      async ({ refuse }) => {
        for (const id of NAMES)
          await refuse(update({ id: `m-${id}`, hullId: id, fields: { name: `Dead ${id} Inc.` } }));
      },
      "Dead a2 Inc.",
      seed,
    );
    const { deadLetters } = await store.deadLetters({ tenant: LANE.tenant, limit: 99 });
    expect(deadLetters.map(({ hullId }) => hullId)).toEqual(["a1", "a3"]);
    expect(damaged).toEqual([{ table: "contents", tenant: LANE.tenant, type: "companies", hullId: "a2" }]);
    expect((await record("companies", "a2")).last).toMatchObject({ messageId: "m-a2", code: "refused" });
    expect(await auditOf(database)).toEqual([]);
  });

  it("removes everything else of a lost record: dead letter, rival, and what stood apart", async () => {
    const { store, database, record } = await damagedStore(
      async ({ refuse, write, start, settle }) => {
        await write(update({ id: "m-a1", hullId: "a1" }), "p-a1");
        await settle(skipFor(await start(update({ id: "m-a2", hullId: "a2" })), "p-a1"));
        await refuse(update({ id: "m-a2b", hullId: "a2", version: 2 }));
      },
      { table: "records", last: "a2" },
      seed,
    );
    expect(await store.deadLettersOf(LANE)).toEqual([]);
    expect(await record("companies", "a2")).toMatchObject({ version: 0, unconfirmed: { reads: 0 } });
    expect(await auditOf(database)).toEqual([]);
  });

  it("knows its connectors and its generation again when the row of a remote is damaged", async () => {
    const { store, database, damaged } = await damagedStore(
      async ({ store, install, write, block }) => {
        await install(NEIGHBOUR);
        await store.newGeneration(LANE.remote);
        await store.accept([update({ id: "n1", hullId: "a9", lane: NEIGHBOUR })]);
        await write(update({ hullId: "a1" }), "p-a1", { facts: { name: { remote: "n", sent: "ours" } } });
        await block({ parent: "a2" });
      },
      { table: "remotes", last: LANE.remote },
      seed,
    );
    expect(await store.remote(LANE.remote)).toMatchObject({ generation: 2 });
    expect(await read(database, (view) => view.get(REMOTES, [LANE.remote]))).toMatchObject({
      generation: 2,
      senders: [NEIGHBOUR.tenant, LANE.tenant],
      scans: {},
    });
    expect(damaged).toEqual([{ table: "remotes" }]);
    expect((await store.mirrors(LANE, "companies", ["p-a1"]))[0]?.facts).toEqual({ name: ["n", "ours", null] });
    const [theirs] = await store.mirrors(NEIGHBOUR, "companies", ["p-a1"]);
    expect(theirs?.facts["name"]?.slice(0, 2)).toEqual(["n", null]);
    expect(await auditOf(database)).toEqual([]);
  });

  it("ends a run of which a record was lost, once nothing waits any more", async () => {
    const { store, settle, outcomes } = await damagedStore(
      async ({ store }) => {
        const order = { tenant: LANE.tenant, kind: "batch", type: "companies", options: {} } as const;
        await store.beginRun({ id: "r1", ...order }, false);
        await store.accept(NAMES.map((id) => ({ ...update({ id: `r1/${id}`, hullId: id }), run: "r1" })));
        await store.changeRun("r1", { state: "running", complete: true });
      },
      { table: "records", last: "a2" },
      seed,
    );
    const ready = await store.ready(LANE, "companies", 9);
    expect(await store.openRuns()).toMatchObject([{ state: "running", total: 3 }]);
    await settle(...ready.map((entry) => deliverQuietly(entry, `p-${entry.hullId}`)));
    expect(await store.openRuns()).toMatchObject([{ state: "success", total: 3, done: 2 }]);
    expect(await outcomes()).toEqual({ "companies/sent/updated": 2, "companies/dead/damaged": 1 });
  });

  it("forgets a run with its counts and its report", async () => {
    const order = { tenant: LANE.tenant, kind: "batch", type: "companies", options: { verbose: true } } as const;
    const { store, database, damaged } = await damagedStore(
      async ({ store }) => {
        for (const id of ["r1", "r2"]) {
          await store.beginRun({ id, ...order }, false);
          await store.report(id, [{ type: "companies", hullId: "a1", outcome: "sent", code: "updated", text: "" }]);
        }
      },
      { table: "runs", last: "r1" },
      seed,
    );
    expect(await store.run("r1")).toBeUndefined();
    expect(damaged).toEqual([{ table: "runs" }]);
    expect((await store.runs({ tenant: LANE.tenant, limit: 9 })).map(({ id }) => id)).toEqual(["r2"]);
    expect((await store.openRuns()).map(({ id }) => id)).toEqual(["r2"]);
    expect(await store.reportLines("r1", 0, 9)).toEqual([]);
    expect(await store.reportLines("r2", 0, 9)).toHaveLength(1);
    expect(await auditOf(database)).toEqual([]);
  });

  it.each([
    { table: "records.due", last: "a2" },
    { table: "records.waiting", last: "e1" },
    { table: "records.claims", last: "a2" },
    { table: "depth", last: "outbox" },
  ])("makes $table anew, and nothing is lost", async (row) => {
    const { store, database, damaged, accept } = await damagedStore(
      async ({ store, block }) => {
        const claims = { external_id: "a2" };
        await store.accept(NAMES.map((id) => ({ ...update({ id: `m-${id}`, hullId: id }), claims })));
        await block();
      },
      row,
      seed,
    );
    await accept(update({ id: "m-a4", hullId: "a4" }));
    expect((await store.ready(LANE, "companies", 9)).map(({ hullId }) => hullId)).toEqual([...NAMES, "a4"]);
    expect(await store.findBy(LANE, "companies", { name: "external_id", value: "a2" }, 9)).toEqual(NAMES);
    expect((await store.laneHealth(LANE, [])).outbox).toBe(5);
    expect(await auditOf(database)).toEqual([]);
    expect(damaged).toEqual([{ table: row.table }]);
  });

  it("mends a row whose mending meets another damaged one, and loses nothing of the others", async () => {
    const folder = makeFolder();
    const filled = await open(folder);
    await filled.install();
    await filled.store.accept(NAMES.map((id) => update({ id: `m-${id}`, hullId: id })));
    await filled.database.close();
    await damageRow(folder, "records", "a2", seed);
    await damageRow(folder, "records.due", "a2", seed);
    await damageRow(folder, "remotes", LANE.remote, seed);
    await damageRow(folder, "depth", "outbox", seed);
    const { store, database, damaged, outcomes } = await open(folder);
    expect((await store.ready(LANE, "companies", 9)).map(({ hullId }) => hullId)).toEqual(["a1", "a3"]);
    expect(new Set(damaged.map(({ table }) => table))).toEqual(new Set(["records", "records.due", "remotes", "depth"]));
    expect(await store.depth(LANE)).toEqual({ outbox: 2, hullUpdates: 0 });
    expect(await outcomes()).toEqual({ "companies/dead/damaged": 1 });
    expect(await auditOf(database)).toEqual([]);
  });

  it("is told once of a row that several meet at the same time", async () => {
    const { store, damaged, outcomes } = await damagedStore(
      ({ store }) => store.accept(NAMES.map((id) => update({ id: `m-${id}`, hullId: id }))),
      { table: "records", last: "a2" },
      seed,
    );
    await Promise.all([1, 2, 3].map(() => store.ready(LANE, "companies", 9)));
    expect(damaged).toHaveLength(1);
    expect(await outcomes()).toEqual({ "companies/dead/damaged": 1 });
  });

  it("is without a connector's settings until its next message", async () => {
    const { store, damaged } = await damagedStore(
      ({ store }) =>
        store.saveTenant({
          key: "planhat/org/c9",
          organization: "org",
          connectorId: "c9",
          sealed: "Sealed c9",
          settingsAtMs: 1,
        }),
      "Sealed c9",
      seed,
    );
    expect((await store.tenants()).map(({ key }) => key)).toEqual([LANE.tenant]);
    expect(damaged).toEqual([{ table: "tenants", tenant: "planhat/org/c9" }]);
  });
});

test("children of a lost record are all freed, more than fit into one commit too", async () => {
  const ids = Array.from({ length: 600 }, (_, index) => `e${index}`);
  const { store, database } = await damagedStore(
    async ({ store, accept, settle }) => {
      await accept(update({ id: "m-a1", hullId: "a1" }));
      await store.accept(ids.map((id) => userUpdate({ parent: "a1", id, hullId: id })));
      await settle(...(await store.ready(LANE, "endusers", 999)).map(blockOn));
    },
    { table: "records", last: "a1" },
    1,
  );
  await store.ready(LANE, "companies", 9);
  expect(await store.ready(LANE, "endusers", 999)).toHaveLength(ids.length);
  expect(await auditOf(database)).toEqual([]);
});

test("a row that stays damaged is thrown, and not mended for ever", async () => {
  const database = createMemoryDatabase();
  const broken: Database = {
    ...database,
    read: (work) => database.read((rows) => work(withDamage(rows))),
    write: (work) => database.write((rows) => work(withDamage(rows))),
  };
  const damaged: DamagedName[] = [];
  const store = await openStore({ database: broken, now: () => START_MS, onDamaged: (row) => damaged.push(row) });
  await expect(store.tenant(LANE.tenant)).rejects.toThrow(/"tenants" cannot be read/);
  expect(damaged).toEqual([{ table: "tenants", tenant: LANE.tenant }]);
});

function withDamage(rows: Rows): Rows {
  return {
    ...rows,
    get: (table, key) => {
      if (table === "tenants") throw new DamagedRow(table, key);
      return rows.get(table, key);
    },
  };
}

test("a value without a check is read as it is, and what is written from then on carries one", async () => {
  const folder = makeFolder();
  const filled = await open(folder);
  await filled.accept(update({ id: "m-old", hullId: "a1", fields: { name: "Entry old Inc." } }));
  await filled.database.close();
  expect(await withoutChecks(folder)).toBeGreaterThan(0);
  const { store, database } = await open(folder);
  await store.accept([update({ id: "m-new", hullId: "a2", fields: { name: "Entry new Inc." } })]);
  expect((await store.ready(LANE, "companies", 9)).map(({ hullId }) => hullId)).toEqual(["a1", "a2"]);
  await database.close();
  // The old value has nothing that would show it; the new one has.
  damage(folder, "Entry new Inc.", 1);
  const { store: later, damaged } = await open(folder);
  expect((await later.ready(LANE, "companies", 9)).map(({ hullId }) => hullId)).toEqual(["a1"]);
  expect(damaged.map(({ hullId }) => hullId)).toEqual(["a2"]);
});

/** What a value with a check begins with, and how long its check is with it. */
const CHECKED = 0xc1;
const HEAD_BYTES = 5;

/** Takes the checks of a closed store away, as values of before have none. @returns how many */
async function withoutChecks(path: string): Promise<number> {
  const root = lmdb({ path, maxDbs: MOST_TABLES });
  let stripped = 0;
  for (const name of [...root.getKeys()].map(String)) {
    const table = root.openDB<Buffer, Buffer>({ name, encoding: "binary", keyEncoding: "binary" });
    const rows = [...table.getRange()].map(({ key, value }) => [Buffer.from(key), Buffer.from(value)] as const);
    for (const [key, value] of rows.filter(([, bytes]) => bytes[0] === CHECKED)) {
      table.putSync(key, value.subarray(HEAD_BYTES));
      stripped += 1;
    }
  }
  await root.close();
  return stripped;
}

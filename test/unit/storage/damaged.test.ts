/** Bytes of values that change on the disk while the store is closed: it costs that record alone. */
import { createEmbeddedStore } from "../../../src/storage/embedded";
import type { DamagedName } from "../../../src/storage/port/disk";
import { openUpgraded } from "../../../src/storage/data-folder/upgrade";
import { FORMAT } from "../../../src/storage/tables/tables";
import { damage } from "../../fixture/damage";
import { auditOf } from "./audit";
import { blockOn, deliver, deliverQuietly, finish, LANE, update, userUpdate } from "./builders";
import { makeFormatFive } from "./format-five";
import { actionsOn, setUpDatabases, START_MS } from "./fixture";

const { makeFolder, openDatabase } = setUpDatabases();
const NAMES = ["a1", "a2", "a3"];

type Opened = Awaited<ReturnType<typeof open>>;

async function open(folder: string) {
  const damaged: DamagedName[] = [];
  const kv = openDatabase("lmdb", folder);
  const store = await createEmbeddedStore({ kv, now: () => START_MS, onDamaged: (row) => damaged.push(row) });
  return { store, kv, damaged, ...actionsOn(store) };
}

/** A store that was filled, closed and damaged. */
async function damagedStore(fill: (filled: Opened) => Promise<unknown>, text: string, seed: number): Promise<Opened> {
  const folder = makeFolder();
  const filled = await open(folder);
  await filled.install();
  await fill(filled);
  await filled.kv.close();
  damage(folder, text, seed);
  return open(folder);
}

describe.each([1, 2, 3])("a store with a damaged value (seed %i)", (seed) => {
  it("ends what waited, named, and delivers the others", async () => {
    const { store, kv, damaged, outcomes, settle, record } = await damagedStore(
      ({ store }) => {
        const messages = NAMES.map((id) => update({ id: `m-${id}`, hullId: id, fields: { name: `Entry ${id} Inc.` } }));
        return store.accept(messages);
      },
      "Entry a2 Inc.",
      seed,
    );
    expect(await store.recover(LANE, 0)).toBe(0);
    const ready = await store.ready(LANE, "companies", 99);
    expect(ready.map(({ hullId }) => hullId)).toEqual(["a1", "a3"]);
    await settle(...ready.map((entry) => deliverQuietly(entry, `p-${entry.hullId}`)));
    expect(damaged).toEqual([{ table: "outbox", tenant: LANE.tenant, type: "companies", hullId: "a2" }]);
    expect(await outcomes()).toEqual({ "companies/sent/updated": 2, "companies/dead/damaged": 1 });
    expect(await store.depth(LANE)).toEqual({ outbox: 0, hullUpdates: 0 });
    expect(auditOf(kv)).toEqual([]);
    // A create may have been behind it: the next message looks for the record before it makes one.
    const { last, unconfirmed } = await record("companies", "a2");
    expect(last).toMatchObject({ messageId: "m-a2", outcome: "dead", code: "damaged" });
    expect(unconfirmed).toEqual({ sinceMs: START_MS, reads: 0 });
    await store.accept([update({ id: "m-again", hullId: "a2", version: 2 })]);
    expect(await store.ready(LANE, "companies", 99)).toMatchObject([{ hullId: "a2", unconfirmed: { reads: 0 } }]);
  });

  it("ends who waits for it as well, with its parent's name", async () => {
    const { store, kv, outcomes } = await damagedStore(
      async ({ accept, entry, settle }) => {
        await accept(update({ id: "m-a1", hullId: "a1", fields: { name: "Entry a1 Inc." } }));
        await accept(userUpdate({ parent: "a1", id: "m-e1" }));
        await settle(blockOn(await entry("endusers", "e1")));
      },
      "Entry a1 Inc.",
      seed,
    );
    expect(await store.ready(LANE, "companies", 99)).toEqual([]);
    expect(await outcomes()).toEqual({ "companies/dead/damaged": 1, "endusers/dead/parent_dead": 1 });
    expect((await store.deadLettersOf(LANE)).map(({ hullId }) => hullId)).toEqual(["e1"]);
    expect(auditOf(kv)).toEqual([]);
  });

  it("knows nothing any more of a record of the service, but who is linked to it", async () => {
    const { store, kv, damaged } = await damagedStore(
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
    expect(auditOf(kv)).toEqual([]);
  });

  it("finds the link of a Hull record again, so that nothing is made a second time", async () => {
    const { store, kv, damaged, record, first } = await damagedStore(
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
    expect(auditOf(kv)).toEqual([]);
  });

  it("looks for a record first of which it lost whether it was ever made", async () => {
    const { store, kv, damaged, first } = await damagedStore(
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
    expect(auditOf(kv)).toEqual([]);
  });

  it("counts what Hull was still to be told as ended, once", async () => {
    const { store, kv, damaged, outcomes } = await damagedStore(
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
    expect(damaged).toEqual([{ table: "tells", tenant: LANE.tenant, type: "companies", hullId: "a2" }]);
    expect(await outcomes()).toEqual({ "companies/sent/updated": 2, "companies/dead/damaged": 1 });
    expect(await store.depth(LANE)).toEqual({ outbox: 0, hullUpdates: 0 });
    expect(auditOf(kv)).toEqual([]);
  });

  it("leaves a dead letter out of the list, with its index", async () => {
    const { store, kv, damaged } = await damagedStore(
      async ({ refuse }) => {
        for (const id of NAMES)
          await refuse(update({ id: `m-${id}`, hullId: id, fields: { name: `Dead ${id} Inc.` } }));
      },
      "Dead a2 Inc.",
      seed,
    );
    const { deadLetters } = await store.deadLetters({ tenant: LANE.tenant, limit: 99 });
    expect(deadLetters.map(({ hullId }) => hullId)).toEqual(["a1", "a3"]);
    expect(damaged).toEqual([{ table: "dead", tenant: LANE.tenant, type: "companies", hullId: "a2" }]);
    expect(auditOf(kv)).toEqual([]);
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

test("a store of format 5 is read as it is, and what is written from then on carries a check", async () => {
  const folder = makeFolder();
  const filled = await open(folder);
  await filled.accept(update({ id: "m-old", hullId: "a1", fields: { name: "Entry old Inc." } }));
  await filled.kv.close();
  expect(await makeFormatFive(folder)).toBeGreaterThan(0);
  const kv = await openUpgraded(folder, "planhat", undefined);
  expect(kv.table("meta").get(["format"])).toBe(FORMAT);
  const store = await createEmbeddedStore({ kv, now: () => START_MS });
  await store.accept([update({ id: "m-new", hullId: "a2", fields: { name: "Entry new Inc." } })]);
  expect((await store.ready(LANE, "companies", 9)).map(({ hullId }) => hullId)).toEqual(["a1", "a2"]);
  await kv.close();
  // The old value has nothing that would show it; the new one has.
  damage(folder, "Entry new Inc.", 1);
  const { store: later, damaged } = await open(folder);
  expect((await later.ready(LANE, "companies", 9)).map(({ hullId }) => hullId)).toEqual(["a1"]);
  expect(damaged.map(({ hullId }) => hullId)).toEqual(["a2"]);
});

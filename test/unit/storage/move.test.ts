/** A store that is copied into another database is the same store, sealed for the key of its new place. */
import chunk from "lodash/chunk";
import range from "lodash/range";
import type { Database } from "../../../src/storage/database/rows";
import { createSeal, grantPlace, runPlace, tenantPlace, valuePlace } from "../../../src/storage/port/seal";
import { moveStore, type Moved } from "../../../src/storage/move";
import type { Reseal } from "../../../src/storage/tables/sealed";
import { LEASES, META, RENEWALS, TABLE_NAMES } from "../../../src/storage/tables/tables";
import { auditOf } from "./audit";
import { LANE, tenantRow, update, userUpdate } from "./builders";
import { actionsOn, openStore, setUpDatabases, START_MS, type Adapter } from "./fixture";

const { openDatabase } = setUpDatabases();

const [OURS, THEIRS] = [createSeal("the key of the source, 1"), createSeal("the key of the target, 2")];
const toTheirs: Reseal = (sealed, place) => THEIRS.seal(OURS.open(sealed, place), place);
const toOurs: Reseal = (sealed, place) => OURS.seal(THEIRS.open(sealed, place), place);

const RUN = { id: "2025-run", tenant: LANE.tenant };
const LARGE = "x".repeat(10_000);

const open = (database: Database) => openStore({ database, now: () => START_MS });

const salary = (type: string, hullId: string) => {
  const place = valuePlace(LANE.tenant, { type, hullId }, "salary");
  return { sealed: OURS.seal('"4711"', place), mark: "mark" };
};

/** Records that wait, are in flight, were refused or are held by the service; a run, and what somebody granted. */
async function fill(database: Database): Promise<void> {
  const store = await open(database);
  const { accept, install, refuse, start, write } = actionsOn(store);
  await install();
  await store.saveTenant(tenantRow({ sealed: OURS.seal("settings", tenantPlace(LANE.tenant)), settingsAtMs: 2 }));
  await store.replaceGrant(LANE.tenant, undefined, OURS.seal("granted", grantPlace(LANE.tenant)));
  await store.beginRun(
    { ...RUN, kind: "batch", type: "endusers", options: {}, order: OURS.seal("order", runPlace(RUN)) },
    false,
  );
  await store.claimNotification("n1", LANE.tenant);
  const companies = range(1_100).map((number) => update({ hullId: `a${number}`, id: `c${number}` }));
  for (const some of chunk(companies, 100)) await store.accept(some);
  await write(update({ hullId: "held", id: "c-held" }), "p1", { keys: { externalId: "held" } });
  const fields = { salary: salary("endusers", "e1"), note: LARGE };
  await accept(userUpdate({ parent: "held", hullId: "e1", id: "u1", fields }));
  await refuse(userUpdate({ parent: "held", hullId: "e2", id: "u2", fields: { salary: salary("endusers", "e2") } }));
  await start(userUpdate({ parent: "held", hullId: "e3", id: "u3", fields: { salary: salary("endusers", "e3") } }));
}

/** Everything in order, without what leases say. */
const rowsOf = (database: Database): Promise<Readonly<Record<string, unknown>>> =>
  database.read((rows) =>
    Object.fromEntries(
      TABLE_NAMES.filter((table) => table !== LEASES.name && table !== RENEWALS.name).map((table) => [
        table,
        JSON.parse(JSON.stringify([...rows.range(table, [])])) as unknown,
      ]),
    ),
  );

/** Encrypted texts differ each time. */
const withoutTexts = (rows: Readonly<Record<string, unknown>>): unknown =>
  JSON.parse(JSON.stringify(rows).replaceAll(/"[\w-]{40,9000}"/g, '"sealed"'));

async function move(from: Database, to: Database, reseal: Reseal): Promise<Moved> {
  const moved = await moveStore({ from, to, reseal });
  expect(moved.unopened).toBe(0);
  return moved;
}

describe.each<readonly [Adapter, Adapter]>([
  ["lmdb", "redis"],
  ["redis", "lmdb"],
])("from %s to %s", (here, there) => {
  test("everything is there, for the other key, and comes back as it was", async () => {
    const [source, target, back] = [openDatabase(here), openDatabase(there), openDatabase(here)];
    await fill(source);
    const { tables } = await move(source, target, toTheirs);
    expect(tables.find(({ table }) => table === "records")).toEqual({ table: "records", rows: 1_104 });
    expect(withoutTexts(await rowsOf(target))).toEqual(withoutTexts(await rowsOf(source)));
    expect(await auditOf(target)).toEqual([]);

    const store = await open(target);
    expect(THEIRS.open((await store.tenant(LANE.tenant))?.sealed ?? "", tenantPlace(LANE.tenant))).toBe("settings");
    expect(THEIRS.open((await store.grant(LANE.tenant)) ?? "", grantPlace(LANE.tenant))).toBe("granted");
    expect(THEIRS.open((await store.run(RUN.id))?.order ?? "", runPlace(RUN))).toBe("order");
    const { entry } = actionsOn(store);
    const waits = (await entry("endusers", "e1")).content;
    const [deadLetter] = await store.deadLettersOf(LANE);
    const flies = (await entry("endusers", "e3")).attempt?.content;
    expect(waits?.desired.fields["note"]).toBe(LARGE);
    for (const [content, hullId] of [
      [waits, "e1"],
      [deadLetter?.content, "e2"],
      [flies, "e3"],
    ] as const) {
      const { sealed, mark } = content?.desired.fields["salary"] as { sealed: string; mark: string };
      expect(THEIRS.open(sealed, valuePlace(LANE.tenant, { type: "endusers", hullId }, "salary"))).toBe('"4711"');
      expect(mark).toBe("mark");
    }

    await move(target, back, toOurs);
    const [first, last] = [await rowsOf(source), await rowsOf(back)];
    // The target was opened once.
    expect(withoutTexts({ ...last, [META.name]: 0 })).toEqual(withoutTexts({ ...first, [META.name]: 0 }));
  }, 60_000);

  test("whoever comes first waits, and recovers what was in flight", async () => {
    const [source, target] = [openDatabase(here), openDatabase(there)];
    await fill(source);
    await move(source, target, toTheirs);
    const store = await open(target);
    expect(await store.lease(LANE.remote)).toMatchObject({ renewals: 0 });
  }, 60_000);

  test("a target that is not empty is refused, and a copy that was not finished is not read", async () => {
    const [source, target] = [openDatabase(here), openDatabase(there)];
    await fill(source);
    const reseal: Reseal = (sealed, place) => {
      if (place.startsWith("grant/")) throw new Error("The machine fell over.");
      return toTheirs(sealed, place);
    };
    const falling: Database = {
      ...target,
      write: (work) =>
        target.write((rows) => {
          const { result, changes } = work(rows);
          if (changes.some(({ table }) => table === "grants")) throw new Error("The machine fell over.");
          return { result, changes };
        }),
    };
    await expect(moveStore({ from: source, to: falling, reseal })).rejects.toThrow("fell over");
    await expect(open(target)).rejects.toThrow("The stored data has format 0");
    await expect(moveStore({ from: source, to: target, reseal })).rejects.toThrow("not finished");
    await expect(moveStore({ from: source, to: source, reseal: toTheirs })).rejects.toThrow("The target is not empty");
  }, 60_000);
});

test("a key that opens no settings is refused before anything is written; a single text that does not open stays", async () => {
  const [source, target] = [openDatabase("memory"), openDatabase("memory")];
  await fill(source);
  await expect(moveStore({ from: source, to: target, reseal: toOurs })).rejects.toThrow("SECRET is not the key");
  expect(await target.read((rows) => TABLE_NAMES.every((table) => rows.size(table, []) === 0))).toBe(true);

  const reseal: Reseal = (sealed, place) => {
    if (place.startsWith("grant/")) throw new Error("Another key.");
    return toTheirs(sealed, place);
  };
  const { unopened } = await moveStore({ from: source, to: target, reseal });
  expect(unopened).toBe(1);
  const grant = (await (await open(target)).grant(LANE.tenant)) ?? "";
  expect(OURS.open(grant, grantPlace(LANE.tenant))).toBe("granted");
});

test("where there is no store there is nothing to move", async () => {
  const databases = { from: openDatabase("memory"), to: openDatabase("memory") };
  await expect(moveStore({ ...databases, reseal: toTheirs })).rejects.toThrow("There is no store at the source.");
});

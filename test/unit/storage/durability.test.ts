import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createLmdbDatabase } from "../../../src/storage/database/lmdb";
import { createMemoryDatabase } from "../../../src/storage/database/memory";
import type { Database } from "../../../src/storage/database/rows";
import type { Store } from "../../../src/storage/port/store";
import { FORMAT } from "../../../src/storage/tables/tables";
import { auditOf } from "./audit";
import { readRow, writeRow } from "../../fixture/rows";
import { actionsOn, openStore, setUpDatabases } from "./fixture";
import { blockOn, deliver, finish, LANE, skip, update, userUpdate } from "./builders";

const { makeFolder, openDatabase } = setUpDatabases();
const now = (): number => 1_750_000_000_000;

/** Something of everything: waiting, blocked, in flight, to be told, dead, held, counted. */
async function fill(store: Store): Promise<void> {
  const { attempt, entry, install } = actionsOn(store);
  await install();
  await store.accept(["a1", "a2", "a3", "a4"].map((hullId, index) => update({ id: `c${index}`, hullId })));
  await store.accept([skip({ id: "c9", hullId: "a9" }), userUpdate({ parent: "a5" })]);
  await store.settle(LANE, [
    deliver(await entry("companies", "a1"), "p1", {
      mirror: { keys: { externalId: "X" }, facts: { name: { sent: "n" } } },
    }),
    finish(await entry("companies", "a2"), "rejected", "refused"),
    blockOn(await entry("endusers", "e1")),
  ]);
  await attempt("companies", "a3");
  await store.observe(LANE.remote, "companies", 5, 0, [], { startedAtMs: 5, size: 1 });
  await store.pause(LANE, "*", { kind: "auth", message: "401", sinceMs: 1, untilMs: 2 });
  await store.claimNotification("n1", LANE.tenant);
}

async function everythingOf(store: Store): Promise<unknown> {
  return {
    tenants: await store.tenants(),
    remote: await store.remote(LANE.remote),
    companies: await store.view(LANE, "companies", ["a1", "a2", "a3", "a4", "a5", "a9"]),
    endusers: await store.view(LANE, "endusers", ["e1"]),
    ready: await store.ready(LANE, "companies", 99),
    hullUpdates: await store.hullUpdates(LANE, 99),
    dead: await store.deadLettersOf(LANE),
    holds: await store.pauses(LANE),
    tally: await store.tally(LANE.tenant),
    depth: await store.depth(LANE),
    lanes: await store.lanes(),
    candidates: await store.candidates(LANE, "companies", [{ name: "externalId", value: "x" }]),
  };
}

describe("data on disk", () => {
  let folder: string;
  beforeEach(() => {
    folder = makeFolder();
  });

  const open = async (): Promise<{ store: Store; database: Database }> => {
    const database = createLmdbDatabase(folder);
    return { database, store: await openStore({ database, now }) };
  };

  it("is all there after the store was closed and opened again", async () => {
    const first = await open();
    await fill(first.store);
    const before = await everythingOf(first.store);
    await first.store.close();

    const second = await open();
    expect(await everythingOf(second.store)).toEqual(before);
    expect(await auditOf(second.database)).toEqual([]);
    expect(await second.store.claimNotification("n1", "planhat/org/c2")).toBe(false);
    await second.store.accept([update({ id: "c10", hullId: "a10" })]);
    const last = (await second.store.ready(LANE, "companies", 99)).at(-1);
    expect(last?.hullId).toBe("a10");
    await second.store.close();
  });

  it("goes on where it stood: what was in flight is in doubt, the rest as it was", async () => {
    const first = await open();
    await fill(first.store);
    await first.store.close();
    const second = await open();
    expect(await second.store.recover(LANE, 3_000)).toMatchObject({ recovered: 1 });
    const [view] = await second.store.view(LANE, "companies", ["a3"]);
    expect(view?.entry).toMatchObject({ unconfirmed: { reads: 0 }, notBeforeMs: now() + 3_000 });
    expect(await auditOf(second.database)).toEqual([]);
    await second.store.close();
  });

  it("reads the same from disk and from memory", async () => {
    const disk = await open();
    const database = createMemoryDatabase();
    const memory = await openStore({ database, now });
    await fill(disk.store);
    await fill(memory);
    expect(await everythingOf(disk.store)).toEqual(await everythingOf(memory));
    await disk.store.close();
  });
});

describe("data of another format", () => {
  it("is refused with what to do, and left as it is", async () => {
    const database = createMemoryDatabase();
    await writeRow(database, "meta", ["format"], FORMAT + 1);
    await expect(openStore({ database, now })).rejects.toThrow(
      new RegExp(`format ${FORMAT + 1}.*format ${FORMAT}.*DATA_DIR`, "s"),
    );
    expect(await readRow(database, "meta", ["format"])).toBe(FORMAT + 1);
  });

  it.each([0, 1])("is refused on disk, too: %i", async (format) => {
    const database = openDatabase("lmdb");
    await writeRow(database, "meta", ["format"], format);
    await expect(openStore({ database, now })).rejects.toThrow(`format ${format},`);
  });

  it("is written at the first start", async () => {
    const database = createMemoryDatabase();
    await openStore({ database, now });
    expect(await readRow(database, "meta", ["format"])).toBe(FORMAT);
  });
});

describe("a file that is no store", () => {
  it("is refused with a sentence, and left as it is", () => {
    const folder = makeFolder();
    const file = join(folder, "data.mdb");
    writeFileSync(file, "something else, long enough to be read ".repeat(400));
    expect(() => createLmdbDatabase(folder)).toThrow(/cannot be read.*backup.*DATA_DIR/s);
    expect(readFileSync(file, "utf8")).toMatch(/^something else/);
  });
});

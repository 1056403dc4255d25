/** A store that is copied into another database is the same store, sealed for the key of its new place. */
import chunk from "lodash/chunk";
import range from "lodash/range";
import type { Database } from "../../../src/storage/database/rows";
import { createSeal, grantPlace, runPlace, tenantPlace, valuePlace } from "../../../src/storage/port/seal";
import { moveStore, type Moved, type MovePlace, type Progress } from "../../../src/storage/move";
import { LEASES, META, RENEWALS, TABLE_NAMES } from "../../../src/storage/tables/tables";
import { auditOf } from "./audit";
import { deliverQuietly, LANE, tenantRow, update, userUpdate } from "./builders";
import { actionsOn, openStore, setUpDatabases, START_MS, type Adapter } from "./fixture";

const { openDatabase } = setUpDatabases();

const [OURS, THEIRS] = [createSeal("the key of the source, 1"), createSeal("the key of the target, 2")];
const ours = (database: Database): MovePlace => ({ name: "ours", database, seal: OURS });
const theirs = (database: Database): MovePlace => ({ name: "theirs", database, seal: THEIRS });

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

const move = (from: MovePlace, to: MovePlace, usedBy?: string): Promise<Moved> =>
  moveStore({ from, to, usedBy: () => Promise.resolve(usedBy) });

const written = ({ tables }: Moved): Readonly<Record<string, readonly [written: number, removed: number]>> =>
  Object.fromEntries(
    tables
      .filter((each) => each.written + each.removed > 0)
      .map((each) => [each.table, [each.written, each.removed] as const]),
  );

/** Its process is killed when it has made so many commits. */
function killedAfter(database: Database, commits: number): Database {
  let left = commits;
  return {
    ...database,
    write: (work) => ((left -= 1) < 0 ? Promise.reject(new Error("Killed.")) : database.write(work)),
  };
}

describe.each<readonly [Adapter, Adapter]>([
  ["lmdb", "redis"],
  ["redis", "lmdb"],
])("from %s to %s", (here, there) => {
  test("everything is there, for the other key, and comes back as it was", async () => {
    const [source, target, back] = [openDatabase(here), openDatabase(there), openDatabase(here)];
    await fill(source);
    const { tables, usedBy, unopened } = await move(ours(source), theirs(target));
    expect({ usedBy, unopened }).toEqual({ usedBy: undefined, unopened: 0 });
    expect(tables.find(({ table }) => table === "records")).toEqual({
      table: "records",
      rows: 1_104,
      written: 1_104,
      removed: 0,
    });
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

    await move(theirs(target), ours(back));
    const [first, last] = [await rowsOf(source), await rowsOf(back)];
    // The target was opened once.
    expect(withoutTexts({ ...last, [META.name]: 0 })).toEqual(withoutTexts({ ...first, [META.name]: 0 }));
  });

  test("whoever comes first waits, and recovers what was in flight", async () => {
    const [source, target] = [openDatabase(here), openDatabase(there)];
    await fill(source);
    await move(ours(source), theirs(target));
    const store = await open(target);
    expect(await store.lease(LANE.remote)).toMatchObject({ renewals: 0 });
  });

  test("killed in the middle, gone on with while servers write, finished when they have stopped", async () => {
    const [source, target] = [openDatabase(here), openDatabase(there)];
    await fill(source);
    // The mark, and the first commits of records.
    await expect(move(ours(source), theirs(killedAfter(target, 3)), "A server.")).rejects.toThrow("Killed.");
    await expect(open(target)).rejects.toThrow("The stored data has format 0");

    const first = await move(ours(source), theirs(target), "A server.");
    expect(first.usedBy).toBe("A server.");
    // What was there by then was not written again.
    expect(written(first)["records"]).toBeUndefined();
    expect(written(first)["mirror"]).toEqual([1, 0]);
    await expect(open(target)).rejects.toThrow("The stored data has format 0");

    const store = await open(source);
    const { accept, write, settle, attempt } = actionsOn(store);
    await write(update({ hullId: "held", id: "c-held-2" }), "p1", { keys: { externalId: "held again" } });
    await accept(update({ hullId: "new", id: "c-new" }));
    await settle(deliverQuietly(await attempt("companies", "a7"), "p7"));
    await store.replaceGrant(LANE.tenant, await store.grant(LANE.tenant), OURS.seal("anew", grantPlace(LANE.tenant)));
    const last = await move(ours(source), theirs(target));
    expect(last.usedBy).toBeUndefined();
    // Texts that are encrypted are compared by what they say.
    expect(written(last)).toMatchObject({ records: [3, 0], mirror: [2, 0], grants: [1, 0], "records.due": [1, 1] });
    expect(written(last)["contents"]).toBeUndefined();
    expect(written(last)["tenants"]).toBeUndefined();
    expect(withoutTexts(await rowsOf(target))).toEqual(withoutTexts(await rowsOf(source)));
    expect(await auditOf(target)).toEqual([]);
    expect(THEIRS.open((await (await open(target)).grant(LANE.tenant)) ?? "", grantPlace(LANE.tenant))).toBe("anew");
  });

  test("a target with something else is refused: a store, or a part of a copy of another place", async () => {
    const [source, target] = [openDatabase(here), openDatabase(there)];
    await fill(source);
    await move(ours(source), theirs(target), "A server.");
    await expect(move({ ...ours(source), name: "a copy of ours" }, theirs(target))).rejects.toThrow(
      "The target holds a part of a copy of ours, not of a copy of ours. If",
    );
    await expect(move(theirs(target), ours(openDatabase(here)))).rejects.toThrow("The source is itself a copy");
    await move(ours(source), theirs(target));
    await expect(move(ours(source), theirs(target))).rejects.toThrow("The target is not empty");
  });
});

test("a pass during which somebody opened the store, and closed it again, does not finish the copy", async () => {
  const [source, target] = [openDatabase("memory"), openDatabase("memory")];
  await fill(source);
  let asked = 0;
  const usedBy = async (): Promise<undefined> => {
    asked += 1;
    if (asked === 2) await open(source);
  };
  const moved = await moveStore({ from: ours(source), to: theirs(target), usedBy });
  expect(moved.usedBy).toBe("A server or a tool was started on the source meanwhile.");
  expect(await move(ours(source), theirs(target))).toMatchObject({ usedBy: undefined });
});

test("an interrupted pass ends between two slices, and its progress grows up to all rows", async () => {
  const [source, target] = [openDatabase("memory"), openDatabase("memory")];
  await fill(source);
  const interruption = new AbortController();
  const usedBy = () => Promise.resolve(undefined);
  const seen: Progress[] = [];
  const onProgress = (progress: Progress): void => {
    seen.push(progress);
    if (seen.length === 3) interruption.abort(new Error("Interrupted."));
  };
  const options = { from: ours(source), to: theirs(target), usedBy, onProgress, signal: interruption.signal };
  await expect(moveStore(options)).rejects.toThrow("Interrupted.");
  expect(seen).toHaveLength(3);

  await moveStore({ ...options, signal: undefined });
  const rows = seen.slice(3).map((progress) => progress.rows);
  expect(rows).toEqual([...rows].sort((left, right) => left - right));
  expect(seen.at(-1)?.rows).toBe(seen.at(-1)?.all);
});

test("a key that opens no settings is refused before anything is written; a single text that does not open stays", async () => {
  const [source, target] = [openDatabase("memory"), openDatabase("memory")];
  await fill(source);
  await expect(move({ ...ours(source), seal: THEIRS }, ours(target))).rejects.toThrow("SECRET is not the key");
  expect(await target.read((rows) => TABLE_NAMES.every((table) => rows.size(table, []) === 0))).toBe(true);

  const store = await open(source);
  const lost = createSeal("a key that is lost, 3").seal("granted", grantPlace(LANE.tenant));
  await store.replaceGrant(LANE.tenant, await store.grant(LANE.tenant), lost);
  expect((await move(ours(source), theirs(target), "A server.")).unopened).toBe(1);
  const last = await move(ours(source), theirs(target));
  expect(last.unopened).toBe(1);
  expect(written(last)).toEqual({});
  expect(await (await open(target)).grant(LANE.tenant)).toBe(lost);
});

test("where there is no store there is nothing to move", async () => {
  await expect(move(ours(openDatabase("memory")), theirs(openDatabase("memory")))).rejects.toThrow(
    "There is no store at the source.",
  );
});

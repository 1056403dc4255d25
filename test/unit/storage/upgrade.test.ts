import { spawn, execFile } from "node:child_process";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import mapValues from "lodash/mapValues";
import { createLmdbDatabase } from "../../../src/storage/database/lmdb";
import type { Database, RowChange } from "../../../src/storage/database/rows";
import { openUpgraded, removeOldFiles } from "../../../src/storage/data-folder/upgrade";
import { convert, SLICE_ROWS } from "../../../src/storage/data-folder/upgrade/convert";
import { oldFormatOf } from "../../../src/storage/data-folder/upgrade/legacy";
import type { DamagedName } from "../../../src/storage/port/disk";
import { createSeal, runPlace, tenantPlace, type Seal } from "../../../src/storage/port/seal";
import type { Lane, Store } from "../../../src/storage/port/store";
import * as today from "../../../src/storage/tables/tables";
import { read } from "../../../src/storage/tables/view";
import { auditOf } from "./audit";
import { deliverQuietly, LANE, NEIGHBOUR, tenantRow, update } from "./builders";
import { firstReady, openStore, setUpDatabases } from "./fixture";
import { ofFormat } from "./format-five";
import { takeServiceOut } from "./format-four";
import { packMirror, rowsOfFormatSix, writeOld, type OldRow } from "./format-six";
import { makeFormatThree, shareFacts } from "./format-three";
import { litter, makeFormatTwo } from "./format-two";

const SECRET = "a secret of sixteen characters";
/** Of the store that was recorded in format 4. */
const OLD_SECRET = "sealing-secret-of-this-house-0001";
const MARKER = "what-the-heap-held-before";
const RUN = { id: "r1", tenant: LANE.tenant };
/** Shortly after the store of format 6 was recorded. */
const now = (): number => 1_750_000_120_000;
const seal = (): Seal => createSeal(SECRET);
const never = (): Seal => {
  throw new Error("Nothing is there to be upgraded.");
};

const { makeFolder } = setUpDatabases();
let path: string;
beforeEach(() => {
  path = makeFolder();
});

const content = (): Buffer => readFileSync(join(path, "data.mdb"));
const names = (): readonly string[] => readdirSync(path).toSorted();

/** The rows as the connector of a format wrote them. */
function recorded(format: number): readonly OldRow[] {
  const lines = readFileSync(join(__dirname, `../../fixtures/stores/format-${format}.ndjson`), "utf8").trim();
  return lines.split("\n").map((line) => JSON.parse(line) as OldRow);
}

const upgrade = (seals?: () => Seal): Promise<Database> => openUpgraded(path, "planhat", seals);

/** Everything that is in a database, table by table. */
function dump(database: Database): Promise<ReadonlyMap<string, readonly string[]>> {
  return database.read((rows) => {
    const tables = today.TABLES.flatMap(({ name, indexes }) => [
      name,
      ...Object.keys(indexes).map((index) => `${name}.${index}`),
    ]);
    const counters = [today.TALLY, today.HOURS, today.DEPTH, today.RUN_COUNTS].map(({ name }) => name);
    return new Map(
      [...tables, ...counters].map((name) => [name, [...rows.range(name, [])].map((row) => JSON.stringify(row))]),
    );
  });
}

/** What the upgrade makes of some rows. */
async function dumpOf(rows: readonly OldRow[], checked: boolean): Promise<ReadonlyMap<string, readonly string[]>> {
  path = makeFolder();
  await writeOld(path, rows, checked);
  const database = await upgrade();
  const dumped = await dump(database);
  await database.close();
  return dumped;
}

async function withStore(database: Database, work: (store: Store) => Promise<void>): Promise<void> {
  const store = await openStore({ database, now });
  await work(store);
  await store.close();
}

/** Delivers whatever is due, as long as something is. */
async function deliverAll(store: Store, lane: Lane): Promise<readonly string[]> {
  const delivered: string[] = [];
  for (let more = true; more;) {
    more = false;
    for (const type of ["companies", "endusers"]) {
      for (const entry of await store.ready(lane, type, 99)) {
        more = true;
        delivered.push(`${type} ${entry.hullId}`);
        await store.settle(lane, [deliverQuietly(entry, `p-${entry.hullId}`)]);
      }
    }
  }
  return delivered.toSorted();
}

describe("a store of format 6, as its program wrote it", () => {
  beforeEach(() => writeOld(path, recorded(6)));

  it("keeps what was known of records, connector by connector", async () => {
    const database = await upgrade();
    expect(await auditOf(database)).toEqual([]);
    await withStore(database, async (store) => {
      const seenBy = async (lane: Lane): Promise<unknown> =>
        (await store.mirrors(lane, "companies", ["p-linked"]))[0]?.facts["name"]?.slice(0, 3);
      expect(await seenBy(LANE)).toEqual(["n2", "n1", "n0"]);
      expect(await seenBy(NEIGHBOUR)).toEqual(["n2", "n2", "n0"]);
      expect(await seenBy({ ...LANE, tenant: "planhat/org/c9" })).toEqual(["n2", null, "n0"]);
      expect((await store.remote(LANE.remote)).scans).toEqual({
        companies: { startedAtMs: 1_750_000_060_000, size: 2 },
      });
      const [linked] = await store.view(LANE, "companies", ["linked"]);
      expect(linked?.record).toMatchObject({ remoteId: "p-linked", generation: 1, version: 2 });
      const [rival] = await store.view(LANE, "companies", ["rival"]);
      expect(rival?.record?.last).toMatchObject({ messageId: "m-c1-rival", code: "same_remote_record" });
      expect(await store.fingerprints(LANE, "companies", ["same"])).toMatchObject([{ fingerprint: "org/c1 print" }]);
      expect(await store.fingerprints(NEIGHBOUR, "companies", ["same"])).toEqual([undefined]);
      expect(await store.candidates(LANE, "companies", [{ name: "externalId", value: "linked" }])).toMatchObject([
        { id: "p-linked", linkedTo: "linked" },
      ]);
    });
  });

  it("keeps what lists have shown: a fetch goes on, and counts each record once", async () => {
    await withStore(await upgrade(), async (store) => {
      expect(await store.toldUnder(LANE.remote, "companies", ["p-linked", "p-strange", "p-told"])).toEqual([
        7,
        undefined,
        undefined,
      ]);
      const fetch = { run: "2-fetch", readAtMs: now() };
      const ids = ["p-linked", "p-strange", "p-new"];
      await store.markSeen(LANE.remote, "companies", { ...fetch, ids, outcome: "unchanged", code: "in_sync" });
      expect(await store.run("2-fetch")).toMatchObject({
        state: "running",
        counts: { "companies/unchanged/in_sync": 1 },
      });
      const { gone } = await store.markMissing(LANE.remote, "companies", {
        scanStartedAtMs: 1_750_000_000_000,
        limit: 99,
        run: "2-fetch",
      });
      expect(gone.map(({ id }) => id)).toEqual(["p-same", "p-told"]);
    });
  });

  it("keeps what waits, is in flight, waits for a parent, or for Hull; and all of it is delivered", async () => {
    const database = await upgrade();
    await withStore(database, async (store) => {
      expect(await store.depth(LANE)).toEqual({ outbox: 5, hullUpdates: 1 });
      expect(await store.depth(NEIGHBOUR)).toEqual({ outbox: 2, hullUpdates: 0 });
      const [child] = await store.view(LANE, "endusers", ["child"]);
      expect(child?.entry).toMatchObject({ blockedOn: "parent" });
      const [flying] = await store.view(NEIGHBOUR, "companies", ["flying"]);
      expect(flying?.entry).toMatchObject({
        attempt: { kind: "update", content: { messageId: "m-c2-flying" } },
        content: { messageId: "m-c2-flying-2" },
      });
      const [lost] = await store.view(LANE, "companies", ["lost"]);
      expect(lost?.entry).toMatchObject({
        unconfirmed: { sinceMs: 1_750_000_059_995, reads: 1 },
        notBeforeMs: 1_750_000_090_000,
      });
      const [large] = await store.view(LANE, "companies", ["large"]);
      expect(large?.entry?.content?.desired.fields).toEqual({ text: "x".repeat(9_000) });
      const [told] = await store.hullUpdates(LANE, 9);
      expect(told).toMatchObject({ hullId: "told", remoteId: "p-told", outcomes: [{}, { messageId: "m-c1-told-2" }] });
      // As after any start.
      for (const lane of [LANE, NEIGHBOUR]) expect(await store.recover(lane, 0)).toMatchObject({ recovered: 1 });
      expect(await deliverAll(store, LANE)).toEqual([
        "companies large",
        "companies lost",
        "companies parent",
        "companies waits",
        "endusers child",
      ]);
      expect(await deliverAll(store, NEIGHBOUR)).toEqual(["companies flying", "companies waits"]);
      await store.confirmed(
        LANE,
        (await store.hullUpdates(LANE, 9)).map((row) => ({ row })),
      );
      for (const lane of [LANE, NEIGHBOUR]) expect(await store.depth(lane)).toEqual({ outbox: 0, hullUpdates: 0 });
      expect(await auditOf(database)).toEqual([]);
      expect((await store.tally(LANE.tenant)).messages).toBe(11);
      expect(await store.run("1-batch")).toMatchObject({ done: 1, counts: { "companies/sent/updated": 1 } });
    });
  });

  it("keeps dead letters with their ids, rivals, runs, pauses, grants and what was counted", async () => {
    await withStore(await upgrade(), async (store) => {
      const letters = await store.deadLettersOf(LANE);
      expect(letters.map(({ type, hullId, ending }) => [type, hullId, ending.code])).toEqual([
        ["companies", "refused", "refused"],
        ["endusers", "orphan", "parent_rejected"],
      ]);
      const ids = recorded(6).flatMap(([table, key]) => (table === "letterIds" ? [String(key[0])] : []));
      for (const id of ids) expect(await store.deadLetter(id, LANE.tenant)).toBeDefined();
      const replayed = await store.replayDeadLetter(ids.find(Boolean) ?? "", LANE.tenant);
      expect(replayed[0]).toMatchObject({ state: "queued" });
      expect(await store.pauses(NEIGHBOUR)).toMatchObject([{ scope: "*", kind: "auth" }]);
      expect(await store.grant(LANE.tenant)).toBe("granted");
      expect(await store.claimNotification("n1", NEIGHBOUR.tenant)).toBe(false);
      expect(await store.requestStarts("quota", 0)).toEqual([1_750_000_000_000]);
      const [batch] = (await store.openRuns()).filter(({ kind }) => kind === "batch");
      expect(batch).toMatchObject({ id: "1-batch", options: { verbose: true }, done: 1, total: 1 });
      expect(seal().open(batch?.order ?? "", runPlace({ id: "1-batch", tenant: LANE.tenant }))).toBe("the order");
      expect(await store.reportLines("1-batch", 0, 9)).toMatchObject([{ hullId: "linked", outcome: "sent" }]);
      expect((await store.hours(LANE.tenant, 0)).length).toBeGreaterThan(0);
      // The link of the record goes: who had to stand back for it is taken in again.
      await store.forgetGone(LANE.remote, "companies", ["p-linked"]);
      expect((await store.ready(LANE, "companies", 99)).map(({ hullId }) => hullId)).toContain("rival");
    });
  });

  it("is kept beside the new one until that was closed cleanly, and converted once", async () => {
    const before = content();
    await (await upgrade()).close();
    expect(names()).toEqual(["data.mdb", "data.mdb.format-6", "lock.mdb"]);
    expect(readFileSync(join(path, "data.mdb.format-6")).equals(before)).toBe(true);
    const { ino } = statSync(join(path, "data.mdb"));
    await (await openUpgraded(path, "planhat", never)).close();
    expect(statSync(join(path, "data.mdb")).ino).toBe(ino);
    removeOldFiles(path);
    expect(names()).toEqual(["data.mdb", "lock.mdb"]);
  });

  it("comes to the same from formats 5 and 4, and from what an upgrade of before left half done", async () => {
    const rows = recorded(6);
    const expected = await dumpOf(rows, true);
    expect([...expected.values()].filter((found) => found.length > 0).length).toBeGreaterThan(25);
    expect(await dumpOf(ofFormat(rows, 5), false)).toEqual(expected);
    expect(await dumpOf(takeServiceOut(rows), false)).toEqual(expected);
    const order = [
      "names",
      "outbox",
      "tells",
      "remotes",
      "runs",
      "tenants",
      "tally",
      "hours",
      "depth",
      "dead",
      "rivals",
    ];
    const unnamed = takeServiceOut(rows);
    for (let done = 1; done <= order.length; done += 1) {
      const finished = new Set(order.slice(0, done));
      const half = rows.map((row, at): OldRow => (finished.has(row[0]) ? row : (unnamed[at] ?? row)));
      expect(await dumpOf(ofFormat(half, 4.5), false)).toEqual(expected);
    }
  });
});

describe("an upgrade that breaks off", () => {
  /** What a killed process leaves after some commits. @returns false when it was done before */
  async function breakOff(commits: number): Promise<boolean> {
    const draft = join(path, "upgrade");
    mkdirSync(draft);
    const old = createLmdbDatabase(path, { readOnly: true });
    const made = createLmdbDatabase(draft);
    let left = commits;
    const to: Database = {
      ...made,
      write: (work) => ((left -= 1) < 0 ? Promise.reject(new Error("killed")) : made.write(work)),
    };
    const options = { format: 6, service: "planhat", seal: undefined, nowMs: now(), onDamaged: () => undefined };
    const done = await convert(old, to, options).then(
      () => true,
      () => false,
    );
    await made.close();
    await old.close();
    return !done;
  }

  async function expectBegunAnew(expected: ReadonlyMap<string, readonly string[]>): Promise<void> {
    const database = await upgrade();
    expect(await dump(database)).toEqual(expected);
    await database.close();
    expect(names()).toEqual(["data.mdb", "data.mdb.format-6", "lock.mdb"]);
  }

  it("is begun anew, wherever that was", async () => {
    const expected = await dumpOf(recorded(6), true);
    for (let commits = 0, more = true; more; commits += 1) {
      path = makeFolder();
      await writeOld(path, recorded(6));
      const before = content();
      more = await breakOff(commits);
      expect(content().equals(before)).toBe(true);
      await expectBegunAnew(expected);
    }
  });

  it("is begun anew, or done, when it was putting the new file in its place", async () => {
    const expected = await dumpOf(recorded(6), true);
    for (const steps of [1, 2]) {
      path = makeFolder();
      await writeOld(path, recorded(6));
      expect(await breakOff(Infinity)).toBe(false);
      linkSync(join(path, "data.mdb"), join(path, "data.mdb.format-6"));
      if (steps === 2) renameSync(join(path, "upgrade", "data.mdb"), join(path, "data.mdb"));
      await expectBegunAnew(expected);
    }
  });

  it("leaves one of the two stores when its process is killed", async () => {
    await writeOld(path, manyRecords(6_000));
    const script = join(__dirname, "open-upgraded.ts");
    const child = spawn(process.execPath, ["--import", "tsx", script, path, SECRET]);
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    // As soon as there is something of the new file.
    while (!existsSync(join(path, "upgrade", "data.mdb")) && child.exitCode === null) await new Promise(setImmediate);
    child.kill("SIGKILL");
    await ended;
    const database = await upgrade();
    expect(await database.read((rows) => rows.size("records", []))).toBe(6_000);
    expect(await database.read((rows) => rows.get("meta", ["format"]))).toBe(today.FORMAT);
    await database.close();
    expect(names()).toEqual(["data.mdb", "data.mdb.format-6", "lock.mdb"]);
  });
});

/** A store of format 6 with so many records, each with its row in the mirror; every fourth one waits. */
function manyRecords(count: number): readonly OldRow[] {
  const rows: OldRow[] = [
    ["meta", ["format"], 6],
    ["names", ["1"], LANE.remote],
    ["names", ["2"], "companies"],
    ["names", ["3"], LANE.tenant],
    ["remotes", [LANE.remote], { key: LANE.remote, generation: 1, scans: {}, senders: [LANE.tenant] }],
  ];
  for (let at = 0; at < count; at += 1) {
    const hullId = `a${at}`;
    const mirror = {
      id: `p${at}`,
      generation: 1,
      keys: { externalId: hullId },
      linkedTo: hullId,
      facts: {},
      complete: true,
    };
    rows.push(["records", ["1", "2", hullId], [1, `m${at}`, 1, `p${at}`, 1]]);
    rows.push(["mirror", ["1", "2", `p${at}`], packMirror({ ...mirror, seenAtMs: 5 })]);
    rows.push(["sightings", ["1", "2", `p${at}`], [10 + at, 1, 0, "1-run"]]);
    if (at % 4 > 0) continue;
    const body = [
      { fields: { name: "n" }, keys: {}, cleared: [] },
      {},
      null,
      false,
      null,
      `m${at}`,
      1,
      at + 1,
      false,
      true,
    ];
    rows.push(["outbox", ["1", "3", "2", hullId], [LANE.tenant, "companies", hullId, 1, body, null, 0, 0]]);
  }
  return rows;
}

test("a large store is converted in slices: no commit writes more than that", async () => {
  const records = 3 * SLICE_ROWS + 10;
  await writeOld(path, manyRecords(records));
  const old = createLmdbDatabase(path, { readOnly: true });
  const made = createLmdbDatabase(makeFolder());
  const commits: (readonly RowChange[])[] = [];
  const to: Database = {
    ...made,
    write: async (work) => {
      let changes: readonly RowChange[] = [];
      // It may be run more than once.
      const result = await made.write((rows) => {
        const done = work(rows);
        ({ changes } = done);
        return done;
      });
      commits.push(changes);
      return result;
    },
  };
  const options = { service: "planhat", seal: undefined, nowMs: now(), onDamaged: () => undefined };
  await convert(old, to, { ...options, format: (await old.read(oldFormatOf)) ?? 0 });
  await old.close();
  const written = (changes: readonly RowChange[], name: string): number =>
    changes.filter(({ table }) => table === name).length;
  const slices = [SLICE_ROWS, SLICE_ROWS, SLICE_ROWS, 10];
  // What waits of a record is written before the rest of it.
  for (const [table, before] of [["records", [Math.ceil(records / 4)]] as const, ["mirror", []] as const]) {
    const each = commits.map((changes) => written(changes, table)).filter((count) => count > 0);
    expect(each).toEqual([...before, ...slices]);
  }
  // What a list showed after it was read is in pages.
  const pages = await read(made, (view) => [...view.range(today.LISTED, [1, "companies", "1-run"])]);
  expect(pages.flatMap(([, { ids }]) => ids)).toHaveLength(records);
  expect(Math.max(...pages.map(([, { ids }]) => ids.length))).toBe(500);
  const store = await openStore({ database: made, now });
  expect(await store.depth(LANE)).toEqual({ outbox: Math.ceil(records / 4), hullUpdates: 0 });
  await store.close();
});

describe("a store for whose upgrade there is no room", () => {
  it("is left as it is, with a sentence that says what to do", async () => {
    await writeOld(path, recorded(6));
    const before = content();
    const needed = Math.ceil((before.length * 1.25 + 16 * 1024 * 1024) / 1_000_000);
    await expect(openUpgraded(path, "planhat", undefined, { freeBytes: () => 3_000_000 })).rejects.toThrow(
      new RegExp(
        `has format 6\\. .* needs ${needed} MB for it; 3 MB are free\\. The old store is unchanged\\. Free some`,
      ),
    );
    expect(content().equals(before)).toBe(true);
    expect(names()).toEqual(["data.mdb", "lock.mdb"]);
    await (await upgrade()).close();
  });

  it("is not refused when it is one of today", async () => {
    await (await openUpgraded(path, "planhat", never)).close();
    await (await openUpgraded(path, "planhat", never, { freeBytes: () => 0 })).close();
    expect(names()).toEqual(["data.mdb", "lock.mdb"]);
  });
});

describe("a store of another program", () => {
  it.each([1, 8])("is left to it: format %d", async (format) => {
    await writeOld(path, ofFormat(recorded(6), format));
    const database = await openUpgraded(path, "planhat", never);
    await expect(openStore({ database, now })).rejects.toThrow(
      `The stored data has format ${format}, this program reads format ${today.FORMAT}.`,
    );
    await database.close();
  });
});

describe("an old store with damaged rows", () => {
  /** The store of format 6, of which one row's value is not what was written. */
  async function damage(table: string, isOne: (key: readonly unknown[]) => boolean): Promise<void> {
    const hidden = "something that is damaged afterwards";
    await writeOld(
      path,
      recorded(6).map((row): OldRow => (row[0] === table && isOne(row[1]) ? [table, row[1], hidden] : row)),
    );
    const bytes = content();
    const at = bytes.indexOf(hidden);
    bytes[at] = 0x20;
    writeFileSync(join(path, "data.mdb"), bytes);
  }

  async function damagedIn(work: (store: Store, database: Database) => Promise<void>): Promise<readonly DamagedName[]> {
    const damaged: DamagedName[] = [];
    const onDamaged = (row: DamagedName): number => damaged.push(row);
    const database = await openUpgraded(path, "planhat", undefined, { onDamaged });
    expect(await auditOf(database)).toEqual([]);
    await withStore(database, (store) => work(store, database));
    return damaged;
  }

  it("ends what waited, and who waits for it", async () => {
    await damage("outbox", (key) => key[3] === "parent");
    const damaged = await damagedIn(async (store, database) => {
      expect(await store.depth(LANE)).toEqual({ outbox: 4, hullUpdates: 1 });
      expect((await store.tally(LANE.tenant)).derived).toMatchObject({ "companies/dead/damaged": 1 });
      // As after any start.
      await store.recover(LANE, 0);
      expect((await store.deadLettersOf(LANE)).map(({ hullId }) => hullId)).toContain("child");
      expect(await auditOf(database)).toEqual([]);
    });
    expect(damaged).toEqual([{ table: "outbox", tenant: LANE.tenant, type: "companies", hullId: "parent" }]);
  });

  it("ends a message as one, also if what its record knew of it is lost too", async () => {
    const isLost = ([table, key]: OldRow): boolean => ["outbox", "records"].includes(table) && key.at(-1) === "waits";
    await writeOld(
      path,
      recorded(6).map((row): OldRow => (isLost(row) ? [row[0], row[1], "nothing that can be read"] : row)),
    );
    await damagedIn(async (store) => {
      for (const { tenant } of [LANE, NEIGHBOUR]) {
        expect((await store.tally(tenant)).outcomes).toMatchObject({ "companies/dead/damaged": 1 });
      }
    });
  });

  it("finds the link of a record in the mirror, and that of a remote record in its entity", async () => {
    await damage("records", (key) => key[2] === "linked");
    const records = await damagedIn(async (store) => {
      const [view] = await store.view(LANE, "companies", ["linked"]);
      expect(view?.record).toMatchObject({ remoteId: "p-linked", generation: 1 });
      expect(view?.record?.unconfirmed).toBeUndefined();
    });
    expect(records).toEqual([{ table: "records", type: "companies", hullId: "linked" }]);
    path = makeFolder();
    await damage("mirror", (key) => key[2] === "p-linked");
    const mirrors = await damagedIn(async (store) => {
      expect(await store.mirrors(LANE, "companies", ["p-linked"])).toMatchObject([
        { id: "p-linked", linkedTo: "linked", facts: {}, complete: false },
      ]);
      expect((await store.remote(LANE.remote)).scans["companies"]?.startedAtMs).toBe(0);
    });
    expect(mirrors).toEqual([{ table: "mirror", type: "companies", remoteId: "p-linked" }]);
  });

  it("does not know whether a create is behind a record without link", async () => {
    await damage("records", (key) => key[2] === "large");
    await damagedIn(async (store) => {
      const [view] = await store.view(LANE, "companies", ["large"]);
      expect(view?.entry).toMatchObject({ content: { messageId: "m-c1-large" }, unconfirmed: { reads: 0 } });
    });
  });

  it("takes the generation of a remote from its rows, and believes nobody to have sent what is there", async () => {
    await damage("remotes", () => true);
    await damagedIn(async (store) => {
      expect(await store.remote(LANE.remote)).toMatchObject({ generation: 1, scans: {} });
      const [row] = await store.mirrors(LANE, "companies", ["p-linked"]);
      expect(row?.facts["name"]).toEqual(["n2", null, "n0"]);
    });
  });

  it("stays as it is when its words are damaged", async () => {
    await damage("names", () => true);
    const before = content();
    await expect(upgrade()).rejects.toThrow(
      /could not be upgraded .*"names" cannot be read.* The old store is unchanged/,
    );
    expect(content().equals(before)).toBe(true);
    expect(names()).toEqual(["data.mdb", "lock.mdb"]);
  });
});

/** A store of format 2, in whose unused pages is what the process had in memory. */
async function makeOld(count = 200): Promise<void> {
  const store = await openStore({ database: createLmdbDatabase(path), now });
  await store.saveTenant(tenantRow({ sealed: seal().seal("the secret", tenantPlace(LANE.tenant)) }));
  const run = { ...RUN, kind: "batch", type: "endusers", options: {} } as const;
  await store.beginRun({ ...run, order: seal().seal("the order", runPlace(RUN)) }, false);
  const ids = Array.from({ length: count }, (_, at) => `a${at}`);
  await store.accept(ids.map((id) => update({ id: `m-${id}`, hullId: id, fields: { text: "x".repeat(900) } })));
  await store.close();
  await makeFormatTwo(path, SECRET);
  expect(litter(path, MARKER)).toBeGreaterThan(10);
}

describe("a store of format 2", () => {
  it("is brought to today's format: every row is there, and nothing that is none", async () => {
    await makeOld();
    expect(content().includes(MARKER)).toBe(true);
    const database = await upgrade(seal);
    expect(await auditOf(database)).toEqual([]);
    await withStore(database, async (store) => {
      const entries = await store.ready(LANE, "companies", 999);
      expect(entries).toHaveLength(200);
      expect(entries.every(({ content: waiting }) => waiting?.desired.fields["text"] === "x".repeat(900))).toBe(true);
      const sealed = (await store.tenant(LANE.tenant))?.sealed ?? "";
      expect(seal().open(sealed, tenantPlace(LANE.tenant))).toBe("the secret");
      expect(seal().open((await store.run(RUN.id))?.order ?? "", runPlace(RUN))).toBe("the order");
    });
    expect(content().includes(MARKER)).toBe(false);
    removeOldFiles(path);
    expect(names()).toEqual(["data.mdb", "lock.mdb"]);
  });

  it("is upgraded under another key, too; what cannot be opened stays and opens nowhere", async () => {
    await makeOld();
    const another = createSeal("another secret of some length");
    await withStore(await upgrade(() => another), async (store) => {
      const { sealed = "" } = (await store.tenant(LANE.tenant)) ?? {};
      for (const each of [another, seal()]) {
        expect(() => each.open(sealed, tenantPlace(LANE.tenant))).toThrow(/cannot be read/);
      }
    });
  });

  it("is refused with what to do where no key is at hand, and left as it is", async () => {
    await makeOld();
    const before = content();
    await expect(upgrade()).rejects.toThrow(/format 2\. Start the server once.*format 7/s);
    expect(content().equals(before)).toBe(true);
  });

  it.each(["folder", "file"])("is upgraded although an earlier try left a %s behind", async (kind) => {
    await makeOld();
    const draft = join(path, "upgrade");
    if (kind === "folder") mkdirSync(draft);
    writeFileSync(kind === "folder" ? join(draft, "data.mdb") : draft, "half a copy");
    await withStore(await upgrade(seal), async (store) => {
      expect(await store.depth(LANE)).toEqual({ outbox: 200, hullUpdates: 0 });
    });
    expect(names()).not.toContain("upgrade");
  });

  it("stays whole, with a sentence, when the new file cannot be written", async () => {
    await makeOld(2_000);
    const before = content();
    // The system refuses files beyond a size, as a full disk refuses them; in blocks of 512 bytes.
    const limit = Math.floor(before.length / 512 / 2);
    const script = join(__dirname, "open-upgraded.ts");
    const command = `ulimit -f ${limit}; exec "$0" --import tsx "$1" "$2" "$3"`;
    const child = promisify(execFile)("sh", ["-c", command, process.execPath, script, path, SECRET]);
    await expect(child).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^The store in .* could not be upgraded .* \(.*[^.]\)\. The old store is unchanged\. .* MB are free/m,
      ) as string,
    });
    expect(names()).toEqual(["data.mdb", "lock.mdb"]);
    expect(content().equals(before)).toBe(true);
  });
});

describe("a store of format 3", () => {
  const ALONE = { remote: "org|planhat|t2", tenant: "planhat/org/c3" };
  const COMPANIES = 600;

  /** Two connectors on one remote, of which the first sent everything, and one on another remote. */
  async function fill(): Promise<void> {
    const store = await openStore({ database: createLmdbDatabase(path), now });
    for (const { tenant, remote } of [LANE, NEIGHBOUR, ALONE]) {
      await store.saveTenant(tenantRow({ key: tenant, connectorId: tenant }));
      await store.assign(tenant, remote, "f");
    }
    const facts = { name: { remote: "n", sent: "n" }, city: { remote: "∅" } };
    for (const [lane, count] of [
      [LANE, COMPANIES],
      [ALONE, 1],
    ] as const) {
      const hullIds = Array.from({ length: count }, (_, index) => `a${index}`);
      await store.accept(hullIds.map((hullId) => update({ id: hullId, hullId, lane })));
      const entries = await store.ready(lane, "companies", count);
      await store.settle(
        lane,
        entries.map((entry) => deliverQuietly(entry, `p-${entry.hullId}`, { facts })),
      );
    }
    await store.close();
  }

  const factsIn = async (store: Store, lane: Lane, at = 0): Promise<unknown> =>
    mapValues((await store.mirrors(lane, "companies", [`p-a${at}`]))[0]?.facts, (fact) => fact.slice(0, 3));

  async function expectDivided(database: Database): Promise<void> {
    await withStore(database, async (store) => {
      const known = { name: ["n", "n", null], city: ["∅", null, null] };
      for (const lane of [LANE, NEIGHBOUR]) {
        for (const at of [0, COMPANIES - 1]) expect(await factsIn(store, lane, at)).toEqual(known);
      }
      expect(await factsIn(store, ALONE)).toEqual(known);
      const stranger = { remote: LANE.remote, tenant: "planhat/org/c9" };
      expect(await factsIn(store, stranger)).toMatchObject({ name: ["n", null, null] });
      // From here on each goes by its own.
      await store.accept([update({ id: "m2", hullId: "a0", version: 2, lane: NEIGHBOUR })]);
      await store.settle(NEIGHBOUR, [
        deliverQuietly(await firstReady(store, NEIGHBOUR, "companies"), "p-a0", {
          facts: { name: { remote: "x", sent: "x" } },
        }),
      ]);
      expect(await factsIn(store, LANE)).toMatchObject({ name: ["x", "n", null] });
      expect(await factsIn(store, NEIGHBOUR)).toMatchObject({ name: ["x", "x", null] });
    });
  }

  it("is brought to today's format without a key: what was sent counts for each connector of its remote", async () => {
    await fill();
    await makeFormatThree(path);
    await expectDivided(await upgrade());
  });

  it("goes on where an upgrade of before had divided some of it", async () => {
    await fill();
    const rows = await rowsOfFormatSix(path);
    const shared = shareFacts(rows);
    const isDivided = ([table, key]: OldRow): boolean => table === "mirror" && String(key[2]) < "p-a5";
    const half = shared.map((row): OldRow => {
      if (!isDivided(row)) return row;
      const facts = [1, "name", "n", "n", null, "n", "city", "∅", null, null, null];
      return [row[0], row[1], (row[2] as unknown[]).with(5, facts)];
    });
    await writeOld(path, ofFormat(half, 3.5), false);
    await expectDivided(await upgrade());
  });
});

describe("a store of format 4, as its program wrote it", () => {
  const REMOTE = "127.0.0.1:38359|http://127.0.0.1:35343/api|0b7e1f3a-0000-4000-8000-000000000001";
  const OLD = "127.0.0.1:38359/5f0000000000000000000001";
  /** Shortly after it was written. */
  const later = (): number => Date.UTC(2026, 10, 29, 19);
  const WAITS: Lane = { remote: REMOTE, tenant: `planhat/${OLD}` };
  const REFUSED = "bee000000000000000000001";
  const LETTER = "85061c896d90";

  it("has the service written into its tenants' keys: nothing is lost, recounted or renamed", async () => {
    await writeOld(path, recorded(4), false);
    const database = await upgrade();
    const dumped = await dump(database);
    // Nothing of the old key is left anywhere.
    for (const [name, rows] of dumped) {
      if (name !== "notifications") expect(rows.filter((row) => row.includes(`"${OLD}"`))).toEqual([]);
    }
    expect(await auditOf(database)).toEqual([]);
    const store = await openStore({ database, now: later });
    expect(await store.tenants()).toMatchObject([{ key: WAITS.tenant, connectorId: "5f0000000000000000000001" }]);
    const sealed = (await store.tenant(WAITS.tenant))?.sealed ?? "";
    const { secret } = JSON.parse(createSeal(OLD_SECRET).open(sealed, tenantPlace(WAITS.tenant))) as {
      readonly secret?: unknown;
    };
    expect(secret).toEqual(expect.any(String));
    // What waits, and in which state.
    expect(await store.lanes()).toEqual([WAITS]);
    expect(await store.depth(WAITS)).toEqual({ outbox: 3, hullUpdates: 0 });
    const entries = await store.ready(WAITS, "endusers", 9);
    expect(entries.map(({ tenant, hullId }) => [tenant, hullId.at(-1)])).toEqual(
      ["4", "5", "3"].map((id) => [WAITS.tenant, id]),
    );
    expect(await store.pauses(WAITS)).toMatchObject([{ tenant: WAITS.tenant, scope: "*", kind: "transient" }]);
    // What ended stays counted, and a message that was here before is not counted again.
    const { messages, outcomes, derived } = await store.tally(WAITS.tenant);
    expect(messages).toBe(5);
    expect(outcomes).toEqual({ "endusers/rejected/refused": 1, "endusers/sent/created": 1 });
    expect(derived["companies/sent/created"]).toBe(1);
    const id = "2d181a199d4533053350be39fd404e107532aad8";
    const hullId = "bee000000000000000000003";
    await store.accept([update({ id, hullId, type: "endusers", lane: WAITS, version: 0 })]);
    expect((await store.tally(WAITS.tenant)).messages).toBe(5);
    expect(await store.claimNotification("1a1edf72-2563-14da-2f08-769b6cc5844b", NEIGHBOUR.tenant)).toBe(false);
    expect(await store.claimNotification("1a1edf72-2563-14da-2f08-769b6cc5844b", WAITS.tenant)).toBe(true);
    // Dead letters keep their ids, runs their orders.
    expect(await store.deadLetter(LETTER, WAITS.tenant)).toMatchObject({ tenant: WAITS.tenant, hullId: REFUSED });
    const runs = await store.openRuns();
    expect(runs.map(({ tenant, state }) => [tenant, state])).toEqual([
      [WAITS.tenant, "running"],
      [WAITS.tenant, "running"],
    ]);
    expect(await store.runs({ tenant: WAITS.tenant, limit: 9 })).toHaveLength(2);
    for (const run of runs) {
      expect(createSeal(OLD_SECRET).open(run.order ?? "", runPlace(run))).toContain('"url"');
    }
    expect(await store.remotesOf(WAITS.tenant)).toEqual([REMOTE]);
    await store.close();
  });
});

describe("a store that is new", () => {
  it("is opened as it is, and what an interrupted upgrade left behind is removed", async () => {
    mkdirSync(join(path, "upgrade"));
    await withStore(await openUpgraded(path, "planhat", never), () => Promise.resolve());
    expect(names()).toEqual(["data.mdb", "lock.mdb"]);
  });
});

test("a store in whose indexes blanks around a value still counted finds its records without them", async () => {
  const mail = " ann@x.example\u00a0";
  const rows: readonly OldRow[] = [
    ["meta", ["format"], 6],
    ["names", ["1"], LANE.remote],
    ["names", ["2"], "endusers"],
    ["depth", [LANE.remote, LANE.tenant], { outbox: 0, tells: 0 }],
    ["records", ["1", "2", "e1"], [1, "m1", 0, null, null, null, null, null, null, null, { email: mail }]],
    ["knownBy", ["1", "2", "email", mail, "e1"], 1],
    [
      "mirror",
      ["1", "2", "p1"],
      packMirror({ id: "p1", generation: 1, keys: { email: mail }, facts: {}, complete: true }),
    ],
    ["mirrorKeys", ["1", "2", "email", mail, "p1"], 1],
  ];
  await writeOld(path, rows);
  const database = await upgrade();
  expect(await auditOf(database)).toEqual([]);
  await withStore(database, async (store) => {
    const asked = { name: "email", value: "ann@x.example" } as const;
    expect(await store.candidates(LANE, "endusers", [asked])).toMatchObject([{ id: "p1" }]);
    expect(await store.findBy(LANE, "endusers", asked, 9)).toEqual(["e1"]);
  });
});

/** What is refused while the disk is nearly full, full, or refuses to be written; and that it ends by itself. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDisk, type WatchedDisk } from "../../../src/storage/data-folder/disk";
import { createLmdbDatabase } from "../../../src/storage/database/lmdb";
import { createMemoryDatabase } from "../../../src/storage/database/memory";
import type { Database } from "../../../src/storage/database/rows";
import { DiskError } from "../../../src/storage/port/disk";
import { readRow, writeRow } from "../../fixture/rows";
import { actionsOn, openStore } from "./fixture";
import { finish, LANE, update } from "./builders";
import { until } from "../../fixture/until";

let folder: string;
let said: (string | undefined)[];
const disks: WatchedDisk[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "disk-"));
  said = [];
});
afterEach(() => {
  for (const disk of disks.splice(0)) disk.close();
  rmSync(folder, { recursive: true, force: true });
});

function diskWith(reserveBytes: number): WatchedDisk {
  const disk = createDisk({
    folder,
    storeFile: join(folder, "data.mdb"),
    reserveBytes,
    onChange: (trouble) => void said.push(trouble),
  });
  disks.push(disk);
  return disk;
}

/** More than any disk has, so that it is nearly full, and with a floor that it has. */
const MUCH_BYTES = 2 ** 60;

const NOTHING = { result: undefined, changes: [] } as const;

/** Fails as LMDB does, for as long as it is told to. */
function failing(): { readonly database: Database; readonly fail: (code: string | undefined) => void } {
  const database = createMemoryDatabase();
  let failure: string | undefined;
  return {
    database: {
      ...database,
      write: (work) => (failure === undefined ? database.write(work) : Promise.reject(new DiskError("no", failure))),
    },
    fail: (code) => {
      failure = code;
    },
  };
}

test("below the reserve nothing new is taken in, and what was taken in goes on", async () => {
  const disk = diskWith(MUCH_BYTES);
  const roomy = await openStore({ database: disk.guard(createMemoryDatabase()), now: () => 1 });
  const store = disk.withRoom(roomy);
  const { install, entry } = actionsOn(roomy);
  await install();
  await roomy.accept([update({ id: "c1", hullId: "a1" })]);

  const order = { id: "r1", tenant: LANE.tenant, kind: "fetch", type: "companies", options: {} } as const;
  for (const refused of [
    () => store.accept([update({ id: "c2", hullId: "a2" })]),
    () => store.beginRun(order, true),
    () => store.report("r1", []),
  ]) {
    await expect(refused()).rejects.toMatchObject({ name: "DiskError", code: "LOW" });
  }
  await store.settle(LANE, [finish(await entry("companies", "a1"), "rejected", "refused")]);
  await store.beginRun({ ...order, kind: "drain" }, true);
  expect([disk.isWritable(), disk.hasRoom()]).toEqual([true, false]);
  expect(said).toEqual([expect.stringMatching(/almost full; \d+ bytes are free, and MIN_FREE_DISK_MB asks for \d+/)]);
  expect(disk.trouble()).toContain(`DATA_DIR (${folder})`);
  const { bavail, bsize } = statfsSync(folder);
  expect(disk.freeBytes() / (bavail * bsize)).toBeCloseTo(1, 1);
});

test("after a failure nothing is tried until it can be written; one line says so, and one that it is over", async () => {
  const words = /ENOSPC, no space left on device; \d+ bytes are free\. Free some space there, or move DATA_DIR/;
  const disk = diskWith(0);
  const { database, fail } = failing();
  const guarded = disk.guard(database);
  const put = () => writeRow(guarded, "meta", ["a"], 1);
  const get = () => readRow(guarded, "meta", ["a"]);
  fail("ENOSPC");
  await expect(put()).rejects.toMatchObject({ code: "ENOSPC" });
  expect(said).toEqual([expect.stringMatching(words)]);
  fail(undefined);
  // It is not asked again before there is room.
  await expect(put()).rejects.toThrow(words);
  expect(() => disk.assertWritable()).toThrow(words);
  expect([disk.isWritable(), disk.hasRoom(), await get()]).toEqual([false, false, undefined]);

  disk.watch();
  // There is room, and the database lacks something else: that is the same trouble still.
  fail("EIO");
  await until(() => disk.isWritable());
  await expect(put()).rejects.toMatchObject({ code: "EIO" });
  expect(said).toHaveLength(1);
  fail(undefined);
  await until(() => disk.isWritable());
  await put();
  expect(await get()).toBe(1);
  expect(said).toEqual([expect.stringMatching(words), undefined]);
  expect(readdirSync(folder)).toEqual([]);
});

test.each([
  ["EDQUOT", /Raise the quota of this user/],
  ["EFBIG", /Raise the largest size of a file \(ulimit -f\)/],
  ["EROFS", /Mount it so that it can be written/],
  ["EIO", /the system's log says what the disk lacks/],
])("%s has a remedy of its own, and passes by itself", async (code, remedy) => {
  const disk = diskWith(0);
  const { database, fail } = failing();
  fail(code);
  await expect(disk.guard(database).write(() => NOTHING)).rejects.toThrow(remedy);
  // Nobody watches yet: the start ends with it.
  expect(disk.trouble()).toMatch(/start the server again\.$/);
  disk.watch();
  expect(disk.trouble()).toMatch(/everything goes on by itself\.$/);
});

test("a database that is broken waits for a restart, and says so", async () => {
  const disk = diskWith(0);
  const { database, fail } = failing();
  fail("MDB_PANIC");
  await expect(disk.guard(database).write(() => NOTHING)).rejects.toThrow(/start the server again/);
  disk.watch();
  expect(disk.trouble()).toMatch(/start the server again/);
});

test("what a transaction itself throws is no trouble of the disk", async () => {
  const disk = diskWith(0);
  const database = disk.guard(createLmdbDatabase(folder));
  const mistake = new Error("a mistake of ours");
  await expect(
    database.write(() => {
      throw mistake;
    }),
  ).rejects.toBe(mistake);
  expect([disk.trouble(), said]).toEqual([undefined, []]);
  await database.close();
});

test("a folder that cannot be written is found out before anything is opened", async () => {
  const disk = diskWith(0);
  // A folder in the place of the file stands for whatever the system refuses, whoever runs this.
  mkdirSync(join(folder, "disk.probe"));
  writeFileSync(join(folder, "disk.probe", "x"), "");
  await expect(disk.probe()).rejects.toThrow(/The store in DATA_DIR \(.*\) cannot be written: EISDIR/);
  rmSync(join(folder, "disk.probe"), { recursive: true });
  await diskWith(0).probe();
  expect(existsSync(join(folder, "disk.probe"))).toBe(false);
});

test("LMDB's lock file has its blocks from the beginning: writing to it through memory cannot fail", async () => {
  const database = createLmdbDatabase(folder);
  const { size, blocks } = statSync(join(folder, "lock.mdb"));
  expect(size).toBeGreaterThanOrEqual(16_384);
  expect(blocks * 512).toBeGreaterThanOrEqual(size);
  await database.close();
});

/** A store's file, cut or overwritten: it is refused with a sentence, and never left for LMDB to stumble over. */
import { closeSync, copyFileSync, openSync, readFileSync, statSync, truncateSync, writeSync } from "node:fs";
import { join } from "node:path";
import { openDataFile } from "../../../src/storage/check/file";
import { assertComplete, assertWhole } from "../../../src/storage/check/look";
import { reportOn, reportOnRows, type TableReport } from "../../../src/storage/check/report";
import { createLmdbDatabase } from "../../../src/storage/database/lmdb";
import { connectRedis } from "../../../src/storage/database/redis/connection";
import { createRedisDatabase } from "../../../src/storage/database/redis/database";
import { encodeKey, END } from "../../../src/storage/database/redis/key";
import { createPlaces } from "../../../src/storage/database/redis/place";
import type { Database, Key } from "../../../src/storage/database/rows";
import { sharedRedis } from "../../fixture/redis";
import { readRow, writeRow, writeRows } from "../../fixture/rows";
import { setUpDatabases } from "./fixture";

const { makeFolder } = setUpDatabases();
const PAGE_BYTES = 4096;
const REFUSED = /^The store in .* cannot be read: .*backup .*DATA_DIR to an empty folder.* are lost/s;

const idOf = (number: number) => [7, "companies", `id-${number}`];

/** Rows on several levels of pages, some with pages of their own, and pages that became free. */
async function fill(folder: string): Promise<void> {
  const database = createLmdbDatabase(folder);
  const numbers = Array.from({ length: 1_500 }, (_, index) => index);
  await writeRows(database, [
    ...numbers.map((number) => ({ table: "records", key: idOf(number), value: { text: "x".repeat(number % 300) } })),
    ...numbers.slice(0, 30).map((number) => ({ table: "meta", key: [`meta-${number}`], value: number })),
    ...[1, 2, 3].map((number) => ({ table: "reports", key: ["run", number], value: "y".repeat(10_000 * number) })),
  ]);
  const removed = numbers.filter((number) => number % 3 > 0);
  await writeRows(
    database,
    removed.map((number) => ({ table: "records", key: idOf(number), value: undefined })),
  );
  await database.close();
}

const fileOf = (folder: string): string => join(folder, "data.mdb");

function copyOf(folder: string): string {
  const copy = makeFolder();
  copyFileSync(fileOf(folder), fileOf(copy));
  return copy;
}

function overwrite(folder: string, at: number, bytes: Uint8Array): void {
  const handle = openSync(fileOf(folder), "r+");
  writeSync(handle, bytes, 0, bytes.length, at);
  closeSync(handle);
}

/** Page numbers of the kind that these flags of a header say. */
function pagesOf(folder: string, flags: number): number[] {
  const file = readFileSync(fileOf(folder));
  const pages = Array.from({ length: file.length / PAGE_BYTES }, (_, page) => page);
  return pages.filter((page) => page > 1 && file.readUInt16LE(page * PAGE_BYTES + 18) === flags);
}

const isRefused = (work: () => void): boolean => {
  try {
    work();
    return false;
  } catch (error) {
    expect(String(error instanceof Error ? error.message : error)).toMatch(REFUSED);
    return true;
  }
};

test("a store as LMDB leaves it is whole, and every row is counted", async () => {
  const folder = makeFolder();
  await fill(folder);
  assertWhole(folder);
  const counts = reportOn(folder)?.map(({ table, rows, damaged }) => [table, rows, damaged.length]);
  expect(counts).toEqual(
    expect.arrayContaining([
      ["meta", 30, 0],
      ["records", 500, 0],
      ["reports", 3, 0],
    ]),
  );
});

test("a folder without a file, and an empty file, are about to become a store", () => {
  const folder = makeFolder();
  expect(reportOn(folder)).toBeUndefined();
  closeSync(openSync(fileOf(folder), "w"));
  assertWhole(folder);
});

test("a cut file is refused before it is opened, and what is missing is said", async () => {
  const folder = makeFolder();
  await fill(folder);
  const { size } = statSync(fileOf(folder));
  for (const bytes of [1, 100, 2_048, 4_095, 4_096, 6_000, 8_191, 8_192, 8_193, size / 2, size / 2 + 7]) {
    const copy = copyOf(folder);
    truncateSync(fileOf(copy), bytes);
    expect(() => createLmdbDatabase(copy)).toThrow(REFUSED);
    expect(() => createLmdbDatabase(copy)).toThrow(`${bytes} bytes`);
    expect(statSync(fileOf(copy)).size).toBe(bytes);
  }
});

test("a file that lacks only pages at its end that nobody uses is whole", async () => {
  const folder = makeFolder();
  const database = createLmdbDatabase(folder);
  await writeRow(database, "meta", ["kept"], 1);
  await writeRow(database, "reports", ["run", 1], "y".repeat(200_000));
  await writeRow(database, "reports", ["run", 1], undefined);
  for (let commits = 0; commits < 8; commits += 1) {
    await writeRow(database, "meta", ["kept"], commits);
  }
  await database.close();
  const { size } = statSync(fileOf(folder));
  const isTaken = (bytes: number): boolean => {
    const copy = copyOf(folder);
    truncateSync(fileOf(copy), bytes);
    return !isRefused(() => assertComplete(copy));
  };
  let bytes = size;
  while (isTaken(bytes - PAGE_BYTES)) bytes -= PAGE_BYTES;
  // What was removed was at the end, and most of it may be missing.
  expect(size - bytes).toBeGreaterThan(100_000);
  truncateSync(fileOf(folder), bytes);
  assertWhole(folder);
  const again = createLmdbDatabase(folder);
  expect(await readRow(again, "meta", ["kept"])).toBe(7);
  await writeRow(again, "reports", ["run", 1], "y".repeat(200_000));
  expect(await readRow(again, "reports", ["run", 1])).toHaveLength(200_000);
  await again.close();
  assertWhole(folder);
});

test.each([
  ["branch", 1],
  ["leaf", 2],
  ["overflow", 4],
])("damage to the head of any %s page that is used is found", async (_name, flags) => {
  const folder = makeFolder();
  await fill(folder);
  const file = openDataFile(folder);
  const newest = Number(file?.states[0].transaction);
  file?.close();
  expect(newest).toBeGreaterThan(1);
  const pages = pagesOf(folder, flags);
  const found = pages.filter((page) => {
    const copy = copyOf(folder);
    overwrite(copy, page * PAGE_BYTES + 18, Uint8Array.of(0x77, 0x07));
    return isRefused(() => assertWhole(copy));
  });
  expect(found.length).toBeGreaterThan(0);
  // The others are free: nothing that is stored is on them.
  for (const page of pages.filter((each) => !found.includes(each))) {
    const copy = copyOf(folder);
    overwrite(copy, page * PAGE_BYTES, new Uint8Array(PAGE_BYTES));
    expect(reportOn(copy)?.find(({ table }) => table === "records")?.rows).toBe(500);
  }
});

test("a branch that leads elsewhere is found: to a used page, a free one, or one that there is not", async () => {
  const folder = makeFolder();
  await fill(folder);
  const file = readFileSync(fileOf(folder));
  for (const target of [2, 3, 5, 0xffff_fff0]) {
    const refused = pagesOf(folder, 1).filter((page) => {
      const copy = copyOf(folder);
      const start = page * PAGE_BYTES;
      const node = start + 24 + file.readUInt16LE(start + 24);
      const leading = Buffer.alloc(4);
      leading.writeUInt32LE(target);
      overwrite(copy, node, leading);
      return isRefused(() => assertWhole(copy));
    });
    expect(refused.length).toBeGreaterThan(0);
  }
});

test("a damaged value is found at once where all tables need it, and in every table by the whole check", async () => {
  const folder = makeFolder();
  await fill(folder);
  const database = createLmdbDatabase(folder);
  await writeRows(database, [
    { table: "meta", key: ["needed"], value: "MARK-OF-NEEDED" },
    { table: "remotes.numbers", key: [7, "org|planhat|t1"], value: 1 },
    { table: "records", key: idOf(9_999), value: "MARK-OF-LARGE" },
    { table: "mirror.keys", key: [7, "endusers", "email", "jane@example.com", "id"], value: "MARK-OF-HIDDEN" },
  ]);
  await database.close();
  const damage = (text: string): string => {
    const copy = copyOf(folder);
    // The length of the text becomes longer than the row.
    overwrite(copy, readFileSync(fileOf(folder)).lastIndexOf(text) - 1, Uint8Array.of(0xbf));
    return copy;
  };
  const damagedOf = (copy: string) =>
    reportOn(copy)?.flatMap(({ table, damaged }) => damaged.map((key) => [table, key]));
  expect(() => assertWhole(damage("MARK-OF-NEEDED"))).toThrow("1 of the rows in the table meta are damaged");
  expect(damagedOf(damage("MARK-OF-NEEDED"))).toEqual([["meta", "needed"]]);
  assertWhole(damage("MARK-OF-LARGE"));
  expect(damagedOf(damage("MARK-OF-LARGE"))).toEqual([["records", "org|planhat|t1, companies, id-9999"]]);
  expect(JSON.stringify(damagedOf(damage("MARK-OF-HIDDEN")))).toMatch(/mirror\.keys.*not shown/);
  expect(JSON.stringify(damagedOf(damage("MARK-OF-HIDDEN")))).not.toContain("jane");
});

test("rows beyond what is read at a start are left to the whole check", async () => {
  const folder = makeFolder();
  await fill(folder);
  const [page = 0] = pagesOf(folder, 2).filter((each) => {
    const copy = copyOf(folder);
    overwrite(copy, each * PAGE_BYTES + 18, Uint8Array.of(0x77));
    return isRefused(() => assertWhole(copy)) && !isRefused(() => assertWhole(copy, 0));
  });
  expect(page).toBeGreaterThan(1);
});

describe("on Redis", () => {
  const IDS = Array.from({ length: 500 }, (_, number) => idOf(1_000 + number));
  const connection = connectRedis(sharedRedis().address);
  let opened = 0;
  let database: Database;
  /** Puts a row beside whatever has its key. */
  let add: (table: string, key: Key, value: Uint8Array) => Promise<unknown>;
  let empty: (table: string, key: Key) => Promise<unknown>;

  beforeEach(async () => {
    const prefix = `check ${(opened += 1)}:`;
    const places = createPlaces(prefix);
    const setOf = (table: string, key: Key): string => places.placeOf(table, key)?.name ?? "";
    database = createRedisDatabase({ connection, prefix });
    add = (table, key, value) => {
      const member = Buffer.concat([Buffer.from(encodeKey(key) + END, "latin1"), value]);
      return connection.run("return redis.call('ZADD', KEYS[1], 0, ARGV[1])", [setOf(table, key)], [member]);
    };
    empty = (table, key) => connection.command("DEL", setOf(table, key));
    await writeRows(database, [
      { table: "meta", key: ["format"], value: 7 },
      { table: "remotes.numbers", key: [7, "org|planhat|t1"], value: 1 },
      { table: "mirror.keys", key: [7, "companies", "name", "acme", "id"], value: 1 },
      { table: "tally", key: ["planhat/org/c1", "messages", "whole"], value: 1 },
      ...IDS.map((key) => ({ table: "records", key, value: { text: "x" } })),
    ]);
  });
  afterAll(() => connection.close());

  const damaged = async (): Promise<readonly (readonly [string, string])[]> =>
    ((await reportOnRows(database)) ?? []).flatMap(({ table, damaged }) =>
      damaged.map((key): readonly [string, string] => [table, key]),
    );

  test("every row is counted, once", async () => {
    const counts = (await reportOnRows(database))?.filter(({ rows }) => rows > 0);
    expect(counts).toEqual<readonly TableReport[]>([
      { table: "records", rows: 500, damaged: [] },
      { table: "mirror.keys", rows: 1, damaged: [] },
      { table: "remotes.numbers", rows: 1, damaged: [] },
      { table: "meta", rows: 1, damaged: [] },
      { table: "tally", rows: 1, damaged: [] },
    ]);
    await empty("meta", ["format"]);
    expect(await reportOnRows(database)).toBeUndefined();
  });

  test("rows that cannot be read are named, and those behind them are read", async () => {
    const bad = IDS.filter((_, number) => [0, 1, 198, 199, 200, 499].includes(number));
    await writeRows(
      database,
      bad.map((key) => ({ table: "records", key, value: undefined })),
    );
    for (const key of bad) await add("records", key, Uint8Array.of(0xc1, 0xff));
    await add("tally", ["planhat/org/c1", "messages", ""], Buffer.from("12x"));
    await add("mirror.keys", [7, "endusers", "email", "jane@example.com", "id"], Uint8Array.of(0xc1));
    expect(await damaged()).toEqual([
      ...bad.map((key) => ["records", `org|planhat|t1, companies, ${key[2]}`]),
      ["mirror.keys", "(its key is not shown: it may be personal data)"],
      ["tally", "planhat/org/c1, messages, "],
    ]);
    expect((await reportOnRows(database))?.find(({ table }) => table === "records")?.rows).toBe(500);
  });

  test("a key that stands twice is named, wherever it stands", async () => {
    for (const key of IDS) await add("records", key, Uint8Array.of(1));
    expect(await damaged()).toEqual(IDS.map((key) => ["records", `org|planhat|t1, companies, ${key[2]}`]));
  });

  test("rows that others write meanwhile are no damage", async () => {
    let reads = 0;
    const busy: Database = {
      ...database,
      read: async (work) => {
        const result = await database.read(work);
        reads += 1;
        const changes = [198, 199, 200, 201].map((number) => ({
          table: "records",
          key: [7, "companies", `id-${1_000 + number}+${reads}`],
          value: { text: "new" },
        }));
        await writeRows(database, [...changes, { table: "records", key: IDS[200 - reads] ?? [], value: undefined }]);
        return result;
      },
    };
    expect((await reportOnRows(busy))?.flatMap((each) => each.damaged)).toEqual([]);
    expect(reads).toBeGreaterThan(3);
  });
});

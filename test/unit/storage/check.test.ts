/** A store's file, cut or overwritten: it is refused with a sentence, and never left for LMDB to stumble over. */
import { closeSync, copyFileSync, openSync, readFileSync, statSync, truncateSync, writeSync } from "node:fs";
import { join } from "node:path";
import { openDataFile } from "../../../src/storage/check/file";
import { assertComplete, assertWhole } from "../../../src/storage/check/look";
import { reportOn } from "../../../src/storage/check/report";
import { createLmdbDatabase } from "../../../src/storage/database/lmdb";
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

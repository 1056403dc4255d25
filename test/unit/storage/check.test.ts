/** A store's file, cut or overwritten: it is refused with a sentence, and never left for LMDB to stumble over. */
import { closeSync, copyFileSync, openSync, readFileSync, statSync, truncateSync, writeSync } from "node:fs";
import { join } from "node:path";
import { openDataFile } from "../../../src/storage/check/file";
import { assertComplete, assertWhole } from "../../../src/storage/check/look";
import { reportOn } from "../../../src/storage/check/report";
import { createLmdbKeyValue } from "../../../src/storage/database/lmdb";
import { setUpDatabases } from "./fixture";

const { makeFolder } = setUpDatabases();
const PAGE_BYTES = 4096;
const REFUSED = /^The store in .* cannot be read: .*backup .*DATA_DIR to an empty folder.* are lost/s;

/** Rows on several levels of pages, some with pages of their own, and pages that became free. */
async function fill(folder: string): Promise<void> {
  const kv = createLmdbKeyValue(folder);
  const numbers = Array.from({ length: 1_500 }, (_, index) => index);
  await kv.transact(() => {
    for (const number of numbers) kv.table("dead").put(["remote", `id-${number}`], { text: "x".repeat(number % 300) });
    for (const number of numbers.slice(0, 30)) kv.table("meta").put([`meta-${number}`], number);
    for (const number of [1, 2, 3]) kv.table("reports").put(["run", number], "y".repeat(10_000 * number));
  });
  await kv.transact(() => {
    for (const number of numbers) if (number % 3 > 0) kv.table("dead").remove(["remote", `id-${number}`]);
  });
  await kv.close();
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
      ["dead", 500, 0],
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
    expect(() => createLmdbKeyValue(copy)).toThrow(REFUSED);
    expect(() => createLmdbKeyValue(copy)).toThrow(`${bytes} bytes`);
    expect(statSync(fileOf(copy)).size).toBe(bytes);
  }
});

test("a file that lacks only pages at its end that nobody uses is whole", async () => {
  const folder = makeFolder();
  const kv = createLmdbKeyValue(folder);
  await kv.transact(() => kv.table("meta").put(["kept"], 1));
  await kv.transact(() => kv.table("reports").put(["run", 1], "y".repeat(200_000)));
  await kv.transact(() => kv.table("reports").remove(["run", 1]));
  for (let commits = 0; commits < 8; commits += 1) {
    await kv.transact(() => kv.table("meta").put(["kept"], commits));
  }
  await kv.close();
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
  const again = createLmdbKeyValue(folder);
  expect(again.table("meta").get(["kept"])).toBe(7);
  await again.transact(() => again.table("reports").put(["run", 1], "y".repeat(200_000)));
  expect(again.table("reports").get(["run", 1])).toHaveLength(200_000);
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
    expect(reportOn(copy)?.find(({ table }) => table === "dead")?.rows).toBe(500);
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
  const kv = createLmdbKeyValue(folder);
  await kv.transact(() => {
    kv.table("meta").put(["needed"], "MARK-OF-NEEDED");
    kv.table("dead").put(["remote", "id-x"], "MARK-OF-LARGE");
    kv.table("mirrorKeys").put(["1", "2", "email", "jane@example.com", "id"], "MARK-OF-HIDDEN");
  });
  await kv.close();
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
  expect(damagedOf(damage("MARK-OF-LARGE"))).toEqual([["dead", "remote, id-x"]]);
  expect(JSON.stringify(damagedOf(damage("MARK-OF-HIDDEN")))).toMatch(/mirrorKeys.*not shown/);
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

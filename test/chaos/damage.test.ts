/** The server and its tools as processes, on a store that was cut or damaged: a sentence and code 1, never a signal. */
import {
  cpSync,
  existsSync,
  mkdtempSync,
  openSync,
  closeSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "../../server/open-store";
import { createLmdbDatabase } from "../../src/storage/database/lmdb";
import { writeRows } from "../fixture/rows";
import { killAll, spawnServer } from "./server-process";
import { runTool, type Said } from "./tool-process";
import { IS_FULL } from "../full";

const PAGE_BYTES = 4096;
const SENTENCE =
  /^The store in .* cannot be read: .* Restore it from a backup .*, or point DATA_DIR to an empty folder/;

let base: string;
let whole: string;

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), "connector-damage-"));
  whole = join(base, "whole");
  const database = createLmdbDatabase(join(whole, "store"));
  await openStore({ database, now: Date.now });
  const rows = Array.from({ length: 2_000 }, (_, row) => [99_999, `notification-${row}`]);
  await writeRows(
    database,
    rows.map((key) => ({ table: "notifications", key, value: "acme.hullapp.io/connector" })),
  );
  await database.close();
});

afterAll(async () => {
  await killAll();
  rmSync(base, { recursive: true, force: true });
});

const fileOf = (folder: string): string => join(folder, "store", "data.mdb");
const markerOf = (folder: string): string => join(folder, "store", "open");

function copyOf(name: string): string {
  const copy = join(base, name);
  cpSync(whole, copy, { recursive: true, filter: (path) => !path.endsWith("lock.mdb") });
  return copy;
}

const tool = (name: "check" | "tenants", folder: string, ...args: readonly string[]) => runTool(name, folder, args);

/** Starts the server, and stops it again if it listens. */
async function tryServer(folder: string): Promise<Said & { readonly isStarted: boolean }> {
  const server = spawnServer({ environment: { DATA_DIR: folder } });
  const isStarted = (await server.port) !== undefined;
  if (isStarted) server.signal("SIGTERM");
  return { isStarted, ...(await server.exit), out: "", err: server.complaints.join("\n") };
}

const CUTS: readonly (readonly [where: string, bytes: number])[] = [
  ["inside its first page", 3_000],
  ["inside a page of rows", 20 * PAGE_BYTES + 11],
];
const MORE_CUTS: typeof CUTS = [
  ["behind its first page", PAGE_BYTES],
  ["behind what it begins with", 2 * PAGE_BYTES],
];

test.each(IS_FULL ? [...CUTS, ...MORE_CUTS] : CUTS)(
  "a file that is cut %s is refused by server and tools, and stays as it is",
  async (name, bytes) => {
    const folder = copyOf(name);
    truncateSync(fileOf(folder), bytes);
    const ends = await Promise.all([tryServer(folder)]);
    ends.push({ ...(await tool("tenants", folder, "list")), isStarted: false });
    ends.push({ ...(await tool("check", folder)), isStarted: false });
    for (const { code, signal, out, err } of ends) {
      expect({ code, signal, out, lines: err.trim().split("\n").length }).toEqual({
        code: 1,
        signal: null,
        out: "",
        lines: 1,
      });
      expect(err).toMatch(SENTENCE);
      expect(err).toContain(`${bytes} bytes`);
    }
    expect(readFileSync(fileOf(folder))).toHaveLength(bytes);
  },
);

test("what is overwritten in the middle of a page that leads to others is found after an unclean stop", async () => {
  const file = readFileSync(fileOf(whole));
  const pages = Array.from({ length: file.length / PAGE_BYTES }, (_, page) => page);
  const branches = pages.filter((page) => page > 1 && file.readUInt16LE(page * PAGE_BYTES + 18) === 1);
  const last = branches.at(-1) ?? 0;
  let refused = 0;
  let seed = 17;
  for (let trial = 0; trial < 3 && refused === 0; trial += 1) {
    const folder = copyOf(`overwritten-${trial}`);
    writeMarker(folder);
    const handle = openSync(fileOf(folder), "r+");
    const junk = Uint8Array.from({ length: 64 }, () => (seed = (seed * 75 + 74) % 65_537) % 256);
    // Nodes are at the end of a page, from its end on.
    writeSync(handle, junk, 0, junk.length, (last + 1) * PAGE_BYTES - 128 - trial * 400);
    closeSync(handle);
    const { code, signal, isStarted, err } = await tryServer(folder);
    expect({ code, signal }).toEqual({ code: isStarted ? 0 : 1, signal: null });
    if (isStarted) continue;
    refused += 1;
    expect(err).toMatch(SENTENCE);
    // The next start looks again.
    expect(existsSync(markerOf(folder))).toBe(true);
    expect(await tool("check", folder)).toMatchObject({ code: 1, signal: null, out: "" });
  }
  expect(refused).toBeGreaterThan(0);
});

test("a killed server starts again, and only a clean end removes the mark of an open store", async () => {
  const folder = copyOf("killed");
  const killed = spawnServer({ environment: { DATA_DIR: folder } });
  await killed.started;
  expect(existsSync(markerOf(folder))).toBe(true);
  const beside = await tool("check", folder);
  expect(beside).toMatchObject({ code: 0, signal: null, err: "" });
  expect(beside.out).toMatch(/^table +rows +damaged\n/);
  expect(beside.out).toMatch(/^notifications +2000 +0$/m);
  killed.signal("SIGKILL");
  await killed.exit;
  expect(existsSync(markerOf(folder))).toBe(true);
  expect(await tryServer(folder)).toMatchObject({ isStarted: true, code: 0, signal: null });
  expect(existsSync(markerOf(folder))).toBe(false);
  expect(await tool("check", folder, "everything")).toMatchObject({ code: 2, out: "" });
});

function writeMarker(folder: string): void {
  closeSync(openSync(markerOf(folder), "w"));
}

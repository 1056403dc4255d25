/** `npm run backup` beside a running server and without one: what is in it, and what it refuses in which words. */
import { connect } from "node:net";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { createAdminClient } from "../../server/cli/client";
import { backup } from "../../server/cli/backup";
import type { ExitCode } from "../../server/cli/tool";
import { openDataFolder } from "../../server/storage/data-folder";
import { createLmdbDatabase } from "../../src/storage/database/lmdb";
import type { Database } from "../../src/storage/database/rows";
import { backUp } from "../../src/storage/data-folder/backup";
import { lockAddress } from "../../src/storage/data-folder/lock-address";
import { mountDisk } from "../chaos/small-disk";
import { useFixtures, type Fixture } from "../fixture/fixture";
import { readRow, writeRow, writeRows } from "../fixture/rows";

const open = useFixtures();
const ADMIN_TOKEN = "admin-token-of-this-house-0001";
let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "backup-"));
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

interface Said {
  readonly code: ExitCode;
  readonly out: string;
  readonly err: string;
}

async function run({ dataDir }: Pick<Fixture, "dataDir">, ...args: readonly string[]): Promise<Said> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await backup(args, {
    environment: { DATA_DIR: dataDir },
    width: 200,
    print: (text) => void out.push(text),
    complain: (text) => void err.push(text),
  });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);
const wanted = (signal = new AbortController().signal): AbortSignal => signal;

test("beside a running server, and without one, it has the form of a data folder and is for this user alone", async () => {
  const fixture = await open();
  const running = join(place, "running");
  expect(await run(fixture, "--to", running)).toMatchObject({
    code: 0,
    err: "",
    out: expect.stringMatching(/secret\.key is in it.*\nTo restore: stop the server.*operate\.md#backup/) as unknown,
  });
  const stopped = join(place, "stopped");
  // One that is there already, and empty, will do; the path may be relative.
  mkdirSync(stopped, { mode: 0o755 });
  const said = await fixture.stopped(() => run(fixture, "--to", relative(process.cwd(), stopped), "--json"));
  expect(said).toMatchObject({ code: 0, err: "" });
  expect(JSON.parse(said.out)).toMatchObject({ folder: stopped, hasKey: true });
  expect(readdirSync(place).toSorted()).toEqual(["running", "stopped"]);
  for (const folder of [running, stopped]) {
    expect(readdirSync(folder, { recursive: true }).toSorted()).toEqual(["secret.key", "store", "store/data.mdb"]);
    expect(["", "store", "store/data.mdb", "secret.key"].map((name) => modeOf(join(folder, name)))).toEqual([
      "700",
      "700",
      "600",
      "600",
    ]);
  }
});

test("where SECRET is a variable it is not written, and said to be needed", async () => {
  const secret = "a secret of this test, long enough";
  const fixture = await open({ environment: { SECRET: secret } });
  // Left from a time when no SECRET was set: the server does not use it.
  writeFileSync(join(fixture.dataDir, "secret.key"), "a former key of some length");
  const folder = join(place, "backup");
  expect(await run(fixture, "--to", folder)).toMatchObject({
    code: 0,
    out: expect.stringContaining("The key is not in it: a restored server needs the same SECRET.") as unknown,
  });
  expect(readdirSync(folder, { recursive: true }).toSorted()).toEqual(["store", "store/data.mdb"]);
});

test("what cannot be a backup is refused in a sentence, and nothing is left of it", async () => {
  const fixture = await open();
  writeFileSync(join(place, "file"), "");
  mkdirSync(join(place, "full"));
  writeFileSync(join(place, "full/file"), "");
  for (const [to, code, words] of [
    [join(place, "full"), 1, /full is not empty\. Name a folder that does not exist yet/],
    [join(place, "missing/backup"), 1, /missing\/backup \(ENOENT\): the folder above it is missing\. Make it/],
    [join(place, "file"), 1, /file \(ENOTDIR\): it is no folder/],
    [join(place, "file/backup"), 1, /file\/backup \(ENOTDIR\): it is no folder/],
    [join(fixture.dataDir, "backup"), 1, /is in the data folder .* Name a folder elsewhere\./],
    [fixture.dataDir, 1, /is in the data folder/],
    ["", 2, /--to <folder>.*\n\nUsage: /],
  ] as const) {
    expect(await run(fixture, "--to", to)).toMatchObject({
      code,
      out: "",
      err: expect.stringMatching(words) as unknown,
    });
  }
  expect(await run(fixture)).toMatchObject({ code: 2 });
  expect(await run(fixture, "--into", place)).toMatchObject({ code: 2 });
  expect(readdirSync(place).toSorted()).toEqual(["file", "full"]);
  expect(existsSync(join(fixture.dataDir, "backup"))).toBe(false);
});

test("only the machine's door has it: on the network there is none, whoever asks", async () => {
  const fixture = await open({ environment: { ADMIN_TOKEN } });
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  for (const method of ["GET", "POST"]) {
    const answer = await fetch(`${fixture.baseUrl}/admin/backup?to=${encodeURIComponent(place)}`, { method, headers });
    expect([method, answer.status, await answer.json()]).toMatchObject([method, 404, { error: { code: "not_found" } }]);
  }
  expect((await fetch(`${fixture.baseUrl}/admin/tenants`, { headers })).status).toBe(200);
  expect(readdirSync(place)).toEqual([]);

  const admin = createAdminClient(() => connect(lockAddress(fixture.dataDir)));
  await expect(admin.backUp("relative/path")).rejects.toThrow("absolute path");
  await expect(admin.backUp(join(place, "unseen"))).rejects.toThrow(/ENOENT.*Name a folder that the server sees/);
  writeFileSync(join(place, "file"), "");
  await expect(admin.backUp(place)).rejects.toThrow("is not empty");
  expect(readdirSync(place)).toEqual(["file"]);
});

describe("the data folder", () => {
  const makeAt = (name: string): string => {
    const path = join(place, name);
    mkdirSync(path);
    return path;
  };

  test("makes one backup at a time, is closed after it, and keeps none that nobody waits for", async () => {
    const folder = await openDataFolder(join(place, "data"), Date.now);
    const first = folder.backUp(makeAt("first"), undefined, wanted());
    await expect(folder.backUp(makeAt("second"), undefined, wanted())).rejects.toThrow("Another backup is being made.");
    await first;
    const gone = new AbortController();
    const unwanted = folder.backUp(makeAt("unwanted"), undefined, gone.signal);
    gone.abort();
    await expect(unwanted).rejects.toThrow(/There is no backup/);
    expect(existsSync(join(place, "unwanted"))).toBe(false);
    const last = folder.backUp(makeAt("last"), undefined, wanted());
    await folder.close();
    await last;
    expect(existsSync(join(place, "last/store/data.mdb"))).toBe(true);
  });

  test("takes no room that the server must keep", async () => {
    const watched = { reserveBytes: 2 ** 60, onChange: () => undefined };
    const folder = await openDataFolder(join(place, "data"), Date.now, undefined, watched);
    const refused = expect(folder.backUp(makeAt("large"), undefined, wanted())).rejects;
    await refused.toThrow(/not enough room .* MIN_FREE_DISK_MB keeps 1152921504606847000 .* on another disk\.$/);
    expect(existsSync(join(place, "large"))).toBe(false);
    await folder.close();
  });

  test("says why the disk refuses, whatever LMDB adds to the system's words", async () => {
    const to = join(place, "refused");
    const storeFile = join(place, "none");
    mkdirSync(to);
    writeFileSync(storeFile, "");
    const backup = () => Promise.reject(new Error("No space left on device: Attempting to setup locks after open"));
    const options = { storeFile, keyFile: undefined, reserveBytes: 0, signal: wanted() };
    await expect(backUp(to, { database: { backup }, ...options })).rejects.toThrow(
      /: ENOSPC, no space left .*Free some/,
    );
  });

  const disk = mountDisk(1);
  afterAll(() => disk?.close());

  test("leaves no half of a file when the copy breaks off, and goes on", async () => {
    const database = createLmdbDatabase(join(place, "data"));
    const rows = Array.from({ length: 2_000 }, (_, at) => ({ table: "rows", key: [at], value: "x".repeat(1_000) }));
    await writeRows(database, rows);
    const to = join(disk === undefined ? place : dirname(disk.dataDir), "backup");
    mkdirSync(to);
    // Smaller than the store, so that it is tried although there is no room.
    const storeFile = join(place, "small");
    writeFileSync(storeFile, "");
    const inTheWay = (folder: string): Promise<void> => {
      writeFileSync(join(folder, "data.mdb"), "");
      return database.backup(folder);
    };
    const options = { storeFile, keyFile: undefined, reserveBytes: 0, signal: wanted() };
    const copy = backUp(to, { database: disk === undefined ? { backup: inTheWay } : database, ...options });
    const words = disk === undefined ? /: EEXIST, .*DATA_DIR as it is/ : /: ENOSPC, no space left .*Free some space/;
    await expect(copy).rejects.toThrow(words);
    expect(existsSync(to)).toBe(false);
    await writeRow(database, "rows", [1], "y");
    mkdirSync(join(place, "whole"));
    await expect(backUp(join(place, "whole"), { database, ...options })).resolves.toMatchObject({ hasKey: false });
    await database.close();
  });
});

const roundOf = async (database: Database, table: string): Promise<number> =>
  Number((await readRow(database, table, ["round"])) ?? 0);

test("a copy is one moment of the database, while it is written all the time", async () => {
  const database = createLmdbDatabase(join(place, "data"));
  const state = { writing: true };
  let round = 0;
  const writer = (async () => {
    while (state.writing) {
      round += 1;
      await writeRows(database, [
        { table: "left", key: ["round"], value: round },
        ...Array.from({ length: 200 }, (_, at) => ({ table: "left", key: ["row", round, at], value: round })),
        { table: "right", key: ["round"], value: round },
      ]);
    }
  })();
  for (const name of ["one", "two", "three"]) {
    const known = await roundOf(database, "left");
    mkdirSync(join(place, name));
    await database.backup(join(place, name));
    const copy = createLmdbDatabase(join(place, name));
    const at = await roundOf(copy, "left");
    expect(at).toBeGreaterThanOrEqual(known);
    expect(await roundOf(copy, "right")).toBe(at);
    expect(await copy.read((rows) => rows.size("left", ["row"]))).toBe(200 * at);
    await copy.close();
  }
  state.writing = false;
  await writer;
  await database.close();
});

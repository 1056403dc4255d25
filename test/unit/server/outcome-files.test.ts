/** Files of outcomes: which hours they hold, in which order, and how they go on after a stop or a full disk. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { createOutcomeFiles } from "../../../server/routes/outcomes/files";
import { planhatFace } from "../../../src/services/planhat/face";
import { OUTCOMES } from "../../../src/services/planhat/reasons";
import { createMemoryDatabase } from "../../../src/storage/database/memory";
import type { Store } from "../../../src/storage/port/store";
import { LANE, skip, tenantRow } from "../storage/builders";
import { DAY_MS, MINUTE_MS, openStore } from "../storage/fixture";

const HOUR_MS = 60 * MINUTE_MS;
/** 22:30 of a day. */
const BEGIN_MS = Date.parse("2026-03-01T22:30:00Z");
const NEIGHBOUR = { ...LANE, tenant: "planhat/127.0.0.1:80/.." };

const clock = { nowMs: BEGIN_MS };
let folder: string;
let store: Store;
beforeEach(async () => {
  clock.nowMs = BEGIN_MS;
  folder = mkdtempSync(join(tmpdir(), "outcomes-"));
  store = await openStore({ database: createMemoryDatabase(), now: () => clock.nowMs });
  await store.saveTenant(tenantRow());
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const open = (keptMs = 8 * DAY_MS): (() => Promise<void>) =>
  createOutcomeFiles({
    ...{ store, folder, keptMs, now: () => clock.nowMs, isEnding: () => false },
    meaningOf: (service) => (service === "planhat" ? { face: planhatFace, outcomes: OUTCOMES } : undefined),
  });

/** Messages that end now. */
const end = (...hullIds: readonly string[]): Promise<unknown> =>
  store.accept(hullIds.map((hullId) => skip({ hullId, id: `m/${hullId}` })));

const files = (): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();

const idsIn = (file: string): readonly string[] =>
  gunzipSync(readFileSync(join(folder, file)))
    .toString()
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as { hull_id: string }).hull_id);

test("an hour is a file once it is over, its lines in order; one without any has none, and nothing is written twice", async () => {
  const write = open();
  await end("a1", "a2");
  clock.nowMs += 20 * MINUTE_MS;
  await end("a3");
  clock.nowMs = Date.parse("2026-03-01T23:04:59Z");
  await write();
  expect(files()).toEqual([]);
  clock.nowMs += MINUTE_MS;
  await write();
  expect(files()).toEqual(["planhat/org/c1/2026-03-01/22.ndjson.gz"]);
  expect(idsIn("planhat/org/c1/2026-03-01/22.ndjson.gz")).toEqual(["a1", "a2", "a3"]);
  expect(statSync(join(folder, "planhat/org/c1/2026-03-01/22.ndjson.gz")).mode & 0o777).toBe(0o600);
  clock.nowMs += 2 * HOUR_MS;
  await end("a4");
  clock.nowMs += HOUR_MS;
  writeFileSync(join(folder, "planhat/org/c1/2026-03-01/22.ndjson.gz"), "mine");
  // Another process goes on where this one was.
  await open()();
  await write();
  expect(files()).toEqual(["planhat/org/c1/2026-03-01/22.ndjson.gz", "planhat/org/c1/2026-03-02/01.ndjson.gz"]);
  expect(readFileSync(join(folder, "planhat/org/c1/2026-03-01/22.ndjson.gz"), "utf8")).toBe("mine");
});

test("what cannot be written is written later, and holds up no other connector; no name leaves the folder", async () => {
  await store.saveTenant(tenantRow({ key: NEIGHBOUR.tenant, organization: "127.0.0.1:80", connectorId: ".." }));
  await store.saveTenant(tenantRow({ key: "gone/org/c1", connectorId: "c9" }));
  await end("a1");
  await store.accept([skip({ hullId: "b1", lane: NEIGHBOUR })]);
  clock.nowMs += 2 * HOUR_MS;
  mkdirSync(join(folder, "planhat"));
  writeFileSync(join(folder, "planhat/org"), "in the way");
  const write = open();
  await expect(write()).rejects.toThrow(/ENOTDIR|EEXIST/);
  expect(files()).toEqual(["planhat/127.0.0.1%3A80/%2E%2E/2026-03-01/22.ndjson.gz", "planhat/org"]);
  rmSync(join(folder, "planhat/org"));
  await write();
  expect(idsIn("planhat/org/c1/2026-03-01/22.ndjson.gz")).toEqual(["a1"]);
});

test("hours that are half forgotten are left out", async () => {
  await end("a1");
  clock.nowMs += HOUR_MS;
  await end("a2");
  clock.nowMs += 23 * HOUR_MS;
  await open(DAY_MS)();
  expect(files()).toEqual(["planhat/org/c1/2026-03-01/23.ndjson.gz"]);
});

test("a folder that is not there, such as that of a disk that is not mounted, is not made", async () => {
  await end("a1");
  clock.nowMs += 2 * HOUR_MS;
  rmSync(folder, { recursive: true });
  const write = open();
  await expect(write()).rejects.toThrow(/ENOENT/);
  mkdirSync(join(folder, "planhat/org/c1/2026-03-01"), { recursive: true });
  writeFileSync(join(folder, "planhat/org/c1/2026-03-01/22.left.part"), "half");
  await write();
  expect(files()).toEqual(["planhat/org/c1/2026-03-01/22.ndjson.gz"]);
});

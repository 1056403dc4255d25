/**
 * Whether what is kept of a fetch grows with the records that it lists. What is counted is what is left after everything
 * unreachable was collected, at an early page and at the last: the ids are so long that one kept text for each record
 * would be noticed beside all that a process keeps anyway.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { runFetch, type FetchOptions } from "../../../src/engine/fetch/fetch";
import type { Connection, ListedRecord } from "../../../src/services/connection";
import { ENDUSERS } from "../../../src/services/planhat/object-types";
import { createLmdbDatabase } from "../../../src/storage/database/lmdb";
import type { Lane, Store } from "../../../src/storage/port/store";
import { openStore, START_MS } from "../storage/fixture";
import { createFakeService, fakeConnection, remoteRecord, type FakeSettings } from "./fake-service";

const PAGES = 8;
/** What a fetch needs at all is there by then. */
const FIRST = 1;
const ROWS = 400;
const ID_LENGTH = 1_000;
/** Bytes of the ids that are shown between the second page and the last. */
const TEXTS = (PAGES - 1 - FIRST) * ROWS * ID_LENGTH;
/** Hashes of them, in a table that may have just grown, are a thirtieth. */
const MOST_KEPT = 0.5;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fetch-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Bytes that are in use, V8's own and buffers. */
function inUse(): number {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const row = (index: number): ListedRecord => {
  const id = `${index}`.padStart(ID_LENGTH, "-");
  const attributes = [{ field: "name", attribute: "planhat/name", value: `Name ${index}` }];
  return { id, record: remoteRecord(id), claims: {}, attributes, updatedAtMs: START_MS - 86_400_000 };
};

const page = (number: number): readonly ListedRecord[] =>
  Array.from({ length: ROWS }, (_, index) => row(number * ROWS + index));

/** A fetch of the whole list. @returns bytes that are kept at its last page more than at its second one */
async function growth(store: Store, lane: Lane, id: string): Promise<number> {
  const used: number[] = [];
  const list: Connection["list"] = (_, __, next = "0") => {
    const number = Number(next);
    if (number === FIRST || number === PAGES - 1) used.push(inUse());
    return Promise.resolve({ rows: page(number), ...(number + 1 < PAGES && { next: String(number + 1) }) });
  };
  const { run } = await store.beginRun({ ...lane, id, kind: "fetch", type: ENDUSERS.name, options: {} }, false);
  const options: FetchOptions<FakeSettings> = {
    ...{ store, lane, type: ENDUSERS, settings: { host: "one" }, settleMs: 0, now: () => START_MS },
    service: createFakeService(),
    connection: fakeConnection({ list }),
    firehose: { send: (items) => Promise.resolve(items.map(() => ({ state: "accepted" }))), close: () => undefined },
    ...{ retry: { baseMs: 1, capMs: 1 }, signal: new AbortController().signal },
    ...{ onRows: () => undefined, onProgress: () => undefined, onWarning: () => undefined },
  };
  expect(await runFetch(options, run, await store.lastRun(lane.tenant, "fetch", ENDUSERS.name))).toBeUndefined();
  expect(await store.changeRun(id, { state: "success" })).toMatchObject({ done: PAGES * ROWS });
  return (used[1] ?? NaN) - (used[0] ?? NaN);
}

test("what is kept of a fetch does not grow with the records that it lists", async () => {
  const store = await openStore({ database: createLmdbDatabase(folder), now: () => START_MS });
  // What a process keeps anyway: code, caches, LMDB's buffers.
  await growth(store, { tenant: "a", remote: "a" }, "a");
  const kept: number[] = [];
  // A further list of the same remote would take the place of the one before.
  for (const name of ["b", "c"]) kept.push(await growth(store, { tenant: name, remote: name }, name));
  // What grows with the records does so each time; what else a process allocates meanwhile does not.
  expect(Math.min(...kept)).toBeLessThan(MOST_KEPT * TEXTS);
  await store.close();
});

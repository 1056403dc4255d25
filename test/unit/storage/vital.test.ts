/** Rows on which all others depend: a damaged one is said, and never replaced by a guess. */
import { open } from "lmdb";
import { createLmdbDatabase, MOST_TABLES } from "../../../src/storage/database/lmdb";
import { LANE, update } from "./builders";
import { openStore, setUpDatabases } from "./fixture";

const { makeFolder } = setUpDatabases();
const now = (): number => 1_750_000_000_000;

/** Replaces a plain value past our own code; what takes its place can be read as well as what was there. */
async function replace(path: string, table: string, change: (value: unknown, key: unknown) => unknown): Promise<void> {
  const root = open({ path, maxDbs: MOST_TABLES });
  const rows = root.openDB<unknown, string>({ name: table, encoding: "msgpack" });
  for (const { key, value } of [...rows.getRange({})]) await rows.put(key, change(value, key));
  await root.close();
}

async function filled(): Promise<string> {
  const path = makeFolder();
  const store = await openStore({ database: createLmdbDatabase(path), now });
  await store.accept([update({ id: "c1", hullId: "a1" })]);
  await store.close();
  return path;
}

test("a format that is another one now refuses the store", async () => {
  const path = await filled();
  await replace(path, "meta", (value, key) => (key === "format" ? Number(value) - 1 : value));
  const database = createLmdbDatabase(path);
  await expect(openStore({ database, now })).rejects.toThrow(/"meta" cannot be read/);
  await database.close();
});

test("a counter that is another one now refuses the store", async () => {
  const path = await filled();
  await replace(path, "meta", (value, key) => (key === "openings" ? 0 : value));
  const database = createLmdbDatabase(path);
  await expect(openStore({ database, now })).rejects.toThrow(/"meta" cannot be read/);
  await database.close();
});

test("a counter that is another one now stops what counts with it, and does not begin again", async () => {
  const path = await filled();
  await replace(path, "meta", (value, key) => (key === "remotes" ? 0 : value));
  const database = createLmdbDatabase(path);
  const store = await openStore({ database, now });
  const elsewhere = { ...LANE, remote: "org|planhat|t2" };
  await expect(store.accept([update({ id: "c2", hullId: "a2", lane: elsewhere })])).rejects.toThrow(
    /"meta" cannot be read/,
  );
  expect(await store.depth(LANE)).toMatchObject({ outbox: 1 });
  await database.close();
});

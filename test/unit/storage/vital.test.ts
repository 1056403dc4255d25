/** Rows on which all others depend: a damaged one is said, and never replaced by a guess. */
import { open } from "lmdb";
import { createEmbeddedStore } from "../../../src/storage/embedded";
import { createLmdbKeyValue, MOST_TABLES } from "../../../src/storage/database/lmdb";
import { LANE, update } from "./builders";
import { setUpDatabases } from "./fixture";

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
  const store = await createEmbeddedStore({ kv: createLmdbKeyValue(path), now });
  await store.accept([update({ id: "c1", hullId: "a1" })]);
  await store.close();
  return path;
}

test("a word of keys that is another one now refuses the store", async () => {
  const path = await filled();
  await replace(path, "names", (word) => `${String(word).slice(0, -1)}~`);
  const kv = createLmdbKeyValue(path);
  await expect(createEmbeddedStore({ kv, now })).rejects.toThrow(/"names" cannot be read/);
  await kv.close();
});

test("a counter that is another one now stops what counts with it, and does not begin again", async () => {
  const path = await filled();
  await replace(path, "meta", (value, key) => (key === "seq" ? 7_000 : value));
  const kv = createLmdbKeyValue(path);
  const store = await createEmbeddedStore({ kv, now });
  await expect(store.accept([update({ id: "c2", hullId: "a2" })])).rejects.toThrow(/"meta" cannot be read/);
  expect(await store.depth(LANE)).toMatchObject({ outbox: 1 });
  await kv.close();
});

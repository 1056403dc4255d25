/**
 * A day of history: pages read a bounded number of rows however long it is, it takes as much of the disk as the documents
 * say, and goes after its days. With TEST_FULL=1 there are 100,000 messages an hour.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import range from "lodash/range";
import { createLmdbDatabase } from "../../../src/storage/database/lmdb";
import type { Database } from "../../../src/storage/database/rows";
import type { HistoryPage } from "../../../src/storage/port/store";
import { HISTORY } from "../../../src/storage/tables/tables";
import { inSync, LANE, skip, tenantRow } from "./builders";
import { DAY_MS, MINUTE_MS, openStore, setUpDatabases, START_MS } from "./fixture";
import { IS_FULL } from "../../full";

const PER_HOUR = IS_FULL ? 100_000 : 600;
const HOUR_MS = 60 * MINUTE_MS;
const RECORDS = PER_HOUR / 10;
/** Of a notification. */
const TOGETHER = 100;
/** Bytes of an outcome that changed nothing, as docs/operations/install.md says. */
const MOST_BYTES = 80;
const RARE = { type: "companies", outcome: "skipped", code: "outside_account_segments" } as const;

const { makeFolder } = setUpDatabases();

/** A database that counts the values that it reads. */
function counting(database: Database): { readonly database: Database; readonly reads: () => number } {
  let reads = 0;
  return {
    reads: () => reads,
    database: {
      ...database,
      read: (work) =>
        database.read((rows) =>
          work({
            get: (table, key) => {
              reads += 1;
              return rows.get(table, key);
            },
            *range(...given) {
              for (const row of rows.range(...given)) {
                reads += 1;
                yield row;
              }
            },
            size: (...given) => rows.size(...given),
          }),
        ),
    },
  };
}

const idOf = (record: number): string => record.toString(16).padStart(24, "5");

test("pages of a day read few rows, the store grows as said, and nothing is left after its days", async () => {
  const folder = makeFolder();
  const clock = { nowMs: START_MS };
  const { database, reads } = counting(createLmdbDatabase(folder));
  const store = await openStore({ database, now: () => clock.nowMs });
  await store.saveTenant(tenantRow());
  await store.assign(LANE.tenant, LANE.remote, "f");
  const bytes = (): number => statSync(join(folder, "data.mdb")).size;
  let [messages, before] = [0, 0];
  for (const hour of range(24)) {
    // The rarest reason, at the beginning of the day.
    if (hour === 1) await store.accept(range(3).map((id) => skip({ hullId: `rare${id}`, id: `rare${id}` })));
    if (hour === 2) before = bytes();
    for (const part of range(PER_HOUR / TOGETHER)) {
      const version = START_MS + hour * HOUR_MS + part;
      clock.nowMs = version;
      const together = range(TOGETHER).map((index) => {
        messages += 1;
        const hullId = idOf((part * TOGETHER + index) % RECORDS);
        return inSync({ hullId, id: `${messages}`.padStart(40, "m"), version }, 0);
      });
      await store.accept(together);
      clock.nowMs = START_MS + hour * HOUR_MS + Math.floor(((part + 1) * HOUR_MS) / (PER_HOUR / TOGETHER)) - 1;
    }
  }

  const costOf = async (ask: () => Promise<unknown>): Promise<number> => {
    const earlier = reads();
    await ask();
    return reads() - earlier;
  };
  const { tenant } = LANE;
  let rare: HistoryPage = { lines: [] };
  expect(await costOf(async () => (rare = await store.history({ tenant, ...RARE, limit: 200 })))).toBeLessThan(20);
  expect(rare.lines).toHaveLength(3);
  expect(await costOf(() => store.history({ tenant, limit: 200 }))).toBeLessThan(20);
  const [newest] = (await store.history({ tenant, limit: 1 })).lines;
  const record = { type: "companies", hullId: newest?.hullId ?? "" };
  let timeline: readonly unknown[] = [];
  expect(await costOf(async () => (timeline = await store.timeline(LANE, record, 30)))).toBeLessThan(40);
  expect(timeline).toHaveLength(30);

  const rows = (): Promise<number> => database.read((all) => all.size(HISTORY.name, []));
  expect(await rows()).toBe((24 * PER_HOUR) / TOGETHER + 1);
  const perMessage = (bytes() - before) / (22 * PER_HOUR);
  expect(perMessage).toBeLessThan(MOST_BYTES);

  clock.nowMs += 8 * DAY_MS;
  while ((await store.housekeep(30 * DAY_MS, 8 * DAY_MS)) > 0);
  const left = await rows();
  // What is younger than eight days stays: the last moments.
  expect(left).toBeLessThan(PER_HOUR / TOGETHER);
  clock.nowMs += HOUR_MS;
  while ((await store.housekeep(30 * DAY_MS, 8 * DAY_MS)) > 0);
  expect([await rows(), await database.read((all) => all.size(`${HISTORY.name}.reasons`, []))]).toEqual([0, 0]);
  await store.close();
});
